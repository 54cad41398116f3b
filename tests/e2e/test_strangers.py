# SPDX-License-Identifier: Apache-2.0
"""Strangers cannot stop the service: descriptors, memory, and room for honest clients."""

import contextlib
import multiprocessing
import os
import re
import resource
import socket
import statistics
import struct
import time
from pathlib import Path

import pytest
import requests

from cards import made_up
from door import (
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
from service import BIN, Api, Daemon, wait_until


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
    comes back, 250 per second.
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
            auth=made_up_key(),
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


@pytest.mark.alone
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


def test_an_address_that_holds_its_share_is_told_so_alone(make_service):
    """Four clients of one address, each below its own share: together they are above that of the
    address, and a client of another address is served.
    """
    raise_descriptors()
    service = make_service(options={"front_loops": 1, "front_max_body": 8_000_000})
    keys = [service.new_client(f"hog-{i}", ["tokenize"]) for i in range(4)]
    held = []

    def over_budget():
        return service.operator.get("/v1/status").json()["connections"]["requests_over_budget"]

    try:
        for key in keys:
            auth = b"Authorization: Bearer " + key.encode() + b"\r\n"
            head = tokenize(service, auth=auth, body=b"", length=b"Content-Length: 7900000\r\n")
            for _ in range(8):  # 62.4 MB of each client, whose share is 64 MiB
                held.append(connect(service, source="127.0.0.9"))
                with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                    held[-1].sendall(head + b"x" * 7_800_000)
        wait_until(lambda: over_budget() >= 1, "the address meets its share")
        assert parse_answers(exchange(service, tokenize(service)))[0][0] == 200
    finally:
        for sock in held:
            sock.close()


def test_unfinished_heads_are_bounded(make_service):
    """More of them than may be held: who has waited longest makes room, and nobody else notices."""
    raise_descriptors()
    service = make_service(options={"front_loops": 1, "front_per_address": 20000})
    part = GET + HOST + b"X: " + b"a" * 8000 + b"\r\nY: " + b"a" * 7000
    held = []
    try:
        for _ in range(1300):
            held.append(connect(service))
            held[-1].sendall(part)
        figures = service.operator.get("/v1/status").json()["connections"]
        assert 100 <= figures["connections_evicted"] < 600, figures
        with contextlib.suppress(ConnectionResetError):
            assert held[0].recv(100) == b"", "the first one made room"
        held[-1].sendall(b"\r\n\r\n")
        assert held[-1].recv(1000).startswith(b"HTTP/1.1 200 ")
    finally:
        for sock in held:
            sock.close()


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
        assert parse_answers(exchange(service, tokenize(service, auth=made_up_key())))[0][0] == 401
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


def resident_bytes(service):
    pages = Path(f"/proc/{service.front.process.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def test_five_thousand_idle_connections_are_cheap(make_service):
    """Each of them has asked something, and is kept for the next request."""
    raise_descriptors()
    service = make_service(options={"front_per_address": 20000})
    if service.operator.get("/v1/status").json()["connections"]["limit"] < 5200:
        pytest.skip("too few file descriptors here")
    for i in range(200):  # what the first requests take is taken
        service.app.tokenize(made_up(i, series="idle"))
    held = []
    try:
        before = resident_bytes(service)
        for _ in range(5000):
            sock = connect(service)
            held.append(sock)
            sock.sendall(GET + HOST + b"\r\n")
        for sock in held:
            assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert service.operator.get("/v1/status").json()["connections"]["open"] >= 5000
        grown = resident_bytes(service) - before
        print(f"5,000 idle connections: {grown / 1e6:.1f} MB more")
        assert grown < 60_000_000
    finally:
        for sock in held:
            sock.close()
