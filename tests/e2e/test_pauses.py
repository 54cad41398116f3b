# SPDX-License-Identifier: Apache-2.0
"""What clients notice of rolls and retirements, and of what stands in the way of those: a front
that was stopped in the middle of a transaction, somebody's session that holds the ring lock, a dump
with an old snapshot. Nothing is left to luck, and no result depends on how fast the machine is:
clients must get on while the way is blocked. How long the longest request took is recorded.
"""

import contextlib
import threading
import time

import pytest

from cards import made_up
from service import RING_LOCK, Api, wait_until
from stopper import Stopper
from test_nodes_lease import lease_is_over, nodes
from test_roll import HeldWriter, in_background
from traffic import Traffic, check_promises

POOL = [made_up(n, series="pause") for n in range(600)]
LONGEST_S = 10  # a transaction that stalls for so long is given up, with 503 (JT_TXN_TIMEOUT_MS)


class Timed(Api):
    """A client with a watch."""

    def request(self, method, path, **kwargs):
        started = time.monotonic()
        try:
            return super().request(method, path, **kwargs)
        finally:
            self.service.took.append((started, time.monotonic() - started))


class Watched:
    """Stands for a service whose clients look at the time."""

    def __init__(self, service):
        self.service, self.took = service, []
        self.url = service.url

    @property
    def app(self):
        return Timed(self, self.service.app_key)

    def longest_ms(self, since):
        return 1000 * max(took for started, took in self.took if started + took >= since)


@contextlib.contextmanager
def clients(service):
    """Four clients at work, each with a few cards in a request; none may see an error."""
    service.app.tokenize_many(POOL)
    watched = Watched(service)
    with Traffic(watched, POOL, clients=4, batch=5) as traffic:
        traffic.wait_for(20)
        traffic.watched, traffic.since = watched, time.monotonic()
        yield traffic
    check_promises(service, traffic)


def pause_ends(traffic, measured, what):
    longest = traffic.watched.longest_ms(traffic.since)
    measured(f"longest request beside {what}", longest, "ms")
    assert longest < 1000 * LONGEST_S
    traffic.since = time.monotonic()


def roll_and_retire(service):
    number = service.operator.roll()
    service.operator.retire(number - 1)
    return number


def test_a_roll_and_a_retirement_by_themselves(service, measured):
    with clients(service) as traffic:
        traffic.wait_for(60)
        pause_ends(traffic, measured, "nothing")
        roll_and_retire(service)
        traffic.wait_for(20)
        pause_ends(traffic, measured, "a roll and a retirement")


# -- a front that was stopped in the middle of a transaction


def holders(service):
    """Sessions that hold the ring lock as writers do, and for how long."""
    return service.sql(
        "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.granted AND l.mode = 'ShareLock' AND l.objsubid = 1 "
        "AND l.classid::int8 << 32 | l.objid::int8 = %s AND a.datname = current_database() "
        "AND a.xact_start < now() - interval '1 s'",
        (RING_LOCK,),
    )


class Stopped:
    """Two nodes; the second can be stopped in the middle of a transaction that tokenizes a card.
    Its session holds locks then, and no time-out of the server ends it.
    """

    def __init__(self, make_service, directory):
        self.first = make_service(options={"front_lease": 3})
        self.second = self.first.add_node(front_lease=3)
        self.stopper = Stopper(directory, self.first.cluster)
        conninfo = f"host={self.stopper.directory} dbname={self.first.database} user=jeton"
        self.second.configure(front_lease=3, database_conninfo=conninfo)
        self.second.front.stop()
        self.second.start_front().wait_ready()
        self.first.app.tokenize_many(POOL)
        assert self.first.operator.create_generation() == 2
        wait_until(lambda: self.first.operator.activate(2).status_code == 200, "both hold the key")
        self.card = made_up(1, series="stopped")

    def stop_behind(self, *statements):
        self.stopper.arm(*statements)
        session = self.second.app
        threading.Thread(target=lambda: give_up(session, self.card), daemon=True).start()
        assert self.stopper.caught.wait(30)
        self.second.front.pause()
        wait_until(lambda: holders(self.first), "its session holds the lock")
        return self.first, self.second, self.card

    def close(self):
        self.second.front.kill()
        self.stopper.close()


@pytest.fixture
def pair(make_service, tmp_path):
    pair = Stopped(make_service, tmp_path / "stopper")
    yield pair
    pair.close()


@pytest.fixture
def stopped(pair):
    """After the second took the ring lock, and before it wrote the card."""
    return pair.stop_behind("ring_lock")


def give_up(session, card):
    with contextlib.suppress(Exception):
        session.tokenize(card)


def test_beside_a_front_that_was_stopped_in_a_transaction(stopped, measured):
    """It cannot be asked for an acknowledgement, so it is removed; its session is in the way."""
    service, second, card = stopped
    with clients(service) as traffic:
        wait_until(lease_is_over(service, "node2"), "the lease runs out")
        traffic.wait_for(20)
        assert holders(service) == [("jetond tokenize",)]
        service.jeton("nodes", "remove", "node2")
        assert list(nodes(service)) == ["node1"]
        assert "ended 1 stuck database sessions" in service.front_log.read_text()
        roll_and_retire(service)
        traffic.wait_for(20)
        pause_ends(traffic, measured, "a stopped front")
    # the one that was stopped writes nothing of what it had begun, and begins anew
    second.front.resume()
    wait_until(lambda: nodes(service).get("node2", {}).get("state") == "serving", "it is back")
    second.wait_ready()
    token = service.app.tokenize(card)
    assert second.app.tokenize(card) == token


def test_a_retirement_beside_a_front_that_was_stopped_in_a_transaction(stopped, measured):
    service, _, _ = stopped
    with clients(service) as traffic:
        service.operator.retire(1)
        assert "ended 1 stuck database sessions" in service.front_log.read_text()
        pause_ends(traffic, measured, "a stopped front, at a retirement")


def test_who_wants_the_card_of_a_front_that_was_stopped_does_not_wait_for_ever(pair, measured):
    """It has written the card, and will not commit: another node waits for what becomes of it."""
    service, _, card = pair.stop_behind("tokenize", "tokenize_alone")
    with clients(service) as traffic:
        started = time.monotonic()
        token = wait_until(lambda: tokenized(service, card), "the card has a token", 60)
        measured("the stopped card was had after", 1000 * (time.monotonic() - started), "ms")
        pause_ends(traffic, measured, "a card that a stopped front holds")
        remover = Api(service, service.new_client("remover", ["delete"]))
        assert remover.request("DELETE", f"/v1/fields/pan/tokens/{token}").status_code == 204


def tokenized(service, card):
    answer = service.app.post("/v1/fields/pan/tokenize", {"pan": card})
    assert answer.status_code in (200, 503), answer.text
    return answer.status_code == 200 and answer.json()["token"]


def test_a_node_joins_beside_a_front_that_was_stopped_in_a_transaction(stopped):
    service, _, _ = stopped
    third = service.add_node(front_lease=3)
    assert third.ready() and "node3" in nodes(service)


# -- somebody's session


def held_up_by(service, writer):
    process = writer.connection.info.backend_pid
    what = f"held by a session that is no node's: process {process} of the database server, user"
    return what in service.front_log.read_text()


def test_a_roll_beside_a_session_that_holds_the_ring_lock(service, measured):
    """Not one of Jeton's: it is not ended, and the log says whose it is."""
    with clients(service) as traffic:
        number = service.operator.create_generation()
        with HeldWriter(service) as writer:
            thread, answers = in_background(lambda: service.operator.activate(number))
            wait_until(lambda: held_up_by(service, writer), "the log says who holds the lock")
            traffic.wait_for(40)
            assert not answers
            pause_ends(traffic, measured, "a session that holds the ring lock, at a roll")
        thread.join(30)
        assert answers[0].status_code == 200
        traffic.wait_for(20)


def test_a_retirement_beside_a_session_that_holds_the_ring_lock(service, measured):
    with clients(service) as traffic:
        number = service.operator.roll()
        with HeldWriter(service) as writer:
            service.operator.start_retirement(number - 1)
            wait_until(lambda: service.rows_under(number - 1) == 0, "the cards move")
            wait_until(lambda: held_up_by(service, writer), "the log says who holds the lock")
            traffic.wait_for(40)
            pause_ends(traffic, measured, "a session that holds the ring lock, at a retirement")
        service.operator.wait_certified(number - 1)
        traffic.wait_for(20)


# -- a dump


class Dump:
    """As pg_dump reads: one snapshot from the beginning to the end, and every table locked."""

    def __init__(self, service):
        self.connection = service.connect()
        self.cursor = self.connection.cursor()
        self.cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        self.cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'jeton'::regnamespace "
            "AND relkind IN ('r', 'p')"
        )
        tables = ", ".join(f"jeton.{name}" for (name,) in self.cursor.fetchall())
        self.cursor.execute(f"LOCK TABLE {tables} IN ACCESS SHARE MODE")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.connection.close()

    def under(self, key_id):
        self.cursor.execute("SELECT count(*) FROM jeton.card WHERE key_id = %s", (key_id,))
        return self.cursor.fetchone()[0]


def test_beside_an_old_snapshot(service, measured):
    with clients(service) as traffic:
        with Dump(service) as dump:
            key_id = service.key_id(1)
            assert dump.under(key_id) == len(POOL)
            for _ in range(3):
                roll_and_retire(service)
            traffic.wait_for(20)
            assert dump.under(key_id) == len(POOL), "the dump is of one moment"
            assert service.rows_under(1) == 0
            pause_ends(traffic, measured, "an old snapshot, at three rolls and retirements")
