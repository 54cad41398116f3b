# SPDX-License-Identifier: Apache-2.0
"""Commands of jeton of which each call to a library fails in turn: what is common to the files of
cases.

A case prepares a run and returns its arguments; then it says what must be so when the command says
that it is done, and when not.
"""

import contextlib
import re
import subprocess
from pathlib import Path

import callfaults
from cards import made_up
from service import BIN, Service

PER_CASE = 20  # faults of each command, in a run that does not take them all
HANGS_S = 30

PANS = [made_up(n, series="call-faults") for n in range(7)]


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


@contextlib.contextmanager
def made_world(run_directory, cluster, name, options=None):
    """A world of a service of its own, whose name this is; skips where no call can be failed."""
    callfaults.need()
    directory = Path(run_directory) / name
    service = Service(str(directory), cluster, name, options=options)
    service.set_up().start().populate()
    yield World(service, directory, callfaults.build(directory))
    service.stop()


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


def without_numbers(text):
    return re.sub(r"[0-9:.]+", "0", text)


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


def each_call_fails(world, case, measured):
    """Each call that the command makes fails once, in each of its ways, or a share of them."""
    table = world.table
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
