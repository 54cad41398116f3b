# SPDX-License-Identifier: Apache-2.0
"""Clients take turns: whoever sends much waits for it, and nobody else does."""

import socket
import struct
import threading
import time

import pytest

from cards import made_up
from door import HOST, connect, exchange, parse_answers, tokenize
from service import Api, problem

BATCH = 10_000


@pytest.fixture
def crowded(make_service):
    """A service with one loop, and a second client that sends batches side by side."""
    service = make_service(options={"front_loops": 1})
    service.hog_key = service.new_client("hog", ["tokenize"])
    service.app.tokenize(made_up(1, series="fair"))
    return service


class Hog:
    def __init__(self, service, n):
        self.service = service
        self.answers = []
        items = [{"pan": made_up(i, series="hog")} for i in range(BATCH)]
        self.threads = [threading.Thread(target=self.run, args=(items,)) for _ in range(n)]

    def run(self, items):
        answer = Api(self.service, self.service.hog_key).post(
            "/v1/fields/pan/tokenize", {"items": items}, timeout=120
        )
        self.answers.append((time.monotonic(), answer))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for thread in self.threads:
            thread.join(120)

    def busy(self):
        return any(t.is_alive() for t in self.threads)


def test_singles_beside_batches(crowded):
    """Twelve batches of 10,000 wait at a time: a single is not behind them but between."""
    taken_s = []
    with Hog(crowded, 12) as hog:
        began = time.monotonic()
        while hog.busy():
            before = time.monotonic()
            crowded.app.tokenize(made_up(len(taken_s), series="between"))
            taken_s.append(time.monotonic() - before)
        all_s = time.monotonic() - began
    assert [a.status_code for _, a in hog.answers] == [200] * 12
    taken_s.sort()
    assert len(taken_s) > 20
    assert taken_s[len(taken_s) // 2] < all_s / 10, (taken_s[len(taken_s) // 2], all_s)


def test_batches_of_two_clients_end_side_by_side(crowded):
    """The hog's ten came first; one of another client ends before most of them."""
    crowded.keeper.pause()
    with Hog(crowded, 10) as hog:
        time_ = {}

        def other():
            items = [{"pan": made_up(i, series="other")} for i in range(BATCH)]
            answer = crowded.app.post("/v1/fields/pan/tokenize", {"items": items}, timeout=120)
            time_["ended"] = (time.monotonic(), answer.status_code)

        thread = threading.Thread(target=other)
        thread.start()
        crowded.keeper.resume()
        thread.join(120)
    ended, status = time_["ended"]
    assert status == 200
    assert sum(at < ended for at, _ in hog.answers) <= 7


def test_who_exceeds_its_share_of_a_full_queue_is_told_alone(crowded):
    """More than a lane's queue holds, of one client: the rest is refused with 429, and singles of
    others are served all the while.
    """
    with Hog(crowded, 60) as hog:
        n = 0
        while hog.busy():
            crowded.app.tokenize(made_up(n, series="beside a flood"))
            n += 1
    refused = [a for _, a in hog.answers if a.status_code == 429]
    served = [a for _, a in hog.answers if a.status_code == 200]
    assert len(refused) + len(served) == 60 and len(served) >= 20
    assert refused, "sixty batches are more than the queue holds"
    for answer in refused:
        assert problem(answer) == "too-many-requests" and answer.headers["Retry-After"] == "1"
    again = Api(crowded, crowded.hog_key).post(
        "/v1/fields/pan/tokenize", {"items": [{"pan": made_up(1, series="hog")}] * BATCH}
    )
    assert again.status_code == 200, "afterwards there is room again"


def test_what_nobody_waits_for_is_not_done(crowded):
    """Requests whose clients were reset while they waited for the keeper are never sealed."""

    def status():
        return crowded.operator.get("/v1/status").json()

    def await_round():
        """The one loop takes what happens in order: with its answer all before is taken."""
        livez = b"GET /livez HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        assert parse_answers(exchange(crowded, livez))[0][0] == 200

    assert parse_answers(exchange(crowded, tokenize(crowded)))[0][0] == 200
    before = status()  # of a service that other tests have used
    crowded.keeper.pause()
    body = b'{"pan": "%s"}'
    first = connect(crowded)
    first.sendall(tokenize(crowded, body=body % made_up(0, series="waits").encode()))
    await_round()  # it is with the keeper, and the others will wait
    socks = [connect(crowded) for _ in range(50)]
    for i, sock in enumerate(socks):
        sock.sendall(tokenize(crowded, body=body % made_up(i, series="gone").encode()))
    for sock in socks:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    await_round()  # it knows that they are gone
    crowded.keeper.resume()
    first.settimeout(10)
    assert b"jtk_" in first.recv(65536)
    first.close()
    crowded.app.tokenize(made_up(1, series="fair"))  # a batch later: those that waited are through
    after = status()
    assert after["keeper"]["sealed"] - before["keeper"]["sealed"] <= 12
    assert after["counters"]["unavailable"] == before["counters"]["unavailable"]
