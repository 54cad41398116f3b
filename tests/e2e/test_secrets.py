# SPDX-License-Identifier: Apache-2.0
"""Canaries: card numbers, keys and credentials that must be nowhere but where they belong."""

import os
import resource
import stat
import subprocess
from pathlib import Path

import pytest

from cards import made_up, packed
from service import BIN, base32_bytes
from traffic import Traffic

LOUD = [
    "log_statement = all",
    "log_min_messages = debug1",
    "log_min_error_statement = debug1",
    "log_duration = on",
    "log_error_verbosity = verbose",
    "log_parameter_max_length = -1",
    "log_parameter_max_length_on_error = -1",
    "log_connections = on",
    "track_activity_query_size = 65536",
]


def search(root, needles):
    """Pairs (file, needle's name) for every needle found in any file under root, whatever the file
    holds.
    """
    found = []
    for path in [root] if root.is_file() else root.rglob("*"):
        if not path.is_file():
            continue
        data = path.read_bytes()
        found += [(str(path), name) for name, needle in needles.items() if needle in data]
    return found


def secret_forms(name, secret):
    return {
        f"{name} raw": secret,
        f"{name} hex": secret.hex().encode(),
        f"{name} HEX": secret.hex().upper().encode(),
    }


@pytest.fixture
def canaries(make_cluster, make_service):
    """A service that did everything once, with a talkative PostgreSQL, bad input and a crash among
    it; then stopped.
    """
    service = make_service(cluster=make_cluster(LOUD))
    service.pans = [made_up(n, 12 + n % 8, "canary") for n in range(200)]
    app = service.app
    tokens = app.tokenize_many(service.pans)
    app.detokenize_many(tokens)
    for pan in service.pans[:50]:
        app.post("/v1/fields/pan/tokenize", {"pan": pan + " "})
        app.post("/v1/fields/pan/tokenize", {"pan": pan, "cvv": "123"})
        app.post("/v1/fields/pan/tokenize", {"pan": pan[:-1] + str((int(pan[-1]) + 1) % 10)})
        app.post("/v1/fields/pan/detokenize", {"token": pan})
        app.post(f"/v1/fields/{pan}/tokenize", {"pan": pan})
        app.get(f"/v1/{pan}")
        app.request(
            "POST",
            "/v1/fields/pan/tokenize",
            data=f'{{"pan": "{pan}"',
            headers={"Content-Type": "application/json"},
        )
        app.request("POST", "/v1/fields/pan/tokenize", data=pan, headers={"Content-Type": pan})
    service.operator.roll()
    with Traffic(service, service.pans, clients=3, outages=True) as traffic:
        traffic.wait_for(10)
        service.front.kill()
        service.start_front().wait_ready()
        traffic.wait_for(5)
    service.operator.retire(1)
    app.tokenize_many(service.pans)
    service.sql("CHECKPOINT")
    service.stop()
    service.cluster.stop()
    return service


def needles_of(service):
    needles = {}
    for pan in service.pans:
        needles[f"card {pan[-4:]}"] = pan.encode()
        if len(pan) >= 14:  # fewer packed bytes could be there by chance
            needles[f"packed card {pan[-4:]}"] = packed(pan)[: len(pan) // 2]
    for name, key in (
        ("app", service.app_key),
        ("operator", service.operator_key_file.read_text().strip()),
    ):
        text = key.split("_")[2]
        needles[f"API key of {name}"] = text.encode()
        needles.update(secret_forms(f"API secret of {name}", base32_bytes(text, 32)))
    return needles


def master_key(service):
    """The development master key, which docs/key-files.md says stands in the clear behind magic,
    header and check value.
    """
    data = (service.keeper_directory / "master.key").read_bytes()
    assert data[:8] == b"JTMASTER" and len(data) == 52
    return data[20:]


def generation_keys(service):
    """The wrapped keys of all generations as their files end with them: not even these belong into
    the database.
    """
    files = sorted(service.keeper_directory.glob("generation-*.key"))
    assert len(files) == 2
    return {f"wrapped key of {p.name}": p.read_bytes()[-48:] for p in files}


def test_no_canary_outside_its_place(canaries):
    needles = needles_of(canaries)
    needles.update(secret_forms("master key", master_key(canaries)))
    needles.update(generation_keys(canaries))
    places = [
        canaries.cluster.data,
        canaries.cluster.log,
        canaries.front_log,
        canaries.keeper_log,
        canaries.config,
    ]
    assert (
        len([p for p in canaries.cluster.data.rglob("*") if p.is_file()]) > 500
    ), "the database files are searched"
    for place in places:
        assert search(place, needles) == []
    # The search itself works: what is certainly in the database is found there.
    token_row = {"schema": b"schema_migration"}
    assert search(canaries.cluster.data, token_row) != []


def test_keys_are_in_the_keepers_directory_only_and_card_numbers_not_even_there(canaries):
    assert search(canaries.keeper_directory, {"master": master_key(canaries)}) == [
        (str(canaries.keeper_directory / "master.key"), "master")
    ]
    assert search(canaries.keeper_directory, needles_of(canaries)) == []


def test_modes_of_what_is_secret(canaries):
    assert stat.S_IMODE(canaries.keeper_directory.stat().st_mode) == 0o700
    files = [p for p in canaries.keeper_directory.rglob("*") if p.is_file()]
    assert files
    for path in files + [canaries.operator_key_file]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.skipif(os.geteuid() == 0, reason="root may lock memory beyond any limit")
def test_in_production_jetond_does_not_start_unless_its_memory_is_locked(make_service):
    service = make_service(start=False)

    def start():
        return subprocess.run(
            [BIN / "jetond", "--config", service.config],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    service.configure(jeton_environment="production")
    done = start()
    assert done.returncode == 1
    assert " error jetond: this process cannot protect its memory: memory cannot be locked" in (
        done.stderr
    )
    assert "LimitMEMLOCK=infinity" in done.stderr and len(done.stderr.splitlines()) == 1
    # In development it is told, and jetond goes on, to an address that it does not serve.
    service.configure(front_listen="192.0.2.1")
    done = start()
    assert done.returncode == 78
    assert " warning jetond: allowed for development only: this process cannot" in done.stderr


def test_command_lines_and_environments_hold_no_secret(service):
    secrets = [service.app_key.encode(), service.operator_key_file.read_bytes().strip()]
    for daemon in (service.front, service.keeper):
        pid = daemon.process.pid
        seen = Path(f"/proc/{pid}/cmdline").read_bytes()
        try:
            seen += Path(f"/proc/{pid}/environ").read_bytes()
        except PermissionError:
            pass  # undumpable: not readable at all
        assert not any(s in seen for s in secrets)
