# SPDX-License-Identifier: Apache-2.0
"""Success is what happened: a database under somebody else's hand, a lost COMMIT, abandoned keys;
and refusals that say what is wrong.
"""

import re
import shutil
import threading
import time

import pytest
import requests

from cards import made_up
from service import RING_LOCK, problem, wait_until

SWALLOW = (
    "CREATE FUNCTION stranger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
)


def swallow(service, table):
    service.sql(SWALLOW)
    service.sql(
        f"CREATE TRIGGER stranger BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE "
        "FUNCTION stranger()"
    )


def readyz(service):
    return requests.get(service.url + "/readyz", timeout=10)


# --- the database does not do what it is told ---


@pytest.mark.parametrize("table", ["card", "tally", "audit"])
def test_a_swallowed_write_is_no_success_and_the_node_is_not_ready(service, table):
    pan, token = made_up(1, series="truth"), service.app.tokenize(made_up(2, series="truth"))
    swallow(service, table)
    started = time.monotonic()
    answer = service.app.post("/v1/fields/pan/tokenize", {"pan": pan})
    assert (answer.status_code, problem(answer)) == (500, "backend-fault")
    assert "Retry-After" not in answer.headers and pan not in answer.text
    assert time.monotonic() - started < 5
    if table == "audit":
        answer = service.app.post("/v1/fields/pan/detokenize", {"token": token})
        assert (answer.status_code, problem(answer)) == (500, "backend-fault")
        assert not re.search(r"\d{12,19}", answer.text)
    service.wait_unready()
    answer = readyz(service)
    assert answer.json()["schema"] is False and answer.json()["database"] is True
    done = service.jeton("status", check=False)
    assert done.returncode == 69 and "schema    NOT" in done.stdout
    log = service.front_log.read_text()
    assert re.search(
        "alarm: .*the database does not do what it is told; not ready: .*(stand as they were "
        "sent|were not)",
        log,
    )
    assert service.sql("SELECT count(*), sum(written) FROM card, tally") == [(1, 1)]
    service.sql("DROP FUNCTION stranger CASCADE")
    service.wait_ready()
    assert "the database again does what it is told" in service.front_log.read_text()
    assert service.jeton("status").stdout.count("schema    good") == 1
    assert service.app.detokenize(service.app.tokenize(pan)) == pan


def test_generations_that_contradict_the_ring_are_told_after_a_few_rounds(service):
    """Looked at again a few times, then named: this does not pass by itself, so nobody is told to
    repeat it later.
    """
    service.sql("UPDATE generation SET state = 3 WHERE number = 1")
    answer = service.app.post("/v1/fields/pan/tokenize", {"pan": made_up(2, series="rounds")})
    assert (answer.status_code, problem(answer)) == (500, "backend-fault")
    service.wait_unready()
    log = service.front_log.read_text()
    assert log.count("alarm: tokenize: an id is taken, or the generations contradict the ring") == 1
    service.sql("UPDATE generation SET state = 2 WHERE number = 1")
    service.wait_ready()


@pytest.mark.parametrize(
    "spoil, undo, says",
    [
        ("ALTER TABLE card SET UNLOGGED", "ALTER TABLE card SET LOGGED", "table card"),
        (
            "CREATE RULE stranger AS ON DELETE TO audit DO INSTEAD NOTHING",
            "DROP RULE stranger ON audit",
            "rule audit: stranger",
        ),
        (
            "DROP INDEX card_id",
            "CREATE UNIQUE INDEX card_id ON card (key_id, bucket, id) WITH (fillfactor = 100)",
            "index card",
        ),
    ],
)
def test_tables_that_are_not_what_migrate_made_are_noticed_at_start(service, spoil, undo, says):
    service.stop()
    service.sql(spoil)
    service.start_keeper().start_front().wait_manageable()
    assert readyz(service).json()["schema"] is False
    log = service.front_log.read_text()
    assert re.search(f"alarm: the tables are not what jeton migrate made; not ready: .*{says}", log)
    service.sql(undo)
    service.wait_ready()
    assert "the tables are again what jeton migrate made" in service.front_log.read_text()


def test_the_audit_may_have_another_owner(service):
    service.stop()
    service.sql("ALTER TABLE audit OWNER TO postgres")
    service.sql("REVOKE ALL ON audit FROM jeton")
    service.sql("GRANT SELECT, INSERT ON audit TO jeton")
    service.start()
    assert service.app.detokenize(service.app.tokenize(made_up(1, series="owner"))) == made_up(
        1, series="owner"
    )
    service.sql("ALTER TABLE audit OWNER TO jeton")


# --- a COMMIT whose answer is lost ---


def make_commits_wait(cluster):
    """From here on COMMIT waits for a standby that does not exist. A server takes a moment to hear
    of it: asked by a commit of the test's own.
    """
    cluster.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    cluster.sql("postgres", "SELECT pg_reload_conf()")
    probes = []

    def waits():
        if not probes or not probes[-1].is_alive():
            probes.append(
                threading.Thread(
                    target=cluster.sql, args=("postgres", f"CREATE TABLE probe_{len(probes)} ()")
                )
            )
            probes[-1].start()
        return (
            cluster.sql(
                "postgres", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            )[0][0]
            > 0
        )

    wait_until(waits, "a commit waits")
    return probes


@pytest.mark.parametrize(
    "path, body, done",
    [
        ("/v1/generations", None, "SELECT count(*) FROM generation WHERE number = 2"),
        (
            "/v1/clients",
            {"id": "late", "permissions": ["tokenize"]},
            "SELECT count(*) FROM client WHERE id = 'late'",
        ),
        ("/v1/fields", {"name": "late"}, "SELECT count(*) FROM field WHERE name = 'late'"),
    ],
)
def test_an_act_whose_commit_was_not_answered_is_answered_by_what_happened(
    make_cluster, make_service, path, body, done
):
    """The session ends while COMMIT waits for a standby that never comes: the rows stand, and
    nobody was told.
    """
    service = make_service(cluster=make_cluster())
    postgres = lambda query: service.cluster.sql("postgres", query)  # noqa: E731
    waiting = """SELECT pid FROM pg_stat_activity
        WHERE wait_event = 'SyncRep' AND application_name = 'jetond worker'"""
    probes = make_commits_wait(service.cluster)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(service.operator.post(path, body)))
    thread.start()
    try:
        pid = wait_until(lambda: postgres(waiting), "COMMIT waits for the standby")[0][0]
    finally:
        postgres("ALTER SYSTEM RESET synchronous_standby_names")
    postgres(f"SELECT pg_terminate_backend({pid})")
    postgres("SELECT pg_reload_conf()")
    for each in [thread, *probes]:
        each.join()
    assert answers[0].status_code == 201, (answers[0].status_code, answers[0].text)
    assert service.sql(done) == [(1,)]


def test_an_act_that_came_to_nothing_at_commit_is_repeated_and_done_once(service):
    service.sql(
        "CREATE FUNCTION stranger() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
    )
    service.sql(
        "CREATE CONSTRAINT TRIGGER stranger AFTER INSERT ON generation DEFERRABLE INITIALLY "
        "DEFERRED FOR EACH ROW "
        "EXECUTE FUNCTION stranger()"
    )
    answer = service.operator.post("/v1/generations")
    assert (answer.status_code, problem(answer)) == (
        503,
        "unavailable",
    ) and "Retry-After" in answer.headers
    assert service.sql("SELECT count(*) FROM generation") == [(1,)]
    service.sql("DROP FUNCTION stranger CASCADE")
    assert service.operator.create_generation() == 2


# --- generations that wait ---


def test_twelve_generations_may_wait_and_each_can_be_abandoned(service):
    numbers = [service.operator.create_generation() for _ in range(12)]
    files = len(list(service.keeper_directory.iterdir()))
    for _ in range(2):
        answer = service.operator.post("/v1/generations")
        assert (answer.status_code, problem(answer)) == (409, "too-many-future-generations")
    assert len(list(service.keeper_directory.iterdir())) == files  # no key was made
    key_id = service.operator.generations()[numbers[1]]["key_id"]
    done = service.jeton("keys", "abandon", numbers[1])
    assert "destroyed" in done.stdout
    left = {p.name for p in service.keeper_directory.iterdir()}
    assert len(left) < files
    gone = service.operator.generations()[numbers[1]]
    assert (
        gone["state"] == "destroyed" and gone["destroyed_by"] == "operator" and gone["destroyed_at"]
    )
    assert service.sql(
        "SELECT count(*) FROM audit WHERE action = 10 AND object = %s", (str(numbers[1]),)
    ) == [(1,)]
    again = service.operator.post(f"/v1/generations/{numbers[1]}/abandon")
    assert again.status_code == 200 and again.json()["state"] == "destroyed"
    assert service.sql("SELECT count(*) FROM audit WHERE action = 10") == [(1,)]
    next_one = service.operator.create_generation()
    assert next_one == max(numbers) + 1  # a number is never used again
    assert service.operator.generations()[next_one]["key_id"] == key_id  # its key id is
    assert service.operator.activate(numbers[1]).status_code == 409
    for number in (1, 99):
        answer = service.operator.post(f"/v1/generations/{number}/abandon")
        assert answer.status_code == (409 if number == 1 else 404)
    assert service.operator.activate(next_one).status_code == 200
    assert service.app.detokenize(service.app.tokenize(made_up(1, series="abandon"))) == made_up(
        1, series="abandon"
    )


def test_the_key_of_any_abandoned_generation_goes_however_many_came_after(service):
    """A directory that was away, or is an older one, has it still."""
    first = service.operator.create_generation()
    kept = service.keeper_directory / f"generation-{first}.key"
    copy = service.directory / "copy"
    shutil.copy2(kept, copy)
    for number in range(first, first + 66):
        if number > first:
            assert service.operator.create_generation() == number
        assert service.operator.post(f"/v1/generations/{number}/abandon").status_code == 200
    assert not kept.exists()
    assert service.keeper.stop() == 0
    shutil.copy2(copy, kept)
    service.start_keeper()
    service.wait_ready()
    wait_until(lambda: not kept.exists(), "it is erased again")


def test_a_crash_between_row_and_key_leaves_no_card_under_an_erased_key(service):
    number = service.operator.create_generation()
    service.sql(
        "UPDATE generation SET state = 5, destroyed_at = now(), destroyed_by = 'test' WHERE "
        "number = %s",
        (number,),
    )
    before = set(service.keeper_directory.iterdir())
    assert service.operator.activate(number).status_code == 409
    assert service.operator.create_generation() == number + 1  # sees to the key that was left
    assert before - set(service.keeper_directory.iterdir())
    assert service.operator.activate(number + 1).status_code == 200


# --- acts that wait, look-ups that do not ---


@pytest.mark.alone
def test_activations_that_wait_hold_up_no_lookup(service):
    numbers = [service.operator.create_generation() for _ in range(3)]
    fresh = service.new_client("fresh", ["tokenize"])
    holder = service.cluster.connect(service.database)
    with holder.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock_shared({RING_LOCK})")
    answers = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(service.operator.another().activate(n)))
        for n in numbers
    ]
    for thread in threads:
        thread.start()
    try:

        def waiting():  # both acts are at it: each retries for the exclusive lock
            with service.cluster.connect(
                service.database
            ) as connection, connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM key_ack WHERE generation = ANY(%s) AND at > now() - "
                    "interval '20 seconds'",
                    (numbers,),
                )
                return cursor.fetchone()[0] >= 2

        wait_until(waiting, "activations are under way")
        for series in range(5):
            started = time.monotonic()
            client = service.app.another()
            client.session.headers["Authorization"] = f"Bearer {fresh}"
            assert (
                client.post(
                    "/v1/fields/pan/tokenize", {"pan": made_up(series, series="wait")}
                ).status_code
                == 200
            )
            assert service.operator.get("/v1/status").status_code == 200
            assert service.operator.get("/v1/generations").status_code == 200
            assert time.monotonic() - started < 1
        assert not answers
    finally:
        holder.rollback()
        holder.close()
        for thread in threads:
            thread.join()
    assert any(a.status_code == 200 for a in answers)


# --- refusals that say what is wrong ---


@pytest.mark.parametrize(
    "path, body, name, detail",
    [
        (
            "/v1/fields/pan/tokenize",
            {"items": []},
            "invalid-value",
            "The member items must be an array of 1 to 10000 objects.",
        ),
        (
            "/v1/fields/pan/tokenize",
            {"items": {}},
            "invalid-value",
            "The member items must be an array of 1 to 10000 objects.",
        ),
        (
            "/v1/fields/pan/detokenize",
            {"items": []},
            "invalid-value",
            "The member items must be an array of 1 to 10000 objects.",
        ),
        (
            "/v1/fields/pan/tokenize",
            {"items": [{}] * 10001},
            "too-many-items",
            "The member items must be an array of 1 to 10000 objects.",
        ),
        (
            "/v1/fields/pan/tokenize",
            {},
            "missing-member",
            "The body lacks a member: it needs pan or items.",
        ),
        (
            "/v1/fields/pan/tokenize",
            {"pan": "1", "items": []},
            "missing-member",
            "The body has both pan and items, of which it takes one.",
        ),
        (
            "/v1/fields/pan/tokenize",
            {"pan": "1", "cvv": "1"},
            "unknown-member",
            "The body has a member that this operation does not take. It takes: pan, items, "
            "expires_at, tell_new.",
        ),
        ("/v1/clients", {"id": "x"}, "missing-member", "The body lacks the member permissions."),
        (
            "/v1/clients",
            {"id": "X", "permissions": ["operate"]},
            "invalid-value",
            "The member id must be ",
        ),
        (
            "/v1/clients",
            {"id": "x", "permissions": []},
            "invalid-value",
            "The member permissions must be an array of ",
        ),
        (
            "/v1/fields",
            {"name": "x", "dedup": 1},
            "invalid-value",
            "The member dedup must be true or false.",
        ),
        (
            "/v1/generations",
            {"x": 1},
            "unknown-member",
            "The body has a member that this operation does not take. It takes: adopt_at, ",
        ),
        (
            "/v1/generations/1/activate",
            {"accept_single_holder": ""},
            "invalid-value",
            "The member accept_single_holder must be a text of ",
        ),
        (
            "/v1/audit/search",
            {"field": "pan", "token": "x"},
            "invalid-value",
            "The member token must be a text: jtk_",
        ),
        (
            "/v1/audit/search",
            {"field": "pan", "token": "jtk_" + "0" * 26, "since": 1},
            "invalid-value",
            "The member since must be a time",
        ),
        (
            "/v1/node/accept-ids",
            {"reason": "a\tb"},
            "invalid-value",
            "The member reason must be a text of ",
        ),
    ],
)
def test_a_refusal_names_the_member_and_what_it_must_be(shared, path, body, name, detail):
    key = shared.app if "/fields/pan/" in path else shared.operator
    answer = key.post(path, body)
    assert problem(answer) == name
    assert answer.json()["detail"].startswith(detail), answer.json()["detail"]


def test_a_refusal_repeats_nothing_of_the_client(shared):
    secret = "4111111111111111"
    for body in ({secret: 1}, {"pan": "1", secret: '"}'}, {"items": secret}):
        answer = shared.app.post("/v1/fields/pan/tokenize", body)
        assert answer.status_code in (400, 422) and secret not in answer.text


def test_no_line_of_the_log_ends_in_an_empty_reason(service):
    service.operator.roll()
    service.keeper.stop()
    service.wait_unready()
    service.sql("INSERT INTO retirement (generation, state, actor) VALUES (1, 1, 'test')")
    wait_until(
        lambda: "the keeper cannot be reached" in service.front_log.read_text(),
        "the retirement tells of its failure",
        60,
    )
    empty = [
        line for line in service.front_log.read_text().splitlines() if re.search(r":\s*$", line)
    ]
    assert not empty
    service.start_keeper().wait_ready()
