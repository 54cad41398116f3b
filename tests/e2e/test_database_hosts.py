# SPDX-License-Identifier: Apache-2.0
"""The database on other machines: by TLS, and one of several, of which another takes over."""

import socket

import pytest

from cards import made_up
from outage import Writable, record_outage
from service import wait_until
from standby import Standby
from test_tls import make_certificate
from traffic import Traffic


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def over_tcp(make_cluster, make_service, tmp_path):
    """A service whose database asks for TLS on TCP, and where the server's certificate lies."""
    certificate, key = make_certificate(tmp_path)
    settings = [
        "listen_addresses = '127.0.0.1'",
        "ssl = on",
        f"ssl_cert_file = '{certificate}'",
        f"ssl_key_file = '{key}'",
    ]
    cluster = make_cluster(settings, port=free_port())
    return make_service(cluster=cluster), certificate


def reach(service, root):
    """The front comes to its database by TLS from now on, trusting `root`."""
    service.configure(
        database_conninfo=f"host=127.0.0.1 port={service.cluster.port} dbname={service.database} "
        f"user=jeton sslmode=verify-full sslrootcert={root}"
    )
    service.front.stop()


def test_the_database_is_reached_by_tls_and_its_certificate_verified(over_tcp, tmp_path):
    service, certificate = over_tcp
    reach(service, certificate)
    service.start_front()
    service.wait_ready()
    pan = made_up(1, series="tls-db")
    assert service.app.detokenize(service.app.tokenize(pan)) == pan
    sessions = service.sql(
        "SELECT count(*), bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) "
        "WHERE a.application_name LIKE 'jetond%'"
    )[0]
    assert sessions[0] >= 5 and sessions[1]

    (tmp_path / "other").mkdir()
    reach(service, make_certificate(tmp_path / "other")[0])
    service.start_front(wait=False)
    wait_until(
        lambda: "certificate verify failed" in service.front_log.read_text(), "the log says so"
    )
    assert service.front.running


@pytest.mark.slow
def test_another_host_takes_over_and_no_acknowledged_token_is_lost(
    make_cluster, make_service, tmp_path, measured
):
    """Synchronous replication, and a conninfo with both hosts: jetond finds the one that writes."""
    cluster = make_cluster()
    service = make_service(cluster=cluster)
    standby = Standby(cluster, tmp_path / "standby")
    cluster.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
    cluster.sql("postgres", "SELECT pg_reload_conf()")
    service.configure(
        database_conninfo=f"host={cluster.directory},{standby.directory} "
        f"dbname={service.database} user=jeton target_session_attrs=read-write"
    )
    service.front.stop()
    service.start_front()
    service.wait_ready()
    pool = [made_up(n, series="failover") for n in range(800)]
    try:
        with Traffic(service, pool, clients=4, batch=20, outages=True) as traffic:
            traffic.wait_for(20)
            traffic.mark()
            cluster.kill()
            service.wait_unready()
            with Writable(f"host={standby.directory}") as writable:
                standby.ctl("-w", "-t", "60", "promote")
                service.wait_ready()
                traffic.wait_for(20, 60)
            record_outage(measured, "at a failover", traffic, writable)
        assert [pan for pan, tokens in traffic.tokens.items() if len(tokens) != 1] == []
        promised = {next(iter(tokens)): pan for pan, tokens in traffic.tokens.items()}
        tokens = list(promised)
        assert service.app.detokenize_many(tokens) == [promised[t] for t in tokens]
        service.operator.roll()
        assert service.app.detokenize_many(tokens) == [promised[t] for t in tokens]
    finally:
        service.front.stop()
        standby.ctl("-m", "immediate", "stop")
