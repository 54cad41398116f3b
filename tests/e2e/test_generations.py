# SPDX-License-Identifier: Apache-2.0
"""Roll, retire, destroy, again and again: key ids come round, and nothing else grows with it. Forty
rounds by default, more than 600 with ./runtests --long or JETON_TEST_GENERATIONS=620, which takes a
minute and a half.
"""

import os
import re
import time
from pathlib import Path

import pytest

import ends
from cards import made_up
from custody import destruction, key_files
from primitives import sign, sign_public_key
from service import BIN, wait_until
from traffic import check_generations

EARLY, FEW, MANY = 10, 40, 620
LONG = int(os.environ.get("JETON_TEST_ROUNDS", "4")) > 4
ROUNDS = int(os.environ.get("JETON_TEST_GENERATIONS", MANY if LONG else FEW))
OLD = 30  # cards that live through all of it
RECORDS = {"generation", "retirement", "destruction", "approval", "destruction_node", "tally"}
RECORDS |= {"card"}  # a new one comes with each
# Questions of the last minute, answers until the next sweep.
PASSING = {"rows of adoption": 10 * MANY, "rows of key_ack": 200}
FAST = {"keeper_destroy_grace": 0}
NAMES = ("alice", "bob")


class Signers:
    """Custodians whose keys lie here: a command for each signature would take longer than all the
    rest.
    """

    def __init__(self, service):
        self.service = service
        self.seeds = {name: os.urandom(32) for name in NAMES}
        texts = [ends.custodian_text(n, sign_public_key(s)) for n, s in self.seeds.items()]
        assert service.keeper.stop() == 0
        service.jeton("custodian", "enroll", *texts)
        service.start_keeper()
        service.wait_ready()

    def destroy(self, operator, number):
        answer = operator.post(f"/v1/generations/{number}/destroy")
        assert answer.status_code == 200, answer.text
        text = answer.json()["text"].encode("ascii")
        for name, seed in self.seeds.items():
            approval = f"jca_{name}_" + ends.base32(sign(seed, text))
            answer = operator.post(f"/v1/generations/{number}/approve", {"approval": approval})
            assert answer.status_code == 200, answer.text
        wait_until(
            lambda: destruction(self.service, number)["state"] == "certified",
            f"generation {number} is gone",
        )


def memory_kb(daemon):
    status = Path(f"/proc/{daemon.process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))


class Watch:
    """What may not grow, and how long things take."""

    def __init__(self, service):
        self.service = service
        self.took = {}

    def timed(self, what, act):
        started = time.monotonic()
        done = act()
        self.took.setdefault(what, []).append(time.monotonic() - started)
        return done

    def look(self):
        service = self.service
        found = {"keeper kB": memory_kb(service.keeper), "front kB": memory_kb(service.front)}
        files = list(service.keeper_directory.iterdir())
        answer = service.operator.get("/v1/generations")
        tables = service.sql(
            "SELECT relname FROM pg_class WHERE relnamespace = 'jeton'::regnamespace "
            "AND relkind = 'r' AND relname !~ '^audit_'"
        )
        found["files"] = len(files)
        found["bytes of files"] = sum(p.stat().st_size for p in files)
        found["bytes of the list"] = len(answer.content)
        for (table,) in tables:
            found[f"rows of {table}"] = service.sql(f"SELECT count(*) FROM {table}")[0][0]
        found["log"] = service.front_log.stat().st_size + service.keeper_log.stat().st_size
        return found


def one_round(service, signers, watch, number, cards):
    operator = service.operator
    assert watch.timed("create", operator.create_generation) == number + 1
    assert watch.timed("activate", lambda: operator.activate(number + 1)).status_code == 200
    tokens = list(cards)[:OLD]
    assert watch.timed("read", lambda: service.app.detokenize_many(tokens[: OLD // 2]))
    assert service.app.tokenize_many([cards[t] for t in tokens]) == tokens
    pan = made_up(number, series="generations")
    cards[service.app.tokenize(pan)] = pan
    watch.timed("retire", lambda: operator.retire(number))
    watch.timed("destroy", lambda: signers.destroy(operator, number))


def tell(watch, early, late, measured):
    for what, took in watch.took.items():
        for when, some in (("first", took[:10]), ("last", took[-10:])):
            measured(f"{what}, the {when} ten", 1000 * sum(some) / len(some), "ms")
    for what in ("keeper kB", "front kB", "bytes of the list"):
        measured(f"{what} after {EARLY} rounds {early[what]}, after {ROUNDS}", late[what], "")


def check_growth(early, late):
    """A record of each generation stays for ever, and nothing else."""
    for what in early:
        if what.startswith("rows of ") and what.removeprefix("rows of ") not in RECORDS:
            assert late[what] <= max(early[what], 1) + PASSING.get(what, 0), what
    assert late["files"] == early["files"] and late["bytes of files"] == early["bytes of files"]
    for table in ("retirement", "destruction", "destruction_node"):
        assert late[f"rows of {table}"] == ROUNDS
    if ROUNDS >= MANY and b"__asan_init" not in (BIN / "jetond").read_bytes():
        assert late["keeper kB"] < early["keeper kB"] + 4096
        assert late["front kB"] < early["front kB"] + 16384


@pytest.mark.slow
def test_key_ids_come_round_and_nothing_else_grows(make_service, measured):
    service = make_service(options=FAST)
    signers, watch = Signers(service), Watch(service)
    pans = [made_up(n, series="through-all") for n in range(OLD)]
    cards = dict(zip(service.app.tokenize_many(pans), pans))
    key_ids = set()
    for number in range(1, ROUNDS + 1):
        one_round(service, signers, watch, number, cards)
        key_ids.add(service.key_id(number + 1))
        if number == EARLY:
            early = watch.look()
    late = watch.look()
    tell(watch, early, late, measured)
    assert len(key_ids) <= 2
    check_growth(early, late)
    check_generations(service)
    # whoever starts now finds all of it, and nothing of what was
    service.stop()
    watch.timed("start", service.start)
    assert key_files(service) == [f"generation-{ROUNDS + 1}.{what}" for what in ("key", "used")]
    tokens = list(cards)
    assert service.app.detokenize_many(tokens) == [cards[t] for t in tokens]
    assert service.app.tokenize_many([cards[t] for t in tokens]) == tokens
    states = [g["state"] for g in service.operator.generations().values()]
    assert states == ["destroyed"] * ROUNDS + ["active"]
