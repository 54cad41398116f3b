# SPDX-License-Identifier: Apache-2.0
"""The model in ring.pml, checked exhaustively by spin: the rules hold in every order of steps, and
each variant that leaves one of them out is caught.
"""

import os
import pathlib
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent
LONG = int(os.environ.get("JETON_TEST_ROUNDS", "4")) > 4

# What stands: which size, and how many states there are at least. Fewer mean that a step of the
# model can no longer be taken.
STANDS = {
    "three-nodes": ([], 500_000),
    "three-generations": (["-DTWO_NODES", "-DGENERATIONS=3"], 1_000_000),
}
if LONG:  # a gigabyte and some minutes each
    STANDS["two-sessions"] = (["-DSESSIONS=2"], 10_000_000)
    STANDS["three-generations-two-sessions"] = (
        ["-DTWO_NODES", "-DGENERATIONS=3", "-DSESSIONS=2"],
        10_000_000,
    )

# What is left out, and what is then no longer so.
CAUGHT = {
    "NO_LOCK": "card_can_be_opened",
    "SAME_SNAPSHOT": "card_can_be_opened",
    "NO_EPOCH": "card_can_be_opened",
    "STALE_WORD": "card_can_be_opened",
    "ONE_HOLDER": "card_can_be_opened",
    "NO_ACKS": "serving_nodes_hold_the_key",
    "BLIND_JOIN": "serving_nodes_hold_the_key",
    "NO_FENCE": "leases_are_true",
}


def check(directory, definitions):
    """What the checker prints; it has tried everything, or found an error."""
    subprocess.run(["spin", "-a", *definitions, HERE / "ring.pml"], cwd=directory, check=True)
    subprocess.run(
        ["gcc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=6000", "-o", "pan", "pan.c"],
        cwd=directory,
        check=True,
    )
    run = subprocess.run(
        ["./pan", "-m1000000"], cwd=directory, check=True, capture_output=True, text=True
    )
    return run.stdout


@pytest.mark.parametrize("size", STANDS)
def test_the_rules_hold_in_every_order_of_steps(tmp_path, size):
    definitions, states = STANDS[size]
    said = check(tmp_path, definitions)
    assert " errors: 0\n" in said, said
    assert "max search depth too small" not in said, said
    assert "out of memory" not in said, said
    assert int(re.search(r"(\d+) states, stored", said).group(1)) > states
    # every step was taken: of what is never reached only the alarms are left
    unreached = re.findall(r"ring\.pml:\d+, state \d+, \"(.*)\"", said)
    assert set(unreached) <= {f"assert({name})" for name in CAUGHT.values()} | {"-end-"}, said


@pytest.mark.parametrize("variant", CAUGHT)
def test_a_rule_left_out_is_caught(tmp_path, variant):
    said = check(tmp_path, [f"-D{variant}"])
    assert f"assertion violated {CAUGHT[variant]} " in said, said
