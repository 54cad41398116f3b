# SPDX-License-Identifier: Apache-2.0
"""Card rules of a field: what it takes as a card number, and as which one."""

import sys

import pytest

from cards import PUBLISHED, bad_luhn, luhn_digit, made_up
from service import TREE, Api, problem, wait_until

PLAIN = {
    "luhn_exempt": [],
    "lengths": list(range(12, 20)),
    "leading_zeros": "keep",
    "refuse_all_zeros": False,
    "refuse_test_cards": False,
    "normalise": False,
    "max_lifetime": 0,
}
EVERYTHING = ["tokenize", "detokenize", "lookup", "encrypt", "decrypt", "delete"]


def field(service, name, **rules):
    answer = service.operator.post("/v1/fields", {"name": name, "rules": rules})
    assert answer.status_code == 201, answer.text
    assert answer.json()["rules"] == PLAIN | rules
    assert answer.json().items() <= service.operator.get(f"/v1/fields/{name}").json().items()
    return f"/v1/fields/{name}"


def change(service, name, **rules):
    return service.operator.request("PATCH", f"/v1/fields/{name}", json={"rules": rules})


@pytest.fixture(scope="module")
def api(_shared):
    return Api(_shared, _shared.new_client("rules", EVERYTHING))


def union_pay(n):
    return "62" + bad_luhn(n, 14, "unionpay")[:-1] + "0"


REFUSED = [
    ({"luhn_exempt": ["62"]}, bad_luhn(1), "pan-bad-luhn"),
    ({"lengths": [15, 16]}, made_up(1, 19), "pan-length-refused"),
    ({"leading_zeros": "refuse"}, "000" + made_up(2), "pan-leading-zeros"),
    ({"leading_zeros": "strip"}, "000" + made_up(2, 14), "pan-leading-zeros"),
    ({"leading_zeros": "strip"}, "0" * 16, "pan-all-zeros"),
    ({"refuse_all_zeros": True}, "0" * 16, "pan-all-zeros"),
    ({"refuse_test_cards": True}, PUBLISHED[0], "pan-test-card"),
    ({"normalise": True}, "4111.1111.1111.1111", "pan-not-digits"),
    ({}, "4111 1111 1111 1111", "pan-not-digits"),
]


@pytest.mark.parametrize("rules, pan, reason", REFUSED, ids=range(len(REFUSED)))
def test_each_rule_has_its_reason_everywhere(shared, api, request, rules, pan, reason):
    at = field(shared, f"refused.{request.node.callspec.id}", **rules)
    good = made_up(9)
    for verb, row in (("tokenize", {}), ("lookup", {}), ("encrypt", {"row_id": "1"})):
        single = api.post(f"{at}/{verb}", row | {"pan": pan})
        assert (single.status_code, problem(single)) == (422, reason), verb
        assert pan not in single.text and single.json()["errors"]
        items = [row | {"pan": good}, row | {"pan": pan}]
        batch = api.post(f"{at}/{verb}", {"items": items})
        first, second = batch.json()["results"]
        assert first["status"] == (404 if verb == "lookup" and "token" not in first else 200)
        assert second["status"] == 422 and second["type"] == f"urn:jeton:problem:{reason}"
        assert second["errors"][0]["pointer"].startswith("#/items/1")
        assert pan not in batch.text


WRITTEN = [
    ({"normalise": True}, made_up(11), " {0:.4}-{1} "),
    ({"leading_zeros": "strip"}, made_up(12), "000{0:.4}{1}"),
    ({"leading_zeros": "strip", "normalise": True}, made_up(13, 19), "0-0 {0:.4}-{1}"),
    ({"leading_zeros": "strip", "lengths": [15]}, "37" + "1" * 12 + "1", "0000{0:.4}{1}"),
]


@pytest.mark.parametrize("rules, pan, form", WRITTEN, ids=range(len(WRITTEN)))
def test_one_card_has_one_token_however_it_is_written(shared, api, request, rules, pan, form):
    pan = pan[:-1] + luhn_digit(pan[:-1])
    at = field(shared, f"written.{request.node.callspec.id}", **rules)
    other = form.format(pan, pan[4:])
    assert other != pan
    token = api.post(f"{at}/tokenize", {"pan": other}).json()["token"]
    assert api.post(f"{at}/tokenize", {"pan": pan}).json()["token"] == token
    items = [{"pan": other}, {"pan": pan}]
    for verb in ("tokenize", "lookup"):
        results = api.post(f"{at}/{verb}", {"items": items}).json()["results"]
        assert [r["token"] for r in results] == [token, token]
    assert api.post(f"{at}/lookup", {"pan": other}).json()["token"] == token
    assert api.post(f"{at}/detokenize", {"token": token}).json() == {"pan": pan}
    kept = [
        api.post(f"{at}/encrypt", {"row_id": "7", "pan": p}).json()["envelope"]
        for p in (other, pan)
    ]
    assert kept[0] == kept[1]
    opened = api.post(f"{at}/decrypt", {"row_id": "7", "envelope": kept[0]}).json()
    assert opened["pan"] == pan


def test_check_digits_are_not_looked_at_in_a_range(shared, api):
    at = field(shared, "ranges", luhn_exempt=["62", "81719999"])
    for pan in (union_pay(1), "8171999912345678", "8171999912345670"):
        token = api.post(f"{at}/tokenize", {"pan": pan}).json()["token"]
        assert api.post(f"{at}/detokenize", {"token": token}).json() == {"pan": pan}
    for pan in ("8171999812345678", bad_luhn(4)):
        assert problem(api.post(f"{at}/tokenize", {"pan": pan})) == "pan-bad-luhn"


def test_a_rule_that_changes_is_felt_by_every_loop_and_outlives_a_restart(make_service):
    service = make_service(options={"front_loops": 2})
    api = Api(service, service.new_client("rules", EVERYTHING))
    pan = "000" + made_up(20)
    token = api.tokenize(pan)
    before = service.operator.get("/v1/fields/pan").json()
    assert before["rules"] == PLAIN
    changed = change(service, "pan", leading_zeros="refuse")
    assert changed.json()["rules"] == PLAIN | {"leading_zeros": "refuse"}

    def refused_everywhere():
        answers = [
            Api(service, api.key).post("/v1/fields/pan/tokenize", {"pan": pan}) for _ in range(16)
        ]
        return all(a.status_code == 422 for a in answers)

    wait_until(refused_everywhere, "every loop goes by the rule", 2)
    assert api.detokenize(token) == pan  # what is stored stays
    assert problem(api.post("/v1/fields/pan/lookup", {"pan": pan})) == "pan-leading-zeros"
    more = change(service, "pan", refuse_test_cards=True, luhn_exempt=["81", "62"]).json()
    assert more["rules"] == PLAIN | {
        "leading_zeros": "refuse",
        "refuse_test_cards": True,
        "luhn_exempt": ["62", "81"],
    }
    service.stop()
    service.start_keeper().start_front()
    wait_until(service.ready, "ready under the rules")
    assert more.items() <= service.operator.get("/v1/fields/pan").json().items()
    assert api.post("/v1/fields/pan/tokenize", {"pan": pan}).status_code == 422
    assert api.detokenize(token) == pan
    # strip: the same text is another card from here on
    assert change(service, "pan", leading_zeros="strip").status_code == 200
    stripped = api.tokenize(pan)
    assert stripped != token and api.detokenize(stripped) == pan[3:]
    assert api.detokenize(token) == pan
    # and without rules all is as before
    assert change(service, "pan", **PLAIN).json()["rules"] == PLAIN
    assert api.tokenize(pan) == token
    assert service.sql("SELECT rules = '' FROM field") == [(True,)]
    assert service.sql("SELECT count(*) FROM audit WHERE action = 14") == [(4,)]
    assert change(service, "pan", **PLAIN).status_code == 200  # nothing to change
    assert service.sql("SELECT count(*) FROM audit WHERE action = 14") == [(4,)]


def put_rules(service, rules):
    """Rules that this version does not make, in a row and a set that a keeper could have made."""
    sys.path.append(str(TREE / "tests" / "reference"))
    import keyfiles  # pylint: disable=import-outside-toplevel
    import report
    import rows

    macs = rows.RowMacs(keyfiles.KeyDirectory(service.keeper_directory, report.Report()).root)
    columns = "id, name, kind, dedup, allow_bad_luhn, mask_eight, state, mac_epoch"
    (row,) = service.sql(f"SELECT {columns} FROM field")
    row = dict(zip(columns.split(", "), row)) | {"rules": rules}
    ((version, epoch),) = service.sql("SELECT version + 1, mac_epoch FROM row_set WHERE kind = 2")
    row["revision"] = version
    row |= {"token_form": 0, "app_column": ""}
    head = (row[c] for c in columns.split(", ")[:6])
    message = rows.field_message(*head, rules, 0, "", row["state"], version, row["mac_epoch"])
    row["mac"] = macs.make(rows.MAC_FIELD_ROW, message)
    nonce = bytes(range(16))
    digest = rows.set_digest(macs, rows.SET_FIELDS, nonce, [rows.field_object(row)])
    of_set = macs.make(
        rows.MAC_SET_ROW, rows.set_message(rows.SET_FIELDS, version, 1, 0, nonce, digest, epoch)
    )
    service.sql(
        "WITH f AS (UPDATE field SET rules = %s, revision = %s, mac = %s)"
        " UPDATE row_set SET version = %s, nonce = %s, digest = %s, mac = %s WHERE kind = 2",
        (rules, version, row["mac"], version, nonce, digest, of_set),
    )


def test_rules_of_a_later_version_put_the_field_out_of_use(service):
    api = Api(service, service.new_client("rules", EVERYTHING))
    pan = made_up(30)
    token = api.tokenize(pan)
    put_rules(service, b"\x02\xff\x00\x00\x00")

    def out_of_use():
        return api.post("/v1/fields/pan/tokenize", {"pan": pan}).status_code == 500

    wait_until(out_of_use, "the rules are noticed", 5)
    for verb, body in (
        ("tokenize", {"pan": made_up(31)}),
        ("lookup", {"pan": pan}),
        ("encrypt", {"row_id": "1", "pan": pan}),
        ("detokenize", {"token": token}),
    ):
        answer = api.post(f"/v1/fields/pan/{verb}", body)
        assert (answer.status_code, problem(answer)) == (500, "backend-fault"), verb
        assert pan not in answer.text
    assert service.rows_under(1) == 1
    assert (
        "card rules are of a form that this version does not know"
        in service.front_log.read_text(encoding="utf-8")
    )
    assert service.operator.get("/v1/fields/pan").json()["rules"] is None
    assert "does not know" in service.jeton("field", "show", "pan").stdout
    # An operator can put it out of use in so many words, and say all the rules anew.
    answer = change(service, "pan", normalise=True)
    assert (answer.status_code, problem(answer)) == (500, "backend-fault")
    for state in ("disabled", "active"):
        answer = service.operator.request("PATCH", "/v1/fields/pan", json={"state": state})
        assert answer.json()["state"] == state and answer.json()["rules"] is None
    assert change(service, "pan", **PLAIN).json()["rules"] == PLAIN
    assert api.detokenize(token) == pan and api.tokenize(pan) == token


@pytest.mark.parametrize(
    "rules, pointer",
    [
        ([], "#/rules"),
        (None, "#/rules"),
        ({"lengths": []}, "#/rules/lengths"),
        ({"lengths": [11]}, "#/rules/lengths"),
        ({"lengths": [16, 16]}, "#/rules/lengths"),
        ({"luhn_exempt": ["62", "6"]}, "#/rules/luhn_exempt"),
        ({"luhn_exempt": ["4111111111111111"]}, "#/rules/luhn_exempt"),
        ({"luhn_exempt": [str(n) for n in range(100, 117)]}, "#/rules/luhn_exempt"),
        ({"leading_zeros": "some"}, "#/rules/leading_zeros"),
        ({"refuse_all_zeros": 1}, "#/rules/refuse_all_zeros"),
        ({"normalise": "on"}, "#/rules/normalise"),
    ],
    ids=range(11),
)
def test_what_is_no_rule_changes_nothing(shared, rules, pointer):
    before = shared.operator.get("/v1/fields/other").json()
    for method, path, body in (
        ("PATCH", "/v1/fields/other", {"rules": rules}),
        ("POST", "/v1/fields", {"name": "not.made", "rules": rules}),
    ):
        answer = shared.operator.request(method, path, json=body)
        assert (answer.status_code, problem(answer)) == (422, "invalid-value")
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert "4111" not in answer.text
    assert shared.operator.get("/v1/fields/other").json() == before
    assert shared.operator.get("/v1/fields/not.made").status_code == 404


def test_a_member_that_is_no_rule_is_refused(shared):
    answer = change(shared, "other", **{"4111111111111111": True})
    assert (answer.status_code, problem(answer)) == (400, "unknown-member")
    assert answer.json()["errors"][0]["pointer"] == "#/rules" and "4111" not in answer.text


def test_a_field_of_bytes_has_no_rules_about_cards(shared):
    bytes_field = {"name": "blob.rules", "kind": "bytes"}
    for rule in ({"rules": {"normalise": True}}, {"mask_digits": 8}, {"allow_bad_luhn": True}):
        answer = shared.operator.post("/v1/fields", bytes_field | rule)
        assert (answer.status_code, problem(answer)) == (422, "invalid-value")
    assert shared.operator.post("/v1/fields", bytes_field).status_code == 201
    assert "rules" not in shared.operator.get("/v1/fields/blob.rules").json()
    assert change(shared, "blob.rules", normalise=True).status_code == 422
    assert change(shared, "blob.rules").status_code == 200


def test_the_command_line_makes_and_changes_rules(service):
    out = service.jeton("field", "add", "cards", "--luhn-exempt", "81,62", "--lengths", "13-16,19")
    assert "luhn-exempt 62,81" in out.stdout and "lengths 13,14,15,16,19" in out.stdout
    service.jeton("field", "change", "cards", "--leading-zeros", "strip", "--normalise", "on")
    refusals = ["--test-cards", "refuse", "--all-zeros", "refuse"]
    out = service.jeton("field", "change", "cards", *refusals)
    for line in ("leading-zeros strip", "normalise on", "test-cards refuse", "all-zeros refuse"):
        assert line in out.stdout
    assert service.operator.get("/v1/fields/cards").json()["rules"] == {
        "luhn_exempt": ["62", "81"],
        "lengths": [13, 14, 15, 16, 19],
        "leading_zeros": "strip",
        "refuse_all_zeros": True,
        "refuse_test_cards": True,
        "normalise": True,
        "max_lifetime": 0,
    }
    out = service.jeton("field", "change", "cards", "--luhn-exempt", "none", "--lengths", "all")
    assert "luhn-exempt" not in out.stdout and "lengths" not in out.stdout
    for bad in (
        ("--lengths", "11"),
        ("--lengths", "16-13"),
        ("--lengths", "13-"),
        ("--lengths", ""),
        ("--lengths", "16,"),
        ("--luhn-exempt", "6x"),
        ("--luhn-exempt", ""),
        ("--leading-zeros", "no"),
        ("--normalise", "yes"),
    ):
        assert service.jeton("field", "change", "cards", *bad, check=False).returncode == 64, bad
