# SPDX-License-Identifier: Apache-2.0
"""The clients under docs/examples and the page docs/api.md do what they say."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.parse
import uuid

import pytest

from cards import made_up
from service import BIN, TREE, wait_until

sys.path.insert(0, str(TREE / "docs" / "examples"))
import jeton  # noqa: E402

API_PAGE = TREE / "docs" / "api.md"


def client_of(service, **options):
    return jeton.Client(service.url, key=service.app_key, **options)


def test_cards_go_and_come(shared):
    pan = made_up(1, series="example")
    with client_of(shared, batch=7) as client:
        token = client.tokenize("pan", pan)
        assert token.startswith("jtk_") and client.detokenize("pan", token) == pan
        pans = [made_up(i, series="example") for i in range(40)]
        tokens = [r.value for r in client.tokenize_many("pan", iter(pans))]
        assert [r.value for r in client.detokenize_many("pan", tokens)] == pans
        masked = [f"{p[:6]}******{p[-4:]}" for p in pans]
        assert client.mask("pan", tokens[0]) == masked[0]
        assert [r.value for r in client.mask_many("pan", tokens)] == masked


def test_cards_can_live_for_a_time(shared):
    pans = [made_up(n, series="example-time") for n in range(9)]
    with client_of(shared, batch=4) as client:
        token = client.tokenize("pan", pans[0], expires_at="2199-12-31T23:59:59Z")
        tokens = [r.value for r in client.tokenize_many("pan", pans[1:], "2199-01-01T00:00:00Z")]
        with pytest.raises(jeton.JetonError) as caught:
            client.tokenize("pan", pans[0], expires_at="2019-12-31T23:59:59Z")
        assert caught.value.problem == "expires-at-refused"
    ids = shared.ids_of([token] + tokens)
    years = "SELECT count(*) FROM card WHERE id = ANY(%s) AND extract(year FROM expires_at) = 2199"
    assert shared.sql(years, (ids,)) == [(9,)]


def test_one_bad_item_fails_alone(shared):
    pan = made_up(1, series="example")
    with client_of(shared) as client:
        good, bad, other = client.tokenize_many("pan", [pan, "4111-1111", pan])
        assert good.good and good.value == other.value
        assert (bad.value, bad.status, bad.problem) == (None, 422, "pan-not-digits")
        with pytest.raises(jeton.JetonError) as caught:
            client.tokenize("pan", "4111-1111")
        assert (caught.value.status, caught.value.problem) == (422, "pan-not-digits")
        assert "4111" not in str(caught.value)
        with pytest.raises(jeton.JetonError) as caught:
            client.call("GET", "/v1/status")
        assert caught.value.problem == "forbidden"
    with jeton.Client(shared.url, key=shared.operator_key_file.read_text().strip()) as operator:
        assert operator.call("GET", "/v1/status")["node"] == "node1"


def test_a_key_or_card_never_goes_out_in_the_clear(shared):
    for url in (
        "http://cards.example:8080",
        "http://192.0.2.1",
        "https://u:p@localhost",
        "ftp://x",
    ):
        with pytest.raises(ValueError):
            jeton.Client(url, key="jck_x")
    key = shared.directory / "example.key"
    key.write_text(shared.app_key)
    key.chmod(0o644)
    with pytest.raises(PermissionError):
        jeton.Client(shared.url, key_file=key)
    key.chmod(0o600)
    jeton.Client(shared.url, key_file=key).close()


def test_it_goes_on_over_a_restart_and_gives_up_in_time(service):
    pan = made_up(1, series="example")
    with client_of(service) as client:
        token = client.tokenize("pan", pan)
        port = service.url.rpartition(":")[2]
        service.front.stop()
        service.configure(front_port=port)
        service.start_front()
        # The kept connection is gone, and the server may not be ready yet.
        assert client.detokenize("pan", token) == pan
        service.front.stop()
        with client_of(service, retry_for_s=0.5) as hasty:
            with pytest.raises(jeton.JetonUnavailable):
                hasty.detokenize("pan", token)
        service.start_front()
        wait_until(lambda: client.detokenize("pan", token) == pan, "served again")


class Lossy:
    """Between a client and the service: the first answer is read to its end and thrown away."""

    def __init__(self, service):
        address = urllib.parse.urlsplit(service.url)
        self.service = (address.hostname, address.port)
        self.lost = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                self.serve(self.listener.accept()[0])

    def serve(self, client):
        with client, socket.create_connection(self.service) as server:
            while request := self.message(client):
                server.sendall(request)
                answer = self.message(server)
                if not self.lost:
                    self.lost = True
                    return
                client.sendall(answer)

    @staticmethod
    def message(sock):
        """A head and as many bytes as its Content-Length says."""
        got = b""
        while b"\r\n\r\n" not in got:
            part = sock.recv(65536)
            if not part:
                return b""
            got += part
        head, _, body = got.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        while len(body) < length:
            body += sock.recv(65536)
        return head + b"\r\n\r\n" + body

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def cards_of(service):
    return service.sql("SELECT count(*) FROM card")[0][0]


@pytest.mark.parametrize("how", ["python", "python alone", "c"])
def test_a_lost_answer_leaves_one_card_where_all_is_done_once(shared, how):
    """In a field without dedup, where repeating would make a second one."""
    pans = [made_up(i, series="lost") for i in range(1 if how == "python alone" else 50)]
    before = cards_of(shared)
    with Lossy(shared) as lossy:
        if how == "c":
            done = run_cards(shared, "tokenize", pans, url=lossy.url, field="plain", env=ONCE)
            tokens = done.stdout.split()
        else:
            with jeton.Client(lossy.url, key=shared.app_key, once=True) as client:
                if how == "python":
                    tokens = [r.value for r in client.tokenize_many("plain", pans)]
                else:
                    tokens = [client.tokenize("plain", pans[0])]
        assert lossy.lost
    assert cards_of(shared) == before + len(pans)
    assert shared.app.detokenize_many(tokens, "plain") == pans
    # the key is a UUID: another could look like a card number one time in twenty
    newest = "SELECT key FROM idempotency ORDER BY at DESC LIMIT 1"
    assert uuid.UUID(shared.sql(newest)[0][0]).version == 4


def test_an_act_of_an_operator_is_done_once(shared):
    key = shared.operator_key_file.read_text(encoding="ascii").strip()
    before = shared.sql("SELECT count(*) FROM client")[0][0]
    with Lossy(shared) as lossy, jeton.Client(lossy.url, key=key) as operator:
        body = {"id": "lossy", "permissions": ["tokenize"]}
        made = operator.call("POST", "/v1/clients", body)
        assert lossy.lost and made["id"] == "lossy"
    assert shared.sql("SELECT count(*) FROM client")[0][0] == before + 1
    with jeton.Client(shared.url, key=made["api_key"]) as client:
        assert client.tokenize("pan", made_up(1, series="lost")).startswith("jtk_")


# -- the library for C, through the program of docs/examples


ONCE = {"JETON_ONCE": "1"}


def run_cards(service, verb, lines, key=None, url=None, env=None, field="pan"):
    key_file = service.directory / "cards.key"
    key_file.unlink(missing_ok=True)
    key_file.write_text(key or service.app_key)
    key_file.chmod(0o600)
    return subprocess.run(
        [BIN / "cards", verb, url or service.url, key_file, field],
        input="".join(f"{line}\n" for line in lines),
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_library_takes_cards_there_and_back(shared):
    pans = [made_up(i, series="library") for i in range(6500)]  # more than a batch, and two rounds
    done = run_cards(shared, "tokenize", pans)
    assert (done.returncode, done.stderr) == (0, "")
    tokens = done.stdout.split()
    assert len(set(tokens)) == len(pans)
    back = run_cards(shared, "detokenize", tokens)
    assert back.stdout.split() == pans


def test_the_library_tells_bad_items_from_good_ones(shared):
    pan = made_up(1, series="library")
    bad = ["", '"}],"x":"', "4111 1111", "\u00e9" * 10, "9" * 60]
    done = run_cards(shared, "tokenize", [pan, *bad, pan])
    lines = done.stdout.split("\n")
    assert done.returncode == 0 and lines[0].startswith("jtk_") and lines[0] == lines[6]
    assert lines[1:6] == [""] * 5
    assert [line.rpartition(" ")[2] for line in done.stderr.splitlines()] == [
        "pan-empty",
        *["pan-not-digits"] * 4,
    ]
    assert pan not in done.stderr


def test_the_library_takes_every_name_that_a_field_may_have(shared):
    assert shared.operator.post("/v1/fields", {"name": "a_b.c-1"}).status_code == 201
    done = run_cards(shared, "tokenize", [made_up(1, series="library")], field="a_b.c-1")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("jtk_")


def test_the_library_masks_in_batches_and_is_never_sent_a_whole_number(shared):
    pans = [made_up(i, series="library-mask") for i in range(1200)]
    tokens = shared.app.tokenize_many(pans)
    masked = [f"{p[:6]}******{p[-4:]}" for p in pans]
    for permissions in (["read-masked"], ["read-masked", "detokenize"], ["detokenize"]):
        key = shared.new_client("lib-" + "-and-".join(permissions), permissions)
        before = shared.operator.counters()
        done = run_cards(shared, "mask", tokens + ["jtk_" + "0" * 26], key=key)
        after = shared.operator.counters()
        assert done.returncode == 0 and done.stdout.split() == masked
        assert done.stderr == f"line {len(pans) + 1}: token-unknown\n"
        assert after["masked_requests"] - before["masked_requests"] == 2
        assert after["detokenize_items"] == before["detokenize_items"]


def test_the_library_says_why_it_cannot(shared):
    pan = made_up(1, series="library")
    made_up_key = "jck_app_" + "0" * 52
    denied = run_cards(shared, "tokenize", [pan], key=made_up_key)
    assert denied.returncode == 1 and "unauthorized" in denied.stderr
    assert made_up_key not in denied.stderr and pan not in denied.stderr
    assert run_cards(shared, "tokenize", [pan], url="http://192.0.2.1").returncode == 78
    away = run_cards(shared, "tokenize", [pan], url="http://127.0.0.1:1")
    assert away.returncode == 69


@pytest.mark.parametrize("how", ["python", "python, once", "c", "c, once", "command"])
def test_what_a_guess_brake_holds_is_an_answer_like_others(service, how):
    """It lasts until midnight: nobody waits for it, and the other cards are served."""
    service.front.stop()
    service.configure(front_guess_tokenize=1)
    service.start_front()
    service.wait_ready()
    last_two = ["4111110000091111", "4111110000171111"]  # of one class: the second one is held
    pans = [made_up(i, series="braked") for i in range(20)]
    pans[5:5] = last_two
    once = "once" in how
    if how == "command":
        source, out = service.directory / "in.csv", service.directory / "out.csv"
        rejects = service.directory / "rejects.csv"
        source.write_text("pan\n" + "".join(f"{p}\n" for p in pans), encoding="ascii")
        files = ("--in", source, "--out", out, "--rejects", rejects)
        key_file = service.directory / "app.key"
        key_file.touch(mode=0o600)
        key_file.write_text(service.app_key, encoding="ascii")
        options = ("--field", "pan", "--column", "pan", *files, "--retry-for", 3)
        done = service.jeton("tokenize", *options, key_file=key_file, check=False)
        assert done.returncode == 4
        assert re.search(r"JET2224W +7 ", rejects.read_text(encoding="ascii"))
        tokens = out.read_text(encoding="ascii").split()[1:]
        tokens.insert(6, "")
    elif how.startswith("c"):
        done = run_cards(service, "tokenize", pans, env=ONCE if once else None)
        assert (done.returncode, done.stderr) == (0, "line 7: guess-brake\n")
        tokens = done.stdout.split("\n")[:-1]
    else:
        with client_of(service, retry_for_s=3, once=once) as client:
            results = list(client.tokenize_many("pan", pans))
            assert (results[6].status, results[6].problem) == (429, "guess-brake")
            with pytest.raises(jeton.JetonError) as caught:
                client.tokenize("pan", last_two[1])
            assert caught.value.problem == "guess-brake"
            assert not isinstance(caught.value, jeton.JetonUnavailable)
        tokens = [r.value or "" for r in results]
    assert len(tokens) == len(pans) and [i for i, t in enumerate(tokens) if t == ""] == [6]


# -- docs/api.md: each block of commands is followed by the answer that it gets


def blocks():
    text = API_PAGE.read_text(encoding="utf-8")
    return re.findall(r"```sh\n(.*?)```\n+(?:[^`]*?)```json\n(.*?)```", text, re.S)


def same(shown, got):
    """Whether an answer is what the page shows; "..." stands for any text, or for more members."""
    if shown == "...":
        return isinstance(got, str) and got != ""
    if isinstance(shown, dict):
        return (
            isinstance(got, dict)
            and set(shown) - {"..."} <= set(got)
            and ("..." in shown or set(shown) == set(got))
            and all(same(v, got[k]) for k, v in shown.items() if k != "...")
        )
    if isinstance(shown, list):
        return isinstance(got, list) and len(shown) == len(got) and all(map(same, shown, got))
    return shown == got


def test_the_api_page_shows_what_is_answered(service):
    pairs = blocks()
    assert len(pairs) >= 5
    # One shell for all blocks, since later ones use what earlier ones found.
    script = "\n".join(f"{commands}\necho; echo '=== {i}'" for i, (commands, _) in enumerate(pairs))
    done = subprocess.run(
        ["bash", "-eu"],
        input=script,
        env={
            "PATH": os.environ["PATH"],
            "JETON_URL": service.url,
            "APP_KEY": service.new_client(
                "everything",
                "tokenize detokenize read-masked lookup delete encrypt decrypt".split(),
            ),
            "OPERATOR_KEY": service.operator_key_file.read_text(encoding="ascii").strip(),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answers = re.split(r"=== \d+\n", done.stdout)
    for (commands, shown), answer in zip(pairs, answers):
        if not same(json.loads(shown), json.loads(answer)):
            redacted = re.sub(r"(jck_[a-z-]+)_\w+", r"\1_...", answer)
            pytest.fail(f"{commands}\nis shown as\n{shown}\nand answered with\n{redacted}")


def test_the_api_page_names_every_route_of_cards():
    text = API_PAGE.read_text(encoding="utf-8")
    paths = json.loads((TREE / "docs" / "openapi.json").read_text(encoding="utf-8"))["paths"]
    for path in paths:
        assert path in text, path


def test_curl_is_told_no_secret_on_its_command_line():
    """In examples that people copy, keys come from variables or files."""
    for commands, _ in blocks():
        assert not re.search(r"jck_[a-z]+_[0-9a-z]", commands), commands
