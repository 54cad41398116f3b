# SPDX-License-Identifier: Apache-2.0
"""The retirement job: several workers, pause and resume, what a dead worker leaves."""

import pytest

from cards import made_up
from service import problem, wait_until
from standby import Standby
from traffic import check_generations

N = 900
ISO = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'


def slow(make_service, **options):
    """A service of which generation 1 drains in some seconds."""
    service = make_service(
        options={"retirement_rate": 300, "retirement_batch": 10, "retirement_workers": 2, **options}
    )
    service.pans = [made_up(n, series="job") for n in range(N)]
    service.tokens = service.app.tokenize_many(service.pans)
    service.operator.roll()
    return service


def moved(service, more_than=0):
    def some():
        state = service.operator.retirement(1)
        return state["rows_moved"] > more_than and state

    return wait_until(some, f"more than {more_than} rows have moved")


def test_the_rate_is_a_ceiling_over_all_workers(make_service):
    service = slow(make_service)
    service.operator.start_retirement(1)

    def throttled():
        state = service.operator.retirement(1)
        return state["throttled_by"] == "rate" and state

    state = wait_until(throttled, "it says what holds it back")
    assert state["workers"] >= 1 and state["rate"] <= 2 * 300
    final = service.operator.wait_certified(1)
    facts = dict(
        line.split(": ", 1) for line in final["certificate"]["text"].splitlines() if ": " in line
    )
    started, ended = facts["started-at"], facts["retired-at"]
    took = service.sql("SELECT extract(epoch FROM %s::timestamptz - %s)", (ended, started))[0][0]
    assert took >= (N - 2 * 10) / 300
    check_generations(service)


def test_paused_it_stands_still_until_it_is_resumed(make_service):
    service = slow(make_service)
    service.operator.start_retirement(1)
    moved(service)
    held = service.operator.post("/v1/generations/1/pause")
    assert held.status_code == 200 and held.json()["paused_by"] == held.json()["actor"]
    assert service.operator.post("/v1/generations/1/pause").status_code == 200
    ranges = "SELECT count(*) FROM retirement_range WHERE claimed_until > now()"
    wait_until(lambda: service.sql(ranges)[0][0] == 0, "the workers give their ranges back")
    left = service.operator.retirement(1)["rows_left"]
    assert left > 0

    # A reader still moves what it reads; the job does not, also after a restart.
    service.stop()
    service.start()
    state = service.operator.retirement(1)
    assert state["rows_left"] == left and state["paused_at"] and state["rate"] == 0
    assert "paused by" in service.jeton("keys", "pause", "1").stdout
    assert "draining" in service.jeton("keys", "resume", "1").stdout
    assert service.operator.wait_certified(1)["paused_at"] is None
    assert service.app.detokenize_many(service.tokens) == service.pans
    trail = service.sql("SELECT action, object FROM audit WHERE action IN (56, 57) ORDER BY at")
    assert trail == [(56, "1"), (57, "1")]


def test_what_cannot_be_paused_says_so(service):
    answer = service.operator.post("/v1/generations/1/pause")
    assert (answer.status_code, problem(answer)) == (404, "not-found")
    service.operator.roll()
    service.operator.retire(1)
    for act in ("pause", "resume"):
        answer = service.operator.post(f"/v1/generations/1/{act}")
        assert (answer.status_code, problem(answer)) == (409, "conflict")


def test_a_range_of_a_dead_worker_is_taken_over_at_its_cursor(make_service):
    service = slow(make_service)
    service.operator.start_retirement(1)
    on_the_way = "SELECT count(*) FROM retirement_range WHERE cursor_id > from_id"
    wait_until(lambda: service.sql(on_the_way)[0][0] > 0, "a range is under way")
    service.front.kill()
    assert service.sql("SELECT count(*) FROM retirement_range")[0][0] == 2
    assert service.rows_under(1) > 0
    # As if the node had been another one, whose claims end by the database's clock.
    service.sql("UPDATE retirement_range SET node = 'another'")
    service.start_front()
    service.operator.wait_certified(1)
    assert service.rows_under(1) == 0
    assert service.app.detokenize_many(service.tokens) == service.pans
    check_generations(service)


def test_a_claim_that_was_lost_is_let_go(make_service):
    """Another worker has the range by now: this one stops, and nothing is lost or counted twice."""
    service = slow(make_service)
    service.operator.start_retirement(1)
    moved(service)
    service.sql("UPDATE retirement_range SET node = 'another', worker = 7")
    service.operator.wait_certified(1)
    check_generations(service)
    assert service.app.detokenize_many(service.tokens) == service.pans


@pytest.fixture
def rolled(service):
    service.pans = [made_up(n, series="race") for n in range(30)]
    service.tokens = service.app.tokenize_many(service.pans)
    service.operator.roll()
    return service


def test_a_row_that_somebody_holds_is_passed_over_by_readers_and_job(rolled):
    """Lazy re-encryption, the job and a deletion meet at one row, which a transaction holds."""
    service = rolled
    held, token = service.id_of(service.tokens[0]), service.tokens[0]
    holder = service.connect()
    holder.autocommit = False
    holder.cursor().execute("SELECT 1 FROM card WHERE id = %s FOR UPDATE", (held,))
    before = service.operator.counters()
    assert service.app.detokenize(token) == service.pans[0]
    wait_until(
        lambda: service.operator.counters()["lazy_lost"] == before["lazy_lost"] + 1,
        "the reader's move lost its race",
    )
    service.operator.start_retirement(1)
    wait_until(lambda: service.rows_under(1) == 1, "the job moves all others")
    assert service.operator.retirement(1)["rows_stuck"] == 0
    holder.rollback()
    holder.close()
    service.operator.wait_certified(1)
    assert service.app.detokenize_many(service.tokens) == service.pans
    check_generations(service)


def test_a_deletion_under_way_is_not_undone_by_the_job(rolled):
    service = rolled
    token, doomed = service.tokens[0], service.id_of(service.tokens[0])
    holder = service.connect()
    holder.autocommit = False
    holder.cursor().execute("DELETE FROM card WHERE id = %s", (doomed,))
    assert service.app.detokenize(token) == service.pans[0]
    service.operator.start_retirement(1)
    wait_until(lambda: service.rows_under(1) == 1, "the job moves all others")
    holder.cursor().execute(
        "UPDATE tally SET deleted = deleted + 1 WHERE (generation, writer) = "
        "(SELECT generation, writer FROM tally WHERE generation = 1 LIMIT 1)"
    )
    holder.commit()
    holder.close()
    final = service.operator.wait_certified(1)
    assert final["rows_left"] == 0
    answer = service.app.post("/v1/fields/pan/detokenize", {"token": token})
    assert (answer.status_code, problem(answer)) == (404, "token-unknown")


def test_purge_and_job_meet_at_cards_that_somebody_holds(make_service):
    service = make_service(options={"cards_purge_grace": 0, "retirement_batch": 10})
    pans = [made_up(n, series="meet") for n in range(200)]
    until = service.sql("SELECT to_char(now() AT TIME ZONE 'UTC' + interval '3 s', %s)", (ISO,))
    items = [{"pan": p, "expires_at": until[0][0]} for p in pans[:100]]
    items += [{"pan": p} for p in pans[100:]]
    answer = service.app.post("/v1/fields/pan/tokenize", {"items": items}).json()
    tokens = [r["token"] for r in answer["results"]]
    held = service.ids_of([*tokens[:3], *tokens[100:102]])
    holder = service.connect()
    holder.autocommit = False
    holder.cursor().execute("SELECT 1 FROM card WHERE id = ANY (%s) FOR UPDATE", (held,))
    service.operator.roll()
    service.operator.start_retirement(1)
    left = "SELECT count(*) FROM card WHERE key_id = %s OR expires_at < now()"
    wait_until(
        lambda: service.sql("SELECT now() > %s::timestamptz", (until[0][0],))[0][0]
        and service.sql(left, (service.key_id(1),))[0][0] == 5,
        "all others are moved or purged",
    )
    assert service.operator.retirement(1)["state"] == "draining"
    holder.rollback()
    holder.close()
    service.operator.wait_certified(1)
    wait_until(lambda: service.sql("SELECT count(*) FROM card") == [(100,)], "the rest is purged")
    assert service.app.detokenize_many(tokens[100:]) == pans[100:]
    check_generations(service)


# -- a dry run


def projected(service, generation=1):
    answer = service.operator.get(f"/v1/generations/{generation}/projection")
    assert answer.status_code == 200
    return answer.json()


def test_a_dry_run_begins_nothing_and_projects_the_end(make_service):
    service = slow(make_service)
    # As if it had been drained for an hour already.
    service.sql(
        "INSERT INTO retirement_sample (generation, minute, rows, moved_by_job) "
        "VALUES (1, extract(epoch FROM now()) / 60 - 60, %s, 0)",
        (N,),
    )
    silent = projected(service)
    assert silent["rows_left"] == N and silent["gone_by_itself"] == 0
    assert silent["end_by_itself"] is None
    assert silent["job_rate"] == 300 and silent["job_rate_of"] == "option"
    service.app.detokenize_many(service.tokens[: N // 3])
    wait_until(lambda: service.rows_under(1) == N - N // 3, "readers move what they read")
    seen = projected(service)
    assert seen["rows_left"] == N - N // 3 and seen["gone_by_itself"] == N // 3
    assert 3500 < seen["observed_seconds"] < 3900
    # A third in an hour: ln(600) / ln(3/2) hours more, 15.8 of them.
    hours = service.sql(
        "SELECT extract(epoch FROM %s::timestamptz - now()) / 3600", (seen["end_by_itself"],)
    )[0][0]
    assert 15 < hours < 17
    to_go = service.sql("SELECT extract(epoch FROM %s::timestamptz - now())", (seen["end_by_job"],))
    assert 0 < to_go[0][0] <= (N - N // 3) / 300 + 1
    told = service.jeton("keys", "retire", "1", "--dry-run").stdout
    assert f"{N - N // 3} rows left" in told and "300 rows/s (option rate)" in told
    assert service.sql("SELECT count(*) FROM retirement")[0][0] == 0
    assert service.rows_under(1) == N - N // 3

    # What the job moves is not taken for what readers do.
    service.operator.retire(1)
    assert service.sql("SELECT count(*) FROM retirement_sample WHERE generation = 1")[0][0] == 0
    answer = service.operator.get("/v1/generations/1/projection")
    assert (answer.status_code, problem(answer)) == (409, "conflict")


def test_without_a_ceiling_the_last_job_is_what_to_go_by(service):
    service.app.tokenize_many([made_up(n, series="before") for n in range(50)])
    service.operator.roll()
    first = projected(service)
    assert first["job_rate"] is None and first["end_by_job"] is None
    assert "not known" in service.jeton("keys", "retire", "1", "--dry-run").stdout
    service.operator.retire(1)
    service.operator.roll()
    second = projected(service, 2)
    assert second["job_rate_of"] == "last-job" and second["end_by_job"]


def test_draining_generations_are_observed(service):
    service.app.tokenize_many([made_up(n, series="watched") for n in range(7)])
    service.operator.roll()
    wait_until(
        lambda: service.sql("SELECT generation, rows FROM retirement_sample") == [(1, 7)],
        "a sample is taken",
        deadline_s=40,
    )


# -- standbys


@pytest.fixture
def behind(make_service, tmp_path):
    """A slow service, and a standby of its database that replays nothing."""
    service = slow(make_service, retirement_rate=100, retirement_max_lag_ms=100)
    standby = Standby(service.cluster, tmp_path / "standby")
    standby.sql("SELECT pg_wal_replay_pause()")
    yield service, standby
    standby.ctl("-m", "immediate", "stop")
    service.cluster.sql("postgres", "REVOKE pg_read_all_stats FROM jeton")


def test_it_gives_way_to_a_standby_that_is_behind(behind):
    service, standby = behind
    service.cluster.sql("postgres", "GRANT pg_read_all_stats TO jeton")
    service.operator.start_retirement(1)
    wait_until(
        lambda: service.operator.retirement(1)["throttled_by"] == "replication",
        "the standby holds it back",
    )
    standby.sql("SELECT pg_wal_replay_resume()")
    service.operator.wait_certified(1)
    assert "cannot be seen" not in service.front_log.read_text()


def test_what_it_may_not_see_does_not_hold_it_back_and_is_said(behind):
    service, _ = behind
    service.operator.start_retirement(1)
    service.operator.wait_certified(1)
    assert "grant pg_read_all_stats" in service.front_log.read_text()
