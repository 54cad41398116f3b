# SPDX-License-Identifier: Apache-2.0
"""Names of C: each global one once, and parameters alike in header and source."""

import re

from tree import c_files, check, code, rel

PARAMETERS = r"\(((?:[^(){};]|\([^(){};]*\))*)\)"


def declarations(path):
    """C code without comments, strings and preprocessor lines, for the two checks below."""
    return re.sub(r"^[ ]*#(?:.*\\\n)*.*", "", code(path), flags=re.M)


def prototypes(path):
    """Functions that a header declares: name, parameters."""
    for match in re.finditer(
        rf"^(?!typedef|static)\w[\w *\n]*?\b(\w+)\s*{PARAMETERS}[^;{{}}()]*;",
        declarations(path),
        re.M,
    ):
        yield match.group(1), match.group(2)


def definitions(path):
    """Functions of external linkage that a source file defines: name, parameters."""
    for match in re.finditer(
        rf"^(?!typedef|static|else|return)\w[\w *\n]*?\b(\w+)\s*{PARAMETERS}\s*\{{",
        declarations(path),
        re.M,
    ):
        yield match.group(1), match.group(2)


def enumerators(text):
    for body in re.findall(r"\benum\s*\w*\s*\{([^}]*)\}", text):
        for item in body.split(","):
            name = re.match(r"\s*(\w+)", item)
            if name:
                yield name.group(1)


# A test that stands in for the functions that its subject calls defines them anew.
FAKES = {"tests/unit/cli/test_cmd_init.c"}


@check("no global name twice: types, functions, macros and constants of headers")
def unique():
    seen = {}

    def claim(kind, name, path):
        if seen.setdefault((kind, name), path) != path:
            return [f"{rel(path)}: {kind} {name}, also in {rel(seen[(kind, name)])}"]
        return []

    for path in c_files("src", "include", "tests", "bench"):
        if rel(path) in FAKES:
            continue
        text = code(path)
        header = path.suffix == ".h"
        for name in re.findall(r"^(?:\w+ )*(?:struct|union|enum) (\w+)\s*\{", text, re.M):
            if header or name.startswith("jt_"):
                yield from claim("type", name, path)
        if header:
            for name in re.findall(r"^\s*#\s*define\s+(\w+)", text, re.M):
                if re.search(rf"^#undef {name}$", text, re.M):  # an X-macro for one list
                    continue
                yield from claim("constant", name, path)
            for name in enumerators(declarations(path)):
                yield from claim("constant", name, path)
            for name in re.findall(r"^typedef [^;{]*?\b(\w+)\s*\([^;]*\);", text, re.M):
                yield from claim("type", name, path)
            for name, _ in prototypes(path):
                yield from claim("prototype", name, path)
        else:
            for name, _ in definitions(path):
                # Every program has a main; --wrap puts a function in the place of another.
                if name not in ("main", "LLVMFuzzerTestOneInput") and name[:7] != "__wrap_":
                    yield from claim("function", name, path)


def parameter_names(parameters):
    """The names in a parameter list; a parameter without one is ''."""
    flat = re.sub(r"\[[^\]]*\]", "", parameters)
    # A pointer to an array or a function: its name, without what the function takes.
    flat = re.sub(r"\(\s*\*\s*(?:const\s+)?(\w+)\s*\)\s*(?:\([^()]*\))?", r" \1 ", flat)
    names = []
    for one in flat.split(","):
        words = re.findall(r"\w+", one)
        names.append(words[-1] if len(words) > 1 else "")
    return names


@check("parameters have one name in header and source")
def parameters():
    declared = {}
    for path in c_files("src", "include", "tests", "bench"):
        if path.suffix == ".h":
            for name, text in prototypes(path):
                declared[name] = parameter_names(text)
    for path in c_files("src", "tests", "bench"):
        if path.suffix == ".c" and rel(path) not in FAKES:
            for name, text in definitions(path):
                names = parameter_names(text)
                if name in declared and names != declared[name]:
                    here, there = ", ".join(names), ", ".join(declared[name])
                    yield f"{rel(path)}: {name}({here}), header: {there}"
