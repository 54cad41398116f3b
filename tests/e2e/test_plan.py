# SPDX-License-Identifier: Apache-2.0
"""Dates of future generations, and keys that somebody else may know."""

import datetime

from cards import made_up
from service import problem, wait_until

HOLDER = {"accept_single_holder": "test machine"}


def text(moment):
    return moment.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def in_seconds(service, seconds):
    now = service.sql("SELECT clock_timestamp()")[0][0]
    return text(now + datetime.timedelta(seconds=seconds))


def create(service, seconds=None, **members):
    body = members if seconds is None else {"adopt_at": in_seconds(service, seconds), **members}
    return service.operator.post("/v1/generations", body)


def state(service, number):
    return service.operator.generations()[number]["state"]


def test_a_generation_becomes_active_by_itself_at_its_date(service):
    answer = create(service, 2, **HOLDER)
    assert answer.status_code == 201
    number = answer.json()["number"]
    assert answer.json()["planned_by"] == "operator"
    early = service.operator.activate(number)
    assert (early.status_code, problem(early)) == (409, "conflict")
    assert state(service, number) == "future"
    wait_until(lambda: state(service, number) == "active", "the date is reached")
    generation = service.operator.generations()[number]
    assert generation["activated_by"] == "schedule"
    assert generation["activated_at"] >= generation["adopt_at"]
    assert generation["holder_override"] == "test machine"
    assert state(service, number - 1) == "draining"
    pan = made_up(1, series="planned")
    assert service.app.detokenize(service.app.tokenize(pan)) == pan


def test_a_pipeline_rolls_one_after_the_other(service):
    numbers = [create(service, n, **HOLDER).json()["number"] for n in (1, 2, 3)]
    wait_until(lambda: state(service, numbers[-1]) == "active", "all dates are reached")
    generations = [service.operator.generations()[n] for n in numbers]
    dates = [g["activated_at"] for g in generations]
    assert dates == sorted(dates)
    assert all(g["activated_at"] >= g["adopt_at"] for g in generations)


def test_dates_ascend_with_the_numbers(service):
    first = create(service, 3600, **HOLDER).json()["number"]
    earlier = create(service, 1800, **HOLDER)
    assert (earlier.status_code, problem(earlier)) == (409, "conflict")
    assert len(service.operator.generations()) == 2, "a key was made all the same"
    undated = create(service).json()["number"]
    assert problem(create(service, 7200, **HOLDER)) == "conflict"  # behind one without a date

    def plan(number, at):
        body = {"adopt_at": at and in_seconds(service, at), **HOLDER}
        return service.operator.post(f"/v1/generations/{number}/plan", body)

    assert plan(undated, 1800).status_code == 409
    assert plan(undated, 7200).status_code == 200
    assert plan(first, 9000).status_code == 409
    assert plan(first, "").status_code == 409  # the later one has a date
    assert plan(undated, "").json()["adopt_at"] is None
    assert plan(first, "").status_code == 200
    assert plan(1, 3600).status_code == 409  # active
    assert plan(9, 3600).status_code == 404


def test_a_generation_that_was_passed_over_holds_up_no_date(service):
    """One with a lower number than the active one can never become active any more."""
    passed = create(service, 3600, **HOLDER).json()["number"]
    undated = create(service).json()["number"]
    assert service.operator.activate(undated).status_code == 200
    answer = create(service, 1, **HOLDER)
    assert answer.status_code == 201, answer.text
    service.sql("UPDATE generation SET adopt_at = now() WHERE number = %s", (passed,))
    number = answer.json()["number"]
    wait_until(lambda: state(service, number) == "active", "its date is reached")
    assert state(service, passed) == "future"


def test_a_date_that_is_over_or_is_none_is_refused(service):
    for bad in ("2020-01-01T00:00:00Z", "tomorrow", "", 7):
        answer = service.operator.post("/v1/generations", {"adopt_at": bad, **HOLDER})
        assert answer.status_code == (201 if bad == "" else 422), bad
    assert len(service.operator.generations()) == 2


def test_without_a_second_holder_or_a_reason_the_date_passes_and_the_log_says_why(service):
    number = create(service, 1).json()["number"]
    alarm = f"generation {number} should be active by its date"
    wait_until(lambda: alarm in service.front_log.read_text(), "alarm")
    assert state(service, number) == "future"
    assert service.operator.activate(number).status_code == 200


def test_a_date_that_the_database_made_up_makes_no_roll(service):
    number = create(service, 3600, **HOLDER).json()["number"]
    service.sql("UPDATE generation SET adopt_at = now() WHERE number = %s", (number,))
    wait_until(lambda: "the row was altered" in service.front_log.read_text(), "alarm")
    assert state(service, number) == "future"
    answer = service.operator.activate(number)
    assert answer.status_code == 500 and problem(answer) == "backend-fault"
    plan = {"adopt_at": in_seconds(service, 1), **HOLDER}
    assert service.operator.post(f"/v1/generations/{number}/plan", plan).status_code == 200
    wait_until(lambda: state(service, number) == "active", "the date that was planned")


def test_a_reason_that_the_database_made_up_is_no_operators_word(service):
    edit = "UPDATE generation SET planned_override = 'x' WHERE number = %s"
    number = create(service).json()["number"]
    service.sql(edit, (number,))
    refused = service.operator.post(f"/v1/generations/{number}/activate")
    assert (refused.status_code, problem(refused)) == (409, "needs-durable-holder")
    assert service.operator.post(f"/v1/generations/{number}/abandon").status_code == 200
    dated = create(service, 3600).json()["number"]
    service.sql(edit, (dated,))
    refused = service.operator.post("/v1/generations/1/compromise", {"reason": "test"})
    assert (refused.status_code, problem(refused)) == (409, "needs-durable-holder")
    assert service.operator.generations()[1]["state"] == "active"


def compromise(service, number, **members):
    body = {"reason": "found in a dump", **HOLDER, **members}
    return service.operator.post(f"/v1/generations/{number}/compromise", body)


def test_the_active_key_is_replaced_and_marked_in_one_change(service):
    pans = [made_up(n, series="compromise") for n in range(50)]
    tokens = service.app.tokenize_many(pans)
    assert problem(compromise(service, 1)) == "conflict"  # nothing can take its place
    number = create(service, 3600, **HOLDER).json()["number"]  # its date does not count now
    epoch = service.operator.epoch()
    answer = compromise(service, 1)
    assert answer.status_code == 200, problem(answer)
    assert answer.json()["compromised"] and answer.json()["state"] == "draining"
    assert answer.json()["compromised_why"] == "found in a dump"
    assert service.operator.epoch() == epoch + 1
    assert state(service, number) == "active"
    assert service.app.tokenize_many(pans) == tokens
    assert [service.app.detokenize(t) for t in tokens] == pans
    again = compromise(service, 1, reason="once more")
    assert again.status_code == 200 and again.json()["compromised_why"] == "found in a dump"
    service.operator.retire(1)
    assert service.rows_under(1) == 0
    assert service.operator.generations()[1]["compromised"]


def test_three_live_generations_and_a_mark_on_each_kind(service):
    pans = [made_up(n, series="three-live") for n in range(90)]
    tokens = service.app.tokenize_many(pans[:30])
    service.operator.roll()
    tokens += service.app.tokenize_many(pans[30:60])
    service.operator.create_generation()
    assert compromise(service, 2).status_code == 200  # the active one: an emergency roll
    tokens += service.app.tokenize_many(pans[60:])
    assert compromise(service, 1).status_code == 200  # one that drains
    states = {n: (g["state"], g["compromised"]) for n, g in service.operator.generations().items()}
    assert states == {1: ("draining", True), 2: ("draining", True), 3: ("active", False)}
    assert service.app.tokenize_many(pans) == tokens
    for number in (1, 2):
        service.operator.retire(number)
    future = service.operator.create_generation()
    assert problem(compromise(service, future)) == "conflict"
    assert problem(compromise(service, 99)) == "not-found"
    assert [service.app.detokenize(t) for t in tokens] == pans


def test_a_mark_survives_restarts_and_is_not_what_the_row_says(service):
    service.operator.roll()
    service.sql(
        "UPDATE generation SET compromised_at = now(), compromised_by = 'x', "
        "compromised_why = 'x' WHERE number = 1"
    )
    epoch = service.operator.epoch()
    assert compromise(service, 1).json()["compromised_by"] == "operator"
    assert service.operator.epoch() == epoch + 1  # the ring had no mark
    service.stop()
    service.start()
    assert service.operator.generations()[1]["compromised"]
    assert compromise(service, 1).status_code == 200
    assert service.operator.epoch() == epoch + 1
