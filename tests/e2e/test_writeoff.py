# SPDX-License-Identifier: Apache-2.0
"""Cards that nobody can open: two custodians write them off, and the generation retires."""

import re
import threading

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


def lost_cards(service, *tokens, generation=1):
    """They are damaged, and hold the retirement up; the request that lists them."""
    for token in tokens:
        spoil(service, token, FLIP)
    service.operator.start_retirement(generation)
    held_up(service, len(tokens), generation)
    return write_off(service, generation)


def test_a_card_that_opens_is_not_written_off_whatever_is_noted(spoilt):
    """Notes are anybody's who writes to the database, and so are rows; the keeper tries each."""
    service = spoilt
    good, lost = service.tokens[:2]
    spoil(service, lost, FLIP)
    service.operator.start_retirement(1)
    held_up(service, 1)
    # a good card is put back under the draining generation, and noted as corrupt
    row = service.sql(
        "SELECT id, field, fp, envelope FROM card WHERE id = %s", (service.id_of(lost),)
    )[0]
    spoil(service, lost, FLIP)
    service.sql(
        "INSERT INTO stuck_card (generation, bucket, id, field, cause) VALUES (1, 0, %s, 1, 2) "
        "ON CONFLICT DO NOTHING",
        (service.id_of(good),),
    )
    answer = service.operator.post("/v1/generations/1/write-off")
    assert (answer.status_code, problem(answer)) == (409, "conflict")
    assert "neither open nor mend" in answer.text
    assert service.sql("SELECT count(*) FROM write_off")[0][0] == 0
    # the same where the keeper could be told that the field does not exist
    spoil(service, lost, "field = 77")
    spoil(service, lost, FLIP)
    wait_until(
        lambda: service.operator.retirement(1)["rows_stuck"] == 1, "the damaged one is met again"
    )
    asked = write_off(service)
    assert "\ncause: field-unknown 1\n" in asked["text"]
    cards = cards_of(service)["cards"]
    assert cards == [{"field": None, "token": None, "cause": "field-unknown"}]
    assert service.operator.post("/v1/generations/1/pause").status_code == 200
    service.sql("UPDATE card SET field = %s WHERE id = %s", (row[1], row[0]))
    spoil(service, lost, FLIP)
    for name in ("alice", "bob"):
        approve(service, name)
    assert standing(service)["cards_moved"] == 0, "it is not as it was listed"
    assert service.operator.post("/v1/generations/1/resume").status_code == 200
    service.operator.wait_certified(1)
    assert service.app.detokenize_many([good, lost]) == service.pans[:2]


def test_what_was_repaired_between_request_and_approval_stays(spoilt):
    service = spoilt
    mended, lost = service.tokens[:2]
    lost_cards(service, mended, lost)
    approve(service, "alice")
    spoil(service, mended, FLIP)
    assert service.app.detokenize(mended) == service.pans[0]
    assert "done, 1 of 2 cards" in approve(service, "carol").stdout
    text = service.operator.wait_certified(1)["certificate"]["text"]
    assert "\nrows-written-off: 1\nwrite-off: 1 cards 1 listed 2 " in text
    assert service.app.detokenize(mended) == service.pans[0]
    assert asks(service, lost) == (410, "card-written-off")
    # a list that nobody needs any more goes
    service.operator.roll()
    lost_cards(service, mended, generation=2)
    approve(service, "alice", 2)
    spoil(service, mended, FLIP)
    service.operator.wait_certified(2)
    answer = service.operator.get("/v1/generations/2/write-off")
    assert (answer.status_code, problem(answer)) == (404, "not-found")
    answer = service.operator.post("/v1/generations/2/write-off")
    assert answer.status_code == 409 and "only cards of a draining generation" in answer.text


def test_nobody_else_writes_cards_off(spoilt):
    service = spoilt
    answer = service.operator.get("/v1/generations/1/write-off")
    assert (answer.status_code, problem(answer)) == (404, "not-found")
    first = lost_cards(service, *service.tokens[:2])
    # a stranger, and a custodian's name under another text
    stranger = Custodians(service, "mallory")
    refused = stranger.approve(1, "mallory", check=False, more=["--write-off"])
    assert refused.returncode == 2 and "no such custodian" in refused.stderr
    path = "/v1/generations/1/write-off/approve"
    answer = service.operator.post(path, {"approval": "jca_alice_" + "0" * 103})
    assert answer.status_code == 409 and "the signature is not" in answer.text
    # a client that may not operate
    assert service.app.post(path, {"approval": "jca_alice_" + "0" * 103}).status_code == 403
    # what was signed before is nothing for the next request, nor for a row that somebody edits
    approve(service, "alice")
    signed = service.sql("SELECT signature FROM write_off_approval")[0][0]
    second = write_off(service, anew=True)
    assert (second["number"], second["cards"], second["approvals"]) == (2, 2, [])
    assert second["text"] != first["text"]
    service.sql(
        "INSERT INTO write_off_approval (generation, number, custodian, signature, carried_by) "
        "VALUES (1, 2, 'alice', %s, 'dba'), (1, 2, 'bob', %s, 'dba')",
        (signed, signed),
    )
    # nor is the signature of two for a list to which a good card was added
    service.sql("UPDATE write_off SET list = set_byte(list, 20, get_byte(list, 20) # 1)")
    service.sql("DELETE FROM write_off_approval")
    approve(service, "alice")
    refused = approve(service, "bob", check=False)
    assert refused.returncode != 0 and "not the one that custodians see" in refused.stderr
    service.sql("UPDATE write_off SET request = set_byte(request, 30, get_byte(request, 30) # 1)")
    assert standing(service)["state"] == "not-authentic"
    assert service.sql("SELECT count(*) FROM quarantine")[0][0] == 0
    third = write_off(service)
    assert (third["number"], third["state"]) == (3, "waiting")
    # who says to the database that it is done has no warrant for the certificate
    service.sql(
        "UPDATE write_off SET warrant = 'x', done_at = now(), cards_moved = 2; "
        "DELETE FROM card WHERE key_id = %s",
        (service.key_id(1),),
    )
    wait_until(
        lambda: "cannot certify" in service.front_log.read_text(), "the keeper certifies no such"
    )


def test_a_crash_in_the_middle_loses_nothing(spoilt):
    """The second signature stands, and the front dies before the cards have gone."""
    service = spoilt
    lost_cards(service, *service.tokens[:3])
    approve(service, "alice")
    holder = service.connect()
    holder.autocommit = False
    ids = service.ids_of(service.tokens[:3])
    holder.cursor().execute("SELECT 1 FROM card WHERE id = ANY (%s) FOR UPDATE", (ids,))
    once = ["--write-off", "--retry-for", "0"]
    second = threading.Thread(
        target=service.custodians.approve, args=(1, "bob"), kwargs={"check": False, "more": once}
    )
    second.start()
    wait_until(
        lambda: service.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND query LIKE '%%FROM write_off w%%' AND pid <> pg_backend_pid()"
        )[0][0],
        "the cards are about to go",
    )
    service.front.kill()
    second.join()
    holder.rollback()
    holder.close()
    assert service.sql("SELECT count(*) FROM write_off_approval")[0][0] == 2
    service.start_front()
    service.wait_ready()
    wait_until(lambda: standing(service)["state"] == "done", "a duty carries it out")
    assert len(rows_of(service, "quarantine", ids)) == 3
    final = service.operator.wait_certified(1)
    assert "\nrows-written-off: 3\n" in final["certificate"]["text"]
    assert service.sql("SELECT count(*) FROM audit WHERE action = 85")[0][0] == 1


def test_status_tells_what_ends_and_applications_delete_what_is_lost(spoilt):
    service = spoilt
    lost, good = service.tokens[:2]

    def endings():
        return service.operator.get("/v1/status").json()["endings"]

    quiet = endings()
    assert quiet["stuck_cards"] == quiet["written_off_cards"] == quiet["write_offs_waiting"] == 0
    # one is a card's, the other was never stored by anybody
    service.sql(
        "INSERT INTO card (id, field, fp, envelope) SELECT 7, field, md5('x')::uuid, "
        "envelope FROM card WHERE id = %s",
        (service.id_of(lost),),
    )
    spoil(service, lost, FLIP)
    service.operator.start_retirement(1)
    wait_until(lambda: service.operator.retirement(1)["rows_stuck"] == 2, "both are met")
    write_off(service)
    assert (endings()["stuck_cards"], endings()["write_offs_waiting"]) == (2, 1)
    told = service.jeton("status").stdout
    assert "WARNING: 2 cards keep a generation from retiring" in told
    assert "1 lists of cards wait for custodians" in told
    approve(service, "alice")
    approve(service, "bob")
    service.operator.wait_certified(1)
    assert (endings()["stuck_cards"], endings()["written_off_cards"]) == (0, 2)
    first = service.operator.generations()[1]
    assert (first["rows"], first["rows_written_off"]) == (0, 2)
    assert service.operator.post("/v1/generations/1/destroy").status_code == 200
    assert endings()["destructions"]["waiting"] == 1
    assert "1 keys wait for a custodian" in service.jeton("status").stdout
    remover = Api(service, service.new_client("remover", ["delete"]))
    answer = remover.post(
        "/v1/fields/pan/delete", {"items": [{"token": t} for t in (lost, good, lost)]}
    )
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert ["type" in r for r in results] == [False, False, True]
    assert service.sql("SELECT count(*) FROM quarantine")[0][0] == 1
    for token in (lost, good):
        assert asks(service, token) == (404, "token-unknown")
    # the planted one was never counted as written, and a reader of the tables sees that
    faults = run_reader(service).stdout.split("FAULT")[1:]
    assert len(faults) == 1 and "0 cards are there, the tally says -1" in faults[0]
