# SPDX-License-Identifier: Apache-2.0
"""`jeton status`, against the scripted server: what it prints, and when it ends with 69."""

import json

STATUS = {
    "node": "node1",
    "number": 3,
    "lease": True,
    "keys_held": True,
    "version": "0.1.0",
    "uptime_seconds": 90061,
    "keeper": {
        "up": True,
        "epoch": 4,
        "development": True,
        "locked": False,
        "sealed": 1,
        "opened": 2,
        "resealed": 3,
        "refused": 4,
        "service_root": True,
        "mints_ids": True,
        "matched": 5,
        "mismatched": 0,
        "identified": 6,
        "directory_good": True,
    },
    "database": {"up": False, "schema": True},
    "ring": {"epoch": 4, "active": 2, "key_ids_taken": 3},
    "sets_verified": True,
    "connections": {"open": 3, "limit": 16000, "refusing": False},
    "counters": {"tokenize_items": 12345},
}


def test_status(script):
    script.reply = lambda *_: (200, STATUS)
    out = script.jeton("status").out
    for part in (
        "node1, number 3,",
        "up 1 d 01:01:01",
        "database  DOWN",
        "DEVELOPMENT KEYS",
        "NOT LOCKED",
        "generation 2 is active",
        "12345",
    ):
        assert part in out
    assert json.loads(script.jeton("--json", "status").out) == STATUS
    script.reply = lambda *_: (200, STATUS | {"ring": {"epoch": 1, "active": None}})
    assert "epoch 1, no generation is active" in script.jeton("status").out


def test_status_tells_of_columns_that_a_retirement_waits_for(script):
    for n in (0, 3):
        script.reply = lambda *_, n=n: (200, STATUS | {"columns_waiting": n})
        told = f"{n} columns of applications" in script.jeton("status").out
        assert told == (n > 0)


def test_status_tells_what_ends_keys_and_cards(script):
    def out_with(**endings):
        told = {"stuck_cards": 0, "written_off_cards": 0, "write_offs_waiting": 0} | endings
        script.reply = lambda *_: (200, STATUS | {"endings": told})
        return script.jeton("status").out

    counts = dict.fromkeys(("waiting", "grace", "due", "cancelled", "erasing"), 0)
    quiet = out_with(destructions=counts)
    assert not any(word in quiet for word in ("destroy", "stuck", "written off", "WARNING"))
    out = out_with(destructions=counts | {"grace": 1, "waiting": 2, "grace_seconds_left": 77})
    assert "2 keys wait for a custodian, 1 are in their grace" in out
    assert "77 s of grace are left" in out and "WARNING" not in out
    assert "WARNING: 1 were cancelled" in out_with(destructions=counts | {"cancelled": 1})
    assert "WARNING: 3 cards keep a generation" in out_with(destructions=counts, stuck_cards=3)
    out = out_with(destructions=counts, written_off_cards=4, write_offs_waiting=1)
    assert "1 lists of cards wait" in out and "4 cards are written off" in out


def test_status_tells_where_the_service_root_is(script):
    def out_with(n, at, lacks):
        holders = {"service_root": n, "backup_verified_at": at, "backup_lacks": lacks}
        script.reply = lambda *_: (200, STATUS | {"holders": holders})
        return script.jeton("status").out

    assert "THE SERVICE ROOT IS IN ONE PLACE ONLY: jeton keys backup" in out_with(1, None, 1)
    at = "2027-01-01T00:00:00Z"
    assert f"the service root is in 2 places; last backup verified {at}" in out_with(2, at, 0)
    assert "in no backup" not in out_with(2, at, 0) + out_with(2, None, 3)
    assert "3 future or live generations are in no backup" in out_with(2, at, 3)
    assert "holders" not in out_with(0, None, 0)  # not known yet


def test_status_with_a_ring_that_the_keeper_refused_is_69(script):
    script.reply = lambda *_: (200, STATUS | {"ring": {"epoch": 0, "active": None}})
    assert "ring      NOT ACCEPTED by the keeper" in script.jeton("status", status=69).out


def test_status_without_all_keys_or_with_its_lease_over_is_69(script):
    script.reply = lambda *_: (200, STATUS | {"keys_held": False})
    assert "keys      NOT ALL HELD" in script.jeton("status", status=69).out
    script.reply = lambda *_: (200, STATUS | {"lease": False})
    assert "lease     OVER" in script.jeton("status", status=69).out


def test_status_with_tables_that_are_not_as_they_were_made_is_69(script):
    script.reply = lambda *_: (200, STATUS | {"database": {"up": True, "schema": False}})
    assert "schema    NOT AS IT WAS MADE" in script.jeton("status", status=69).out
    script.reply = lambda *_: (200, STATUS | {"database": {"up": True, "schema": True}})
    assert "schema    good" in script.jeton("status").out


def test_status_says_that_connections_are_refused(script):
    script.reply = lambda *_: (200, STATUS)
    assert "door      3 connections of 16000\n" in script.jeton("status").out
    script.reply = lambda *_: (
        200,
        STATUS | {"connections": {"open": 9, "limit": 9, "refusing": True}},
    )
    assert "door      9 connections of 9, REFUSING OTHERS" in script.jeton("status").out


def test_status_without_keeper_says_so_and_is_69(script):
    script.reply = lambda *_: (200, STATUS | {"keeper": {"up": False}})
    out = script.jeton("status", status=69).out
    assert (
        "keeper    DOWN: see the log of jeton-keeper\n" in out
        and "sealed" not in out
        and "generation 2 is active" in out
    )
    assert json.loads(script.jeton("--json", "status", status=69).out)["keeper"] == {"up": False}
