# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL under Patroni: three members and one etcd, all on the loopback, all of the test's own.
Stands where a Cluster stands; statements of tests go to whoever is the leader.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import psycopg2
import requests

from service import Cluster, pg_bin, wait_until

PATRONI, ETCD = shutil.which("patroni"), shutil.which("etcd")
MEMBERS = 3
TTL_S = 8  # after so long without a word the leader counts as dead
DEADLINE_S = 90

# Patroni reads YAML, of which JSON is a part. The times are the shortest that Patroni takes.
CLUSTER = {
    "ttl": TTL_S,
    "loop_wait": 1,
    "retry_timeout": 3,
    "maximum_lag_on_failover": 1 << 20,
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
    "postgresql": {
        "use_pg_rewind": True,
        "use_slots": True,
        "parameters": {"max_connections": 200, "shared_buffers": "64MB"},
    },
}
TRUST = [f"host {what} all 127.0.0.1/32 trust" for what in ("all", "replication")]


def free_ports(n):
    """All at once, so that they differ."""
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def kill_group(process):
    """SIGKILL for a process and all its children, as when a machine is gone."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait(30)


class Member:
    def __init__(self, directory, name, etcd, port, api):
        self.name, self.port, self.api = name, port, api
        self.directory = Path(directory) / name
        self.directory.mkdir(mode=0o700)
        self.data = self.directory / "pg"
        self.log = self.directory / "log"
        self.config = self.directory / "patroni.yml"
        self.process = None
        address = f"127.0.0.1:{port}"
        config = {
            "scope": "jeton",
            "name": name,
            "restapi": {"listen": f"127.0.0.1:{api}", "connect_address": f"127.0.0.1:{api}"},
            "etcd3": {"hosts": [f"127.0.0.1:{etcd}"]},
            "bootstrap": {"dcs": CLUSTER, "initdb": [{"encoding": "UTF8"}, {"locale": "C"}]},
            "postgresql": {
                "listen": address,
                "connect_address": address,
                "data_dir": str(self.data),
                "bin_dir": str(Path(pg_bin("initdb")).parent),
                "pgpass": str(self.directory / "pgpass"),
                "authentication": {
                    "superuser": {"username": "postgres"},
                    "replication": {"username": "replicator"},
                },
                "pg_hba": TRUST,
                "parameters": {"unix_socket_directories": ""},
            },
        }
        config["bootstrap"]["initdb"].append("data-checksums")  # pg_rewind needs it
        self.config.write_text(json.dumps(config), encoding="ascii")

    def start(self):
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                ["/usr/bin/python3", PATRONI, str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def kill(self):
        """The machine is gone: Patroni, and the server, which is a group of its own."""
        pid = int((self.data / "postmaster.pid").read_text(encoding="ascii").split()[0])
        kill_group(self.process)
        server = f"/proc/{pid}"
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        wait_until(lambda: not os.path.exists(server), "the server is gone")

    def stop(self):
        if self.process is not None and (self.data / "postmaster.pid").exists():
            self.kill()
        elif self.process is not None:
            kill_group(self.process)


class Patroni(Cluster):
    def __init__(self, directory):  # pylint: disable=super-init-not-called
        base = Path(directory)
        etcd, peer, *ports = free_ports(2 + 2 * MEMBERS)
        self.etcd = self._start_etcd(base, etcd, peer)
        self.members = [
            Member(base, f"m{i + 1}", etcd, *ports[2 * i : 2 * i + 2]) for i in range(MEMBERS)
        ]
        # what a conninfo needs to find the one that takes writes
        self.directory = ",".join(["127.0.0.1"] * MEMBERS)
        self.port = ",".join(str(m.port) for m in self.members)
        self.port += " target_session_attrs=read-write"
        self.log = self.members[0].log
        try:
            self.members[0].start()
            wait_until(self.leader, "a leader", DEADLINE_S)
            for member in self.members[1:]:
                member.start()
            wait_until(lambda: self.whole() and self.standby(), "a standby", DEADLINE_S)
            self.sql("postgres", "CREATE ROLE jeton LOGIN")
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def _start_etcd(base, client, peer):
        urls = [f"http://127.0.0.1:{port}" for port in (client, peer)]
        with open(base / "etcd.log", "ab") as out:
            return subprocess.Popen(
                [ETCD, "--data-dir", base / "etcd", "--unsafe-no-fsync"]
                + ["--listen-client-urls", urls[0], "--advertise-client-urls", urls[0]]
                + ["--listen-peer-urls", urls[1], "--initial-advertise-peer-urls", urls[1]]
                + ["--initial-cluster", f"default={urls[1]}"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def stop(self, mode=None):
        for member in self.members:
            member.stop()
        kill_group(self.etcd)

    # -- who is what

    def _view(self):
        """Members by name, as any Patroni that answers sees them."""
        for member in self.members:
            try:
                answer = requests.get(f"http://127.0.0.1:{member.api}/cluster", timeout=5)
                return {m["name"]: m for m in answer.json()["members"]}
            except (requests.RequestException, ValueError, KeyError):
                continue
        return {}

    def _with_role(self, role):
        for name, seen in self._view().items():
            if seen["role"] == role and seen["state"] in ("running", "streaming"):
                return next(m for m in self.members if m.name == name)
        return None

    def leader(self):
        return self._with_role("leader")

    def standby(self):
        """The synchronous one."""
        return self._with_role("sync_standby")

    def whole(self):
        seen = self._view().values()
        return len(seen) == MEMBERS and all(m["state"] in ("running", "streaming") for m in seen)

    def switch_over(self):
        """To the synchronous standby; returns when it leads."""
        old, new = self.leader(), self.standby()
        answer = requests.post(
            f"http://127.0.0.1:{old.api}/switchover",
            json={"leader": old.name, "candidate": new.name},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        wait_until(lambda: self.leader() is new, "the standby leads", DEADLINE_S)
        return new

    def connect(self, database, user="postgres"):
        return psycopg2.connect(
            f"host={self.directory} port={self.port} dbname={database} user={user}",
            options="-c search_path=jeton,public",
        )
