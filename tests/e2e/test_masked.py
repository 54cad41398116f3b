# SPDX-License-Identifier: Apache-2.0
"""Masked reads: a client that may see no more than a masked number never gets the whole one."""

import datetime
import re

import pytest

from cards import made_up
from service import Api, problem


def client(service, name, permissions):
    return Api(service, service.new_client(name, permissions))


def mask(pan, leading=6):
    leading = min(leading if len(pan) > 15 else 6, len(pan) - 8)
    return pan[:leading] + "*" * (len(pan) - leading - 4) + pan[-4:]


@pytest.fixture(scope="module")
def reader(_shared):
    return client(_shared, "reader", ["read-masked"])


def read(api, token, field="pan"):
    return api.get(f"/v1/fields/{field}/tokens/{token}")


@pytest.mark.parametrize("length", range(12, 20))
def test_a_token_gives_the_masked_number(shared, reader, length):
    pan = made_up(1, length, "masked")
    token = shared.app.tokenize(pan)
    answer = read(reader, token)
    assert answer.status_code == 200
    assert answer.json() == {"token": token, "masked_pan": mask(pan), "generation": 1}
    assert pan not in answer.text


def test_a_field_may_show_eight_digits(shared, reader):
    body = {"name": "eight", "mask_digits": 8}
    answer = shared.operator.post("/v1/fields", body)
    assert answer.status_code == 201 and answer.json()["mask_digits"] == 8
    for length in (12, 15, 16, 19):
        pan = made_up(2, length, "masked")
        token = shared.app.tokenize(pan, field="eight")
        assert read(reader, token, "eight").json()["masked_pan"] == mask(pan, 8)
    assert shared.operator.post("/v1/fields", {"name": "x", "mask_digits": 7}).status_code == 422


@pytest.mark.parametrize("permissions", [["detokenize"], ["detokenize", "read-masked"]])
def test_who_may_see_whole_numbers_can_ask_for_masked_ones(shared, permissions):
    """They are masked reads in everything: counters, records and what is sent."""
    name = "asks-" + "-".join(permissions)
    whole = client(shared, name, permissions)
    pans = [made_up(n, series="asked-masked") for n in range(20)]
    tokens = shared.app.tokenize_many(pans)
    path, items = "/v1/fields/pan/detokenize", [{"token": t} for t in tokens]
    before = shared.operator.counters()
    assert whole.post(path, {"token": tokens[0], "masked": True}).json() == {
        "masked_pan": mask(pans[0])
    }
    answer = whole.post(path, {"masked": True, "items": items + [{"token": "jtk_no"}]})
    results = answer.json()["results"]
    assert results[:-1] == [{"status": 200, "masked_pan": mask(p)} for p in pans]
    assert results[-1]["status"] == 422
    assert not any(p in answer.text for p in pans)
    after = shared.operator.counters()
    assert after["masked_items"] - before["masked_items"] == 22
    assert after["detokenize_items"] == before["detokenize_items"]
    rows = shared.sql("SELECT action, n_done FROM audit WHERE client = %s", (name,))
    assert sorted(rows) == [(12, 1), (12, 20)]  # as the masked reads below
    for body in ({"token": tokens[0], "masked": False}, {"token": tokens[0]}):
        assert whole.post(path, body).json() == {"pan": pans[0]}


def test_the_member_gives_nobody_more(shared, reader):
    pan = made_up(3, series="asked-masked")
    token = shared.app.tokenize(pan)
    path = "/v1/fields/pan/detokenize"
    for asked in (True, False):
        answer = reader.post(path, {"token": token, "masked": asked})
        assert answer.json() == {"masked_pan": mask(pan)}
    stores = client(shared, "only-stores", ["tokenize"])
    assert stores.post(path, {"token": token, "masked": True}).status_code == 403
    for wrong in ("true", 1, None, [True]):
        answer = reader.post(path, {"token": token, "masked": wrong})
        assert (answer.status_code, problem(answer)) == (422, "invalid-value")
        assert answer.json()["errors"][0]["pointer"] == "#/masked"
    answer = reader.post(path, {"items": [{"token": token, "masked": True}]})
    assert answer.json()["results"][0]["type"] == "urn:jeton:problem:malformed-item"


def test_detokenize_masks_for_a_client_that_may_see_no_more(shared, reader):
    pans = [made_up(n, series="masked-batch") for n in range(40)]
    tokens = shared.app.tokenize_many(pans)
    answer = reader.post("/v1/fields/pan/detokenize", {"token": tokens[0]})
    assert answer.json() == {"masked_pan": mask(pans[0])}
    items = {"items": [{"token": t} for t in tokens]}
    answer = reader.post("/v1/fields/pan/detokenize", items)
    results = answer.json()["results"]
    assert results == [{"status": 200, "masked_pan": mask(p)} for p in pans]
    assert not re.search(r"\d{11}", answer.text.replace("masked_pan", ""))
    # One that may detokenize as well gets the number, and the masked one where it asks for that.
    both = client(shared, "both", ["read-masked", "detokenize"])
    assert both.detokenize(tokens[0]) == pans[0]
    assert read(both, tokens[0]).json()["masked_pan"] == mask(pans[0])
    assert read(shared.app, tokens[0]).json()["masked_pan"] == mask(pans[0])


def test_when_a_card_came_is_for_who_may_know_whether_it_is_known(shared, reader):
    before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    token = shared.app.tokenize(made_up(3, series="masked"))
    assert "created_at" not in read(reader, token).json()
    finder = client(shared, "dates", ["read-masked", "lookup"])
    at = datetime.datetime.fromisoformat(read(finder, token).json()["created_at"][:-1] + "+00:00")
    after = datetime.datetime.now(datetime.timezone.utc)
    # Ids may run ahead of the clock by as much as a keeper writes ahead in its state.
    assert before <= at <= after + datetime.timedelta(minutes=2)


def test_what_is_no_token_of_the_field(shared, reader):
    token = shared.app.tokenize(made_up(4, series="masked"))
    unknown = read(reader, "jtk_" + "0" * 26)
    other = read(reader, token, "other")
    assert (unknown.status_code, problem(unknown)) == (404, "token-unknown")
    assert unknown.content == other.content
    for bad in ("4111111111111111", token.upper(), token + "0", "%00", "x" * 100):
        answer = read(reader, bad)
        assert answer.status_code in (400, 422), bad
        assert bad not in answer.text
    answer = read(reader, token, "nosuch")
    assert (answer.status_code, problem(answer)) == (404, "field-unknown")
    answer = reader.get(f"/v1/fields/pan/tokens/{token}?pan=4")
    assert (answer.status_code, problem(answer)) == (400, "query-not-taken")


def test_it_takes_its_permission(shared, reader):
    token = shared.app.tokenize(made_up(5, series="masked"))
    finder = client(shared, "masked-lookup", ["lookup"])
    for api in (finder, shared.operator):
        assert read(api, token).status_code == 403
        assert api.post("/v1/fields/pan/detokenize", {"token": token}).status_code == 403
    assert reader.post("/v1/fields/pan/tokenize", {"pan": made_up(1)}).status_code == 403
    answer = reader.request("PUT", f"/v1/fields/pan/tokens/{token}")
    assert answer.status_code == 405 and "GET" in answer.headers["Allow"]


def test_masked_reads_are_audited_before_they_are_answered(service):
    reader = client(service, "reader", ["read-masked"])
    token = service.app.tokenize(made_up(1, series="masked"))
    service.operator.roll()
    assert read(reader, token).status_code == 200
    reader.post("/v1/fields/pan/detokenize", {"items": [{"token": token}] * 2})
    rows = service.sql(
        "SELECT n_items, n_done, ids FROM audit WHERE action = 12 "
        "ORDER BY at, start, connection, link, place"
    )
    assert [r[:2] for r in rows] == [(1, 1), (2, 2)]
    number = service.id_of(token).to_bytes(8, "big")
    assert [bytes(r[2]) for r in rows] == [number, number * 2]
    assert service.sql("SELECT count(*) FROM audit WHERE action = 2")[0][0] == 0
    service.sql("ALTER TABLE audit ADD CONSTRAINT no CHECK (action <> 12) NOT VALID")
    answer = read(reader, token)
    assert answer.status_code == 500 and "*" not in answer.text


def test_an_altered_row_looks_like_any_other_failure(service):
    reader = client(service, "reader", ["read-masked"])
    first, second = service.app.tokenize_many([made_up(n, series="masked") for n in (1, 2)])
    service.sql(
        "UPDATE card SET envelope = (SELECT envelope FROM card WHERE id = %s) WHERE id = %s",
        (service.id_of(second), service.id_of(first)),
    )
    answer = read(reader, first)
    assert (answer.status_code, problem(answer)) == (500, "undecryptable")
