# SPDX-License-Identifier: Apache-2.0
"""`jeton column`: what is refused before any database is connected to, against the scripted server.

What is done in a table is in tests/e2e/test_columns.py.
"""

import pytest

from scripted import KEY, problem

COLUMN = {
    "database": "shop",
    "table": "public.customer",
    "key": "id",
    "value": "pan",
    "envelope": "sealed",
}
NAMES = ["--table", "customer", "--key", "id", "--value", "pan", "--envelope", "sealed"]
COMMANDS = ("encrypt", "drain", "status", "prove")


@pytest.fixture
def nowhere(tmp_path):
    """A connection string that leads to no server."""
    return ["--database", f"host={tmp_path}/none dbname=shop connect_timeout=1"]


def knows(column, generations=()):
    return lambda *_: (200, {"epoch": 1, "column": column, "generations": list(generations)})


@pytest.mark.parametrize("left_out", ["--table", "--key", "--value", "--envelope"])
def test_all_names_are_needed(script, nowhere, left_out):
    at = NAMES.index(left_out)
    names = NAMES[:at] + NAMES[at + 2 :]
    process = script.jeton("column", "add", "pan", *names, *nowhere, status=64)
    assert "--table, --key, --value and --envelope are required" in process.err
    assert not script.requests


@pytest.mark.parametrize(
    "option, name, says",
    [
        ("--table", 'cust"omer', "names are of letters"),
        ("--table", "a.b.c", "names are of letters"),
        ("--table", ".customer", "names are of letters"),
        ("--table", "t" * 64, "names are of letters"),
        ("--key", "id; drop", "names are of letters"),
        ("--value", "", "names are of letters"),
        ("--envelope", "1st", "names are of letters"),
        ("--key", "pan", "three columns"),
        ("--envelope", "pan", "three columns"),
        ("--envelope", "id", "three columns"),
    ],
)
def test_names_that_cannot_be(script, nowhere, option, name, says):
    names = list(NAMES)
    names[names.index(option) + 1] = name
    process = script.jeton("column", "add", "pan", *names, "--prepare", *nowhere, status=64)
    assert says in process.err and not script.requests


@pytest.mark.parametrize("command", ["add", "remove", *COMMANDS])
def test_a_field_that_cannot_be(script, command):
    for words in ([], ["No Such"], ["pan", "more"]):
        script.jeton("column", command, *words, *(NAMES if command == "add" else []), status=64)
    assert not script.requests


@pytest.mark.parametrize(
    "command, option, values",
    [
        ("encrypt", "--rate", ("0", "-1", "x")),
        ("drain", "--rate", ("0", "10000001")),
        ("prove", "--sample", ("-1", "1001")),
    ],
)
def test_numbers_out_of_bounds(script, command, option, values):
    for value in values:
        script.jeton("column", command, "pan", option, value, status=64)
    assert not script.requests


@pytest.mark.parametrize("command", ["encrypt", "drain"])
def test_a_list_that_cannot_be_written_is_told_first(script, command):
    for path in ("/dev/null", script.directory, script.directory / "no" / "such"):
        script.jeton("column", command, "pan", "--rejects", path, status=1)
    assert not script.requests


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "conninfo",
    ["dbname=shop password=hidden", "postgresql://app:hidden@127.0.0.1:1/shop", "no conninfo ="],
)
def test_a_password_or_nonsense_is_no_database(script, command, conninfo):
    script.reply = knows(COLUMN)
    process = script.jeton("column", command, "pan", "--database", conninfo, status=78)
    assert "password file" in process.err and "hidden" not in process.err
    script.jeton("column", "add", "pan", *NAMES, "--database", conninfo, status=78)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_that_is_not_there_is_told(script, nowhere, command):
    script.reply = knows(COLUMN)
    process = script.jeton("column", command, "pan", *nowhere, status=69)
    assert "cannot use the database" in process.err and "No such file" in process.err
    assert [request[:2] for request in script.requests] == [("GET", "/v1/fields/pan/column")]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "column",
    [
        None,
        [],
        {},
        {**COLUMN, "table": "customer"},
        {**COLUMN, "table": 'public.c"; DROP TABLE x; --'},
        {**COLUMN, "key": 'id" OR true --'},
        {**COLUMN, "value": "v" * 64},
        {**COLUMN, "envelope": 7},
        {**COLUMN, "database": None},
    ],
    ids=str,
)
def test_a_server_that_answers_oddly_is_not_believed(script, nowhere, command, column):
    """Its names would go into statements: the database is not connected to at all."""
    script.reply = knows(column)
    process = script.jeton("column", command, "pan", *nowhere, status=1)
    assert "names no column" in process.err and "database" not in process.err


def test_more_generations_than_there_can_be_do_no_harm(script, nowhere):
    many = [{"generation": n, "key_id": n, "state": "s" * 100} for n in range(1000)]
    script.reply = knows(COLUMN, many)
    script.jeton("column", "status", "pan", *nowhere, status=69)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_the_server_refuses_is_told(script, nowhere, command):
    for reply, status in (
        (problem(403, "forbidden"), 77),
        (problem(404, "not-found"), 2),
        ((200, b"no json"), 1),
    ):
        script.reply = lambda *_, answer=reply: answer
        process = script.jeton("column", command, "pan", *nowhere, status=status)
        assert process.err and KEY not in process.err
