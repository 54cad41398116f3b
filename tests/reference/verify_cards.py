# SPDX-License-Identifier: Apache-2.0
"""Checks of the cards: opens every envelope, and computes every fingerprint and token anew."""

import collections
import hashlib
import heapq

import formats
import rows

BATCH = 1000


class CardChecks:
    """Walks all key ids side by side in the order of ids, so that one id under two key ids is seen;
    memory stays small.
    """

    def __init__(self, checked, database, report, wanted=None, on_open=None):
        """`wanted`: tokens (16 bytes) for which on_open(token, pan) is called."""
        self.database = database
        self.report = report
        self.keys = checked.keys
        self.tally = checked.tables["tally"]
        self.generations = checked.generations
        self.fields = {row["id"]: row for row in checked.tables["field"]}
        self.node_numbers = {
            row["number"] for table in ("node", "node_number") for row in checked.tables[table]
        }
        self.live = checked.ring.live() if checked.ring else {}
        self.by_key_id = {e.key_id: e for e in self.live.values()}
        self.wanted = wanted or set()
        self.on_open = on_open
        self.counts = collections.Counter()
        self.nodes = collections.Counter()
        self.opened = 0
        self._card_keys = {}
        self._token_keys = {}
        self._numeric_keys = {}
        self._toks = []
        self._elsewhere = collections.defaultdict(list)

    def run(self):
        streams = [self._stream(key_id) for key_id in self.database.key_ids()]
        last = None
        for bucket, number, key_id, field, fp, envelope, digits in heapq.merge(*streams):
            if last == (bucket, number):
                self.report.fault(
                    "one id twice", f"card {number:016x}: under key id {key_id} and another"
                )
            last = (bucket, number)
            self.counts[key_id] += 1
            self.nodes[formats.split_id(number)[1]] += 1
            self._card(bucket, number, key_id, field, fp, envelope, digits)
        self._look_for_toks()
        for pair in list(self._elsewhere):
            self._look_elsewhere(pair)
        self._finish()

    def _stream(self, key_id):
        for bucket, number, *rest in self.database.cards(key_id):
            yield bucket, number, key_id, *rest

    # -- one card

    def _card(self, bucket, number, key_id, field, fp, envelope, digits):
        why = self._placed_wrongly(bucket, number, key_id, field, envelope)
        if why:
            self.report.fault("card", f"card {number:016x} under key id {key_id}: {why}")
            return
        generation = self.by_key_id[key_id].number
        keys = self._keys_of(generation, field)
        if keys is None:
            self.report.fault(
                "card", f"card {number:016x} under key id {key_id}: the generation's key is missing"
            )
            return
        packed = keys.open(envelope, number, fp, digits)
        if packed is None:
            self.report.fault(
                "card",
                f"card {number:016x} under key id {key_id}: the envelope does not open in this "
                "row, field and generation",
            )
            return
        self._opened(number, generation, field, fp, packed, digits)

    def _placed_wrongly(self, bucket, number, key_id, field, envelope):
        if key_id not in self.by_key_id:
            states = [
                rows.STATE_NAMES[g["state"]]
                for g in self.generations.values()
                if g["key_id"] == key_id
            ]
            return f"its key id is not live ({', '.join(states) or 'no generation has it'})"
        if key_id != envelope[0]:
            return "column key_id is not the envelope's"
        if bucket != 0:
            return "it is in a bucket, and no field has any"
        if field not in self.fields:
            return f"no field {field}"
        if number <= 0 or formats.split_id(number)[1] == 0:
            return "not an id that a keeper makes"
        return None

    def _opened(self, number, generation, field, fp, packed, digits):
        dedup = self.fields[field]["dedup"]
        pan = formats.unpack_pan(packed)
        if pan is None:
            self.report.fault("card", f"card {number:016x}: what opens is no packed PAN")
            return
        if self._keys_of(generation, field).fingerprint(packed, number, dedup) != fp:
            self.report.fault("card", f"card {number:016x}: the fingerprint is not the card's")
        self.opened += 1
        if self.fields[field]["token_form"] or digits:
            self._numeric_token(number, field, pan, digits)
        else:
            self._token(number, field, pan)
        if dedup:
            self._remember_elsewhere(number, generation, field, packed)

    def _token(self, number, field, pan):
        key = self._token_keys.get(field)
        if key is None:
            key = self._token_keys[field] = formats.TokenKey(self.keys.root, field)
        token = key.token(number)
        if key.id(token) != number:
            self.report.fault("card", f"card {number:016x}: its token does not lead back to it")
        if token in self.wanted and self.on_open is not None:
            self.on_open(token, pan)

    def _numeric_token(self, number, field, pan, digits):
        form = formats.NumericForm(self.fields[field]["token_form"])
        token = formats.unpack_pan(digits)
        wrong = "its field has no tokens of this form" if not form.good or token is None else None
        wrong = wrong or form.wrong(token, pan)
        if wrong:
            self.report.fault("card", f"card {number:016x}: {wrong}")
            return
        key = self._numeric_keys.get(field)
        if key is None:
            key = self._numeric_keys[field] = formats.NumericKey(self.keys.root, field, form)
        self._toks.append((field, key.tok(token), number))
        if len(self._toks) >= BATCH:
            self._look_for_toks()
        known = formats.numeric_token(digits)
        if known in self.wanted and self.on_open is not None:
            self.on_open(known, pan)

    def _look_for_toks(self):
        """Each numeric token leads back to its card."""
        found = self.database.ids_by_tok([(field, tok) for field, tok, _ in self._toks])
        for field, tok, number in self._toks:
            if found.get((field, tok)) != number:
                self.report.fault("card", f"card {number:016x}: its token does not lead back to it")
        self._toks = []

    def _keys_of(self, generation, field):
        keys = self._card_keys.get((generation, field))
        if keys is None:
            key = self.keys.generations.get(generation)
            if key is None:
                return None
            keys = self._card_keys[generation, field] = formats.CardKeys(
                key.key, generation, key.key_id, field
            )
        return keys

    # -- one token per card: a card of a deduplicated field is under no other live generation

    def _remember_elsewhere(self, number, generation, field, packed):
        """An index keeps a card single within its generation; of two generations the older one's
        cards are looked for.
        """
        for other in self.live:
            keys = self._keys_of(other, field) if other > generation else None
            if keys is not None:
                pending = self._elsewhere[other]
                pending.append((field, keys.fingerprint(packed, number, True), number))
                if len(pending) >= BATCH:
                    self._look_elsewhere(other)

    def _look_elsewhere(self, generation):
        pending = self._elsewhere.pop(generation)
        found = self.database.ids_by_fingerprint(
            self.live[generation].key_id, [(field, fp) for field, fp, _ in pending]
        )
        for field, fp, number in pending:
            if (field, fp) in found:
                self.report.fault(
                    "one card twice",
                    f"field {field}: cards {number:016x} and {found[field, fp]:016x} hold one "
                    "card number",
                )

    # -- sums

    def _finish(self):
        tally = {
            t["generation"]: t["written"]
            + t["moved_in"]
            - t["moved_out"]
            - t["deleted"]
            - t["written_off"]
            for t in self.tally
        }
        for number, row in sorted(self.generations.items()):
            counted, expected = self.counts[row["key_id"]], tally.pop(number, 0)
            self.report.line(
                f"generation {number}: key id {row['key_id']}, {rows.STATE_NAMES[row['state']]}, "
                f"{counted} cards"
            )
            if row["state"] != rows.DESTROYED and counted != expected:
                self.report.fault(
                    "tally",
                    f"generation {number}: {counted} cards are there, the tally says {expected}",
                )
        for number in tally:
            self.report.fault(
                "tally", f"generation {number}: counted, and there is no such generation"
            )
        for number in sorted(set(self.nodes) - self.node_numbers):
            self.report.note(
                f"{self.nodes[number]} cards have ids of node number {number}, which no node has "
                "or had"
            )
        n, n_there = sum(self.counts.values()), self.database.n_cards()
        if n != n_there:
            self.report.fault("index", f"index card_id leads to {n} cards, the table has {n_there}")
        self.report.line(f"cards: {n}, opened: {self.opened}")


class Comparison:
    """Cards against a list of tokens and the SHA-256 of the card number that each must stand for;
    for tests only.
    """

    def __init__(self, expected, report):
        self.expected = dict(expected)
        self.report = report
        self.n_same = 0

    def __call__(self, token, pan):
        if hashlib.sha256(pan.encode("ascii")).digest() == self.expected.pop(token, None):
            self.n_same += 1
        else:
            self.report.fault("comparison", f"{formats.token_text(token)}: another card number")

    def finish(self):
        for token in self.expected:
            self.report.fault("comparison", f"{formats.token_text(token)}: no card that opens")
        self.report.line(f"compared: {self.n_same} as expected")
