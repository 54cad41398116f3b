# SPDX-License-Identifier: Apache-2.0
"""Lookup: a card number to the token that it has; nothing is stored, and no row answers for a card
that is not in it.
"""

import re

import pytest

from cards import bad_luhn, made_up
from service import Api, problem

PATH = "/v1/fields/pan/lookup"


def client(service, name, permissions):
    return Api(service, service.new_client(name, permissions))


def rows(service):
    return service.sql("SELECT count(*), max(id) FROM card")[0]


@pytest.fixture(scope="module")
def lookup(_shared):
    return client(_shared, "finder", ["lookup"])


def test_a_known_card_gives_its_token_and_an_unknown_one_nothing(shared, lookup):
    pan, strange = made_up(1, series="lookup"), made_up(2, series="lookup")
    token = shared.app.tokenize(pan)
    before = rows(shared)
    assert lookup.post(PATH, {"pan": pan}).json() == {"token": token}
    answer = lookup.post(PATH, {"pan": strange})
    assert (answer.status_code, problem(answer)) == (404, "card-unknown")
    assert strange not in answer.text
    assert rows(shared) == before
    answer = lookup.post("/v1/fields/other/lookup", {"pan": pan})
    assert (answer.status_code, problem(answer)) == (404, "card-unknown")


def test_a_batch_keeps_its_order_and_bad_items_their_own_fate(shared, lookup):
    pans = [made_up(n, series="lookup-batch") for n in range(50)]
    tokens = shared.app.tokenize_many(pans[::2])
    items = [{"pan": p} for p in pans] + [{"pan": bad_luhn(1)}, {"pan": 7}, {"pan": pans[0]}]
    results = lookup.post(PATH, {"items": items}).json()["results"]
    assert [r["token"] for r in results[:50:2]] == tokens
    assert {r["type"] for r in results[1:50:2]} == {"urn:jeton:problem:card-unknown"}
    assert [r["status"] for r in results[50:]] == [422, 422, 200]
    assert results[52]["token"] == tokens[0]


def test_a_field_without_dedup_has_nothing_to_look_up(lookup):
    answer = lookup.post("/v1/fields/plain/lookup", {"pan": made_up(1)})
    assert (answer.status_code, problem(answer)) == (409, "conflict")
    assert "link" in answer.json()["reason"]


@pytest.mark.parametrize("body", [{"pan": "4", "cvv": "123"}, {"track2": ";4=2512?"}, {}])
def test_members_that_it_does_not_take_are_refused(lookup, body):
    assert lookup.post(PATH, body).status_code == 400


def test_it_takes_its_own_permission(shared, lookup):
    for other in (shared.app, shared.operator):
        assert other.post(PATH, {"pan": made_up(1)}).status_code == 403
    assert lookup.post("/v1/fields/pan/tokenize", {"pan": made_up(1)}).status_code == 403


def test_cards_are_found_under_each_live_generation(service):
    finder = client(service, "finder", ["lookup"])
    pans = [made_up(n, series="lookup-roll") for n in range(3)]
    tokens = []
    for n, pan in enumerate(pans):
        tokens.append(service.app.tokenize(pan))
        if n < 2:
            service.operator.roll()
    items = {"items": [{"pan": p} for p in pans]}
    assert [r["token"] for r in finder.post(PATH, items).json()["results"]] == tokens
    service.operator.retire(1)
    assert [r["token"] for r in finder.post(PATH, items).json()["results"]] == tokens


def test_no_row_answers_for_a_card_that_is_not_in_it(service):
    """A database writer gives one card's fingerprint to another card's row."""
    finder = client(service, "finder", ["lookup"])
    mine, other = made_up(1, series="swap"), made_up(2, series="swap")
    first, second = service.app.tokenize_many([mine, other])
    ids = service.ids_of([first, second])
    prints = [service.sql("SELECT fp FROM card WHERE id = %s", (i,))[0][0] for i in ids]
    service.sql("DELETE FROM card WHERE id = %s", (ids[0],))
    service.sql("UPDATE card SET fp = %s WHERE id = %s", (prints[0], ids[1]))
    answer = finder.post(PATH, {"pan": mine})
    assert (answer.status_code, problem(answer)) == (500, "undecryptable")
    assert not re.search(r"\d{12}", answer.text)
    assert "rows answer for a card that is not in them" in service.front_log.read_text()


def test_each_lookup_leaves_an_audit_row_with_what_was_found(service):
    finder = client(service, "finder", ["lookup"])
    pan = made_up(1, series="lookup-audit")
    token = service.app.tokenize(pan)
    finder.post(PATH, {"items": [{"pan": pan}, {"pan": made_up(2, series="lookup-audit")}]})
    ((who, n_items, n_done, ids),) = service.sql(
        "SELECT client, n_items, n_done, ids FROM audit WHERE action = 11"
    )
    assert (who, n_items, n_done) == ("finder", 2, 1)
    assert int.from_bytes(bytes(ids), "big") == service.id_of(token)
    counters = service.operator.counters()
    assert counters["lookup_items"] == 2 and counters["lookup_not_found"] == 1


def test_no_audit_no_token(service):
    finder = client(service, "finder", ["lookup"])
    pan = made_up(1, series="lookup-audit")
    token = service.app.tokenize(pan)
    service.sql("ALTER TABLE audit ADD CONSTRAINT no CHECK (action <> 11) NOT VALID")
    answer = finder.post(PATH, {"pan": pan})
    assert answer.status_code == 500 and token not in answer.text
