# SPDX-License-Identifier: Apache-2.0
"""Tables and pages of docs/ that follow from a list in src/, and names of such lists used anywhere.

    python3 tests/lint/tables.py --write

writes the tables anew. As a part of lint, it compares them.
"""

import re
import sys

from tree import FILES, TOP, check, rel

PAGE = "docs/keeper-protocol.md"
MESSAGES = "src/batch/messages.def"
MESSAGES_PAGE = "docs/messages.md"
VERBS = "src/wire/verbs.def"
REASONS = "src/base/reasons.def"
ROUTES = "src/api/routes.def"
FILES_PAGE = "docs/key-files.md"
MATRIX = "tests/unit/keeper/matrix.def"

NEEDS = {
    "UNSEALED": "keys",
    "FIRST": "to come first",
    "SEALED_TOO": "",
    "ROOT": "root",
    "RING": "ring",
    "SHOWN": "shown",
    "NAMED": "fields",
    "JOINED": "join",
    "OWNER": "owner",
}
PAYLOADS = {"SMALL": "small", "WITH_RING": "ring", "FRAME": "frame"}


def entries(name, macro):
    """The arguments of each line MACRO(...) of a list; texts without quotes, pieces joined."""
    text = re.sub(r"/\*.*?\*/", "", (TOP / name).read_text(encoding="utf-8"), flags=re.S)
    string = r'"(?:\\.|[^"\\])*"'
    for match in re.finditer(rf"^{macro}\(((?:{string}|[^()\"])*)\)", text, re.M):
        arguments = re.findall(rf"((?:{string}|[^,\"])+)(?:,|$)", match.group(1))
        yield [
            ("".join(piece[1:-1] for piece in re.findall(string, a)) if '"' in a else a.strip())
            for a in arguments
        ]


def verbs_table():
    yield "| | verb | request | reply | needs | length |"
    yield "|---|---|---|---|---|---|"
    for number, name, _, needs, payload, request, reply in sorted(
        entries(VERBS, "JT_VERB"), key=lambda e: int(e[0])
    ):
        flags = [n.strip() for n in needs.split("|") if n.strip() != "0"]
        if "SEALED_TOO" not in flags:
            flags.insert(0, "UNSEALED")
        told = ", ".join(NEEDS[f] for f in flags if NEEDS[f])
        yield (
            f"| {number} | {name} | {request} | {reply} | {told or 'nothing'} "
            f"| {PAYLOADS[payload]} |"
        )


def reasons_table():
    """Those that the keeper's own code names."""
    code = "".join(
        p.read_text(encoding="utf-8")
        for p in FILES
        if re.match(r"src/(keeper|wire|crypto)/\w+\.c$", rel(p))
    )
    classes = {"GIVE_UP": "1 give up", "REFRESH": "2 refresh", "REPEAT": "3 repeat"}
    yield "| | reason | class | meaning |"
    yield "|---|---|---|---|"
    for number, name, kind, _, phrase in sorted(
        entries(REASONS, "JT_REASON"), key=lambda e: int(e[0])
    ):
        if re.search(rf"\bJT_ERR_{name}\b", code):
            yield f"| {number} | {name} | {classes[kind]} | {phrase} |"


def matrix_rows():
    """Of each KEY_FILE: its case, its file, four texts at a start, four while serving, why."""
    text = re.sub(r"/\*.*?\*/", "", (TOP / MATRIX).read_text(encoding="utf-8"), flags=re.S)
    value = r'(?:GOES_ON|NO_SUCH|(?:"[^"]*"\s*)+)'
    row = rf"KEY_FILE\(\s*(\w+),\s*({value}),\s*AT_START\((.*?)\),\s*SERVING\((.*?)\),"
    row += rf"\s*({value})\)"
    for case, *parts in re.findall(row, text, re.S):
        yield case, *(
            [
                v if v in ("GOES_ON", "NO_SUCH") else "".join(re.findall(r'"([^"]*)"', v))
                for v in re.findall(value, part)
            ]
            for part in parts
        )


CASES = {
    "CLEAR": "",
    "SEALED": ", under a passphrase",
    "CUT_OFF": ", of a rotation that was cut off",
}


def matrix_table(serving, goes_on):
    heads = "cut, longer, or any byte changed | another's | an older copy | absent"
    yield f"| file | {heads} | why it goes on |"
    yield "|---|---|---|---|---|---|"
    for case, (file,), at_start, while_serving, (why,) in matrix_rows():
        told = while_serving if serving else at_start
        if set(told) == {"NO_SUCH"}:
            continue
        words = {"GOES_ON": goes_on, "NO_SUCH": "–"}
        cells = [words.get(t, " or ".join(f"`{p}`" for p in t.split("|"))) for t in told]
        cells.append(why if "GOES_ON" in told else "")
        yield f"| `{file}`{CASES[case]} | {' | '.join(cells)} |"


TABLES = {
    "reasons": (PAGE, REASONS, reasons_table),
    "verbs": (PAGE, VERBS, verbs_table),
    "starts": (FILES_PAGE, MATRIX, lambda: matrix_table(False, "starts")),
    "serving": (FILES_PAGE, MATRIX, lambda: matrix_table(True, "goes on")),
}


def written(page, text):
    """The page with its tables as they follow from the lists."""
    for name, (home, source, rows) in TABLES.items():
        if home != page:
            continue
        begin = f"<!-- {name}: made from {source} by tests/lint/tables.py --write -->\n"
        before, found, rest = text.partition(begin)
        _, end, after = rest.partition("<!-- end -->\n")
        if not found or not end:
            raise OSError(f"{page}: no place for the table {name}: {begin.strip()}")
        text = before + begin + "\n" + "".join(r + "\n" for r in rows()) + "\n" + end + after
    return text


def pages():
    return sorted({home for home, _, _ in TABLES.values()})


@check(f"the tables of {' and '.join(pages())} follow from the lists")
def tables():
    for page in pages():
        text = (TOP / page).read_text(encoding="utf-8")
        want = written(page, text).splitlines()
        have = text.splitlines()
        if have != want:
            line = next((h for h, w in zip(have, want) if h != w), "its length")
            yield f"{page}: {line[:60]}: run tests/lint/tables.py --write"


@check(f"every file of {MATRIX} has a row for a start and one for a keeper that serves")
def matrix_is_read():
    text = (TOP / MATRIX).read_text(encoding="utf-8")
    rows = list(matrix_rows())
    if len(rows) != len(re.findall(r"^KEY_FILE\(", text, re.M)):
        yield f"{MATRIX}: {len(rows)} rows are read"
    yield from (f"{MATRIX}: {f}" for _, (f,), a, b, _ in rows if len(a) != 4 or len(b) != 4)


@check("every verb and every number of a verb stands once")
def verbs_once():
    for column in (0, 1):
        seen = [e[column] for e in entries(VERBS, "JT_VERB")]
        if not seen:
            yield f"no verbs found in {VERBS}"
        yield from (f"{VERBS}: {x}, twice" for x in sorted(set(seen)) if seen.count(x) > 1)


@check("a verb is named in its handler and by who asks it, an operation in its resource, no more")
def one_place():
    sources = {rel(p): p.read_text(encoding="utf-8") for p in FILES if p.suffix == ".c"}
    sources = {name: text for name, text in sources.items() if name.startswith("src/")}
    verbs = [(rf"JT_VERB_{e[1]}|jt_op_{e[2]}", "src/keeper/op_") for e in entries(VERBS, "JT_VERB")]
    routes = [(f"jt_operation_{e[3]}", "src/api/res_") for e in entries(ROUTES, "JT_ROUTE")]
    for name, home in verbs + routes:
        named = [f for f, text in sources.items() if re.search(rf"\b({name})\b", text)]
        named = [f for f in named if not f.startswith("src/keyclient/")]
        if len(named) != 1 or not named[0].startswith(home):
            yield f"{name}: in {', '.join(named) or 'no file'}"


@check("every JT_ERR_ that is named anywhere is a reason of src/base/reasons.def")
def reasons_exist():
    known = {e[1] for e in entries(REASONS, "JT_REASON")} | {"MAX"}
    examples = {"ID", "X"}  # of comments that say how a reason is named
    for path in FILES:
        if path.suffix not in (".c", ".h", ".def", ".md", ".py", ".sql", ".am"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for name in re.findall(r"\bJT_ERR_([A-Z0-9_]*[A-Z0-9])\b", line):
                if name not in known and not (
                    name in examples and rel(path).startswith("src/base/")
                ):
                    yield f"{rel(path)}:{number}: JT_ERR_{name}"


@check(f"reasons that {PAGE} names exist")
def page_reasons():
    known = {e[1] for e in entries(REASONS, "JT_REASON")}
    known |= {e[1] for e in entries(VERBS, "JT_VERB")}
    text = (TOP / PAGE).read_text(encoding="utf-8")
    text = re.sub(r"<!-- \w+: .*?<!-- end -->", "", text, flags=re.S)
    for name in sorted(set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", text)) - known):
        if name != "SO_PEERCRED":
            yield name


SEVERITIES = {
    "I": "information",
    "W": "a record was rejected, or something is to be known: the job goes on",
    "E": "the job ends with 12, or 8: parameters, authority or balance",
    "S": "the job ends with 16: its files, the service, memory",
}
PARTS = {
    0: "The job",
    1000: "What was asked for",
    2000: "Records that are rejected",
    3000: "Files, service and checkpoints",
}


def messages_page():
    """docs/messages.md, the whole of it."""
    found = sorted(entries(MESSAGES, "JT_MESSAGE"), key=lambda e: int(e[0]))
    yield "# Messages of file jobs"
    yield ""
    yield f"Made from `{MESSAGES}` by `tests/lint/tables.py --write`."
    yield ""
    yield "What `jeton tokenize`, `detokenize` and `mask` say on standard error and in the control"
    yield "report begins with one of these ids ([jobs.md](jobs.md)). Behind a colon stands which"
    yield "file, place or option it is about, never a value of a record. The last letter:"
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield from (f"| {letter} | {meaning} |" for letter, meaning in SEVERITIES.items())
    for begin, title in PARTS.items():
        rejects = begin == 2000
        yield ""
        yield f"## {title}"
        yield ""
        if rejects:
            yield "The reason is what programs read. It stands in the report, and is the last part"
            yield "of the service's problem type where the service refused the value."
            yield ""
        yield "| id | reason | text |" if rejects else "| id | text |"
        yield "|---|---|---|" if rejects else "|---|---|"
        for number, severity, _, name, text in found:
            if begin <= int(number) < begin + 1000:
                middle = f"{name} | " if rejects else ""
                yield f"| JET{int(number):04}{severity} | {middle}{text} |"


@check(f"{MESSAGES_PAGE} follows from the table of messages")
def messages_fresh():
    path = TOP / MESSAGES_PAGE
    want = "".join(line + "\n" for line in messages_page())
    if not path.exists() or path.read_text(encoding="utf-8") != want:
        yield f"{MESSAGES_PAGE}: run tests/lint/tables.py --write"


@check("every number and every name of a message stands once")
def messages_once():
    found = list(entries(MESSAGES, "JT_MESSAGE"))
    for column in (0, 2, 3):
        seen = [e[column] for e in found if e[column]]
        yield from (f"{MESSAGES}: {x}, twice" for x in sorted(set(seen)) if seen.count(x) > 1)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    for name in pages():
        path = TOP / name
        path.write_text(written(name, path.read_text(encoding="utf-8")), encoding="utf-8")
    (TOP / MESSAGES_PAGE).write_text(
        "".join(line + "\n" for line in messages_page()), encoding="utf-8"
    )
