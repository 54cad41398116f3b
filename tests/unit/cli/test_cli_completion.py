# SPDX-License-Identifier: Apache-2.0
"""Completion in bash and zsh and the commands' manual pages, as the build made them."""

import re
import shutil
import subprocess

import pytest

from scripted import JETON, TIMEOUT_S

MADE = JETON.parent

BASH = """
. "$1"; shift
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_jeton
printf '%s\\n' "${COMPREPLY[@]}"
"""

# The function by itself, as zsh's completion calls it. compadd is given candidates, and _arguments
# what options and arguments there are; both are shell functions here that print what they got.
ZSH = r"""
compadd() { [[ $1 == -- ]] && shift; print -rl -- ${(M)@:#$words[CURRENT]*} }
_files() { print -rl -- $words[CURRENT]*(N) }
_arguments() {
    local spec name=${words[CURRENT - 1]} action=
    shift
    if [[ $words[CURRENT] == -* ]]; then
        for spec in "$@"; do
            spec=${spec#\(- \*\)}
            [[ $spec == $words[CURRENT]* ]] && print -r -- ${spec%%\[*}
        done
        return
    fi
    for spec in "$@"; do
        [[ $spec == $name\[*:* || ( -z $action && $spec == \*:* ) ]] && action=${spec##*:}
    done
    [[ $action == _files* ]] && _files
}
body=$(<$1)
shift
words=("$@")
CURRENT=$#
eval "${body%_jeton*}"
_jeton
"""


def bash(words, directory):
    done = subprocess.run(
        ["bash", "-c", BASH, "bash", MADE / "completion/jeton", *words],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    assert not done.stderr
    return done.stdout.split()


def zsh(words, directory):
    done = subprocess.run(
        ["zsh", "-f", "-c", ZSH, "zsh", MADE / "completion/_jeton", *words],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert not done.stderr
    return sorted(set(done.stdout.split()))


SHELLS = [
    bash,
    pytest.param(zsh, marks=pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh")),
]


@pytest.fixture
def place(tmp_path):
    (tmp_path / "cards.csv").touch()
    (tmp_path / "sub").mkdir()
    return tmp_path


def table(script):
    """({command: its arguments}, {command: {option: value}}) as the program says."""
    commands, options = {}, {}
    for line in script.jeton("help", "--table").out.splitlines():
        kind, command, *rest = line.split("\t")
        if kind == "command":
            commands[command], options[command] = rest[0], {}
        else:
            options[command][rest[1]] = rest[2]
    return commands, options


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_commands_options_and_files(shell, place):
    assert shell(["jeton", "cer"], place) == ["ceremony"]
    assert shell(["jeton", "ceremony", ""], place) == ["init", "reshare", "rotate", "unseal"]
    assert shell(["jeton", "keys", "act"], place) == ["activate"]
    assert shell(["jeton", "tokenize", "--rej"], place) == ["--rejects"]
    assert shell(["jeton", "tokenize", "--in", "car"], place) == ["cards.csv"]
    assert "--operator-key" not in shell(["jeton", "status", "--"], place)
    assert shell(["jeton", "--url", "http://127.0.0.1:1", "stat"], place) == ["status"]
    assert shell(["jeton", "nonsense", "x"], place) == []
    assert shell(["jeton", "tokenize", "--field", "c"], place) == []


def test_bash_completes_what_else_may_stand_there(place):
    assert bash(["jeton", "tokenize", "--in", "=", "car"], place) == ["cards.csv"]
    assert bash(["jeton", "ceremony", "init", "--to", ""], place) == ["sub"]
    assert bash(["jeton", "ceremony", "unseal", "car"], place) == ["cards.csv"]
    assert bash(["jeton", "help", "keys", "ret"], place) == ["retire"]
    assert bash(["jeton", "audit", "--f"], place) == ["--field"]
    assert "export" in bash(["jeton", "audit", ""], place)


def test_bash_knows_every_command_and_every_option(script, place):
    commands, options = table(script)
    assert len(commands) >= 66
    for command in commands:
        *before, last = command.split()
        assert last in bash(["jeton", *before, last], place), command
    for command in ("tokenize", "ceremony init", "client add", "keys retire", "seal"):
        named = bash(["jeton", *command.split(), "--"], place)
        assert sorted(named) == sorted(["--help", *(f"--{o}" for o in options[command])])


def test_the_table_says_what_help_says(script):
    _, options = table(script)
    for command, its in options.items():
        told = re.findall(r"^  --(\S+)", script.jeton(*command.split(), "--help").out, re.M)
        assert told == list(its), command


def test_every_command_has_a_manual_page_of_its_own(script):
    commands, options = table(script)
    pages = {p.stem: p for p in (MADE / "man/commands").iterdir()}
    assert set(pages) == {"jeton-" + c.replace(" ", "-") for c in commands}
    for command, its in options.items():
        page = pages["jeton-" + command.replace(" ", "-")]
        text = page.read_text(encoding="utf-8").replace("\\-", "-")
        assert re.findall(r"^\.BI? --(\S+)", text, re.M) == list(its)
    if shutil.which("mandoc"):
        done = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "warning", *pages.values()],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout
