# SPDX-License-Identifier: Apache-2.0
"""Clients at work in the background, and the memory of what was promised to them.

Each client tokenizes random batches from one shared pool of cards, so that cards and batches
overlap, and reads back tokens that were acknowledged to anybody. What was acknowledged is kept for
ever: the test asks at the end whether every promise held.
"""

import random
import threading
import time

import requests

from service import problem, wait_until


class Traffic:
    """Use as a context: clients work inside it and have stopped after it; `problems` is empty then.

    With `outages`, 503 (with Retry-After) and broken connections are part of the game; whether such
    a request was done is unknown, so it counts as nothing.
    """

    def __init__(self, service, cards, clients=4, batch=40, outages=False, seed=1, reads=True):
        self.service = service
        self.cards = list(cards)
        self.batch = batch
        self.outages = outages
        self.reads = reads
        self.tokens = {}  # PAN -> set of tokens acknowledged for it
        self.problems = []
        self.acknowledged = 0  # batches
        self._when = []  # each was, since the mark
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._client, args=(random.Random(seed * 1000 + i),))
            for i in range(clients)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(t.is_alive() for t in self._threads), "a client hangs"

    def wait_for(self, batches, deadline_s=30):
        """Until so many more batches were acknowledged than when it was called."""
        with self._changed:
            goal = self.acknowledged + batches
            assert self._changed.wait_for(
                lambda: self.acknowledged >= goal or self.problems, deadline_s
            ), "traffic stands still"
        assert not self.problems, self.problems[:3]

    def mark(self):
        with self._changed:
            self._when = [time.monotonic()]

    def gap(self):
        """From when to when, since the mark, nothing was acknowledged to anybody for longest."""
        with self._changed:
            return max(zip(self._when, self._when[1:]), key=lambda pair: pair[1] - pair[0])

    def _client(self, rng):
        api = self.service.app
        while not self._stop.is_set():
            try:
                self._write(api, rng)
                if self.reads:
                    self._read(api, rng)
            except requests.RequestException as error:
                if not self.outages:
                    self._problem(f"connection: {type(error).__name__}")
                self._stop.wait(0.05)
                api = self.service.app  # the front may be at another port now

    def _write(self, api, rng):
        pans = rng.sample(self.cards, min(self.batch, len(self.cards)))
        answer = api.post("/v1/fields/pan/tokenize", {"items": [{"pan": p} for p in pans]})
        if not self._usable(answer):
            return
        with self._changed:
            for pan, result in zip(pans, answer.json()["results"]):
                if result["status"] == 200:
                    self.tokens.setdefault(pan, set()).add(result["token"])
                elif not (self.outages and result["status"] == 503):
                    self.problems.append(f"item: {result['status']} {result.get('type')}")
            self.acknowledged += 1
            self._when.append(time.monotonic())
            self._changed.notify_all()

    def _read(self, api, rng):
        with self._changed:
            known = [
                (pan, token)
                for pan in rng.sample(list(self.tokens), min(self.batch, len(self.tokens)))
                for token in self.tokens[pan]
            ]
        answer = api.post("/v1/fields/pan/detokenize", {"items": [{"token": t} for _, t in known]})
        if not known or not self._usable(answer):
            return
        for (pan, _), result in zip(known, answer.json()["results"]):
            if self.outages and result["status"] == 503:
                continue
            if result["status"] != 200 or result["pan"] != pan:
                self._problem(
                    f"an acknowledged token does not yield its card: {result['status']} "
                    f"{result.get('type')}"
                )

    def _usable(self, answer):
        if answer.status_code == 200:
            return True
        if self.outages and answer.status_code == 503 and "Retry-After" in answer.headers:
            self._stop.wait(0.02)
        else:
            self._problem(f"{answer.status_code} {problem(answer)}")
        return False

    def _problem(self, text):
        with self._changed:
            self.problems.append(text)
            self._changed.notify_all()


def check_promises(service, traffic):
    """Every acknowledged token yields its card; a card has one token, in the database too; nothing
    deadlocked.
    """
    assert not traffic.problems, traffic.problems[:3]
    assert traffic.tokens
    assert [pan for pan, tokens in traffic.tokens.items() if len(tokens) != 1] == []
    promised = {next(iter(tokens)): pan for pan, tokens in traffic.tokens.items()}
    tokens = list(promised)
    for start in range(0, len(tokens), 1000):
        part = tokens[start : start + 1000]
        assert service.app.detokenize_many(part) == [promised[t] for t in part]
    # A request whose answer was lost may have stored a card that nobody was told of; asking again
    # gives its one token.
    stored = {row[0] for row in service.sql("SELECT id FROM card")}
    assert set(service.ids_of(tokens)) <= stored
    everything = service.app.tokenize_many(traffic.cards[:5000])
    assert len(stored | set(service.ids_of(everything))) == len(set(traffic.cards[:5000]))
    check_generations(service)
    assert service.sql(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ) == [(0,)]


def check_generations(service):
    """No row under a generation that is retired or destroyed, and counts that agree with the rows,
    once what moves behind the answers has come to rest.
    """
    wait_until(lambda: differing(service) is None, "rows and tally of each generation agree")


def differing(service):
    """The first generation of which tally and rows differ, which are read one after the other."""
    rows = dict(
        service.sql(
            "SELECT g.number, count(c.id) FROM generation g LEFT JOIN card c "
            "ON c.key_id = g.key_id AND g.state < 5 GROUP BY g.number"
        )
    )
    for number, generation in service.operator.generations().items():
        is_empty = generation["state"] in ("retired", "destroyed", "future")
        if generation["rows"] != rows[number] or (is_empty and rows[number] != 0):
            return number
    return None
