# SPDX-License-Identifier: Apache-2.0
"""A database that went back: nodes notice, say what disagrees, and wait; two custodians recover."""

import shutil

import pytest
import requests

from cards import made_up
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


def beats(service, n=3):
    """Waits for so many renewals of leases."""
    sql = "SELECT sum(renewals) FROM pulse"
    first = service.sql(sql)[0][0]
    wait_until(lambda: service.sql(sql)[0][0] >= first + n, "leases are renewed")


@pytest.fixture
def own(make_cluster, make_service):
    """A service on a cluster of its own."""
    return make_service(cluster=make_cluster())


def test_an_older_copy_within_one_epoch_is_noticed_and_serves_nothing(own, tmp_path):
    kept = own.app.tokenize(made_up(1, series="kept"))
    copy = Copy(own, tmp_path)
    own.wait_ready()
    own.app.tokenize(made_up(2, series="lost"))
    beats(own)
    copy.put_back()
    wait_for_reason(own, "an older copy of its files was restored")
    answer = own.app.post("/v1/fields/pan/detokenize", {"token": kept})
    assert (answer.status_code, problem(answer)) == (503, "not-ready")
    answer = own.app.post("/v1/fields/pan/tokenize", {"pan": made_up(3)})
    assert (answer.status_code, problem(answer)) == (503, "not-ready")
    assert own.sql("SELECT count(*) FROM card") == [(1,)]
    assert "seen: cluster" in own.keeper_log.read_text()
    status = own.jeton("status", check=False)
    assert "history   NOT WHAT WAS SEEN" in status.stdout
    for daemon in ("keeper", "front"):
        getattr(own, daemon).kill()
    own.start_keeper().start_front()
    wait_for_reason(own, "see jeton recover")
    assert own.operator.get("/v1/status").status_code == 200
