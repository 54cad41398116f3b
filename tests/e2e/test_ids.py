# SPDX-License-Identifier: Apache-2.0
"""Ids and tokens: what they tell, what nobody can make up, and that no id is ever given twice."""

import shutil
import time

import pytest
import requests

import formats
from cards import made_up
from custody import Custodians
from service import problem, token_bytes, wait_until

HOUR_MS = 3600 * 1000


def now_ms():
    return int((time.time() - formats.EPOCH.timestamp()) * 1000)


def ids(service):
    return [row[0] for row in service.sql("SELECT id FROM card ORDER BY id")]


def test_ids_hold_time_and_node_and_ascend(shared):
    before = now_ms()
    tokens = [shared.app.tokenize(made_up(n, series="ids")) for n in range(20)]
    numbers = shared.ids_of(tokens)
    assert numbers == sorted(set(numbers))
    for number in numbers:
        ms, node, _ = formats.split_id(number)
        assert node == 1
        assert before - 120_000 <= ms <= now_ms() + 120_000


def test_tokens_tell_no_age(shared):
    """Bytes of tokens that come one after the other share no more than chance."""
    tokens = [
        token_bytes(t)
        for t in shared.app.tokenize_many([made_up(n, series="age") for n in range(400)])
    ]
    same = sum(a == b for x, y in zip(tokens, tokens[1:]) for a, b in zip(x, y))
    expected = 399 * 16 / 256
    assert same < expected + 6 * expected**0.5
    assert tokens != sorted(tokens) and len(set(tokens)) == 400


def test_a_made_up_token_is_refused_without_asking_the_database(shared):
    before = shared.sql("SELECT sum(idx_scan) FROM pg_stat_user_tables WHERE relname = 'card'")
    made = formats.token_text(bytes(range(16)))
    for _ in range(3):
        answer = shared.app.post("/v1/fields/pan/detokenize", {"token": made})
        assert (answer.status_code, problem(answer)) == (404, "token-unknown")
    assert (
        shared.sql("SELECT sum(idx_scan) FROM pg_stat_user_tables WHERE relname = 'card'") == before
    )


def test_a_token_opens_in_its_own_field_only_and_looks_never_issued_elsewhere(shared):
    token = shared.app.tokenize(made_up(1, series="own"))
    elsewhere = shared.app.post("/v1/fields/other/detokenize", {"token": token})
    never = shared.app.post("/v1/fields/pan/detokenize", {"token": shared.token_of(1 << 40)})
    made_up_one = shared.app.post(
        "/v1/fields/pan/detokenize", {"token": formats.token_text(b"\x00" * 16)}
    )
    assert {(a.status_code, a.text) for a in (elsewhere, never, made_up_one)} == {
        (404, elsewhere.text)
    }


@pytest.mark.parametrize("which", ["keeper", "both"])
def test_ids_go_on_ascending_after_a_kill(service, which):
    for round_ in range(4):
        service.app.tokenize_many([made_up(n, series=f"kill-{round_}") for n in range(50)])
        newest = ids(service)[-1]
        service.keeper.kill()
        if which == "both":
            service.front.kill()
            service.start()
        else:
            service.start_keeper()
            service.wait_unready() if service.ready() else None
            service.wait_ready()
        token = service.app.tokenize(made_up(round_, series="after"))
        assert service.id_of(token) > newest


def test_a_clean_restart_leaves_ids_at_the_clock(service):
    service.app.tokenize(made_up(1))
    service.stop()
    service.start()
    number = service.id_of(service.app.tokenize(made_up(2)))
    assert abs(formats.split_id(number)[0] - now_ms()) < 5000


def test_a_database_that_went_back_never_gives_an_old_id_again(service, cluster):
    """A restore to an earlier moment: the lost tokens fail, and no later card ever gets one of
    them.
    """
    custodians = Custodians(service, "alice", "bob")
    assert custodians.enroll().returncode == 0
    kept = service.app.tokenize_many([made_up(n, series="kept") for n in range(50)])
    service.stop()
    cluster.sql(
        "postgres", f"CREATE DATABASE {service.database}_backup TEMPLATE {service.database}"
    )
    service.start()
    lost = service.app.tokenize_many([made_up(n, series="lost") for n in range(200)])
    service.stop()
    cluster.sql("postgres", f"DROP DATABASE {service.database}")
    cluster.sql(
        "postgres", f"ALTER DATABASE {service.database}_backup RENAME TO {service.database}"
    )
    service.start_keeper().start_front()
    custodians.recover()
    assert service.app.detokenize_many(kept) == [made_up(n, series="kept") for n in range(50)]
    later = service.app.tokenize_many([made_up(n, series="later") for n in range(500)])
    assert not set(later) & set(lost)
    answer = service.app.post("/v1/fields/pan/detokenize", {"items": [{"token": t} for t in lost]})
    assert {r["status"] for r in answer.json()["results"]} == {404}


def test_a_keeper_whose_state_went_back_goes_on_beyond_the_database(service):
    """The state file of an old backup, with a mark that lies before rows that are there."""
    service.stop()
    shutil.copy(service.keeper_directory / "state", service.directory / "state.old")
    plant(service, made_up(1, series="ahead"), now_ms() + 20 * 60 * 1000)
    shutil.copy(service.directory / "state.old", service.keeper_directory / "state")
    service.start()
    number = service.id_of(service.app.tokenize(made_up(2, series="ahead")))
    assert formats.split_id(number)[0] > now_ms() + 19 * 60 * 1000


def plant(service, pan, ms, genuine=True):
    """A row with an id of that time: one that opens needs the keys, which this test has."""
    number = formats.make_id(ms, 1, 7)
    key = service.generation_key(1)
    cards = formats.CardKeys(key.key, 1, key.key_id, 1)
    packed = formats.pack_pan(pan)
    fp = cards.fingerprint(packed, number, True)
    envelope = cards.seal(packed, number, fp)
    if not genuine:
        envelope = envelope[:-1] + bytes([envelope[-1] ^ 1])
    service.sql(
        "INSERT INTO card (id, field, fp, envelope) VALUES (%s, 1, %s, %s)",
        (number, fp.hex(), envelope),
    )
    return number


def test_a_planted_row_does_not_drive_ids_to_the_end_of_time(service):
    service.app.tokenize(made_up(1))
    service.stop()
    plant(service, made_up(3, series="planted"), (1 << 41) - 1, genuine=False)
    service.start()
    number = service.id_of(service.app.tokenize(made_up(2)))
    assert abs(formats.split_id(number)[0] - now_ms()) < HOUR_MS


def connected(service):
    members = requests.get(service.url + "/readyz", timeout=5).json()
    return members["keeper"] and members["database"]


def test_ids_far_ahead_of_the_clock_need_an_operators_recorded_word(service):
    service.app.tokenize(made_up(1))
    service.stop()
    ahead = now_ms() + 5 * HOUR_MS
    plant(service, made_up(3, series="far"), ahead)
    service.start_keeper().start_front().wait_manageable()
    wait_until(
        lambda: "hour ahead of the keeper's clock" in service.front_log.read_text(),
        "the log says why",
    )
    assert not service.ready()
    # its event loops have their connections: before, what is asked for may pass by itself
    wait_until(lambda: connected(service), "keeper and database are connected")
    answer = service.app.post("/v1/fields/pan/tokenize", {"pan": made_up(2)})
    assert (answer.status_code, problem(answer)) == (503, "not-ready")
    assert "Retry-After" not in answer.headers
    done = service.jeton("node", "accept-ids", check=False)
    assert done.returncode == 64 and "--reason" in done.stderr
    service.jeton("node", "accept-ids", "--reason", "the clock was wrong yesterday")
    service.wait_ready()
    number = service.id_of(service.app.tokenize(made_up(2)))
    assert formats.split_id(number)[0] > ahead
    assert service.sql("SELECT client, object FROM audit WHERE action = 9") == [
        ("operator", "the clock was wrong yesterday")
    ]
    # From now on it is the keeper's own mark: nobody is asked again.
    service.stop()
    service.start()
    assert service.id_of(service.app.tokenize(made_up(4))) > number


def test_newest_rows_that_do_not_open_keep_the_node_from_minting(service):
    service.app.tokenize(made_up(1))
    service.stop()
    service.sql("UPDATE card SET envelope = set_byte(envelope, 20, get_byte(envelope, 20) # 1)")
    service.start_keeper().start_front().wait_manageable()
    wait_until(lambda: "do not open" in service.front_log.read_text(), "the log says why")
    assert not service.ready()
    service.sql("UPDATE card SET envelope = set_byte(envelope, 20, get_byte(envelope, 20) # 1)")
    service.wait_ready()
    assert service.app.tokenize(made_up(1)) is not None


def test_without_its_service_root_a_node_serves_nothing_and_calls_no_token_unknown(service):
    token = service.app.tokenize(made_up(1))
    service.keeper.kill()
    root = service.keeper_directory / "service-root.key"
    shutil.move(root, service.directory / "root.away")
    done = service.start_keeper().keeper.process.wait(30)
    assert done != 0 and "service-root.key" in service.keeper_log.read_text()
    answer = service.app.post("/v1/fields/pan/detokenize", {"token": token})
    assert (answer.status_code, problem(answer)) == (503, "unavailable")
    shutil.move(service.directory / "root.away", root)
    service.start_keeper()
    service.wait_ready()
    assert service.app.detokenize(token) == made_up(1)


def test_init_makes_no_second_service_root_for_a_database_with_cards(service):
    service.app.tokenize(made_up(1))
    service.stop()
    service.sql("DELETE FROM ring")
    done = service.jeton("init", "--operator-key", service.directory / "second.key", check=False)
    assert done.returncode == 1 and "the database has cards, but no ring" in done.stderr
