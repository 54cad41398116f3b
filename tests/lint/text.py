# SPDX-License-Identifier: Apache-2.0
"""Text: where files stand, how long they and their lines are, what must not occur."""

import re
import subprocess
import sys
from pathlib import Path

from tree import CORPUS, FILES, INPUTS, TOP, c_files, check, code, files, rel

FORBIDDEN_CALLS = "strcpy strcat sprintf vsprintf gets strtok tmpnam mktemp".split()

FORBIDDEN_IN_PRODUCT = "system popen alloca".split()

SLEEPS = "sleep usleep nanosleep clock_nanosleep".split()

MAX_LINES = 600

MAX_COLUMNS = 100
MAX_CORPUS_FILE = 16384
MAX_CORPUS = 1 << 20


@check("every file is listed in a makefile fragment")
def listed():
    text = "\n".join(p.read_text() for p in [TOP / "Makefile.am", *files("include.am")])
    names = set(re.split(r"[\s\\=]+", text)) | {"Makefile.am", "configure.ac", ".gitignore"}
    for path in FILES:
        name = rel(path)
        if path.name == "include.am" or name.startswith(".ci/") or name in names:
            continue
        if path.suffix == ".c" and name[:-2] in names:  # the one source of a program
            continue
        yield name


@check("every name in a makefile fragment is a file")
def exists():
    for fragment in [TOP / "Makefile.am", *files("include.am")]:
        built = re.findall(
            r"^(?:BUILT_SOURCES|nodist_\w+) *\+?= *(.*)$", fragment.read_text(), re.M
        )
        for name in re.findall(
            r"(?<![\w$()/.-])"
            r"((?:src|tests|schema|docs|bench|scripts|keys|include|man)/[\w./-]+\.\w+)",
            fragment.read_text(),
        ):
            if not (TOP / name).exists() and not any(name in b.split() for b in built):
                yield f"{rel(fragment)}: {name}"


# Tests of a folder as a whole: every failure in turn; the real keeper process.
WHOLE_FOLDER = {"faults", "files", "frames", "life", "rows", "start"}


@check("unit tests mirror src/")
def mirrored():
    for path in files("tests/unit/*/test_*.c"):
        # test_siv.c and also test_siv_differential.c belong to siv.c.
        if path.stem.removeprefix("test_") in WHOLE_FOLDER:
            continue
        parts = path.stem.removeprefix("test_").split("_")
        names = ["_".join(parts[:n]) for n in range(1, len(parts) + 1)]
        if not any(
            (TOP / "src" / path.parent.name / (name + suffix)).exists()
            for name in names
            for suffix in (".c", ".h")
        ):
            yield f"{rel(path)}: no src/{path.parent.name}/{names[-1]}.c"


@check("no forbidden functions")
def forbidden():
    for path in c_files("src", "include", "tests", "bench"):
        names = FORBIDDEN_CALLS + (FORBIDDEN_IN_PRODUCT if rel(path).startswith("src/") else [])
        pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
        for number, line in enumerate(code(path).splitlines(), 1):
            match = pattern.search(line)
            if match:
                yield f"{rel(path)}:{number}: {match.group(1)}"


@check("no sleeping in C code, and in src/ by jt_clock_pause only")
def sleeping():
    sleeps = re.compile(r"(?<![\w.>])(" + "|".join(SLEEPS) + r")\s*\(")
    pauses = re.compile(r"(?<![\w.>])(poll)\s*\(NULL\b")
    for path in c_files("src", "tests"):
        # src/client is the application's: nothing but its own call waits there.
        if rel(path) in ("src/base/clock.c", "src/client/post.c"):
            continue
        in_src = rel(path).startswith("src/")
        for number, line in enumerate(code(path).splitlines(), 1):
            match = sleeps.search(line) or (in_src and pauses.search(line))
            if match:
                yield f"{rel(path)}:{number}: {match.group(1)}"


@check("no dead code and no notes to self")
def leftovers():
    for path in FILES:
        if (
            path.suffix not in (".c", ".h", ".py", ".sh", ".sql", ".am", ".ac", ".md")
            or path == Path(__file__).resolve()
        ):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(r"^\s*#\s*if\s+0\b|\b(TODO|FIXME|XXX|HACK)\b", line):
                yield f"{rel(path)}:{number}: {line.strip()[:60]}"


@check(f"no file over {MAX_LINES} lines")
def size():
    for path in FILES:
        if path.suffix in (".c", ".h", ".py", ".sh"):
            n = len(path.read_text(encoding="utf-8").splitlines())
            if n > MAX_LINES:
                yield f"{rel(path)}: {n} lines"


@check("plain text: spaces in C, no trailing blanks, a newline at the end")
def plain():
    for path in FILES:
        if path.suffix not in (".c", ".h", ".py", ".sh", ".sql", ".md", ".def", ".am", ".ac"):
            continue
        text = path.read_text(encoding="utf-8")
        if text and not text.endswith("\n"):
            yield f"{rel(path)}: no newline at the end"
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip() or (path.suffix in (".c", ".h", ".py") and "\t" in line):
                yield f"{rel(path)}:{number}"


# What nobody lays out by hand: data, JSON, and migrations, whose checksums stand in databases.
UNWRAPPED = re.compile(r"\.(json|txt|rsp)$|^schema/\d+_\w+\.sql$|^LICENSE$")


@check(f"no line over {MAX_COLUMNS} columns")
def width():
    for path in FILES:
        if UNWRAPPED.search(rel(path)):
            continue
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            # A row of a table in Markdown is one line, however long.
            table_row = path.suffix == ".md" and line.startswith("|")
            if len(line.expandtabs(8)) > MAX_COLUMNS and not table_row:
                yield f"{rel(path)}:{number}"


@check("every source file names its licence")
def licence():
    for path in FILES:
        # A landed migration is never edited: its checksum stands in databases.
        if path.suffix not in (".c", ".h", ".def", ".py", ".sh", ".am", ".ac"):
            continue
        if "SPDX-License-Identifier: Apache-2.0" not in path.read_text(encoding="utf-8")[:200]:
            yield rel(path)


@check("C files are formatted as .clang-format says")
def formatted():
    names = [str(p) for p in FILES if p.suffix in (".c", ".h", ".def")]
    done = subprocess.run(
        ["clang-format-14", "--dry-run", "-Werror", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", done.stderr, re.M))):
        yield rel(Path(line))
    if done.returncode != 0 and "error" not in done.stderr:
        yield done.stderr.strip()


@check("no paths of somebody's machine")
def machine_paths():
    pattern = re.compile(r"(?<![\w.$}])/(root|home|work|Users)/")
    for path in FILES:
        if path == Path(__file__).resolve() or path.suffix in (".txt", ".rsp"):
            continue
        for number, line in enumerate(
            path.read_text(encoding="utf-8", errors="replace").splitlines(), 1
        ):
            if pattern.search(line):
                yield f"{rel(path)}:{number}: {line.strip()[:60]}"


@check("every fuzz target has a corpus, small and without card numbers")
def corpora():
    targets = {p.stem.removeprefix("fuzz_") for p in files("tests/fuzz/fuzz_*.c")}
    for target in sorted(targets ^ {p.parent.name for p in INPUTS}):
        yield f"tests/fuzz/fuzz_{target}.c and {CORPUS}{target} do not go together"
    for path in INPUTS:
        if path.stat().st_size > MAX_CORPUS_FILE:
            yield f"{rel(path)}: {path.stat().st_size} bytes"
    total = sum(p.stat().st_size for p in INPUTS)
    if total > MAX_CORPUS:
        yield f"{CORPUS}: {total} bytes"
    cards = subprocess.run(
        [sys.executable, TOP / "tests/fuzz/cards.py", *INPUTS],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in cards.stdout.splitlines():
        yield f"{rel(Path(name))}: could hold a card number"


@check("shell scripts parse")
def shell():
    for path in FILES:
        with open(path, "rb") as file:
            first = file.readline()
        kind = (
            b"bash" in first
            and "bash"
            or re.match(rb"#!.*/sh\b", first)
            and "sh"
            or (rel(path).startswith("scripts/") and "bash")
        )
        if kind:
            done = subprocess.run([kind, "-n", path], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                yield f"{rel(path)}: {done.stderr.strip()}"


# What goes by that name there is told to whoever compares: guesses that the front itself counts,
# and an export of the trail in the hands of its reader.
MAC_BY_MEMCMP = {"src/vault/guesstable.c", "src/cli/auditcheck.c"}


@check("MACs are not compared by memcmp, whose time tells how much of one was right")
def macs():
    for path in files("src/*/*.c"):
        if rel(path) in MAC_BY_MEMCMP:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"\bmemcmp\([^();]*\b(?:mac|secret|secret_hash|tag)\b", line):
                yield f"{rel(path)}:{number}"
