# SPDX-License-Identifier: Apache-2.0
"""Every call fails in turn of the commands that custodians and operators run on keys: ceremonies,
restore, destruction, recovery. No key is lost by it, and none is destroyed unasked.
"""

import re
import shutil

import pytest

import commandcalls
import masterfile
from commandcalls import PANS, Prints
from custody import Custodians, destruction

pytestmark = pytest.mark.slow

NAMES = ("anna", "bert", "carl")


class Offline:
    """A command on a keeper's directory that no keeper serves; each run has one of its own."""

    def __init__(self, *words):
        self.words = words

    def directory(self, world):
        """A fresh, empty directory, and the configuration that names it."""
        name = world.fresh()
        self.keys = world.directory / f"{name}-keys"
        self.keys.mkdir(mode=0o700)
        self.config = world.directory / f"{name}.conf"
        text = world.service.config.read_text(encoding="ascii")
        text = text.replace(str(world.service.keeper_directory), str(self.keys))
        self.config.write_text(text, encoding="ascii")
        return [*self.words, "--config", self.config]

    def have(self, directory):
        for path in directory.iterdir():
            shutil.copy2(path, self.keys)

    def names(self):
        return sorted(path.name for path in self.keys.iterdir())

    def to_shares(self, world):
        self.to = world.directory / f"{world.fresh()}-shares"
        self.to.mkdir(mode=0o700)
        self.record = world.directory / f"{world.fresh()}.record"
        words = ["--shares", 3, "--threshold", 2, "--custodians", ",".join(NAMES)]
        return [*words, "--to", self.to, "--record", self.record]

    def opened(self, directory):
        """The master key, by two of the shares there."""
        shares = [(directory / f"{name}.share").read_text().strip() for name in NAMES[1:]]
        return masterfile.open_with_shares((self.keys / "master.key").read_bytes(), shares)[1]


class CeremonyInit(Offline):
    def prepare(self, world):
        return [*self.directory(world), *self.to_shares(world)]

    def done(self, world, done):
        assert len(self.opened(self.to)) == 32, "the shares do not open it"
        assert "anna" in self.record.read_text(), "no record"

    def not_done(self, world, done):
        if "master.key" in self.names():
            self.opened(self.to)
            return
        arguments = [*self.words, "--config", self.config, *self.to_shares(world)]
        again = world.run(arguments, faulty=False)
        assert again.returncode == 0, f"cannot go on: {again.stderr}"
        self.done(world, again)


class Reshare(Offline):
    """The key is the same one; who has it are the new shares or those from before."""

    before = None

    def prepare(self, world):
        if self.before is None:
            self.words = ("ceremony", "init")
            first = world.run([*self.directory(world), *self.to_shares(world)], faulty=False)
            assert first.returncode == 0, first.stderr
            self.before, self.old, self.key = self.keys, self.to, self.opened(self.to)
            self.words = ("ceremony", "reshare")
        words = self.directory(world)
        self.have(self.before)
        old = [self.old / f"{name}.share" for name in NAMES[:2]]
        return [*words, *self.to_shares(world), *old]

    def done(self, world, done):
        assert self.opened(self.to) == self.key, "another key"

    def not_done(self, world, done):
        same = (self.keys / "master.key").read_bytes() == (self.before / "master.key").read_bytes()
        assert self.opened(self.old if same else self.to) == self.key, "another key"


class Restore(Offline):
    """From a backup and the master key, whole; cut short, the next one ends it."""

    backup = None

    def prepare(self, world):
        if self.backup is None:
            self.backup = world.directory / "a.backup"
            world.service.jeton("keys", "backup", self.backup)
            keys = [p.name for p in world.service.keeper_directory.glob("generation-*")]
            self.expected = sorted([*keys, "master.key", "service-root.key", "state"])
        words = self.directory(world)
        shutil.copy2(world.service.keeper_directory / "master.key", self.keys)
        return [*words, self.backup]

    def done(self, world, done):
        assert self.names() == self.expected, "other files"
        enroll = ["custodian", "enroll", "--config", self.config, *world.custodians.texts.values()]
        opened = world.run(enroll, faulty=False).stderr
        assert "there are custodians already" in opened, f"a keeper does not open them: {opened}"

    def not_done(self, world, done):
        again = world.run([*self.words, "--config", self.config, self.backup], faulty=False)
        was_done = "has keys already" in again.stderr
        assert again.returncode == 0 or was_done, f"cannot go on: {again.stderr}"
        self.done(world, again)


class Destroy:
    """It is asked for, or nothing is; no key goes without custodians."""

    def prepare(self, world):
        service = world.service
        self.number = max(g["number"] for g in service.operator.generations().values())
        service.operator.roll()
        service.operator.retire(self.number)
        self.key = service.keeper_directory / f"generation-{self.number}.key"
        return ["keys", "destroy", self.number]

    def done(self, world, done):
        assert destruction(world.service, self.number)["state"] == "waiting"
        assert self.key.exists(), "a key is gone that nobody approved of"

    def not_done(self, world, done):
        assert self.key.exists(), "a key is gone that nobody approved of"
        again = world.run(["keys", "destroy", self.number], faulty=False)
        assert again.returncode == 0, f"cannot go on: {again.stderr}"


class Approve(Destroy):
    """One custodian's word counts once, and as hers."""

    def prepare(self, world):
        number = super().prepare(world)[-1]
        assert world.service.operator.post(f"/v1/generations/{number}/destroy").ok
        sign = ["--custodian", "anna", "--key", world.custodians.key("anna")]
        sign += ["--passphrase-file", world.custodians.phrase, "--yes"]
        self.arguments = ["keys", "approve", number, *sign]
        return self.arguments

    def approvals(self, world):
        found = destruction(world.service, self.number)
        assert found["state"] == "waiting" and self.key.exists(), "a key is gone by one word"
        return [approval["custodian"] for approval in found["approvals"]]

    def done(self, world, done):
        assert self.approvals(world) == ["anna"]

    def not_done(self, world, done):
        assert self.approvals(world) in ([], ["anna"])
        again = world.run(self.arguments, faulty=False)
        assert again.returncode == 0, f"cannot go on: {again.stderr}"
        self.done(world, again)


def without_places(text):
    """How far the database's log is changes meanwhile, and with it the width of the columns."""
    return " ".join(re.sub(r"[0-9A-F]+/[0-9A-F]+|\d+", "0", text).split())


CASES = {
    "ceremony init": CeremonyInit("ceremony", "init"),
    "ceremony reshare": Reshare(),
    "keys restore": Restore("keys", "restore"),
    "recover": Prints("recover", same=without_places),
    "keys destroy": Destroy(),
    "keys approve": Approve(),
}


@pytest.fixture(scope="module")
def world(run_directory, cluster):
    with commandcalls.made_world(run_directory, cluster, "cfk") as world:
        world.custodians = Custodians(world.service, *NAMES)
        assert world.custodians.enroll().returncode == 0
        yield world


@pytest.mark.parametrize("name", CASES)
def test_each_call_fails_once(world, name, measured):
    commandcalls.each_call_fails(world, CASES[name], measured)
    tokens = [row.split(",")[1] for row in world.tokens.read_text().splitlines()[1:]]
    assert world.service.app.detokenize_many(tokens) == PANS
