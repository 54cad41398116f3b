# SPDX-License-Identifier: Apache-2.0
"""Three nodes on one database, mixed load, rolls and retirements, while processes are killed and
stopped and connections are cut: nothing that was acknowledged is lost, nothing is doubled, and
nothing stands under a retired key.
"""

import itertools
import os
import random
import threading
import time

import pytest
import requests

from cards import made_up
from cutter import Cutter
from service import wait_until
from traffic import Traffic, check_promises

ROUNDS = int(os.environ.get("JETON_TEST_ROUNDS", "4"))
SECONDS = 30 if ROUNDS <= 4 else 10 * ROUNDS
SEED = os.environ.get("JETON_TEST_SEED", "chaos")


class AnyNode:
    """Stands for a service where a client takes the next node whenever it has to connect."""

    def __init__(self, nodes):
        self._nodes = itertools.cycle(nodes)

    @property
    def app(self):
        return next(self._nodes).app


class Roller:
    """Rolls and retires, on whichever node, and takes up after every failure."""

    def __init__(self, nodes, seed):
        self.nodes, self.random = nodes, random.Random(seed)
        self.rolls = 0
        self.surprises = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(90)
        assert not self._thread.is_alive()

    def _run(self):
        while not self._stop.wait(0.5):
            try:
                self._step(self.random.choice(self.nodes).operator)
            except requests.RequestException:
                pass

    def _step(self, operator):
        answer = operator.get("/v1/generations")
        if answer.status_code != 200:
            return
        states = {g["number"]: g["state"] for g in answer.json()["generations"]}
        future = [n for n, s in states.items() if s == "future"]
        draining = [n for n, s in states.items() if s == "draining"]
        if not future and len(draining) < 3:
            self._post(operator, "/v1/generations", (201,))
        elif future and len(draining) < 3:
            # each node holds the key, or the roll waits: no reason for one holder is given
            if self._post(operator, f"/v1/generations/{future[0]}/activate", (200,)):
                self.rolls += 1
        for number in draining:
            self._post(operator, f"/v1/generations/{number}/retire", (202,))

    def _post(self, operator, path, good):
        answer = operator.post(path)
        if answer.status_code not in (*good, 409, 503, 429):
            self.surprises.append((path, answer.status_code, answer.text))
        return answer.status_code in good


def restart_what_ended(nodes):
    """As an init system does."""
    for node in nodes:
        if not node.keeper.running:
            node.start_keeper()
        if not node.front.running:
            node.start_front()


def kill_front(node):
    node.front.kill()


def kill_keeper(node):
    node.keeper.kill()


def kill_node(node):
    node.front.kill()
    node.keeper.kill()


def stop_for_a_moment(process):
    def act(node, rng):
        daemon = getattr(node, process)
        daemon.pause()
        time.sleep(rng.choice((0.3, 2, 6)))  # the last one is longer than the lease
        daemon.resume()

    act.__name__ = f"stop_{process}"
    return act


def cut(node):
    node.cutter.cut()


def hold(node, rng):
    node.cutter.hold()
    time.sleep(rng.choice((0.5, 2, 5)))
    node.cutter.release()


def kill_database(node):
    node.cluster.kill()
    node.cluster.start()


ACTS = [
    kill_front,
    kill_keeper,
    kill_node,
    stop_for_a_moment("front"),
    stop_for_a_moment("keeper"),
    cut,
    cut,
    hold,
    kill_database,
]


@pytest.mark.slow
def test_three_nodes_in_a_storm_lose_and_double_nothing(make_cluster, make_service, tmp_path):
    cluster, rng = make_cluster(), random.Random(SEED)
    first = make_service(cluster=cluster, options={"front_lease": 5, "retirement_rate": 2000})
    nodes = [first, first.add_node(front_lease=5), first.add_node(front_lease=5)]
    for i, node in enumerate(nodes):
        node.cutter = Cutter(tmp_path / f"c{i}", cluster)
        conninfo = f"host={node.cutter.directory} dbname={node.database} user=jeton"
        node.configure(front_lease=5, retirement_rate=2000, database_conninfo=conninfo)
        node.front.stop()
        node.start_front()
        node.wait_ready()
    pool = [made_up(n, series="chaos") for n in range(1500)]
    done = []
    with Traffic(AnyNode(nodes), pool, clients=9, batch=20, outages=True) as traffic:
        traffic.wait_for(20)
        with Roller(nodes, SEED) as roller:
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                act, node = rng.choice(ACTS), rng.choice(nodes)
                done.append((act.__name__, node.node))
                act(node, rng) if act.__code__.co_argcount == 2 else act(node)
                restart_what_ended(nodes)
                time.sleep(rng.choice((0.1, 0.3, 1)))
            restart_what_ended(nodes)
            for node in nodes:
                wait_until(lambda n=node: restart_what_ended(nodes) or n.ready(), "ready again", 60)
            rolls = roller.rolls
            wait_until(lambda: roller.rolls > rolls, "a roll after the storm", 60)
        traffic.wait_for(30)
    states = [g["state"] for g in first.operator.generations().values()]
    print(f"{len(done)} acts, {roller.rolls} rolls, {states.count('retired')} retired: {done}")
    assert not roller.surprises, roller.surprises[:3]
    assert states.count("retired") > 0
    for number, generation in first.operator.generations().items():
        if generation["state"] == "draining":
            first.operator.post(f"/v1/generations/{number}/retire")
            first.operator.wait_certified(number)
    check_promises_on_all(nodes, traffic)


def check_promises_on_all(nodes, traffic):
    check_promises(nodes[0], traffic)
    tokens = {next(iter(found)): pan for pan, found in traffic.tokens.items()}
    some = list(tokens)[:500]
    for node in nodes[1:]:
        assert node.app.detokenize_many(some) == [tokens[t] for t in some]
        assert node.operator.counters()["row_alarms"] == 0
