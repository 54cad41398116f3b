# SPDX-License-Identifier: Apache-2.0
"""Deadlines that no dripping byte puts off, clients that vanish, and a stop that loses nothing."""

import os
import socket
import struct
import threading
import time

import pytest
import requests

from cards import made_up
from door import (
    GET,
    HOST,
    check_problem,
    connect,
    exchange,
    parse_answers,
    read_to_end,
    tokenize,
)
from service import Service, wait_until


@pytest.fixture(scope="module")
def hasty(run_directory, cluster):
    """A service with deadlines of seconds."""
    options = {
        "front_loops": 1,
        "front_idle_timeout": 2,
        "front_head_timeout": 2,
        "front_request_timeout": 3,
        "front_max_body": 8_000_000,
        "front_max_items": 100_000,
    }
    service = Service(os.path.join(run_directory, "hasty"), cluster, "hasty", options=options)
    service.set_up().start().populate()
    yield service
    service.stop()


def drip(sock, data, every_s=0.2):
    """Sends byte by byte until the other side has had enough; the answer, and how long it took."""
    began = time.monotonic()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(every_s)
    received = b""
    for i in range(len(data)):
        try:
            sock.sendall(data[i : i + 1])
            part = sock.recv(65536)
            received += part
            if part == b"":
                return received, time.monotonic() - began
        except TimeoutError:
            continue  # nothing is said yet: the next byte
        except OSError:
            return received, time.monotonic() - began
    raise AssertionError("whoever drips is served for ever")


def test_a_dripping_head_meets_its_deadline(hasty):
    with connect(hasty) as sock:
        received, took_s = drip(sock, GET + HOST + b"X-Slow: " + b"a" * 200)
    check_problem(parse_answers(received)[0], 408, "request-timeout")
    assert 1.5 < took_s < 4.5


CODINGS = {
    "length": (b"Content-Length: 1000\r\n", b" " * 1000),
    "one long chunk": (b"Transfer-Encoding: chunked\r\n", b"3e8\r\n" + b" " * 1000),
    "small chunks": (b"Transfer-Encoding: chunked\r\n", b"1\r\n \r\n" * 200),
    "an extension": (b"Transfer-Encoding: chunked\r\n", b"1;" + b"a" * 1000),
}


@pytest.mark.parametrize("case", CODINGS, ids=lambda c: c.replace(" ", "-"))
def test_a_dripping_body_meets_its_deadline(hasty, case):
    length, body = CODINGS[case]
    with connect(hasty) as sock:
        sock.sendall(tokenize(hasty, length=length, body=b""))
        received, took_s = drip(sock, body)
    check_problem(parse_answers(received)[0], 408, "request-timeout")
    assert 2.5 < took_s < 5.5


def test_empty_lines_do_not_put_off_the_end_of_an_idle_connection(hasty):
    with connect(hasty) as sock:
        _, took_s = drip(sock, b"\r\n" * 100)
    assert took_s < 5.5


def test_an_answer_that_nobody_fetches_is_given_up(hasty):
    """The answer is larger than all buffers on its way, and its reader takes a little now and then,
    but never the rest.
    """
    body = b'{"items":[' + b",".join([b'{"pan":"1"}'] * 100_000) + b"]}"
    operator = hasty.operator

    def alone():
        return operator.get("/v1/status").json()["connections"]["open"] == 1

    wait_until(alone, "nobody else is there", 10)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(20)
        sock.connect(("127.0.0.1", int(hasty.url.rpartition(":")[2])))
        sock.sendall(tokenize(hasty, body=body))
        assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
        began = time.monotonic()
        assert not alone()
        wait_until(lambda: sock.recv(1000) and alone(), "the connection is closed", 10, 0.1)
        assert 2 < time.monotonic() - began < 6


def test_a_client_that_vanishes_while_its_request_waits_is_let_go(service):
    """The keeper is stopped, so the request waits; its connection does not, once it was reset."""

    def figures():
        return service.operator.get("/v1/status").json()["connections"]

    service.operator.get("/v1/status")  # the front remembers this key, and that of `app`
    assert parse_answers(exchange(service, tokenize(service)))[0][0] == 200
    before = figures()["open"]
    service.keeper.pause()
    try:
        socks = [connect(service) for _ in range(20)]
        for sock in socks:
            sock.sendall(tokenize(service))
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
    finally:
        service.keeper.resume()
    wait_until(lambda: figures()["open"] <= before, "their connections are gone", 10)
    assert parse_answers(exchange(service, tokenize(service)))[0][0] == 200


# -- stopping


class Traffic:
    """Singles on kept connections until the service is gone; what was answered with 200 counts."""

    def __init__(self, service, n):
        self.service = service
        self.tokens, self.told_to_close, self.odd = {}, 0, []
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(n)]

    def run(self, number):
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.service.app_key}"
        url = self.service.url + "/v1/fields/pan/tokenize"
        for i in range(1_000_000):
            pan = made_up(i, series=f"stop {number}")
            try:
                answer = session.post(url, json={"pan": pan}, timeout=20)
            except requests.ConnectionError:
                return  # nothing was answered: nothing is lost
            self.told_to_close += answer.headers.get("Connection") == "close"
            if answer.status_code == 200:
                self.tokens[pan] = answer.json()["token"]
            elif answer.status_code != 503:
                self.odd.append(answer.status_code)

    def start(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: len(self.tokens) > 100, "traffic flows")
        return self

    def join(self):
        for thread in self.threads:
            thread.join(30)
        assert not any(t.is_alive() for t in self.threads)
        assert self.odd == []


def test_a_stop_under_load_loses_nothing(make_service):
    service = make_service(options={"front_loops": 2})
    traffic = Traffic(service, 8).start()
    os.kill(service.front.process.pid, 15)
    traffic.join()
    assert service.front.process.wait(20) == 0
    service.start_front()
    service.wait_ready()
    pans = list(traffic.tokens)
    for i in range(0, len(pans), 5000):
        some = pans[i : i + 5000]
        assert service.app.detokenize_many([traffic.tokens[p] for p in some]) == some


def test_a_request_that_came_before_the_stop_is_answered(make_service):
    """On connections that the front has not even accepted, and on idle ones: what is in the kernel
    counts as in.
    """
    service = make_service(options={"front_loops": 1})
    kept = [connect(service) for _ in range(10)]
    for sock in kept:
        sock.sendall(tokenize(service))
        wait_until(lambda s=sock: b"jtk_" in s.recv(65536, socket.MSG_PEEK), "an answer")
    service.front.pause()
    new = [connect(service) for _ in range(10)]
    for i, sock in enumerate(kept + new):
        sock.sendall(tokenize(service, body=b'{"pan":"%s"}' % made_up(i, series="in").encode()))
    os.kill(service.front.process.pid, 15)
    service.front.resume()
    for sock in kept + new:
        with sock:
            answers = parse_answers(read_to_end(sock))
        assert [a[0] for a in answers] == [200] * len(answers)
        assert len(answers) == (2 if sock in kept else 1)
        # an answer that was made before its loop heard of the stop does not tell of it
        assert answers[-1][1].get("connection", "close") == "close"
    assert service.front.process.wait(20) == 0


def test_an_answer_after_the_stop_ends_its_connection(make_service):
    """The keeper holds the answers back until the loop has heard of the stop, which is when nobody
    can connect any more.
    """
    service = make_service(options={"front_loops": 1})
    kept = [connect(service) for _ in range(5)]
    for sock in kept:
        sock.sendall(tokenize(service))
        wait_until(lambda s=sock: b"jtk_" in s.recv(65536, socket.MSG_PEEK), "an answer")
    service.keeper.pause()
    new = [connect(service) for _ in range(5)]
    for i, sock in enumerate(kept + new):
        sock.sendall(tokenize(service, body=b'{"pan":"%s"}' % made_up(i, series="after").encode()))
    os.kill(service.front.process.pid, 15)

    def takes_no_more():
        try:
            connect(service).close()
        except ConnectionRefusedError:
            return True
        return False

    wait_until(takes_no_more, "the loop has heard of the stop")
    service.keeper.resume()
    for sock in kept + new:
        with sock:
            answers = parse_answers(read_to_end(sock))
        assert [a[0] for a in answers] == [200] * (2 if sock in kept else 1)
        assert answers[-1][1].get("connection") == "close"
    assert service.front.process.wait(20) == 0


def test_readiness_fails_before_the_end(make_service):
    """With stop_delay everything is served on, and each answer sends its client elsewhere."""
    service = make_service(options={"front_loops": 1, "front_stop_delay": 60})
    service.app.tokenize(made_up(1, series="delay"))
    os.kill(service.front.process.pid, 15)

    def told():
        answer = requests.get(service.url + "/readyz", timeout=5)
        return answer.status_code == 503 and answer.json()["type"].endswith(":stopping")

    wait_until(told, "readyz says no")
    for _ in range(3):  # new connections
        (answer,) = parse_answers(exchange(service, tokenize(service)))
        assert answer[0] == 200 and answer[1]["connection"] == "close"
    assert requests.get(service.url + "/livez", timeout=5).status_code == 200
    os.kill(service.front.process.pid, 15)  # whoever has no patience
    assert service.front.process.wait(20) == 0
