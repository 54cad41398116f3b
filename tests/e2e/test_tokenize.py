# SPDX-License-Identifier: Apache-2.0
"""Tokenize and detokenize as a client that knows only the README."""

import threading

import pytest

from cards import PUBLISHED, bad_luhn, made_up
from service import problem, token_bytes


def test_a_card_becomes_a_token_and_comes_back(shared):
    token = shared.app.tokenize("4111111111111111")
    token_bytes(token)
    assert shared.app.detokenize(token) == "4111111111111111"


@pytest.mark.parametrize("length", range(12, 20))
def test_every_length_comes_back(shared, length):
    pan = made_up(1, length)
    assert shared.app.detokenize(shared.app.tokenize(pan)) == pan


def test_published_test_numbers_come_back(shared):
    assert shared.app.detokenize_many(shared.app.tokenize_many(PUBLISHED)) == PUBLISHED


def test_leading_zeros_are_kept(shared):
    pan = next(
        "000000" + made_up(n, 12)[2:] for n in range(1000) if luhn_ok("000000" + made_up(n, 12)[2:])
    )
    assert shared.app.detokenize(shared.app.tokenize(pan)) == pan


def luhn_ok(digits):
    return (
        sum(
            int(c) if i % 2 == 0 else sum(divmod(int(c) * 2, 10))
            for i, c in enumerate(reversed(digits))
        )
        % 10
        == 0
    )


def test_the_same_card_gets_the_same_token(shared):
    pan = made_up(2)
    assert shared.app.tokenize(pan) == shared.app.tokenize(pan)


def test_a_card_twice_in_one_batch_gets_one_token(shared):
    first, second, other = shared.app.tokenize_many([made_up(3), made_up(3), made_up(4)])
    assert first == second != other


def test_fields_do_not_share_tokens(shared):
    pan = made_up(5)
    token = shared.app.tokenize(pan)
    assert shared.app.tokenize(pan, field="other") != token
    answer = shared.app.post("/v1/fields/other/detokenize", {"token": token})
    assert (answer.status_code, problem(answer)) == (404, "token-unknown")


def test_without_dedup_each_request_gets_a_token_of_its_own(shared):
    pan = made_up(6)
    tokens = shared.app.tokenize_many([pan, pan], field="plain") + [
        shared.app.tokenize(pan, field="plain")
    ]
    assert len(set(tokens)) == 3
    assert shared.app.detokenize_many(tokens, field="plain") == [pan] * 3


def test_a_field_may_allow_bad_luhn(shared):
    pan = bad_luhn(7)
    assert shared.app.detokenize(shared.app.tokenize(pan, field="lenient"), field="lenient") == pan


def test_a_batch_of_ten_thousand_keeps_its_order(shared):
    pans = [made_up(n % 7000, 12 + n % 8, "big") for n in range(10000)]
    tokens = shared.app.tokenize_many(pans)
    assert shared.app.detokenize_many(tokens) == pans
    assert shared.app.detokenize_many(tokens[::-1]) == pans[::-1]
    assert len(set(tokens)) == len(set(pans))


def test_bad_items_do_not_fail_their_neighbours(shared):
    items = [
        {"pan": made_up(8)},
        {"pan": "4111 1111 1111 1111"},
        {"pan": made_up(9)},
        {"pan": 4111111111111111},
        {"pan": bad_luhn(10)},
        {"pan": ""},
        {"pan": made_up(11)},
    ]
    answer = shared.app.post("/v1/fields/pan/tokenize", {"items": items})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [r["status"] for r in results] == [200, 422, 200, 422, 422, 422, 200]
    assert [r.get("type", "").removeprefix("urn:jeton:problem:") for r in results] == [
        "",
        "pan-not-digits",
        "",
        "pan-not-a-string",
        "pan-bad-luhn",
        "pan-empty",
        "",
    ]
    good = [r["token"] for r in results if r["status"] == 200]
    tokens = [good[0], "jtk_" + "0" * 26, good[1], "nonsense", good[2]]
    answer = shared.app.post("/v1/fields/pan/detokenize", {"items": [{"token": t} for t in tokens]})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [r["status"] for r in results] == [200, 404, 200, 422, 200]
    assert [r["pan"] for r in results if r["status"] == 200] == [
        made_up(8),
        made_up(9),
        made_up(11),
    ]
    assert results[1]["type"] == "urn:jeton:problem:token-unknown"
    assert results[3]["type"] == "urn:jeton:problem:token-malformed"


def test_many_clients_with_the_same_new_cards_get_the_same_tokens(shared):
    pans = [made_up(n, series="race") for n in range(300)]
    answers = [None] * 8
    barrier = threading.Barrier(len(answers))

    def client(i):
        mine = pans if i % 2 == 0 else pans[::-1]
        api = shared.app
        barrier.wait()
        tokens = api.tokenize_many(mine)
        answers[i] = dict(zip(mine, tokens))

    threads = [threading.Thread(target=client, args=(i,)) for i in range(len(answers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(a == answers[0] for a in answers)


def test_the_envelope_of_sixteen_digits_is_twenty_five_bytes(shared):
    lengths = {}
    for digits in range(12, 20):
        token = shared.app.tokenize(made_up(12, digits))
        lengths[digits] = shared.sql(
            "SELECT length(envelope) FROM card WHERE id = %s", (shared.id_of(token),)
        )[0][0]
    assert lengths == {d: 1 + 16 + (d + 1) // 2 for d in range(12, 20)}
    assert lengths[16] == 25


def test_equal_cards_in_two_fields_share_nothing_in_the_database(shared):
    pan = made_up(13)
    ids = [
        shared.id_of(shared.app.tokenize(pan, field=name), number)
        for number, name in ((1, "pan"), (2, "other"))
    ]
    rows = [
        shared.sql("SELECT fp, substring(envelope from 2) FROM card WHERE id = %s", (i,))[0]
        for i in ids
    ]
    assert rows[0][0] != rows[1][0]
    assert bytes(rows[0][1]) != bytes(rows[1][1])
