# SPDX-License-Identifier: Apache-2.0
"""`jeton keys write-off`, `write-offs` and `approve --write-off`, against the scripted server."""

import json

TEXT = "jeton custodian approval v1\nact: write-off-cards\ngeneration: 1\ncards: 2\n"
WRITE_OFF = {
    "generation": 1,
    "number": 3,
    "state": "waiting",
    "text": TEXT,
    "cards": 2,
    "list_sha256": "ab" * 32,
    "requested_at": "2026-01-01",
    "requested_by": "operator",
    "approvals_needed": 2,
    "approvals": [{"custodian": "alice", "at": "2026-01-02", "carried_by": "x"}],
    "done_at": None,
    "cards_moved": None,
}


def test_it_asks_shows_and_lists(script):
    script.reply = lambda *_: (200, WRITE_OFF)
    out = script.jeton("keys", "write-off", "1").out
    assert out == (
        f"{TEXT}\nwrite-off 3 of generation 1: waiting\napproved by alice at 2026-01-02\n"
    )
    assert script.jeton("keys", "write-off", "1", "--show").out == out
    script.jeton("keys", "write-off", "1", "--anew")
    asked = [(r[0], r[1], json.loads(r[3] or "null")) for r in script.requests]
    assert asked == [
        ("POST", "/v1/generations/1/write-off", {"anew": False}),
        ("GET", "/v1/generations/1/write-off", None),
        ("POST", "/v1/generations/1/write-off", {"anew": True}),
    ]
    script.jeton("keys", "write-off", "1", "--anew", "--show", status=64)
    done = WRITE_OFF | {"state": "done", "cards_moved": 1}
    script.reply = lambda *_: (200, done)
    assert "generation 1: done, 1 of 2 cards\n" in script.jeton("keys", "write-off", "1").out
    assert json.loads(script.jeton("--json", "keys", "write-off", "1").out) == done


def test_cards_are_listed_page_after_page(script):
    card = {"field": "pan", "token": "jtk_x", "cause": "corrupt"}
    pages = iter([(200, {"cards": [card], "next": "1"}), (200, {"cards": [card], "next": None})])
    script.reply = lambda *_: next(pages)
    lines = script.jeton("keys", "write-off", "1", "--cards").out.splitlines()
    assert [line.split() for line in lines] == [["FIELD", "TOKEN", "CAUSE"]] + [
        ["pan", "jtk_x", "corrupt"]
    ] * 2
    assert script.requests[-1][1] == "/v1/generations/1/write-off/cards?cursor=1"


def test_all_of_a_generation_are_a_table(script):
    rows = [
        {k: WRITE_OFF[k] for k in ("number", "state", "cards", "requested_at", "requested_by")}
        | {"done_at": None, "cards_moved": None},
        {
            "number": 1,
            "state": "done",
            "cards": 5,
            "requested_at": "2025",
            "requested_by": "operator",
            "done_at": "2026",
            "cards_moved": 4,
        },
    ]
    script.reply = lambda *_: (200, {"write_offs": rows})
    lines = script.jeton("keys", "write-offs", "1").out.splitlines()
    assert lines[1].split() == ["3", "waiting", "2", "-", "2026-01-01", "-", "operator"]
    assert lines[2].split() == ["1", "done", "5", "4", "2025", "2026", "operator"]
    assert script.requests[-1][:2] == ("GET", "/v1/generations/1/write-offs")


def custodian(script):
    key, phrase = script.directory / "alice.key", script.directory / "phrase"
    phrase.touch(0o600)
    phrase.write_text("correct horse battery\n", encoding="ascii")
    script.jeton("custodian", "key", key, "--name", "alice", "--passphrase-file", phrase)
    return [
        *("keys", "approve", "1", "--custodian", "alice", "--key", key),
        *("--passphrase-file", phrase),
    ]


def test_a_custodian_signs_what_was_asked_for_and_nothing_else(script):
    arguments = custodian(script)
    script.reply = lambda *_: (200, WRITE_OFF)
    done = script.jeton(*arguments, "--yes", "--write-off")
    assert TEXT in done.err and "write-off 3 of generation 1: waiting" in done.out
    assert [r[:2] for r in script.requests] == [
        ("GET", "/v1/generations/1/write-off"),
        ("POST", "/v1/generations/1/write-off/approve"),
    ]
    assert json.loads(script.requests[-1][3])["approval"].startswith("jca_alice_")
    # the text of the one act is not signed for the other, nor without a yes
    sent = len(script.requests)
    done = script.jeton(*arguments, "--yes", status=1)
    assert "did not send the text of a destruction" in done.err
    destruction = TEXT.replace("write-off-cards", "destroy-key")
    script.reply = lambda *_: (200, WRITE_OFF | {"text": destruction})
    done = script.jeton(*arguments, "--yes", "--write-off", status=1)
    assert "did not send the text of a write-off" in done.err
    script.reply = lambda *_: (200, WRITE_OFF)
    done = script.jeton(*arguments, "--write-off", status=1)
    assert "the tokens of these cards are lost" in done.err and "nothing was signed" in done.err
    assert all(r[0] == "GET" for r in script.requests[sent:])
