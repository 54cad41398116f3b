# SPDX-License-Identifier: Apache-2.0
"""Recoveries of a database that went back: requests, approvals and words;
docs/keeper-protocol.md, "A database that went back".
"""

import hashlib
import struct

import rows
from pieces import Bytes, Malformed

NEEDED = 2


class Course:
    """Where a database stands."""

    def __init__(self, b):
        self.system, self.timeline, self.lsn, n = struct.unpack(">QIQB", b.take(21))
        self.renewals = [struct.unpack(">BQ", b.take(9)) for _ in range(n)]
        numbers = [number for number, _ in self.renewals]
        if numbers != sorted(set(numbers)) or 0 in numbers or not all(c for _, c in self.renewals):
            raise Malformed("renewals that are not in order")


class Request:
    """The body of a request."""

    def __init__(self, body):
        b = Bytes(body)
        self.node = b.text()
        self.epoch, self.floor = struct.unpack(">QQ", b.take(16))
        self.keeper, self.database, self.plan = b.take(32), b.take(32), b.take(32)
        (n,) = struct.unpack(">I", b.take(4))
        self.text = b.take(n).decode("ascii")
        b.end()
        self.digest = hashlib.sha256(body).digest()


class Word:
    """The body of a keeper's word that a recovery was carried out."""

    def __init__(self, body):
        b = Bytes(body)
        self.epoch, self.ring = struct.unpack(">Q32s", b.take(40))
        self.base = Course(b)
        self.floor, self.highest, self.request = struct.unpack(">QQ32s", b.take(48))
        b.end()


class View:
    """What a keeper remembers."""

    def __init__(self, body):
        b = Bytes(body)
        self.node, self.incarnation = b.text(), b.take(16)
        self.epoch, self.highest, self.system, self.timeline, self.lsn, self.renewals = (
            struct.unpack(">QQQIQQ", b.take(44))
        )
        self.key_ids = b.take(32)
        b.end()


class RecoveryChecks:
    """Reports a fault for each row of recoveries that is not as it must be."""

    def __init__(self, macs, sets, tables, report):
        self.macs, self.sets, self.tables, self.report = macs, sets, tables, report

    def run(self):
        for row in self.tables["keeper_view"]:
            if self._good(rows.MAC_KEEPER_VIEW, row["body"], row["mac"], row["node"]):
                self._read(View, row["body"], row["node"])
        n_good = sum(self._recovery(row) for row in self.tables["recovery"])
        self.report.line(f"recoveries: {n_good} carried out")

    def _good(self, kind, body, mac, what):
        good = self.macs.good(kind, body, mac)
        if not good:
            self.report.fault("recovery", f"{what}: a MAC is not the service root's")
        return good

    def _read(self, kind, body, what):
        try:
            return kind(body)
        except (Malformed, ValueError, struct.error) as error:
            self.report.fault("recovery", f"{what}: {error}")
            return None

    def _recovery(self, row):
        what = f"recovery {row['id']}"
        if not self._good(rows.MAC_RECOVERY, row["body"], row["mac"], what):
            return False
        request = self._read(Request, row["body"], what)
        if request is None or row["epoch"] is None:
            return False
        if not self._good(rows.MAC_RECOVERY_WORD, row["word"], row["word_mac"], what):
            return False
        word = self._read(Word, row["word"], what)
        ring = hashlib.sha256(row["ring_body"]).digest()
        if not self._good(rows.MAC_RING, row["ring_body"], row["ring_mac"], what) or word is None:
            return False
        said = (word.epoch, word.ring, word.request, word.floor)
        if said != (row["epoch"], ring, request.digest, request.floor):
            self.report.fault("recovery", f"{what}: the word is of another one")
            return False
        if request.epoch != row["epoch"] or not self._approved(row, request):
            self.report.fault("recovery", f"{what}: not approved by two custodians")
            return False
        return True

    def _approved(self, row, request):
        approvals = [
            (a["custodian"], a["signature"])
            for a in self.tables["recovery_approval"]
            if a["recovery"] == row["id"]
        ]
        return any(
            len(custodians.approved_by(approvals, request.text)) >= NEEDED
            for custodians in self.sets.values()
        )
