# SPDX-License-Identifier: Apache-2.0
"""Something is missing: 503 with Retry-After, nothing half-done, and recovery without a restart of
the rest.
"""

import os

import pytest
import requests

from cards import made_up
from service import BIN, Daemon, problem, wait_until

PAN = made_up(1, series="outage")


def check_unavailable(service, token):
    for path, body in (
        ("tokenize", {"pan": made_up(2, series="outage")}),
        ("detokenize", {"token": token}),
    ):
        answer = service.app.post("/v1/fields/pan/" + path, body)
        assert (answer.status_code, problem(answer)) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
    assert requests.get(service.url + "/livez", timeout=10).status_code == 200
    assert requests.get(service.url + "/readyz", timeout=10).status_code == 503


def test_without_a_keeper(service):
    token = service.app.tokenize(PAN)
    front = service.front.process.pid
    service.keeper.kill()
    service.wait_unready()
    check_unavailable(service, token)
    service.start_keeper().wait_ready()
    assert service.front.running and service.front.process.pid == front
    assert service.app.detokenize(token) == PAN
    assert service.sql("SELECT count(*) FROM card") == [(1,)]


def test_without_a_database(make_cluster, make_service):
    service = make_service(cluster=make_cluster())
    token = service.app.tokenize(PAN)
    service.cluster.stop("immediate")
    service.wait_unready()
    check_unavailable(service, token)
    service.cluster.start()
    service.wait_ready()
    assert service.front.running
    assert service.app.detokenize(token) == PAN
    assert service.sql("SELECT count(*) FROM card") == [(1,)]


def test_a_front_may_start_before_keeper_and_database(make_cluster, make_service):
    service = make_service(cluster=make_cluster())
    token = service.app.tokenize(PAN)
    service.stop()
    service.cluster.stop()
    service.start_front(wait=False)
    service.start_keeper()
    service.cluster.start()
    port = service.directory / "port"
    wait_until(lambda: port.exists() and port.read_text(), "the port file")
    service.url = f"http://127.0.0.1:{port.read_text().strip()}"
    service.wait_ready()
    assert service.app.detokenize(token) == PAN


def test_a_second_front_on_one_keeper_refuses_to_start(service):
    """Under another name: as another node it needs a keeper of its own."""
    second = service.directory / "second.conf"
    second.write_text(
        service.config.read_text()
        .replace("node1", "node2")
        .replace(str(service.directory / "port"), str(service.directory / "port2"))
    )
    daemon = Daemon([BIN / "jetond", "--config", second], service.directory / "second.log")
    try:
        wait_until(lambda: not daemon.running, "the second front ends")
    finally:
        if daemon.running:
            daemon.kill()
    assert daemon.process.returncode not in (0, -6, -11)
    log = daemon.log.read_text()
    assert "another jetond serves with this keeper, as node node1" in log
    assert not (service.directory / "port2").exists()
    assert service.app.detokenize(service.app.tokenize(PAN)) == PAN


def test_a_front_that_lost_its_lock_does_not_write(service):
    """The node lock's session is cut and another front takes over the database: the old one writes
    nothing any more.
    """
    service.app.tokenize(PAN)
    service.front.pause()
    service.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
        "current_database() AND pid <> pg_backend_pid()"
    )
    old, service.front = service.front, None
    old_url = service.url
    try:
        service.start_front().wait_ready()
        before = service.sql("SELECT count(*) FROM card")
        old.resume()
        try:
            answer = requests.post(
                old_url + "/v1/fields/pan/tokenize",
                json={"pan": made_up(5, series="outage")},
                timeout=30,
                headers={"Authorization": f"Bearer {service.app_key}"},
            )
            assert answer.status_code == 503
        except requests.RequestException:
            pass  # it has ended by itself: as good
        assert service.sql("SELECT count(*) FROM card") == before
        assert service.app.tokenize(PAN)
    finally:
        old.kill()


def test_a_keeper_with_other_keys_is_not_used(make_service):
    """Somebody starts a keeper whose directory belongs to another database: nothing is sealed under
    it.
    """
    first, second = make_service(), make_service()
    token = first.app.tokenize(PAN)
    first.keeper.stop()
    second.stop()
    os.rename(first.keeper_directory, first.directory / "keeper.away")
    os.rename(second.keeper_directory, first.keeper_directory)
    first.start_keeper()
    answers = [
        first.app.post("/v1/fields/pan/tokenize", {"pan": made_up(3, series="outage")}),
        first.app.post("/v1/fields/pan/detokenize", {"token": token}),
    ]
    assert all(a.status_code in (401, 500, 503) for a in answers), [a.status_code for a in answers]
    assert first.sql("SELECT count(*) FROM card") == [(1,)]
    first.keeper.kill()
    os.rename(first.keeper_directory, second.keeper_directory)
    os.rename(first.directory / "keeper.away", first.keeper_directory)
    first.start_keeper().wait_ready()
    assert first.app.detokenize(token) == PAN


def test_a_database_that_went_back_is_noticed(make_cluster, make_service):
    """A restored database, behind what the keeper has accepted, makes the node not
    ready.
    """
    service = make_service(cluster=make_cluster())
    service.app.tokenize(PAN)
    saved = service.sql("SELECT * FROM ring")
    columns = [
        c
        for (c,) in service.sql(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = 'ring'::regclass AND attnum "
            "> 0 ORDER BY attnum"
        )
    ]
    service.operator.roll()
    service.stop()
    service.sql(
        f"UPDATE ring SET ({', '.join(columns)}) = ({', '.join(['%s'] * len(columns))})", saved[0]
    )
    service.start_keeper()
    service.start_front()
    for _ in range(3):
        answer = service.app.post("/v1/fields/pan/tokenize", {"pan": made_up(4, series="outage")})
        assert answer.status_code in (401, 503)
        assert requests.get(service.url + "/readyz", timeout=10).status_code == 503
    assert service.sql("SELECT count(*) FROM card") == [(1,)]


@pytest.mark.parametrize("what", ["keeper directory", "key file"])
def test_loose_modes_are_refused(make_service, what):
    service = make_service()
    service.keeper.stop()
    path = (
        service.keeper_directory
        if what == "keeper directory"
        else next(p for p in service.keeper_directory.iterdir() if p.is_file())
    )
    mode = path.stat().st_mode & 0o777
    path.chmod(mode | 0o044)
    keeper = Daemon(
        [BIN / "jeton-keeper", "--config", service.config], service.directory / "loose.log"
    )
    try:
        wait_until(lambda: not keeper.running, "the keeper refuses")
    finally:
        if keeper.running:
            keeper.kill()
    assert keeper.process.returncode > 0
    path.chmod(mode)
    service.start_keeper().wait_ready()
