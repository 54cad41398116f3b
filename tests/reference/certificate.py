# SPDX-License-Identifier: Apache-2.0
"""The retirement certificate: its text from a row, its signature; docs/keeper-protocol.md, "The
certificate".
"""

import datetime

from keyfiles import ENVIRONMENTS
from writeoffs import certificate_lines

TITLE = "jeton retirement certificate v1"


def time_text(at):
    """UTC to the millisecond, the rest cut off."""
    at = at.astimezone(datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def lsn_text(lsn):
    """PostgreSQL's form: two halves in hexadecimal without leading zeros."""
    high, low = (int(half, 16) for half in lsn.split("/"))
    return f"{high:X}/{low:X}"


def expected_text(environment, generation, row, write_offs=()):
    """What the certificate must say: `generation` and `row` are rows of tables generation and
    retirement, `write_offs` all of table write_off.
    """
    deleted = [("rows-deleted", row["rows_deleted"])] if row["rows_deleted"] is not None else []
    written_off = []
    if row["rows_written_off"] is not None:
        written_off = [("rows-written-off", row["rows_written_off"])]
        written_off += certificate_lines(generation["number"], write_offs)
    lines = [
        ("environment", ENVIRONMENTS[environment]),
        ("generation", generation["number"]),
        ("key-id", generation["key_id"]),
        ("check-value", generation["check_value"].hex()),
        ("epoch", row["epoch"]),
        ("rows-written", row["rows_written"]),
        ("rows-moved-in", row["rows_moved_in"]),
        ("rows-moved-out", row["rows_moved_out"]),
        *deleted,
        *written_off,
        ("rows-left", row["rows_left"]),
        ("system-identifier", row["system_identifier"] % (1 << 64)),
        ("timeline", row["timeline"]),
        ("lsn", lsn_text(row["lsn"])),
        ("started-at", time_text(row["started_at"])),
        ("retired-at", time_text(row["retired_at"])),
        ("node", row["node"]),
        ("actor", row["actor"]),
    ]
    return TITLE + "\n" + "".join(f"{name}: {value}\n" for name, value in lines)


def differing_lines(text, expected):
    """Names of the lines that are not as the row has them."""
    if text == expected:
        return []
    got, wanted = text.split("\n"), expected.split("\n")
    names = [w.split(":")[0] for g, w in zip(got, wanted) if g != w]
    return names or ["number of lines"]
