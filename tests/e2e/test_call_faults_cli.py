# SPDX-License-Identifier: Apache-2.0
"""Every call of the jeton command to libc and other libraries fails in turn. It ends with a status
and a message, and what it says that it did is done.
"""

import json
import re

import pytest

import callfaults
import commandcalls
from commandcalls import PANS, NewFile, Prints, World, without_numbers
from service import BIN

pytestmark = pytest.mark.slow

# Options, and what the field then answers with.
NUMERIC = ("--numeric", "--keep-leading", "8", "--keep-last", "0", "--no-dedup")
STRICT = ("--mask-eight", "--lengths", "13-16,19", "--max-lifetime", "400d")
STRICT += ("--test-cards", "refuse", "--luhn-exempt", "62,8171", "--leading-zeros", "refuse")


def test_every_function_that_is_called_is_known():
    callfaults.need()
    known = set(callfaults.calls()) | callfaults.cannot()
    assert not set(callfaults.calls()) & callfaults.cannot()
    called = callfaults.imported(BIN / "jeton") | callfaults.imported(BIN / "jetond")
    assert called - known == set(), "how does it fail? (fault_calls.def)"


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
def world(run_directory, cluster):
    with commandcalls.made_world(run_directory, cluster, "cf") as world:
        yield world


@pytest.mark.parametrize("name", CASES)
def test_each_call_fails_once(world, name, measured):
    commandcalls.each_call_fails(world, CASES[name], measured)
