# SPDX-License-Identifier: Apache-2.0
"""The command itself: help, wrong invocations, configuration mistakes, and their exit codes."""

import re
import subprocess

import pytest

from scripted import JETON, TIMEOUT_S


def test_every_command_has_help_and_a_place_in_the_manual(script):
    listed = re.findall(r"^  ([a-z]+(?: [a-z-]+)?)(?: [A-Z]+)?  ", script.jeton("help").out, re.M)
    assert len(listed) == 21
    for command in listed:
        for words in ([*command.split(), "--help"], ["help", *command.split()]):
            assert script.jeton(*words).out.startswith(f"usage: jeton {command}")
    for words in (["help"], ["--help"], ["-h"]):
        assert "usage: jeton" in script.jeton(*words).out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["keys"],
        ["keys", "nonsense"],
        ["gen"],
        ["gen", "--rows", "1", "--bad", "2"],
        ["tokenize"],
        ["status", "extra"],
        ["field", "add"],
        ["--nonsense", "status"],
        ["init"],
        ["init", "--operator-key", "f", "--operator", "Not Valid"],
    ],
    ids=" ".join,
)
def test_usage_is_64(script, arguments):
    done = script.jeton(*arguments, status=64)
    assert done.err and not done.out


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


def test_the_printed_configuration_is_accepted(script):
    text = script.jeton("config").out.replace(
        "#conninfo = dbname=jeton", f"conninfo = host={script.directory} dbname=x"
    )
    script.jeton(
        "migrate", "--config", script.file("jeton.conf", text), status=69
    )  # it got as far as the database
