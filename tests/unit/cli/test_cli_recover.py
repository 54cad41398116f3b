# SPDX-License-Identifier: Apache-2.0
"""`jeton recover`, against the scripted server: what an operator reads, and what is not signed."""

import json

COURSE = {
    "system_identifier": "7300000000000000001",
    "timeline": 1,
    "lsn": "0/2B08F40",
    "renewals": 905,
    "epoch": 6,
}
CHANGE = {
    "number": 1,
    "key_id": 1,
    "check_value": "0011223344556677",
    "keeper": "retired",
    "database": "active",
    "after": "draining",
    "compromised": False,
    "held_by": ["node1", "node2"],
    "cards": 50,
    "cards_lost": False,
}
REPLY = {
    "node": "node1",
    "disagrees": "the database lacks renewals of leases",
    "keeper": COURSE,
    "database": {**COURSE, "epoch": 2, "renewals": 402},
    "nodes": [{**COURSE, "node": "node2", "epoch": 7, "at": "2026-11-26T10:00:00.000Z"}],
    "plan": {
        "epoch": 1006,
        "generations": [
            CHANGE,
            {**CHANGE, "number": 2, "keeper": None, "after": "destroyed", "cards_lost": True},
        ],
    },
    "plan_refused": None,
    "request": None,
}
REQUEST = {
    "node": "node1",
    "state": "waiting",
    "text": "jeton custodian approval v1\nact: recover\nepoch: 1006\n",
    "requested_at": "2026-11-26T10:00:00.000Z",
    "requested_by": "operator",
    "approvals_needed": 2,
    "approvals": [],
    "epoch": None,
    "done_at": None,
}


def test_both_sides_and_what_becomes_of_each_generation(script):
    script.reply = lambda *_: (200, REPLY)
    out = script.jeton("recover").out
    lines = [line.split() for line in out.splitlines()]
    assert out.startswith("the database lacks renewals of leases\n")
    assert ["database", "2", "7300000000000000001", "1", "0/2B08F40", "402"] in lines
    assert ["keeper", "of", "node1", "6", "7300000000000000001", "1", "0/2B08F40", "905"] in lines
    assert "A recovery would post epoch 1006:" in out
    assert ["1", "1", "retired", "active", "draining", "50", "node1", "node2"] in lines
    assert ["2", "1", "-", "active", "destroyed", "50", "CARDS", "LOST"] in lines
    assert "Nobody has asked for a recovery." in out
    assert json.loads(script.jeton("recover", "--json").out) == REPLY


def test_the_node_that_has_seen_most_is_named(script):
    why = "the keeper of another node has seen more of this database: recover there"
    script.reply = lambda *_: (200, {**REPLY, "plan": None, "plan_refused": why})
    out = script.jeton("recover").out
    assert why in out and "The keeper of node node2 has seen most." in out


def test_asking_prints_what_is_to_be_signed(script):
    script.reply = lambda *_: (200, {**REPLY, "request": REQUEST})
    out = script.jeton("recover", "ask", "--ids-after", "2026-11-26T11:00:00Z").out
    assert out.startswith(REQUEST["text"]) and "request of node node1" in out
    method, path, _, body = script.requests[-1][:4]
    assert (method, path) == ("POST", "/v1/recovery")
    assert json.loads(body) == {"ids_after": "2026-11-26T11:00:00Z"}


def test_nothing_but_a_recovery_is_signed(script, tmp_path):
    key, phrase = tmp_path / "alice.key", tmp_path / "phrase"
    phrase.touch(0o600)
    phrase.write_text("correct horse battery\n", encoding="ascii")
    script.jeton("custodian", "key", key, "--name", "alice", "--passphrase-file", phrase)
    options = ("--custodian", "alice", "--key", key, "--passphrase-file", phrase, "--yes")
    for text in (
        "jeton custodian approval v1\nact: destroy-key\n",
        "jeton custodian approval v1\nact: recover\nepoch: \x1b[2J1\n",
        "",
    ):
        script.reply = lambda *_, t=text: (200, {**REPLY, "request": {**REQUEST, "text": t}})
        err = script.jeton("recover", "approve", *options, status=1).err
        assert "did not send the text of a recovery" in err
    script.reply = lambda *_: (200, REPLY)
    assert "nobody has asked" in script.jeton("recover", "approve", *options, status=2).err
    assert all(r[0] == "GET" for r in script.requests)
    script.reply = lambda *_: (200, {**REPLY, "request": REQUEST})
    # without --yes a terminal is needed
    script.jeton("recover", "approve", *options[:-1], status=1)
    done = script.jeton("recover", "approve", *options)
    assert "act: recover" in done.err and "waiting" in done.out
    assert script.requests[-1][:2] == ("POST", "/v1/recovery/approve")
    assert json.loads(script.requests[-1][3])["approval"].startswith("jca_alice_")
