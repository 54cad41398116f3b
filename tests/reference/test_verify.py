# SPDX-License-Identifier: Apache-2.0
"""The checks over a vault made by sealer.py: nothing wrong is found where nothing is, and every
edit is named.
"""

import hashlib
import re

import pytest

import formats
import rows
from keyfiles import KeyDirectory
from reader import verify
from report import Report
from sealer import Vault
from verify_cards import Comparison

PANS = [
    "4111111111111111",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "30569309025904",
    "3530111333300000",
    "4222222222222",
    "6304000000000000",
]


# docs/data-format.md: no end, no secret before, 10.0.0.0/8, tokenize in field 1, of which 5 a day
HEAD = bytes([1]) + bytes(32) + bytes([1, 4, 8, 10, 0, 0, 0])
CERTIFICATES = [bytes([n]) * 32 for n in range(1, 4)]
GRANTS = bytes([1, 0, 0, 0, 1, 0, 0, 0, 1])
BUDGETS = bytes([1, 0, 0, 0, 0, 0, 0, 0, 0, 5])
TERMS = HEAD + bytes([2]) + CERTIFICATES[0] + CERTIFICATES[1] + GRANTS + BUDGETS

# docs/data-format.md: any length, zeros stripped, test cards refused, 62 exempt
RULES = bytes([1, 255, 1, 2, 1, 2, 0, 0, 0, 62])


NUMERIC = "4111118264091111"  # a token of the first card


@pytest.fixture
def vault():
    """Three fields, four generations: 1 and 2 retired and certified, 3 draining, 4 active."""
    vault = Vault()
    vault.add_field(1, "pan", app_column="shop public.customer id pan pan_envelope")
    vault.add_field(2, "plain", dedup=False, rules=RULES)
    vault.add_field(3, "numeric", token_form=2 | 4)
    vault.add_client("init", 4)
    vault.add_client("app", 3)
    vault.add_client("shop", 0, TERMS)
    vault.add_node("node1", 1)
    vault.add_backup(bytes(range(32)))
    vault.add_node("node0", 9, "node_number")
    vault.tokens = []
    for number in (1, 2, 3, 4):
        vault.roll()
        if number > 1 and number < 4:
            vault.retire(number - 1)
        mine = PANS[2 * number - 2 : 2 * number]
        vault.tokens += [(vault.add_card(1, pan), pan) for pan in mine]
        vault.tokens += [(vault.add_card(2, PANS[0]), PANS[0]) for _ in range(2)]
    vault.tokens.append((vault.add_card(3, PANS[0], NUMERIC), PANS[0]))
    vault.add_column_count(1, 3, 17)
    return vault


def check(vault, directory, consumer=None):
    vault.write_keys(directory)
    report = Report()
    keys = KeyDirectory(directory, report)
    verify(
        keys,
        vault.database(),
        report,
        {t for t, _ in vault.tokens},
        consumer(report) if consumer else None,
    )
    return report


def test_a_good_vault_is_good(vault, tmp_path):
    report = check(vault, tmp_path)
    text = report.text()
    assert report.good(), text
    assert "cards: 17, opened: 17" in text and "certificates: 2 good" in text
    assert (
        "generation 3: key id 13, draining, 12 cards" in text
        and "generation 4: key id 14, active, 5 cards" in text
    )
    assert not re.search(r"\d{12}", text)


def test_every_token_stands_for_its_card(vault, tmp_path):
    expected = {token: hashlib.sha256(pan.encode("ascii")).digest() for token, pan in vault.tokens}
    report = check(vault, tmp_path, lambda report: Comparison(expected, report))
    assert report.good() and "compared: 17 as expected" in report.text()


def test_a_wrong_expectation_is_named(vault, tmp_path):
    expected = {token: hashlib.sha256(b"another").digest() for token, _ in vault.tokens[:1]}
    expected[bytes(16)] = bytes(32)
    vault.tokens = [(token, None) for token in expected]
    report = check(vault, tmp_path, lambda report: Comparison(expected, report))
    assert report.n_faults("comparison") == 2


@pytest.mark.parametrize("i", range(1, 25))
def test_every_byte_of_an_envelope_counts(vault, tmp_path, i):
    envelope = vault.cards[0]["envelope"]
    vault.cards[0]["envelope"] = envelope[:i] + bytes([envelope[i] ^ 0x80]) + envelope[i + 1 :]
    report = check(vault, tmp_path)
    assert (
        report.kinds() == {"card"}
        and f"card {vault.cards[0]['id']:016x} under key id 13: the envelope does not open"
        in report.text()
    )


@pytest.mark.parametrize(
    "columns",
    [["envelope"], ["fp"], ["id"], ["fp", "envelope"], ["id", "envelope"], ["id", "fp"]],
    ids="+".join,
)
@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (0, 15), (13, 15)])
def test_exchanged_columns_are_noticed(vault, tmp_path, columns, pair):
    one, other = vault.cards[pair[0]], vault.cards[pair[1]]
    for column in columns:
        one[column], other[column] = other[column], one[column]
    report = check(vault, tmp_path)
    assert "card" in report.kinds() and report.n_faults("card") == 2


@pytest.mark.parametrize(
    "column, value", [("field", 2), ("field", 9), ("bucket", 1), ("id", 1 << 22)]
)
def test_an_edited_card_is_noticed(vault, tmp_path, column, value):
    vault.cards[0][column] = value
    assert check(vault, tmp_path).kinds() == {"card"}


def test_a_replayed_row_of_a_retired_generation_is_named(vault, tmp_path):
    keys = vault.keys_of(1, 1)
    number, packed = formats.make_id(5, 1, 0), formats.pack_pan(PANS[0])
    fingerprint = keys.fingerprint(packed, number, True)
    vault.cards.append(
        {
            "bucket": 0,
            "id": number,
            "field": 1,
            "fp": fingerprint,
            "envelope": keys.seal(packed, number, fingerprint),
            "digits": b"",
        }
    )
    report = check(vault, tmp_path)
    assert (
        report.kinds() == {"card", "tally"} and "its key id is not live (retired)" in report.text()
    )


def test_one_id_under_two_key_ids_is_named(vault, tmp_path):
    card = dict(vault.cards[0])
    vault.move(card)
    vault.cards.append(card)
    report = check(vault, tmp_path)
    assert {"one id twice", "one card twice", "tally"} == report.kinds()


def test_a_numeric_token_is_bound_to_its_row(vault, tmp_path):
    card = vault.cards[-1]
    assert card["digits"].hex() == NUMERIC
    card["digits"] = bytes.fromhex("4111118264101111")
    report = check(vault, tmp_path)
    assert report.kinds() == {"card"} and "the envelope does not open" in report.text()


@pytest.mark.parametrize("number", [None, 5])
def test_a_numeric_token_that_leads_elsewhere_is_named(vault, tmp_path, number):
    (pair,) = vault.numeric
    vault.numeric = {pair: number} if number else {}
    report = check(vault, tmp_path)
    assert report.n_faults("card") == 1 and "does not lead back to it" in report.text()


@pytest.mark.parametrize(
    "digits, why",
    [
        ("4111110000091111", "check digit"),
        ("4111108264091111", "keep the digits"),
        (PANS[0], "check digit"),
        ("411111826409111", "keep the digits"),
        ("", "no tokens of this form"),
    ],
)
def test_a_token_of_another_form_is_named(vault, tmp_path, digits, why):
    vault.add_card(3, PANS[0], digits)
    report = check(vault, tmp_path)
    assert why in report.text() and report.n_faults("card") >= 1


def test_one_card_under_two_tokens_is_named(vault, tmp_path):
    vault.add_card(1, PANS[0])
    report = check(vault, tmp_path)
    assert report.kinds() == {"one card twice"}


def test_a_deleted_card_is_missed_by_the_tally(vault, tmp_path):
    del vault.cards[3]
    assert check(vault, tmp_path).kinds() == {"tally"}


def test_an_index_that_lacks_cards_is_named(vault, tmp_path):
    database = vault.database()
    database.n_cards = lambda: 18
    vault.database = lambda: database
    assert check(vault, tmp_path).kinds() == {"index"}


FORGED = [
    ("client", "permissions", 7),
    ("client", "id", "other"),
    ("client", "secret_mac", bytes(16)),
    ("client", "mac_epoch", 2),
    ("client", "mac", bytes(16)),
    ("client", "state", 2),
    ("client", "revision", 7),
    ("client", "terms", TERMS),
    ("field", "state", 2),
    ("field", "revision", 2),
    ("client", "permissions", -1),
    ("client", "id", "x" * 300),
    ("field", "name", "nap"),
    ("field", "dedup", False),
    ("field", "allow_bad_luhn", True),
    ("field", "mask_eight", True),
    ("field", "rules", RULES),
    ("field", "kind", 2),
    ("field", "kind", 300),
    ("node", "name", "node2"),
    ("node", "number", 2),
    ("node", "incarnation", bytes(16)),
    ("node", "keeper_incarnation", bytes(16)),
    ("node", "id_mark", 7),
    ("node", "mac_epoch", 9),
    ("node_number", "number", 2),
    ("node_number", "id_mark", 1),
    ("backup", "digest", bytes(32)),
    ("backup", "body", b""),
    ("backup", "body", bytes(58)),
    ("backup", "mac", bytes(16)),
    ("generation", "state", 2),
    ("generation", "check_value", bytes(8)),
    ("generation", "mac_epoch", 7),
    ("key_ack", "node", "node2"),
    ("key_ack", "incarnation", bytes(16)),
    ("key_ack", "challenge", bytes(16)),
    ("key_ack", "mac", bytes(16)),
]


@pytest.mark.parametrize("table, column, value", FORGED)
def test_a_forged_row_is_named(vault, tmp_path, table, column, value):
    forged = vault.database()
    forged.tables[table] = [dict(row) for row in forged.tables[table]]
    vault.database = lambda: forged
    forged.tables[table][0][column] = value
    assert f"{table} row" in check(vault, tmp_path).kinds()


def with_certificates(*certificates):
    return HEAD + bytes([len(certificates)]) + b"".join(certificates) + GRANTS + BUDGETS


def with_budgets(*budgets):
    return TERMS[: -len(BUDGETS)] + bytes([len(budgets)]) + b"".join(map(bytes, budgets))


def test_budgets_have_one_form():
    one, two = [0, 0, 0, 0, 1, 0, 0, 0, 0], [7, 0, 0, 0, 0, 0, 0, 0, 1]
    for good in ((), (one,), (two,), (one, two)):
        assert rows.terms_good(with_budgets(*good))
    for bad in ((two, one), (one, one), ([2] + one[1:],), ([9] + one[1:],), ([1] + [0] * 8,)):
        assert not rows.terms_good(with_budgets(*bad))
    assert not rows.terms_good(with_budgets(one, two)[:-1])
    assert not rows.terms_good(with_budgets() + b"\x00")


def test_terms_have_one_form():
    one, two, three = CERTIFICATES
    assert TERMS == with_certificates(one, two)
    for good in (b"", TERMS, with_certificates(), with_certificates(one), with_certificates(two)):
        assert rows.terms_good(good)
    for bad in ((two, one), (one, one), (bytes(32),), (one, two, three)):
        assert not rows.terms_good(with_certificates(*bad))


@pytest.mark.parametrize(
    "terms",
    [b"", TERMS[:-1], TERMS[:-1] + b"\x02", TERMS + b"\x00", b"\x01", b"\x02" + TERMS[1:]]
    + [with_certificates(), TERMS[:70], TERMS[:42]],
    ids=range(9),
)
def test_forged_terms_are_named(vault, tmp_path, terms):
    forged = vault.database()
    forged.tables["client"] = [dict(row) for row in forged.tables["client"]]
    vault.database = lambda: forged
    forged.tables["client"][2]["terms"] = terms
    assert "client row" in check(vault, tmp_path).kinds()


@pytest.mark.parametrize(
    "rules",
    [
        b"",
        RULES[:-1],
        RULES + b"\0",
        b"\1",
        b"\2" + RULES[1:],
        bytes([1, 255, 0, 0, 0]),
        bytes([1, 0, 0, 1, 0]),
        bytes([1, 255, 3, 1, 0]),
        bytes([1, 255, 0, 8, 0]),
        bytes([1, 255, 0, 0, 1, 2, 0, 0, 0, 100]),
        bytes([1, 255, 0, 0, 2, 2, 0, 0, 0, 62, 1, 0, 0, 0, 6]),
    ],
    ids=range(11),
)
def test_forged_card_rules_are_named(vault, tmp_path, rules):
    forged = vault.database()
    forged.tables["field"] = [dict(row) for row in forged.tables["field"]]
    vault.database = lambda: forged
    forged.tables["field"][1]["rules"] = rules
    assert "field row" in check(vault, tmp_path).kinds()
    assert rows.card_rules_good(rules) == (rules == b"")


@pytest.mark.parametrize("kind", [rows.SET_CLIENTS, rows.SET_FIELDS])
@pytest.mark.parametrize(
    "column, value",
    [
        ("version", 9),
        ("n", 1),
        ("operators", 1),
        ("nonce", bytes(16)),
        ("digest", bytes(16)),
        ("mac", bytes(16)),
        ("mac_epoch", 3),
        ("kind", 7),
    ],
)
def test_a_forged_set_row_is_named(vault, tmp_path, kind, column, value):
    database = vault.database()
    database.tables["row_set"][kind - 1][column] = value
    vault.database = lambda: database
    assert "set row" in check(vault, tmp_path).kinds()


@pytest.mark.parametrize("table", ["client", "field"])
def test_rows_that_are_not_those_of_their_set_are_named(vault, tmp_path, table):
    """All rows are authentic, and one is missing, or is there although it is of no set any more."""
    database = vault.database()
    del database.tables[table][0]
    vault.database = lambda: database
    assert "set" in check(vault, tmp_path).kinds()


def test_an_old_set_is_named(vault, tmp_path):
    old = vault.database()
    old.tables = {name: [dict(row) for row in table] for name, table in old.tables.items()}
    vault.add_client("late", 1)
    vault.database = lambda: old  # the keys have seen the set with `late`
    report = check(vault, tmp_path)
    assert report.kinds() == {"set"} and "old rows were put back" in report.text()


@pytest.mark.parametrize(
    "column, value",
    [
        ("certificate", None),
        ("signature", bytes(64)),
        ("signature", b""),
        ("public_key", bytes(32)),
        ("rows_written", 5),
        ("lsn", "1/6B374D49"),
        ("timeline", 2),
        ("system_identifier", 5),
        ("epoch", 3),
        ("node", "node2"),
        ("actor", "nobody"),
        ("started_at", None),
    ],
)
def test_an_altered_retirement_is_named(vault, tmp_path, column, value):
    row = vault.tables["retirement"][0]
    if column == "certificate":
        value = row["certificate"].replace("rows-left: 0", "rows-left: 1")
    elif column == "started_at":
        value = row["retired_at"]
    row[column] = value
    report = check(vault, tmp_path)
    assert "certificate" in report.kinds() and "generation 1: " in report.text()


def test_a_retirement_without_a_row_is_named(vault, tmp_path):
    del vault.tables["retirement"][0]
    assert check(vault, tmp_path).kinds() == {"retirement"}


def altered_ring(vault, **changes):
    ring = rows.decode_ring(vault.ring()["body"])
    for name, value in changes.items():
        setattr(ring, name, value)
    body = ring.encode()
    return {"epoch": ring.epoch, "body": body, "mac": vault.macs.make(rows.MAC_RING, body)}


# -- cards that were written off


@pytest.fixture
def lossy(vault):
    """Two cards of generation 3 were written off, and it is retired."""
    lost = [c for c in vault.cards if c["envelope"][0] == 13][:2]
    gone = {formats.TokenKey(vault.root, c["field"]).token(c["id"]) for c in lost}
    vault.tokens = [(t, pan) for t, pan in vault.tokens if t not in gone]
    vault.write_off(3, lost)
    vault.retire(3)
    return vault


def test_cards_that_were_written_off_are_accounted_for(lossy, tmp_path):
    report = check(lossy, tmp_path)
    assert report.n_faults() == 0
    text = lossy.tables["retirement"][-1]["certificate"]
    assert "\nrows-written-off: 2\nwrite-off: 1 cards 2 listed 2 list-sha256 " in text


def flipped(data, at):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    "table, column, change",
    [
        ("write_off", "request", lambda v: flipped(v, 30)),
        ("write_off", "request", lambda v: flipped(v, -1)),
        ("write_off", "list", lambda v: flipped(v, 40)),
        ("write_off", "list", lambda v: v[:-1]),
        ("write_off", "warrant", lambda v: flipped(v, 30)),
        ("write_off", "warrant", lambda v: flipped(v, -1)),
        ("write_off", "cards_moved", lambda v: v - 1),
        ("write_off_approval", "signature", lambda v: flipped(v, 0)),
        ("write_off_approval", "custodian", lambda v: "eve"),
        ("quarantine", "id", lambda v: v + 1),
        ("quarantine", "fp", lambda v: flipped(v, 0)),
        ("quarantine", "envelope", lambda v: flipped(v, -1)),
        ("quarantine", "cause", lambda v: 3),
        ("quarantine", "write_off", lambda v: 2),
    ],
)
def test_an_altered_write_off_is_named(lossy, tmp_path, table, column, change):
    row = lossy.tables[table][0]
    row[column] = change(row[column])
    assert check(lossy, tmp_path).n_faults() > 0


@pytest.mark.parametrize(
    "column, value",
    [
        ("field", 2),
        ("generation", 2),
        ("envelopes", 0),
        ("epoch", 4),
        ("epoch", 99),
        ("mac", bytes(16)),
    ],
)
def test_an_altered_count_of_a_column_is_named(vault, tmp_path, column, value):
    vault.tables["column_count"][0][column] = value
    assert check(vault, tmp_path).kinds() == {"column count"}


@pytest.mark.parametrize("value", ["", "shop public.customer id pan other", "shop"])
def test_an_altered_column_is_named(vault, tmp_path, value):
    vault.tables["field"][0]["app_column"] = value
    assert check(vault, tmp_path).n_faults("field row") >= 1


def test_a_good_card_that_was_written_off_is_named(lossy, tmp_path):
    row = lossy.tables["quarantine"][0]
    row["envelope"] = flipped(row["envelope"], -1)
    assert check(lossy, tmp_path).n_faults("quarantine") == 1


@pytest.mark.parametrize(
    "changes",
    [{"environment": 2}, {"root_check": bytes(8)}, {"epoch": 3}, {"highest": 2}, {"entries": []}],
)
def test_a_ring_that_does_not_fit_is_named(vault, tmp_path, changes):
    database = vault.database()
    database.tables["ring"] = [altered_ring(vault, **changes)]
    vault.database = lambda: database
    assert "ring" in check(vault, tmp_path).kinds()


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.update(mac=bytes(16)),
        lambda r: r.update(epoch=99),
        lambda r: r.update(body=r["body"][:-1]),
        lambda r: r.clear(),
    ],
)
def test_a_forged_ring_is_named(vault, tmp_path, change):
    database = vault.database()
    row = database.tables["ring"][0]
    change(row)
    if not row:
        database.tables["ring"] = []
    vault.database = lambda: database
    assert "ring" in check(vault, tmp_path).kinds()


def test_keys_older_than_the_ring_are_noted_and_open_all(vault, tmp_path):
    before = Vault()
    before.__dict__.update(vault.__dict__, epoch=vault.epoch - 1)
    before.write_keys(tmp_path)
    report = Report()
    verify(KeyDirectory(tmp_path, report), vault.database(), report)
    assert report.good() and "note: the state file is of epoch" in report.text()


def test_a_database_older_than_the_keys_is_named(vault, tmp_path):
    later = Vault()
    later.__dict__.update(vault.__dict__, epoch=vault.epoch + 1)
    later.write_keys(tmp_path)
    report = Report()
    verify(KeyDirectory(tmp_path, report), vault.database(), report)
    assert report.kinds() == {"ring"} and "the database is older than the keys" in report.text()


def test_a_missing_generation_key_is_named(vault, tmp_path):
    vault.write_keys(tmp_path)
    (tmp_path / "generation-3.key").unlink()
    report = Report()
    verify(KeyDirectory(tmp_path, report), vault.database(), report)
    assert report.kinds() == {"key file", "card"} and report.n_faults("card") == 12


def test_keys_of_another_vault_open_nothing(vault, tmp_path):
    other = Vault()
    other.root = bytes(32)
    other.macs = rows.RowMacs(other.root)
    other.roll()
    other.write_keys(tmp_path)
    report = Report()
    verify(KeyDirectory(tmp_path, report), vault.database(), report)
    assert (
        "ring: its MAC is not the service root's" in report.text()
        and "cards: 17, opened: 0" in report.text()
    )
