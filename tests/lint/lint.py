# SPDX-License-Identifier: Apache-2.0
"""Checks of the tree itself: what the compiler does not see and a reviewer should not have to.

    python3 tests/lint/lint.py [--build DIRECTORY]

Prints TAP. With --build, the programs there are checked for what they link, too. The checks stand
in the other files here. Each is a function that yields its findings, one line each; no finding, no
failure.
"""

import argparse
import importlib
import sys
from pathlib import Path

import tree


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path)
    tree.BUILD = parser.parse_args().build
    for module in ("layers", "names", "text", "pages", "tables"):
        importlib.import_module(module)
    n_failed = 0
    print(f"1..{len(tree.CHECKS)}")
    for number, (name, function) in enumerate(tree.CHECKS, 1):
        try:
            findings = list(function())
        except OSError as error:
            findings = [str(error)]
        n_failed += bool(findings)
        print(f"{'not ok' if findings else 'ok'} {number} - {name}")
        for finding in findings:
            print(f"#   {finding}")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
