# SPDX-License-Identifier: Apache-2.0
"""Documents, manual pages, the OpenAPI file and versions agree with the tree."""

import json
import re
import subprocess

from tree import FILES, TOP, check, files, rel


@check("the version of configure.ac is that of everything")
def version():
    text = (TOP / "configure.ac").read_text(encoding="utf-8")
    match = re.search(r"^AC_INIT\(\[jeton\],\[([^\]]+)\]", text, re.M)
    if match is None:
        yield "configure.ac: no version in AC_INIT"
        return
    places = {
        "docs/openapi.json": r'^    "version": "(.*)",$',
        "NEWS.md": r"^## (\S+)",
        "debian/changelog": r"^jeton \((\S+)\)",
    }
    for name, pattern in places.items():
        found = re.search(pattern, (TOP / name).read_text(encoding="utf-8"), re.M)
        if found is None or found.group(1) != match.group(1):
            yield f"{name}: {found.group(1) if found else 'no version'}, not {match.group(1)}"


@check("manual pages are good man(7)")
def manuals():
    for path in [p for p in FILES if rel(p).startswith("man/")]:
        done = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "warning", path],
            capture_output=True,
            text=True,
            check=False,
        )
        # It writes its findings to standard output and why it could not begin to standard error.
        yield from (done.stdout + done.stderr).strip().splitlines()
        for section in ("EXAMPLES", "FILES", "SECURITY", "SEE ALSO"):
            if f"\n.SH {section}\n" not in path.read_text(encoding="utf-8"):
                yield f"{rel(path)}: no section {section}"


# What a build makes, and what belongs to others.
ELSEWHERE = re.compile(
    r"(src/backend|sys|linux|systemd)/|schema/(NNNN_what\.sql|migrations\.c)$|"
    r"docs/openapi\.c$|.*jeton/version\.h$"
)
NAMED = re.compile(
    r"(?<![\w/.<*$-])((?:[\w-]+/)+[\w-]+\.(?:c|h|def|sql|py)|(?:[\w-]+/)*[\w-]+\.md)\b"
)


@check("code and comments name no page and no file that is not in the tree")
def pages_named():
    there = ["/" + rel(p) for p in FILES]
    for path in FILES:
        if path.suffix not in (".c", ".h", ".def", ".py", ".sh", ".am", ".sql"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for name in NAMED.findall(line):
                if not ELSEWHERE.match(name) and not any(t.endswith("/" + name) for t in there):
                    yield f"{rel(path)}:{number}: {name}"


def anchors(path):
    """GitHub's names for the headings of a page."""
    return {
        re.sub(r"[^\w\- ]", "", h.strip().lower()).replace(" ", "-")
        for h in re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
    }


@check("links between documents resolve")
def doc_links():
    for path in files("*.md"):
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            page = (path.parent / name).resolve() if name else path
            if not page.exists():
                yield f"{rel(path)}: {target}"
            elif anchor and page.suffix == ".md" and anchor not in anchors(page):
                yield f"{rel(path)}: {target}: no such heading"


@check("documents name files that exist")
def doc_files():
    for path in files("*.md"):
        for name in re.findall(
            r"`((?:src|docs|tests|scripts|schema|keys|bench|include)/[\w./-]+)`",
            path.read_text(encoding="utf-8"),
        ):
            if not (TOP / name).exists() and not (TOP / (name + ".c")).exists():
                yield f"{rel(path)}: {name}"


@check("documents name tests that exist")
def doc_tests():
    """A file in backquotes, and behind it the tests of it, each in backquotes as well."""
    for path in files("*.md"):
        here = None
        for name in re.findall(r"`([\w/.-]+)`", path.read_text(encoding="utf-8")):
            if re.fullmatch(r"tests/[\w/-]+\.py", name):
                here = name
            elif re.fullmatch(r"test_\w+", name) and here is not None:
                source = TOP / here
                if not source.exists() or f"def {name}(" not in source.read_text(encoding="utf-8"):
                    yield f"{rel(path)}: {here}: {name}"


def roles(permissions):
    """The names of the permissions of a row; JT_MAY_ACCEPT_SETS is no permission of its own."""
    names = re.findall(r"JT_MAY_(\w+)", permissions)
    return [n.lower().replace("_", "-") for n in names if n != "ACCEPT_SETS"]


@check("docs/openapi.json has the routes of src/api/routes.def with their permissions, no others")
def openapi():
    # Bodies are compared with the tables themselves: tests/unit/api/test_operation_openapi.c.
    document = json.loads((TOP / "docs/openapi.json").read_text(encoding="utf-8"))
    documented = {
        (method.upper(), path): [role for s in item[method]["security"] for role in s["apiKey"]]
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    }
    rows = re.findall(
        r'^JT_ROUTE\(\s*([A-Z]+),\s*"(/[^"]*)",\s*([\w\s|]+),',
        (TOP / "src/api/routes.def").read_text(encoding="utf-8"),
        re.M,
    )
    served = {(method, path): roles(permissions) for method, path, permissions in rows}
    if not served:
        yield "no routes found in src/api/routes.def"
    for route in sorted(served.keys() - documented.keys()):
        yield "not documented: " + " ".join(route)
    for route in sorted(documented.keys() - served.keys()):
        yield "not served: " + " ".join(route)
    for route in sorted(documented.keys() & served.keys()):
        if documented[route] != served[route]:
            yield " ".join(route) + f": needs {served[route]}, documented: {documented[route]}"


@check("every problem type is documented in docs/openapi.json")
def problems():
    document = (TOP / "docs/openapi.json").read_text(encoding="utf-8")
    names = re.findall(
        r'^JT_PROBLEM\(\s*\w+,\s*"([a-z-]+)"',
        (TOP / "src/api/problems.def").read_text(encoding="utf-8"),
        re.M,
    )
    if not names:
        yield "no problem types found in src/api/problems.def"
    for name in names:
        if name not in document:
            yield name
