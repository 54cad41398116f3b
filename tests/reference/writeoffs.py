# SPDX-License-Identifier: Apache-2.0
"""Cards that were written off: requests, lists, warrants and quarantine; docs/data-format.md,
"Cards that are written off", and docs/keeper-protocol.md.
"""

import hashlib
import struct

import ends
import formats
import rows
from primitives import signature_is_good

HEAD = struct.Struct(">QB8sII32sH")
WARRANT = struct.Struct(">Q8sII32sB")
CARD = ("bucket", "id", "field", "fp", "envelope", "digits")


def list_cards(data):
    """(cause, card) of each, the card a dictionary."""
    b = ends.Bytes(data)
    (n,) = struct.unpack(">H", b.take(2))
    found = []
    for _ in range(n):
        cause, bucket, field, number, fingerprint, length = struct.unpack(">BBIQ16sH", b.take(32))
        envelope = b.take(length)
        digits = b.take(b.u8())
        found.append(
            (cause, dict(zip(CARD, (bucket, number, field, fingerprint, envelope, digits))))
        )
    b.end()
    return found


class Request:
    """A request, with its MAC behind it."""

    def __init__(self, data):
        b = ends.Bytes(data)
        head = HEAD.unpack(b.take(HEAD.size))
        self.generation, self.key_id, self.check, self.number, self.n, self.digest, length = head
        self.text = b.take(length).decode("ascii")
        self.body, self.mac = data[: b.at], b.take(16)
        b.end()


class Warrant:
    """A keeper's word that two custodians have approved, with its MAC behind it."""

    def __init__(self, data):
        b = ends.Bytes(data)
        head = WARRANT.unpack(b.take(WARRANT.size))
        self.generation, self.check, self.number, self.n, self.digest, n_by = head
        self.by = [(b.text(), b.take(32)) for _ in range(n_by)]
        self.body, self.mac = data[: b.at], b.take(16)
        b.end()


def certificate_lines(generation, write_offs):
    """What a retirement's certificate says of those that were carried out, ascending."""
    for row in sorted(write_offs, key=lambda r: r["number"]):
        if row["generation"] != generation or row["done_at"] is None:
            continue
        warrant = Warrant(row["warrant"])
        yield (
            "write-off",
            f"{row['number']} cards {row['cards_moved']} listed {warrant.n}"
            f" list-sha256 {warrant.digest.hex()}",
        )
        for custodian in warrant.by:
            yield "write-off-approved-by", f"{row['number']} {ends.custodian_text(*custodian)}"


class WriteOffChecks:
    """Reports a fault for each row about cards written off that is not as it must be."""

    def __init__(self, keys, tables, report):
        self.keys, self.tables, self.report = keys, tables, report
        self.macs = rows.RowMacs(keys.root)
        self.generations = {row["number"]: row for row in tables["generation"]}

    def run(self):
        known = {(r["generation"], r["number"]): r for r in self.tables["write_off"]}
        for row in known.values():
            self._row(f"generation {row['generation']}, write-off {row['number']}", row)
        for card in self.tables["quarantine"]:
            row = known.get((card["generation"], card["write_off"]))
            if row is None or row["done_at"] is None:
                self.report.fault("quarantine", f"card {card['id']:016x}: no write-off moved it")
            self._opens(card)
        self.report.line(f"cards written off: {len(self.tables['quarantine'])}")

    def _row(self, what, row):
        try:
            request, listed = Request(row["request"]), list_cards(row["list"])
            warrant = None if row["warrant"] is None else Warrant(row["warrant"])
        except (ends.Malformed, ValueError, struct.error) as error:
            self.report.fault("write-off", f"{what}: {error}")
            return
        if not self.macs.good(rows.MAC_WRITE_OFF, request.body, request.mac):
            self.report.fault("write-off", f"{what}: its MAC is not the service root's")
        generation = self.generations.get(row["generation"], {})
        if (request.generation, request.number, request.key_id, request.check) != (
            row["generation"],
            row["number"],
            generation.get("key_id"),
            generation.get("check_value"),
        ):
            self.report.fault("write-off", f"{what}: the request is of another one")
        digest = hashlib.sha256(row["list"]).digest()
        if digest != request.digest or len(listed) != request.n:
            self.report.fault("write-off", f"{what}: the list is not the one that was signed")
        if f"\nlist-sha256: {request.digest.hex()}\n" not in request.text:
            self.report.fault("write-off", f"{what}: the text is of another list")
        if warrant is not None:
            self._warrant(what, row, request, warrant)
            self._cards(what, row, listed)

    def _warrant(self, what, row, request, warrant):
        if not self.macs.good(rows.MAC_WARRANT, warrant.body, warrant.mac):
            self.report.fault("write-off", f"{what}: the warrant's MAC is not the service root's")
        if (warrant.generation, warrant.check, warrant.number, warrant.n, warrant.digest) != (
            request.generation,
            request.check,
            request.number,
            request.n,
            request.digest,
        ):
            self.report.fault("write-off", f"{what}: the warrant is for another list")
        signatures = {
            a["custodian"]: a["signature"]
            for a in self.tables["write_off_approval"]
            if (a["generation"], a["number"]) == (row["generation"], row["number"])
        }
        good = {
            key
            for name, key in warrant.by
            if signature_is_good(key, signatures.get(name, bytes(64)), request.text.encode("ascii"))
        }
        if len(good) < ends.NEEDED or len(good) != len(warrant.by):
            self.report.fault("write-off", f"{what}: not approved by those whom it names")

    def _cards(self, what, row, listed):
        """What is in quarantine is of the list, byte for byte."""
        there = [
            (card["cause"], {name: card[name] for name in CARD})
            for card in self.tables["quarantine"]
            if (card["generation"], card["write_off"]) == (row["generation"], row["number"])
        ]
        if len(there) > row["cards_moved"]:  # an application may have deleted some
            self.report.fault("write-off", f"{what}: {len(there)} cards are there, not as many")
        if any(card not in listed for card in there):
            self.report.fault("write-off", f"{what}: a card in quarantine is not on the list")

    def _opens(self, card):
        generation = self.generations.get(card["generation"])
        key = self.keys.generations.get(card["generation"])
        if generation is None or key is None or card["key_id"] != generation["key_id"]:
            return
        keys = formats.CardKeys(key.key, card["generation"], key.key_id, card["field"])
        if keys.open(card["envelope"], card["id"], card["fp"], card["digits"]) is not None:
            self.report.fault("quarantine", f"card {card['id']:016x}: it opens, and is written off")
