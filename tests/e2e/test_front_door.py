# SPDX-License-Identifier: Apache-2.0
"""The front door: strangers cannot stop the service, every answer is one well-formed response, and
what HTTP allows is taken.
"""

import contextlib
import multiprocessing
import os
import re
import resource
import socket
import statistics
import struct
import time
import urllib.parse

import pytest
import requests

from cards import made_up
from service import BIN, Api, Daemon, wait_until

PAN = made_up(1, series="door")
BODY = b'{"pan": "' + PAN.encode() + b'"}'
MADE_UP_KEY = b"Authorization: Bearer jck_app_" + b"0" * 52 + b"\r\n"
HEADERS_OF_ALL = {"date", "content-type", "cache-control", "content-length"}


# -- raw connections, and answers read byte by byte


def connect(service, source="127.0.0.1", timeout_s=10):
    address = urllib.parse.urlsplit(service.url)
    return socket.create_connection(
        (address.hostname, address.port), timeout=timeout_s, source_address=(source, 0)
    )


def read_to_end(sock):
    """What comes until the server closes; a reset is a failure, for it throws answers away."""
    received = b""
    while part := sock.recv(65536):
        received += part
    return received


def exchange(service, data):
    """Sends all of it, then says that nothing more comes; everything that is answered."""
    with connect(service) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        return read_to_end(sock)


def parse_answers(received, to_head=False):
    """[(status, headers, body)], by RFC 9112 to the letter: nothing may be left over or missing."""
    answers = []
    while received:
        head, separator, received = received.partition(b"\r\n\r\n")
        assert separator, head[:200]
        assert b"\0" not in head and not re.search(rb"(?<!\r)\n|\r(?!\n)", head), head[:200]
        line, *fields = head.decode("ascii").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 ([1-5]\d\d) [ -~]*", line)
        assert match, line
        headers = {}
        for field in fields:
            name, colon, value = field.partition(": ")
            assert colon and re.fullmatch(r"[A-Za-z-]+", name) and value == value.strip(), field
            assert name.lower() not in headers, field
            headers[name.lower()] = value
        status = int(match.group(1))
        length = 0 if status in (100, 204) else int(headers["content-length"])
        taken = 0 if to_head else length
        assert len(received) >= taken, (line, len(received), length)
        answers.append((status, headers, received[:taken]))
        received = received[taken:]
    return answers


def check_problem(answer, status, name, closes=True):
    got, headers, body = answer
    assert got == status and headers["content-type"] == "application/problem+json", answer
    assert set(headers) >= HEADERS_OF_ALL
    assert b'"urn:jeton:problem:' + name.encode() + b'"' in body, body
    assert f'"status":{status}'.encode() in body and PAN.encode() not in body
    assert (headers.get("connection") == "close") == closes, headers


def key_of(service):
    return b"Authorization: Bearer " + service.app_key.encode() + b"\r\n"


def tokenize(
    service,
    *,
    line=b"POST /v1/fields/pan/tokenize HTTP/1.1",
    host=b"Host: localhost\r\n",
    auth=None,
    extra=b"",
    kind=b"Content-Type: application/json\r\n",
    length=None,
    body=BODY,
):
    auth = key_of(service) if auth is None else auth
    length = b"Content-Length: %d\r\n" % len(body) if length is None else length
    return line + b"\r\n" + host + auth + kind + length + extra + b"\r\n" + body


# -- what is refused gets one well-formed answer

GET = b"GET /livez HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
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


def test_chunked_bodies_are_refused_at_once(shared):
    (answer,) = parse_answers(
        exchange(
            shared,
            tokenize(shared, length=b"Transfer-Encoding: chunked\r\n", body=b"1\r\na\r\n0\r\n\r\n"),
        )
    )
    check_problem(answer, 411, "length-required")


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
        b"*": "GET, HEAD, POST, OPTIONS",
        b"/v1/fields": "GET, HEAD, POST, OPTIONS",
    }
    for path, methods in allowed.items():
        (answer,) = parse_answers(
            exchange(shared, b"OPTIONS " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
        )
        assert answer[0] == 204 and answer[1]["allow"] == methods
    assert shared.operator.request("HEAD", "/v1/generations").status_code == 200
    assert shared.app.request("HEAD", "/v1/fields/pan/tokenize").status_code == 405


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
                auth=MADE_UP_KEY,
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
    [(MADE_UP_KEY, 2_000_000, 401), (b"", 2_000_000, 401), (None, 3_000_000, 413)],
)
def test_answers_before_the_body_are_seen(shared, auth, size, status):
    for _ in range(60):
        with connect(shared) as sock:
            data = tokenize(shared, auth=auth, body=b"", length=b"Content-Length: %d\r\n" % size)
            sock.sendall(data + b"x" * size)  # as a client that writes first and reads then
            (answer,) = parse_answers(read_to_end(sock))
            assert answer[0] == status and answer[1]["connection"] == "close"


def test_an_early_answer_does_not_wait_for_the_body(shared):
    with connect(shared) as sock:
        sock.sendall(
            tokenize(shared, auth=MADE_UP_KEY, body=b"", length=b"Content-Length: 2000000\r\n")
        )
        sock.settimeout(5)
        assert parse_answers(read_to_end(sock))[0][0] == 401


# -- strangers


def latency_p99_ms(api, n=1000):
    took = []
    for i in range(n):
        began = time.monotonic()
        answer = api.post("/v1/fields/pan/tokenize", {"pan": made_up(i, series="door latency")})
        took.append((time.monotonic() - began) * 1000)
        assert answer.status_code == 200, answer.status_code
    return statistics.quantiles(took, n=100)[98]


def raise_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def hold(service, n, data, source, ready, stop):
    """A process of strangers: `n` connections that have sent one of `data` and stay; who is closed
    comes back, 250 a second.
    """
    raise_descriptors()

    def open_one(i):
        sock = connect(service, source)
        sock.sendall(data[i % len(data)])
        sock.setblocking(False)
        return sock

    def gone(sock):
        try:
            return sock.recv(65536) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True

    held = [open_one(i) for i in range(n)]
    ready.set()
    while not stop.wait(0.2):
        for i in [i for i, sock in enumerate(held) if gone(sock)][:50]:
            held[i].close()
            held[i] = open_one(i)


@contextlib.contextmanager
def strangers(service, n, data, source):
    context = multiprocessing.get_context("fork")
    ready, stop = context.Event(), context.Event()
    process = context.Process(
        target=hold, args=(service, n, data, source, ready, stop), daemon=True
    )
    process.start()
    try:
        assert ready.wait(30)
        yield
    finally:
        stop.set()
        process.join(10)


KINDS_OF_300_BYTES = {
    # Small ones too, so that nothing is left of what large ones leave.
    "made-up keys and announced bodies": lambda s: [
        tokenize(
            s,
            auth=MADE_UP_KEY,
            body=b"",
            length=b"Content-Length: %d\r\n" % n,
            extra=b"X: " + b"x" * 60 + b"\r\n",
        )
        for n in (2000000, 200000, 20000, 2000, 200, 20)
    ],
    "unfinished heads": lambda s: [
        b"POST /v1/fields/pan/tokenize HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 230
    ],
    "unfinished bodies that need no key": lambda s: [
        b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n" + b"x" * 220
    ],
}


@pytest.mark.parametrize(
    "source", ["127.0.0.1", "127.0.0.2"], ids=["same-address", "other-address"]
)
@pytest.mark.parametrize("kind", KINDS_OF_300_BYTES, ids=lambda k: k.replace(" ", "-"))
def test_two_thousand_strangers_do_not_stop_an_honest_client(service, kind, source):
    quiet = latency_p99_ms(service.app)
    with strangers(service, 2000, KINDS_OF_300_BYTES[kind](service), source):
        beside = latency_p99_ms(service.app)
    # The floor is for a machine that does something else meanwhile; measured, the ratio is 1.1 to
    # 2.0.
    assert beside <= max(
        3 * quiet, 10
    ), f"p99 {beside:.1f} ms beside strangers, {quiet:.1f} ms alone"


def test_idle_connections_of_one_address_make_room(service):
    with strangers(service, 4000, [b""], "127.0.0.1"):
        for i in range(50):
            api = service.app  # a connection of its own each time
            assert (
                api.post(
                    "/v1/fields/pan/tokenize", {"pan": made_up(i, series="room")}, timeout=5
                ).status_code
                == 200
            )
        figures = service.operator.get("/v1/status").json()["connections"]
        assert figures["open"] <= 1100 and figures["connections_evicted"] >= 2000
        assert not figures["refusing"] and service.ready()
    text = service.front_log.read_text()
    assert "idle connections were closed to make room: 127.0.0.1" in text
    assert text.count("idle connections were closed") < 6


def test_few_descriptors_and_many_idle_strangers(service):
    assert service.front.stop() == 0
    service.directory.joinpath("port").unlink(missing_ok=True)
    # As systemd starts it by default, and without a way up.
    service.front = Daemon(
        [
            "/bin/sh",
            "-c",
            'ulimit -n 1024 && exec "$0" "$@"',
            BIN / "jetond",
            "--config",
            service.config,
        ],
        service.front_log,
    )
    port = service.directory / "port"
    wait_until(lambda: port.exists() and port.read_text(), "the port file")
    service.url = f"http://127.0.0.1:{port.read_text().strip()}"
    service.wait_ready()
    match = re.search(
        r"room for (\d+) connections.*\(1024 file descriptors\)", service.front_log.read_text()
    )
    assert match and 500 < int(match.group(1)) < 1000
    with strangers(service, 1200, [b""], "127.0.0.2"):
        for i in range(30):
            assert (
                service.app.post(
                    "/v1/fields/pan/tokenize", {"pan": made_up(i, series="few")}, timeout=5
                ).status_code
                == 200
            )
        assert service.ready()


def test_the_soft_limit_of_descriptors_is_raised(service):
    limits = open(f"/proc/{service.front.process.pid}/limits", encoding="ascii").read()
    soft, hard = re.search(r"Max open files +(\d+) +(\d+)", limits).groups()
    assert soft == hard


def test_a_client_that_holds_its_share_is_told_so_alone(make_service):
    service = make_service(options={"front_loops": 1, "front_max_body": 2_000_000})
    hog = service.new_client("hog", ["tokenize"])
    auth = b"Authorization: Bearer " + hog.encode() + b"\r\n"
    head = tokenize(service, auth=auth, body=b"", length=b"Content-Length: 1900000\r\n")
    part = b"x" * 1_800_000  # never the whole body
    held, refused = [], 0
    try:
        for _ in range(50):
            sock = connect(service)
            held.append(sock)
            sock.sendall(head)
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                sock.sendall(part)
        wait_until(
            lambda: service.operator.get("/v1/status").json()["connections"]["requests_over_budget"]
            >= 10,
            "the hog meets its share",
        )
        for sock in held:
            sock.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                (answer,) = parse_answers(read_to_end(sock))
                check_problem(answer, 429, "body-budget")
                assert answer[1]["retry-after"]
                refused += 1
        assert 10 <= refused < 25
        assert latency_p99_ms(service.app, 50) < 1000  # another client, with no error
    finally:
        for sock in held:
            sock.close()
    assert "share of body memory" in service.front_log.read_text()
    answer = Api(service, hog).post("/v1/fields/pan/tokenize", {"pan": PAN})
    assert answer.status_code == 200  # what it held is free again


def test_readiness_tells_when_connections_are_refused(make_service):
    service = make_service(options={"front_loops": 1, "front_max_connections": 16})
    head = tokenize(
        service, body=b"", length=b"Content-Length: 1000\r\n", extra=b"Expect: 100-continue\r\n"
    )
    held = []
    try:
        for _ in range(16):  # each with a request under way: none is idle
            held.append(connect(service))
            held[-1].sendall(head)
            assert held[-1].recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        held.append(connect(service))
        wait_until(
            lambda: "refused for lack of room" in service.front_log.read_text(),
            "a connection is refused",
        )
    finally:
        for sock in held:
            sock.close()

    def told():
        with contextlib.suppress(requests.RequestException):
            answer = requests.get(service.url + "/readyz", timeout=5)
            return answer.status_code == 503 and answer.json()["connections"] is False
        return False

    wait_until(told, "readyz tells of it", 4)
    service.wait_ready()
    figures = service.operator.get("/v1/status").json()["connections"]
    assert (
        figures["limit"] == 16 and figures["connections_refused"] >= 1 and not figures["refusing"]
    )


def test_a_client_that_resets_leaves_nothing_behind(service):
    for i in range(200):
        sock = connect(service)
        sock.sendall(tokenize(service)[: 100 + i])
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    wait_until(
        lambda: service.operator.get("/v1/status").json()["connections"]["open"] <= 3,
        "their connections are gone",
    )


def test_refused_logins_are_counted_and_logged_at_a_limited_rate(service):
    before = service.operator.get("/v1/status").json()["connections"]["logins_refused"]
    for _ in range(20):
        assert parse_answers(exchange(service, tokenize(service, auth=MADE_UP_KEY)))[0][0] == 401
    assert service.operator.get("/v1/status").json()["connections"]["logins_refused"] == before + 20
    assert 1 <= service.front_log.read_text().count("logins were refused: 127.0.0.1") <= 3


def test_stopping_lets_the_answers_out(service):
    """SIGTERM while requests are under way: each is answered, and then its connection ends."""
    socks = [connect(service) for _ in range(20)]
    for i, sock in enumerate(socks):
        sock.sendall(tokenize(service, body=b'{"pan": "%s"}' % made_up(i, series="stop").encode()))
    os.kill(service.front.process.pid, 15)
    for sock in socks:
        with contextlib.closing(sock):
            with contextlib.suppress(ConnectionResetError):  # one that had not been accepted
                for answer in parse_answers(read_to_end(sock)):
                    assert answer[0] in (200, 503)
    assert service.front.process.wait(20) == 0
