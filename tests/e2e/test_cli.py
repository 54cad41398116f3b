# SPDX-License-Identifier: Apache-2.0
"""The jeton command against a running service: files in, files out, exit codes for scripts."""

import csv
import json
import os
import re
import subprocess

import pytest

from cards import bad_luhn, made_up
from service import BIN, Daemon, wait_until

ROWS = 3000


@pytest.fixture(scope="module")
def files(_shared, tmp_path_factory):
    directory = tmp_path_factory.mktemp("cli")
    directory.chmod(0o700)
    _shared.app_key_file = directory / "app.key"
    _shared.app_key_file.touch(mode=0o600)
    _shared.app_key_file.write_text(_shared.app_key + "\n")
    return directory


def rows_of(path):
    with open(path, newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def rejected_of(path):
    """{number of the record: id of its message}, by the trailers."""
    trailers = [line[-80:] for line in path.read_text(encoding="ascii").splitlines()]
    return {int(t[9:19]): t[:8] for t in trailers}


def test_a_generated_file_there_and_back(shared, files):
    cards, tokens, rejects, back = (
        files / n for n in ("cards.csv", "tokens.csv", "rejects.csv", "back.csv")
    )
    shared.jeton("gen", "--rows", ROWS, "--bad", 40, "--seed", 5, "--out", cards)
    lines = cards.read_text().splitlines()
    assert lines[0] == "id,pan,amount" and len(lines) == ROWS + 1
    common = ["--field", "pan", "--column", "pan", "--batch", 500]
    done = shared.jeton(
        *("tokenize", *common, "--in", cards, "--out", tokens, "--rejects", rejects),
        key_file=shared.app_key_file,
        check=False,
    )
    assert done.returncode == 4
    rejected = rejected_of(rejects)
    assert len(rejected) == 40
    accepted = [line for number, line in enumerate(lines) if number not in rejected]
    shared.jeton(
        *("detokenize", *common, "--in", tokens, "--out", back, "--rejects", files / "none.csv"),
        key_file=shared.app_key_file,
    )
    assert back.read_text().splitlines() == accepted
    by_card = {}
    for card, token in zip(csv.DictReader(accepted), rows_of(tokens)):
        assert card["id"] == token["id"] and card["amount"] == token["amount"]
        assert by_card.setdefault(card["pan"], token["pan"]) == token["pan"]
    assert len(set(by_card.values())) == len(by_card)


def test_the_generator_is_the_same_everywhere(shared, files):
    first, second, third = (files / n for n in ("g1", "g2", "g3"))
    for out, seed in ((first, 7), (second, 7), (third, 8)):
        shared.jeton("gen", "--rows", 500, "--bad", 10, "--seed", seed, "--out", out)
    assert first.read_bytes() == second.read_bytes() != third.read_bytes()
    assert {len(r["pan"]) for r in rows_of(first)} >= set(range(12, 20))


def test_rejects_have_their_reason_behind_them(shared, files):
    source = files / "some.csv"
    source.write_text(
        f"pan,note\n{made_up(1)},a\n4111-1111,b\n{made_up(2)},c\n{bad_luhn(3)},d\n,e\n"
    )
    done = shared.jeton(
        *("tokenize", "--field", "pan", "--column", "pan", "--in", source),
        *("--out", files / "o.csv", "--rejects", files / "r.csv"),
        key_file=shared.app_key_file,
        check=False,
    )
    assert done.returncode == 4
    assert rejected_of(files / "r.csv") == {2: "JET2212W", 4: "JET2215W", 5: "JET2201W"}
    assert (files / "r.csv").read_text().startswith("4111-1111,bJET2212W          2 the card")
    assert [r["note"] for r in rows_of(files / "o.csv")] == ["a", "c"]


@pytest.mark.parametrize(
    "arguments, status",
    [
        (["nonsense"], 64),
        ([], 64),
        (["tokenize"], 12),
        (["keys", "activate"], 64),
        (["keys", "activate", "x"], 64),
        (["keys", "activate", "99"], 2),
        (["keys", "retire", "1"], 2),
        (["keys", "certificate", "1"], 2),
        (["field", "add", "pan"], 2),
    ],
    ids=lambda a: "-".join(a) if isinstance(a, list) else None,
)
def test_exit_codes(shared, arguments, status):
    done = shared.jeton(*arguments, check=False)
    assert done.returncode == status, (done.returncode, done.stderr)
    assert done.stderr.strip(), "a message"


def test_no_service_is_69(shared):
    done = shared.jeton("keys", "list", check=False, env={"JETON_URL": "http://127.0.0.1:1"})
    assert done.returncode == 69


def test_without_permission_is_77(shared, files):
    assert shared.jeton("keys", "list", check=False, key_file=shared.app_key_file).returncode == 77


def test_a_bad_configuration_is_78(shared, files):
    broken = files / "broken.conf"
    broken.write_text("[front]\nprot = 1\n")
    done = shared.jeton("migrate", check=False, env={"JETON_CONFIG": str(broken)})
    assert done.returncode == 78 and "broken.conf:2" in done.stderr


def test_a_key_file_that_others_can_read_is_refused(shared, files):
    loose = files / "loose.key"
    loose.write_text(shared.app_key)
    loose.chmod(0o644)
    done = shared.jeton("keys", "list", check=False, key_file=loose)
    assert done.returncode not in (0, 2, 69)
    assert shared.app_key.split("_")[2] not in done.stderr + done.stdout


def test_status_is_json_for_scripts(shared):
    status = json.loads(shared.jeton("status", "--json").stdout)
    assert status["keeper"]["up"] and status["database"]["up"] and status["ring"]["active"]


def test_set_up_twice_changes_nothing(shared):
    shared.jeton("migrate")
    shared.jeton("migrate", "--check")
    before = shared.operator_key_file.read_bytes()
    done = shared.jeton("init", "--operator-key", shared.directory / "again.key", check=False)
    assert done.returncode != 0
    assert shared.operator_key_file.read_bytes() == before
    assert not (shared.directory / "again.key").exists()


def test_a_client_key_file_is_private(shared, files):
    shared.jeton(
        "client", "add", "filed", "--may", "tokenize", "--key-file-out", files / "filed.key"
    )
    assert os.stat(files / "filed.key").st_mode & 0o777 == 0o600
    assert (files / "filed.key").read_text().startswith("jck_filed_")


def test_usage_and_version(shared):
    for arguments in (["--help"], ["--version"]):
        done = shared.jeton(*arguments)
        assert "jeton" in done.stdout.lower()
    assert (BIN / "jeton").exists()


def test_both_daemons_take_the_same_options(shared):
    """They read one file, too, and neither needs to be told where it is by default."""
    told = {}
    for program in ("jetond", "jeton-keeper"):
        done = subprocess.run([BIN / program, "--help"], capture_output=True, text=True, check=True)
        told[program] = set(re.findall(r"^  --([a-z-]+)", done.stdout, re.M))
        assert "configuration file (/etc/jeton/jeton.conf)" in done.stdout
        done = subprocess.run(
            [BIN / program, "--log-level", "loud"], capture_output=True, text=True
        )
        assert done.returncode == 64 and done.stderr.startswith(f"{program}: --log-level must be")
    shared_by_both = "config log-format log-level set print-config version help"
    assert told["jetond"] == set(shared_by_both.split())
    assert told["jeton-keeper"] - told["jetond"] == {"init", "fd", "ceremony"}
    assert " debug " not in shared.front_log.read_text() + shared.keeper_log.read_text()


def test_environment_and_command_line_stand_over_the_file(service):
    def holds(*words, **variables):
        done = subprocess.run(
            [BIN / "jetond", "--config", service.config, "--print-config", *words],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout, done.stderr

    env = {"JETON_CONF_FRONT_LOOPS": "3", "JETON_CONF_FRONT_MAX_ITEMS": "77"}
    code, text, _ = holds("--set", "front.loops=4", **env)
    assert code == 0 and "\nloops = 4\n" in text and "\nmax_items = 77\n" in text
    assert "#log" not in text and "conninfo is set, and not shown" in text
    code, text, said = holds(JETON_CONF_FRONT_LOOP="3")
    assert (code, text) == (78, "") and "JETON_CONF_FRONT_LOOP: there is no such option" in said
    code, text, said = holds("--set", "front.loops=many")
    assert (code, text) == (78, "") and "--set: loops in [front] must be a whole number" in said
    # and it serves so
    assert service.front.stop() == 0
    log = service.directory / "other.log"
    words = [BIN / "jetond", "--config", service.config, "--set", "front.loops=1"]
    front = Daemon(words, log)
    wait_until(lambda: "serving on" in log.read_text(), "the front serves")
    assert front.stop() == 0
    assert "1 event loops" in log.read_text()


def test_debug_messages_of_a_daemon(service):
    assert service.front.stop() == 0
    log = service.directory / "debug.log"
    front = Daemon([BIN / "jetond", "--config", service.config, "--log-level", "debug"], log)
    wait_until(lambda: "serving on" in log.read_text(), "the front serves")
    assert front.stop() == 0
    text = log.read_text()
    assert f" debug jetond: read {service.config}\n" in text and "debug jetond: ended" in text


def test_migrate_refuses_a_database_of_format_1_in_one_sentence(make_service):
    """What development versions before format 2 left: cards with their tokens beside them."""
    service = make_service(start=False)
    service.sql("DROP SCHEMA jeton CASCADE")
    service.sql("CREATE SCHEMA jeton AUTHORIZATION jeton")
    service.sql(
        "CREATE TABLE jeton.card (created_at timestamptz, field integer, token uuid, fp uuid, "
        "envelope bytea)"
    )
    service.sql(
        "CREATE TABLE jeton.schema_migration (number integer PRIMARY KEY, name text NOT NULL, "
        "checksum bytea NOT NULL, "
        "applied_at timestamptz NOT NULL DEFAULT now())"
    )
    service.sql(
        "INSERT INTO jeton.schema_migration (number, name, checksum) VALUES (1, '0001_control', "
        "'\\x00'), (2, '0002_cards', '\\x00')"
    )
    service.sql("ALTER TABLE jeton.card OWNER TO jeton")
    service.sql("ALTER TABLE jeton.schema_migration OWNER TO jeton")
    done = service.jeton("migrate", check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert (
        len(done.stderr.splitlines()) == 1
        and "stored format 1, which cannot be converted" in done.stderr
    )
    assert service.sql("SELECT count(*) FROM jeton.schema_migration") == [(2,)]


def test_a_certificate_is_verified_by_whoever_has_the_public_key(service, tmp_path):
    service.app.tokenize(made_up(1, series="certificate"))
    service.operator.roll()
    service.operator.retire(1)
    printed = tmp_path / "certificate"
    printed.write_text(service.jeton("keys", "certificate", 1).stdout)
    key = printed.read_text().rsplit("public-key: ", 1)[1].strip()
    alone = {"JETON_CONFIG": "/nowhere", "JETON_URL": "http://nowhere.invalid"}
    verify = ["verify", "certificate", printed, "--public-key", key]
    assert "rows-left: 0\n" in service.jeton(*verify, env=alone).stdout
    printed.write_text(printed.read_text().replace("rows-left: 0", "rows-left: 9"))
    assert service.jeton(*verify, env=alone, check=False).returncode == 1
