# SPDX-License-Identifier: Apache-2.0
"""How soon a change of a client is felt, also where its key was taken a moment before: over REST at
this front, and made by another node, which this front hears of from the database only. A second
front cannot serve the same database yet; what it would do to the rows is done by othernode.py.
"""

import os
import threading
import time

import pytest

import othernode
from cards import made_up
from service import Api, wait_until

FELT_S = 1.5
PATH = "/v1/fields/pan/tokenize"


class Traffic:
    """A client that asks all the time on several connections, so on every loop."""

    def __init__(self, service, key, n=6):
        self.last_good = 0.0
        self.statuses = set()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(Api(service, key),)) for _ in range(n)
        ]

    def _run(self, api):
        while not self._stop.is_set():
            status = api.post(PATH, {"pan": made_up(1)}).status_code
            self.statuses.add(status)
            if status == 200:
                self.last_good = max(self.last_good, time.monotonic())

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        wait_until(lambda: 200 in self.statuses, "the client is served")
        self.statuses.clear()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_refused(self, since):
        """Waits until nobody was served for a while, and how long anybody was since then."""
        wait_until(
            lambda: time.monotonic() - max(self.last_good, since) > FELT_S, "all are refused"
        )
        return max(self.last_good - since, 0.0)


def over_rest(act, body=None):
    def change(service):
        answer = service.operator.post(f"/v1/clients/shop/{act}", body)
        assert answer.status_code == 200, answer.text

    return change


def by_another_node(**what):
    def change(service):
        with othernode.OtherNode(service) as other:
            other.change("shop", **what)

    return change


CHANGES = {
    "disable": over_rest("disable"),
    "remove": over_rest("remove"),
    "permit": over_rest("permit", {"permissions": ["detokenize"]}),
    "rotate": over_rest("rotate", {"overlap": 0}),
    "other-disable": by_another_node(state=othernode.DISABLED),
    "other-remove": by_another_node(state=othernode.REVOKED),
    "other-permit": by_another_node(permissions=2),
    "other-rotate": by_another_node(secret=os.urandom(32)),
}


@pytest.mark.alone
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_felt_within_about_a_second(service, change):
    key = service.new_client("shop", ["tokenize"])
    with Traffic(service, key) as traffic:
        began = time.monotonic()
        CHANGES[change](service)
        committed = time.monotonic()
        took = traffic.wait_refused(committed)
        assert took < FELT_S
        assert traffic.statuses <= {200, 401, 403, 429}
    print(f"{change}: {took:.3f} s after the commit, which took {committed - began:.3f} s")
    assert service.ready()


@pytest.mark.alone
def test_the_keeper_takes_no_set_from_before_another_nodes_change(service):
    """Once this front has heard of it, and after a restart of everything."""
    key = service.new_client("shop", ["tokenize"])
    before = {
        table: service.sql(f"SELECT {columns} FROM {table} WHERE {where}")
        for table, columns, where in (
            ("client", othernode.CLIENT, "id = 'shop'"),
            ("row_set", othernode.SET, "kind = 1"),
        )
    }
    with othernode.OtherNode(service) as other:
        other.change("shop", state=othernode.DISABLED)
    wait_until(
        lambda: Api(service, key).post(PATH, {"pan": made_up(1)}).status_code == 401, "", FELT_S
    )
    service.stop()
    eight = ",".join(["%s"] * 8)
    service.sql(f"UPDATE client SET ({othernode.CLIENT}) = ({eight}) WHERE id = 'shop'",
                before["client"][0])  # fmt: skip
    service.sql(f"UPDATE row_set SET ({othernode.SET}) = ({eight}) WHERE kind = 1",
                before["row_set"][0])  # fmt: skip
    service.start_keeper().start_front()
    wait_until(
        lambda: "older than one that the keeper has seen" in service.front_log.read_text(), ""
    )
    assert Api(service, key).post(PATH, {"pan": made_up(1)}).status_code == 503
    assert not service.ready()
