# SPDX-License-Identifier: Apache-2.0
"""A private Jeton for tests: PostgreSQL, keeper and front, started, killed and watched by the test.

Everything is reached as a client would reach it: REST for the service, the `jeton` command for
set-up, SQL for looking behind the curtain. Waiting is always polling for a condition with a
deadline; nothing sleeps and hopes.

JETON_BIN_DIR names the directory of the programs (./runtests sets it).
"""

import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import requests

BIN = Path(os.environ.get("JETON_BIN_DIR", ".")).resolve()
TREE = Path(os.environ.get("JETON_TREE") or Path(__file__).resolve().parents[2])

sys.path.insert(
    0, str(TREE / "tests" / "reference")
)  # the second reader: what it takes to know a token's id
import formats  # noqa: E402
import kdf  # noqa: E402
import keyfiles  # noqa: E402
from siv import Siv  # noqa: E402

RING_LOCK = 7235419260851097  # JT_RING_LOCK in src/store/locks.h
DEADLINE_S = 30


def wait_until(condition, what, deadline_s=DEADLINE_S, every_s=0.02):
    """Polls until condition() is true and returns its value; raises after the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {deadline_s} s")
        time.sleep(every_s)


def pg_bin(name):
    found = sorted(
        glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda p: int(p.split("/")[4])
    )
    return found[-1] if found else shutil.which(name)


class Cluster:
    """A PostgreSQL cluster of its own, reached by its Unix socket only. `jeton` owns the databases
    and is no superuser.
    """

    def __init__(self, directory, settings=(), port=5432):
        self.directory = Path(directory)
        self.port = port  # in the socket's name; TCP is off unless the settings say otherwise
        self.data = self.directory / "pg"
        self.log = self.directory / "postgres.log"
        subprocess.run(
            [
                pg_bin("initdb"),
                "-D",
                self.data,
                "-U",
                "postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-instructions",
                "--no-sync",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        lines = [
            "listen_addresses = ''",
            f"port = {port}",
            f"unix_socket_directories = '{self.directory}'",
            "max_connections = 200",
            "shared_buffers = 64MB",
            "wal_keep_size = 256MB",  # other tests write while a standby begins
            *settings,
        ]
        with open(self.data / "postgresql.conf", "a", encoding="ascii") as conf:
            conf.write("\n".join(lines) + "\n")
        self.start()
        self.sql("postgres", "CREATE ROLE jeton LOGIN")

    def _ctl(self, *args):
        return subprocess.run(
            [pg_bin("pg_ctl"), "-s", "-w", "-t", "60", "-D", self.data, "-l", self.log, *args],
            check=False,
            stdout=subprocess.DEVNULL,
        ).returncode

    def start(self):
        # After a kill the old shared memory may be held for a moment by a process that is still
        # ending.
        wait_until(lambda: self._ctl("start") == 0, "PostgreSQL starts", 60)

    def running(self):
        """Whether the process that postmaster.pid names is ours: after a kill its number may be
        another's, and pg_ctl does not ask.
        """
        try:
            pid = (self.data / "postmaster.pid").read_text(encoding="ascii").split()[0]
            return str(self.data).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, IndexError):
            return False

    def stop(self, mode="fast"):
        if self.running():
            self._ctl("-m", mode, "stop")

    def kill(self):
        """SIGKILL for the postmaster and all its children, as by the OOM killer or a power cut. It
        may fork while it is looked for, so it is looked again.
        """

        def family():
            return [p for p in glob.glob("/proc/[0-9]*/cwd") if self._works_here(p)]

        def killed():
            found = family()
            for path in found:
                try:
                    os.kill(int(path.split("/")[2]), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            return not found

        assert family()
        wait_until(killed, "PostgreSQL is gone")

    def _works_here(self, path):
        """Every process of a server works in its data directory."""
        try:
            return os.readlink(path) == os.path.realpath(self.data)
        except OSError:
            return False

    def create_database(self, name, **settings):
        self.sql("postgres", f"CREATE DATABASE {name} OWNER jeton")
        for key, value in settings.items():
            self.sql("postgres", f"ALTER DATABASE {name} SET {key} = '{value}'")

    def connect(self, database, user="postgres"):
        """A connection with autocommit off: the test's own transactions."""
        return psycopg2.connect(
            host=str(self.directory),
            port=self.port,
            dbname=database,
            user=user,
            options="-c search_path=jeton,public",
        )

    def sql(self, database, query, args=None):
        """Runs one statement as the cluster's superuser, committed at once; the rows, if it has
        any.
        """
        connection = self.connect(database)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(query, args)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


class Daemon:
    """One process of the product; its log goes to a file."""

    def __init__(self, arguments, log):
        self.log = Path(log)
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                [str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    @property
    def running(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait(DEADLINE_S)

    def stop(self):
        """SIGTERM; the exit status. A process that does not stop in time is a failure."""
        self.process.terminate()
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)


class Api:
    """REST as one client: a session with its API key. Answers are `requests` responses; nothing is
    raised for an error status.
    """

    def __init__(self, service, key):
        self.service = service
        self.key = key
        self.session = requests.Session()
        if key is not None:
            self.session.headers["Authorization"] = f"Bearer {key}"

    def another(self):
        """The same client on a connection of its own."""
        return Api(self.service, self.key)

    def request(self, method, path, **kwargs):
        kwargs.setdefault("timeout", DEADLINE_S)
        return self.session.request(method, self.service.url + path, **kwargs)

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.request("POST", path, json={} if body is None else body, **kwargs)

    def tokenize(self, pan, field="pan"):
        answer = self.post(f"/v1/fields/{field}/tokenize", {"pan": pan})
        assert answer.status_code == 200, (answer.status_code, problem(answer))
        return answer.json()["token"]

    def detokenize(self, token, field="pan"):
        answer = self.post(f"/v1/fields/{field}/detokenize", {"token": token})
        assert answer.status_code == 200, (answer.status_code, problem(answer))
        return answer.json()["pan"]

    def tokenize_many(self, pans, field="pan"):
        """Tokens in the order of `pans`, all of which must be good."""
        answer = self.post(f"/v1/fields/{field}/tokenize", {"items": [{"pan": p} for p in pans]})
        assert answer.status_code == 200, (answer.status_code, problem(answer))
        results = answer.json()["results"]
        assert [r["status"] for r in results] == [200] * len(pans)
        return [r["token"] for r in results]

    def detokenize_many(self, tokens, field="pan"):
        answer = self.post(
            f"/v1/fields/{field}/detokenize", {"items": [{"token": t} for t in tokens]}
        )
        assert answer.status_code == 200, (answer.status_code, problem(answer))
        results = answer.json()["results"]
        assert [r["status"] for r in results] == [200] * len(tokens)
        return [r["pan"] for r in results]

    def generations(self):
        answer = self.get("/v1/generations")
        assert answer.status_code == 200, answer.status_code
        return {g["number"]: g for g in answer.json()["generations"]}

    def epoch(self):
        return self.get("/v1/generations").json()["epoch"]

    def counters(self):
        return self.get("/v1/status").json()["counters"]

    def create_generation(self):
        answer = self.post("/v1/generations")
        assert answer.status_code == 201, (answer.status_code, problem(answer))
        return answer.json()["number"]

    def activate(self, number):
        return self.post(
            f"/v1/generations/{number}/activate", {"accept_single_holder": "test machine"}
        )

    def roll(self):
        """Creates and activates a generation; its number."""
        number = self.create_generation()
        answer = self.activate(number)
        assert answer.status_code == 200, (answer.status_code, problem(answer))
        return number

    def start_retirement(self, number):
        answer = self.post(f"/v1/generations/{number}/retire")
        assert answer.status_code == 202, (answer.status_code, problem(answer))

    def retirement(self, number):
        answer = self.get(f"/v1/generations/{number}/retirement")
        assert answer.status_code == 200, (answer.status_code, problem(answer))
        return answer.json()

    def retire(self, number):
        """Starts the retirement and waits for the certificate; the final state."""
        self.start_retirement(number)
        return self.wait_certified(number)

    def wait_certified(self, number):
        def certified():
            answer = self.get(f"/v1/generations/{number}/retirement")
            return (
                answer.status_code == 200
                and answer.json()["state"] == "certified"
                and answer.json()
            )

        return wait_until(certified, f"generation {number} is certified", 60)


def problem(answer):
    """The problem type of an error answer, without its urn prefix."""
    if not answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        return None
    return answer.json()["type"].removeprefix("urn:jeton:problem:")


class Service:
    """One keeper and one front: the first node of a database of its own, and with `beside` a node
    more of that service.
    """

    def __init__(self, directory, cluster, database, settings=(), options=None, beside=None):
        self.directory = Path(directory)
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.cluster = cluster
        self.database = database
        self.keeper = self.front = None
        self.url = None
        self.populated = False
        self.keeper_directory = self.directory.with_name(f"{self.directory.name}-keeper")
        self.keeper_log = self.directory / "keeper.log"
        self.front_log = self.directory / "front.log"
        self.config = self.directory / "jeton.conf"
        self.beside = beside
        self.nodes = [self]  # of the service, this one first
        self.node = "node1" if beside is None else f"node{len(beside.nodes) + 1}"
        self.operator_key_file = (beside or self).directory / "operator.key"
        self.configure(**(options or {}))
        if beside is None:
            cluster.create_database(database, **dict(settings))
        else:
            self.populated = beside.populated
            beside.nodes.append(self)

    def configure(self, **options):
        """Writes jeton.conf; options are named section_name, as in front_max_items=100."""
        values = {
            "jeton": {"environment": "development"},
            "keeper": {"directory": self.keeper_directory, "socket": self.directory / "k.sock"},
            "front": {
                "node": self.node,
                "port": 0,
                "port_file": self.directory / "port",
                "loops": 2,
            },
            "database": {
                "conninfo": f"host={self.cluster.directory} port={self.cluster.port} "
                f"dbname={self.database} user=jeton"
            },
        }
        for name, value in options.items():
            section, _, option = name.partition("_")
            values.setdefault(section, {})[option] = value
        lines = []
        for section, entries in values.items():
            lines += [f"[{section}]", *(f"{k} = {v}" for k, v in entries.items())]
        self.config.write_text("\n".join(lines) + "\n", encoding="ascii")

    # -- set-up and the command line

    def jeton(self, *arguments, check=True, key_file=None, env=None):
        """Runs the jeton command against this instance."""
        environment = {**os.environ, "JETON_CONFIG": str(self.config), **(env or {})}
        if self.url:
            environment.setdefault("JETON_URL", self.url)
        environment.setdefault("JETON_KEY_FILE", str(key_file or self.operator_key_file))
        done = subprocess.run(
            [str(BIN / "jeton"), *(str(a) for a in arguments)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check:
            assert done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    def set_up(self):
        """migrate and init: a database with one operator, a keeper directory with a master key."""
        self.keeper_directory.mkdir(mode=0o700, exist_ok=True)
        self.jeton("migrate")
        self.jeton("init", "--operator-key", self.operator_key_file)
        return self

    def add_node(self, start=True, wait=True, master=True, **options):
        """Another node of this service, as an operator sets it up: a configuration and the master
        key, and nothing else.
        """
        name = f"{self.directory}.{len(self.nodes) + 1}"
        node = Service(name, self.cluster, self.database, options=options, beside=self)
        node.keeper_directory.mkdir(mode=0o700, exist_ok=True)
        if master:
            node.copy_master_key(self)
        if start:
            node.start_keeper()
            node.start_front()
            if wait:
                node.wait_ready()
        return node

    def copy_directory(self, other):
        """The whole key directory of another node, as from a backup of it."""
        shutil.rmtree(self.keeper_directory)
        shutil.copytree(other.keeper_directory, self.keeper_directory)

    def copy_master_key(self, other):
        target = self.keeper_directory / "master.key"
        shutil.copyfile(other.keeper_directory / "master.key", target)
        target.chmod(0o600)

    def populate(self):
        """One active generation, the field `pan`, one client `app` that may tokenize and
        detokenize.
        """
        self.populated = True
        assert self.operator.roll() == 1
        self.wait_ready()
        assert self.operator.post("/v1/fields", {"name": "pan"}).status_code == 201
        self.app_key = self.new_client("app", ["tokenize", "detokenize"])
        return self

    def new_client(self, name, permissions):
        answer = self.operator.post("/v1/clients", {"id": name, "permissions": permissions})
        assert answer.status_code == 201, (answer.status_code, problem(answer))
        return answer.json()["api_key"]

    @property
    def operator(self):
        return Api(self, self.operator_key_file.read_text(encoding="ascii").strip())

    @property
    def app(self):
        return Api(self, (self.beside or self).app_key)

    # -- processes

    def start_keeper(self):
        self.keeper = Daemon([BIN / "jeton-keeper", "--config", self.config], self.keeper_log)
        return self

    def start_front(self, wait=True):
        port_file = self.directory / "port"
        port_file.unlink(missing_ok=True)
        front = self.front = Daemon([BIN / "jetond", "--config", self.config], self.front_log)
        if wait:

            def port():
                assert front.running, f"jetond ended: {self.front_log.read_text()[-2000:]}"
                return port_file.exists() and port_file.read_text(encoding="ascii").strip()

            self.url = f"http://127.0.0.1:{wait_until(port, 'the port file')}"
        return self

    def start(self):
        self.start_keeper()
        self.start_front()
        return self.wait_ready() if self.populated else self.wait_manageable()

    def manageable(self):
        """Whether operators are served: before the first generation is active, readyz is not yet
        true.
        """
        try:
            answer = self.operator.get("/v1/status", timeout=5)
            return answer.status_code == 200 and answer.json()["ring"]["epoch"] > 0
        except requests.RequestException:
            return False

    def wait_manageable(self):
        wait_until(self.manageable, "status")
        return self

    def ready(self):
        try:
            return requests.get(self.url + "/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def wait_ready(self):
        wait_until(self.ready, "readyz")
        return self

    def wait_unready(self):
        wait_until(lambda: not self.ready(), "readyz notices")
        return self

    def stop(self):
        """Stops in order; a process that does not end cleanly (a sanitizer's report included) is a
        failure.
        """
        for node in self.nodes[:0:-1]:
            node.stop()
        for daemon in (self.front, self.keeper):
            if daemon is not None and daemon.running:
                daemon.resume()
                assert daemon.stop() == 0, f"{daemon.log.name}: {daemon.log.read_text()[-2000:]}"

    # -- behind the curtain

    def service_root(self):
        """The service root, unwrapped from the keeper's directory as a custodian could."""
        environment, master = keyfiles.read_master_key(
            (self.keeper_directory / "master.key").read_bytes()
        )
        wrap = Siv(kdf.from_master_key(master, "wrap"))
        return keyfiles.read_service_root(
            (self.keeper_directory / "service-root.key").read_bytes(), wrap, environment
        )

    def generation_key(self, number):
        environment, master = keyfiles.read_master_key(
            (self.keeper_directory / "master.key").read_bytes()
        )
        wrap = Siv(kdf.from_master_key(master, "wrap"))
        return keyfiles.read_generation(
            (self.keeper_directory / f"generation-{number}.key").read_bytes(),
            wrap,
            environment,
            number,
        )

    def ids_of(self, tokens, field=1):
        """The ids of tokens: what names their rows in the database."""
        key = formats.TokenKey(self.service_root(), field)
        ids = [key.id(token_bytes(token)) for token in tokens]
        assert None not in ids, "not a token of this field"
        return ids

    def id_of(self, token, field=1):
        return self.ids_of([token], field)[0]

    def token_of(self, number, field=1):
        """The token of an id, as its keeper would give it."""
        return formats.token_text(formats.TokenKey(self.service_root(), field).token(number))

    def sql(self, query, args=None):
        return self.cluster.sql(self.database, query, args)

    def connect(self, user="postgres"):
        return self.cluster.connect(self.database, user)

    def key_id(self, generation):
        return self.sql("SELECT key_id FROM generation WHERE number = %s", (generation,))[0][0]

    def rows_under(self, generation):
        return self.sql("SELECT count(*) FROM card WHERE key_id = %s", (self.key_id(generation),))[
            0
        ][0]

    def logs(self):
        own = [p for node in self.nodes for p in (node.keeper_log, node.front_log)]
        return [p for p in (*own, self.cluster.log) if p.exists()]


CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def base32_bytes(text, length):
    """Crockford base32 as src/base/base32.h has it: most significant bit first, zero bits at the
    end.
    """
    value = 0
    for c in text:
        value = value * 32 + CROCKFORD.index(c)
    return (value >> (len(text) * 5 - length * 8)).to_bytes(length, "big")


def token_bytes(token):
    """The 16 bytes of an opaque token."""
    assert re.fullmatch(r"jtk_[0-9a-hjkmnp-tv-z]{26}", token), "not a canonical token"
    return base32_bytes(token[4:], 16)
