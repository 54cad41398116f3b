# SPDX-License-Identifier: Apache-2.0
"""Who can write to the database cannot make one card answer for another: what rows can exchange,
copy and restore.
"""

import itertools

import pytest

from cards import made_up
from service import problem, wait_until

COLUMNS = ("id", "field", "fp", "envelope")


@pytest.fixture
def stored(service):
    service.pans = [made_up(n, series="rows") for n in range(4)]
    service.tokens = service.app.tokenize_many(service.pans)
    service.ids = service.ids_of(service.tokens)
    assert service.operator.post("/v1/fields", {"name": "other"}).status_code == 201
    service.other = service.app.tokenize(service.pans[0], field="other")
    return service


def rows(service):
    return service.sql("SELECT id, field, fp::text, envelope FROM card ORDER BY id")


def put(service, cards):
    """The table with just these rows."""
    connection = service.connect()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM card")
        for number, field, fp, envelope in cards:
            cursor.execute(
                "INSERT INTO card (id, field, fp, envelope) VALUES (%s, %s, %s, %s)",
                (number, field, fp, bytes(envelope)),
            )
    connection.commit()
    connection.close()


def check_never_another(service):
    """Each answer is the right card or token, or an error; at least one is an error. No card gets a
    second row.
    """
    promised = [("pan", t, p) for t, p in zip(service.tokens, service.pans)] + [
        ("other", service.other, service.pans[0])
    ]
    before, refused, alarms = len(rows(service)), 0, service.operator.counters()["row_alarms"]
    for field, token, pan in promised:
        answer = service.app.post(f"/v1/fields/{field}/detokenize", {"token": token})
        assert answer.status_code in (200, 404, 500), answer.status_code
        assert answer.status_code != 200 or answer.json() == {"pan": pan}
        refused += answer.status_code != 200
    for field, token, pan in promised:
        answer = service.app.post(f"/v1/fields/{field}/tokenize", {"pan": pan})
        assert answer.status_code in (200, 500), answer.status_code
        if answer.status_code == 500:
            assert problem(answer) == "undecryptable"
        # A card whose fingerprint stands nowhere any more is a new card; a row that answers for it
        # gives its own token or none.
        elif answer.json()["token"] != token:
            assert len(rows(service)) == before + 1
            before += 1
        refused += answer.status_code != 200
    assert refused > 0
    assert service.operator.counters()["row_alarms"] > alarms


def same(one, two):
    return sorted((*r[:3], bytes(r[3])) for r in one) == sorted((*r[:3], bytes(r[3])) for r in two)


@pytest.mark.parametrize("pair", [(0, 1), (0, 4)], ids=["same-field", "other-field"])
def test_two_rows_that_exchange_columns_give_no_wrong_card(stored, pair):
    """Everything two rows can exchange: each column alone, and each set of columns together."""
    good, n_tried = rows(stored), 0
    for columns in (c for n in (1, 2, 3) for c in itertools.combinations(range(len(COLUMNS)), n)):
        altered = [list(r) for r in good]
        one, two = (altered[i] for i in pair)
        for i in columns:
            one[i], two[i] = two[i], one[i]
        if same(altered, good):
            continue
        put(stored, altered)
        check_never_another(stored)
        put(stored, good)
        n_tried += 1
    assert n_tried >= 12
    assert stored.app.detokenize_many(stored.tokens) == stored.pans
    assert stored.app.tokenize_many(stored.pans) == stored.tokens


def test_exchanged_fingerprints_never_give_the_other_cards_token(stored):
    first, second = stored.ids[:2]
    fps = dict(stored.sql("SELECT id, fp::text FROM card"))
    stored.sql(
        "UPDATE card SET fp = '00000000-0000-0000-0000-000000000000' WHERE id = %s", (first,)
    )
    stored.sql("UPDATE card SET fp = %s WHERE id = %s", (fps[first], second))
    stored.sql("UPDATE card SET fp = %s WHERE id = %s", (fps[second], first))
    answer = stored.app.post(
        "/v1/fields/pan/tokenize", {"items": [{"pan": p} for p in stored.pans]}
    )
    assert [r["status"] for r in answer.json()["results"]] == [500, 500, 200, 200]
    assert stored.sql("SELECT count(*) FROM card WHERE field = 1") == [(4,)], "no second row"
    assert "alarm" in stored.front_log.read_text()
    assert stored.operator.get("/v1/status").json()["keeper"]["mismatched"] == 2


def test_a_replayed_row_is_told_of_and_the_card_lives_on(stored):
    """An old copy of a row, put back after its generation was retired."""
    old = stored.sql(
        "SELECT id, field, fp::text, envelope FROM card WHERE id = %s", (stored.ids[0],)
    )[0]
    stored.operator.roll()
    stored.operator.retire(1)
    stored.sql(
        "INSERT INTO card (id, field, fp, envelope) VALUES (%s, %s, %s, %s)",
        (*old[:3], bytes(old[3])),
    )
    assert stored.app.detokenize(stored.tokens[0]) == stored.pans[0]
    assert stored.app.tokenize(stored.pans[0]) == stored.tokens[0]
    # The next look finds it: at a start, at a retirement, before a key id is given out.
    number = stored.operator.create_generation()
    log = wait_until(
        lambda: "cards stand under key ids" in stored.front_log.read_text()
        and stored.front_log.read_text(),
        "the alarm",
    )
    assert f"of no live generation: {stored.key_id(1)}." in log
    assert stored.key_id(number) not in (stored.key_id(1), stored.key_id(2))
    stored.sql("DELETE FROM card WHERE key_id = %s", (stored.key_id(1),))
    stored.stop()
    stored.start()
    assert stored.app.detokenize_many(stored.tokens) == stored.pans


def test_a_card_whose_only_row_is_a_replayed_one_gets_no_second_token(stored):
    old = stored.sql(
        "SELECT id, field, fp::text, envelope FROM card WHERE id = %s", (stored.ids[0],)
    )[0]
    stored.operator.roll()
    stored.operator.retire(1)
    stored.sql("DELETE FROM card WHERE id = %s", (stored.ids[0],))
    stored.sql(
        "INSERT INTO card (id, field, fp, envelope) VALUES (%s, %s, %s, %s)",
        (*old[:3], bytes(old[3])),
    )
    answer = stored.app.post("/v1/fields/pan/detokenize", {"token": stored.tokens[0]})
    assert (answer.status_code, problem(answer)) == (500, "row-stranded")
    stored.operator.create_generation()  # looks for strays
    answer = stored.app.post(
        "/v1/fields/pan/tokenize", {"items": [{"pan": p} for p in stored.pans]}
    )
    assert [r["status"] for r in answer.json()["results"]] == [500, 200, 200, 200]
    assert answer.json()["results"][0]["type"] == "urn:jeton:problem:row-stranded"
    assert stored.sql("SELECT count(*) FROM card WHERE field = 1") == [(4,)]


def test_two_rows_under_one_id_open_nothing(stored):
    stored.operator.roll()
    old, new = stored.key_id(1), stored.key_id(2)
    stored.sql(
        "INSERT INTO card (id, field, fp, envelope) SELECT id, field, gen_random_uuid(), "
        "set_byte(envelope, 0, %s) FROM card "
        "WHERE id = %s AND key_id = %s",
        (new, stored.ids[0], old),
    )
    answer = stored.app.post(
        "/v1/fields/pan/detokenize", {"items": [{"token": t} for t in stored.tokens]}
    )
    assert [r["status"] for r in answer.json()["results"]] == [500, 200, 200, 200]
    assert "stand in two rows" in stored.front_log.read_text()
    stored.sql("DELETE FROM card WHERE id = %s AND key_id = %s", (stored.ids[0], new))
    assert stored.app.detokenize(stored.tokens[0]) == stored.pans[0]
