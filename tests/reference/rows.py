# SPDX-License-Identifier: Apache-2.0
"""Rows that carry a keeper's MAC, and the ring's body: bytes and MACs; docs/keeper-protocol.md,
"Objects" and "MACs".
"""

import re
import struct

import kdf
from primitives import Mac, cmac, equal

# The first byte of each MAC's message tells the kinds apart.
MAC_CLIENT_ROW = 2
MAC_FIELD_ROW = 3
MAC_GENERATION_ROW = 4
MAC_RING = 5
MAC_STATE_FILE = 6
MAC_ACK = 7
MAC_NODE_ROW = 20
MAC_MARK = 9
MAC_SET_ROW = 10
MAC_BACKUP = 60
MAC_CLIENT_ROW_WITH_TERMS = 30
MAC_RECOVERY = 22
MAC_RECOVERY_WORD = 23
MAC_KEEPER_VIEW = 24
MAC_CUSTODIANS = 50
MAC_DESTRUCTION = 51
MAC_ERASED = 52
MAC_DESTRUCTIONS = 53
MAC_WRITE_OFF = 61
MAC_WARRANT = 62
MAC_COLUMN_COUNT = 70
SET_MEMBER = 12  # F of a row and G of a nonce: parts of a digest, no MACs
SET_MASK = 13

SET_CLIENTS, SET_FIELDS = 1, 2

FUTURE, ACTIVE, DRAINING, RETIRED, DESTROYED = range(1, 6)
STATE_NAMES = {1: "future", 2: "active", 3: "draining", 4: "retired", 5: "destroyed"}
LIVE = (ACTIVE, DRAINING)

RING_HEAD = struct.Struct(">BBQQ8sH")
RING_ENTRY = struct.Struct(">QBBB8s")
MAX_DRAINING = 9  # a recovery may make one more than rolls do


def text(value):
    """A u8 length and the bytes."""
    data = value.encode("utf-8")
    return bytes([len(data)]) + data


# -- the ring's body


class RingEntry:
    """One generation as the ring lists it."""

    def __init__(self, number, key_id, state, flags, check):
        self.number = number
        self.key_id = key_id
        self.state = state
        self.flags = flags
        self.check = check

    def encode(self):
        return RING_ENTRY.pack(self.number, self.key_id, self.state, self.flags, self.check)


class Ring:
    """A ring body of format 2."""

    def __init__(self, environment, epoch, highest, root_check, entries):
        self.environment = environment
        self.epoch = epoch
        self.highest = highest
        self.root_check = root_check
        self.entries = entries

    def encode(self):
        head = RING_HEAD.pack(
            2, self.environment, self.epoch, self.highest, self.root_check, len(self.entries)
        )
        return head + b"".join(e.encode() for e in self.entries)

    def live(self):
        return {e.number: e for e in self.entries if e.state in LIVE}

    def wrong(self):
        """Why this cannot be a ring, or None."""
        numbers = [e.number for e in self.entries]
        states = [e.state for e in self.entries]
        if numbers != sorted(set(numbers)) or (numbers and numbers[-1] > self.highest):
            return "numbers do not ascend"
        if len({e.key_id for e in self.entries}) != len(numbers):
            return "two generations have one key id"
        if any(s not in (ACTIVE, DRAINING, RETIRED) for s in states):
            return "a generation in a state that no ring lists"
        if states.count(ACTIVE) > 1 or states.count(DRAINING) > MAX_DRAINING:
            return "too many active or draining generations"
        return None


def decode_ring(body):
    """A Ring, or None when the body is not of format 2."""
    if len(body) < RING_HEAD.size:
        return None
    form, environment, epoch, highest, root_check, n = RING_HEAD.unpack_from(body)
    if form != 2 or len(body) != RING_HEAD.size + n * RING_ENTRY.size:
        return None
    entries = [RingEntry(*fields) for fields in RING_ENTRY.iter_unpack(body[RING_HEAD.size :])]
    return Ring(environment, epoch, highest, root_check, entries)


# -- messages of the MACs, without their first byte


def _terms(terms):
    """Nothing for a row without terms, else a u16 length and the bytes."""
    return struct.pack(">H", len(terms)) + terms if terms else b""


def client_kind(terms):
    return MAC_CLIENT_ROW_WITH_TERMS if terms else MAC_CLIENT_ROW


def client_message(client_id, permissions, secret_mac, state, revision, terms, epoch):
    return (
        struct.pack(">Q", epoch)
        + text(client_id)
        + struct.pack(">I", permissions)
        + secret_mac
        + struct.pack(">BQ", state, revision)
        + _terms(terms)
    )


IN_A_FIELD = 0b11111011


def terms_good(data):
    """Whether the bytes are terms in their one form; no bytes are those of an old row."""
    if not data:
        return True
    form, _, until, old_mac, n = struct.unpack_from(">BQQ16sB", data)
    at = struct.calcsize(">BQQ16sB")
    good = form == 1 and n <= 8 and (until != 0 or old_mac == bytes(16))
    for _ in range(n):
        length = {4: 4, 6: 16}.get(data[at], 0)
        address = int.from_bytes(data[at + 2 : at + 2 + length], "big")
        behind = length * 8 - data[at + 1]
        good = good and length > 0 and behind >= 0 and address & ((1 << behind) - 1) == 0
        at += 2 + length
    n, at, before = data[at], at + 1, bytes(32)
    good = good and n <= 2
    for _ in range(n):
        good = good and data[at : at + 32] > before and len(data) >= at + 32
        before, at = data[at : at + 32], at + 32
    n, at, before = data[at], at + 1, 0
    good = good and n <= 32 and len(data) > at + 8 * n
    for field, permissions in struct.iter_unpack(">II", data[at : at + 8 * n]) if good else ():
        good = good and field > before and permissions != 0 and permissions & ~IN_A_FIELD == 0
        before = field
    return good and _budgets_good(data[at + 8 * n], data[at + 8 * n + 1 :])


def _budgets_good(n, data):
    good, before = n <= 7 and len(data) == 9 * n, -1
    for operation, rate, quota in struct.iter_unpack(">BII", data) if good else ():
        good = good and operation > before and (IN_A_FIELD >> operation) & 1 == 1
        good = good and (rate, quota) != (0, 0)
        before = operation
    return good


def _field_spec(
    field_id, name, kind, dedup, allow_bad_luhn, mask_eight, rules, token_form, app_column
):
    flags = (1 if dedup else 0) | (2 if allow_bad_luhn else 0) | (4 if mask_eight else 0)
    flags |= (8 if rules else 0) | (32 if token_form else 0) | (64 if app_column else 0)
    card_rules = bytes([len(rules)]) + rules if rules else b""
    form = bytes([token_form]) if token_form else b""
    head = struct.pack(">I", field_id) + text(name) + bytes([kind, flags])
    return head + card_rules + form + (text(app_column) if app_column else b"")


def field_message(
    field_id,
    name,
    kind,
    dedup,
    allow_bad_luhn,
    mask_eight,
    rules,
    token_form,
    app_column,
    state,
    revision,
    epoch,
):
    return (
        struct.pack(">Q", epoch)
        + _field_spec(
            field_id, name, kind, dedup, allow_bad_luhn, mask_eight, rules, token_form, app_column
        )
        + struct.pack(">BQ", state, revision)
    )


PLAIN_RULES = bytes([1, 255, 0, 0, 0])


def card_rules_good(data):
    """Whether the bytes are card rules in their one form; no bytes are the plain rules."""
    if not data:
        return True
    if len(data) < 5:
        return False
    form, lengths, zeros, flags, n = data[:5]
    good = form == 1 and lengths != 0 and zeros <= 2 and flags <= 15 and n <= 16
    lifetime = data[5 + 5 * n :] if flags & 8 else b""
    if flags & 8:
        good = good and len(lifetime) == 4
        good = good and 0 < int.from_bytes(lifetime, "big") <= 100 * 365.25 * 86400
    data = data[: len(data) - len(lifetime)]
    good = good and len(data) == 5 + 5 * n and data != PLAIN_RULES
    end = 0
    for digits, value in struct.iter_unpack(">BI", data[5:]) if good else ():
        width = 10 ** (8 - digits) if 1 <= digits <= 8 else 0
        good = good and width > 0 and value < 10**digits and value * width >= end
        end = (value + 1) * width
    return good


def set_message(kind, version, n, operators, nonce, digest, epoch):
    return (
        struct.pack(">BQIQ", kind, version, n, operators)
        + nonce
        + digest
        + struct.pack(">Q", epoch)
    )


# -- what the digest of a set is made of


def client_object(row):
    head = text(row["id"]) + struct.pack(">I", row["permissions"]) + row["secret_mac"]
    tail = struct.pack(">BQQ", row["state"], row["revision"], row["mac_epoch"]) + row["mac"]
    return head + tail + _terms(row["terms"])


def field_object(row):
    columns = ("id", "name", "kind", "dedup", "allow_bad_luhn", "mask_eight", "rules")
    head = _field_spec(*(row[c] for c in (*columns, "token_form", "app_column")))
    return head + struct.pack(">BQQ", row["state"], row["revision"], row["mac_epoch"]) + row["mac"]


def app_column_good(value):
    """Whether it is the text of a column in its one form, or there is none."""
    name = r"[A-Za-z_][A-Za-z0-9_$]{0,62}"
    form = rf"{name} {name}\.{name} ({name}) ({name}) ({name})"
    found = re.fullmatch(form, value, re.ASCII)
    return not value or (
        found is not None and len(set(found.groups())) == 3 and len(value.encode()) <= 255
    )


def column_count_message(field_id, app_column, generation, envelopes, epoch):
    head = struct.pack(">I", field_id) + text(app_column)
    return head + struct.pack(">QQQ", generation, envelopes, epoch)


def generation_message(number, key_id, state, check, epoch):
    return struct.pack(">QQBB", epoch, number, key_id, state) + check


def node_message(name, number, incarnation, keeper_incarnation, id_mark, epoch):
    spec = text(name) + bytes([number]) + incarnation
    return struct.pack(">Q", epoch) + spec + keeper_incarnation + struct.pack(">Q", id_mark)


def ack_message(environment, number, key_id, check, node, incarnation, challenge):
    return (
        struct.pack(">BQB", environment, number, key_id)
        + check
        + text(node)
        + incarnation
        + challenge
    )


BACKUP_HEAD = struct.Struct(">32sQQQH")
BACKUP_KEY = struct.Struct(">QB8s")


def decode_receipt(body):
    """(digest of the file, [(number, key id, check value)]); None: it is no receipt."""
    if len(body) < BACKUP_HEAD.size:
        return None
    digest, _made, _verified, _epoch, n = BACKUP_HEAD.unpack_from(body)
    if len(body) != BACKUP_HEAD.size + n * BACKUP_KEY.size:
        return None
    keys = list(BACKUP_KEY.iter_unpack(body[BACKUP_HEAD.size :]))
    ascending = all(a[0] < b[0] for a, b in zip(keys, keys[1:]))
    return (digest, keys) if ascending else None


class RowMacs:
    """MACs under the service root."""

    def __init__(self, root):
        client, field, state = (
            Mac(kdf.from_service_root(root, role))
            for role in ("mac-client", "mac-field", "mac-state")
        )
        self._keys = {
            MAC_CLIENT_ROW: client,
            MAC_CLIENT_ROW_WITH_TERMS: client,
            MAC_FIELD_ROW: field,
            MAC_GENERATION_ROW: state,
            MAC_RING: state,
            MAC_STATE_FILE: state,
            MAC_NODE_ROW: state,
            MAC_MARK: state,
            MAC_SET_ROW: state,
            MAC_BACKUP: state,
            SET_MEMBER: state,
            SET_MASK: state,
            MAC_CUSTODIANS: state,
            MAC_DESTRUCTION: state,
            MAC_ERASED: state,
            MAC_DESTRUCTIONS: state,
            MAC_RECOVERY: state,
            MAC_RECOVERY_WORD: state,
            MAC_KEEPER_VIEW: state,
            MAC_WRITE_OFF: state,
            MAC_WARRANT: state,
            MAC_COLUMN_COUNT: state,
        }

    def make(self, kind, message):
        return self._keys[kind](bytes([kind]) + message)

    def good(self, kind, message, mac):
        return equal(self.make(kind, message), mac)


def set_digest(macs, kind, nonce, objects):
    """The sum, modulo 2^128, of F of each row and G of the nonce."""
    parts = [macs.make(SET_MASK, bytes([kind]) + nonce)] + [
        macs.make(SET_MEMBER, bytes([kind]) + data) for data in objects
    ]
    return (sum(int.from_bytes(part, "big") for part in parts) % (1 << 128)).to_bytes(16, "big")


def ack_mac(generation_key, message):
    """Proof of possession: under a key that only holders of the generation have."""
    return cmac(kdf.from_generation_key(generation_key, "ack"), bytes([MAC_ACK]) + message)
