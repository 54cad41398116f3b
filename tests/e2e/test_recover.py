# SPDX-License-Identifier: Apache-2.0
"""A database that went back: nodes notice, say what disagrees, and wait; two custodians recover."""

import shutil

import pytest
import requests

from cards import made_up
from custody import Custodians
from service import problem, wait_until


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
    # also after a restart of both
    for daemon in (own.front, own.keeper):
        daemon.kill()
    own.start_keeper().start_front()
    wait_for_reason(own, "see jeton recover")
    shown = own.jeton("recover").stdout
    assert "see jeton recover" in shown and "Nobody has asked" in shown
    before = look(own)
    assert before["keeper"]["renewals"] > before["database"]["renewals"]
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
