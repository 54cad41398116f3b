# SPDX-License-Identifier: Apache-2.0
"""The tree that is checked, and the list of the checks: what the other files here share."""

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

CHECKS = []
BUILD = None  # the build directory, where one is given


def check(name):
    def register(function):
        CHECKS.append((name, function))
        return function

    return register


def all_files():
    """Every source file of the tree, without what builds leave in it."""
    skip = re.compile(
        r"^(\.git|build[^/]*|autom4te\.cache|m4/.*\.m4|aclocal\.m4|Makefile(\.in)?"
        r"|config\.(h|log|status|h\.in).*|configure~?|stamp-h1|jeton|jetond"
        r"|jeton-keeper|jeton-pkcs11"
        r"|debian/(?!source/)[^/]+/.*|debian/(files|autoreconf\..*|.*debhelper.*|.*\.substvars)"
        r"|completion/(_?jeton|table|pages)|man/commands|libjeton\.so[^/]*)(/|$)"
        r"|(^|/)(__pycache__|\.hypothesis|\.deps|\.pytest_cache|\.dirstamp)(/|$)"
        r"|\.(o|a|log|trs|pyc)$"
    )
    found = []
    for path in sorted(TOP.rglob("*")):
        name = str(path.relative_to(TOP))
        if path.is_file() and not skip.search(name):
            with open(path, "rb") as file:
                if file.read(4) != b"\x7fELF":
                    found.append(path)
    return found


def files(pattern):
    return [p for p in FILES if p.match(pattern)]


def c_files(*folders):
    return [p for p in FILES if p.suffix in (".c", ".h") and rel(p).split("/")[0] in folders]


def rel(path):
    return str(path.relative_to(TOP))


def code(path):
    """C source with comments, strings and character constants blanked, line numbers kept."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    return re.sub(
        r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
        blank,
        path.read_text(encoding="utf-8"),
        flags=re.S,
    )


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if match:
            yield number, match.group(1), match.group(2)


# What fuzz targets are fed is any bytes, and only the check of the corpora looks at it.
CORPUS = "tests/fuzz/corpus/"
FILES, INPUTS = [], []
for _path in all_files():
    (INPUTS if rel(_path).startswith(CORPUS) else FILES).append(_path)


def build():
    return BUILD
