# SPDX-License-Identifier: Apache-2.0
"""Every call of the jeton command to libc and other libraries fails in turn. It ends with a status
and a message, and what it says that it did is done.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest

import callfaults
from cards import made_up
from service import BIN, Service

pytestmark = pytest.mark.slow

PER_CASE = 20  # faults of each command, in a run that does not take them all
HANGS_S = 30

PANS = [made_up(n, series="call-faults") for n in range(7)]
# Options, and what the field then answers with.
NUMERIC = ("--numeric", "--keep-leading", "8", "--keep-last", "0", "--no-dedup")
STRICT = ("--mask-eight", "--lengths", "13-16,19", "--max-lifetime", "400d")
STRICT += ("--test-cards", "refuse", "--luhn-exempt", "62,8171", "--leading-zeros", "refuse")


def test_every_function_that_is_called_is_known():
    known = set(callfaults.calls()) | callfaults.cannot()
    assert not set(callfaults.calls()) & callfaults.cannot()
    called = callfaults.imported(BIN / "jeton") | callfaults.imported(BIN / "jetond")
    assert called - known == set(), "how does it fail? (fault_calls.def)"


class World:
    """A service that nothing happens to, and what commands are run with."""

    PHRASE = "a file with a passphrase"  # what stands for it in a case

    def __init__(self, service, directory, library):
        self.service = service
        self.directory = directory
        self.table = callfaults.Table(directory, library, BIN / "jeton")
        self.number = 0
        api = service.operator
        self.key = directory / "app.key"
        key = service.new_client("files", ["tokenize", "detokenize", "audit"])
        self.key.touch(0o600)
        self.key.write_text(key + "\n", encoding="ascii")
        self.cards = directory / "cards.csv"
        self.cards.write_text("id,pan\n" + "".join(f"{i},{p}\n" for i, p in enumerate(PANS)))
        self.tokens = directory / "tokens.csv"
        tokens = service.app.tokenize_many(PANS)
        self.tokens.write_text("id,pan\n" + "".join(f"{i},{t}\n" for i, t in enumerate(tokens)))
        self.phrase = directory / "phrase"
        self.phrase.touch(0o600)
        self.phrase.write_text("only for tests\n", encoding="ascii")
        self.names = {self.PHRASE: str(self.phrase)}
        assert api.post("/v1/honey/add", {"field": "pan", "token": tokens[0]}).ok
        assert api.post("/v1/clients", {"id": "seen", "permissions": ["lookup"]}).status_code == 201

    def fresh(self):
        self.number += 1
        return f"n{self.number}"

    def run(self, arguments, faulty=True):
        env = {} if not faulty else self.table.environment
        environment = {
            "PATH": "/usr/bin:/bin",
            "JETON_CONFIG": str(self.service.config),
            "JETON_URL": self.service.url,
            "JETON_KEY_FILE": str(self.service.operator_key_file),
            **env,
        }
        return subprocess.run(
            [str(BIN / "jeton"), *(str(a) for a in arguments)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANGS_S,
            check=False,
        )


# Each case: what is run, and what must be so when it says that it is done, and when not.


class Prints:
    """Says the same each time."""

    def __init__(self, *arguments, same=lambda text: text):
        self.arguments = arguments
        self.same = same
        self.expected = None

    def prepare(self, world):
        self.arguments = [world.names.get(a, a) for a in self.arguments]
        if self.expected is None:
            done = world.run(self.arguments, faulty=False)
            assert done.returncode == 0, done.stderr
            self.expected = self.same(done.stdout)
        return self.arguments

    def done(self, world, done):
        assert self.same(done.stdout) == self.expected, f"other output: {done.stdout[:300]!r}"

    def not_done(self, world, done):
        pass


class Job:
    """A file of cards: whole or not there, and the next run finishes it; by --restart where there
    is a checkpoint to go on from.
    """

    def __init__(self, command, source, expected):
        self.command, self.source, self.expected = command, source, expected

    def prepare(self, world):
        name = world.fresh()
        self.out, self.rejects = world.directory / f"{name}.out", world.directory / f"{name}.no"
        source, key = getattr(world, self.source), world.key
        self.arguments = [self.command, "--field", "pan", "--column", "pan", "--in", source]
        self.arguments += ["--out", self.out, "--rejects", self.rejects, "--batch", 3]
        self.arguments += ["--key-file", key, "--retry-for", 5]
        return self.arguments

    def done(self, world, done):
        expected = getattr(world, self.expected).read_text()
        assert self.out.read_text() == expected, "another file"
        assert self.rejects.read_text() == "", "other rejects"

    def not_done(self, world, done):
        if self.out.exists():
            self.done(world, done)
        begun = self.out.with_name(f"{self.out.name}.ckpt").exists()
        again = world.run([*self.arguments, *(["--restart"] if begun else [])], faulty=False)
        assert again.returncode == 0, f"cannot go on: {again.stderr}"
        self.done(world, again)


class FieldAdd:
    """The field has all that was asked for, or is not there."""

    def __init__(self, *options):
        self.options = options
        self.expected = None

    def prepare(self, world):
        self.name = world.fresh()
        arguments = ["field", "add", self.name, *self.options, "--retry-for", 5]
        if self.expected is None:
            assert world.run(arguments, faulty=False).returncode == 0
            self.expected = self.as_it_is(world)
            return self.prepare(world)
        return arguments

    def as_it_is(self, world):
        answer = world.service.operator.get(f"/v1/fields/{self.name}")
        assert answer.status_code == 200, "there is no such field"
        return {k: v for k, v in answer.json().items() if k not in ("id", "name", "created_at")}

    def done(self, world, done):
        assert self.as_it_is(world) == self.expected, "another field"

    def not_done(self, world, done):
        if world.service.operator.get(f"/v1/fields/{self.name}").status_code == 200:
            self.done(world, done)  # a field whose answer was lost is the one that was asked for


class ClientAdd:
    OPTIONS = ("--may", "tokenize:pan,read-masked", "--expires", "2031-01-31T00:00:00Z")
    OPTIONS += ("--networks", "192.0.2.0/24,127.0.0.0/8", "--budget", "tokenize=200/s")

    def prepare(self, world):
        self.name = world.fresh()
        self.file = world.directory / f"{self.name}.key"
        return ["client", "add", self.name, *self.OPTIONS, "--key-file-out", self.file]

    def done(self, world, done):
        self.is_so(world)
        assert self.file.stat().st_mode & 0o777 == 0o600
        key = self.file.read_text(encoding="ascii").strip()
        answer = world.service.operator.another()
        answer.session.headers["Authorization"] = f"Bearer {key}"
        answer = answer.post("/v1/fields/pan/tokenize", {"pan": PANS[0]})
        assert answer.status_code == 200, "the key in the file is of no use"

    def is_so(self, world):
        answer = world.service.operator.get(f"/v1/clients/{self.name}")
        assert answer.status_code == 200, "there is no such client"
        client = answer.json()
        assert sorted(client["permissions"]) == ["read-masked", "tokenize:pan"], client
        assert client["expires_at"] == "2031-01-31T00:00:00Z", client
        assert client["networks"] == ["192.0.2.0/24", "127.0.0.0/8"], client
        assert client["budgets"], client

    def not_done(self, world, done):
        answer = world.service.operator.get(f"/v1/clients/{self.name}")
        if answer.status_code == 200:
            self.is_so(world)
            told = re.search("is unknown|may have been done|rotate --again", done.stderr)
            assert self.file.exists() or told, "a key is lost, and nobody is told"
        if self.file.exists() and self.file.stat().st_size > 0:
            assert re.fullmatch(r"jck_[a-z0-9_]+\n", self.file.read_text()), "half a key"


class NewFile:
    """Writes a file: whole or not at all."""

    def __init__(self, *arguments, good):
        self.arguments, self.good = arguments, good

    def prepare(self, world):
        self.file = world.directory / f"{world.fresh()}.file"
        return [self.file if a is NewFile else world.names.get(a, a) for a in self.arguments]

    def done(self, world, done):
        assert self.file.exists(), "there is no such file"
        self.good(world, self.file)

    def not_done(self, world, done):
        if self.file.exists() and self.file.stat().st_size > 0:
            self.good(world, self.file)


def is_backup(world, file):
    done = world.run(["keys", "backup", "--check", file], faulty=False)
    assert done.returncode == 0, f"the backup does not open: {done.stderr}"


def is_trail(world, file):
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert rows, "an empty export"
    done = world.run(["audit", "verify", "--file", file], faulty=False)
    assert done.returncode == 0, f"the export does not verify: {done.stderr}"


def is_card_file(world, file):
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_text(encoding="ascii").splitlines()) == 51


def is_custodian(world, file):
    assert file.stat().st_mode & 0o777 == 0o600
    done = world.run(["custodian", "approve", "--help"], faulty=False)
    assert done.returncode == 0


class ClientRotate:
    """The key before is void as soon as the fresh one is in its file, and not before."""

    def prepare(self, world):
        self.name = world.fresh()
        self.file = world.directory / f"{self.name}.key"
        self.old = world.service.new_client(self.name, ["tokenize"])
        path = self.file
        return ["client", "rotate", self.name, "--overlap", "0", "--key-file-out", path]

    def works(self, world, key):
        api = world.service.operator.another()
        api.session.headers["Authorization"] = f"Bearer {key}"
        return api.post("/v1/fields/pan/tokenize", {"pan": PANS[0]}).status_code == 200

    def done(self, world, done):
        assert self.works(world, self.file.read_text(encoding="ascii").strip()), "of no use"
        assert not self.works(world, self.old), "the key before is good still"

    def not_done(self, world, done):
        if self.works(world, self.old):
            return
        stored = self.file.read_text().strip() if self.file.exists() else ""
        told = re.search("is unknown|may have been done|rotate --again", done.stderr)
        assert told or self.works(world, stored), "no key is left, and nobody is told"


class Init:
    """A machine that has nothing: whatever fails, the next init ends what this one began."""

    def __init__(self):
        self.empty = False

    def prepare(self, world):
        service, name = world.service, f"cf_{world.fresh()}"
        self.config = world.directory / f"{name}.conf"
        if not self.empty:
            service.cluster.create_database("cf_empty")
            self.write(world, world.directory / "empty.conf", "cf_empty")
            migrated = world.run(
                ["migrate", "--config", world.directory / "empty.conf"], faulty=False
            )
            assert migrated.returncode == 0, migrated.stderr
            self.empty = True
        service.cluster.sql("postgres", f"CREATE DATABASE {name} TEMPLATE cf_empty OWNER jeton")
        self.database = name
        self.keeper_directory = world.directory / f"{name}-keeper"
        self.keeper_directory.mkdir(mode=0o700)
        self.write(world, self.config, name)
        self.key = world.directory / f"{name}.key"
        self.arguments = ["init", "--config", self.config, "--operator-key", self.key]
        return self.arguments

    def write(self, world, config, name):
        text = world.service.config.read_text(encoding="ascii")
        text = text.replace(f"dbname={world.service.database} ", f"dbname={name} ")
        text = text.replace(
            str(world.service.keeper_directory), str(world.directory / f"{name}-keeper")
        )
        config.write_text(text, encoding="ascii")

    def done(self, world, done):
        sql = world.service.cluster.sql
        assert sql(self.database, "SELECT count(*) FROM jeton.ring") == [(1,)], "no ring"
        assert sql(self.database, "SELECT id FROM jeton.client") == [("operator",)], "no operator"
        assert re.fullmatch(r"jck_operator_[a-z0-9]{52}\n", self.key.read_text()), "no key"
        sql("postgres", f"DROP DATABASE {self.database}")

    def not_done(self, world, done):
        again = world.run(self.arguments, faulty=False)
        was_done = "already initialised" in again.stderr
        assert again.returncode == 0 or was_done, f"cannot go on: {again.stderr}"
        self.done(world, again)


def verdict(text):
    """What was found; how much of the end cannot be checked yet differs."""
    lines = [line for line in text.splitlines() if not line.startswith("not checked")]
    return without_numbers("\n".join(lines))


def without_numbers(text):
    return re.sub(r"[0-9:.]+", "0", text)


CASES = {
    "help": Prints("help"),
    "config": Prints("config"),
    "status": Prints("status", same=without_numbers),
    "field list": Prints("field", "list"),
    "field show": Prints("field", "show", "pan", "--json"),
    "client show": Prints("client", "show", "seen"),
    "keys list": Prints("keys", "list", same=without_numbers),
    "nodes list": Prints("nodes", "list", same=without_numbers),
    "migrate": Prints("migrate"),
    "tokenize": Job("tokenize", "cards", "tokens"),
    "detokenize": Job("detokenize", "tokens", "cards"),
    "field add": FieldAdd(*NUMERIC),
    "field add strict": FieldAdd(*STRICT),
    "client add": ClientAdd(),
    "keys backup": NewFile("keys", "backup", NewFile, good=is_backup),
    "audit export": NewFile("audit", "export", "--output", NewFile, good=is_trail),
    "audit verify": Prints("audit", "verify", same=verdict),
    "client rotate": ClientRotate(),
    "honey list": Prints("honey", "list"),
    "custodian key": NewFile(
        *("custodian", "key", NewFile, "--name", "ada", "--passphrase-file", World.PHRASE),
        good=is_custodian,
    ),
    "init": Init(),
    "gen": Prints("gen", "--rows", 50),
    "gen --out": NewFile("gen", "--rows", 50, "--out", NewFile, good=is_card_file),
}


@pytest.fixture(scope="module")
def library(run_directory):
    callfaults.need()
    return callfaults.build(Path(run_directory))


@pytest.fixture(scope="module")
def world(run_directory, cluster, library):
    service = Service(f"{run_directory}/cf", cluster, "cf")
    service.set_up().start().populate()
    yield World(service, Path(run_directory) / "cf", library)
    service.stop()


def judge(world, case, fault, done):
    """What is wrong with how the command ended; None: nothing."""
    log = done.stderr + done.stdout
    if any(pan in done.stderr for pan in PANS):
        return "a card number is told"
    if done.returncode < 0 or done.returncode > 128:
        return f"ended by signal {-done.returncode}: {log[-200:]}"
    if world.table.written >= 0 and world.table.written != 2 and done.returncode == 0:
        return "what could not be written is not missed"
    to_stderr = world.table.written == 2
    if done.returncode != 0 and not done.stderr.strip() and not to_stderr:
        return f"ended with {done.returncode} without a word"
    if "Success" in done.stderr or "(null)" in done.stderr:
        return f"tells nothing: {done.stderr!r}"
    try:
        (case.done if done.returncode == 0 else case.not_done)(world, done)
    except AssertionError as error:
        return f"ended with {done.returncode}, {done.stderr[:300]!r}: {str(error)[:600]}"
    return None


@pytest.mark.parametrize("name", CASES)
def test_each_call_fails_once(world, name, measured):
    case, table = CASES[name], world.table
    before = table.reached()
    for _ in range(2):
        done = world.run(case.prepare(world))
        assert done.returncode == 0, done.stderr
        case.done(world, done)
    now = table.reached()
    faults = table.faults(p for p in now if now[p] > before.get(p, 0))
    faults = [f for f in faults if f.function not in callfaults.BY_MEMORY]
    findings, fired = [], 0
    for fault in callfaults.share(faults, PER_CASE):
        arguments = case.prepare(world)
        table.arm(fault)
        try:
            done = world.run(arguments)
            wrong = judge(world, case, fault, done)
        except subprocess.TimeoutExpired:
            wrong = f"hangs for {HANGS_S} s"
        table.disarm()
        fired += table.fired
        if wrong is not None:
            findings.append(f"{fault}: {wrong}")
    measured("calls failed", fired, f"of {len(faults)}")
    assert not findings, f"{len(findings)} of {fired}:\n" + "\n".join(findings)
