# SPDX-License-Identifier: Apache-2.0
"""The second reader (tests/reference), which knows the docs only, opens what the product stored and
names what somebody edited.
"""

import hashlib
import itertools
import os
import re
import subprocess
from pathlib import Path

import pytest

from cards import PUBLISHED, made_up
from service import Service, wait_until

TREE = Path(os.environ.get("JETON_TREE") or Path(__file__).resolve().parents[2])
READER = TREE / "tests" / "reference" / "reader.py"
_copies = itertools.count(1)


def run_reader(service, *arguments, database=None, stdin=""):
    conninfo = f"host={service.cluster.directory} dbname={database or service.database} user=jeton"
    done = subprocess.run(
        [
            "/usr/bin/python3",
            READER,
            "--keys",
            service.keeper_directory,
            "--conninfo",
            conninfo,
            *arguments,
        ],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, 1), (done.returncode, done.stderr)
    assert not any(
        pan in done.stdout + done.stderr for pan in service.pans
    ), "a card number in the report"
    return done


def check_good(service):
    """Everything opens, and each token stands for its card."""
    lines = [
        f"{token} {hashlib.sha256(pan.encode('ascii')).hexdigest()}\n"
        for token, pan in service.promises.items()
    ]
    done = run_reader(service, "--compare", "-", stdin="".join(lines))
    assert done.returncode == 0, done.stdout
    n_cards = service.sql("SELECT count(*) FROM card")[0][0]
    assert f"cards: {n_cards}, opened: {n_cards}\n" in done.stdout
    assert f"compared: {len(lines)} as expected" in done.stdout
    return done.stdout


def tokenize(service, series, n):
    """n new cards of all lengths in each field; in the one without deduplication, each twice, and
    one of each in the one with numeric tokens.
    """
    pans = [made_up(i, 12 + i % 8, series) for i in range(n)]
    service.pans += pans
    fields = ("pan", pans), ("other", pans), ("plain", pans + pans), ("digits", pans)
    for field, what in fields:
        service.promises.update(zip(service.app.tokenize_many(what, field), what))


def use(service):
    """Four generations: two retired, each after some of its rows moved by being read, one draining
    with cards, one active.
    """
    service.promises, service.pans = {}, list(PUBLISHED)
    other = {"name": "other", "rules": {"refuse_test_cards": True, "luhn_exempt": ["62", "81"]}}
    assert service.operator.post("/v1/fields", other).status_code == 201
    assert service.operator.post("/v1/fields", {"name": "plain", "dedup": False}).status_code == 201
    digits = {"name": "digits", "token": {"format": "numeric"}}
    assert service.operator.post("/v1/fields", digits).status_code == 201
    service.promises.update(zip(service.app.tokenize_many(PUBLISHED), PUBLISHED))
    for number in (1, 2, 3):
        tokenize(service, f"reference-{number}", 60)
        assert service.operator.roll() == number + 1
        known = service.app.tokenize_many(service.pans[:20])
        assert service.app.detokenize_many(known) == service.pans[:20]
        wait_until(lambda n=number: service.rows_under(n + 1) > 0, "rows that were read move")
        if number < 3:
            service.operator.retire(number)
    tokenize(service, "reference-4", 30)
    return service


@pytest.fixture(scope="module")
def stopped(run_directory, cluster):
    """A service that was used and has ended; tests edit copies of its database. The front is
    killed, so that its row stays.
    """
    service = Service(os.path.join(run_directory, "reference"), cluster, "reference")
    try:
        use(service.set_up().start().populate()).front.kill()
    finally:
        service.stop()
    return service


@pytest.fixture
def copy(stopped):
    """A copy of its database to edit."""
    return Copy(stopped, f"reference_{next(_copies)}")


class Copy:
    """A database of its own with the same rows and the same keys."""

    def __init__(self, service, name):
        self.service = service
        self.name = name
        service.cluster.sql(
            "postgres", f"CREATE DATABASE {name} TEMPLATE {service.database} OWNER jeton"
        )

    def sql(self, query, args=None):
        return self.service.cluster.sql(self.name, query, args)

    def key_id(self, generation):
        return self.sql("SELECT key_id FROM generation WHERE number = %s", (generation,))[0][0]

    def some_cards(self, n):
        return self.sql(
            "SELECT key_id, id, field, fp::text, envelope FROM card WHERE field = 1 ORDER BY "
            "key_id, id LIMIT %s",
            (n,),
        )

    def add_card(self, number, field, fp, envelope):
        self.sql(
            "INSERT INTO card (id, field, bucket, fp, envelope) VALUES (%s, %s, 0, %s, %s)",
            (number, field, fp, envelope),
        )

    def check_named(self, *patterns):
        """The reader finds a fault, and its report matches each pattern."""
        done = run_reader(self.service, database=self.name)
        assert done.returncode == 1, done.stdout
        for pattern in patterns:
            assert re.search(pattern, done.stdout, re.M), (pattern, done.stdout)


def test_everything_opens_after_rolls_and_retirements(stopped):
    text = check_good(stopped)
    assert "certificates: 2 good" in text
    assert re.search(r"^generation 1: key id \d+, retired, 0 cards$", text, re.M)
    assert re.search(r"^generation 3: key id \d+, draining, [1-9]\d* cards$", text, re.M)


def test_everything_opens_while_it_serves_and_after_a_kill(service):
    use(service)
    check_good(service)
    service.keeper.kill()
    service.front.kill()
    check_good(service)
    service.start()
    tokenize(service, "reference-killed", 20)
    check_good(service)


def test_card_numbers_go_to_a_file_of_the_owner_only(stopped, tmp_path):
    token, pan = next(iter(stopped.promises.items()))
    assert (
        run_reader(stopped, "--open", str(tmp_path / "cards"), stdin=token + "\n").returncode == 0
    )
    assert (tmp_path / "cards").read_text(encoding="ascii") == f"{token} {pan}\n"
    assert (tmp_path / "cards").stat().st_mode & 0o777 == 0o600


def test_a_flipped_byte_of_an_envelope_is_named(copy):
    key_id, number = copy.some_cards(1)[0][:2]
    copy.sql(
        "UPDATE card SET envelope = set_byte(envelope, 20, get_byte(envelope, 20) # 1) WHERE id = "
        "%s AND key_id = %s",
        (number, key_id),
    )
    copy.check_named(
        f"^FAULT card: card {number:016x} under key id {key_id}: the envelope does not open",
        "^result: 1 fault$",
    )


@pytest.mark.parametrize("column", ["envelope", "fp"])
def test_exchanged_rows_are_named(copy, column):
    one, other = copy.some_cards(2)
    copy.sql("DELETE FROM card WHERE id IN (%s, %s)", (one[1], other[1]))
    for mine, its in ((one, other), (other, one)):
        fp, envelope = (its[3], mine[4]) if column == "fp" else (mine[3], its[4])
        copy.add_card(mine[1], mine[2], fp, envelope)
    copy.check_named(
        f"card {one[1]:016x} under key id {one[0]}: the envelope does not open",
        f"card {other[1]:016x} under",
        "^result: 2 faults$",
    )


def test_a_row_under_a_retired_generation_is_named(copy):
    _, number, field, fp, envelope = copy.some_cards(1)[0]
    copy.add_card(number, field, fp, bytes([copy.key_id(1)]) + bytes(envelope)[1:])
    copy.check_named(
        r"its key id is not live \(retired\)", "^FAULT one id twice", "^FAULT tally: generation 1"
    )


@pytest.mark.parametrize(
    "edit, pattern",
    [
        ("UPDATE client SET permissions = 7 WHERE id = 'app'", "^FAULT client row: client app:"),
        (
            "INSERT INTO client SELECT 'thief', permissions, secret_mac, state, 99, mac_epoch, "
            "mac, now(), 'thief' FROM client WHERE id = 'app'",
            "^FAULT client row: client thief:",
        ),
        ("UPDATE field SET dedup = true WHERE name = 'plain'", "^FAULT field row: field 3:"),
        ("UPDATE node SET number = number + 1", "^FAULT node row: node node1:"),
        (
            "UPDATE generation SET mac_epoch = mac_epoch - 1 WHERE number = 4",
            "^FAULT generation row: generation 4:",
        ),
        (
            "UPDATE key_ack SET challenge = substr(challenge, 2) || '\\x00' WHERE generation = 3",
            "^FAULT key_ack row: generation 3,",
        ),
        ("UPDATE ring SET epoch = epoch + 1", "^FAULT ring: column epoch"),
        ("UPDATE ring SET mac = substr(mac, 2) || '\\x00'", "^FAULT ring: its MAC"),
        (
            "UPDATE tally SET written = written + 1 WHERE (generation, writer) = (SELECT "
            "generation, writer FROM tally WHERE generation = 4 LIMIT 1)",
            "^FAULT tally: generation 4",
        ),
    ],
    ids=[
        "client-edited",
        "client-added",
        "field",
        "node",
        "generation",
        "key_ack",
        "ring-epoch",
        "ring-mac",
        "tally",
    ],
)
def test_an_edited_row_is_named(copy, edit, pattern):
    copy.sql(edit)
    copy.check_named(pattern)


@pytest.mark.parametrize(
    "edit, pattern",
    [
        (
            "certificate = replace(certificate, 'rows-left: 0', 'rows-left: 1')",
            "the signature is not that of the text",
        ),
        ("timeline = timeline + 1", "the text and the row do not agree: timeline"),
        ("actor = 'nobody'", "the text and the row do not agree: actor"),
        (
            "retired_at = retired_at + interval '1 second'",
            "the text and the row do not agree: retired-at",
        ),
        (
            "public_key = decode(repeat('00', 32), 'hex')",
            "the public key is not the service root's",
        ),
    ],
    ids=["text", "timeline", "actor", "time", "public-key"],
)
def test_an_altered_certificate_is_named(copy, edit, pattern):
    copy.sql(f"UPDATE retirement SET {edit} WHERE generation = 2")
    copy.check_named(f"^FAULT certificate: generation 2: {pattern}")


def test_what_several_nodes_stored_opens_with_the_keys_of_any_of_them(service):
    second = service.add_node()
    tokens = {}
    for number in (2, 3):
        for node in service.nodes:
            pans = [made_up(n, series=f"{node.node}-{number}") for n in range(30)]
            tokens.update(zip(node.app.tokenize_many(pans), pans))
        assert second.operator.roll() == number
    assert second.front.stop() == 0  # its row is one of a number that was given up
    for node in service.nodes:
        node.promises, node.pans = tokens, list(tokens.values())
        assert "1 node_number" in check_good(node)
