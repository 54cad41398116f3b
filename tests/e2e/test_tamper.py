# SPDX-License-Identifier: Apache-2.0
"""A database that somebody edits: everything fails closed, and every failure to decrypt looks the
same.
"""

import re

import pytest
import requests

from cards import made_up
from service import problem, wait_until


@pytest.fixture
def stored(service):
    service.pans = [made_up(n, series="tamper") for n in range(4)]
    service.tokens = service.app.tokenize_many(service.pans)
    return service


def envelope(service, i):
    return bytes(
        service.sql("SELECT envelope FROM card WHERE id = %s", (service.id_of(service.tokens[i]),))[
            0
        ][0]
    )


def set_envelope(service, i, value):
    service.sql(
        "UPDATE card SET envelope = %s WHERE id = %s", (value, service.id_of(service.tokens[i]))
    )


def read(service, i):
    return service.app.post("/v1/fields/pan/detokenize", {"token": service.tokens[i]})


def check_refused(answer):
    assert (answer.status_code, problem(answer)) == (500, "undecryptable")
    assert not re.search(r"\d{12}", answer.text)


def test_swapped_envelopes_are_refused(stored):
    first, second = envelope(stored, 0), envelope(stored, 1)
    set_envelope(stored, 0, second)
    set_envelope(stored, 1, first)
    check_refused(read(stored, 0))
    check_refused(read(stored, 1))
    assert read(stored, 2).json() == {"pan": stored.pans[2]}
    set_envelope(stored, 0, first)
    set_envelope(stored, 1, second)
    assert read(stored, 0).json() == {"pan": stored.pans[0]}


def test_one_bad_row_does_not_fail_its_batch(stored):
    set_envelope(stored, 1, envelope(stored, 0))
    answer = stored.app.post(
        "/v1/fields/pan/detokenize", {"items": [{"token": t} for t in stored.tokens]}
    )
    assert answer.status_code == 200
    assert [r["status"] for r in answer.json()["results"]] == [200, 500, 200, 200]
    assert [r.get("pan") for r in answer.json()["results"]] == [
        stored.pans[0],
        None,
        stored.pans[2],
        stored.pans[3],
    ]


def test_every_way_to_alter_an_envelope_gets_the_same_answer(stored):
    good = envelope(stored, 0)
    altered = [good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :] for i in range(1, len(good))]
    altered += [good[:-1], good + b"\0", good[:18], good[:1] + b"\0" * 24]
    answers = set()
    for value in altered:
        set_envelope(stored, 0, value)
        answer = read(stored, 0)
        check_refused(answer)
        answers.add(answer.text)
    assert len(answers) == 1
    set_envelope(stored, 0, good)
    assert read(stored, 0).json() == {"pan": stored.pans[0]}


def test_a_card_moved_to_another_field_is_refused(stored):
    assert stored.operator.post("/v1/fields", {"name": "other"}).status_code == 201
    number = stored.id_of(stored.tokens[0])
    stored.sql("UPDATE card SET field = 2 WHERE id = %s", (number,))
    check_refused(read(stored, 0))
    # A token opens in its own field only; and a DBA who had one made for the other field would not
    # get the card either.
    answer = stored.app.post("/v1/fields/other/detokenize", {"token": stored.tokens[0]})
    assert (answer.status_code, problem(answer)) == (404, "token-unknown")
    check_refused(
        stored.app.post("/v1/fields/other/detokenize", {"token": stored.token_of(number, 2)})
    )


def test_a_card_under_another_generations_key_id_is_refused(stored):
    stored.operator.roll()
    good = envelope(stored, 0)
    set_envelope(stored, 0, bytes([stored.key_id(2)]) + good[1:])
    check_refused(read(stored, 0))


def test_a_row_under_a_key_id_of_no_generation_is_a_fault_of_its_own(stored):
    good = envelope(stored, 0)
    unknown = next(k for k in range(200, 255) if k != stored.key_id(1))
    set_envelope(stored, 0, bytes([unknown]) + good[1:])
    answer = read(stored, 0)
    assert (answer.status_code, problem(answer)) == (500, "row-stranded")
    # Nor does it fail its neighbours.
    answer = stored.app.post(
        "/v1/fields/pan/detokenize", {"items": [{"token": t} for t in stored.tokens]}
    )
    assert answer.status_code == 200
    assert [r.get("pan") for r in answer.json()["results"]] == [None, *stored.pans[1:]]
    assert answer.json()["results"][0]["type"] == "urn:jeton:problem:row-stranded"
    set_envelope(stored, 0, good)
    assert read(stored, 0).json() == {"pan": stored.pans[0]}


def restart_unverified(stored, words):
    """A front that starts on an edited set believes none of it: not ready, and the log says which
    row.
    """
    stored.stop()
    stored.start_keeper()
    stored.start_front()
    wait_until(
        lambda: requests.get(stored.url + "/readyz", timeout=5).json().get("sets") is False,
        "not verified",
    )
    wait_until(lambda: words in stored.front_log.read_text(), "the log names the row")
    assert not stored.ready()


def test_a_widened_client_is_refused_everywhere(stored):
    """A DBA gives `app` more permissions: the keeper's MAC no longer fits, so it may nothing at
    all.
    """
    columns = dict(
        stored.sql(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = "
            "'client'"
        )
    )
    assert "permissions" in columns
    stored.sql("UPDATE client SET permissions = 7 WHERE id = 'app'")
    assert (
        stored.app.get("/v1/generations").status_code == 403
    )  # a running front works on with what it has verified
    restart_unverified(stored, "the row of client app is not authentic")
    for method, path, body in (
        ("GET", "/v1/generations", None),
        ("POST", "/v1/fields/pan/tokenize", {"pan": stored.pans[0]}),
        ("POST", "/v1/fields/pan/detokenize", {"token": stored.tokens[0]}),
    ):
        answer = stored.app.request(method, path, json=body)
        assert (answer.status_code, problem(answer)) == (503, "unavailable")
    stored.sql("UPDATE client SET permissions = 3 WHERE id = 'app'")
    assert stored.wait_ready().app.tokenize(stored.pans[0]) == stored.tokens[0]


def test_a_client_under_another_name_is_refused(stored):
    stored.sql("UPDATE client SET id = 'other' WHERE id = 'app'")
    restart_unverified(stored, "the row of client other is not authentic")
    secret = stored.app_key.split("_")[2]
    stored.app_key = f"jck_other_{secret}"
    answer = stored.app.get("/v1/generations")
    assert (answer.status_code, problem(answer)) == (503, "unavailable")


def test_a_deleted_client_is_missed(stored):
    stored.new_client("gone", ["tokenize"])
    stored.sql("DELETE FROM client WHERE id = 'gone'")
    restart_unverified(stored, "not those that its set row vouches for")


@pytest.mark.parametrize(
    "edit",
    ["allow_bad_luhn = true", "mask_eight = true", r"rules = '\x01ff000100'", r"rules = '\x02'"],
)
def test_an_edited_field_is_refused(stored, edit):
    stored.sql(f"UPDATE field SET {edit}")
    restart_unverified(stored, "the row of field 1 is not authentic")
    answer = stored.app.post("/v1/fields/pan/tokenize", {"pan": stored.pans[0]})
    assert answer.status_code == 503
    assert "token" not in answer.json()
    assert (
        stored.app.post("/v1/fields/pan/detokenize", {"token": stored.tokens[0]}).status_code
        == answer.status_code
    )


def test_an_edited_ring_stops_the_work(stored):
    """Neither a forged state nor a bare epoch is taken for the keeper's own word."""
    stored.sql("UPDATE ring SET epoch = epoch + 1")
    answer = stored.app.post("/v1/fields/pan/tokenize", {"pan": made_up(9, series="tamper")})
    assert answer.status_code in (500, 503)
    assert stored.sql("SELECT count(*) FROM card") == [(4,)]
    stored.sql("UPDATE ring SET epoch = epoch - 1")
    assert stored.wait_ready().app.tokenize(stored.pans[0]) == stored.tokens[0]


def test_a_generation_made_active_by_sql_is_not_used(stored):
    number = stored.operator.create_generation()
    stored.sql(
        "UPDATE generation SET state = 3 WHERE number = 1"
    )  # draining; the schema allows one active only
    stored.sql("UPDATE generation SET state = 2 WHERE number = %s", (number,))
    answer = stored.app.post("/v1/fields/pan/tokenize", {"pan": made_up(8, series="tamper")})
    assert (answer.status_code, problem(answer)) == (500, "backend-fault")
    assert stored.sql("SELECT count(*) FROM card") == [(4,)]
    assert read(stored, 0).json() == {"pan": stored.pans[0]}
