# SPDX-License-Identifier: Apache-2.0
"""A database that went back: nodes notice, say what disagrees, and wait; two custodians recover."""

import shutil
import subprocess
from datetime import datetime, timedelta, timezone

import pytest
import requests

import formats
from cards import made_up
from custody import Custodians, destroy, key_files
from service import RING_LOCK, pg_bin, problem, wait_until
from standby import Standby
from test_reference import run_reader

EPOCH_S = 1577836800  # 2020-01-01


class Copy:
    """The files of a cluster as they are at one moment."""

    def __init__(self, service, directory):
        self.cluster = service.cluster
        self.files = directory / "copy"
        self.cluster.stop()
        shutil.copytree(self.cluster.data, self.files)
        self.cluster.start()

    def put_back(self):
        self.cluster.stop("immediate")
        shutil.rmtree(self.cluster.data)
        shutil.copytree(self.files, self.cluster.data)
        self.cluster.start()


def history(service):
    """The reason that readyz gives, or None."""
    try:
        return requests.get(service.url + "/readyz", timeout=5).json().get("reason")
    except requests.RequestException:
        return None


def wait_for_reason(service, words):
    return wait_until(lambda: words in (history(service) or ""), f"readyz says: {words}")


@pytest.fixture
def own(make_cluster, make_service):
    """A service on a cluster of its own, with custodians."""
    service = make_service(cluster=make_cluster())
    service.custodians = Custodians(service, "alice", "bob")
    assert service.custodians.enroll().returncode == 0
    return service


def look(service):
    answer = service.operator.get("/v1/recovery")
    assert answer.status_code == 200, answer.text
    return answer.json()


def seen(service):
    """Waits until all that stands in the database was shown to the keeper of every node."""
    lsn = service.sql("SELECT pg_current_wal_flush_lsn()::text")[0][0]
    sql = "SELECT %s::pg_lsn >= %s::pg_lsn"
    for node in service.nodes:
        wait_until(
            lambda node=node: service.sql(sql, (look(node)["keeper"]["lsn"], lsn))[0][0],
            "the keeper has seen it",
        )


def gone(service, tokens):
    """Not one of the tokens is known."""
    items = {"items": [{"token": t} for t in tokens]}
    answer = service.app.post("/v1/fields/pan/detokenize", items)
    assert {r["status"] for r in answer.json()["results"]} == {404}


def rings_follow(service, epoch):
    assert service.operator.epoch() == epoch
    number = service.operator.roll()
    service.app.tokenize(made_up(number, series="after"))
    return number


def test_within_one_epoch_nothing_is_served_and_all_comes_back(own, tmp_path):
    kept = own.app.tokenize_many([made_up(n, series="kept") for n in range(20)])
    copy = Copy(own, tmp_path)
    own.wait_ready()
    lost = own.app.tokenize_many([made_up(n, series="lost") for n in range(20)])
    seen(own)
    copy.put_back()
    wait_for_reason(own, "an older copy of its files was restored")
    answer = own.app.post("/v1/fields/pan/detokenize", {"token": kept[0]})
    assert (answer.status_code, problem(answer)) == (503, "not-ready")
    answer = own.app.post("/v1/fields/pan/tokenize", {"pan": made_up(3)})
    assert (answer.status_code, problem(answer)) == (503, "not-ready")
    assert own.operator.post("/v1/generations/1/retire").status_code != 202
    assert own.sql("SELECT count(*) FROM card") == [(20,)]
    assert "seen: cluster" in own.keeper_log.read_text()
    status = own.jeton("status", check=False)
    assert "history   NOT WHAT WAS SEEN" in status.stdout
    verbose = requests.get(own.url + "/readyz?verbose", timeout=5).text
    assert "[-]history failed" in verbose and "see jeton recover" in verbose
    # also once its log has grown beyond what was lost, and after a restart of both
    own.sql("SELECT pg_switch_wal()")
    for daemon in (own.front, own.keeper):
        daemon.kill()
    own.start_keeper().start_front()
    wait_for_reason(own, "see jeton recover")
    shown = own.jeton("recover").stdout
    assert "see jeton recover" in shown and "Nobody has asked" in shown
    before = look(own)
    # by now its log is the longer one, and the node may have renewed its lease as often in it
    lsns = (before["database"]["lsn"], before["keeper"]["lsn"])
    assert own.sql("SELECT %s::pg_lsn > %s::pg_lsn", lsns) == [(True,)]
    assert [g["after"] for g in before["plan"]["generations"]] == ["active"]
    epoch = before["plan"]["epoch"]
    own.custodians.recover()
    assert own.app.detokenize_many(kept) == [made_up(n, series="kept") for n in range(20)]
    gone(own, lost)
    later = own.app.tokenize_many([made_up(n, series="later") for n in range(200)])
    assert not set(later) & set(lost)
    rings_follow(own, epoch)
    after = look(own)
    assert after["disagrees"] is None and after["request"]["state"] == "done"
    record = own.sql("SELECT object FROM audit WHERE action = 82")[0][0]
    assert (
        record.startswith(f"epoch 2 to {epoch}; seen: epoch 2, cluster ") and "; found: " in record
    )
    # what was signed once is nothing now
    answer = own.operator.post("/v1/recovery")
    assert answer.status_code == 409 and "nothing to recover" in answer.text


def test_a_copy_from_before_a_roll_and_a_retirement(own, tmp_path):
    """Generation 1 is retired by now, and has all the cards of the copy; 2 and 3 are not known."""
    own.pans = []  # for the reader
    kept = own.app.tokenize_many([made_up(n, series="kept") for n in range(50)])
    copy = Copy(own, tmp_path)
    own.wait_ready()
    own.operator.roll()
    own.operator.retire(1)
    own.operator.roll()
    lost = own.app.tokenize_many([made_up(n, series="lost") for n in range(50)])
    epoch = own.operator.epoch()
    seen(own)
    copy.put_back()
    wait_for_reason(own, "see jeton recover")
    plan = {g["number"]: g for g in look(own)["plan"]["generations"]}
    assert (plan[1]["keeper"], plan[1]["database"], plan[1]["after"]) == (
        "retired",
        "active",
        "draining",
    )
    assert plan[1]["cards"] == 50 and plan[1]["held_by"] == [own.node]
    assert (plan[2]["keeper"], plan[2]["database"], plan[2]["after"]) == (
        "draining",
        None,
        "draining",
    )
    assert (plan[3]["keeper"], plan[3]["database"], plan[3]["after"]) == ("active", None, "active")
    own.custodians.recover()
    states = {n: g["state"] for n, g in own.operator.generations().items()}
    assert states == {1: "draining", 2: "draining", 3: "active"}
    assert own.app.detokenize_many(kept) == [made_up(n, series="kept") for n in range(50)]
    gone(own, lost)
    later = own.app.tokenize_many([made_up(n, series="later") for n in range(200)])
    assert not set(later) & set(lost + kept)
    assert own.operator.epoch() > epoch + 900
    # life goes on: all of it retires, and numbers go on
    for number in (1, 2):
        own.operator.retire(number)
    reads = run_reader(own).stdout
    assert "recoveries: 1 carried out" in reads, reads
    # the front ran on: its chains have a gap where the database was put back, and nothing is hidden
    faults = [line for line in reads.splitlines() if line.startswith("FAULT ")]
    assert faults and all(line.startswith("FAULT audit: ") for line in faults), reads
    assert own.operator.roll() == 4
    assert own.app.detokenize_many(kept) == [made_up(n, series="kept") for n in range(50)]
    # and the second copy, taken before all of that, is refused by the word of the first as well
    recovery = rows_of(own, "recovery")
    seen(own)
    copy.put_back()
    wait_for_reason(own, "see jeton recover")
    put_rows(own, "recovery", recovery)
    ring = own.sql("SELECT epoch FROM ring")
    answer = own.operator.post("/v1/recovery/approve", {"approval": "jca_alice_" + "0" * 103})
    assert answer.status_code == 404, answer.text
    assert own.sql("SELECT epoch FROM ring") == ring and history(own) is not None
    own.custodians.recover()
    assert own.app.detokenize_many(kept) == [made_up(n, series="kept") for n in range(50)]


def rows_of(service, table):
    columns = [
        c
        for (c,) in service.sql(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'jeton' "
            "AND table_name = %s AND column_name <> 'id' ORDER BY ordinal_position",
            (table,),
        )
    ]
    return columns, service.sql(f"SELECT {', '.join(columns)} FROM {table}")


def put_rows(service, table, rows):
    columns, values = rows
    for row in values:
        service.sql(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES "
            f"({', '.join(['%s'] * len(columns))})",
            row,
        )


def test_what_is_destroyed_is_not_brought_back(make_cluster, make_service, tmp_path):
    own = make_service(cluster=make_cluster(), options={"keeper_destroy_grace": 0})
    own.custodians = Custodians(own, "alice", "bob", "carol")
    assert own.custodians.enroll().returncode == 0
    old = own.app.tokenize_many([made_up(n, series="old") for n in range(7)])
    copy = Copy(own, tmp_path)
    own.wait_ready()
    own.operator.roll()
    own.operator.retire(1)
    destroy(own, own.custodians, 1)
    seen(own)
    copy.put_back()
    wait_for_reason(own, "see jeton recover")
    asked = own.jeton("recover", "ask")
    assert "keeper destroyed database active cards 7 becomes destroyed CARDS LOST\n" in asked.stdout
    assert "\ncards-lost: 7\n" in asked.stdout
    assert "CARDS LOST" in own.jeton("recover").stdout
    # one custodian, the same one twice, a stranger, another's name, another text
    assert "waiting" in own.custodians.approve_recovery("alice").stdout
    assert "waiting" in own.custodians.approve_recovery("alice").stdout
    stranger = Custodians(own, "mallory")
    refused = stranger.approve_recovery("mallory", check=False)
    assert refused.returncode == 2 and "no such custodian" in refused.stderr
    answer = own.operator.post("/v1/recovery/approve", {"approval": "jca_bob_" + "0" * 103})
    assert answer.status_code == 409, answer.text
    kept = own.sql("SELECT signature FROM recovery_approval")[0][0]
    own.sql(
        "INSERT INTO recovery_approval (recovery, custodian, signature, carried_by) "
        "SELECT id, 'bob', %s, 'dba' FROM recovery",
        (kept,),
    )
    assert look(own)["request"]["state"] == "waiting"
    # an approval of an earlier request is none of the next one
    own.sql("DELETE FROM recovery_approval WHERE custodian = 'bob'")
    own.jeton("recover", "ask")
    own.sql(
        "INSERT INTO recovery_approval (recovery, custodian, signature, carried_by) "
        "SELECT id, 'alice', %s, 'dba' FROM recovery",
        (kept,),
    )
    own.custodians.approve_recovery("bob")
    assert look(own)["request"]["state"] == "waiting"
    own.custodians.approve_recovery("carol")
    own.wait_ready()
    states = {n: g["state"] for n, g in own.operator.generations().items()}
    assert states == {1: "destroyed", 2: "active"}
    assert key_files(own) == ["generation-2.key", "generation-2.used"]
    # the cards are lost, and said to be; who comes with one of them again gets another token
    answer = own.app.post("/v1/fields/pan/detokenize", {"token": old[1]})
    assert problem(answer) == "row-stranded", answer.text
    again = own.app.tokenize(made_up(1, series="old"))
    assert again not in old and own.app.detokenize(again) == made_up(1, series="old")


def test_a_dump_in_another_cluster(own, make_cluster, tmp_path):
    kept = own.app.tokenize_many([made_up(n, series="kept") for n in range(10)])
    seen(own)
    dump = tmp_path / "dump"
    pg = ["-h", str(own.cluster.directory), "-p", str(own.cluster.port), "-U", "postgres"]
    subprocess.run([pg_bin("pg_dump"), *pg, "-Fc", "-f", dump, own.database], check=True)
    own.new_client("later", ["tokenize"])  # so clients went back as well
    own.front.stop()
    other = make_cluster()
    other.create_database(own.database)
    pg = ["-h", str(other.directory), "-p", str(other.port), "-U", "postgres"]
    subprocess.run([pg_bin("pg_restore"), *pg, "-d", own.database, dump], check=True)
    own.cluster.stop()
    own.cluster = other
    own.configure()
    own.start_front()
    wait_for_reason(own, "another cluster")
    assert own.operator.get("/v1/recovery").status_code in (403, 503)
    own.jeton("node", "accept-sets", "--reason", "moved by dump")
    own.custodians.recover()
    assert own.app.detokenize_many(kept) == [made_up(n, series="kept") for n in range(10)]
    # a keeper that forgot what it minted: custodians give a time, though nothing disagrees
    after = datetime.now(timezone.utc) + timedelta(hours=1)
    too_far = own.jeton("recover", "ask", "--ids-after", "2099-01-01T00:00:00Z", check=False)
    assert too_far.returncode == 2 and "a day ahead" in too_far.stderr
    epoch = own.operator.epoch()
    own.custodians.recover(**{"ids-after": after.strftime("%Y-%m-%dT%H:%M:%SZ")})
    wait_until(lambda: own.operator.epoch() > epoch, "the ring is posted anew")
    own.wait_ready()
    number = own.id_of(own.app.tokenize(made_up(1, series="after")))
    assert formats.split_id(number)[0] >= (int(after.timestamp()) - EPOCH_S) * 1000


def test_an_old_primary_that_takes_writes_again_is_refused(make_cluster, make_service, tmp_path):
    cluster = make_cluster()
    own = make_service(cluster=cluster)
    standby = Standby(cluster, tmp_path / "standby")
    cluster.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
    cluster.sql("postgres", "SELECT pg_reload_conf()")
    own.configure(
        database_conninfo=f"host={cluster.directory},{standby.directory} "
        f"dbname={own.database} user=jeton target_session_attrs=read-write"
    )
    own.front.stop()
    own.start_front()
    own.wait_ready()
    try:
        kept = own.app.tokenize(made_up(1))
        cluster.stop("immediate")
        standby.ctl("-w", "-t", "60", "promote")
        standby.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        standby.sql("SELECT pg_reload_conf()")
        own.wait_ready()  # by itself: nothing is lost
        assert "another server has taken over" in own.keeper_log.read_text()
        token = own.app.tokenize(made_up(2))
        # the old one comes back, as the first of the two hosts
        (cluster.data / "postgresql.auto.conf").write_text("", encoding="ascii")
        cluster.start()
        standby.ctl("-m", "immediate", "stop")
        wait_for_reason(own, "an earlier timeline")
        answer = own.app.post("/v1/fields/pan/detokenize", {"token": kept})
        assert (answer.status_code, problem(answer)) == (503, "not-ready")
        answer = own.app.post("/v1/fields/pan/detokenize", {"token": token})
        assert (answer.status_code, problem(answer)) == (503, "not-ready")
        cluster.stop("immediate")
        standby.ctl("-w", "-t", "60", "start")
        own.wait_ready()
        assert own.app.detokenize(token) == made_up(2)
    finally:
        own.front.stop()
        standby.ctl("-m", "immediate", "stop")


def test_several_nodes_follow_and_a_kill_in_the_middle_changes_nothing(own, tmp_path):
    second = own.add_node()
    kept = own.app.tokenize_many([made_up(n, series="kept") for n in range(20)])
    copy = Copy(own, tmp_path)
    own.wait_ready()
    second.wait_ready()
    own.operator.roll()
    own.operator.retire(1)
    seen(own)
    copy.put_back()
    for node in own.nodes:
        wait_for_reason(node, "see jeton recover")
    second.jeton("recover", "ask")
    # both approvals come by the other node: the one that asked carries it out, and is kept from it
    with own.cluster.connect(own.database) as held:
        held.cursor().execute("SELECT pg_advisory_xact_lock_shared(%s)", (RING_LOCK,))
        for name in ("alice", "bob"):
            own.custodians.approve_recovery(name, own)
        assert look(own)["request"]["state"] in ("approved", "elsewhere")
        ring = own.sql("SELECT epoch FROM ring")
        second.front.kill()
        second.keeper.kill()
        assert own.sql("SELECT epoch FROM ring") == ring
        held.rollback()
    second.start_keeper().start_front()
    for node in own.nodes:
        node.wait_ready()
        assert node.app.detokenize_many(kept) == [made_up(n, series="kept") for n in range(20)]
    assert own.operator.generations()[1]["state"] == "draining"
    assert own.operator.roll() == 3
    own.operator.retire(1)


def test_whoever_writes_to_the_database_recovers_nothing(own, tmp_path):
    own.app.tokenize(made_up(1))
    seen(own)
    # counts that fall, or go: the node waits, and goes on when they are back
    counts = own.sql("SELECT number, renewals FROM pulse")
    own.sql("DELETE FROM pulse")
    wait_for_reason(own, "lacks renewals")
    for number, renewals in counts:
        own.sql(
            "INSERT INTO pulse VALUES (%s, %s) ON CONFLICT (number) "
            "DO UPDATE SET renewals = excluded.renewals",
            (number, renewals + 100),
        )
    own.wait_ready()
    # a request that no keeper made, and one that was altered
    copy = Copy(own, tmp_path)
    own.wait_ready()
    seen(own)
    copy.put_back()
    wait_for_reason(own, "see jeton recover")
    own.jeton("recover", "ask")
    ring = own.sql("SELECT epoch FROM ring")
    own.sql("UPDATE recovery SET body = set_byte(body, 8, 66)")
    assert look(own)["request"]["state"] == "stale"
    refused = own.custodians.approve_recovery("alice", check=False)
    assert refused.returncode != 0
    # views that tell of higher epochs are no keeper's
    own.sql("UPDATE keeper_view SET body = set_byte(body, 22, 255)")
    assert look(own)["plan"] is not None
    # a word that no keeper gave
    own.sql(
        "UPDATE recovery SET epoch = 9999, ring_body = r.body, ring_mac = r.mac, word = r.body, "
        "word_mac = r.mac, done_at = now() FROM ring r"
    )
    wait_until(lambda: "does not go on" in own.front_log.read_text(), "the log says so")
    assert own.sql("SELECT epoch FROM ring") == ring and history(own) is not None
    own.sql("DELETE FROM recovery")
    own.custodians.recover()
    own.app.tokenize(made_up(2))
