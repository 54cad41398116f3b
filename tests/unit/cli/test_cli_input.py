# SPDX-License-Identifier: Apache-2.0
"""Input files that change while they are read, and acts that must not be repeated: against the
scripted server.
"""

import os
import threading

import pytest

from scripted import card_file, expected, problem, vault


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def append(path):
    with open(path, "ab") as file:
        file.write(b"999999,499999999999\n")


def overwrite(path):
    with open(path, "r+b") as file:
        file.seek(-5, os.SEEK_END)
        file.write(b"0000\n")


def replace(path):
    other = path.with_name("other.csv")
    other.write_bytes(path.read_bytes())
    os.rename(other, path)


def remove(path):
    path.unlink()


@pytest.mark.parametrize(
    "change, said",
    [
        (cut, "shrank"),
        (append, "grew"),
        (overwrite, "was written to"),
        (replace, "was replaced"),
        (remove, "was replaced"),
    ],
)
def test_an_input_that_changes_while_it_is_read_leaves_no_output(script, change, said):
    """Half a file that looks whole is worse than none: exit 0 used to come with the rows behind the
    cut missing.
    """
    changed = []

    def reply(number, method, path, body):
        with script.lock:
            if not changed:
                change(script.file("in.csv"))
                changed.append(number)
        return vault(number, method, path, body)

    script.reply = reply
    process, out, _ = script.tokenize(
        card_file(20000), "--batch", 100, "--connections", 2, status=12
    )
    assert changed and out is None
    assert f"in.csv {said} while it was read" in process.err and "is not written" in process.err


def test_a_pipe_has_nothing_to_compare(script):
    fifo = script.directory / "pipe"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_text(card_file(50)))
    writer.start()
    script.file_job(
        "tokenize",
        "--field",
        "pan",
        "--column",
        "pan",
        "--in",
        fifo,
        "--out",
        script.file("out.csv"),
        "--rejects",
        script.file("rejects.csv"),
    )
    writer.join()
    assert script.file("out.csv").read_bytes() == expected(50)


def test_an_act_whose_outcome_is_unknown_is_not_repeated(script):
    script.reply = lambda number, method, path, body: problem(503, "outcome-unknown")
    process = script.jeton("keys", "create", status=69)
    assert len(script.requests) == 1 and "outcome-unknown" in process.err
