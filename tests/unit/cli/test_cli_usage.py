# SPDX-License-Identifier: Apache-2.0
"""The command itself: help, wrong invocations, configuration mistakes, and their exit codes."""

import re
import resource
import signal
import subprocess

import pytest

from scripted import JETON, TIMEOUT_S


def test_every_command_has_help_and_a_place_in_the_manual(script):
    for command, _ in commands_of(script):
        for words in ([*command.split(), "--help"], ["help", *command.split()]):
            assert script.jeton(*words).out.startswith(f"usage: jeton {command}")
    for words in (["help"], ["--help"], ["-h"]):
        assert "usage: jeton" in script.jeton(*words).out


# What is wrong, as the message begins, and the words that are.
WRONG = {
    "a command is missing": [[]],
    "unknown command nonsense (": [["nonsense"], ["nonsense", "x"], ["help", "nonsense"]],
    "unknown command statu; did you mean status?": [["statu"], ["statu", "--json"]],
    "unknown command key list; did you mean keys list?": [["key", "list"]],
    "unknown command keys activat; did you mean keys activate?": [["keys", "activat", "1"]],
    "unknown command keys nonsense: keys must be followed by create, list, held, activate, "
    "plan, compromise, abandon, backup, backups, restore, retire, pause, resume, stuck, "
    "write-off, write-offs, certificate, destroy or approve": [["keys", "nonsense"]],
    "field must be followed by add, list, show or change": [["field"], ["field", "--json"]],
    "node must be followed by accept-ids, accept-numeric or accept-sets": [["node"]],
    "unknown option --nonsense": [["--nonsense", "status"]],
    "unknown option -x": [["-x"]],
    "--config needs a value": [["--config"]],
    "--retry-for must be a whole number": [["--retry-for", "soon", "status"]],
    "too many arguments: --version": [["--version", "x"]],
    "too many arguments: help": [["help", "keys", "list", "x"]],
    "field add: NAME is missing": [["field", "add"]],
    "client add: NAME is missing": [["client", "add"]],
    "client add: --may is missing": [["client", "add", "shop"]],
    "client add: --key-file-out is missing": [["client", "add", "shop", "--may", "tokenize"]],
    "client add: --may needs permissions": [
        ["client", "add", "shop", "--may", "tokenize,,", "--key-file-out", "f"]
    ],
    "client add: --networks needs networks": [
        ["client", "add", "s", "--may", "audit", "--networks", "a,", "--key-file-out", "f"]
    ],
    "client add: --certificates needs files": [
        ["client", "add", "s", "--may", "audit", "--certificates", "a,", "--key-file-out", "f"]
    ],
    "client permit: --certificates: /nowhere: ": [
        ["client", "permit", "s", "--may", "audit", "--certificates", "/nowhere"]
    ],
    "client revoke: NAME is missing": [["client", "revoke"]],
    "client show: NAME is missing": [["client", "show"]],
    "client show: a client's name is 1 to 32": [["client", "show", "4111"]],
    "client permit: --may is missing": [["client", "permit", "shop"]],
    "client permit: a client's name is 1 to 32": [["client", "permit", "NO", "--may", "audit"]],
    "client rotate: --key-file-out is missing": [["client", "rotate", "shop"]],
    "client rotate: --overlap must be a whole number from 0 to 2592000": [
        ["client", "rotate", "shop", "--key-file-out", "f", "--overlap", n]
        for n in ("-1", "2592001")
    ],
    "client recover: --key-file-out is missing": [["client", "recover", "shop"]],
    "client recover: --reason is missing": [["client", "recover", "shop", "--key-file-out", "f"]],
    "client recover: NAME is 1 to 32": [
        ["client", "recover", "NO", "--key-file-out", "f", "--reason", "x"],
        ["client", "recover", "shop", "--key-file-out", "f", "--reason", "x" * 128],
        ["client", "recover", "shop", "--key-file-out", "f", "--reason", "a\tb"],
    ],
    "client revoke: a client's name is 1 to 32": [["client", "revoke", "Not Valid"]],
    "audit: TOKEN is missing": [["audit"]],
    "audit: --field is missing": [["audit", "t"]],
    "honey must be followed by add, list or remove": [["honey"]],
    "honey add: TOKEN is missing": [["honey", "add"]],
    "honey remove: --field is missing": [["honey", "remove", "t"]],
    "node accept-ids: --reason is missing": [["node", "accept-ids"]],
    "node accept-sets: --reason is missing": [["node", "accept-sets"]],
    "init: --operator-key is missing": [["init"]],
    "init: --operator must be 1 to 32": [
        ["init", "--operator-key", "f", "--operator", "Not Valid"]
    ],
    "gen: --rows is missing": [["gen"]],
    "gen: --rows must be a whole number": [["gen", "--rows", n] for n in ("x", "-1", "1.5", "")],
    "gen: --bad must not exceed --rows": [["gen", "--rows", "1", "--bad", "2"]],
    "--url (JETON_URL) must be https": [["status", "--url", "http://u:secret@example.org"]],
    **{
        f"keys {verb}: {wrong}": [["keys", verb, *words]]
        for verb in ("activate", "abandon", "retire", "certificate")
        for wrong, words in (
            ("NUMBER is missing", []),
            ("NUMBER must be the number of a generation", ["first"]),
        )
    },
}


@pytest.mark.parametrize("said", WRONG)
def test_usage_is_64_and_what_is_wrong_comes_first(script, said):
    for arguments in WRONG[said]:
        done = script.jeton(*arguments, status=64)
        assert done.err.startswith(f"jeton: {said}") and not done.out, done.err
        assert (
            re.search(r" \(see jeton (help|.+ --help)\)\n$", done.err) and "secret" not in done.err
        )
        assert done.err.count("\n") == 1


FILE_JOBS = ("tokenize", "detokenize", "mask")
PAN = ["--field", "pan", "--column", "pan"]

# The same of file jobs, which end with 12 and have the id of the message in front.
WRONG_JOB = {
    "tokenize: --field is missing": [["tokenize"]],
    "tokenize: --field must name a field": [
        ["tokenize", "--field", f, "f", "--out", "o"] for f in ("PAN", "a=", "", "4=4=4")
    ],
    "tokenize: --field must say where": [["tokenize", "--field", "=pan", "f", "--out", "o"]],
    "tokenize: --field names a field without a place twice": [
        ["tokenize", "--field", "a", "--field", "b", "--column", "c"]
    ],
    "tokenize: --batch must be a whole number": [["tokenize", "--batch", "0"]],
    "detokenize: --column is missing": [["detokenize", "--field", "pan"]],
    "tokenize: --field is missing: the field of --column": [["tokenize", "--column", "a"]],
    "tokenize: FILE is missing": [["tokenize", *PAN]],
    "tokenize: --out is missing": [["tokenize", *PAN, "f"]],
    "tokenize: --rejects is missing: with --out -": [["tokenize", *PAN, "f", "--out", "-"]],
    "tokenize: --rejects must be a file": [["tokenize", *PAN, "f", "--out", "o", "--rejects", "-"]],
    "tokenize: standard output cannot be gone on with": [
        ["tokenize", *PAN, "f", "--out", "-", "--rejects", "r", "--restart"]
    ],
    "tokenize: too many arguments: it takes [FILE] and no more": [
        ["tokenize", *PAN, "f", "g"],
        ["tokenize", *PAN, "f", "--in", "g"],
    ],
    "tokenize: --dd must be NAME=FILE": [["tokenize", *PAN, "--dd", "SYSIN=a"]],
    "tokenize: --dd names a file that is named already": [
        ["tokenize", *PAN, "--in", "a", "--dd", "INFILE=b"]
    ],
    "tokenize: --blank must be reject or pass": [["tokenize", *PAN, "f", "--blank", "skip"]],
    "tokenize: --tokens must be reject or pass": [["tokenize", *PAN, "f", "--tokens", ""]],
    "mask: --from must be token or pan": [["mask", *PAN, "f", "--from", "x"]],
    "tokenize: unknown option --from": [["tokenize", "--from", "pan"]],
    "mask: unknown option --expires-at": [["mask", "--expires-at", "x"]],
    "detokenize: unknown option --tokens": [["detokenize", "--tokens", "pass"]],
    "tokenize: unknown option -qx": [["tokenize", "-qx"]],
    "tokenize: unknown option -x": [["tokenize", "-x"]],
    "tokenize: --max-rejects must be": [
        ["tokenize", *PAN, "f", "--max-rejects", n] for n in ("", "x", "101%", "1.5", "-1")
    ],
    "tokenize: --restart and --discard exclude": [
        ["tokenize", *PAN, "f", "--restart", "--discard"]
    ],
    "tokenize: --format must be csv, json or records": [
        ["tokenize", *PAN, "f", "--out", "o", "--format", "xml"]
    ],
    "tokenize: --codepage is missing": [["tokenize", *PAN, "f", "--out", "o", "--recfm", "VB"]],
    "tokenize: --recfm must be F, FB or VB": [
        ["tokenize", *PAN, "f", "--out", "o", "--recfm", "U", "--codepage", "IBM037"]
    ],
    "tokenize: --recfm, --lrecl, --codepage": [
        ["tokenize", *PAN, "f", "--out", "o", "--format", "csv", "--lrecl", "80"]
    ],
    "tokenize: --delimiter and --no-header are for": [
        ["tokenize", *PAN, "f.jsonl", "--out", "o", "--no-header"]
    ],
}


@pytest.mark.parametrize("said", WRONG_JOB)
def test_usage_of_a_file_job_is_12(script, said):
    for arguments in WRONG_JOB[said]:
        done = script.jeton(*arguments, status=12)
        assert done.err.startswith(f"JET1000E {said}") and not done.out, done.err
        assert re.search(r" \(see jeton .+ --help\)\n$", done.err)
        assert done.err.count("\n") == 1
    assert [p.name for p in script.directory.iterdir()] == ["app.key"]


def commands_of(script):
    """[(name, arguments)] of all commands."""
    line = r"^  ([a-z]+(?: [a-z-]+)?)(?: \[?([A-Z.]+)\]?)?  "
    return re.findall(line, script.jeton("help").out, re.M)


def test_every_command_refuses_unknown_options_and_surplus_arguments(script):
    commands = commands_of(script)
    assert len(commands) == 74
    for name, argument in commands:
        if name in FILE_JOBS:
            continue
        done = script.jeton(*name.split(), "--nonsense=4111111111111111", status=64)
        assert done.err == f"jeton: {name}: unknown option --nonsense (see jeton {name} --help)\n"
        if argument.endswith("..."):
            continue
        done = script.jeton(*name.split(), *[argument] * bool(argument), "411111", status=64)
        takes = f"{argument} and no more" if argument else "options only"
        expected = (
            f"jeton: {name}: too many arguments: it takes {takes} (see jeton {name} --help)\n"
        )
        assert done.err == expected
        if argument:
            done = script.jeton(*name.split(), status=64)
            assert done.err.startswith(f"jeton: {name}: {argument} is missing (see ")
    assert not script.requests


def test_help_on_a_group(script):
    for words in (["help", "keys"], ["keys", "--help"], ["keys", "-h"], ["--help", "keys"]):
        out = script.jeton(*words).out
        assert out.startswith("usage:\n") and out.count("  jeton keys ") == 19
    for words in (["help", "help"], ["--help", "--help"], ["help", "-h"]):
        assert "usage: jeton" in script.jeton(*words).out


def test_configuration_mistakes_are_78(script):
    script.jeton("status", env={"JETON_KEY_FILE": ""}, status=78)
    script.jeton("status", "--key-file", script.file("missing"), status=78)
    script.key_file.chmod(0o644)
    script.jeton("status", status=78)
    for command in (["migrate"], ["init", "--operator-key", script.file("op.key")]):
        script.jeton(*command, "--config", script.file("missing.conf"), status=78)
        script.jeton(
            "--config",
            script.file("bad.conf", "[database]\nconninfo = nonsense\n"),
            *command,
            status=78,
        )
    assert not script.file("op.key").exists()


def test_no_database_is_69(script):
    conf = script.file("jeton.conf", f"[database]\nconninfo = host={script.directory} dbname=x\n")
    script.jeton("migrate", "--config", conf, status=69)


def test_a_full_disk_is_no_success(script):
    with open("/dev/full", "wb") as full:
        process = subprocess.run(
            [JETON, "gen", "--rows", "10"],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert process.returncode == 1 and b"No space left" in process.stderr
        process = subprocess.run(
            [JETON, "config"], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False
        )
        assert process.returncode == 1


def test_a_card_file_appears_whole_or_not_at_all(script):
    out = script.file("cards.csv", "what was there")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    process = script.jeton("gen", "--rows", 50_000, "--out", out, status=1, preexec_fn=limit)
    assert "File too large" in process.err
    assert out.read_text() == "what was there" and not script.leftovers()
    script.jeton("gen", "--rows", 50_000, "--out", out)
    text = out.read_text(encoding="ascii")
    assert text == script.jeton("gen", "--rows", 50_000).out and text.count("\n") == 50_001
    assert out.stat().st_mode & 0o777 == 0o600


def test_the_printed_configuration_is_accepted(script):
    text = script.jeton("config").out.replace(
        "#conninfo = dbname=jeton", f"conninfo = host={script.directory} dbname=x"
    )
    script.jeton(
        "migrate", "--config", script.file("jeton.conf", text), status=69
    )  # it got as far as the database
