# SPDX-License-Identifier: Apache-2.0
"""No card number leaves before its audit row is committed."""

import re

import pytest

from cards import made_up
from service import problem, token_bytes

PANS = [made_up(n, series="audit") for n in range(5)]


@pytest.fixture
def stored(service):
    service.tokens = service.app.tokenize_many(PANS)
    return service


def audit(service):
    """The audit trail as text, oldest first; its columns are the store's business."""
    columns = {
        c
        for (c,) in service.sql(
            "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'audit'"
        )
    }
    assert {"client", "action"} <= columns, columns
    order = "id" if "id" in columns else "at"
    return service.sql(f"SELECT row_to_json(a) FROM audit a ORDER BY {order}")


def test_each_detokenize_request_leaves_one_row_with_its_ids(stored):
    before = len(audit(stored))
    stored.app.detokenize(stored.tokens[0])
    stored.app.detokenize_many(stored.tokens[1:4])
    rows = [r[0] for r in audit(stored)][before:]
    assert len(rows) == 2
    assert all(r["client"] == "app" for r in rows)
    text = str(rows)
    ids = [f"{number:016x}" for number in stored.ids_of(stored.tokens)]
    assert all(number in text for number in ids[:4])
    assert ids[4] not in text
    assert not any(token_bytes(token).hex() in text for token in stored.tokens)
    for pan in PANS:
        assert pan not in text


def test_a_request_for_unknown_tokens_is_audited_too(stored):
    before = len(audit(stored))
    assert (
        stored.app.post("/v1/fields/pan/detokenize", {"token": "jtk_" + "0" * 26}).status_code
        == 404
    )
    assert len(audit(stored)) == before + 1


def test_administration_is_audited_with_its_actor(stored):
    before = len(audit(stored))
    stored.operator.roll()
    stored.new_client("another", ["tokenize"])
    stored.operator.retire(1)
    rows = [r[0] for r in audit(stored)][before:]
    # create, activate, client, retirement asked for, retired
    assert len(rows) >= 4
    assert all(r["client"] for r in rows)


@pytest.mark.parametrize(
    "how",
    [
        "REVOKE INSERT ON audit FROM jeton",
        "ALTER TABLE audit RENAME TO audit_away",
        "ALTER TABLE audit ADD CONSTRAINT never CHECK (false) NOT VALID",
    ],
)
def test_without_an_audit_row_no_card_number_leaves(stored, how):
    if how.startswith("REVOKE"):
        # The owner's rights would come back with the ownership: take that first.
        stored.sql("ALTER TABLE audit OWNER TO postgres")
        stored.sql("GRANT SELECT ON audit TO jeton")
    else:
        stored.sql(how)
    for body in ({"token": stored.tokens[0]}, {"items": [{"token": t} for t in stored.tokens]}):
        answer = stored.app.post("/v1/fields/pan/detokenize", body)
        assert not any(pan in answer.text for pan in PANS)
        assert not re.search(r"\d{12,19}", answer.text)
        if answer.status_code == 200:
            assert [r["status"] for r in answer.json()["results"]] == [500] * 5
        else:
            assert (answer.status_code, problem(answer)) == (500, "backend-fault")
    if how.startswith("REVOKE"):
        stored.sql("ALTER TABLE audit OWNER TO jeton")
    elif "RENAME" in how:
        stored.sql("ALTER TABLE audit_away RENAME TO audit")
    else:
        stored.sql("ALTER TABLE audit DROP CONSTRAINT never")
    stored.wait_ready()
    assert stored.app.detokenize_many(stored.tokens) == PANS


def test_an_auditor_learns_who_was_given_a_card(stored):
    reader = stored.new_client("reader", ["detokenize"])
    stored.app.detokenize(stored.tokens[0])
    stored.app_key, app_key = reader, stored.app_key
    stored.app.detokenize_many(stored.tokens[:2])
    stored.app_key = app_key
    done = stored.jeton("audit", stored.tokens[0], "--field", "pan")
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [line[1] for line in lines] == ["app", "reader"]
    later = stored.jeton(
        "audit",
        stored.tokens[0],
        "--field",
        "pan",
        "--since",
        lines[1][0],
        "--until",
        "2100-01-01T00:00:00Z",
    ).stdout
    assert [line.split()[1] for line in later.splitlines()[1:]] == ["reader"]
    assert len(stored.jeton("audit", stored.tokens[2], "--field", "pan").stdout.splitlines()) == 1
    body = {"field": "pan", "token": stored.tokens[0]}
    assert stored.app.post("/v1/audit/search", body).status_code == 403
    for bad, expected in (
        ({"token": "jtk_" + "0" * 26}, (404, "token-unknown")),
        ({"token": "x"}, (422, "invalid-value")),
        ({"since": "yesterday-ish"}, (422, "invalid-value")),
        ({"field": 7}, (422, "invalid-value")),
        ({"pan": "x"}, (400, "unknown-member")),
    ):
        answer = stored.operator.post("/v1/audit/search", body | bad)
        assert (answer.status_code, problem(answer)) == expected
    assert problem(stored.operator.post("/v1/audit/search", {"field": "pan"})) == "missing-member"
