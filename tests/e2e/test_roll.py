# SPDX-License-Identifier: Apache-2.0
"""Rolls under load: one token per card, and nothing under an old key."""

import threading
import time

import psycopg2
import pytest

from cards import made_up
from service import RING_LOCK, problem, wait_until
from traffic import Traffic, check_generations, check_promises


def test_sixteen_clients_through_three_rolls(service):
    pool = [made_up(n, 12 + n % 8, "roll") for n in range(1500)]
    with Traffic(service, pool, clients=16, batch=60) as traffic:
        traffic.wait_for(16)
        for number in (2, 3, 4):
            assert service.operator.roll() == number
            traffic.wait_for(24)
    check_promises(service, traffic)
    assert {n: g["state"] for n, g in service.operator.generations().items()} == {
        1: "draining",
        2: "draining",
        3: "draining",
        4: "active",
    }


def test_retirements_under_load(service):
    pool = [made_up(n, series="retire") for n in range(2500)]
    service.app.tokenize_many(pool[:1500])
    with Traffic(service, pool, clients=6, batch=40) as traffic:
        traffic.wait_for(10)
        for old in (1, 2, 3):
            assert service.operator.roll() == old + 1
            service.operator.retire(old)
            assert service.rows_under(old) == 0
            traffic.wait_for(5)
    check_promises(service, traffic)
    assert len({g["key_id"] for g in service.operator.generations().values()}) == 4


def test_a_default_isolation_of_serializable_changes_nothing(make_service):
    service = make_service(settings={"default_transaction_isolation": "serializable"})
    pool = [made_up(n, series="serializable") for n in range(600)]
    with Traffic(service, pool, clients=6, batch=40) as traffic:
        traffic.wait_for(10)
        service.operator.roll()
        traffic.wait_for(10)
        service.operator.retire(1)
        traffic.wait_for(5)
    check_promises(service, traffic)
    assert service.rows_under(1) == 0


def test_a_database_that_defaults_to_read_only_still_takes_writes(make_service):
    service = make_service(start=False)
    service.cluster.sql(
        "postgres", f"ALTER DATABASE {service.database} SET default_transaction_read_only = on"
    )
    service.start().populate()
    pan = made_up(1, series="read-only")
    assert service.app.detokenize(service.app.tokenize(pan)) == pan


class HeldWriter:
    """A transaction of the test's own that follows the ring rule as far as the lock, and then
    dawdles.
    """

    def __init__(self, service):
        self.connection = service.connect("jeton")
        self.cursor = self.connection.cursor()
        self.cursor.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        self.cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", (RING_LOCK,))

    def __enter__(self):
        return self.cursor

    def __exit__(self, *exception):
        self.connection.close()


def in_background(function):
    """Runs function in a thread; its answer ends up in the list that is returned."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function()))
    thread.start()
    return thread, answers


def test_a_roll_waits_for_a_writer_and_traffic_goes_on(service):
    pool = [made_up(n, series="held") for n in range(800)]
    number = service.operator.create_generation()
    with Traffic(service, pool, clients=4) as traffic:
        traffic.wait_for(4)
        with HeldWriter(service) as writer:
            writer.execute("SELECT epoch FROM ring")
            epoch = writer.fetchone()[0]
            thread, answers = in_background(lambda: service.operator.activate(number))
            # Exclusive attempts back off, so that writers never queue behind them: traffic does not
            # stall.
            traffic.wait_for(20)
            writer.execute("SELECT epoch FROM ring")
            assert writer.fetchone()[0] == epoch, "the ring moved under a writer"
            assert service.operator.generations()[1]["state"] == "active"
        thread.join(30)
        if answers[0].status_code != 200:  # it may give up and ask to be repeated, but only so
            assert answers[0].status_code == 503 and "Retry-After" in answers[0].headers
            wait_until(lambda: service.operator.activate(number).status_code == 200, "activation")
        traffic.wait_for(8)
    assert service.operator.generations()[number]["state"] == "active"
    check_promises(service, traffic)


def test_activations_that_wait_hold_up_no_other_act(service):
    """There are two workers for acts; each activation used to hold one, asleep, for up to 20
    seconds.
    """
    numbers = [service.operator.create_generation() for _ in range(4)]
    with HeldWriter(service) as writer:
        waiting = [in_background(lambda n=n: service.operator.activate(n)) for n in numbers]
        started = time.monotonic()
        for n in range(5):
            assert service.new_client(f"meanwhile{n}", ["tokenize"])
        assert time.monotonic() - started < 5
        writer.execute("SELECT count(*) FROM generation WHERE state = 2 AND number > 1")
        assert writer.fetchone()[0] == 0, "activated under a writer"
        assert not any(answers for _, answers in waiting)
    for thread, _ in waiting:
        thread.join(60)
    statuses = sorted(answers[0].status_code for _, answers in waiting)
    assert statuses[0] == 200 and set(statuses) <= {200, 409, 503}
    check_generations(service)


def test_generations_asked_for_at_once_are_all_made(service):
    asked = [in_background(service.operator.create_generation) for _ in range(4)]
    for thread, _ in asked:
        thread.join(60)
    assert sorted(answers[0] for _, answers in asked) == [2, 3, 4, 5]
    generations = service.operator.generations()
    assert len({g["key_id"] for g in generations.values()}) == 5
    assert len({g["check_value"] for g in generations.values()}) == 5


def test_a_jeton_writer_stopped_in_mid_transaction_is_waited_for(service):
    """One of Jeton's own transactions is held open, by a row lock, after it took the ring lock: no
    roll may pass it.
    """
    pan = made_up(1, series="stopped")
    token = service.app.tokenize(pan)
    number = service.operator.create_generation()
    blocker = service.connect()
    with blocker.cursor() as cursor:
        cursor.execute("DELETE FROM card WHERE id = %s", (service.id_of(token),))  # not committed
        # Tokenizing the same card now waits for that transaction inside PostgreSQL.
        writer, tokens = in_background(
            lambda: service.app.post("/v1/fields/pan/tokenize", {"pan": pan})
        )
        wait_until(
            lambda: service.sql(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
            )[0][0]
            or not writer.is_alive(),
            "the writer waits",
        )
        roller, answers = in_background(lambda: service.operator.activate(number))
        wait_until(lambda: service.ready(), "the front answers")
        blocker.rollback()
    blocker.close()
    writer.join(30)
    roller.join(30)
    if tokens[0].status_code == 503:
        assert "Retry-After" in tokens[0].headers
    else:
        assert tokens[0].json() == {"token": token}
    wait_until(
        lambda: service.operator.generations()[number]["state"] == "active"
        or service.operator.activate(number).status_code == 200,
        "activation",
    )
    assert service.app.tokenize(pan) == token
    assert service.app.detokenize(token) == pan
    assert service.sql("SELECT count(*) FROM card") == [(1,)]


def test_a_retirement_waits_for_a_writer_and_traffic_goes_on(service):
    pool = [made_up(n, series="held-retire") for n in range(600)]
    service.app.tokenize_many(pool)
    service.operator.roll()
    with Traffic(service, pool, clients=4) as traffic:
        traffic.wait_for(4)
        with HeldWriter(service) as writer:
            writer.execute("SELECT epoch FROM ring")
            service.operator.start_retirement(1)
            wait_until(lambda: service.rows_under(1) == 0, "the rows move")
            traffic.wait_for(20)
            assert (
                service.operator.generations()[1]["state"] == "draining"
            ), "retired under a writer"
        service.operator.wait_certified(1)
        traffic.wait_for(4)
    check_promises(service, traffic)
    assert service.rows_under(1) == 0


def test_a_row_that_a_writer_holds_is_moved_when_it_is_free(service):
    pool = [made_up(n, series="locked") for n in range(300)]
    tokens = service.app.tokenize_many(pool)
    service.operator.roll()
    holder = service.connect()
    with holder.cursor() as cursor:
        cursor.execute("SELECT 1 FROM card WHERE id = %s FOR UPDATE", (service.id_of(tokens[7]),))
        service.operator.start_retirement(1)
        wait_until(lambda: service.rows_under(1) == 1, "all rows but the held one move")
        # Reading it is answered at once, though it cannot be re-encrypted now.
        assert service.app.detokenize(tokens[7]) == pool[7]
        assert service.operator.retirement(1)["state"] == "draining"
    holder.close()
    service.operator.wait_certified(1)
    assert service.rows_under(1) == 0
    assert service.app.detokenize_many(tokens) == pool


def test_slots_alternate_and_key_ids_are_never_shared(service):
    pan = made_up(1, series="slots")
    token = service.app.tokenize(pan)
    for number in range(2, 7):
        assert service.operator.roll() == number
        assert service.app.tokenize(pan) == token
        assert service.app.detokenize(token) == pan
    generations = service.operator.generations()
    assert [g["state"] for g in generations.values()] == ["draining"] * 5 + ["active"]
    assert len({g["key_id"] for g in generations.values()}) == 6
    assert len({g["check_value"] for g in generations.values()}) == 6
    check_generations(service)


def test_too_many_draining_generations_are_refused_with_a_reason(service):
    answer = None
    for _ in range(12):
        number = service.operator.create_generation()
        answer = service.operator.activate(number)
        if answer.status_code != 200:
            break
    assert (answer.status_code, problem(answer)) == (409, "too-many-generations")
    # And nothing is stuck: after a retirement the same activation goes through.
    service.operator.retire(1)
    assert service.operator.activate(number).status_code == 200


def test_activation_needs_a_second_holder_or_a_reason(service):
    number = service.operator.create_generation()
    answer = service.operator.post(f"/v1/generations/{number}/activate", {})
    assert (answer.status_code, problem(answer)) == (409, "needs-durable-holder")
    assert service.operator.generations()[number]["state"] == "future"
    assert service.operator.activate(number).status_code == 200
    assert service.operator.generations()[number]["holder_override"] == "test machine"
    assert service.operator.generations()[number]["second_holder"] == "override"
    # Asked again, perhaps because the first answer was lost: success, and no second roll.
    epoch = service.operator.epoch()
    assert service.operator.activate(number).status_code == 200
    assert service.operator.epoch() == epoch


@pytest.mark.parametrize(
    "reason", ["", 7, "x" * 2000, None], ids=["empty", "number", "long", "null"]
)
def test_a_reason_must_be_one(service, reason):
    number = service.operator.create_generation()
    answer = service.operator.post(
        f"/v1/generations/{number}/activate", {"accept_single_holder": reason}
    )
    assert answer.status_code in (400, 409, 422), answer.status_code
    assert service.operator.generations()[number]["state"] == "future"


def test_only_draining_generations_retire(service):
    future = service.operator.create_generation()
    for number in (1, future):
        answer = service.operator.post(f"/v1/generations/{number}/retire")
        assert (answer.status_code, problem(answer)) == (409, "conflict")
    assert service.operator.activate(future).status_code == 200
    service.operator.retire(1)
    answer = service.operator.post("/v1/generations/1/activate", {"accept_single_holder": "again"})
    assert (answer.status_code, problem(answer)) == (409, "conflict")


def test_several_future_generations_may_wait_in_line(service):
    first, second = service.operator.create_generation(), service.operator.create_generation()
    assert (first, second) == (2, 3)
    assert service.operator.activate(second).status_code in (200, 409)
    pan = made_up(2, series="line")
    assert service.app.detokenize(service.app.tokenize(pan)) == pan


def test_no_active_generation_means_503(make_service):
    service = make_service(start=False).start()
    assert service.operator.post("/v1/fields", {"name": "pan"}).status_code == 201
    service.app_key = service.new_client("app", ["tokenize", "detokenize"])
    answer = service.app.post("/v1/fields/pan/tokenize", {"pan": made_up(1)})
    assert (answer.status_code, problem(answer)) == (503, "no-active-generation")
    assert "Retry-After" not in answer.headers  # it does not pass by itself
    service.operator.roll()
    assert service.app.tokenize(made_up(1))


def test_a_stuck_writer_of_jetons_own_is_ended_by_a_roll(service):
    """As if a front had been stopped in the middle of a transaction: its session holds the ring
    lock and never lets go.
    """
    number = service.operator.create_generation()
    with HeldWriter(service) as writer:
        writer.execute("SET application_name = 'jetond tokenize'")
        assert service.operator.activate(number).status_code == 200
        with pytest.raises(psycopg2.OperationalError):
            writer.execute("SELECT 1")
    pan = made_up(1, series="unstuck")
    assert service.app.detokenize(service.app.tokenize(pan)) == pan
