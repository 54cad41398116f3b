# SPDX-License-Identifier: Apache-2.0
"""The jeton command against a small HTTP server of the test's own, which does what a jetond seldom
does.

The whole service is covered by tests/e2e; here the server is scripted: unavailable, slow, broken
off, answering nonsense.
JETON_BIN_DIR names the directory of the programs (./runtests sets it).
"""

import csv
import http.server
import io
import json
import os
import re
import signal
import socketserver
import subprocess
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JETON = Path(os.environ.get("JETON_BIN_DIR", ".")).resolve() / "jeton"
KEY = "jck_app_" + "0" * 52
TIMEOUT_S = 60

pytestmark = pytest.mark.skipif(
    not JETON.exists(), reason="JETON_BIN_DIR must name the directory of jeton"
)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one segment, or TCP's delayed acknowledgement makes each request take 40 ms.
    wbufsize = 1 << 16

    def log_message(self, *args):
        pass

    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        script = self.server.script
        with script.lock:
            script.requests.append((self.command, self.path, dict(self.headers), body))
            script.connections.add(self.client_address)
            number = len(script.requests)
        reply = script.reply(number, self.command, self.path, json.loads(body) if body else None)
        if reply is None:  # hang up without an answer
            self.close_connection = True
            return
        status, payload, headers = (*reply, {})[:3]
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.send_response(status)
        self.send_header(
            "Content-Type", "application/json" if status < 400 else "application/problem+json"
        )
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64


class Script:
    """A running server; `reply(number, method, path, body)` gives (status, payload[, headers]) or
    None.
    """

    def __init__(self, directory):
        self.lock = threading.Lock()
        self.requests, self.connections = [], set()
        self.directory = directory
        self.reply = vault
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.script = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.key_file = directory / "app.key"
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(KEY + "\n")
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def start(self, *arguments, env=None, **kwargs):
        environment = {
            "PATH": os.environ["PATH"],
            "JETON_URL": self.url,
            "JETON_KEY_FILE": str(self.key_file),
            "LC_ALL": "C",
            **(env or {}),
        }
        return subprocess.Popen(
            [JETON, *map(str, arguments)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **kwargs,
        )

    def jeton(self, *arguments, status=0, **kwargs):
        process = self.start(*arguments, **kwargs)
        out, err = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == status, (process.returncode, err)
        assert KEY[8:] not in out + err
        process.out, process.err = out, err
        return process

    def file(self, name, contents=None):
        path = self.directory / name
        if contents is not None:
            path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return path

    def tokenize(self, contents, *options, verb="tokenize", column="pan", status=0, **kwargs):
        """Returns (process, output or None, [(line, reason)] or None)."""
        source, out, rejects = (
            self.file("in.csv", contents),
            self.file("out.csv"),
            self.file("rejects.csv"),
        )
        for path in (out, rejects):
            path.unlink(missing_ok=True)
        process = self.jeton(
            verb,
            "--field",
            "pan",
            "--column",
            column,
            "--in",
            source,
            "--out",
            out,
            "--rejects",
            rejects,
            *options,
            status=status,
            **kwargs,
        )
        assert not list(self.directory.glob("*.part"))
        if not out.exists():
            assert not rejects.exists()
            return process, None, None
        with open(rejects, newline="", encoding="ascii") as file:
            rows = list(csv.reader(file))
        assert rows[0] == ["line", "reason"]
        return process, out.read_bytes(), [(int(line), reason) for line, reason in rows[1:]]


def token_of(pan):
    return "jtk_" + "".join("abcdefghjk"[int(d)] for d in pan)


def pan_of(token):
    return "".join(str("abcdefghjk".index(c)) for c in token[4:])


def problem(status, name, **headers):
    return (
        status,
        {
            "type": f"urn:jeton:problem:{name}",
            "title": name.title(),
            "status": status,
            "detail": "In the test.",
        },
        headers,
    )


def vault(_number, _method, path, body):
    """What a jetond would answer, near enough."""
    results = []
    for item in body["items"]:
        if path.endswith("/tokenize"):
            good = re.fullmatch("[0-9]{12,19}", item["pan"])
            results.append(
                {"status": 200, "token": token_of(item["pan"])}
                if good
                else {"status": 422, "type": "urn:jeton:problem:pan-not-digits", "title": "t"}
            )
        else:
            good = re.fullmatch("jtk_[a-k]{12,19}", item["token"])
            results.append(
                {"status": 200, "pan": pan_of(item["token"])}
                if good
                else {"status": 404, "type": "urn:jeton:problem:token-unknown", "title": "t"}
            )
    return 200, {"results": results}


@pytest.fixture
def script(tmp_path):
    script = Script(tmp_path)
    yield script
    script.close()


def card_file(n):
    return "id,pan\n" + "".join(f"{i},{400000000000 + i}\n" for i in range(n))


def expected(n):
    return (
        "id,pan\n" + "".join(f"{i},{token_of(str(400000000000 + i))}\n" for i in range(n))
    ).encode()


# --- card files ---


def test_there_and_back_in_many_small_batches(script):
    process, out, rejects = script.tokenize(card_file(999), "--batch", 7, "--connections", 5)
    assert out == expected(999) and rejects == []
    assert (
        "999 rows" in process.err
        and "999 accepted, 0 rejected, 0 retries" in process.err
        and process.out == ""
    )
    assert len(script.requests) == -(-999 // 7)
    assert len(script.connections) <= 5  # kept alive
    _, back, _ = script.tokenize(out, "--batch", 100, verb="detokenize")
    assert back.decode() == card_file(999)


def test_order_is_kept_when_answers_overtake_each_other(script):
    gate = threading.Event()

    def reply(number, method, path, body):
        if number == 1:
            gate.wait(TIMEOUT_S)
        elif number >= 6:  # the others were not held up by the first
            gate.set()
        return vault(number, method, path, body)

    script.reply = reply
    _, out, _ = script.tokenize(card_file(100), "--batch", 10, "--connections", 3)
    assert out == expected(100)


def test_requests_are_what_the_api_describes(script):
    script.tokenize("pan\n4111111111111111\n")
    method, path, headers, body = script.requests[0]
    assert (method, path) == ("POST", "/v1/fields/pan/tokenize")
    assert (
        headers["Authorization"] == f"Bearer {KEY}"
        and headers["Content-Type"] == "application/json"
    )
    assert "Expect" not in headers and "Transfer-Encoding" not in headers
    assert json.loads(body) == {"items": [{"pan": "4111111111111111"}]}


def test_files_are_private_and_the_header_is_kept(script):
    _, out, _ = script.tokenize(b'\xef\xbb\xbf"pan",note\r\n"411111111111","a ""b"", c"\r\n')
    assert (
        out
        == b'\xef\xbb\xbf"pan",note\r\n' + token_of("4" + "1" * 11).encode() + b',"a ""b"", c"\r\n'
    )
    for name in ("out.csv", "rejects.csv"):
        assert script.file(name).stat().st_mode & 0o777 == 0o600


def test_empty_files(script):
    assert script.tokenize("pan\n")[1:] == (b"pan\n", [])
    assert script.tokenize("pan")[1:] == (b"pan", [])
    process, out, _ = script.tokenize("", status=1)
    assert out is None and "no header" in process.err
    assert not script.requests


def test_columns_that_are_not_there(script):
    assert (
        "no column is called card"
        in script.tokenize("id,pan\n1,2\n", column="card", status=1)[0].err
    )
    assert "more than one column" in script.tokenize("pan,pan\n1,2\n", status=1)[0].err


def test_rejects_name_line_and_reason_and_the_value_nowhere(script):
    secret = "4111-1111-9876"
    process, out, rejects = script.tokenize(
        f'pan,n\n411111111111,a\n{secret},b\n"x\ny",c\nz\n422222222222,d\n'
    )
    assert rejects == [(3, "pan-not-digits"), (4, "pan-not-digits"), (6, "csv-field-count")]
    assert out.count(b"\n") == 3
    everything = (
        process.err
        + process.out
        + "".join(p.read_text(errors="replace") for p in script.directory.glob("rejects*"))
    )
    assert secret not in everything and "9876" not in everything
    assert re.search(r"pan-not-digits +2\b", process.err)
    script.tokenize("pan\nx\n", "--fail-on-reject", status=1)


@pytest.mark.parametrize("batch", [1, 1000])
def test_a_quote_never_closed_ends_the_job_and_leaves_no_file(script, batch):
    process, out, _ = script.tokenize(
        'pan,n\n411111111111,a\n422222222222,"b\n433333333333,c\n', "--batch", batch, status=1
    )
    assert out is None
    assert (
        "line 3 of the input: the quoted field that begins there is never closed" in process.err
        and "is not written" in process.err
    )
    process, out, _ = script.tokenize('pan,"n\n411111111111,a\n', status=1)
    assert (
        out is None and "line 1: the quoted field that begins there is never closed" in process.err
    )


def test_progress_on_request(script):
    process, _, _ = script.tokenize(
        card_file(2000), "--batch", 20, "--connections", 1, "--progress"
    )
    assert (
        "[########################] 100%" in process.err
        and "rows/s" in process.err
        and "ETA" in process.err
    )
    process, _, _ = script.tokenize(card_file(2000))
    assert "[" not in process.err


def test_unavailable_is_repeated_as_the_server_wishes(script):
    times = []

    def reply(number, method, path, body):
        times.append(time.monotonic())
        return (
            problem(503, "unavailable", **{"Retry-After": "1"})
            if number == 1
            else vault(number, method, path, body)
        )

    script.reply = reply
    process, out, _ = script.tokenize(card_file(5))
    assert out == expected(5) and "1 retries" in process.err
    assert times[1] - times[0] >= 0.95


def test_broken_connections_are_repeated(script):
    script.reply = lambda number, *rest: None if number in (1, 2, 5) else vault(number, *rest)
    process, out, _ = script.tokenize(card_file(50), "--batch", 10, "--connections", 2)
    assert out == expected(50)
    assert re.search(
        "[23] retries", process.err
    )  # libcurl itself repeats one that a kept connection broke off


def test_rows_that_are_unavailable_are_asked_again_alone(script):
    def reply(number, method, path, body):
        status, payload = vault(number, method, path, body)
        if number == 1:
            payload["results"][1] = {
                "status": 503,
                "type": "urn:jeton:problem:unavailable",
                "title": "t",
            }
        return status, payload

    script.reply = reply
    _, out, _ = script.tokenize(card_file(3))
    assert out == expected(3)
    assert [len(json.loads(r[3])["items"]) for r in script.requests] == [3, 1]


def test_the_end_of_patience_is_69_and_leaves_no_file(script):
    script.reply = lambda *_: problem(503, "unavailable")
    process, out, _ = script.tokenize(card_file(5), "--retry-for", 1, status=69)
    assert out is None
    assert (
        "Unavailable: In the test. (urn:jeton:problem:unavailable)" in process.err
        and "stopped after 0 rows" in process.err
    )
    script.reply = lambda *_: None
    script.tokenize(card_file(5), "--retry-for", 0, status=69)
    script.jeton(
        "tokenize",
        "--field",
        "pan",
        "--column",
        "pan",
        "--in",
        script.file("in.csv"),
        "--out",
        script.file("o"),
        "--rejects",
        script.file("r"),
        "--retry-for",
        0,
        env={"JETON_URL": "http://127.0.0.1:1"},
        status=69,
    )


@pytest.mark.parametrize(
    "status, name, code",
    [
        (401, "unauthorized", 77),
        (403, "forbidden", 77),
        (404, "field-unknown", 2),
        (413, "too-many-items", 2),
        (500, "internal", 2),
        (400, "malformed-json", 2),
    ],
)
def test_refusals_end_the_job_at_once(script, status, name, code):
    script.reply = lambda *_: problem(status, name)
    process, out, _ = script.tokenize(card_file(5), status=code)
    assert out is None and len(script.requests) == 1
    assert f"jeton: {name.title()}: In the test. (urn:jeton:problem:{name})\n" in process.err


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"nonsense",
        b"[]",
        {"results": []},
        {"results": [{"status": 200, "token": "a,b"}]},
        {"results": [{"status": 200}]},
        {"results": [{"status": 200, "token": "t"}] * 2},
    ],
    ids=str,
)
def test_nonsense_is_never_written(script, payload):
    script.reply = lambda *_: (200, payload)
    process, out, _ = script.tokenize("pan\n411111111111\n", status=1)
    assert out is None and "does not fit" in process.err


def test_a_huge_answer_is_cut_off(script):
    script.reply = lambda *_: (200, b"x" * (17 << 20))
    process, out, _ = script.tokenize("pan\n411111111111\n", status=1)
    assert out is None and "longer than" in process.err


def test_an_answer_cannot_write_on_the_terminal(script):
    script.reply = lambda *_: (
        400,
        {"type": "urn:x:\x1b[2J", "title": "a\nb\x1b[31m\u009b", "detail": "\r"},
    )
    process, _, _ = script.tokenize("pan\n1\n", status=2)
    assert "\x1b" not in process.err and "\r" not in process.err and "\u009b" not in process.err
    assert len(process.err.splitlines()) == 2


def test_an_interrupted_job_leaves_nothing_behind(script):
    held = threading.Event()

    def reply(*_):
        held.set()
        time.sleep(TIMEOUT_S)

    script.reply = reply
    script.file("in.csv", card_file(10))
    process = script.start(
        "tokenize",
        "--field",
        "pan",
        "--column",
        "pan",
        "--in",
        script.file("in.csv"),
        "--out",
        script.file("out.csv"),
        "--rejects",
        script.file("rejects.csv"),
    )
    assert held.wait(TIMEOUT_S)
    assert script.file("out.csv.part").exists()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == -signal.SIGINT
    assert sorted(p.name for p in script.directory.iterdir()) == ["app.key", "in.csv"]


def test_a_signal_ends_the_wait_for_input(script):
    os.mkfifo(script.file("fifo"))
    process = script.start(
        "tokenize",
        "--field",
        "pan",
        "--column",
        "pan",
        "--in",
        script.file("fifo"),
        "--out",
        script.file("out.csv"),
        "--rejects",
        script.file("rejects.csv"),
    )
    with open(script.file("fifo"), "wb") as fifo:
        fifo.write(b"pan\n411111111111\n")
        fifo.flush()
        deadline = time.monotonic() + TIMEOUT_S
        while not script.file("rejects.csv.part").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == -signal.SIGTERM
    assert not list(script.directory.glob("*.part"))


def test_files_that_must_differ(script):
    source = script.file("in.csv", "pan\n1\n")
    common = ["tokenize", "--field", "pan", "--column", "pan", "--in", source]
    script.jeton(*common, "--out", source, "--rejects", script.file("r"), status=64)
    script.jeton(*common, "--out", script.file("o"), "--rejects", script.file("o"), status=64)
    for name in ("o", "o.part"):  # the second is where --out o is written first
        script.file(name).symlink_to(source)
        script.jeton(*common, "--out", script.file("o"), "--rejects", script.file("r"), status=64)
        script.jeton(*common, "--out", script.file("x"), "--rejects", script.file("o"), status=64)
        script.file(name).unlink()
    part = script.file("y.part", "pan\n1\n")
    script.jeton(
        "tokenize",
        "--field",
        "pan",
        "--column",
        "pan",
        "--in",
        part,
        "--out",
        script.file("y"),
        "--rejects",
        script.file("r"),
        status=64,
    )
    assert source.read_text() == part.read_text() == "pan\n1\n"


def test_no_proxy_and_no_plain_http_to_elsewhere(script):
    _, out, _ = script.tokenize(
        card_file(1), env={"http_proxy": "http://127.0.0.1:1", "all_proxy": "http://127.0.0.1:1"}
    )
    assert out == expected(1)
    process, _, _ = script.tokenize(
        card_file(1), env={"JETON_URL": "http://jeton.example"}, status=64
    )
    assert "https" in process.err


# Fields with everything that CSV can hold, written by Python's own csv module.
fields = st.text(st.sampled_from('ab ,"\r\n\u00e9;'), max_size=6)
cards = st.from_regex("[0-9]{12,19}", fullmatch=True)


@settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.tuples(fields, cards, fields), max_size=20),
    st.sampled_from([("\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL)]),
)
def test_what_other_programs_write_and_read(script, rows, dialect):
    line_end, quoting = dialect
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)
    writer.writerows([("first", "pan", "last"), *rows])
    _, out, rejects = script.tokenize(text.getvalue(), "--batch", 3)
    assert rejects == []
    read = list(csv.reader(io.StringIO(out.decode(), newline="")))
    assert read == [["first", "pan", "last"], *([a, token_of(p), b] for a, p, b in rows)]


# --- single requests ---


def test_field_add_sends_what_was_asked(script):
    script.reply = lambda *_: (
        201,
        {"name": "pan", "id": 1, "kind": "pan", "dedup": True, "allow_bad_luhn": False},
    )
    script.jeton("field", "add", "pan", "--no-dedup", "--allow-bad-luhn")
    assert json.loads(script.requests[0][3]) == {
        "name": "pan",
        "dedup": False,
        "allow_bad_luhn": True,
    }
    assert json.loads(script.jeton("field", "add", "pan", "--json").out)["id"] == 1


def test_field_list(script):
    script.reply = lambda *_: (
        200,
        {
            "fields": [
                {
                    "name": "cards.pan",
                    "id": 7,
                    "kind": "pan",
                    "dedup": False,
                    "allow_bad_luhn": True,
                }
            ]
        },
    )
    assert re.search(r"cards\.pan +7 +pan +no +accepted", script.jeton("field", "list").out)


def test_client_add_keeps_the_key_out_of_the_terminal(script):
    key = "jck_shop_" + "z" * 51 + "g"
    script.reply = lambda *_: (201, {"id": "shop", "permissions": ["tokenize"], "api_key": key})
    path = script.file("shop.key")
    done = script.jeton(
        "client", "add", "shop", "--may", "tokenize,operate", "--key-file-out", path
    )
    assert key not in done.out + done.err
    assert path.read_text() == key + "\n" and path.stat().st_mode & 0o777 == 0o600
    assert json.loads(script.requests[0][3]) == {
        "id": "shop",
        "permissions": ["tokenize", "operate"],
    }
    script.jeton("client", "add", "shop", "--may", "tokenize", "--key-file-out", path, status=1)
    assert len(script.requests) == 1  # the file is there: not even asked
    script.jeton(
        "client",
        "add",
        "shop",
        "--may",
        "tokenize,,",
        "--key-file-out",
        script.file("other"),
        status=64,
    )


def test_client_add_that_fails_leaves_no_file(script):
    script.reply = lambda *_: problem(409, "conflict")
    script.jeton(
        "client",
        "add",
        "shop",
        "--may",
        "tokenize",
        "--key-file-out",
        script.file("shop.key"),
        status=2,
    )
    script.reply = lambda *_: (201, {"id": "shop", "api_key": "nonsense"})
    script.jeton(
        "client",
        "add",
        "shop",
        "--may",
        "tokenize",
        "--key-file-out",
        script.file("shop.key"),
        status=1,
    )
    assert sorted(p.name for p in script.directory.iterdir()) == ["app.key"]


GENERATION = {
    "number": 2,
    "key_id": 2,
    "state": "active",
    "check_value": "00112233aabbccdd",
    "rows": 5,
    "rows_written": 5,
    "rows_moved_in": 0,
    "rows_moved_out": 0,
    "created_at": "2026-01-02T03:04:05Z",
    "created_by": "operator",
    "activated_at": "2026-01-02T03:04:06Z",
    "activated_by": "operator",
    "draining_at": None,
    "retired_at": None,
    "retired_by": None,
    "holder_override": None,
}


def test_keys(script):
    script.reply = lambda *_: (201, GENERATION)
    assert re.search(
        r"2 +2 +active +00112233aabbccdd +5 +2026-01-02T03:04:05Z +2026-01-02T03:04:06Z +- +-",
        script.jeton("keys", "create").out,
    )
    script.jeton("keys", "activate", "2", "--accept-single-holder", "a reason")
    script.jeton("keys", "activate", "2")
    assert [(r[1], json.loads(r[3] or b"null")) for r in script.requests] == [
        ("/v1/generations", None),
        ("/v1/generations/2/activate", {"accept_single_holder": "a reason"}),
        ("/v1/generations/2/activate", {}),
    ]
    script.reply = lambda *_: (
        200,
        {"epoch": 3, "generations": [GENERATION, GENERATION | {"number": 3, "state": "future"}]},
    )
    assert len(script.jeton("keys", "list").out.splitlines()) == 3
    for bad in ("0", "-1", "1x", "", "01", "9" * 19):
        script.jeton("keys", "activate", "--", bad, status=64)


def retirement(state, left):
    body = {
        "generation": 1,
        "state": state,
        "actor": "operator",
        "started_at": "2026-01-01T00:00:00Z",
        "rows_left": left,
        "rows_moved": 100 - left,
        "rate": 50.0,
        "eta_seconds": left // 50,
    }
    if state == "certified":
        body["certificate"] = {
            "text": "jeton retirement certificate v1\ngeneration: 1\n",
            "signature": "c2ln",
            "public_key": "cHVi",
        }
    return body


CERTIFICATE = "jeton retirement certificate v1\ngeneration: 1\nsignature: c2ln\npublic-key: cHVi\n"


def test_retire_waits_for_the_certificate(script):
    steps = iter(
        [
            (202, retirement("draining", 100)),
            (200, retirement("draining", 50)),
            problem(503, "unavailable"),
            (200, retirement("retired", 0)),
            (200, retirement("certified", 0)),
        ]
    )
    script.reply = lambda *_: next(steps)
    assert script.jeton("keys", "retire", "1", "--wait").out == CERTIFICATE
    assert [r[:2] for r in script.requests] == [("POST", "/v1/generations/1/retire")] + [
        ("GET", "/v1/generations/1/retirement")
    ] * 4


def test_retire_tells_of_rows_that_cannot_be_moved(script):
    stuck = retirement("draining", 3) | {"rows_stuck": 3}
    steps = iter([(202, stuck), (200, stuck), (200, retirement("certified", 0))])
    script.reply = lambda *_: next(steps)
    done = script.jeton("keys", "retire", "1", "--wait")
    assert done.err.count("3 rows cannot be moved") == 1 and done.out == CERTIFICATE


def test_retire_goes_on_waiting_when_repeated(script):
    script.reply = lambda _n, method, *_: (
        problem(409, "conflict") if method == "POST" else (200, retirement("certified", 0))
    )
    assert script.jeton("keys", "retire", "1", "--wait").out == CERTIFICATE
    script.jeton("keys", "retire", "1", status=2)


def test_certificate(script):
    script.reply = lambda *_: (200, retirement("certified", 0))
    assert script.jeton("keys", "certificate", "1").out == CERTIFICATE
    script.reply = lambda *_: (200, retirement("draining", 7))
    done = script.jeton("keys", "certificate", "1", status=2)
    assert done.out == "" and "draining" in done.err


def test_a_post_whose_fate_is_unknown_is_not_repeated(script):
    script.reply = lambda *_: None
    done = script.jeton("keys", "create", status=69)
    assert "whether it was done is unknown" in done.err and len(script.requests) == 1


def test_unavailable_single_requests_are_repeated(script):
    script.reply = lambda number, *_: (
        problem(503, "unavailable") if number < 3 else (201, GENERATION)
    )
    script.jeton("keys", "create")
    assert len(script.requests) == 3
    script.reply = lambda *_: problem(503, "no-active-generation")
    script.jeton("keys", "create", "--retry-for", "0", status=69)


def test_answers_that_are_no_api(script):
    script.reply = lambda *_: (200, b"<html>")
    script.jeton("status", status=1)
    script.reply = lambda *_: (302, b"", {"Location": "http://127.0.0.1:1/"})
    assert "status 302" in script.jeton("status", status=2).err


# --- the command itself ---


def test_every_command_has_help_and_a_place_in_the_manual(script):
    listed = re.findall(r"^  ([a-z]+(?: [a-z-]+)?)(?: [A-Z]+)?  ", script.jeton("help").out, re.M)
    assert len(listed) == 21
    for command in listed:
        for words in ([*command.split(), "--help"], ["help", *command.split()]):
            assert script.jeton(*words).out.startswith(f"usage: jeton {command}")
    for words in (["help"], ["--help"], ["-h"]):
        assert "usage: jeton" in script.jeton(*words).out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["keys"],
        ["keys", "nonsense"],
        ["gen"],
        ["gen", "--rows", "1", "--bad", "2"],
        ["tokenize"],
        ["status", "extra"],
        ["field", "add"],
        ["--nonsense", "status"],
        ["init"],
        ["init", "--operator-key", "f", "--operator", "Not Valid"],
    ],
    ids=" ".join,
)
def test_usage_is_64(script, arguments):
    done = script.jeton(*arguments, status=64)
    assert done.err and not done.out


def test_configuration_mistakes_are_78(script):
    script.jeton("status", env={"JETON_KEY_FILE": ""}, status=78)
    script.jeton("status", "--key-file", script.file("missing"), status=78)
    script.key_file.chmod(0o644)
    script.jeton("status", status=78)
    for command in (["migrate"], ["init", "--operator-key", script.file("op.key")]):
        script.jeton(*command, "--config", script.file("missing.conf"), status=78)
        script.jeton(
            "--config",
            script.file("bad.conf", "[database]\nconninfo = nonsense\n"),
            *command,
            status=78,
        )
    assert not script.file("op.key").exists()


def test_no_database_is_69(script):
    conf = script.file("jeton.conf", f"[database]\nconninfo = host={script.directory} dbname=x\n")
    script.jeton("migrate", "--config", conf, status=69)


def test_a_full_disk_is_no_success(script):
    with open("/dev/full", "wb") as full:
        process = subprocess.run(
            [JETON, "gen", "--rows", "10"],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert process.returncode == 1 and b"No space left" in process.stderr
        process = subprocess.run(
            [JETON, "config"], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False
        )
        assert process.returncode == 1


def test_the_printed_configuration_is_accepted(script):
    text = script.jeton("config").out.replace(
        "#conninfo = dbname=jeton", f"conninfo = host={script.directory} dbname=x"
    )
    script.jeton(
        "migrate", "--config", script.file("jeton.conf", text), status=69
    )  # it got as far as the database
