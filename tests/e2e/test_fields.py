# SPDX-License-Identifier: Apache-2.0
"""Fields: shown, listed, and changed where they may be; what never changes, never does."""

import pytest

from cards import bad_luhn, made_up
from service import Api, problem, wait_until

PLAIN = {
    "luhn_exempt": [],
    "lengths": list(range(12, 20)),
    "leading_zeros": "keep",
    "refuse_all_zeros": False,
    "refuse_test_cards": False,
    "normalise": False,
    "max_lifetime": 0,
}


def change(service, body, field="pan"):
    return service.operator.request("PATCH", f"/v1/fields/{field}", json=body)


def test_a_field_is_shown(shared):
    answer = shared.operator.get("/v1/fields/lenient")
    shown = answer.json()
    # What is told of one field that is asked for, and to whom.
    assert (shown.pop("tell_new"), shown.pop("active_generation")) == (False, 1)
    assert shown == {
        "name": "lenient",
        "id": shown["id"],
        "kind": "pan",
        "dedup": True,
        "allow_bad_luhn": True,
        "mask_digits": 6,
        "state": "active",
        "rules": PLAIN,
        "token": {"format": "opaque"},
    }
    listed = shared.operator.get("/v1/fields").json()["fields"]
    assert shown in listed
    for name in ("nosuch", "4111111111111111", "PAN", "a" * 65):
        answer = shared.operator.get(f"/v1/fields/{name}")
        assert answer.status_code == 404 and name not in answer.text
    assert (
        shared.app.get("/v1/fields/lenient").json()
        == shared.operator.get("/v1/fields/lenient").json()
    )  # whoever may tokenize in it may know what it is
    assert shared.app.get("/v1/fields").status_code == 403
    assert shared.app.request("PATCH", "/v1/fields/pan", json={}).status_code == 403


@pytest.mark.parametrize(
    "permissions, budget, told",
    [
        (["tokenize"], None, False),
        (["tokenize", "lookup"], None, True),
        (["tokenize", "lookup:lenient"], None, True),
        (["tokenize", "lookup:other"], None, False),
        (["operate", "lookup"], None, False),
        (["tokenize", "lookup"], "tokenize", True),
        (["tokenize", "lookup"], "lookup", False),  # a job would use it up
    ],
)
def test_a_client_is_told_whether_it_may_ask_for_new_cards(shared, permissions, budget, told):
    name = f"asks-{len(shared.operator.get('/v1/clients').json()['clients'])}"
    body = {"id": name, "permissions": permissions}
    if budget:
        body["budgets"] = [{"operation": budget, "per_day": 1000}]
    answer = shared.operator.post("/v1/clients", body)
    assert answer.status_code == 201, answer.text
    api = Api(shared, answer.json()["api_key"])
    shown = api.get("/v1/fields/lenient").json()
    assert shown["tell_new"] is told
    if "tokenize" in permissions:
        stored = api.post("/v1/fields/lenient/tokenize", {"pan": made_up(1), "tell_new": True})
        assert stored.status_code == (200 if told or budget else 403)


def test_the_active_generation_is_shown_with_a_field(service):
    service.operator.roll()
    shown = lambda: service.app.get("/v1/fields/pan").json()["active_generation"]
    wait_until(lambda: shown() == 2, "it is known on every thread")


def test_rules_change_at_once_and_in_the_next_start(service):
    pan = bad_luhn(1)
    assert service.app.post("/v1/fields/pan/tokenize", {"pan": pan}).status_code == 422
    answer = change(service, {"allow_bad_luhn": True, "mask_digits": 8})
    assert answer.status_code == 200
    assert answer.json()["allow_bad_luhn"] is True and answer.json()["mask_digits"] == 8
    token = service.app.tokenize(pan)
    shown = service.app.get(f"/v1/fields/pan/tokens/{token}").json()["masked_pan"]
    assert shown == pan[:8] + "****" + pan[-4:]
    service.stop()
    service.start()
    assert answer.json().items() <= service.operator.get("/v1/fields/pan").json().items()
    assert service.app.get(f"/v1/fields/pan/tokens/{token}").json()["masked_pan"] == shown
    assert change(service, {"allow_bad_luhn": False}).json()["mask_digits"] == 8
    assert service.app.post("/v1/fields/pan/tokenize", {"pan": pan}).status_code == 422
    assert service.app.detokenize(token) == pan  # what is there stays
    rows = service.sql("SELECT client, field, object FROM audit WHERE action = 14")
    assert rows == [("operator", 1, "pan")] * 2
    assert change(service, {}).status_code == 200  # nothing to change, nothing done
    assert change(service, {"mask_digits": 8}).status_code == 200
    assert service.sql("SELECT count(*) FROM audit WHERE action = 14") == [(2,)]


@pytest.mark.parametrize(
    "body",
    [
        {"mask_digits": 7},
        {"mask_digits": "8"},
        {"allow_bad_luhn": 1},
        {"state": "removed"},
        {"state": None},
        {"mask_digits": 8, "state": "x"},
    ],
    ids=str,
)
def test_what_is_no_value_changes_nothing(shared, body):
    before = shared.operator.get("/v1/fields/other").json()
    assert change(shared, body, "other").status_code == 422
    assert shared.operator.get("/v1/fields/other").json() == before


@pytest.mark.parametrize("member", ["id", "name", "kind", "dedup", "buckets"])
def test_what_never_changes_is_refused(shared, member):
    answer = change(shared, {member: 1}, "other")
    assert (answer.status_code, problem(answer)) == (400, "unknown-member")


def test_a_disabled_field_is_as_if_it_did_not_exist(service):
    pan = made_up(1, series="disabled")
    token = service.app.tokenize(pan)
    everything = ["tokenize", "detokenize", "lookup", "read-masked", "delete"]
    api = Api(service, service.new_client("all", everything))
    assert change(service, {"state": "disabled"}).json()["state"] == "disabled"
    for method, path, body in (
        ("POST", "/v1/fields/pan/tokenize", {"pan": pan}),
        ("POST", "/v1/fields/pan/lookup", {"pan": pan}),
        ("POST", "/v1/fields/pan/detokenize", {"token": token}),
        ("POST", "/v1/fields/pan/delete", {"token": token}),
        ("GET", f"/v1/fields/pan/tokens/{token}", None),
        ("DELETE", f"/v1/fields/pan/tokens/{token}", None),
    ):
        answer = api.request(method, path, json=body)
        assert (answer.status_code, problem(answer)) == (404, "field-unknown"), path
    assert service.operator.post("/v1/fields", {"name": "pan"}).status_code == 409
    # Its cards stay, and do not keep a generation from retiring.
    service.operator.roll()
    service.operator.retire(1)
    assert service.rows_under(2) == 1
    service.stop()
    service.start_keeper().start_front()
    wait_until(service.ready, "ready with a disabled field")
    assert service.operator.get("/v1/fields/pan").json()["state"] == "disabled"
    assert change(service, {"state": "active"}).json()["state"] == "active"
    assert service.app.detokenize(token) == pan
    assert service.app.tokenize(pan) == token


def test_the_command_line_shows_and_changes(service):
    out = service.jeton("field", "show", "pan").stdout
    assert "pan" in out and "active" in out
    out = service.jeton("field", "change", "pan", "--mask-digits", "8", "--bad-luhn", "accept")
    assert "accepted" in out.stdout and " 8 " in out.stdout
    service.jeton("field", "change", "pan", "--state", "disabled")
    assert "disabled" in service.jeton("field", "list").stdout
    assert service.jeton("field", "change", "pan", check=False).returncode == 64
    assert service.jeton("field", "change", "pan", "--state", "off", check=False).returncode == 64
    assert service.jeton("field", "show", "nosuch", check=False).returncode == 2
