# SPDX-License-Identifier: Apache-2.0
"""Lazy re-encryption, retirement and its certificate."""

import base64
import re
import subprocess

import pytest

from cards import made_up
from service import problem, wait_until
from traffic import check_generations

ED25519_DER_PREFIX = bytes.fromhex(
    "302a300506032b6570032100"
)  # RFC 8410: SubjectPublicKeyInfo of an Ed25519 key


@pytest.fixture
def rolled(service):
    service.pans = [made_up(n, 12 + n % 8, "old") for n in range(400)]
    service.tokens = service.app.tokenize_many(service.pans)
    service.operator.roll()
    return service


def test_reading_an_old_row_encrypts_it_again(rolled):
    assert rolled.rows_under(1) == 400
    before = rolled.sql(
        "SELECT envelope, fp FROM card WHERE id = %s", (rolled.id_of(rolled.tokens[0]),)
    )[0]
    assert rolled.app.detokenize(rolled.tokens[0]) == rolled.pans[0]
    wait_until(lambda: rolled.rows_under(1) == 399, "the row moves behind the reply")
    after = rolled.sql(
        "SELECT envelope, fp FROM card WHERE id = %s", (rolled.id_of(rolled.tokens[0]),)
    )[0]
    assert bytes(after[0])[0] == rolled.key_id(2)
    assert bytes(before[0])[1:] != bytes(after[0])[1:] and before[1] != after[1]
    assert rolled.app.detokenize(rolled.tokens[0]) == rolled.pans[0]
    assert rolled.app.tokenize(rolled.pans[0]) == rolled.tokens[0]


def test_lazy_reencryption_is_counted(rolled):
    before = rolled.operator.counters()
    assert rolled.app.detokenize_many(rolled.tokens[:300]) == rolled.pans[:300]
    wait_until(
        lambda: rolled.rows_under(1) + rolled.operator.counters()["lazy_dropped"] <= 400,
        "rows move",
    )

    def settled():
        now = rolled.operator.counters()
        return (now["lazy_reencrypted"] - before["lazy_reencrypted"]) + (
            now["lazy_dropped"] - before["lazy_dropped"]
        ) >= 300 and now

    now = wait_until(settled, "every read row is moved or counted as dropped")
    assert rolled.rows_under(2) == now["lazy_reencrypted"] - before["lazy_reencrypted"] > 0
    generations = rolled.operator.generations()
    assert (
        generations[1]["rows_moved_out"] == generations[2]["rows_moved_in"] == rolled.rows_under(2)
    )
    check_generations(rolled)


def test_new_rows_go_under_the_new_key_only(rolled):
    token = rolled.app.tokenize(made_up(1, series="new"))
    row = rolled.sql(
        "SELECT key_id, get_byte(envelope, 0) FROM card WHERE id = %s", (rolled.id_of(token),)
    )[0]
    assert row == (rolled.key_id(2), rolled.key_id(2))
    assert rolled.rows_under(1) == 400


def test_cards_of_many_fields_are_not_called_stuck(service):
    """A keeper derives 256 keys for one request, two for each field: the rest waits its turn."""
    for n in range(150):
        name = f"field-{n}"
        assert service.operator.post("/v1/fields", {"name": name}).status_code == 201
        service.app.tokenize(made_up(n), name)
    service.operator.roll()
    assert service.operator.retire(1)["rows_stuck"] == 0
    assert "cannot be opened" not in service.front_log.read_text()
    assert service.rows_under(1) == 0


def test_a_retirement_ends_with_a_certificate_that_anybody_can_check(rolled, tmp_path):
    check_value = rolled.operator.generations()[1]["check_value"]
    rolled.app.detokenize_many(rolled.tokens[:50])
    final = rolled.operator.retire(1)
    assert final["generation"] == 1 and final["actor"] and final["rows_left"] == 0
    certificate = final["certificate"]

    (tmp_path / "text").write_text(certificate["text"], encoding="utf-8")
    (tmp_path / "signature").write_bytes(base64.b64decode(certificate["signature"], validate=True))
    (tmp_path / "key.der").write_bytes(
        ED25519_DER_PREFIX + base64.b64decode(certificate["public_key"], validate=True)
    )
    verify = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-rawin",
        "-pubin",
        "-keyform",
        "DER",
        "-inkey",
        "key.der",
        "-sigfile",
        "signature",
        "-in",
        "text",
    ]
    assert subprocess.run(verify, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "text").write_text(certificate["text"].replace("1", "7", 1), encoding="utf-8")
    assert subprocess.run(verify, cwd=tmp_path, capture_output=True, check=False).returncode != 0

    text = certificate["text"]
    assert check_value.lower() in text.lower()
    numbers = re.findall(r"\b\d+\b", text)
    assert "400" in numbers, "rows written"
    system = rolled.sql("SELECT system_identifier::text FROM pg_control_system()")[0][0]
    assert system in text
    assert rolled.sql("SELECT count(*) FROM card WHERE key_id = %s", (rolled.key_id(1),)) == [(0,)]
    generations = rolled.operator.generations()
    assert generations[1]["state"] == "retired" and generations[1]["rows"] == 0
    assert generations[1]["rows_written"] == generations[1]["rows_moved_out"] == 400
    assert rolled.app.detokenize_many(rolled.tokens) == rolled.pans
    assert rolled.app.tokenize_many(rolled.pans) == rolled.tokens


def test_a_retirement_can_be_asked_for_twice(rolled):
    rolled.operator.start_retirement(1)
    again = rolled.operator.post("/v1/generations/1/retire")
    assert again.status_code in (202, 409)
    rolled.operator.wait_certified(1)


def test_progress_is_shown_with_a_rate_and_an_eta(make_service):
    service = make_service(options={"retirement_rate": 300, "retirement_batch": 50})
    pans = [made_up(n, series="slow") for n in range(900)]
    service.app.tokenize_many(pans)
    service.operator.roll()
    service.operator.start_retirement(1)

    def under_way():
        state = service.operator.retirement(1)
        return state["rows_moved"] > 0 and state

    state = wait_until(under_way, "the first rows move")
    assert state["state"] == "draining" and state["rows_left"] + state["rows_moved"] <= 900
    assert state["rate"] >= 0 and state["started_at"]
    final = service.operator.wait_certified(1)
    assert final["rows_left"] == 0


def test_a_retirement_goes_on_after_a_restart(make_service):
    service = make_service(options={"retirement_rate": 200, "retirement_batch": 20})
    pans = [made_up(n, series="restart") for n in range(600)]
    tokens = service.app.tokenize_many(pans)
    service.operator.roll()
    service.operator.start_retirement(1)
    walked = "SELECT count(*) FROM retirement_range WHERE cursor_id > from_id"
    wait_until(lambda: service.sql(walked)[0][0] > 0, "the place in the walk is on record")
    service.front.kill()
    service.keeper.kill()
    assert 0 < service.rows_under(1) < 600
    service.configure()
    service.start()
    service.operator.wait_certified(1)
    assert service.rows_under(1) == 0
    assert service.app.detokenize_many(tokens) == pans


def test_everything_restarts_after_a_retirement(rolled):
    rolled.operator.retire(1)
    rolled.stop()
    rolled.start()
    assert rolled.app.detokenize_many(rolled.tokens) == rolled.pans
    assert rolled.app.tokenize_many(rolled.pans) == rolled.tokens
    assert rolled.operator.roll() == 3
    rolled.operator.retire(2)
    assert rolled.app.detokenize_many(rolled.tokens) == rolled.pans
    assert rolled.operator.retirement(1)["state"] == "certified"


def test_an_empty_generation_retires(service):
    service.operator.roll()
    final = service.operator.retire(1)
    assert final["rows_left"] == 0 and final["certificate"]["text"]


def test_no_retirement_no_certificate(service):
    answer = service.operator.get("/v1/generations/1/retirement")
    assert (answer.status_code, problem(answer)) == (404, "not-found")
