# SPDX-License-Identifier: Apache-2.0
"""Card files, against the scripted server: order, rejects, repeats, and what leaves no file.

The whole service is covered by tests/e2e; here the server is unavailable, slow, broken off, or
answers nonsense.
"""

import csv
import io
import json
import os
import re
import signal
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripted import KEY, TIMEOUT_S, card_file, expected, problem, token_of, vault, wait_until


def test_there_and_back_in_many_small_batches(script):
    process, out, rejects = script.tokenize(card_file(999), "--batch", 7, "--connections", 5)
    assert out == expected(999) and rejects == []
    assert (
        "JET0003I records: 999 read, 999 written, 0 passed, 0 rejected; 0 retries" in process.err
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
    token = token_of("4" + "1" * 11).encode()
    assert out == b'\xef\xbb\xbf"pan",note\r\n"' + token + b'","a ""b"", c"\r\n'
    for name in ("out.csv", "rejects.csv", "out.csv.report"):
        assert script.file(name).stat().st_mode & 0o777 == 0o600


def test_empty_files(script):
    assert script.tokenize("pan\n")[1:] == (b"pan\n", [])
    assert script.tokenize("pan")[1:] == (b"pan", [])
    process, out, _ = script.tokenize("", status=12)
    assert out is None and "no header" in process.err
    assert not script.requests


def test_columns_that_are_not_there(script):
    assert "JET1100E" in script.tokenize("id,pan\n1,2\n", column="card", status=12)[0].err
    assert "JET1101E" in script.tokenize("pan,pan\n1,2\n", status=12)[0].err
    process, _, _ = script.tokenize("1,411111111111\n", column="2", status=12)
    assert "JET1108E" in process.err and "4111" not in process.err
    assert not script.leftovers()


def test_what_is_wrong_stands_behind_a_colon(script):
    process, _, _ = script.tokenize("id,pan\n1,2\n", column="card", status=12)
    assert "in.csv:1: there is no such column: card; there are: id, pan\n" in process.err
    book = script.file("empty.cpy", "")
    options = ("--codepage", "ASCII", "--copybook", book, "--field", "A=pan")
    source = script.file("in", "x")
    process = script.file_job("tokenize", source, "--out", script.file("o"), *options, status=12)
    assert f"JET1152E {book}: the copybook describes no record\n" in process.err


def test_rejects_are_the_records_with_a_reason_and_values_stand_nowhere_else(script):
    secret = "4111-1111-9876"
    process, out, rejects = script.tokenize(
        f'pan,n\n411111111111,a\n{secret},b\n"x\ny",c\nz\n422222222222,d\n', status=4
    )
    assert rejects == [
        (2, "pan-not-digits"),
        (3, "pan-not-digits"),
        (4, "wrong-number-of-columns"),
    ]
    assert out.count(b"\n") == 3
    text = script.file("rejects.csv").read_text()
    assert text.startswith(secret + ",bJET2212W          2 ")
    report = script.file("out.csv.report").read_text()
    assert secret not in process.err + process.out + report
    assert "9876" not in process.err + process.out
    # A hash total has of one value what a masked number shows, and no more.
    assert not re.search("1111-?1111|11119876", report)
    assert re.search(r"JET2212W pan-not-digits +2\b", process.err)
    assert re.search(r"JET2212W  pan-not-digits +2 ", report)


@pytest.mark.parametrize("batch", [1, 1000])
def test_a_quote_never_closed_ends_the_job_and_leaves_no_file(script, batch):
    process, out, _ = script.tokenize(
        'pan,n\n411111111111,a\n422222222222,"b\n433333333333,c\n', "--batch", batch, status=12
    )
    assert out is None
    assert "in.csv:3:" in process.err and "JET1106E" in process.err
    assert "is not written" in process.err
    process, out, _ = script.tokenize('pan,"n\n411111111111,a\n', "--discard", status=12)
    assert out is None and "in.csv:1:" in process.err and "JET1106E" in process.err


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


def test_a_problem_that_waits_for_an_operator_ends_the_job_at_once(script):
    script.reply = lambda *_: problem(503, "not-ready")
    process, out, _ = script.tokenize(card_file(5), status=16)
    assert out is None and "not-ready" in process.err and len(script.requests) == 1


def test_an_output_is_never_written_over_the_other_ones_part(script):
    source, out = script.file("in.csv", card_file(3)), script.file("o")
    for rejects in (f"{out}.part", f"{script.directory}/./o.part"):
        done = script.file_job(
            *("tokenize", "--field", "pan", "--column", "pan", "--in", source),
            *("--out", out, "--rejects", rejects),
            status=12,
        )
        assert "must be different ones" in done.err
        assert not out.exists() and not script.leftovers() and script.requests == []


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
    # What stores is repeated as it was, under its key: what was done is not done again.
    assert [len(json.loads(r[3])["items"]) for r in script.requests] == [3, 3]
    assert script.requests[0][3] == script.requests[1][3]
    assert len({r[2]["Idempotency-Key"] for r in script.requests}) == 1


def test_a_field_with_dedup_needs_no_keys(script):
    script.field = {"name": "pan", "dedup": True}
    script.file("in.csv", card_file(5))
    script.jeton("tokenize", *files_of(script))
    assert len(script.requests) == 1 and "Idempotency-Key" not in script.requests[0][2]
    script.field = None  # the client may not know: it is taken for a field without
    script.reply = lambda n, method, *rest: (
        problem(403, "forbidden") if method == "GET" else vault(n, method, *rest)
    )
    script.jeton("tokenize", *files_of(script))
    assert "Idempotency-Key" in script.requests[-1][2]


def test_where_it_may_it_asks_which_cards_are_new(script):
    """Under a key, so that a request that is repeated is told the same; never without the word of
    the service that it may.
    """
    script.field = {"dedup": True, "tell_new": True, "active_generation": 4}
    cards = "pan\n" + "".join(f"{411111111111 + i}\n" for i in range(10)) + "x\n"
    script.file("in.csv", cards)
    script.jeton("tokenize", *files_of(script), status=4)
    body = json.loads(script.requests[0][3])
    assert body["tell_new"] is True and "Idempotency-Key" in script.requests[0][2]
    report = script.file("out.csv.report").read_text()
    for name, n in (
        ("new tokens", 1),
        ("existing tokens", 9),
        ("active key generation, at first", 4),
        ("active key generation, at the end", 4),
    ):
        assert re.search(rf"^  {name} +{n}$", report, re.M), (name, report)
    assert "which tokens are new" not in report.lower()
    for field in ({"dedup": True}, {"dedup": True, "tell_new": False}):
        script.field = field
        script.jeton("tokenize", *files_of(script), status=4)
        assert "tell_new" not in json.loads(script.requests[-1][3])
        report = script.file("out.csv.report").read_text()
        assert "Which tokens are new the service tells only" in report
        assert "new tokens" not in report and "generation" not in report


def test_a_service_that_is_gone_at_the_end_fails_no_job(script):
    answers = [{"dedup": True, "active_generation": 4}]
    script.field = lambda: answers.pop() if answers else None
    script.reply = lambda n, method, *rest: (
        problem(503, "unavailable") if method == "GET" else vault(n, method, *rest)
    )
    script.file("in.csv", card_file(5))
    done = script.jeton("tokenize", *files_of(script))
    assert "JET0013I" in done.err and script.file("out.csv").read_bytes() == expected(5)
    report = script.file("out.csv.report").read_text()
    assert "generation, at first" in report and "generation, at the end" not in report


def test_who_may_no_longer_look_up_stops_the_job_and_it_goes_on_without(script):
    may = [True]
    script.field = lambda: {"dedup": True, "tell_new": may[0]}

    def reply(number, method, path, body):
        if body.get("tell_new") and number > 2:
            may[0] = False
            return problem(403, "forbidden")
        return vault(number, method, path, body)

    script.reply = reply
    script.file("in.csv", card_file(40))
    small = ("--batch", "10", "--connections", "1")
    done = script.jeton("tokenize", *files_of(script), *small, status=12)
    assert "JET3102E" in done.err and "--restart" in done.err
    script.jeton("tokenize", *files_of(script), *small, "--restart")
    assert script.file("out.csv").read_bytes() == expected(40)
    assert not json.loads(script.requests[-1][3]).get("tell_new")
    report = script.file("out.csv.report").read_text()
    assert re.search("^  replaced, and not told which +20$", report, re.M), report
    assert "records were asked for again after a restart" in report


def test_what_a_guess_brake_holds_is_rejected_and_the_job_goes_on(script):
    def reply(number, method, path, body):
        status, payload = vault(number, method, path, body)
        for i, item in enumerate(body["items"]):
            if item["pan"].endswith("7"):
                payload["results"][i] = {
                    "status": 429,
                    "type": "urn:jeton:problem:guess-brake",
                    "title": "t",
                }
        return status, payload

    script.reply = reply
    process, out, rejects = script.tokenize(
        card_file(30), "--batch", 10, "--retry-for", 1, status=4
    )
    assert out.count(b"jtk_") == 27
    assert rejects == [(n + 1, "guess-brake") for n in (7, 17, 27)]
    assert len(script.requests) == 3


def test_the_end_of_patience_is_16_and_leaves_what_goes_on(script):
    script.reply = lambda *_: problem(503, "unavailable", **{"Retry-After": "1"})
    process, out, _ = script.tokenize(card_file(5), "--retry-for", 1, status=16)
    assert out is None
    assert "Unavailable: In the test. (urn:jeton:problem:unavailable)" in process.err
    assert "JET0010I" in process.err and "behind record 0" in process.err
    assert script.leftovers() == ["out.csv.ckpt", "out.csv.part", "rejects.csv.part"]
    script.reply = lambda *_: None
    script.tokenize(card_file(5), "--retry-for", 0, "--restart", status=16)
    script.reply = vault
    assert script.tokenize(card_file(5), "--restart")[1] == expected(5)


def test_a_server_that_was_never_reached_leaves_nothing(script):
    process, _, _ = script.tokenize(
        card_file(5), "--retry-for", 0, env={"JETON_URL": "http://127.0.0.1:1"}, status=16
    )
    assert process.err.startswith("JET3100S ")
    assert not script.leftovers()


@pytest.mark.parametrize(
    "status, name, code",
    [
        (401, "unauthorized", 12),
        (403, "forbidden", 12),
        (404, "field-unknown", 12),
        (413, "too-many-items", 12),
        (500, "internal", 16),
        (400, "malformed-json", 12),
    ],
)
def test_refusals_end_the_job_at_once(script, status, name, code):
    script.reply = lambda *_: problem(status, name)
    process, out, _ = script.tokenize(card_file(5), status=code)
    assert out is None and len(script.requests) == 1
    assert f" {name.title()}: In the test. (urn:jeton:problem:{name})\n" in process.err
    assert all(re.match("JET[0-9]{4}[IWES] ", line) for line in process.err.splitlines())
    assert bool(script.leftovers()) == (status == 500)  # something may have been stored then


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
    process, out, _ = script.tokenize("pan\n411111111111\n", status=16)
    assert out is None and "does not fit" in process.err


def test_a_huge_answer_is_cut_off(script):
    script.reply = lambda *_: (200, b"x" * (17 << 20))
    process, out, _ = script.tokenize("pan\n411111111111\n", status=16)
    assert out is None and "longer than" in process.err


def test_an_answer_cannot_write_on_the_terminal(script):
    script.reply = lambda *_: (
        400,
        {"type": "urn:x:\x1b[2J", "title": "a\nb\x1b[31m\u009b", "detail": "\r"},
    )
    process, _, _ = script.tokenize("pan\n1\n", status=12)
    assert "\x1b" not in process.err and "\r" not in process.err and "\u009b" not in process.err
    assert all(line.startswith("JET") for line in process.err.splitlines())


def files_of(script, source="in.csv"):
    return (
        *("--field", "pan", "--column", "pan", "--in", script.file(source)),
        *("--out", script.file("out.csv"), "--rejects", script.file("rejects.csv")),
    )


def test_an_interrupted_job_can_be_gone_on_with(script):
    held = threading.Event()

    def reply(*arguments):
        if not held.is_set():
            held.set()
            time.sleep(TIMEOUT_S)
        return vault(*arguments)

    script.reply = reply
    script.file("in.csv", card_file(10))
    script.field = {"dedup": False}
    process = script.start("tokenize", *files_of(script))
    assert held.wait(TIMEOUT_S)
    assert script.file("out.csv.part").exists()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == -signal.SIGINT
    assert "JET0040S" in err and "--restart" in err
    assert script.leftovers() == ["out.csv.ckpt", "out.csv.part", "rejects.csv.part"]
    done = script.file_job("tokenize", *files_of(script), status=12)
    assert "JET1002E" in done.err and "--restart" in done.err and "--discard" in done.err
    script.file_job("tokenize", *files_of(script), "--restart")
    assert script.file("out.csv").read_bytes() == expected(10) and not script.leftovers()
    keys = [r[2]["Idempotency-Key"] for r in script.requests]
    assert len(keys) == 2 and len(set(keys)) == 1


def test_a_signal_ends_the_wait_for_input(script):
    os.mkfifo(script.file("fifo"))
    script.field = {"dedup": False}
    process = script.start("tokenize", *files_of(script, "fifo"))
    with open(script.file("fifo"), "wb") as fifo:
        fifo.write(b"pan\n411111111111\n")
        fifo.flush()
        wait_until(script.file("out.csv.ckpt").exists, "the job has begun")
        process.send_signal(signal.SIGTERM)
        _, process.err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == -signal.SIGTERM, process.err
    assert not script.leftovers()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_a_server_before_the_job_begins(script, number):
    asked = threading.Event()

    def reply(*_):
        asked.set()
        return problem(503, "not-ready", **{"Retry-After": "1"})

    script.reply = reply
    script.file("in.csv", card_file(10))
    process = script.start("tokenize", *files_of(script), "--retry-for", "86400")
    assert asked.wait(TIMEOUT_S)
    process.send_signal(number)
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == -number and "JET0040S" in err, err
    assert not script.leftovers()


def test_a_job_that_is_complete_but_for_names_needs_no_server(script):
    source, report = script.file("in.csv", card_file(10)), script.file("out.csv.report")

    def reply(*arguments):
        report.mkdir()  # so that the last step fails
        return vault(*arguments)

    script.reply = reply
    process = script.file_job("tokenize", *files_of(script), status=16)
    assert "JET3004S" in process.err and script.leftovers() == ["out.csv.ckpt"]
    report.rmdir()
    script.close()
    script.jeton("tokenize", *files_of(script), "--restart", "--retry-for", "0")
    assert script.file("out.csv").read_bytes() == expected(10)
    assert not script.leftovers() and report.exists() and source.exists()


def test_an_unfinished_job_is_refused_without_a_server(script):
    script.file("in.csv", card_file(10))
    script.file("out.csv.ckpt", "anything")
    script.close()
    process = script.jeton("tokenize", *files_of(script), "--retry-for", "86400", status=12)
    assert "JET1002E" in process.err


def test_what_the_server_sends_back_is_not_told(script):
    """A proxy before it may answer with the request's own text."""
    card, spaced = "411111111111", "4111 1111 1111 1111"
    for member in ("title", "detail", "type", "subject", "reason"):
        for echo in (card, spaced):
            status, body, headers = problem(400, "odd")
            script.reply = lambda *_, b={**body, member: f"no {echo} here"}: (400, b, {})
            process, _, _ = script.tokenize(f"pan\n{card}\n", "--discard", status=12)
            report = script.file("out.csv.report").read_text()
            assert "may hold a card number" in process.err
            assert not re.search("1111 ?1111", process.err + report)


def test_a_number_that_is_not_masked_is_no_answer(script):
    for told in ("411111111111", "4111111111111111", "41111111111*1111", "****"):
        script.reply = lambda *_, t=told: (200, {"results": [{"status": 200, "masked_pan": t}]})
        process, out, _ = script.tokenize("pan\njtk_a\n", "--discard", verb="mask", status=16)
        assert "JET3105S" in process.err and out is None
        assert told not in process.err + script.file("out.csv.report").read_text()
    script.reply = lambda *_: (200, {"results": [{"status": 200, "masked_pan": "4111****1111"}]})
    assert script.tokenize("pan\njtk_a\n", "--discard", verb="mask")[1] == b"pan\n4111****1111\n"


def test_what_cannot_be_written_is_told_before_anything_is_asked(script):
    source = script.file("in.csv", card_file(10))
    script.file("dir").mkdir()
    script.file("link").symlink_to(source)
    place = ["--field", "pan", "--column", "pan", "--in", source]
    for option in ("--out", "--rejects", "--report", "--checkpoint"):
        for name in (script.file("dir"), script.file("link"), "/dev/null", script.file("no/such")):
            files = {"--out": script.file("o"), option: name}
            words = [w for pair in files.items() for w in pair]
            process = script.file_job("tokenize", *place, *words, status=(12, 16))
            assert not script.requests and not script.leftovers(), (option, name, process.err)
            assert "JET0001I" not in process.err
    assert source.read_text() == card_file(10)


def test_files_that_must_differ(script):
    source = script.file("in.csv", "pan\n1\n")
    common = ["tokenize", "--field", "pan", "--column", "pan", "--in", source]
    script.file_job(*common, "--out", source, "--rejects", script.file("r"), status=12)
    script.file_job(*common, "--out", script.file("o"), "--rejects", script.file("o"), status=12)
    for name in ("o", "o.part"):  # the second is where --out o is written first
        script.file(name).symlink_to(source)
        script.file_job(
            *common, "--out", script.file("o"), "--rejects", script.file("r"), status=12
        )
        script.file_job(
            *common, "--out", script.file("x"), "--rejects", script.file("o"), status=12
        )
        script.file(name).unlink()
    aside = script.file("c.new", "pan\n1\n")  # where --checkpoint c is written first
    script.file_job(
        *("tokenize", "--field", "pan", "--column", "pan", "--in", aside),
        *("--out", script.file("o"), "--checkpoint", script.file("c")),
        status=12,
    )
    assert aside.exists()
    part = script.file("y.part", "pan\n1\n")
    script.file_job(
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
        status=12,
    )
    assert source.read_text() == part.read_text() == "pan\n1\n"


def test_no_proxy_and_no_plain_http_to_elsewhere(script):
    _, out, _ = script.tokenize(
        card_file(1), env={"http_proxy": "http://127.0.0.1:1", "all_proxy": "http://127.0.0.1:1"}
    )
    assert out == expected(1)
    process, _, _ = script.tokenize(
        card_file(1), env={"JETON_URL": "http://jeton.example"}, status=12
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
