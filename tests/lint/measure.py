# SPDX-License-Identifier: Apache-2.0
"""Measures C code: the same figures for any tree, so that two of them can be compared.

    python3 tests/lint/measure.py [DIRECTORY ...]

Without a directory it measures src/ of this tree. It counts files and their lines, the widths of
lines, the lengths of functions, mutable variables of file scope, names of external linkage that
occur twice, and bare numbers as array sizes. It prints one column for each directory.
"""

import re
import sys
from pathlib import Path

FUNCTION = re.compile(
    r"^(?!(?:typedef|else|do|if|for|while|switch|return)\b)"
    r"[A-Za-z_][\w \t*\n]*?\**(\w+)\s*\([^;{}]*\)\s*\n?\{$",
    re.M,
)
GLOBAL = re.compile(
    r"^(?:static\s+)?(?!.*\b(?:const|extern|typedef|return|goto)\b)"
    r"(?:_Thread_local\s+|_Atomic\s+|volatile\s+)*(?:struct \w+|unsigned|[a-z]\w*)[\w \t*]*"
    r"\b(\w+)(?:\[[^\]]*\])*\s*(?:=[^;]*)?;",
    re.M,
)


def without_comments(text):
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


def functions(code):
    """Name, line count and linkage of each function that the code defines."""
    for match in FUNCTION.finditer(code):
        end = code.find("\n}", match.end())
        lines = code.count("\n", match.start(), end) + 2
        yield match.group(1), lines, match.group(0).lstrip().startswith("static")


def measure(directory):
    paths = sorted(p for p in directory.rglob("*.[ch]") if "/." not in str(p))
    widths, file_lines, lengths, names = [], [], [], {}
    n_comment, n_globals, n_bare = 0, 0, 0
    for path in paths:
        text = path.read_text(encoding="utf-8", errors="replace")
        code = without_comments(text)
        lines = text.splitlines()
        widths += [len(line.expandtabs(8)) for line in lines]
        file_lines.append(len(lines))
        n_comment += sum(1 for a, b in zip(lines, code.splitlines()) if a.strip() and not b.strip())
        if path.suffix == ".h":
            continue
        depth_zero = re.sub(r"\{[^{}]*(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}[^{}]*)*\}", "{}", code)
        n_globals += len(GLOBAL.findall(depth_zero))
        n_bare += len(re.findall(r"\[\s*(?:static\s+)?(?:8|16|17|32)\s*\]", code))
        for name, length, static in functions(code):
            lengths.append(length)
            if not static and name != "main":
                names.setdefault(name, set()).add(path)
    return {
        "files": len(paths),
        "lines": sum(file_lines),
        "of them comments": n_comment,
        "lines of a file, median": percentile(file_lines, 0.5),
        "lines of a file, most": max(file_lines, default=0),
        "width of a line, p99": percentile(widths, 0.99),
        "width of a line, most": max(widths, default=0),
        "lines over 100 columns": sum(w > 100 for w in widths),
        "functions": len(lengths),
        "lines of a function, median": percentile(lengths, 0.5),
        "lines of a function, p90": percentile(lengths, 0.9),
        "lines of a function, most": max(lengths, default=0),
        "mutable variables of file scope": n_globals,
        "external functions of one name": sum(len(p) > 1 for p in names.values()),
        "arrays of a bare 8, 16, 17 or 32": n_bare,
    }


def main():
    here = Path(__file__).resolve().parents[2] / "src"
    directories = [Path(a) for a in sys.argv[1:]] or [here]
    columns = [measure(d) for d in directories]
    width = max(len(name) for name in columns[0])
    for name in columns[0]:
        print(f"{name:{width}}", *(f"{column[name]:>8}" for column in columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
