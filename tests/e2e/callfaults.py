# SPDX-License-Identifier: Apache-2.0
"""Calls of a program that fail one at a time: fault_library.c from the test's side.

A place is a function of fault_calls.def with the innermost callers of it in the program. A test
runs its scenario once to learn which places it reaches, and then again and again with one of them
armed.
"""

import datetime
import mmap
import os
import platform
import random
import re
import struct
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent

# The table, as in fault_library.c.
N_PLACES = 16384
N_FRAMES = 6
HEAD = struct.Struct("<IIIIIi")  # armed, way, fired, full, depth, written
HEAD_LEN = 64
PLACE = struct.Struct("<QII" + "Q" * N_FRAMES)
DEPTH = 3  # callers that make a place

SEED = os.environ.get("JETON_TEST_SEED", "")
WANTED = os.environ.get("JETON_TEST_FAULTS", "")  # all, or functions with commas between


# Both programs know when Jansson misses memory: the command ends (src/cli/main.c), and jetond tells
# nothing that was made meanwhile (src/api/json.h). So these do not fail but by that; and for text
# that is not UTF-8, which other tests give to them.
BY_MEMORY = ("json_array", "json_object", "json_integer", "json_array_append_new", "json_pack")
BY_MEMORY += ("json_array_extend", "json_object_set_new", "json_object_update", "json_string")
BY_MEMORY += ("json_stringn",)


def need():
    """Skips where the library cannot be used."""
    if platform.machine() != "x86_64":
        pytest.skip("the library that fails calls is for x86-64")
    if os.environ.get("JETON_TEST_SANITIZED"):
        pytest.skip("a sanitizer stands before the same functions")


def calls():
    """The functions of fault_calls.def in its order, each with the number of its ways."""
    found = {}
    for kind, name in re.findall(
        r"^(CALL|ALSO)\((\w+),", (HERE / "fault_calls.def").read_text(encoding="ascii"), re.M
    ):
        found[name] = found.get(name, 0) + 1
        assert (found[name] > 1) == (kind == "ALSO"), name
    return found


def cannot():
    text = (HERE / "fault_calls.def").read_text(encoding="ascii")
    return set(re.findall(r"^CANNOT\((\w+)\)", text, re.M))


def imported(program):
    """The functions of libraries that a program calls."""
    out = subprocess.run(
        ["nm", "-D", "--undefined-only", program], capture_output=True, text=True, check=True
    ).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()}


def build(directory):
    library = directory / "faults.so"
    source = HERE / "fault_library.c"
    command = ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*command, "-shared", "-fPIC", "-o", library, source], check=True)
    return library


class Symbols:
    """The functions of a program, by address."""

    def __init__(self, program):
        out = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in out.splitlines()]
        self.all = sorted((int(r[0], 16), r[2]) for r in rows if len(r) == 3 and r[1] in "tTwW")

    def of(self, address):
        before = [name for start, name in self.all if start < address]
        return re.sub(r"\.\w+(\.\d+)?$", "", before[-1]) if before else "?"


class Fault:
    """One place, failing in one way."""

    def __init__(self, table, place, way):
        function, frames = table.functions[place]
        self.place, self.way, self.function = place, way, function
        self.callers = [table.symbols.of(f) for f in frames if f != 0]
        self.ways = table.calls[function]

    def __str__(self):
        which = f" (way {self.way + 1})" if self.ways > 1 else ""
        return f"{self.function}{which} in {' < '.join(self.callers)}"


class Table:
    """What the program and the test share."""

    def __init__(self, directory, library, program, beneath=None):
        self.path = directory / f"{program.name}.faults"
        with open(self.path, "wb") as file:
            file.truncate(HEAD_LEN + N_PLACES * PLACE.size)
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 0)
        self.map[: HEAD.size] = HEAD.pack(0, 0, 0, 0, DEPTH, -1)
        self.calls = calls()
        self.names = list(self.calls)
        self.symbols = Symbols(program)
        self.functions = {}  # place -> function, frames
        self.environment = {
            "LD_PRELOAD": str(library),
            "JETON_TEST_FAULT_TABLE": str(self.path),
            "JETON_TEST_FAULT_PROGRAM": program.name,
            **({"JETON_TEST_FAULT_BENEATH": beneath} if beneath else {}),
        }

    def reached(self):
        """How often each place was, as far as it was at all."""
        assert self._word(12) == 0, "the table is full"
        found = {}
        for place in range(N_PLACES):
            name, function, times, *frames = PLACE.unpack_from(
                self.map, HEAD_LEN + place * PLACE.size
            )
            if name != 0 and times > 0:
                self.functions[place] = (self.names[function], frames)
                found[place] = times
        return found

    def faults(self, places):
        return [
            Fault(self, place, way)
            for place in sorted(places)
            for way in range(self.calls[self.functions[place][0]])
        ]

    def arm(self, fault):
        self.map[4:12] = struct.pack("<II", fault.way, 0)
        self.map[20:24] = struct.pack("<i", -1)
        self.map[0:4] = struct.pack("<I", fault.place + 1)

    def disarm(self):
        self.map[0:4] = struct.pack("<I", 0)

    @property
    def fired(self):
        return self._word(8) > 0

    @property
    def written(self):
        """The descriptor of the stream that could not be written, or -1."""
        return struct.unpack_from("<i", self.map, 20)[0]

    def _word(self, at):
        return struct.unpack_from("<I", self.map, at)[0]


def share(faults, wanted):
    """As many of the faults as one run has time for: others on each day, unless JETON_TEST_SEED
    says which, so that what fails does so again; JETON_TEST_FAULTS=all takes them all, or of some
    functions.
    """
    named = [f for f in faults if f.function in WANTED.split(",")]
    if named:
        return named
    if WANTED == "all" or len(faults) <= wanted:
        return list(faults)
    seed = SEED or str(datetime.date.today().toordinal())
    print(f"{wanted} of {len(faults)} faults: JETON_TEST_SEED={seed} has them again")
    return sorted(random.Random(seed).sample(list(faults), wanted), key=lambda f: (f.place, f.way))
