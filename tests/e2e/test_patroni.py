# SPDX-License-Identifier: Apache-2.0
"""A database that Patroni keeps, with etcd, in synchronous mode: its leader is killed, then another
is made the leader, under load. Runs where the packages patroni and etcd-server are installed.
"""

import pytest

from cards import made_up
from ha import ETCD, PATRONI, Patroni
from outage import Writable, record_outage
from service import wait_until
from traffic import Traffic, check_promises

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PATRONI is None or ETCD is None, reason="no patroni, or no etcd, here"),
]


@pytest.fixture
def patroni(run_directory, tmp_path):
    cluster = Patroni(tmp_path)
    yield cluster
    cluster.stop()


def writable_but(patroni, leader):
    """Which of the others takes over."""
    others = [m for m in patroni.members if m is not leader]
    return Writable(*(f"host=127.0.0.1 port={m.port}" for m in others))


def test_leaders_come_and_go_and_no_acknowledged_token_is_lost(patroni, make_service, measured):
    service = make_service(cluster=patroni)
    service.operator.roll()
    pool = [made_up(n, series="patroni") for n in range(800)]
    with Traffic(service, pool, clients=4, batch=20, outages=True) as traffic:
        traffic.wait_for(20)
        first = patroni.leader()
        traffic.mark()
        with writable_but(patroni, first) as writable:
            first.kill()
            wait_until(lambda: patroni.leader() not in (None, first), "another leads", 90)
            service.wait_ready()
            traffic.wait_for(20, 60)
        record_outage(measured, "after a killed leader", traffic, writable)

        first.start()
        wait_until(lambda: patroni.whole() and patroni.standby(), "it is back as a standby", 90)
        traffic.wait_for(20, 60)
        traffic.mark()
        with writable_but(patroni, patroni.leader()) as writable:
            patroni.switch_over()
            service.wait_ready()
            traffic.wait_for(20, 60)
        record_outage(measured, "at a switchover", traffic, writable)
    check_promises(service, traffic)
    service.operator.roll()
    service.operator.retire(2)
    check_promises(service, traffic)
