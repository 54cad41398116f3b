# SPDX-License-Identifier: Apache-2.0
"""Backups of keys: sealed files that count once a keeper has opened what was read back."""

import base64
import hashlib
import json
import shutil
import stat

from cards import made_up
from service import problem, wait_until

MASTER_ONLY = ["master.key"]


def backup(service, name, **kwargs):
    path = service.directory / name
    done = service.jeton("keys", "backup", path, **kwargs)
    return path, done


def rows(service, table):
    return service.sql(f"SELECT count(*) FROM {table}")[0][0]


def listed(service):
    answer = service.operator.get("/v1/backups")
    assert answer.status_code == 200, (answer.status_code, problem(answer))
    return answer.json()["backups"]


def test_a_single_node_rolls_with_a_backup_instead_of_a_reason(make_service):
    service = make_service()
    operator = service.operator
    number = operator.create_generation()
    answer = operator.post(f"/v1/generations/{number}/activate")
    assert (answer.status_code, problem(answer)) == (409, "needs-durable-holder")
    # A backup of before the key was made does not have it.
    path, done = backup(service, "a.backup")
    assert f"generations 1, {number}" in done.stdout
    later = operator.create_generation()
    answer = operator.post(f"/v1/generations/{number}/activate")
    assert answer.status_code == 200, problem(answer)
    assert answer.json()["holder_override"] is None
    recorded = operator.get("/v1/backups").json()["backups"][0]
    assert answer.json()["second_holder"] == f"backup {recorded['digest']}"
    answer = operator.post(f"/v1/generations/{later}/activate")
    assert (answer.status_code, problem(answer)) == (409, "needs-durable-holder")
    done = service.jeton("keys", "backup", "--check", path, check=False)
    assert done.returncode == 1 and f"LACKS        the keys of generations {later}" in done.stdout
    backup(service, "b.backup")
    done = service.jeton("keys", "activate", later)
    assert "active" in done.stdout
    log = service.front_log.read_text(encoding="utf-8")
    digest = hashlib.sha256((service.directory / "b.backup").read_bytes()).hexdigest()
    assert f"generation {later}: the second holder of its key is the backup {digest}" in log


def test_a_file_is_private_new_and_recorded_with_what_is_in_it(make_service):
    service = make_service()
    path, done = backup(service, "a.backup")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest in done.stdout and "master key" in done.stdout
    [row] = listed(service)
    assert (row["digest"], row["verified_by"], row["lacks"]) == (digest, "operator", [])
    generation = service.operator.generations()[1]
    assert row["generations"] == [{k: generation[k] for k in ("number", "key_id", "check_value")}]
    assert row["epoch"] == service.operator.epoch()
    # Never in the place of another file, and then no key leaves.
    before = path.read_bytes()
    done = service.jeton("keys", "backup", path, check=False)
    assert done.returncode == 1 and "exists already" in done.stderr
    assert path.read_bytes() == before
    assert rows(service, "audit WHERE action = 76") == 1
    assert rows(service, f"audit WHERE action = 77 AND object = '{digest}'") == 1
    assert digest[:16] in service.jeton("keys", "backups").stdout
    assert json.loads(service.jeton("keys", "backups", "--json").stdout)["backups"] == [row]
    # The file is gone.
    service.jeton("keys", "backups", "--forget", digest)
    assert listed(service) == []
    done = service.jeton("keys", "backups", "--forget", digest, check=False)
    assert done.returncode == 2 and "not-found" in done.stderr


def test_generations_tell_which_backups_hold_their_keys(make_service):
    service = make_service()
    operator = service.operator
    first, _ = backup(service, "a.backup")
    operator.roll()
    second, _ = backup(service, "b.backup")
    digests = [hashlib.sha256(p.read_bytes()).hexdigest() for p in (first, second)]
    generations = json.loads(service.jeton("keys", "list", "--json").stdout)["generations"]
    holding = {g["number"]: {b["digest"] for b in g["backups"]} for g in generations}
    assert holding == {1: set(digests), 2: {digests[1]}}
    one = operator.get("/v1/generations/2").json()
    assert [b["digest"] for b in one["backups"]] == [digests[1]]
    operator.retire(1)
    one = operator.get("/v1/generations/1").json()
    assert {b["digest"] for b in one["backups"]} == set(digests)


def test_what_does_not_open_here_is_refused_and_not_recorded(make_service):
    service, other = make_service(), make_service()
    operator = service.operator
    path, _ = backup(other, "x.backup")
    good = base64.b64decode(operator.post("/v1/backups").json()["file"])
    cases = {
        "made under another master key": path.read_bytes(),
        "altered or cut": good[:-1],
        "or is no backup": b"hello",
        "is no backup": good[:100] + bytes([good[100] ^ 1]) + good[101:],
    }
    for reason, data in cases.items():
        body = {"file": base64.b64encode(data).decode("ascii")}
        answer = operator.post("/v1/backups/verify", body)
        assert (answer.status_code, problem(answer)) == (422, "backup-refused")
        assert reason in answer.json()["reason"]
        bad = service.directory / "bad.backup"
        bad.write_bytes(data)
        done = service.jeton("keys", "backup", "--check", bad, check=False)
        assert done.returncode == 2 and reason in done.stderr
    for body in ({"file": "!"}, {"file": ""}, {"file": base64.b64encode(bytes(20000)).decode()}):
        answer = operator.post("/v1/backups/verify", body)
        assert (answer.status_code, problem(answer)) == (422, "invalid-value")
    assert listed(service) == []
    assert rows(service, "backup") == 0
    # A client that does not operate gets none.
    assert service.app.post("/v1/backups").status_code == 403
    assert service.app.get("/v1/backups").status_code == 403


def test_a_row_that_no_keeper_gave_counts_for_nothing(make_service):
    """The DBA makes rows, alters them, and puts those of another installation in."""
    service, other = make_service(), make_service()
    operator = service.operator
    backup(service, "a.backup")
    backup(other, "x.backup")
    number = operator.create_generation()
    row = operator.generations()[number]
    entry = "int8send({number}) || set_byte('\\x00', 0, {key_id}) || decode('{check_value}', 'hex')"
    entry = entry.format(**row)
    # One more generation in the receipt, the digest of another file, a row of elsewhere.
    service.sql(
        "INSERT INTO backup SELECT sha256('x'), "
        "substr(body, 1, 56) || '\\x0002' || substr(body, 59)"
        f" || {entry}, mac, made_at, verified_at, verified_by, node FROM backup"
    )
    service.sql(
        "INSERT INTO backup SELECT sha256('y'), body, mac, made_at, verified_at, 'mallory', node "
        "FROM backup WHERE digest <> sha256('x')"
    )
    body, mac = other.sql("SELECT body, mac FROM backup")[0]
    with service.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jeton.backup VALUES (%s, %s, %s, now(), now(), 'mallory', 'node1')",
            (bytes(body)[:32], bytes(body), bytes(mac)),
        )
    assert rows(service, "backup") == 4
    assert [b["verified_by"] for b in listed(service)] == ["operator"]
    answer = operator.post(f"/v1/generations/{number}/activate")
    assert (answer.status_code, problem(answer)) == (409, "needs-durable-holder")
    log = service.front_log.read_text(encoding="utf-8")
    assert "alarm: 3 rows of table backup are no keeper's" in log
    # What is longer than any receipt is not looked at, and stops nothing.
    service.sql(
        "UPDATE backup SET body = body || decode(repeat('00', 9000), 'hex') "
        "WHERE digest = sha256('x')"
    )
    assert len(listed(service)) == 1
    # A good receipt, put back after it was forgotten, counts again: it is true as it was.
    backup(service, "b.backup")
    assert operator.post(f"/v1/generations/{number}/activate").status_code == 200


# -- a keeper's directory that was lost


def lose(service):
    """The directory is gone; the master key comes from where it is kept."""
    master = (service.keeper_directory / "master.key").read_bytes()
    shutil.rmtree(service.keeper_directory)
    service.keeper_directory.mkdir(mode=0o700)
    put(service.keeper_directory / "master.key", master)


def put(path, data):
    path.write_bytes(data)
    path.chmod(0o600)


def contents(service):
    return {p.name: p.read_bytes() for p in service.keeper_directory.iterdir()}


def cards(first, n):
    return [made_up(i) for i in range(first, first + n)]


def restore(service, path, check=True):
    return service.jeton("keys", "restore", path, check=check)


def test_a_lost_directory_of_the_only_node_is_restored(make_service):
    """With a roll after the backup, whose key was in it, and cards stored since."""
    service = make_service()
    first = cards(0, 20)
    tokens = service.app.tokenize_many(first)
    number = service.operator.create_generation()
    path, _ = backup(service, "a.backup")
    assert service.operator.post(f"/v1/generations/{number}/activate").status_code == 200
    then = cards(1000, 20)
    tokens += service.app.tokenize_many(then)
    epoch = service.operator.epoch()
    newest = service.sql("SELECT max(id) FROM card")[0][0]
    service.stop()
    lose(service)
    done = restore(service, path)
    assert f"the keys of generations 1, {number}" in done.stdout
    assert (
        f"The database's ring is good: epoch {epoch}" in done.stdout
        and done.stderr.count("is not in the file") == 0
    )
    service.start()
    assert service.app.detokenize_many(tokens) == first + then
    assert service.app.tokenize_many(first + then) == tokens  # and found again
    service.app.tokenize_many(cards(5000, 5))
    assert service.sql(f"SELECT count(*) FROM card WHERE id > {newest}")[0][0] == 5
    assert service.sql("SELECT client FROM audit WHERE action = 79")[0][0].startswith("local:")
    assert service.operator.roll() == number + 1


def test_a_key_made_after_the_backup_comes_from_another_node(make_service):
    service = make_service()
    path, _ = backup(service, "a.backup")
    other = service.add_node()
    number = service.operator.roll()
    pans = cards(0, 10)
    tokens = service.app.tokenize_many(pans)
    service.front.stop()
    service.keeper.stop()
    lose(service)
    done = restore(service, path)
    assert f"generation {number}, active, is not in the file" in done.stderr
    service.start()
    assert service.app.detokenize_many(tokens) == pans
    assert (service.keeper_directory / f"generation-{number}.key").exists()
    other.wait_ready()


def test_what_cannot_be_restored_changes_nothing(make_service):
    service, other = make_service(), make_service()
    path, _ = backup(service, "a.backup")
    foreign, _ = backup(other, "x.backup")
    good = path.read_bytes()
    # The keeper runs; then it does not, and has its keys.
    done = restore(service, path, check=False)
    assert done.returncode == 1 and "must not run" in done.stderr
    service.stop()
    before = contents(service)
    done = restore(service, path, check=False)
    assert done.returncode == 1 and "has keys already" in done.stderr
    # The service root alone is gone: that is no directory to be filled.
    (service.keeper_directory / "service-root.key").unlink()
    assert restore(service, path, check=False).returncode == 1
    assert (service.keeper_directory / "service-root.key").exists() is False
    put(service.keeper_directory / "service-root.key", before["service-root.key"])
    assert contents(service) == before
    lose(service)
    bad = service.directory / "bad.backup"
    for data, why in (
        (good[:-1], "altered or cut"),
        (b"", "altered or cut"),
        (good[:200] + bytes([good[200] ^ 4]) + good[201:], "altered or cut"),
        (foreign.read_bytes(), "another master key"),
    ):
        bad.write_bytes(data)
        done = restore(service, bad, check=False)
        assert done.returncode == 1 and why in done.stderr and "nothing was changed" in done.stderr
        assert list(contents(service)) == MASTER_ONLY
    (service.keeper_directory / "master.key").unlink()
    done = restore(service, path, check=False)
    assert done.returncode == 1 and "has no master.key" in done.stderr
    assert contents(service) == {}
    put(service.keeper_directory / "master.key", before["master.key"])
    restore(service, path)
    service.start()


def test_a_restore_that_was_cut_off_is_repeated(make_service):
    """Killed after each file that it writes, or while it writes the next one."""
    service = make_service()
    token = service.app.tokenize(made_up(1))
    service.operator.roll()
    path, _ = backup(service, "a.backup")
    service.stop()
    service.configure(database_conninfo=f"host={service.directory} dbname=none")
    lose(service)
    restore(service, path)  # the database cannot be asked now, which is no obstacle
    order = ["state", "service-root.key"]
    order += [f"generation-{n}.{what}" for n in (1, 2) for what in ("key", "used")]
    whole = contents(service)
    assert sorted(whole) == sorted(order + MASTER_ONLY)
    for n in range(len(order)):
        lose(service)
        for name in order[:n]:
            put(service.keeper_directory / name, whole[name])
        put(service.keeper_directory / f"{order[n]}.new", whole[order[n]][:20])
        restore(service, path)
        keys = {name: data for name, data in contents(service).items() if name.endswith("used")}
        assert sorted(contents(service)) == sorted(whole) and len(keys) == 2
    service.configure()
    service.start()
    assert service.app.detokenize(token) == made_up(1)


# -- who has the service root


def holders(service):
    return service.operator.get("/v1/status").json()["holders"]


def test_a_service_root_in_one_place_is_told(make_service):
    service = make_service()
    one = {"service_root": 1, "backup_verified_at": None, "backup_lacks": 1}
    wait_until(lambda: holders(service) == one, "one holder is known")
    assert "THE SERVICE ROOT IS IN ONE PLACE ONLY" in service.jeton("status").stdout
    alone = "the service root is in one place only"
    assert service.front_log.read_text(encoding="utf-8").count(alone) == 1
    # Rows of others that no keeper made are no holders.
    service.sql(
        "INSERT INTO node SELECT (r).* FROM (SELECT jsonb_populate_record(n, "
        '\'{"name": "planted", "number": 77}\') AS r FROM node n) x'
    )
    service.operator.create_generation()
    backup(service, "a.backup")
    wait_until(lambda: holders(service)["service_root"] == 2, "the backup is seen")
    [row] = listed(service)
    assert holders(service)["backup_verified_at"] == row["verified_at"]
    assert holders(service)["backup_lacks"] == 0
    assert "the service root is in 2 places" in service.jeton("status").stdout
    service.jeton("keys", "backups", "--forget", row["digest"])
    wait_until(lambda: holders(service)["service_root"] == 1, "the backup is gone")
    assert service.front_log.read_text(encoding="utf-8").count(alone) == 2
    service.sql("DELETE FROM node WHERE name = 'planted'")
    service.add_node()
    wait_until(lambda: holders(service)["service_root"] == 2, "two nodes are seen")


def test_the_first_generation_needs_two_holders_as_well(make_service):
    service = make_service(start=False)
    service.start()
    number = service.operator.create_generation()
    answer = service.operator.post(f"/v1/generations/{number}/activate")
    assert (answer.status_code, problem(answer)) == (409, "needs-durable-holder")
    assert "backup" in answer.json()["detail"]
    backup(service, "a.backup")
    assert service.operator.post(f"/v1/generations/{number}/activate").status_code == 200
    service.wait_ready()
