# SPDX-License-Identifier: Apache-2.0
"""Checks of the small tables: every MAC, every certificate, and that ring, rows and key files
agree.
"""

import struct

import certificate
import ends
import kdf
import rows
import writeoffs
from primitives import equal, sign_public_key, signature_is_good


class RowChecks:
    """Reports a fault for each row that is not what a keeper made; keeps what the cards' check
    needs.
    """

    def __init__(self, keys, database, report):
        self.keys = keys
        self.report = report
        self.macs = rows.RowMacs(keys.root)
        self.tables = {
            name: database.table(name)
            for name in (
                "ring",
                "generation",
                "key_ack",
                "backup",
                "node",
                "node_number",
                "client",
                "field",
                "row_set",
                "retirement",
                "tally",
                "custodian_set",
                "destruction",
                "approval",
                "destruction_node",
                "recovery",
                "recovery_approval",
                "keeper_view",
                "write_off",
                "write_off_approval",
                "quarantine",
                "column_count",
            )
        }
        self.ring = None
        self.generations = {row["number"]: row for row in self.tables["generation"]}

    def run(self):
        self._ring()
        self._generations()
        self._key_files()
        self._acks()
        self._backups()
        self._row_macs()
        self._column_counts()
        self._set(rows.SET_CLIENTS, "client", rows.client_object)
        self._set(rows.SET_FIELDS, "field", rows.field_object)
        self._retirements()
        ends.EndChecks(self.keys, self.tables, self.report).run()
        writeoffs.WriteOffChecks(self.keys, self.tables, self.report).run()
        counts = ", ".join(
            f"{len(self.tables[t])} {t}"
            for t in (
                "generation",
                "key_ack",
                "backup",
                "node",
                "node_number",
                "client",
                "field",
                "retirement",
            )
        )
        self.report.line(f"rows checked: {counts}")

    def _mac_is_good(self, kind, mac, encode, *values):
        """A row whose values do not even fit the message was not made by a keeper either."""
        try:
            return self.macs.good(kind, encode(*values), mac)
        except (ValueError, struct.error):
            return False

    # -- ring

    def _ring(self):
        found = self.tables["ring"]
        if len(found) != 1:
            self.report.fault("ring", f"{len(found)} rows in table ring")
            return
        row = found[0]
        ring = rows.decode_ring(row["body"])
        if not self.macs.good(rows.MAC_RING, row["body"], row["mac"]):
            self.report.fault("ring", "its MAC is not the service root's")
        elif ring is None:
            self.report.fault("ring", "its body is not of format 2")
        else:
            self.ring = ring
            self._ring_agrees(ring, row["epoch"])
            self._ring_and_state(ring, row["body"], self.keys.state)

    def _ring_agrees(self, ring, epoch):
        if ring.wrong():
            self.report.fault("ring", ring.wrong())
        if ring.epoch != epoch:
            self.report.fault("ring", f"column epoch is {epoch}, the body has {ring.epoch}")
        if ring.environment != self.keys.environment:
            self.report.fault("ring", "of another environment than the keys")
        if not equal(ring.root_check, kdf.from_service_root(self.keys.root, "root-check")):
            self.report.fault("ring", "of another service root")
        live = ", ".join(f"{e.number} {rows.STATE_NAMES[e.state]}" for e in ring.live().values())
        self.report.line(f"ring: epoch {ring.epoch}, live generations: {live or 'none'}")

    def _ring_and_state(self, ring, body, state):
        if state is None:
            return
        if state.ring_body and not self.macs.good(rows.MAC_RING, state.ring_body, state.ring_mac):
            self.report.fault("key file", "state: the MAC of its ring is not the service root's")
        if state.epoch > ring.epoch:
            self.report.fault(
                "ring",
                f"epoch {ring.epoch}, the keeper has had {state.epoch}: the database is older "
                "than the keys",
            )
        elif state.epoch < ring.epoch:
            self.report.note(
                f"the state file is of epoch {state.epoch}: the keys were copied before the "
                "ring's last change"
            )
        elif state.ring_body != body:
            self.report.fault("ring", "not the one of this epoch that the keeper accepted")

    # -- generations and their keys

    def _generations(self):
        listed = {e.number: e for e in self.ring.entries} if self.ring else {}
        for number, row in self.generations.items():
            values = (number, row["key_id"], row["state"], row["check_value"], row["mac_epoch"])
            if not self._mac_is_good(
                rows.MAC_GENERATION_ROW, row["mac"], rows.generation_message, *values
            ):
                self.report.fault(
                    "generation row", f"generation {number}: its MAC is not the service root's"
                )
            elif self.ring is not None:
                self._generation_in_ring(row, listed.get(number))
        for number in set(listed) - set(self.generations):
            self.report.fault(
                "generation row", f"generation {number}: the ring lists it, the table does not"
            )

    def _generation_in_ring(self, row, entry):
        number = row["number"]
        if row["mac_epoch"] > self.ring.epoch:
            self.report.fault(
                "generation row",
                f"generation {number}: of epoch {row['mac_epoch']}, which is still to come",
            )
        if (entry is not None) != (row["state"] in (rows.ACTIVE, rows.DRAINING, rows.RETIRED)):
            self.report.fault(
                "generation row",
                f"generation {number}: {rows.STATE_NAMES[row['state']]} in the table, not so in "
                "the ring",
            )
        elif entry is not None and (entry.key_id, entry.state, entry.check) != (
            row["key_id"],
            row["state"],
            row["check_value"],
        ):
            self.report.fault(
                "generation row",
                f"generation {number}: key id, state or check value is not the ring's",
            )

    def _key_files(self):
        for number, row in self.generations.items():
            key = self.keys.generations.get(number)
            if key is None:
                if row["state"] != rows.DESTROYED:
                    self.report.fault("key file", f"generation-{number}.key: missing or damaged")
            elif (key.key_id, key.check) != (row["key_id"], row["check_value"]):
                self.report.fault(
                    "key file", f"generation-{number}.key: key id or check value is not the table's"
                )
        for number, (key_id, check) in self.keys.marks.items():
            row = self.generations.get(number)
            if row is not None and (key_id, check) != (row["key_id"], row["check_value"]):
                self.report.fault(
                    "key file",
                    f"generation-{number}.used: key id or check value is not the table's",
                )
        for number in (
            self.ring.live()
            if self.ring and self.keys.state and self.keys.state.epoch == self.ring.epoch
            else {}
        ):
            if number not in self.keys.marks:
                self.report.fault(
                    "key file",
                    f"generation-{number}.used: missing or damaged, and the ring lists it",
                )
        for number in set(self.keys.generations) - set(self.generations):
            self.report.note(f"generation-{number}.key: no row in the database")

    def _acks(self):
        for row in self.tables["key_ack"]:
            number = row["generation"]
            key, generation = self.keys.generations.get(number), self.generations.get(number)
            if key is None or generation is None:
                continue  # said already
            try:
                message = rows.ack_message(
                    self.keys.environment,
                    number,
                    generation["key_id"],
                    generation["check_value"],
                    row["node"],
                    row["incarnation"],
                    row["challenge"],
                )
            except (ValueError, struct.error):
                message = b""
            if not equal(rows.ack_mac(key.key, message), row["mac"]):
                self.report.fault(
                    "key_ack row",
                    f"generation {number}, node {row['node']}: its MAC is not the generation's",
                )

    # -- client, field, node

    def _terms(self, row):
        try:
            good = rows.terms_good(row["terms"])
        except (IndexError, struct.error):
            good = False
        if not good:
            self.report.fault("client row", f"{row['id']}: its terms are not in their form")

    def _card_rules(self, row):
        if not rows.card_rules_good(row["rules"]) or (row["rules"] and row["kind"] != 1):
            self.report.fault("field row", f"{row['id']}: its card rules are not in their form")

    def _app_column(self, row):
        if not rows.app_column_good(row["app_column"]) or (row["app_column"] and row["kind"] != 1):
            self.report.fault("field row", f"{row['id']}: its column is not in its form")

    def _column_counts(self):
        """Each is of the column that the field has now: with another one the counts are gone."""
        columns = {row["id"]: row["app_column"] for row in self.tables["field"]}
        for row in self.tables["column_count"]:
            what = f"field {row['field']}, generation {row['generation']}"
            column = columns.get(row["field"], "")
            values = (row["field"], column, row["generation"], row["envelopes"], row["epoch"])
            if not column:
                self.report.fault("column count", f"{what}: the field has no column")
            elif not self._mac_is_good(
                rows.MAC_COLUMN_COUNT, row["mac"], rows.column_count_message, *values
            ):
                self.report.fault("column count", f"{what}: its MAC is not the service root's")
            elif self.ring is not None and row["epoch"] > self.ring.epoch:
                self.report.fault(
                    "column count", f"{what}: of epoch {row['epoch']}, which is still to come"
                )

    def _backups(self):
        for row in self.tables["backup"]:
            name = row["digest"].hex()[:16]
            receipt = rows.decode_receipt(row["body"])
            if not self.macs.good(rows.MAC_BACKUP, row["body"], row["mac"]):
                self.report.fault("backup row", f"{name}: its MAC is not the service root's")
            elif receipt is None or receipt[0] != row["digest"]:
                self.report.fault("backup row", f"{name}: its receipt is of another file")

    def _row_macs(self):
        for row in self.tables["client"]:
            self._simple(
                "client",
                row["id"],
                rows.client_kind(row["terms"]),
                row,
                rows.client_message,
                "id",
                "permissions",
                "secret_mac",
                "state",
                "revision",
                "terms",
            )
            self._terms(row)
        for row in self.tables["field"]:
            self._simple(
                "field",
                row["id"],
                rows.MAC_FIELD_ROW,
                row,
                rows.field_message,
                "id",
                "name",
                "kind",
                "dedup",
                "allow_bad_luhn",
                "mask_eight",
                "rules",
                "token_form",
                "app_column",
                "state",
                "revision",
            )
            self._card_rules(row)
            self._app_column(row)
        for table in ("node", "node_number"):
            for row in self.tables[table]:
                self._simple(
                    table,
                    row["name"],
                    rows.MAC_NODE_ROW,
                    row,
                    rows.node_message,
                    "name",
                    "number",
                    "incarnation",
                    "keeper_incarnation",
                    "id_mark",
                )

    def _simple(self, table, name, kind, row, encode, *columns):
        values = [row[c] for c in columns] + [row["mac_epoch"]]
        if not self._mac_is_good(kind, row["mac"], encode, *values):
            self.report.fault(f"{table} row", f"{table} {name}: its MAC is not the service root's")
        elif self.ring is not None and row["mac_epoch"] > self.ring.epoch:
            self.report.fault(
                f"{table} row",
                f"{table} {name}: of epoch {row['mac_epoch']}, which is still to come",
            )

    # -- sets

    def _set(self, kind, table, encode):
        members = self.tables[table]
        found = [row for row in self.tables["row_set"] if row["kind"] == kind]
        if len(found) != 1:
            if members or found:
                self.report.fault("set row", f"{len(found)} set rows of table {table}")
            return
        row = found[0]
        values = (
            kind,
            row["version"],
            row["n"],
            row["operators"],
            row["nonce"],
            row["digest"],
            row["mac_epoch"],
        )
        if not self._mac_is_good(rows.MAC_SET_ROW, row["mac"], rows.set_message, *values):
            self.report.fault("set row", f"of table {table}: its MAC is not the service root's")
            return
        try:
            digest = rows.set_digest(
                self.macs, kind, row["nonce"], [encode(member) for member in members]
            )
        except (ValueError, struct.error):
            digest = b""
        if row["n"] != len(members) or not equal(digest, row["digest"]):
            self.report.fault(
                "set", f"the rows of table {table} are not those that its set row vouches for"
            )
        if any(member["revision"] > row["version"] for member in members):
            self.report.fault(
                "set", f"a row of table {table} is of a version that is still to come"
            )
        self._set_and_state(kind, table, row)

    def _set_and_state(self, kind, table, row):
        if self.keys.state is None:
            return
        version, mac = self.keys.state.sets[kind]
        if version > row["version"]:
            self.report.fault(
                "set",
                f"table {table} is of version {row['version']}, the keeper has seen {version}: "
                "old rows were put back",
            )
        elif version == row["version"] and not equal(mac, row["mac"]):
            self.report.fault(
                "set", f"table {table} is not the one of this version that the keeper has seen"
            )

    # -- retirements

    def _retirements(self):
        public_key = sign_public_key(kdf.from_service_root(self.keys.root, "sign"))
        n_good = 0
        for row in self.tables["retirement"]:
            name = f"generation {row['generation']}"
            generation = self.generations.get(row["generation"])
            if generation is None:
                self.report.fault("retirement", f"{name}: no such generation")
                continue
            ended = generation["state"] in (rows.RETIRED, rows.DESTROYED)
            if ended != (row["state"] >= 2):
                self.report.fault(
                    "retirement", f"{name}: generation row and retirement row do not agree"
                )
            if row["state"] == 2:
                self.report.note(f"{name}: retired, not certified yet")
            if row["state"] >= 2:
                self._counts(name, row)
            if row["state"] == 3:
                n_good += self._certificate(name, generation, row, public_key)
        retired = {n for n, g in self.generations.items() if g["state"] == rows.RETIRED}
        for number in retired - {row["generation"] for row in self.tables["retirement"]}:
            self.report.fault(
                "retirement", f"generation {number}: retired without a row in table retirement"
            )
        self.report.line(f"certificates: {n_good} good")

    def _counts(self, name, row):
        """Nothing is added to the tally of a retired generation, so it is what the certificate says
        for ever.
        """
        tally = next((t for t in self.tables["tally"] if t["generation"] == row["generation"]), {})
        for column in ("written", "moved_in", "moved_out", "deleted", "written_off"):
            if column in ("deleted", "written_off") and row["rows_" + column] is None:
                continue  # recorded before that was counted
            if row["rows_" + column] != tally.get(column, 0):
                self.report.fault(
                    "retirement", f"{name}: rows_{column} is not the tally's {column}"
                )
        if row["rows_left"] != 0:
            self.report.fault("retirement", f"{name}: rows_left is not 0")

    def _certificate(self, name, generation, row, public_key):
        before = self.report.n_faults("certificate")
        if row["public_key"] != public_key:
            self.report.fault("certificate", f"{name}: the public key is not the service root's")
        if not signature_is_good(public_key, row["signature"], row["certificate"].encode("utf-8")):
            self.report.fault("certificate", f"{name}: the signature is not that of the text")
        expected = certificate.expected_text(
            self.keys.environment, generation, row, self.tables["write_off"]
        )
        for line in certificate.differing_lines(row["certificate"], expected):
            self.report.fault("certificate", f"{name}: the text and the row do not agree: {line}")
        return self.report.n_faults("certificate") == before
