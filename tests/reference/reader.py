#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a Jeton vault without Jeton: a keeper's directory and the database, checked and opened.

    reader.py --keys DIRECTORY --conninfo STRING [--open FILE | --compare FILE]

checks everything and prints a report. With --open it also writes the card numbers of the tokens on
standard input to FILE; with --compare it also compares with lines "token sha256-of-card-number" in
FILE. See README.md beside it.

It ends with 0 only if all is well, with 1 if something is wrong (the report names it), with 2 if
nothing could be read.
"""

import argparse
import os
import sys

import psycopg2

import audit
import formats
import kdf
from database import Database
from keyfiles import Damaged, KeyDirectory
from report import Report
from verify_cards import CardChecks, Comparison
from verify_rows import RowChecks


class Unusable(Exception):
    """An argument or its content with which the reader cannot begin."""


class Opener:
    """Writes "token card-number" lines to a file that it makes and that only its owner can read."""

    def __init__(self, tokens, path, report):
        self.missing = set(tokens)
        self.report = report
        self._out = os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii"
        )

    def __call__(self, token, pan):
        self.missing.discard(token)
        self._out.write(f"{formats.token_text(token)} {pan}\n")

    def finish(self):
        self._out.close()
        for token in self.missing:
            self.report.fault("open", f"{formats.token_text(token)}: no card that opens")


def token(text):
    """The 16 bytes of a token on a line of input."""
    found = formats.token_from_text(text)
    if found is None:
        raise Unusable("a line that does not begin with a token")
    return found


def read_comparison(file):
    pairs = {}
    for line in file:
        parts = line.split()
        if len(parts) != 2 or len(parts[1]) != 64:
            raise Unusable("--compare: lines are a token, a blank and 64 hexadecimal digits")
        pairs[token(parts[0])] = bytes.fromhex(parts[1])
    return pairs


def prepare(arguments, report):
    """What to do with cards as they open: (tokens, consumer), both None for nothing."""
    if arguments.compare == "-":
        comparison = Comparison(read_comparison(sys.stdin), report)
        return set(comparison.expected), comparison
    if arguments.compare:
        with open(arguments.compare, encoding="ascii") as file:
            comparison = Comparison(read_comparison(file), report)
        return set(comparison.expected), comparison
    if arguments.open:
        tokens = {token(line.strip()) for line in sys.stdin if line.strip()}
        return tokens, Opener(tokens, arguments.open, report)
    return None, None


def verify(keys, database, report, wanted=None, consumer=None):
    """All checks; what they find is in the report."""
    checked = RowChecks(keys, database, report)
    checked.run()
    CardChecks(checked, database, report, wanted, consumer).run()
    n_bad = database.n_bad_audit_rows()
    if n_bad:
        report.fault("audit", f"{n_bad} rows whose ids are not 8 bytes each")
    key = kdf.from_service_root(keys.root, "mac-audit")
    starts, closes = list(database.audit_starts()), database.audit_closes()
    wrong, n_links = audit.verify(key, starts, database.audit_rows(), closes)
    for what in wrong:
        report.fault("audit", what)
    report.line(f"audit: {n_links} links")
    if consumer is not None:
        consumer.finish()


def parse(arguments):
    parser = argparse.ArgumentParser(
        description="Checks and opens a Jeton vault with the keys of a keeper's directory."
    )
    parser.add_argument("--keys", required=True, help="the keeper's directory, or a copy of it")
    parser.add_argument(
        "--conninfo",
        "--dsn",
        required=True,
        help="libpq connection string; a role that may read schema jeton",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--verify", action="store_true", help="check everything (this is always done)"
    )
    what.add_argument(
        "--open",
        metavar="FILE",
        help="write the card numbers of the tokens on standard input to this new file",
    )
    what.add_argument(
        "--compare",
        metavar="FILE",
        help="compare with lines of token and SHA-256 of the card number; - for standard input",
    )
    return parser.parse_args(arguments)


def main(arguments):
    options = parse(arguments)
    report = Report()
    try:
        keys = KeyDirectory(options.keys, report)
        if keys.root is None:
            sys.stdout.write(report.text())
            return 2
        wanted, consumer = prepare(options, report)
        database = Database(options.conninfo)
        try:
            verify(keys, database, report, wanted, consumer)
        finally:
            database.close()
    except Damaged as error:
        print(f"reader: master.key: {error}", file=sys.stderr)
        return 2
    except (Unusable, OSError, ValueError, psycopg2.Error) as error:
        print(f"reader: {str(error).strip()}", file=sys.stderr)
        return 2
    sys.stdout.write(report.text())
    return 0 if report.good() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
