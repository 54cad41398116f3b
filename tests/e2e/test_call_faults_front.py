# SPDX-License-Identifier: Apache-2.0
"""Every call of jetond to libc and other libraries fails in turn, in its own cell, while it serves.
It goes on, or ends with a message and is started again; what it says is true, and what it has
promised it keeps.
"""

import subprocess
import time
from pathlib import Path

import pytest

import callfaults
from frontcalls import (
    CASES,
    IDLE_S,
    NUMERIC,
    PATIENCE_S,
    World,
    Wrong,
    detokenize,
    over_tls,
    status,
    tokenize,
)
from service import Service, wait_until
from test_tls import make_certificate, tls_options
from traffic import check_generations

pytestmark = pytest.mark.slow

# Faults of each case, in a run that does not take them all.
PER_CASE, AT_START, FEW = 20, 30, 10

# What the kernel does not do, so that nothing is to be learnt from it: function and caller.
NEVER = {
    ("epoll_ctl", "jt_loop_set_events"),  # of a descriptor that is watched
    ("epoll_ctl", "jt_loop_unwatch"),
    ("write", "jt_loop_wake"),  # an eventfd of which somebody reads
    ("read", "on_wake_fd"),  # the same, when it is readable
    ("kill", "jt_front_loop_broke"),  # of the own process
}


# --- one fault ---


def log_since(w, size):
    return w.service.front_log.read_bytes()[size:].decode("utf-8", "replace")


def judge_end(w, size, stopping=False):
    """What is wrong with how jetond ended; None: nothing."""
    code = w.service.front.process.wait(PATIENCE_S)
    log = log_since(w, size)
    w.ends += 1
    if code < 0:
        return f"ended by signal {-code}: {log[-600:]}"
    if code == 0 and not stopping:
        return f"ended with 0, and nothing starts it again: {log[-300:]}"
    if code != 0 and " error jetond: " not in log:
        return f"ended with {code} without a word"
    if ": Success" in log:
        return "tells nothing: " + log[-300:]
    return None


def again(w, ask):
    """Until it is done and nothing was refused: all is as before. Or until jetond has ended."""

    def good():
        w.refused = 0
        ask(w)
        return w.refused == 0 or not w.service.front.running

    try:
        wait_until(good, "as before", PATIENCE_S)
    except AssertionError as error:
        raise Wrong("it is not as before: " + str(error)) from error


def try_fault(w, fault, ask):
    """What is wrong after this fault; None: nothing. Leaves a service that serves."""
    table, size = w.table, w.service.front_log.stat().st_size
    wrong = None
    w.refused = 0
    table.arm(fault)
    try:
        for _ in range(2):
            if not table.fired and w.service.front.running:
                ask(w)
        table.disarm()
        if w.service.front.running:
            again(w, ask)
    except Wrong as error:
        wrong = str(error)
    table.disarm()
    if wrong is not None and w.service.front.running and "ended" not in wrong:
        wrong += "; log: " + log_since(w, size)[-500:]
    if not w.service.front.running:
        wrong = judge_end(w, size) or (wrong if "as before" not in str(wrong) else None)
        w.start_front()
        assert w.wait_up(), w.service.front_log.read_text()[-1000:]
    return wrong


@pytest.fixture(scope="module")
def world(run_directory, cluster):
    callfaults.need()
    directory = Path(run_directory)
    library = callfaults.build(directory)
    service = Service(f"{run_directory}/ff", cluster, "ff")
    options = tls_options(service.directory, front_metrics_port=0)
    options["front_metrics_port_file"] = service.directory / "metrics-port"
    service.configure(**options)
    make_certificate(service.directory)
    w = World(service, library, service.directory)
    service.set_up().start().populate()
    for body in (NUMERIC, {"name": "secret", "kind": "bytes"}, {"name": "changing"}):
        answer = service.operator.post("/v1/fields", body)
        assert answer.status_code == 201, answer.text
    w.begin()
    assert service.front.stop() == 0
    w.start_front()
    assert w.wait_up(), service.front_log.read_text()[-1000:]
    tokenize(w)
    tokenize(w, "digits")
    before = w.table.reached()
    time.sleep(IDLE_S)  # not for anything to happen: for what happens by itself to be known
    now = w.table.reached()
    w.background = {p for p in now if now[p] > before.get(p, 0)}
    yield w
    service.stop()


def not_never(fault):
    return not any((fault.function, caller) in NEVER for caller in fault.callers[:1])


def places_of(w, ask):
    before = w.table.reached()
    for _ in range(3):
        again(w, ask)
    now = w.table.reached()
    return {p for p in now if now[p] > before.get(p, 0)} - w.background


def all_together(w):
    """A bit of everything that a start sets up."""
    tokenize(w)
    detokenize(w)
    over_tls(w)
    status(w)


def at_start(w, fault):
    """What is wrong after a start with this fault; None: nothing. Leaves a service that serves."""
    table = w.table
    if w.service.front.running:
        assert w.service.front.stop() == 0
    size = w.service.front_log.stat().st_size
    table.arm(fault)
    w.start_front()
    wrong = None
    try:
        if w.wait_up():
            table.disarm()
            again(w, all_together)
    except (Wrong, AssertionError) as error:
        wrong = f"{error}; log: {log_since(w, size)[-500:]}"
    table.disarm()
    if not w.service.front.running:
        wrong = judge_end(w, size)
    elif wrong is not None:
        w.service.front.kill()
    return wrong


def at_stop(w, fault):
    """The same for the stop."""
    if not w.service.front.running:
        w.start_front()
        assert w.wait_up()
    size = w.service.front_log.stat().st_size
    w.table.arm(fault)
    w.service.front.process.terminate()
    try:
        return judge_end(w, size, stopping=True)
    except subprocess.TimeoutExpired:
        w.service.front.kill()
        return "does not stop; log: " + log_since(w, size)[-500:]


def by_itself(w, fault):
    """The same for what happens without any request."""
    table, wrong = w.table, None
    size = w.service.front_log.stat().st_size
    table.arm(fault)
    try:
        wait_until(lambda: table.fired or not w.service.front.running, "", IDLE_S)
    except AssertionError:
        pass  # it does not happen every second
    table.disarm()
    if w.service.front.running:
        try:
            again(w, all_together)
        except Wrong as error:
            wrong = f"{error}; log: {log_since(w, size)[-500:]}"
    if not w.service.front.running:
        wrong = judge_end(w, size)
        w.start_front()
        assert w.wait_up(), w.service.front_log.read_text()[-1000:]
    return wrong


def one_by_one(w, faults, try_one, measured, wanted=PER_CASE):
    faults = [f for f in faults if not_never(f) and f.function not in callfaults.BY_MEMORY]
    findings, fired, ends = [], 0, w.ends
    for n, fault in enumerate(callfaults.share(faults, wanted)):
        wrong = try_one(w, fault)
        fired += w.table.fired
        w.done.add((fault.place, fault.way))
        if wrong is not None:
            findings.append(f"{fault}: {wrong}")
        if n % 50 == 49 and w.service.front.running:
            w.check_promises(100)
    measured("calls failed", fired, f"of {len(faults)}, {w.ends - ends} ends")
    if not w.service.front.running:
        w.start_front()
        assert w.wait_up()
    w.check_promises()
    assert not findings, f"{len(findings)} of {fired}:\n" + "\n".join(findings)


@pytest.mark.parametrize("name", CASES)
def test_each_call_fails_once(world, name, measured):
    ask = CASES[name]
    faults = world.table.faults(places_of(world, ask))
    faults = [f for f in faults if (f.place, f.way) not in world.done]
    wanted = FEW if name == "roll" else PER_CASE
    one_by_one(world, faults, lambda w, fault: try_fault(w, fault, ask), measured, wanted)


def test_what_happens_by_itself_fails_once(world, measured):
    one_by_one(world, world.table.faults(world.background), by_itself, measured)


def restarted(w):
    """The places that a start reaches, and those of a stop."""
    assert w.service.front.stop() == 0
    before = w.table.reached()
    w.start_front()
    assert w.wait_up()
    started = w.table.reached()
    again(w, all_together)
    ready = w.table.reached()
    assert w.service.front.stop() == 0
    stopped = w.table.reached()
    return (
        {p for p in started if started[p] > before.get(p, 0)},
        {p for p in stopped if stopped[p] > ready.get(p, 0)} - w.background,
    )


def test_each_call_of_a_start_fails_once(world, measured):
    places, _ = restarted(world)
    one_by_one(world, world.table.faults(places), at_start, measured, AT_START)


def test_each_call_of_a_stop_fails_once(world, measured):
    _, places = restarted(world)
    one_by_one(world, world.table.faults(places), at_stop, measured, FEW)


def test_afterwards_all_is_whole(world, measured):
    """A card has one row and one token, tokens open, generations and counts agree, and no log has a
    card or a key.
    """
    w, service = world, world.service
    world.check_promises()
    measured("functions", len({w.table.functions[place][0] for place, _ in w.done}), "that failed")
    pans = sorted(set(w.pans))
    tokens = {}
    for start in range(0, len(pans), 500):
        part = pans[start : start + 500]
        tokens.update(zip(part, service.app.tokenize_many(part)))
    for pan, token in w.promised["pan"].items():
        assert tokens[pan] == token, "another token for the same card"
    rows = [row[0] for row in service.sql("SELECT id FROM card WHERE field = 1")]
    assert sorted(rows) == sorted(service.ids_of(tokens.values())), "rows that no token names"
    check_generations(service)
    keys = [service.app_key, w.app.key, service.operator_key_file.read_text().strip()]
    for log in service.logs():
        text = log.read_text(errors="replace")
        assert not [1 for secret in pans + keys if secret in text], f"{log.name} has a secret"
