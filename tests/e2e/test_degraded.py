# SPDX-License-Identifier: Apache-2.0
"""Dependencies that are slow, frozen, refuse one thing or lie: what else goes on, what is told, and
what is left behind.
"""

import itertools
import os
import signal
import socket
import threading
import time
import urllib.parse

import pytest
import requests

from cards import made_up
from service import Api, problem, wait_until


def in_background(function):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function()))
    thread.start()
    return thread, answers


def sessions(service, application, waiting=False):
    condition = "AND wait_event_type = 'Lock'" if waiting else ""
    return [
        pid
        for (pid,) in service.sql(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND "
            "application_name = %s " + condition,
            (application,),
        )
    ]


def since(path, size):
    return path.read_text(encoding="ascii", errors="replace")[size:]


# -- stopping


def test_a_front_that_stops_while_a_credential_is_looked_up_answers_and_ends(service):
    key = service.new_client("late", ["operate"])
    blocker = service.connect()
    blocker.cursor().execute("LOCK TABLE client IN ACCESS EXCLUSIVE MODE")
    # it has heard of the client at once: what it knows of clients must be too old to go on with
    old = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND "
        "application_name = 'jetond node' AND wait_event_type = 'Lock' AND "
        "query_start < clock_timestamp() - interval '1500 ms'"
    )
    wait_until(lambda: service.sql(old), "the heartbeat has waited for longer than that")
    api = Api(service, key)

    def ask():
        """What a front knows it answers from memory; else it asks, and waits."""
        while (answer := api.get("/v1/status")).status_code == 200:
            pass
        return answer

    asking, answers = in_background(ask)
    wait_until(lambda: sessions(service, "jetond worker", waiting=True), "the look-up waits")
    service.front.process.terminate()
    # Longer than a loop waits for its requests: the look-up ends when the lanes are going.
    wait_until(lambda: "stopping" in service.front_log.read_text(), "the front stops")
    time.sleep(5.5)  # the patience itself is what is tested
    blocker.rollback()
    assert service.front.process.wait(30) == 0
    asking.join(10)
    assert [a.status_code for a in answers] == [503]


# -- starting


def test_a_front_that_cannot_register_says_so_and_goes_on_trying(service):
    """Somebody holds the ring lock: the start does not wait for ever, and a stop is obeyed."""
    service.front.stop()
    blocker = service.connect()
    blocker.cursor().execute("SELECT pg_advisory_xact_lock_shared(7235419260851097)")
    for _ in range(2):
        size = len(service.front_log.read_text())
        service.start_front()
        assert "not serving" in service.front_log.read_text()[size:]
        assert not service.ready()
        assert service.front.stop() == 0
    service.start_front()
    blocker.rollback()
    assert service.wait_ready().app.tokenize(made_up(1))


# -- frozen


def test_a_frozen_database_session_does_not_hold_a_request_for_ever(service):
    key = service.new_client("late", ["tokenize"])
    frozen = sessions(service, "jetond worker") + sessions(service, "jetond node")
    assert len(frozen) >= 2
    # The postmaster as well: a worker without a session would make a new one.
    frozen.append(
        int((service.cluster.data / "postmaster.pid").read_text(encoding="ascii").split()[0])
    )
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        # For a second or so the front knows its clients; then it must ask, and nobody answers.
        # Strangers are never remembered.
        names = itertools.count()
        answer = wait_until(
            lambda: (
                a := Api(service, f"jck_stranger-{next(names)}_{'0' * 52}").post(
                    "/v1/fields/pan/tokenize", {"pan": made_up(1, series="frozen")}
                )
            ).status_code
            == 503
            and [a],
            "a refusal",
        )[0]
        assert "Retry-After" in answer.headers
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    wait_until(
        lambda: Api(service, key)
        .post("/v1/fields/pan/tokenize", {"pan": made_up(1, series="frozen")})
        .status_code
        == 200,
        "recovery",
    )


def test_a_front_stops_although_its_heartbeat_is_frozen(service):
    frozen = sessions(service, "jetond node")
    assert frozen
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        service.front.process.terminate()
        assert service.front.process.wait(25) == 0
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)


# -- clients that take more than their share


def test_a_client_that_never_stops_asking_does_not_stop_the_others(make_service):
    service = make_service(options={"front_loops": 1})
    address = urllib.parse.urlsplit(service.url)
    stop = threading.Event()

    def flood():
        with socket.create_connection((address.hostname, address.port)) as sock:
            sock.settimeout(0.2)
            threading.Thread(target=drain, args=(sock,), daemon=True).start()
            while not stop.is_set():
                try:
                    sock.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
                except OSError:
                    pass

    def drain(sock):
        while not stop.is_set():
            try:
                if not sock.recv(1 << 20):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    floods = [threading.Thread(target=flood) for _ in range(3)]
    for thread in floods:
        thread.start()
    try:
        for n in range(10):
            assert (
                service.app.post(
                    "/v1/fields/pan/tokenize", {"pan": made_up(n, series="flood")}, timeout=5
                ).status_code
                == 200
            )
    finally:
        stop.set()
        for thread in floods:
            thread.join(10)


def test_bodies_of_strangers_are_not_kept(service):
    def resident_kb():
        with open(f"/proc/{service.front.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    address = urllib.parse.urlsplit(service.url)
    before, connections = resident_kb(), []
    for n in range(60):
        sock = socket.create_connection((address.hostname, address.port), timeout=10)
        connections.append(sock)
        line = b"GET /livez" if n % 2 else b"POST /v1/fields/pan/tokenize"
        try:
            sock.sendall(
                line
                + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + b"Content-Length: 2000000\r\n\r\n"
                + b" " * 1999999
            )
        except OSError:
            pass  # refused before it was all sent: that is the point
    assert service.ready()
    grown = resident_kb() - before
    for sock in connections:
        sock.close()
    assert grown < 30_000, f"{grown} KiB for bodies of clients without a key"


# -- keeper away in the middle


def test_a_retirement_never_guesses_how_a_field_makes_fingerprints(make_service):
    service = make_service(options={"retirement_batch": 1})
    assert service.operator.post("/v1/fields", {"name": "plain", "dedup": False}).status_code == 201
    pan = made_up(1, series="guess")
    tokens = [service.app.tokenize(pan, "plain") for _ in range(2)]
    assert tokens[0] != tokens[1]
    service.operator.roll()
    blocker = service.connect()
    blocker.cursor().execute("LOCK TABLE field IN ACCESS EXCLUSIVE MODE")
    service.operator.start_retirement(1)
    wait_until(
        lambda: sessions(service, "jetond retirement", waiting=True), "the job reads the fields"
    )
    service.keeper.kill()  # so that it cannot vouch for them
    blocker.rollback()
    wait_until(
        lambda: not sessions(service, "jetond retirement", waiting=True),
        "the job has read the fields",
    )
    service.start_keeper().wait_ready()
    service.operator.wait_certified(1)
    assert (
        "alarm" not in service.front_log.read_text()
        and "23505" not in service.front_log.read_text()
    )
    assert [service.app.detokenize(t, "plain") for t in tokens] == [pan, pan]


def test_a_step_that_was_taken_is_reported_as_taken(service):
    """The keeper dies between the commit of an activation and hearing of it."""
    number = service.operator.create_generation()
    service.sql(
        "CREATE FUNCTION jeton.nap() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM "
        "pg_sleep(1); RETURN NEW; END'"
    )
    # at COMMIT: before it, the keeper is still needed for the audit row's head
    service.sql(
        "CREATE CONSTRAINT TRIGGER nap AFTER UPDATE ON ring DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION jeton.nap()"
    )
    activating, answers = in_background(lambda: service.operator.activate(number))
    wait_until(
        lambda: service.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"),
        "the step is under way",
    )
    service.keeper.kill()
    activating.join(30)
    assert answers[0].status_code == 200
    assert service.sql(
        "SELECT count(*) FROM audit WHERE action = 6 AND object = %s", (str(number),)
    ) == [(1,)]
    service.sql("DROP TRIGGER nap ON ring")
    service.start_keeper().wait_ready()
    wait_until(
        lambda: service.operator.get("/v1/status").json()["ring"]["active"] == number,
        "the keeper hears of it",
    )
    assert service.operator.activate(number).status_code == 200, "a repeated request"
    assert service.app.detokenize(service.app.tokenize(made_up(1, series="taken"))) == made_up(
        1, series="taken"
    )


# -- a database that refuses one thing

REFUSE = """CREATE FUNCTION jeton.refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$BEGIN RAISE EXCEPTION 'quota'; END$$"""


def test_no_administrative_act_without_its_audit_row(service):
    number = service.operator.create_generation()
    service.sql(REFUSE)
    service.sql(
        "CREATE TRIGGER refuse BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION jeton.refuse()"
    )

    def state():
        return service.sql(
            "SELECT (SELECT array_agg((number, state)::text ORDER BY number) FROM generation), "
            "(SELECT count(*) FROM client), "
            "(SELECT count(*) FROM field), (SELECT count(*) FROM retirement), (SELECT epoch FROM "
            "ring)"
        )

    before = state()
    acts = {
        "create": lambda: service.operator.post("/v1/generations"),
        "activate": lambda: service.operator.activate(number),
        "field": lambda: service.operator.post("/v1/fields", {"name": "other"}),
        "client": lambda: service.operator.post(
            "/v1/clients", {"id": "other", "permissions": ["tokenize"]}
        ),
    }
    for name, act in acts.items():
        assert act().status_code >= 500, name
        assert state() == before, name
    service.sql("DROP TRIGGER refuse ON audit")
    for name, act in acts.items():
        assert act().status_code in (200, 201), name


def test_keys_that_could_not_be_stored_do_not_pile_up(service):
    service.sql(REFUSE)
    service.sql(
        "CREATE TRIGGER refuse BEFORE INSERT ON generation FOR EACH ROW EXECUTE FUNCTION "
        "jeton.refuse()"
    )
    for _ in range(5):
        assert service.operator.post("/v1/generations").status_code >= 500
    service.sql("DROP TRIGGER refuse ON generation")
    number = service.operator.create_generation()
    keys = [
        p
        for p in service.keeper_directory.iterdir()
        if p.suffix == ".key" and p.name.startswith("generation")
    ]
    assert len(keys) == 2, sorted(p.name for p in keys)
    assert service.operator.activate(number).status_code == 200


# -- a database that lies


def test_an_acknowledgement_is_made_anew_at_activation(service):
    number = service.operator.create_generation()
    made = wait_until(
        lambda: service.sql(
            "SELECT incarnation, challenge FROM key_ack WHERE generation = %s", (number,)
        ),
        "it is acknowledged",
    )
    service.keeper.kill()
    service.start_keeper().wait_ready()
    assert service.operator.activate(number).status_code == 200
    again = service.sql(
        "SELECT incarnation, challenge FROM key_ack WHERE generation = %s", (number,)
    )
    assert again[0][0] != made[0][0] and bytes(again[0][1]) != bytes(made[0][1])


def test_a_forged_generation_row_is_told_to_the_operator(service):
    number = service.operator.create_generation()
    service.sql(
        "UPDATE generation SET mac = set_byte(mac, 0, get_byte(mac, 0) # 1) WHERE number = %s",
        (number,),
    )
    size = service.front_log.stat().st_size
    answer = service.operator.activate(number)
    assert (answer.status_code, problem(answer)) == (500, "backend-fault")
    assert "not authentic" in since(service.front_log, size)


@pytest.mark.parametrize("lie", ["forged", "went back"])
def test_a_ring_that_the_keeper_refuses_makes_the_node_not_ready(service, lie):
    old = service.sql("SELECT epoch, body, mac FROM ring")[0]
    service.operator.roll()
    good = service.sql("SELECT epoch, body, mac FROM ring")[0]
    size = service.front_log.stat().st_size
    if lie == "forged":
        service.sql("UPDATE ring SET mac = set_byte(mac, 0, get_byte(mac, 0) # 1)")
    else:
        service.sql("UPDATE ring SET epoch = %s, body = %s, mac = %s", old)
    # Without any traffic: the heartbeat notices.
    wait_until(lambda: not service.ready(), "the node is not ready")
    answer = requests.get(service.url + "/readyz", timeout=10)
    went_back = lie == "went back"
    assert {k: v for k, v in answer.json().items() if isinstance(v, bool)} == {
        "keeper": True,
        "database": True,
        "history": not went_back,
        "registered": not went_back,
        "lease": not went_back,
        "keys": True,
        "ring": False,
        "ids": True,
        "sets": True,
        "directory": True,
        "schema": True,
        "numeric": True,
        "connections": True,
    }
    assert ("not authentic" if lie == "forged" else "behind") in since(service.front_log, size)
    status = service.jeton("status", check=False)
    assert status.returncode == 69 and "NOT ACCEPTED" in status.stdout
    service.sql("UPDATE ring SET epoch = %s, body = %s, mac = %s", good)
    wait_until(service.ready, "the node is ready again")


def test_a_row_of_an_unknown_key_fails_alone_even_while_the_ring_is_bad(service):
    good, bad = service.app.tokenize_many([made_up(n, series="alone") for n in range(2)])
    service.sql(
        "UPDATE card SET envelope = set_byte(envelope, 0, 200) WHERE id = %s", (service.id_of(bad),)
    )
    service.sql("UPDATE ring SET mac = set_byte(mac, 0, get_byte(mac, 0) # 1)")
    answer = service.app.post(
        "/v1/fields/pan/detokenize", {"items": [{"token": good}, {"token": bad}]}
    )
    assert answer.status_code == 200
    assert [r["status"] for r in answer.json()["results"]] == [200, 500]


def test_a_row_that_cannot_be_opened_does_not_hold_up_other_retirements(service):
    service.app.tokenize_many([made_up(n, series="stuck") for n in range(20)])
    service.sql(
        "UPDATE card SET envelope = set_byte(envelope, 20, get_byte(envelope, 20) # 1) WHERE ctid "
        "= (SELECT ctid FROM card LIMIT 1)"
    )
    service.operator.roll()
    service.operator.roll()
    service.operator.start_retirement(1)
    wait_until(lambda: service.operator.retirement(1)["rows_stuck"] == 1, "the row is noticed")
    service.operator.retire(2)
    assert service.operator.retirement(1)["state"] == "draining"
    assert service.front_log.read_text().count("cannot be opened") < 5


def test_a_refusal_is_never_answered_as_success(service):
    """A worker may have ended a task before the loop that posted it goes on: its outcome must
    stand.
    """
    operator = service.operator
    for _ in range(1500):
        assert operator.get("/v1/generations/999").status_code == 404
        assert (
            operator.post("/v1/clients", {"id": "app", "permissions": ["tokenize"]}).status_code
            == 409
        )
