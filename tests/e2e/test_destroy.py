# SPDX-License-Identifier: Apache-2.0
"""Custodians, and the destruction of keys: who decides, what cancels it, what is left of it."""

import base64
import os
import pty
import re
import shutil
import subprocess

import pytest

from cards import made_up
from custody import Custodians, destroy, destruction, key_files
from service import BIN, Api, Service, wait_until
from test_reference import run_reader

FAST = {"keeper_destroy_grace": 0}


@pytest.fixture
def fast(make_service):
    service = make_service(options=FAST)
    service.pans = []  # for the reader
    service.custodians = Custodians(service, "alice", "bob", "carol")
    assert service.custodians.enroll().returncode == 0
    return service


def retired(service):
    """A roll, and the generation before retired; its number."""
    number = max(g["number"] for g in service.operator.generations().values())
    service.app.tokenize(made_up(number, series="destroy"))
    service.operator.roll()
    service.operator.retire(number)
    return number


def test_a_key_is_destroyed_by_two_custodians(fast):
    number = retired(fast)
    files = key_files(fast)
    assert f"generation-{number}.key" in files and f"generation-{number}.used" in files
    asked = fast.jeton("keys", "destroy", number)
    assert "act: destroy-key\n" in asked.stdout
    assert f"generation: {number}\n" in asked.stdout
    assert destruction(fast, number)["state"] == "waiting"
    one = fast.custodians.approve(number, "alice")
    assert "waiting" in one.stdout
    again = fast.custodians.approve(number, "alice")
    assert "waiting" in again.stdout, "the same custodian twice counts once"
    assert f"generation-{number}.key" in key_files(fast)
    fast.custodians.approve(number, "bob")
    done = wait_until(
        lambda: (now := destruction(fast, number))["state"] == "certified" and now,
        "the key is gone",
    )
    assert f"generation-{number}.key" not in key_files(fast)
    assert f"generation-{number}.used" not in key_files(fast)
    text = done["certificate"]["text"]
    assert text.startswith("jeton destruction certificate v1\nenvironment: development\n")
    assert re.search(r"\napproved-by: jcp_alice_\w+\napproved-by: jcp_bob_\w+\n", text)
    assert re.search(rf"\nerased-by: {fast.node} [0-9a-f]{{32}}\n", text)
    printed = fast.jeton("keys", "certificate", number, "--destruction").stdout
    assert printed.startswith(text)
    reads = run_reader(fast)
    assert reads.returncode == 0 and "destroyed keys: 1 certificates good" in reads.stdout
    # a certificate that was altered, and a custodian's signature that is another's
    fast.sql("UPDATE destruction SET certificate = replace(certificate, 'bob', 'eve')")
    assert "the signature is not that of the text" in run_reader(fast).stdout
    fast.sql("UPDATE destruction SET certificate = replace(certificate, 'eve', 'bob')")
    fast.sql("UPDATE approval SET signature = decode(repeat('00', 64), 'hex')")
    assert "not approved by those whom it names" in run_reader(fast).stdout
    state = fast.operator.generations()[number]
    assert state["state"] == "destroyed" and state["destroyed_by"] == "operator"
    # cards go on
    assert fast.app.detokenize(fast.app.tokenize(made_up(7, series="after"))) is not None


def test_nobody_else_approves(fast):
    number = retired(fast)
    fast.operator.post(f"/v1/generations/{number}/destroy")
    stranger = Custodians(fast, "mallory")
    refused = stranger.approve(number, "mallory", check=False)
    assert refused.returncode == 2 and "no such custodian" in refused.stderr
    # the name of a custodian, and another's key
    shutil.copy(stranger.key("mallory"), fast.directory / "forged.key")
    wrong = fast.jeton(
        "keys",
        "approve",
        number,
        "--custodian",
        "alice",
        "--key",
        fast.directory / "forged.key",
        "--passphrase-file",
        stranger.phrase,
        "--yes",
        check=False,
    )
    assert wrong.returncode == 78 and "mallory" in wrong.stderr
    answer = fast.operator.post(
        f"/v1/generations/{number}/approve", {"approval": "jca_alice_" + "0" * 103}
    )
    assert answer.status_code == 409, answer.text
    assert destruction(fast, number)["approvals"] == []
    # what was signed for one key is nothing for another
    other = retired(fast)
    fast.operator.post(f"/v1/generations/{other}/destroy")
    fast.custodians.approve(number, "alice")
    signature = fast.sql("SELECT signature FROM approval WHERE generation = %s", (number,))[0][0]
    fast.sql(
        "INSERT INTO approval (generation, custodian, signature, carried_by) "
        "VALUES (%s, 'alice', %s, 'dba'), (%s, 'bob', %s, 'dba')",
        (other, signature, other, signature),
    )
    assert destruction(fast, other)["state"] == "waiting"
    assert f"generation-{other}.key" in key_files(fast)


def test_only_a_retired_and_certified_generation_is_destroyed(fast):
    active = max(g["number"] for g in fast.operator.generations().values())
    answer = fast.operator.post(f"/v1/generations/{active}/destroy")
    assert answer.status_code == 409 and "only the key of a retired" in answer.text
    fast.operator.roll()
    answer = fast.operator.post(f"/v1/generations/{active}/destroy")
    assert answer.status_code == 409
    assert fast.operator.get(f"/v1/generations/{active}/destruction").status_code == 404
    fast.operator.retire(active)
    # the certificate is a keeper's word, or it is none
    fast.sql(
        "UPDATE retirement SET certificate = replace(certificate, 'rows-left: 0', 'rows-left: 1') "
        "WHERE generation = %s",
        (active,),
    )
    answer = fast.operator.post(f"/v1/generations/{active}/destroy")
    assert answer.status_code == 409 and "not certified" in answer.text


def test_without_custodians_nothing_is_destroyed(service):
    service.app.tokenize(made_up(1))
    service.operator.roll()
    service.operator.retire(1)
    answer = service.operator.post("/v1/generations/1/destroy")
    assert answer.status_code == 409 and "no custodians" in answer.text
    assert service.operator.get("/v1/custodians").json() == {
        "version": 0,
        "environment": None,
        "service_root": None,
        "custodians": [],
    }
    # a front never enrolls the first ones
    keys = Custodians(service, "alice", "bob")
    answer = service.operator.post(
        "/v1/custodians",
        {"custodians": list(keys.texts.values()), "approvals": ["jca_alice_" + "0" * 103]},
    )
    assert answer.status_code == 409, answer.text


def holder(service):
    """An envelope of an application, sealed under the active generation."""
    service.operator.post("/v1/fields", {"name": "secret", "kind": "bytes"})
    held = Api(service, service.new_client("held", ["encrypt", "decrypt"]))
    body = {"row_id": "1", "value": base64.b64encode(b"value").decode()}
    envelope = held.post("/v1/fields/secret/encrypt", body).json()["envelope"]
    return held, {"row_id": "1", "envelope": envelope}


def test_a_use_in_the_grace_cancels_it_and_a_request_is_not_brought_back(make_service):
    service = make_service(options={"keeper_destroy_grace": 3600})
    custodians = Custodians(service, "alice", "bob")
    assert custodians.enroll().returncode == 0
    held, sealed = holder(service)
    number = retired(service)
    text = service.operator.post(f"/v1/generations/{number}/destroy").json()["text"]
    assert re.search(r"\nheld: secret sealed 2\S+ opened never\n", text)
    custodians.approve(number, "alice")
    assert held.post("/v1/fields/secret/decrypt", sealed).status_code == 200
    custodians.approve(number, "bob")
    wait_until(lambda: destruction(service, number)["state"] == "approved", "the grace runs")
    kept = service.sql("SELECT body, mac FROM destruction")[0]
    signatures = service.sql("SELECT custodian, signature FROM approval")
    # what does not open is counted, and changes nothing
    broken = dict(sealed, row_id="2")
    assert held.post("/v1/fields/secret/decrypt", broken).status_code != 200
    wait_until(lambda: destruction(service, number)["nodes"][0]["not_opened"] == 1, "it is counted")
    assert destruction(service, number)["state"] == "approved"
    assert held.post("/v1/fields/secret/decrypt", sealed).status_code == 200
    wait_until(lambda: destruction(service, number)["state"] == "cancelled", "it is cancelled")
    assert "its destruction is cancelled" in service.keeper_log.read_text()
    refused = custodians.approve(number, "alice", check=False)
    assert refused.returncode == 2 and "cancelled" in refused.stderr
    # a keeper that starts anew knows it still
    assert service.keeper.stop() == 0
    service.start_keeper()
    service.wait_ready()
    assert destruction(service, number)["state"] == "cancelled"
    # another one has to be approved anew, and the old one is no help to anybody
    again = service.operator.post(f"/v1/generations/{number}/destroy").json()
    assert again["state"] == "waiting" and again["approvals"] == [] and again["text"] != text
    service.sql("UPDATE destruction SET body = %s, mac = %s", kept)
    for custodian, signature in signatures:
        service.sql(
            "INSERT INTO approval (generation, custodian, signature, carried_by) "
            "VALUES (%s, %s, %s, 'dba')",
            (number, custodian, signature),
        )
    assert destruction(service, number)["state"] == "cancelled"
    assert f"generation-{number}.key" in key_files(service)


def test_a_grace_is_not_over_by_a_restart(make_service):
    service = make_service(options={"keeper_destroy_grace": 3600})
    custodians = Custodians(service, "alice", "bob")
    assert custodians.enroll().returncode == 0
    number = retired(service)
    service.operator.post(f"/v1/generations/{number}/destroy")
    for name in custodians.texts:
        custodians.approve(number, name)
    wait_until(lambda: destruction(service, number)["nodes"][0]["state"] == "grace", "it runs")
    # neither a smaller option nor a restart nor a deleted approval makes it shorter
    service.configure(keeper_destroy_grace=0)
    service.keeper.kill()
    service.start_keeper()
    service.wait_ready()
    node = destruction(service, number)["nodes"][0]
    assert node["state"] == "grace" and 3500 < node["seconds_left"] <= 3600
    service.sql("DELETE FROM approval")
    service.sql("DELETE FROM destruction_node")
    assert destruction(service, number)["state"] == "approved"
    assert f"generation-{number}.key" in key_files(service)


def test_every_node_erases_its_key_and_a_node_that_was_away_when_it_comes_back(fast):
    second = fast.add_node(**FAST)
    number = retired(fast)
    wait_until(lambda: f"generation-{number}.key" in key_files(second), "the second has the key")
    old = second.directory / "old-directory"
    second.stop()
    shutil.copytree(second.keeper_directory, old)
    # a killed front leaves its row: it is waited for
    second.start()
    second.wait_ready()
    second.front.kill()
    fast.operator.post(f"/v1/generations/{number}/destroy")
    for name in ("alice", "bob"):
        fast.custodians.approve(number, name)
    wait_until(lambda: destruction(fast, number)["state"] == "erasing", "the ring is without it")

    def said():
        return {n["node"]: n["state"] for n in destruction(fast, number)["nodes"]}

    wait_until(lambda: said()[fast.node] == "erased", "its own keeper says so")
    assert f"generation-{number}.key" not in key_files(fast)
    assert f"generation-{number}.key" in key_files(second)
    assert said()[second.node] != "erased" and destruction(fast, number)["state"] == "erasing"
    second.start_front()
    wait_until(lambda: destruction(fast, number)["state"] == "certified", "both have erased it")
    assert f"generation-{number}.key" not in key_files(second)
    # an old copy of the directory holds the key again, until it is shown what has happened
    second.stop()
    shutil.rmtree(second.keeper_directory)
    shutil.copytree(old, second.keeper_directory)
    assert f"generation-{number}.key" in key_files(second)
    second.start()
    wait_until(lambda: f"generation-{number}.key" not in key_files(second), "it goes again")


def test_key_ids_are_used_again(fast):
    """600 generations: tests/unit/keeper/test_destructions.c; here a few, by everybody."""
    token = fast.app.tokenize(made_up(1, series="again"))
    used = set()
    for _ in range(5):
        number = retired(fast)
        destroy(fast, fast.custodians, number)
        generations = fast.operator.generations()
        live = [g for g in generations.values() if g["state"] != "destroyed"]
        used |= {g["key_id"] for g in live}
        assert len(live) == 1
    assert used <= {1, 2} and fast.app.detokenize(token) == made_up(1, series="again")


def test_whoever_writes_to_the_database_destroys_nothing_and_brings_nothing_back(fast):
    number = retired(fast)
    other = retired(fast)
    # no row makes a custodian
    fast.sql(
        "INSERT INTO custodian_set (version, body, mac, stored_by) "
        "SELECT version + 1, body, mac, 'dba' FROM custodian_set"
    )
    log = fast.front_log
    wait_until(lambda: "alarm: the custodians in the database" in log.read_text(), "an alarm")
    fast.sql("DELETE FROM custodian_set")
    wait_until(lambda: fast.sql("SELECT version FROM custodian_set") == [(1,)], "it is put back")
    # a request that no keeper made is none
    fast.operator.post(f"/v1/generations/{number}/destroy")
    fast.sql("UPDATE destruction SET body = set_byte(body, 100, 66)")
    refused = fast.operator.get(f"/v1/generations/{number}/destruction")
    assert refused.status_code >= 400
    # the state of the row alone destroys nothing
    fast.sql(
        "UPDATE generation SET state = 5, destroyed_at = now(), destroyed_by = 'dba' "
        "WHERE number = %s",
        (other,),
    )
    assert f"generation-{other}.key" in key_files(fast)
    fast.sql("UPDATE generation SET state = 4 WHERE number = %s", (other,))
    old = fast.sql("SELECT mac_epoch, mac FROM generation WHERE number = %s", (number,))[0]
    done = destroy(fast, fast.custodians, number)
    assert done["state"] == "certified"
    # and after it, nothing brings it back
    fast.sql("DELETE FROM destruction_node")
    fast.sql("DELETE FROM approval")
    fast.sql("DELETE FROM destruction")
    fast.sql("UPDATE generation SET state = 4 WHERE number = %s", (number,))
    assert fast.operator.post(f"/v1/generations/{number}/destroy").status_code >= 400
    fast.sql("UPDATE generation SET mac_epoch = %s, mac = %s WHERE number = %s", (*old, number))
    assert fast.operator.post(f"/v1/generations/{number}/destroy").status_code == 409
    assert f"generation-{number}.key" not in key_files(fast)


def test_after_it_no_envelope_opens_even_with_the_old_database(fast):
    held, sealed = holder(fast)
    number = retired(fast)
    assert held.post("/v1/fields/secret/decrypt", sealed).status_code == 200
    dump = fast.sql(
        "SELECT number, key_id, state, check_value, mac_epoch, mac FROM generation "
        "WHERE number = %s",
        (number,),
    )[0]
    ring = fast.sql("SELECT epoch, body, mac FROM ring")[0]
    destroy(fast, fast.custodians, number)
    refused = held.post("/v1/fields/secret/decrypt", sealed)
    assert refused.status_code >= 400 and "value" not in refused.json()
    # the old ring is behind what the keeper knows, and the key is not there in any case
    fast.sql("UPDATE ring SET epoch = %s, body = %s, mac = %s", ring)
    fast.sql(
        "UPDATE generation SET state = %s, mac_epoch = %s, mac = %s WHERE number = %s",
        (dump[2], dump[4], dump[5], number),
    )
    fast.wait_unready()
    assert held.post("/v1/fields/secret/decrypt", sealed).status_code >= 400
    assert f"generation-{number}.key" not in key_files(fast)


def test_custodians_are_replaced_by_two_of_them(fast):
    next_ones = Custodians(fast, "dave", "erin")
    texts = list(next_ones.texts.values())

    def approval(name):
        return fast.jeton(
            "custodian",
            "approve",
            *texts,
            "--custodian",
            name,
            "--key",
            fast.custodians.key(name),
            "--passphrase-file",
            fast.custodians.phrase,
        ).stdout.strip()

    alice, bob = approval("alice"), approval("bob")
    refused = fast.jeton("custodian", "replace", *texts, alice, alice, check=False)
    assert refused.returncode == 2 and "not approved" in refused.stderr
    listed = fast.jeton("custodian", "replace", *texts, alice, bob).stdout
    assert "version 2" in listed and "dave" in listed and "alice" not in listed
    number = retired(fast)
    fast.operator.post(f"/v1/generations/{number}/destroy")
    assert fast.custodians.approve(number, "alice", check=False).returncode == 2
    # the same approvals are of no use a second time
    refused = fast.jeton("custodian", "replace", *texts, alice, bob, check=False)
    assert refused.returncode == 2
    for name in next_ones.texts:
        next_ones.approve(number, name)
    wait_until(lambda: destruction(fast, number)["state"] == "certified", "the new ones count")
    # a second node learns of all versions, and enrolls none of its own
    second = fast.add_node(**FAST)
    assert len(second.operator.get("/v1/custodians").json()["custodians"]) == 2
    assert Custodians(fast, "frank", "grace").enroll(second).returncode == 1


def test_init_enrolls_custodians(run_directory, cluster):
    service = Service(os.path.join(run_directory, "custody"), cluster, "custody")
    try:
        keys = Custodians(service, "alice", "bob")
        service.keeper_directory.mkdir(mode=0o700, exist_ok=True)
        service.jeton("migrate")
        init = ["init", "--operator-key", service.operator_key_file, "--custodians"]
        alice, bob = keys.texts.values()
        slip = bob[:-1] + ("0" if bob[-1] != "0" else "1")
        for wrong in (alice, f"{alice},{alice}", f"{alice},{slip}"):
            assert service.jeton(*init, wrong, check=False).returncode == 64
        assert not service.operator_key_file.exists()
        service.jeton(*init, f"{alice},{bob}")
        service.start_keeper()
        service.start_front()
        service.wait_manageable()
        listed = service.operator.get("/v1/custodians").json()
        assert listed["version"] == 1
        assert [c["text"] for c in listed["custodians"]] == [alice, bob]
    finally:
        service.stop()


def test_in_production_a_grace_is_a_day_or_more(service):
    service.stop()
    config = service.config.read_text(encoding="ascii")
    config = config.replace("environment = development", "environment = production")
    config = config.replace("[keeper]", "[keeper]\ndestroy_grace = 86399\nfront_user = nobody")
    service.config.write_text(config, encoding="ascii")
    done = subprocess.run(
        [str(BIN / "jeton-keeper"), "--config", str(service.config)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1 and "destroy_grace in [keeper] must be a day or more" in done.stderr


def test_a_custodians_file_is_private_and_never_written_over(service):
    keys = Custodians(service, "alice")
    path = keys.key("alice")
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    again = ["custodian", "key", path, "--name", "alice", "--passphrase-file", keys.phrase]
    refused = service.jeton(*again, check=False)
    assert refused.returncode == 1 and "exists already" in refused.stderr
    assert path.read_bytes() == before
    short = service.directory / "short"
    short.touch(0o600)
    short.write_text("1234567\n", encoding="ascii")
    refused = service.jeton(
        "custodian",
        "key",
        service.directory / "b.key",
        "--name",
        "b",
        "--passphrase-file",
        short,
        check=False,
    )
    assert refused.returncode == 1 and "8 characters" in refused.stderr
    assert (
        service.jeton(*again[:2], "x.key", "--name", "4111111111111111", check=False).returncode
        == 64
    )


def test_a_passphrase_is_asked_for_on_the_terminal_and_not_shown(service):
    path = service.directory / "tina.key"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(str(BIN / "jeton"), ["jeton", "custodian", "key", str(path), "--name", "tina"])
    shown = b""

    def read_until(mark):
        nonlocal shown
        while mark not in shown:
            shown += os.read(terminal, 1000)

    for prompt in (b"Passphrase: ", b"Again: "):
        read_until(prompt)
        os.write(terminal, b"not to be seen\n")
    read_until(b"jcp_tina_")
    assert os.waitpid(pid, 0)[1] == 0
    assert b"not to be seen" not in shown and path.exists()
