# SPDX-License-Identifier: Apache-2.0
"""The front door: every answer is one well-formed response, and what HTTP allows is taken."""

import contextlib
import socket
import time

import pytest

from cards import made_up
from door import (
    BODY,
    GET,
    HOST,
    PAN,
    check_problem,
    connect,
    exchange,
    made_up_key,
    parse_answers,
    read_to_end,
    tokenize,
)

# -- what is refused gets one well-formed answer

MALFORMED = {
    "no host": (GET + b"\r\n", 400, "malformed-request"),
    "two hosts": (GET + HOST + HOST + b"\r\n", 400, "malformed-request"),
    "no host at all in Host": (GET + b"Host: a b\r\n\r\n", 400, "malformed-request"),
    "user in Host": (GET + b"Host: u@a\r\n\r\n", 400, "malformed-request"),
    "path in Host": (GET + b"Host: a/b\r\n\r\n", 400, "malformed-request"),
    "port in Host that is none": (GET + b"Host: a:b\r\n\r\n", 400, "malformed-request"),
    "bare LF": (b"GET /livez HTTP/1.1\nHost: localhost\n\n", 400, "malformed-request"),
    "bare LF in a field": (GET + HOST + b"X: a\nY: b\r\n\r\n", 400, "malformed-request"),
    "bare CR": (GET + HOST + b"X: a\rb\r\n\r\n", 400, "malformed-request"),
    "NUL in a value": (GET + HOST + b"X: a\0b\r\n\r\n", 400, "malformed-request"),
    "folded field": (GET + HOST + b"X: a\r\n b\r\n\r\n", 400, "malformed-request"),
    "space before the colon": (GET + b"Host : localhost\r\n\r\n", 400, "malformed-request"),
    "illegal method": (b"G@T /livez HTTP/1.1\r\n" + HOST + b"\r\n", 400, "malformed-request"),
    "two lengths": (
        GET + HOST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
        400,
        "malformed-request",
    ),
    "length and coding": (
        GET + HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "malformed-request",
    ),
    "bad length": (GET + HOST + b"Content-Length: -1\r\n\r\n", 400, "malformed-request"),
    "bad version": (b"GET /livez HTTP/x.1\r\n" + HOST + b"\r\n", 400, "malformed-request"),
    "no version": (b"GET /livez\r\n" + HOST + b"\r\n", 400, "malformed-request"),
    "userinfo": (
        b"GET http://u:p@localhost/livez HTTP/1.1\r\n" + HOST + b"\r\n",
        400,
        "malformed-request",
    ),
    "half a head": (GET + HOST, 400, "malformed-request"),
    "HTTP/2": (b"GET /livez HTTP/2.0\r\n" + HOST + b"\r\n", 505, "http-version"),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http-version"),
    "unknown coding": (
        GET + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        501,
        "transfer-coding",
    ),
    "long target": (
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        414,
        "target-too-long",
    ),
    "long target without end": (b"GET /" + b"a" * 100000, 414, "target-too-long"),
    "large head": (GET + HOST + b"X: " + b"a" * 20000 + b"\r\n\r\n", 431, "head-too-large"),
    "many fields": (GET + HOST + b"X: a\r\n" * 200 + b"\r\n", 431, "head-too-large"),
    "expectation": (GET + HOST + b"Expect: 200-ok\r\n\r\n", 417, "expectation"),
}


@pytest.mark.parametrize("case", MALFORMED, ids=lambda c: c.replace(" ", "-"))
def test_a_malformed_head_gets_one_answer_and_the_end(shared, case):
    data, status, name = MALFORMED[case]
    answers = parse_answers(exchange(shared, data))
    assert len(answers) == 1
    check_problem(answers[0], status, name)


def test_a_bad_head_is_answered_after_the_good_request_before_it(shared):
    good = tokenize(shared)
    answers = parse_answers(
        exchange(shared, good + good + b"GET /livez HTTP/1.1\nHost: x\n\n" + good)
    )
    assert [a[0] for a in answers] == [200, 200, 400]
    check_problem(answers[2], 400, "malformed-request")


def test_a_head_in_single_bytes(shared):
    data = tokenize(shared, extra=b"Connection: close\r\n")
    with connect(shared) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            sock.sendall(data[i : i + 1])
        assert [a[0] for a in parse_answers(read_to_end(sock))] == [200]


@pytest.mark.parametrize("n", [500, 120])
def test_many_pipelined_requests(shared, n):
    """All in one write; the answers of tokenize need the database, those of health do not."""
    one = GET + HOST + b"\r\n" if n == 500 else tokenize(shared)
    began = time.monotonic()
    with connect(shared) as sock:
        sock.sendall(one * n)
        sock.shutdown(socket.SHUT_WR)
        assert [a[0] for a in parse_answers(read_to_end(sock))] == [200] * n
    assert time.monotonic() - began < 10, "no request waits for a timer"


def test_a_large_answer_to_a_slow_reader(shared):
    pans = [made_up(i, series="door large") for i in range(5000)]
    body = b'{"items": [' + b",".join(b'{"pan": "%s"}' % p.encode() for p in pans) + b"]}"
    with connect(shared) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(tokenize(shared, body=body) + GET + HOST + b"Connection: close\r\n\r\n")
        first, second = parse_answers(read_to_end(sock))
    assert first[0] == 200 and first[2].count(b"jtk_") == 5000 and second[0] == 200


@pytest.mark.slow
def test_a_head_that_drips_is_given_up(shared):
    with connect(shared, timeout_s=30) as sock:
        sock.sendall(GET)
        (answer,) = parse_answers(read_to_end(sock))
        check_problem(answer, 408, "request-timeout")


def test_content_encoding_is_refused(shared):
    answers = parse_answers(exchange(shared, tokenize(shared, extra=b"Content-Encoding: gzip\r\n")))
    check_problem(answers[0], 415, "content-encoding", closes=False)
    assert answers[0][1]["accept-encoding"] == "identity" and len(answers) == 1


def test_an_unwanted_short_body_keeps_the_connection(shared):
    lost = tokenize(shared, line=b"POST /v1/nothing HTTP/1.1")
    answers = parse_answers(exchange(shared, lost + tokenize(shared) + lost))
    assert [a[0] for a in answers] == [404, 200, 404]
    check_problem(answers[0], 404, "not-found", closes=False)


# -- what HTTP allows is taken

VALID = {
    "no space after the colon": dict(
        host=b"Host:localhost\r\n", kind=b"Content-Type:application/json\r\n"
    ),
    "more spaces": dict(host=b"Host:  localhost \t\r\n"),
    "empty value": dict(extra=b"X-Empty:\r\nX-Blank: \t\r\n"),
    "blanks after the length": dict(length=b"Content-Length: %d  \r\n" % len(BODY)),
    "absolute target": dict(
        line=b"POST http://localhost/v1/fields/pan/tokenize HTTP/1.1", host=b"Host: other\r\n"
    ),
    "semicolon": dict(kind=b"Content-Type: application/json;\r\n"),
    "unknown parameter": dict(kind=b'Content-Type: application/json; profile="a;b"; v=1\r\n'),
    "IPv6": dict(host=b"Host: [::1]:8080\r\n"),
    "HTTP/1.0": dict(line=b"POST /v1/fields/pan/tokenize HTTP/1.0", host=b""),
    "an empty line before": dict(line=b"\r\nPOST /v1/fields/pan/tokenize HTTP/1.1"),
    "bytes beyond ASCII in a value": dict(extra=b"User-Agent: caf\xc3\xa9\r\n"),
    "identity": dict(extra=b"Content-Encoding: identity\r\n"),
}


@pytest.mark.parametrize("case", VALID, ids=lambda c: c.replace(" ", "-"))
def test_valid_requests_are_served(shared, case):
    assert [a[0] for a in parse_answers(exchange(shared, tokenize(shared, **VALID[case])))] == [200]


def test_blanks_after_the_key(shared):
    auth = b"Authorization:   Bearer   " + shared.app_key.encode() + b" \t \r\n"
    assert [a[0] for a in parse_answers(exchange(shared, tokenize(shared, auth=auth)))] == [200]


def test_permitted_hosts(make_service):
    service = make_service(options={"front_hosts": "localhost, 127.0.0.1, vault.example"})
    for host in (b"localhost", b"VAULT.example:8443"):
        assert parse_answers(exchange(service, GET + b"Host: " + host + b"\r\n\r\n"))[0][0] == 200
    for line in (
        GET + b"Host: rebound.example\r\n",
        b"GET http://rebound.example/livez HTTP/1.1\r\n" + HOST,
    ):
        (answer,) = parse_answers(exchange(service, line + b"\r\n"))
        check_problem(answer, 421, "misdirected")


def test_head_and_options(shared):
    with connect(shared) as sock:
        sock.sendall(b"HEAD /livez HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        (answer,) = parse_answers(read_to_end(sock), to_head=True)
    got = parse_answers(exchange(shared, GET + HOST + b"\r\n"))[0]
    assert answer[0] == 200 and answer[1]["content-length"] == got[1]["content-length"]
    allowed = {
        b"/livez": "GET, HEAD, OPTIONS",
        b"/v1/fields/pan/tokenize": "POST, OPTIONS",
        b"*": "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
        b"/v1/fields/pan": "GET, HEAD, PATCH, OPTIONS",
        b"/v1/fields/pan/tokens/x": "GET, HEAD, DELETE, OPTIONS",
        b"/v1/fields": "GET, HEAD, POST, OPTIONS",
    }
    for path, methods in allowed.items():
        (answer,) = parse_answers(
            exchange(shared, b"OPTIONS " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
        )
        assert answer[0] == 204 and answer[1]["allow"] == methods
    assert shared.operator.request("HEAD", "/v1/generations").status_code == 200
    assert shared.app.request("HEAD", "/v1/fields/pan/tokenize").status_code == 405


def test_a_malformed_head_request_gets_no_body(shared):
    for line in (b"HEAD livez HTTP/1.1\r\n", b"HEAD /livez HTTP/2.0\r\n", b"HEAD /livez\r\n"):
        (answer,) = parse_answers(exchange(shared, line + HOST + b"\r\n"), to_head=True)
        assert answer[0] in (400, 505) and int(answer[1]["content-length"]) > 0


def test_a_query_that_is_not_taken_is_named(shared):
    (answer,) = parse_answers(exchange(shared, b"GET /livez?verbose HTTP/1.1\r\n" + HOST + b"\r\n"))
    check_problem(answer, 400, "query-not-taken", closes=False)
    assert b'"parameter":"verbose"' in answer[2]
    (answer,) = parse_answers(
        exchange(shared, b"GET /livez?" + PAN.encode() + b"=1 HTTP/1.1\r\n" + HOST + b"\r\n")
    )
    check_problem(answer, 400, "query-not-taken", closes=False)


def test_expect_100_continue(shared):
    data = tokenize(
        shared,
        extra=b"Expect: 100-continue\r\nConnection: close\r\n",
        body=b"",
        length=b"Content-Length: %d\r\n" % len(BODY),
    )
    with connect(shared) as sock:
        sock.sendall(data)
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(BODY)
        assert [a[0] for a in parse_answers(read_to_end(sock))] == [200]
    # Where the answer is known, it comes instead, and the body is not waited for.
    with connect(shared) as sock:
        sock.sendall(
            tokenize(
                shared,
                auth=made_up_key(),
                extra=b"Expect: 100-continue\r\n",
                body=b"",
                length=b"Content-Length: 1000\r\n",
            )
        )
        (answer,) = parse_answers(read_to_end(sock))
        check_problem(answer, 401, "unauthorized")


def test_tls_at_the_plain_port_is_closed_at_once(shared):
    before = shared.operator.get("/v1/status").json()["connections"]["tls_hellos"]
    for _ in range(5):
        with connect(shared) as sock:
            sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 500)
            with contextlib.suppress(ConnectionResetError):
                assert sock.recv(100) == b""
    assert shared.operator.get("/v1/status").json()["connections"]["tls_hellos"] == before + 5
    assert shared.front_log.read_text().count("TLS was spoken") == 1


# -- answers that come before the body


@pytest.mark.parametrize(
    "auth, size, status",
    [(made_up_key, 2_000_000, 401), (bytes, 2_000_000, 401), (lambda: None, 3_000_000, 413)],
)
def test_answers_before_the_body_are_seen(shared, auth, size, status):
    for _ in range(60):
        with connect(shared) as sock:
            data = tokenize(shared, auth=auth(), body=b"", length=b"Content-Length: %d\r\n" % size)
            sock.sendall(data + b"x" * size)  # as a client that writes first and reads then
            (answer,) = parse_answers(read_to_end(sock))
            assert answer[0] == status and answer[1]["connection"] == "close"


def test_an_early_answer_does_not_wait_for_the_body(shared):
    with connect(shared) as sock:
        sock.sendall(
            tokenize(shared, auth=made_up_key(), body=b"", length=b"Content-Length: 2000000\r\n")
        )
        sock.settimeout(5)
        assert parse_answers(read_to_end(sock))[0][0] == 401
