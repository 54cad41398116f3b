# SPDX-License-Identifier: Apache-2.0
"""Honey cards: whoever opens a marked card raises an alarm in two places and sees nothing of it."""

import json
import re
import statistics
import time

import pytest

import keyfiles
from cards import made_up
from service import Api, problem, wait_until

DETOKENIZE = "/v1/fields/pan/detokenize"
KEEPER_ALARM = "alarm: honey: "
DATABASE_ALARM = "alarm: the honey marks in the database"


def mark(service, token, act="add", field="pan", api=None):
    return (api or service.operator).post(f"/v1/honey/{act}", {"field": field, "token": token})


def marks(service):
    answer = service.operator.get("/v1/honey")
    assert answer.status_code == 200, answer.text
    return [(m["field"], m["token"]) for m in answer.json()["marks"]]


def front_alarms(service):
    return re.findall(
        r"alarm: honey: client (\S+) opened a marked card of field (\d+)(, masked)?, request (\w+)",
        service.front_log.read_text(),
    )


def keeper_count(service):
    """Of the keeper's lines since it started last."""
    found = re.findall(
        r"alarm: honey: (\d+) marked cards were opened", service.keeper_log.read_text()
    )
    return sum(int(n) for n in found)


def rows(service, action):
    return service.sql(
        "SELECT client, field, object, n_items FROM audit WHERE action = %s ORDER BY at",
        (action,),
    )


def settled(service, n):
    wait_until(lambda: len(front_alarms(service)) >= n, "the front's alarm")
    wait_until(lambda: keeper_count(service) >= n, "the keeper's alarm")


@pytest.fixture
def marked(service):
    """A service, and tokens of which the first is marked."""
    tokens = service.app.tokenize_many([made_up(i, series="honey") for i in range(5)])
    assert mark(service, tokens[0]).json() == {"marked": True}
    return service, tokens


def test_whoever_opens_a_marked_card_raises_two_alarms_and_sees_nothing(marked):
    service, tokens = marked
    before = service.operator.counters()["honey_opened"]
    plain = [service.app.post(DETOKENIZE, {"token": t}) for t in tokens[1:]]
    assert front_alarms(service) == [] and keeper_count(service) == 0
    honey = service.app.post(DETOKENIZE, {"token": tokens[0]})
    assert honey.json() == {"pan": made_up(0, series="honey")}
    for other in plain:
        assert honey.status_code == other.status_code == 200
        assert list(honey.headers) == list(other.headers)
        assert len(honey.content) == len(other.content)
        assert {k: v for k, v in honey.headers.items() if k.lower() not in VARY} == {
            k: v for k, v in other.headers.items() if k.lower() not in VARY
        }
    settled(service, 1)
    assert [a[:3] for a in front_alarms(service)] == [("app", "1", "")]
    assert service.operator.counters()["honey_opened"] == before + 1
    # The line names the request, whose own row in the trail names the card.
    wait_until(lambda: len(rows(service, 48)) == 1, "it is recorded")
    assert rows(service, 48)[0] == ("app", 1, "", 1)
    request = front_alarms(service)[0][3]
    found = service.sql(
        "SELECT action FROM audit WHERE replace(request::text, '-', '') = %s ORDER BY action",
        (request,),
    )
    assert found == [(2,), (48,)]
    for log in (service.front_log, service.keeper_log):
        assert made_up(0, series="honey") not in log.read_text()
        assert tokens[0] not in log.read_text()


VARY = {"date", "x-request-id", "request-id", "traceresponse", "traceparent"}


def test_in_batches_and_masked_reads_too(marked):
    service, tokens = marked
    answer = service.app.post(DETOKENIZE, {"items": [{"token": t} for t in tokens]})
    assert [r["status"] for r in answer.json()["results"]] == [200] * 5
    assert len({json.dumps(sorted(r)) for r in answer.json()["results"]}) == 1
    settled(service, 1)
    viewer = Api(service, service.new_client("viewer", ["read-masked"]))
    one = viewer.get(f"/v1/fields/pan/tokens/{tokens[0]}")
    other = viewer.get(f"/v1/fields/pan/tokens/{tokens[1]}")
    assert one.status_code == other.status_code == 200
    assert sorted(one.json()) == sorted(other.json())
    settled(service, 2)
    assert front_alarms(service)[1][:3] == ("viewer", "1", ", masked")
    # What does not give the card out is no alarm: lookup, tokenize again, a roll with its moves.
    finder = Api(service, service.new_client("finder", ["lookup"]))
    assert finder.post("/v1/fields/pan/lookup", {"pan": made_up(0, series="honey")}).json() == {
        "token": tokens[0]
    }
    assert service.app.tokenize(made_up(0, series="honey")) == tokens[0]
    service.operator.roll()
    service.operator.retire(1)
    assert len(front_alarms(service)) == 2 and service.operator.counters()["honey_opened"] == 2
    assert service.app.detokenize(tokens[0]) == made_up(0, series="honey")
    settled(service, 3)


def test_a_marked_card_takes_no_longer(marked):
    service, tokens = marked
    times = {t: [] for t in tokens[:2]}
    for _ in range(150):
        for token, taken in times.items():
            began = time.perf_counter()
            service.app.post(DETOKENIZE, {"token": token})
            taken.append(time.perf_counter() - began)
    honey, plain = (statistics.median(t) for t in times.values())
    spread = statistics.quantiles(times[tokens[1]], n=4)
    # the medians are nearer to each other than the quartiles of the plain one are
    assert abs(honey - plain) < max(spread[2] - spread[0], 0.0001)


def test_who_may_mark_and_what_is_refused(marked):
    service, tokens = marked
    for api in (service.app, Api(service, service.new_client("auditor", ["audit"]))):
        assert mark(service, tokens[1], api=api).status_code == 403
        assert api.get("/v1/honey").status_code == 403
    assert marks(service) == [("pan", tokens[0])]
    assert mark(service, tokens[0]).status_code == 409
    assert mark(service, tokens[1], "remove").status_code == 404
    assert problem(mark(service, tokens[1], field="none")) == "field-unknown"
    other = tokens[1][:-1] + ("0" if tokens[1][-1] != "0" else "4")
    assert mark(service, other).status_code in (404, 422)  # made up, or not even a token's form
    assert mark(service, tokens[0], "remove").json() == {"marked": False}
    assert marks(service) == []
    assert service.app.detokenize(tokens[0])
    time_to_tell = service.operator.counters()["honey_opened"]
    assert time_to_tell == 0 and front_alarms(service) == []
    # Who marked is recorded; which card is not, since a reader of the trail is no operator.
    assert [(r[0], r[1], r[2]) for r in rows(service, 49)] == [("operator", 1, "")]
    assert [(r[0], r[1], r[2]) for r in rows(service, 50)] == [("operator", 1, "")]
    assert service.keeper_log.read_text().count("honey marks: version ") == 2


def test_a_repeated_request_is_answered_as_the_first(marked):
    service, tokens = marked
    for act, key, stands in (("add", "one", True), ("remove", "two", False)):
        for _ in range(2):
            answer = service.operator.post(
                f"/v1/honey/{act}",
                {"field": "pan", "token": tokens[2]},
                headers={"Idempotency-Key": key},
            )
            assert answer.status_code == 200 and answer.json() == {"marked": stands}
    assert len(rows(service, 49)) == 2 and len(rows(service, 50)) == 1


def test_the_database_tells_nobody_which_or_how_many(marked):
    service, tokens = marked
    one = service.sql("SELECT sealed FROM honey")[0][0].tobytes()
    for token in tokens[1:]:
        assert mark(service, token).status_code == 200
    five = service.sql("SELECT sealed FROM honey")[0][0].tobytes()
    assert len(one) == len(five) == 12326 and one[36:] != five[36:]
    numbers = sorted(service.ids_of(tokens))
    for number in numbers:
        assert number.to_bytes(8, "big") not in one + five
    # Who has the service root reads it, as docs/data-format.md says; so does the keeper's file.
    root = service.service_root()
    assert keyfiles.read_honey(five, root, 1) == (5, [(1, number) for number in numbers])
    assert (service.keeper_directory / "honey").read_bytes() == five


def alarms(service):
    return (
        service.front_log.read_text().count(DATABASE_ALARM),
        service.keeper_log.read_text().count(DATABASE_ALARM),
    )


@pytest.mark.parametrize(
    "tamper",
    [
        "DELETE FROM honey",
        "UPDATE honey SET sealed = ''",
        "UPDATE honey SET sealed = set_byte(sealed, 5000, 255 - get_byte(sealed, 5000))",
        "UPDATE honey SET sealed = set_byte(sealed, 19, get_byte(sealed, 19) + 1)",
        "UPDATE honey SET sealed = repeat('x', 12326)::bytea",
        "UPDATE honey SET sealed = repeat('x', 100000)::bytea",
    ],
)
def test_who_takes_marks_out_of_the_database_is_noticed_and_changes_nothing(marked, tamper):
    service, tokens = marked
    before = service.sql("SELECT sealed FROM honey")[0][0].tobytes()
    service.sql(tamper)
    wait_until(lambda: alarms(service)[0] == 1, "the front's alarm")
    assert alarms(service)[1] == 1 or "sealed" not in tamper or "100000" in tamper
    wait_until(
        lambda: [r[0].tobytes() for r in service.sql("SELECT sealed FROM honey")] == [before],
        "it is put back",
    )
    assert service.operator.counters()["row_alarms"] == 1
    assert service.app.detokenize(tokens[0])
    settled(service, 1)
    assert marks(service) == [("pan", tokens[0])]


def test_an_older_set_is_noticed_also_when_everything_was_down(marked):
    service, tokens = marked
    older = service.sql("SELECT sealed FROM honey")[0][0].tobytes()
    assert mark(service, tokens[1]).status_code == 200
    service.stop()
    service.sql("UPDATE honey SET sealed = %s", (older,))
    service.start()
    wait_until(lambda: alarms(service) == (1, 1), "both alarms")
    assert sorted(marks(service)) == sorted([("pan", tokens[0]), ("pan", tokens[1])])
    service.stop()
    service.sql("DELETE FROM honey")
    service.start()
    assert service.app.detokenize(tokens[1])
    settled(service, 1)
    wait_until(lambda: alarms(service)[0] == 2, "the front's alarm")


def test_marks_outlast_kills_of_both(marked):
    service, tokens = marked
    service.keeper.kill()
    service.front.kill()
    service.start()
    service.wait_ready()
    assert service.app.detokenize(tokens[0])
    settled(service, 1)


def test_the_command_line(marked):
    service, tokens = marked
    done = service.jeton("honey", "add", tokens[1], "--field", "pan")
    assert "Marked" in done.stdout
    listed = service.jeton("honey", "list").stdout
    assert tokens[0] in listed and tokens[1] in listed and "pan" in listed
    assert "not marked" in service.jeton("honey", "remove", tokens[1], "--field", "pan").stdout
    assert service.jeton("honey", "remove", tokens[1], "--field", "pan", check=False).returncode
    assert service.jeton("honey", "add", tokens[1], check=False).returncode == 64
