# SPDX-License-Identifier: Apache-2.0
"""The chain of the audit trail by itself: fixed values, which tests/unit/store/test_chain.c and
tests/unit/keeper/test_op_audit.c have as well, and what is found when rows change.
"""

import audit

KEY = bytes(range(32))


def row(**changes):
    columns = {
        "at": 1764150000123456,
        "link": 1,
        "start": 0x01020304,
        "connection": 5,
        "place": 1,
        "action": 2,
        "result": 0,
        "field": 7,
        "n_items": 3,
        "n_done": 2,
        "client": "app",
        "object": "",
        "source": bytes([192, 0, 2, 1]),
        "request": bytes(range(16)),
        "ids": bytes.fromhex("01020304050607081112131415161718"),
        "head": None,
    }
    return audit.Row(**{**columns, **changes})


SECOND = {
    "place": 2,
    "action": 4,
    "result": 85,
    "field": 0,
    "n_items": 1,
    "n_done": 0,
    "client": "",
    "object": "grün",
    "source": b"",
    "request": bytes(16),
    "ids": b"",
}


def link():
    rows = [row(), row(**SECOND)]
    rows[1].head = audit.head(KEY, rows[0].chain, 1, bytes(16), audit.digest(rows))
    return rows


def test_fixed_values():
    rows = link()
    assert audit.digest(rows[:1]).hex() == DIGEST_OF_ONE
    assert audit.digest(rows).hex() == DIGEST_OF_TWO
    assert rows[1].head.hex() == HEAD
    assert audit.run_on(bytes(32), audit.digest(rows)).hex() == RUNNING
    assert START.computed_mac(KEY).hex() == MAC


START = audit.Start(
    0x01020304,
    "node1",
    bytes(range(16)),
    1764150000000000,
    9,
    bytes.fromhex("0003" + "00000000000000ff") + bytes(range(16)),
    b"",
)
DIGEST_OF_ONE = "bbeac4e5850da0bd568544b2de13b20b093d4b2d7b0fad9ed98fc631627a242e"
DIGEST_OF_TWO = "5c6c0b6ec681e40dba4836c68674ae308add8908304142691b617ee06bc14fdb"
HEAD = "86de4d15325f225e220900635b0cf529"
RUNNING = "101294dd44837f2d24193cc2b73273092882e4f9243d76a5d6dae396b726673b"
MAC = "5cbf3a8c506e8e1513869e88306560dd"


def trail():
    """A start and three links of one chain, whose successor says where it ended."""
    start = audit.Start(0x01020304, "node1", bytes(16), 1, 0, b"", b"")
    start.mac = start.computed_mac(KEY)
    rows, previous = [], start.mac
    for number in (1, 2, 3):
        one = row(link=number, at=1764150000000000 + number)
        previous = one.head = audit.head(KEY, one.chain, number, previous, audit.digest([one]))
        rows.append(one)
    ends = bytes.fromhex("0005" + "0000000000000003") + previous
    successor = audit.Start(8, "node1", bytes(16), 2, start.id, ends, b"")
    successor.mac = successor.computed_mac(KEY)
    return [start, successor], rows


def test_a_whole_trail_is_good():
    assert audit.verify(KEY, *trail()) == ([], 3)


def test_what_went_in_time_is_not_missed():
    starts, rows = trail()
    close = audit.Close(*rows[1].chain, 2, rows[1].head, 1764150000000003, b"")
    close.mac = close.computed_mac(KEY)
    assert audit.verify(KEY, starts, rows[2:], [close]) == ([], 1)
    assert audit.verify(KEY, starts, rows[2:])[0]
    close.link = 1
    assert audit.verify(KEY, starts, rows[2:], [close])[0]


def test_what_is_changed_is_found():
    for change in (
        lambda starts, rows: setattr(rows[1], "n_done", 1),
        lambda starts, rows: rows.pop(),
        lambda starts, rows: rows.pop(1),
        lambda starts, rows: rows.insert(1, rows[0]),
        lambda starts, rows: rows.reverse(),
        lambda starts, rows: setattr(starts[0], "node", "x"),
        lambda starts, rows: starts.pop(0),
        lambda starts, rows: setattr(starts[1], "ends", b""),
    ):
        starts, rows = trail()
        change(starts, rows)
        assert audit.verify(KEY, starts, rows)[0]
