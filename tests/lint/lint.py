# SPDX-License-Identifier: Apache-2.0
"""Checks of the tree itself: what the compiler does not see and a reviewer should not have to.

    python3 tests/lint/lint.py [--build DIRECTORY]

Prints TAP. With --build, the programs there are checked for what they link, too. A check is a
function below that yields its findings, one line each; no finding, no failure.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

# What each folder of src/ may include from others: Makefile.am's order. `crypto` above the keeper
# means digests only (see below).
LAYERS = {
    "base": set(),
    "options": {"base"},
    "crypto": {"base", "model", "keys"},
    "pan": {"base", "model"},
    "model": {"base"},
    "wire": {"base", "model"},
    "keeper": {"base", "options", "crypto", "pan", "model", "wire", "keys"},
    "keyclient": {"base", "model", "wire"},
    "store": {"base", "crypto", "model"},
    "vault": {"base", "options", "crypto", "pan", "model", "wire", "keyclient", "store"},
    "http": {"base"},
    "rest": {
        "base",
        "options",
        "crypto",
        "pan",
        "model",
        "wire",
        "keyclient",
        "store",
        "vault",
        "http",
    },
    "batch": {"base", "options", "crypto", "pan", "model", "wire", "keyclient", "store", "vault"},
    "cli": {
        "base",
        "options",
        "crypto",
        "pan",
        "model",
        "wire",
        "keyclient",
        "store",
        "vault",
        "batch",
    },
}
# Outside the keeper nobody handles keys: of src/crypto only what needs none may be included there.
KEYLESS_CRYPTO = {"crypto/digest.h", "crypto/bytes.h"}

# Nor do layers that know no row need more of the model than sizes.
SIZES_ONLY = {"crypto", "pan"}

# Foreign headers and the folders that may include them.
FOREIGN = {
    "openssl/": {"crypto"},
    "libpq-fe.h": {"store"},
    "postgres": set(),
    "microhttpd.h": {"rest"},
    "jansson.h": {"rest", "cli"},
    "ini.h": {"base"},
    "curl/": {"cli"},
    "systemd/": {"rest"},
    "seccomp.h": {"keeper"},
}

# Program: libraries it must link directly, libraries that must not come with it even indirectly.
LINKS = {
    "jeton-keeper": (
        ["libcrypto"],
        ["libpq", "libmicrohttpd", "libsystemd", "libcurl", "libjansson", "libgnutls"],
    ),
    "jetond": (["libpq", "libmicrohttpd"], ["libcurl"]),
    "jeton": (["libcurl"], ["libmicrohttpd"]),
}

FORBIDDEN_CALLS = "strcpy strcat sprintf vsprintf gets strtok tmpnam mktemp".split()
FORBIDDEN_IN_PRODUCT = "system popen alloca".split()
SLEEPS = "sleep usleep nanosleep clock_nanosleep".split()
MAX_LINES = 600
MAX_COLUMNS = 100
CHECKS = []


def check(name):
    def register(function):
        CHECKS.append((name, function))
        return function

    return register


def all_files():
    """Every source file of the tree, without what builds leave in it."""
    skip = re.compile(
        r"^(\.git|build[^/]*|autom4te\.cache|m4/.*\.m4|aclocal\.m4|Makefile(\.in)?"
        r"|config\.(h|log|status|h\.in).*|configure~?|stamp-h1|jeton|jetond|jeton-keeper)(/|$)"
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


@check("folders of src/ include lower layers only")
def layers():
    for path in c_files("src"):
        folder = rel(path).split("/")[1]
        if folder not in LAYERS:
            yield f"{rel(path)}: no layer {folder}"
            continue
        for number, quote, name in includes(path):
            if quote != '"':
                continue
            if "/" not in name:
                yield f"{rel(path)}:{number}: {name}: write it with its folder"
                continue
            target = name.split("/")[0]
            if target not in LAYERS[folder] | {folder, "jeton"}:
                yield f"{rel(path)}:{number}: {folder} must not include {name}"


@check("key material is handled in the keeper only")
def keyless():
    for path in c_files("src"):
        folder = rel(path).split("/")[1]
        if folder in ("crypto", "keeper"):
            continue
        for number, _, name in includes(path):
            if name.startswith(("crypto/", "keys/")) and name not in KEYLESS_CRYPTO:
                yield f"{rel(path)}:{number}: {name}"


@check("crypto and pan know of the model only sizes")
def sizes_only():
    for path in c_files("src"):
        if rel(path).split("/")[1] in SIZES_ONLY:
            for number, _, name in includes(path):
                if name.startswith("model/") and name != "model/sizes.h":
                    yield f"{rel(path)}:{number}: {name}"


SIZED = (
    "fingerprint|token|probe|mac|envelope|incarnation|challenge|check_value|nonce|digest|key_ids"
)


@check("what has a size has it from model/sizes.h, not as a bare number")
def sizes():
    pattern = re.compile(rf"\b\w*(?:{SIZED})s?\[(?:static )?(?:[4-9]|\d\d+)\]")
    for path in c_files("src"):
        for number, line in enumerate(code(path).splitlines(), 1):
            match = pattern.search(line)
            if match:
                yield f"{rel(path)}:{number}: {match.group(0)}"


@check("foreign headers are included where they belong")
def foreign():
    for path in c_files("src"):
        for number, _, name in includes(path):
            for prefix, allowed in FOREIGN.items():
                if name.startswith(prefix) and rel(path).split("/")[1] not in allowed:
                    yield f"{rel(path)}:{number}: {name}"


@check("every header compiles by itself")
def headers():
    flags = [
        "-std=gnu11",
        "-D_GNU_SOURCE",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{TOP}/src",
        f"-I{TOP}/include",
        f"-I{TOP}",
    ]
    packages = ["libcrypto", "libpq", "libmicrohttpd", "jansson", "inih", "libcurl"]
    flags += subprocess.run(
        ["pkg-config", "--cflags", *packages], capture_output=True, text=True, check=False
    ).stdout.split()
    for path in c_files("src", "include"):
        if path.suffix == ".h":
            # Twice: the include guard works.
            source = f'#include "{path}"\n#include "{path}"\n'
            done = subprocess.run(
                ["gcc", "-fsyntax-only", *flags, "-x", "c", "-"],
                input=source,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                yield f"{rel(path)}: {done.stderr.strip().splitlines()[0]}"


@check("programs link what they should and no more")
def links():
    if BUILD is None:
        return
    for program, (wanted, unwanted) in LINKS.items():
        path = BUILD / program
        if not path.exists():
            yield f"{program}: not built"
            continue
        needed = re.findall(
            r"\(NEEDED\).*\[(.*?)\]",
            subprocess.run(
                ["readelf", "-d", path], capture_output=True, text=True, check=True
            ).stdout,
        )
        everything = subprocess.run(
            ["ldd", path], capture_output=True, text=True, check=True
        ).stdout
        for library in wanted:
            if not any(n.startswith(library + ".") for n in needed):
                yield f"{program} does not link {library}"
        for library in unwanted:
            if re.search(rf"^\s*{library}[.-]", everything, re.M):
                yield f"{program} comes with {library}"


@check("programs are hardened: PIE, full RELRO, no executable stack")
def hardened():
    if BUILD is None:
        return
    for program in LINKS:
        path = BUILD / program
        if not path.exists():
            continue
        out = subprocess.run(
            ["readelf", "-W", "-d", "-h", "-l", path], capture_output=True, text=True, check=True
        ).stdout
        if "DYN (" not in out:
            yield f"{program}: not position-independent"
        if "BIND_NOW" not in out and "Flags: NOW" not in out or "GNU_RELRO" not in out:
            yield f"{program}: not full RELRO"
        if re.search(r"GNU_STACK.*RWE", out):
            yield f"{program}: executable stack"


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
WHOLE_FOLDER = {"faults", "files", "life", "rows", "start"}


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


@check("no sleeping in C code")
def sleeps():
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(SLEEPS) + r")\s*\(")
    for path in c_files("src", "tests"):
        for number, line in enumerate(code(path).splitlines(), 1):
            match = pattern.search(line)
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


@check("the version of configure.ac is that of everything")
def version():
    text = (TOP / "configure.ac").read_text(encoding="utf-8")
    match = re.search(r"^AC_INIT\(\[jeton\],\[([^\]]+)\]", text, re.M)
    if match is None:
        yield "configure.ac: no version in AC_INIT"
        return
    places = {
        "include/jeton/version.h": r'^#define JETON_VERSION +"(.*)"$',
        "docs/openapi.json": r'^    "version": "(.*)",$',
        "NEWS.md": r"^## (\S+)",
        **{rel(p): r'^\.TH .* "Jeton (\S+)"' for p in FILES if rel(p).startswith("man/")},
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


@check("docs/openapi.json has the routes of src/rest/routes.c, and no others")
def openapi():
    try:
        document = json.loads((TOP / "docs/openapi.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        yield f"docs/openapi.json: {error}"
        return
    documented = {
        (method.upper(), path)
        for path, item in document.get("paths", {}).items()
        for method in item
        if method in ("get", "put", "post", "delete", "patch", "head", "options")
    }
    served = set(
        re.findall(
            r'\{ "([A-Z]+)", "(/[^"]*)"', (TOP / "src/rest/routes.c").read_text(encoding="utf-8")
        )
    )
    if not served:
        yield "no routes found in src/rest/routes.c"
    for route in sorted(served - documented):
        yield "not documented: " + " ".join(route)
    for route in sorted(documented - served):
        yield "not served: " + " ".join(route)


@check("every problem type is documented in docs/openapi.json")
def problems():
    document = (TOP / "docs/openapi.json").read_text(encoding="utf-8")
    names = re.findall(
        r'^JT_PROBLEM\(\s*\w+,\s*"([a-z-]+)"',
        (TOP / "src/rest/problems.def").read_text(encoding="utf-8"),
        re.M,
    )
    if not names:
        yield "no problem types found in src/rest/problems.def"
    for name in names:
        if name not in document:
            yield name


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
                yield from claim("constant", name, path)
            for name in enumerators(text):
                yield from claim("constant", name, path)
            for name in re.findall(r"^typedef [^;{]*?\b(\w+)\s*\([^;]*\);", text, re.M):
                yield from claim("type", name, path)
            for name, _ in prototypes(path):
                yield from claim("prototype", name, path)
        else:
            for name, _ in definitions(path):
                if name not in ("main", "LLVMFuzzerTestOneInput"):
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
                    yield f"{rel(path)}: {name}({', '.join(names)}), header: {', '.join(declared[name])}"


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


def main():
    n_failed = 0
    print(f"1..{len(CHECKS)}")
    for number, (name, function) in enumerate(CHECKS, 1):
        try:
            findings = list(function())
        except OSError as error:
            findings = [str(error)]
        n_failed += bool(findings)
        print(f"{'not ok' if findings else 'ok'} {number} - {name}")
        for finding in findings:
            print(f"#   {finding}")
    return 1 if n_failed else 0


parser = argparse.ArgumentParser()
parser.add_argument("--build", type=Path)
BUILD = parser.parse_args().build
FILES = all_files()
if __name__ == "__main__":
    sys.exit(main())
