# SPDX-License-Identifier: Apache-2.0
"""`jeton nodes`, and what `jeton keys` says of nodes that have not acknowledged a key."""

TIME = "2026-11-26T10:00:00.000Z"
NODES = {
    "nodes": [
        {
            "name": "node1",
            "number": 1,
            "state": "serving",
            "started_at": TIME,
            "lease_until": TIME,
            "renewed_at": TIME,
            "acknowledged": [3, 4],
            "missing": [],
        },
        {
            "name": "node2",
            "number": 7,
            "state": "lease-over",
            "started_at": TIME,
            "lease_until": TIME,
            "renewed_at": TIME,
            "acknowledged": [3],
            "missing": [4],
        },
    ]
}


def test_the_list_has_a_line_for_each_node(script):
    script.reply = lambda *_: (200, NODES)
    lines = script.jeton("nodes", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["NODE", "node1", "node2"]
    assert lines[1].split()[1:3] == ["1", "serving"] and lines[1].endswith(
        "3, 4                  -"
    )
    assert lines[2].split()[1:3] == ["7", "lease-over"] and lines[2].endswith("  4")


def test_a_node_is_removed_by_name_and_nothing_else_gets_into_the_path(script):
    script.reply = lambda *_: (200, {"removed": "node2"})
    assert "Removed: node node2" in script.jeton("nodes", "remove", "node2").out
    assert [r[:2] for r in script.requests] == [("DELETE", "/v1/nodes/node2")]
    for bad in ("", "a/b", "a b", "..%2f", "x" * 64):
        script.jeton("nodes", "remove", bad, status=64)
    assert len(script.requests) == 1


def test_an_activation_that_waits_says_for_whom(script):
    problem = {
        "type": "urn:jeton:problem:nodes-missing",
        "title": "Nodes have not acknowledged",
        "status": 409,
        "detail": "Start them.",
        "reason": "not every node has acknowledged that it holds the key",
        "missing_nodes": ["node2", "node3"],
    }
    script.reply = lambda *_: (409, problem)
    err = script.jeton("keys", "activate", "4", status=2).err
    assert "not every node has acknowledged that it holds the key: node2, node3. Start them." in err


def test_keys_list_tells_who_has_not_acknowledged(script):
    generation = {
        "number": 4,
        "key_id": 4,
        "state": "future",
        "check_value": "0011223344556677",
        "rows": 0,
        "created_at": TIME,
        "acknowledged_by": ["node1"],
        "missing_nodes": ["node2", "node3"],
    }
    script.reply = lambda *_: (200, {"epoch": 3, "generations": [generation]})
    out = script.jeton("keys", "list").out
    assert "Generation 4 is not acknowledged yet by node2, node3\n" in out
