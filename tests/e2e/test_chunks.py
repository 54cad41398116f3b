# SPDX-License-Identifier: Apache-2.0
"""Bodies in the chunked transfer coding: taken as others are, and under the same limits."""

import contextlib
import json
import socket

import pytest
import requests

from cards import made_up
from door import (
    BODY,
    GET,
    HOST,
    check_problem,
    connect,
    exchange,
    made_up_key,
    parse_answers,
    read_to_end,
    tokenize,
)
from service import wait_until

CODING = b"Transfer-Encoding: chunked\r\n"
END = b"0\r\n\r\n"


def chunk(data, extension=b""):
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


def in_chunks(service, body, **more):
    return tokenize(service, length=CODING, body=body, **more)


GOOD = {
    "one chunk": chunk(BODY) + END,
    "a chunk for each byte": b"".join(chunk(BODY[i : i + 1]) for i in range(len(BODY))) + END,
    "leading zeros": b"000" + chunk(BODY) + b"000" + END,
    "extensions": chunk(BODY, b' ; a=1;b="x y"') + b"0;z\r\n\r\n",
    "trailer fields": chunk(BODY) + b"0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n",
}


@pytest.mark.parametrize("case", GOOD, ids=lambda c: c.replace(" ", "-"))
def test_bodies_in_chunks_are_taken(shared, case):
    """The connection lives on, and the next request on it is read from its beginning."""
    one = in_chunks(shared, GOOD[case])
    answers = parse_answers(exchange(shared, one + one + tokenize(shared)))
    assert [a[0] for a in answers] == [200] * 3
    assert len({a[2] for a in answers}) == 1, "one card has one token, however it comes"


def test_a_body_in_chunks_in_single_bytes(shared):
    data = in_chunks(shared, GOOD["trailer fields"], extra=b"Connection: close\r\n")
    with connect(shared) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            sock.sendall(data[i : i + 1])
        assert [a[0] for a in parse_answers(read_to_end(sock))] == [200]


def test_a_client_that_streams(shared):
    """As `requests` and curl -T do it: no length is known when the body begins."""
    pans = [made_up(i, series="streamed") for i in range(500)]

    def body():
        yield b'{"items": ['
        for i, pan in enumerate(pans):
            yield (b"," if i > 0 else b"") + json.dumps({"pan": pan}).encode()
        yield b"]}"

    answer = shared.app.request(
        "POST",
        "/v1/fields/pan/tokenize",
        data=body(),
        headers={"Content-Type": "application/json"},
    )
    tokens = [r["token"] for r in answer.json()["results"]]
    assert answer.status_code == 200 and shared.app.detokenize_many(tokens) == pans


def test_expect_100_continue_before_chunks(shared):
    with connect(shared) as sock:
        sock.sendall(in_chunks(shared, b"", extra=b"Expect: 100-continue\r\nConnection: close\r\n"))
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(chunk(BODY) + END)
        assert [a[0] for a in parse_answers(read_to_end(sock))] == [200]


BAD = {
    "no digit": b"\r\n" + BODY,
    "a sign": b"+" + chunk(BODY) + END,
    "0x": b"0x" + chunk(BODY) + END,
    "a blank before": b" " + chunk(BODY) + END,
    "a blank behind": chunk(BODY, b" ") + END,
    "seventeen digits": b"%017x\r\n%s\r\n" % (len(BODY), BODY) + END,
    "bare LF after the size": b"%x\n%s\r\n" % (len(BODY), BODY) + END,
    "bare LF in an extension": chunk(BODY, b";a\nb") + END,
    "bare LF after the data": b"%x\r\n%s\n" % (len(BODY), BODY) + END,
    "more data than said": b"%x\r\n%s\r\n" % (len(BODY) - 1, BODY) + END,
    "less data than said": b"%x\r\n%s\r\n" % (len(BODY) + 1, BODY) + END,
    "a folded trailer": chunk(BODY) + b"0\r\nX: a\r\n b\r\n\r\n",
    "a request for a trailer": chunk(BODY) + b"0\r\n" + GET + HOST + b"\r\n",
    "a long extension": chunk(BODY, b";" + b"a" * 5000) + END,
    "a long trailer": chunk(BODY) + b"0\r\nX: " + b"a" * 5000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("case", BAD, ids=lambda c: c.replace(" ", "-"))
def test_malformed_chunks_are_refused(shared, case):
    """Once, and whatever follows is never taken for a request."""
    (answer,) = parse_answers(exchange(shared, in_chunks(shared, BAD[case] + tokenize(shared))))
    check_problem(answer, 400, "malformed-request")


def test_a_body_that_breaks_off_changes_nothing(shared):
    """The whole item is there, but not the end of the body."""
    n_cards = shared.sql("SELECT count(*) FROM card")
    body = b'{"pan": "%s"}' % made_up(1, series="broken off").encode()
    assert exchange(shared, in_chunks(shared, chunk(body))) == b""
    assert shared.sql("SELECT count(*) FROM card") == n_cards


def test_a_large_chunk_is_refused_before_it_comes(shared):
    with connect(shared) as sock:
        sock.sendall(in_chunks(shared, chunk(b" ") + b"200000\r\n"))
        (answer,) = parse_answers(read_to_end(sock))
        check_problem(answer, 413, "body-too-large")


def test_many_small_chunks_meet_the_limit_too(shared):
    with connect(shared) as sock:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            sock.sendall(in_chunks(shared, chunk(b" " * 1000) * 2098 + END))
        (answer,) = parse_answers(read_to_end(sock))
        check_problem(answer, 413, "body-too-large")


def test_the_largest_body_is_taken_in_chunks(shared):
    body = BODY + b" " * ((2 << 20) - len(BODY))
    pieces = b"".join(chunk(body[i : i + 50000]) for i in range(0, len(body), 50000))
    assert parse_answers(exchange(shared, in_chunks(shared, pieces + END)))[0][0] == 200


def test_what_is_refused_without_the_body_is_refused_at_once(shared):
    cases = [
        (in_chunks(shared, b"", auth=made_up_key()), 401, "unauthorized"),
        (in_chunks(shared, b"", kind=b"Content-Type: text/plain\r\n"), 415, "content-type"),
        (in_chunks(shared, b"", extra=b"Content-Encoding: gzip\r\n"), 415, "content-encoding"),
        (in_chunks(shared, b"", line=b"POST /v1/nothing HTTP/1.1"), 404, "not-found"),
        (GET + HOST + CODING + b"\r\n", 400, "malformed-request"),
    ]
    for data, status, name in cases:
        with connect(shared) as sock:
            sock.sendall(data)  # and no chunk ever
            (answer,) = parse_answers(read_to_end(sock))
            check_problem(answer, status, name)


def test_chunks_count_against_the_share_of_a_client(make_service):
    service = make_service(options={"front_loops": 1, "front_max_body": 2_000_000})
    hog = service.new_client("hog", ["tokenize"])
    auth = b"Authorization: Bearer " + hog.encode() + b"\r\n"
    head = in_chunks(service, b"", auth=auth)
    held = []

    def over_budget():
        return service.operator.get("/v1/status").json()["connections"]["requests_over_budget"]

    try:
        for _ in range(50):
            held.append(connect(service))
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                held[-1].sendall(head + chunk(b"x" * 1_800_000))
        wait_until(lambda: over_budget() >= 10, "the hog meets its share")
        assert service.app.tokenize(made_up(1, series="beside a hog"))
    finally:
        for sock in held:
            sock.close()
    answer = requests.post(
        service.url + "/v1/fields/pan/tokenize",
        data=iter([BODY]),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {hog}"},
        timeout=10,
    )
    assert answer.status_code == 200, "what it held is free again"
