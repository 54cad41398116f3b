# SPDX-License-Identifier: Apache-2.0
"""A small vault made without Jeton, for the reader's own tests: key files, rows and cards as the
docs describe them.
"""

import datetime
import hashlib
import struct

import certificate
import formats
import kdf
import rows
import writeoffs
from primitives import cmac, sign, sign_public_key
from siv import Siv

DEVELOPMENT = 1
START = datetime.datetime(2026, 11, 21, 8, 0, 0, 123456, tzinfo=datetime.timezone.utc)


def made_up_bytes(name, length):
    """Bytes that look random and are the same in every run: keys for tests only."""
    return kdf.derive(b"\x5a" * 32, name, b"", length)


def master_key_file(key, environment=DEVELOPMENT):
    return (
        struct.pack(">8sBBH", b"JTMASTER", 1, environment, 0)
        + kdf.from_master_key(key, "master-check")
        + key
    )


def service_root_file(root, wrap, environment=DEVELOPMENT, created=1_700_000_000):
    head = struct.pack(">8sBBHQ", b"JTSVROOT", 1, environment, 0, created) + kdf.from_service_root(
        root, "root-check"
    )
    return head + wrap.seal([head], root)


def generation_file(key, number, key_id, wrap, environment=DEVELOPMENT, created=1_700_000_000):
    head = struct.pack(
        ">8sBBBBQQ", b"JTGENKEY", 2, environment, key_id, 0, number, created
    ) + kdf.from_generation_key(key, "check")
    return head + wrap.seal([head], key)


def mark_file(root, number, key_id, check, environment=DEVELOPMENT):
    data = struct.pack(">8sBBBBQ", b"JTGENUSE", 1, environment, key_id, 0, number) + check
    return data + cmac(kdf.from_service_root(root, "mac-state"), bytes([rows.MAC_MARK]) + data)


def state_file(
    root, epoch, highest, id_mark, sets, ring_body, ring_mac, environment=DEVELOPMENT, node=1
):
    head = struct.pack(">8sBBBBQQQ", b"JTKSTATE", 8, environment, node, 0, epoch, highest, id_mark)
    seen = b"".join(struct.pack(">Q", s["version"]) + s["mac"] for s in sets) + struct.pack(">Q", 0)
    # nothing opened or sealed, no mark of numeric tokens, and that of one other node; a database
    # in which two nodes have renewed their leases
    opened = struct.pack(">QIQQQQQIBBQ", 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 77)
    opened += struct.pack(">QIQBBQBQ", 7, 1, 1 << 24, 2, 1, 50, 2, 60)
    data = head + seen + opened + struct.pack(">H", len(ring_body)) + ring_body + ring_mac
    return data + cmac(
        kdf.from_service_root(root, "mac-state"), bytes([rows.MAC_STATE_FILE]) + data
    )


def escrow_file(master, root, keys, marks, environment=DEVELOPMENT, created=1_700_000_000):
    """`keys`: number: (key id, key); `marks`: node number: mark."""
    clear = struct.pack(">8sBBHQ", b"JTESCROW", 1, environment, len(keys), created)
    clear += kdf.from_master_key(master, "master-check") + kdf.from_service_root(root, "root-check")
    clear += struct.pack(">Q", 3)
    body = struct.pack(">Q", created) + root
    for number, (key_id, key) in sorted(keys.items()):
        clear += struct.pack(">QBB", number, key_id, 1) + kdf.from_generation_key(key, "check")
        body += struct.pack(">Q", created) + key
    # the highest generation, nothing of sets, operators and numeric tokens
    body += struct.pack(">Q", max(keys)) + bytes(48 + 8 + 20) + bytes([len(marks)])
    body += b"".join(struct.pack(">BQ", number, mark) for number, mark in sorted(marks.items()))
    return clear + Siv(kdf.from_master_key(master, "escrow")).seal([clear], body)


class Vault:
    """One keeper's keys and one database's rows, in memory."""

    def __init__(self):
        self.master = made_up_bytes("test/master", 32)
        self.root = made_up_bytes("test/root", 32)
        self.macs = rows.RowMacs(self.root)
        self.generation_keys = {}
        self.epoch = 1
        self.count = 0
        self.tables = {
            name: []
            for name in (
                "generation",
                "key_ack",
                "node",
                "node_number",
                "backup",
                "client",
                "field",
                "retirement",
                "write_off",
                "write_off_approval",
                "quarantine",
                "column_count",
            )
        }
        self.tallies = {}
        self.cards = []  # dictionaries: bucket, id, field, fp, envelope, digits
        self.numeric = {}  # ids by (field, tok)
        self._keys = {}

    # -- control rows

    def add_field(self, number, name, dedup=True, rules=b"", token_form=0, app_column=""):
        row = {
            "id": number,
            "name": name,
            "kind": 1,
            "dedup": dedup,
            "allow_bad_luhn": False,
            "mask_eight": False,
            "rules": rules,
            "token_form": token_form,
            "app_column": app_column,
            "state": 1,
            "revision": len(self.tables["field"]) + 1,
            "mac_epoch": self.epoch,
        }
        row["mac"] = self.macs.make(
            rows.MAC_FIELD_ROW,
            rows.field_message(
                number,
                name,
                1,
                dedup,
                False,
                False,
                rules,
                token_form,
                app_column,
                1,
                row["revision"],
                self.epoch,
            ),
        )
        self.tables["field"].append(row)

    def add_column_count(self, field, generation, envelopes):
        column = self._field(field)["app_column"]
        message = rows.column_count_message(field, column, generation, envelopes, self.epoch)
        self.tables["column_count"].append(
            {
                "field": field,
                "generation": generation,
                "envelopes": envelopes,
                "epoch": self.epoch,
                "mac": self.macs.make(rows.MAC_COLUMN_COUNT, message),
            }
        )

    def add_client(self, name, permissions, terms=b""):
        row = {
            "id": name,
            "permissions": permissions,
            "secret_mac": made_up_bytes("test/" + name, 16),
            "state": 1,
            "revision": len(self.tables["client"]) + 1,
            "terms": terms,
            "mac_epoch": self.epoch,
        }
        message = rows.client_message(
            name, permissions, row["secret_mac"], 1, row["revision"], terms, self.epoch
        )
        row["mac"] = self.macs.make(rows.client_kind(terms), message)
        self.tables["client"].append(row)

    def set_row(self, kind):
        """The set row over the rows as they are now."""
        members, encode = (
            (self.tables["client"], rows.client_object)
            if kind == rows.SET_CLIENTS
            else (self.tables["field"], rows.field_object)
        )
        row = {
            "kind": kind,
            "version": len(members),
            "n": len(members),
            "operators": 0,
            "nonce": made_up_bytes("test/nonce", 16),
            "mac_epoch": 1,
        }
        row["digest"] = rows.set_digest(
            self.macs, kind, row["nonce"], [encode(member) for member in members]
        )
        message = rows.set_message(
            kind, row["version"], row["n"], 0, row["nonce"], row["digest"], 1
        )
        row["mac"] = self.macs.make(rows.MAC_SET_ROW, message)
        return row

    def sets(self):
        return [self.set_row(kind) for kind in (rows.SET_CLIENTS, rows.SET_FIELDS)]

    def add_node(self, name, number, table="node"):
        row = {
            "name": name,
            "number": number,
            "incarnation": made_up_bytes("test/incarnation", 16),
            "keeper_incarnation": made_up_bytes("test/keeper", 16),
            "id_mark": 1 << 38,
            "mac_epoch": self.epoch,
        }
        parts = (row["incarnation"], row["keeper_incarnation"], row["id_mark"], self.epoch)
        row["mac"] = self.macs.make(rows.MAC_NODE_ROW, rows.node_message(name, number, *parts))
        self.tables[table].append(row)

    def add_backup(self, digest):
        """Of a file with the keys of all generations."""
        keys = [(g["number"], g["key_id"], g["check_value"]) for g in self.tables["generation"]]
        body = rows.BACKUP_HEAD.pack(digest, 1_700_000_000, 1_700_000_001, self.epoch, len(keys))
        body += b"".join(rows.BACKUP_KEY.pack(*key) for key in keys)
        mac = self.macs.make(rows.MAC_BACKUP, body)
        self.tables["backup"].append({"digest": digest, "body": body, "mac": mac})

    def _set_state(self, row, state):
        row.update(state=state, mac_epoch=self.epoch)
        message = rows.generation_message(
            row["number"], row["key_id"], state, row["check_value"], self.epoch
        )
        row["mac"] = self.macs.make(rows.MAC_GENERATION_ROW, message)

    def roll(self):
        """A new active generation; the active one drains."""
        number = len(self.tables["generation"]) + 1
        key = self.generation_keys[number] = made_up_bytes(f"test/generation/{number}", 32)
        self.epoch += 1
        for row in self.tables["generation"]:
            if row["state"] == rows.ACTIVE:
                self._set_state(row, rows.DRAINING)
        row = {
            "number": number,
            "key_id": number + 10,
            "check_value": kdf.from_generation_key(key, "check"),
        }
        self._set_state(row, rows.ACTIVE)
        self.tables["generation"].append(row)
        counts = dict.fromkeys(("written", "moved_in", "moved_out", "deleted", "written_off"), 0)
        self.tallies[number] = {"generation": number, **counts}
        self._acknowledge(row, key)

    def _acknowledge(self, generation, key):
        row = {
            "generation": generation["number"],
            "node": "node1",
            "incarnation": made_up_bytes("test/keeper", 16),
            "challenge": made_up_bytes("test/challenge", 16),
        }
        message = rows.ack_message(
            DEVELOPMENT,
            generation["number"],
            generation["key_id"],
            generation["check_value"],
            row["node"],
            row["incarnation"],
            row["challenge"],
        )
        row["mac"] = rows.ack_mac(key, message)
        self.tables["key_ack"].append(row)

    def retire(self, number):
        """Moves what is left, then certifies."""
        for card in [c for c in self.cards if c["envelope"][0] == number + 10]:
            self.move(card)
        self.epoch += 1
        generation = self.tables["generation"][number - 1]
        self._set_state(generation, rows.RETIRED)
        tally = self.tallies[number]
        row = {
            "generation": number,
            "state": 3,
            "actor": "operator",
            "started_at": START,
            "retired_at": START + datetime.timedelta(hours=1),
            "node": "node1",
            "rows_written": tally["written"],
            "rows_moved_in": tally["moved_in"],
            "rows_moved_out": tally["moved_out"],
            "rows_deleted": tally["deleted"],
            "rows_written_off": tally["written_off"],
            "rows_left": 0,
            "lsn": "1/6B374D48",
            "timeline": 1,
            "system_identifier": -5,
            "epoch": self.epoch,
        }
        seed = kdf.from_service_root(self.root, "sign")
        row["certificate"] = certificate.expected_text(
            DEVELOPMENT, generation, row, self.tables["write_off"]
        )
        row["signature"] = sign(seed, row["certificate"].encode("ascii"))
        row["public_key"] = sign_public_key(seed)
        self.tables["retirement"].append(row)

    def write_off(self, number, cards):
        """Two custodians write those cards off, whose envelopes are damaged."""
        for card in cards:
            card["envelope"] = card["envelope"][:-1] + bytes([card["envelope"][-1] ^ 1])
            self.cards.remove(card)
        seeds = {name: made_up_bytes(f"test/custodian/{name}", 32) for name in ("alice", "bob")}
        check = self.tables["generation"][number - 1]["check_value"]
        listed = b"".join(
            struct.pack(
                ">BBIQ16sH", 2, c["bucket"], c["field"], c["id"], c["fp"], len(c["envelope"])
            )
            + c["envelope"]
            + bytes([len(c["digits"])])
            + c["digits"]
            for c in cards
        )
        listed = struct.pack(">H", len(cards)) + listed
        digest = hashlib.sha256(listed).digest()
        text = f"jeton custodian approval v1\nlist-sha256: {digest.hex()}\n"
        body = writeoffs.HEAD.pack(
            number, number + 10, check, 1, len(cards), digest, len(text)
        ) + text.encode("ascii")
        warrant = writeoffs.WARRANT.pack(number, check, 1, len(cards), digest, len(seeds))
        for name, seed in seeds.items():
            warrant += rows.text(name) + sign_public_key(seed)
            self.tables["write_off_approval"].append(
                {
                    "generation": number,
                    "number": 1,
                    "custodian": name,
                    "signature": sign(seed, text.encode("ascii")),
                }
            )
        self.tables["write_off"].append(
            {
                "generation": number,
                "number": 1,
                "request": body + self.macs.make(rows.MAC_WRITE_OFF, body),
                "list": listed,
                "warrant": warrant + self.macs.make(rows.MAC_WARRANT, warrant),
                "done_at": START,
                "cards_moved": len(cards),
            }
        )
        self.tallies[number]["written_off"] += len(cards)
        self.tables["quarantine"] += [
            {**c, "key_id": number + 10, "cause": 2, "generation": number, "write_off": 1}
            for c in cards
        ]

    # -- cards

    def keys_of(self, generation, field):
        if (generation, field) not in self._keys:
            self._keys[generation, field] = formats.CardKeys(
                self.generation_keys[generation], generation, generation + 10, field
            )
        return self._keys[generation, field]

    def _field(self, field):
        return next(f for f in self.tables["field"] if f["id"] == field)

    def _seal(self, generation, number, field, packed, digits):
        keys = self.keys_of(generation, field)
        fingerprint = keys.fingerprint(packed, number, self._field(field)["dedup"])
        return fingerprint, keys.seal(packed, number, fingerprint, digits)

    def add_card(self, field, pan, digits=""):
        """Stores a card under the newest generation; its token. `digits`: of a numeric one."""
        self.count += 1
        number = formats.make_id(217_000_000_000 + self.count // 4, 1, self.count % 4)
        generation = len(self.generation_keys)
        packed = formats.pack_pan(digits)
        fingerprint, envelope = self._seal(generation, number, field, formats.pack_pan(pan), packed)
        self.cards.append(
            {
                "bucket": 0,
                "id": number,
                "field": field,
                "fp": fingerprint,
                "envelope": envelope,
                "digits": packed,
            }
        )
        self.tallies[generation]["written"] += 1
        if digits:
            form = formats.NumericForm(self._field(field)["token_form"])
            tok = formats.NumericKey(self.root, field, form).tok(digits)
            self.numeric[field, tok] = number
            return formats.numeric_token(packed)
        return formats.TokenKey(self.root, field).token(number)

    def move(self, card):
        """Re-encrypts a card into the newest generation."""
        old, new = card["envelope"][0] - 10, len(self.generation_keys)
        digits = card["digits"]
        packed = self.keys_of(old, card["field"]).open(
            card["envelope"], card["id"], card["fp"], digits
        )
        card["fp"], card["envelope"] = self._seal(new, card["id"], card["field"], packed, digits)
        self.tallies[old]["moved_out"] += 1
        self.tallies[new]["moved_in"] += 1

    # -- what the reader is given

    def ring(self):
        entries = [
            rows.RingEntry(g["number"], g["key_id"], g["state"], 0, g["check_value"])
            for g in self.tables["generation"]
        ]
        body = rows.Ring(
            DEVELOPMENT,
            self.epoch,
            len(entries),
            kdf.from_service_root(self.root, "root-check"),
            entries,
        ).encode()
        return {"epoch": self.epoch, "body": body, "mac": self.macs.make(rows.MAC_RING, body)}

    def write_keys(self, directory):
        wrap = Siv(kdf.from_master_key(self.master, "wrap"))
        ring = self.ring()
        (directory / "master.key").write_bytes(master_key_file(self.master))
        (directory / "service-root.key").write_bytes(service_root_file(self.root, wrap))
        for number, key in self.generation_keys.items():
            (directory / f"generation-{number}.key").write_bytes(
                generation_file(key, number, number + 10, wrap)
            )
            check = kdf.from_generation_key(key, "check")
            (directory / f"generation-{number}.used").write_bytes(
                mark_file(self.root, number, number + 10, check)
            )
        state = state_file(
            self.root,
            self.epoch,
            len(self.generation_keys),
            300_000_000_000,
            self.sets(),
            ring["body"],
            ring["mac"],
        )
        (directory / "state").write_bytes(state)

    def database(self):
        tables = dict(
            self.tables,
            ring=[self.ring()],
            row_set=[s for s in self.sets() if s["version"] > 0],
            tally=list(self.tallies.values()),
            custodian_set=[],
            destruction=[],
            approval=[],
            destruction_node=[],
            recovery=[],
            recovery_approval=[],
            keeper_view=[],
        )
        return MemoryDatabase(tables, self.cards, self.numeric)


class MemoryDatabase:
    """What database.Database is to the checks, over rows in memory."""

    def __init__(self, tables, cards, numeric):
        self.tables = tables
        self._cards = cards
        self._numeric = numeric

    def table(self, name):
        return [dict(row) for row in self.tables[name]]

    def key_ids(self):
        return sorted({c["envelope"][0] for c in self._cards})

    def cards(self, key_id):
        mine = sorted(
            (c for c in self._cards if c["envelope"][0] == key_id),
            key=lambda c: (c["bucket"], c["id"]),
        )
        for card in mine:
            yield tuple(
                card[column] for column in ("bucket", "id", "field", "fp", "envelope", "digits")
            )

    def ids_by_fingerprint(self, key_id, wanted):
        there = {(c["field"], c["fp"]): c["id"] for c in self._cards if c["envelope"][0] == key_id}
        return {pair: there[pair] for pair in wanted if pair in there}

    def ids_by_tok(self, wanted):
        return {pair: self._numeric[pair] for pair in wanted if pair in self._numeric}

    def n_cards(self):
        return len(self._cards)

    def n_bad_audit_rows(self):
        return 0

    def audit_starts(self):
        return []

    def audit_closes(self):
        return []

    def audit_rows(self):
        return []
