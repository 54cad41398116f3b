# SPDX-License-Identifier: Apache-2.0
"""Columns of applications' own tables: registered with a field, encrypted in place, drained and
counted, so that retirement waits for them.
"""

import pytest

from service import Api, problem, wait_until

COLUMN = {
    "database": "shop",
    "table": "public.customer",
    "key": "id",
    "value": "pan",
    "envelope": "pan_envelope",
}
TEXT = "shop public.customer id pan pan_envelope"


def register(service, field="pan", **members):
    return service.operator.post(f"/v1/fields/{field}/column", {**COLUMN, **members})


def test_a_column_is_registered_and_taken_away(service):
    assert problem(service.operator.get("/v1/fields/pan/column")) == "not-found"
    answer = register(service)
    assert answer.status_code == 200 and answer.json()["column"] == TEXT
    assert register(service).status_code == 200  # the same again
    answer = register(service, table="public.other")
    assert (answer.status_code, problem(answer)) == (409, "conflict")
    shown = service.operator.get("/v1/fields/pan/column").json()
    assert shown["column"] == COLUMN and shown["epoch"] == service.operator.epoch()
    assert [(g["generation"], g["state"], g["envelopes"]) for g in shown["generations"]] == [
        (1, "active", None)
    ]
    # rules change beside it, and it stays over a restart
    answer = service.operator.request("PATCH", "/v1/fields/pan", json={"mask_digits": 8})
    assert answer.json()["column"] == TEXT
    service.stop()
    service.start()
    assert service.operator.get("/v1/fields/pan").json()["column"] == TEXT
    answer = service.operator.request("DELETE", "/v1/fields/pan/column")
    assert answer.status_code == 200 and "column" not in answer.json()
    answer = service.operator.request("DELETE", "/v1/fields/pan/column")
    assert (answer.status_code, problem(answer)) == (404, "not-found")
    assert register(service, table="public.other").status_code == 200


def test_only_who_may_sees_and_counts(service):
    register(service)
    assert service.app.get("/v1/fields/pan/column").status_code == 403
    body = {"epoch": service.operator.epoch(), "counts": []}
    assert service.app.post("/v1/fields/pan/column/counts", body).status_code == 403
    job = Api(service, service.new_client("job", ["encrypt:pan"]))
    assert job.get("/v1/fields/pan/column").status_code == 200
    assert job.post("/v1/fields/pan/column/counts", body).status_code == 200
    assert job.post("/v1/fields/pan/column", COLUMN).status_code == 403
    assert job.request("DELETE", "/v1/fields/pan/column").status_code == 403


@pytest.mark.parametrize(
    "members",
    [
        {"table": "customer"},
        {"table": "a.b.c"},
        {"key": 'i"d'},
        {"value": "pan; drop"},
        {"envelope": ""},
        {"envelope": "pan"},  # over the card number
        {"database": "d" * 64},
        {"database": "d4111111111111111"},
        {"host": "db.example"},
    ],
    ids=str,
)
def test_what_is_no_column_is_refused(shared, members):
    answer = register(shared, **members)
    assert answer.status_code in (400, 422)
    assert "column" not in shared.operator.get("/v1/fields/pan").json()
    assert not any(str(v) in answer.text for v in members.values() if len(str(v)) > 8)


def test_a_field_of_bytes_has_no_column(service):
    assert service.operator.post("/v1/fields", {"name": "b", "kind": "bytes"}).status_code == 201
    assert register(service, field="b").status_code in (409, 422)
    assert register(service, field="nosuch").status_code == 404


def counted(service, number, envelopes, epoch=None, key_id=None):
    body = {
        "epoch": service.operator.epoch() if epoch is None else epoch,
        "counts": [
            {
                "generation": number,
                "key_id": service.key_id(number) if key_id is None else key_id,
                "envelopes": envelopes,
            }
        ],
    }
    return service.operator.post("/v1/fields/pan/column/counts", body)


def waits(service, number):
    """What a retirement waits for, once no card is left."""
    state = service.operator.retirement(number)
    return state["state"] == "draining" and state["rows_left"] == 0 and state["columns"]


def test_a_retirement_waits_for_the_columns(service):
    register(service)
    answer = counted(service, 1, 0)
    assert (answer.status_code, problem(answer)) == (409, "conflict")  # it is active
    early = service.operator.epoch()
    service.operator.roll()
    service.operator.start_retirement(1)
    assert waits(service, 1) == [
        {"field": "pan", "column": TEXT, "envelopes": None, "counted_at": None}
    ]
    wait_until(lambda: "cannot retire" in service.front_log.read_text(), "it is told")
    answer = counted(service, 1, 0, epoch=early)  # from before the last seal
    assert (answer.status_code, problem(answer)) == (409, "count-outdated")
    answer = counted(service, 1, 0, key_id=99)  # under which there is nothing
    assert (answer.status_code, problem(answer)) == (404, "not-found")
    assert counted(service, 1, 17).status_code == 200
    assert [c["envelopes"] for c in waits(service, 1)] == [17]
    # with nothing else to do, many rounds of the job do not retire it
    for _ in range(2):
        service.operator.roll()
    assert waits(service, 1)
    assert counted(service, 1, 0).status_code == 200
    assert service.operator.wait_certified(1)["columns"] == []


def test_a_count_of_the_databases_owner_counts_for_nothing(service):
    register(service)
    service.operator.roll()
    assert counted(service, 1, 17).status_code == 200
    service.sql("UPDATE column_count SET envelopes = 0")
    service.operator.start_retirement(1)
    wait_until(
        lambda: "a count of a column's envelopes is not as a keeper made it"
        in service.front_log.read_text(),
        "the alarm",
    )
    assert [c["envelopes"] for c in waits(service, 1)] == [None]
    # nor can the registration be made away with
    service.sql("UPDATE field SET app_column = ''")
    service.stop()
    service.start_keeper()
    service.start_front()
    service.wait_unready()
    service.sql("UPDATE field SET app_column = %s WHERE name = 'pan'", (TEXT,))
    service.wait_ready()
    assert counted(service, 1, 0).status_code == 200
    service.operator.wait_certified(1)


def test_a_column_that_is_gone_holds_nothing_up(service):
    register(service)
    service.operator.roll()
    service.operator.start_retirement(1)
    assert waits(service, 1)
    assert service.operator.request("DELETE", "/v1/fields/pan/column").status_code == 200
    service.operator.wait_certified(1)
    actions = [r["action"] for r in service.operator.get("/v1/audit").json()["rows"]]
    assert "column-add" in actions and "column-remove" in actions
