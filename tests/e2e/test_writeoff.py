# SPDX-License-Identifier: Apache-2.0
"""Cards that nobody can open: two custodians write them off, and the generation retires."""

import re

import pytest

from cards import made_up
from custody import Custodians, destroy
from service import Api, problem, wait_until
from test_reference import run_reader
from test_stuck import FLIP, LOSE, held_up, spoil

FOREIGN = "envelope = substr(envelope, 1, 1) || repeat('not an envelope', 2)::bytea"
SHORT = "envelope = substr(envelope, 1, 20)"


@pytest.fixture
def spoilt(make_service):
    """Generation 1 drains, with cards that nobody can open."""
    service = make_service(options={"keeper_destroy_grace": 0})
    service.custodians = Custodians(service, "alice", "bob", "carol")
    assert service.custodians.enroll().returncode == 0
    service.pans = [made_up(n, series="lost") for n in range(20)]
    service.tokens = service.app.tokenize_many(service.pans)
    service.operator.roll()
    return service


def write_off(service, generation=1, **body):
    answer = service.operator.post(f"/v1/generations/{generation}/write-off", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def standing(service, generation=1):
    answer = service.operator.get(f"/v1/generations/{generation}/write-off")
    assert answer.status_code == 200, answer.text
    return answer.json()


def approve(service, name, generation=1, check=True):
    return service.custodians.approve(generation, name, check=check, more=["--write-off"])


def cards_of(service, generation=1, query=""):
    answer = service.operator.get(f"/v1/generations/{generation}/write-off/cards{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def rows_of(service, table, ids):
    return service.sql(
        f"SELECT id, field, bucket, key_id, fp::text, envelope, digits, expires_at FROM {table} "
        "WHERE id = ANY (%s) ORDER BY id",
        (ids,),
    )


def asks(service, token):
    answer = service.app.post("/v1/fields/pan/detokenize", {"token": token})
    return answer.status_code, problem(answer) if answer.status_code >= 400 else None


def test_two_custodians_write_off_what_nobody_can_open(spoilt):
    service = spoilt
    flipped, foreign, short, mended, misplaced = service.tokens[:5]
    spoil(service, flipped, FLIP)
    spoil(service, foreign, FOREIGN)
    spoil(service, short, SHORT)
    spoil(service, mended, LOSE)
    spoil(service, misplaced, "bucket = 3")
    service.operator.start_retirement(1)
    held_up(service, 5)
    lost = [flipped, foreign, short]
    ids = sorted(service.ids_of(lost))
    before = rows_of(service, "card", ids)
    done = service.jeton("keys", "write-off", "1")
    assert "act: write-off-cards\n" in done.stdout and "\ncards: 3\n" in done.stdout
    assert "\ncause: corrupt 1\ncause: foreign-bytes 2\n" in done.stdout
    assert "write-off 1 of generation 1: waiting" in done.stdout
    asked = standing(service)
    assert write_off(service)["text"] == asked["text"], "one that stands stays"
    cards = cards_of(service)
    assert {c["token"] for c in cards["cards"]} == set(lost) and cards["next"] is None
    table = service.jeton("keys", "write-off", "1", "--cards").stdout
    assert all(token in table for token in lost) and mended not in table
    assert "waiting" in approve(service, "alice").stdout
    assert "waiting" in approve(service, "alice").stdout, "the same custodian twice counts once"
    assert rows_of(service, "card", ids) == before
    assert "done, 3 of 3 cards" in approve(service, "bob").stdout
    assert rows_of(service, "card", ids) == []
    assert rows_of(service, "quarantine", ids) == before, "byte for byte"
    # what can be mended was not written off, and is mended
    assert service.jeton("repair", "1").stdout.startswith("2 cards mended, 0 left")
    final = service.operator.wait_certified(1)
    text = final["certificate"]["text"]
    digest = asked["list_sha256"]
    assert "\nrows-written-off: 3\n" in text and "\nrows-left: 0\n" in text
    assert f"\nwrite-off: 1 cards 3 listed 3 list-sha256 {digest}\n" in text
    assert re.search(
        r"\nwrite-off-approved-by: 1 jcp_alice_\w+\nwrite-off-approved-by: 1 jcp_bob_\w+\n", text
    )
    printed = service.directory / "certificate"
    printed.write_text(service.jeton("keys", "certificate", "1").stdout, encoding="ascii")
    key = service.jeton("keys", "certificate", "1").stdout.split("public-key: ")[1].split()[0]
    verified = service.jeton("verify", "certificate", printed, "--public-key", key)
    assert verified.returncode == 0 and "\nwrite-off-approved-by: 1 " in verified.stdout
    # the tokens answer so for ever, and their cards come again under others
    for token in lost:
        assert asks(service, token) == (410, "card-written-off")
    again = service.app.tokenize_many(service.pans[:3])
    assert not set(again) & set(service.tokens)
    assert service.app.detokenize_many(again) == service.pans[:3]
    kept = service.tokens[3:]
    assert service.app.detokenize_many(kept) == service.pans[3:]
    listed = service.jeton("keys", "write-offs", "1").stdout.split("\n")[1].split()
    assert listed[:4] == ["1", "done", "3", "3"]
    trail = service.sql(
        "SELECT action, object, n_done, ids FROM audit WHERE action IN (83, 84, 85) "
        "ORDER BY at, action"
    )
    assert [(a, o, n) for a, o, n, _ in trail] == [
        (83, "1", 1),
        (84, "1", 1),
        (84, "1", 1),
        (84, "1", 1),
        (85, "1", 3),
    ]
    blob = bytes(trail[-1][3])
    assert sorted(int.from_bytes(blob[i : i + 8], "big") for i in range(0, 24, 8)) == ids
    reads = run_reader(service)
    assert reads.returncode == 0 and "cards written off: 3" in reads.stdout, reads.stdout
    asked = service.jeton("keys", "destroy", "1").stdout
    assert "\nwritten-off: 3\n" in asked
    end = destroy(service, service.custodians, 1)
    assert "\nwritten-off: 3\n" in end["certificate"]["text"]
    assert asks(service, flipped) == (410, "card-written-off")
