# SPDX-License-Identifier: Apache-2.0
"""CALL "JETON": programs in COBOL, compiled by GnuCOBOL, with real services."""

import os
import subprocess
from pathlib import Path

import pytest

from cards import bad_luhn, made_up
from service import BIN, TREE
from test_numeric import field
from test_tls import TlsService, make_certificate, tls_options

COPYBOOKS = TREE / "include" / "cobol"
EXAMPLES = TREE / "docs" / "examples"
PROGRAMS = Path(__file__).parent

# Every configuration of GnuCOBOL's that is a dialect.
DIALECTS = (
    "default acu acu-strict bs2000 bs2000-strict cobol85 cobol2002 cobol2014 ibm ibm-strict "
    "mf mf-strict mvs mvs-strict realia realia-strict rm rm-strict xopen"
).split()


# Debian's GnuCOBOL hangs in its own start (cob_init, setlocale) where AddressSanitizer was loaded
# before it. What of the library touches an area is tried with the sanitizer by tests/unit/client.
pytestmark = pytest.mark.skipif(
    bool(os.environ.get("JETON_TEST_SANITIZED")), reason="GnuCOBOL does not start under a sanitizer"
)


class Cobol:
    """A directory where programs are compiled and run, with the library as a build leaves it."""

    def __init__(self, directory):
        self.directory = directory
        (directory / "libjeton.so").symlink_to(BIN / "libjeton.so.0")
        (directory / "libjeton.so.0").symlink_to(BIN / "libjeton.so.0")

    def compile(self, source, *options, name=None):
        """Linked with the shared library, so that CALL finds it in the program."""
        program = self.directory / (name or source.stem)
        command = ["cobc", "-x", "-o", program, "-I", COPYBOOKS, source, *options]
        done = subprocess.run(
            command, cwd=self.directory, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return program

    def link(self, source, *options, name=None):
        shared = ("-fstatic-call", "-L", self.directory, "-ljeton")
        return self.compile(source, *shared, *options, name=name)

    def run(self, program, *arguments, url, key, stdin="", **more):
        """Runs it with a key file, as a job would be; the environment is `more`."""
        key_file = self.directory / "job.key"
        key_file.unlink(missing_ok=True)
        key_file.touch(mode=0o600)
        key_file.write_text(key, encoding="ascii")
        environment = {
            "PATH": os.environ["PATH"],
            "LD_LIBRARY_PATH": str(self.directory),
            "JETON_URL": url,
            "JETON_KEY_FILE": str(key_file),
            "JETON_RETRY_FOR": "5",
            **more,
        }
        return subprocess.run(
            [program, *arguments],
            cwd=self.directory,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def ask(self, program, questions, **options):
        """Answers of ask.cob: code, status, reason, length, result, message."""
        lines = "".join(f"{line}\n" for question in questions for line in question)
        done = self.run(program, stdin=lines + "STOP\n", **options)
        assert done.returncode in (0, 4, 8, 12, 16), done.stderr
        answers = [line.split(";") for line in done.stdout.splitlines()]
        assert len(answers) == len(questions), done.stdout + done.stderr
        return [
            (int(code), int(status), reason.strip(), int(length), result.strip(), message.strip())
            for code, status, reason, length, result, message in answers
        ]


@pytest.fixture(scope="module")
def cobol(tmp_path_factory):
    return Cobol(tmp_path_factory.mktemp("cobol"))


@pytest.fixture(scope="module")
def ask(cobol):
    return cobol.link(PROGRAMS / "ask.cob")


def record(n, pan):
    """A record of cardrec.cob; the balance is packed decimal."""
    balance = f"{n * 101:011d}" + ("d" if n % 2 else "c")
    text = f"{n:010d}{pan}1227".encode("ascii"), f"{'HOLDER ' + str(n):30}{'':14}".encode("ascii")
    return text[0] + bytes.fromhex(balance) + text[1]


def test_records_are_tokenized_in_place_and_come_back(shared, cobol):
    program = cobol.link(EXAMPLES / "cardrec.cob")
    field(shared, "card-number", leading=6, last=4)
    pans = [made_up(i, series="cobol-record") for i in range(60)]
    records = [record(i, pan) for i, pan in enumerate(pans)]
    assert {len(r) for r in records} == {80}
    source, tokenized, back = (cobol.directory / n for n in ("in.dat", "mid.dat", "back.dat"))
    source.write_bytes(b"".join(records))

    def run(verb, before, after):
        return cobol.run(
            program,
            verb,
            url=shared.url,
            key=shared.app_key,
            DD_CARDIN=str(before),
            DD_CARDOUT=str(after),
        )

    done = run("TOKN", source, tokenized)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "READ 000000060 WRITTEN 000000060 LEFT OUT 000000000\n"
    written = tokenized.read_bytes()
    tokens = [written[at + 10 : at + 26].decode() for at in range(0, len(written), 80)]
    assert len(set(tokens)) == 60 and not set(tokens) & set(pans)
    assert all(t.isdigit() and t[:6] == p[:6] and t[-4:] == p[-4:] for t, p in zip(tokens, pans))
    # Nothing but the card numbers has changed.
    assert written == b"".join(record(i, token) for i, token in enumerate(tokens))
    done = run("DETK", tokenized, back)
    assert (done.returncode, done.stderr) == (0, "")
    assert back.read_bytes() == source.read_bytes()

    # A record whose card is refused is left out; the others are there.
    bad = bad_luhn(3, series="cobol-record")
    source.write_bytes(records[0] + record(7, bad) + records[1])
    done = run("TOKN", source, tokenized)
    assert done.returncode == 4
    assert done.stderr.rstrip() == "RECORD 000000002: The server refused the value: pan-bad-luhn"
    assert tokenized.read_bytes() == written[:160]


def table(cobol, how):
    """The program of the table, by each way in which CALL finds the library."""
    source = EXAMPLES / "cardtab.cob"
    if how == "shared":
        return cobol.link(source, name="cardtab-shared"), {}
    if how == "found by name":
        return (
            cobol.compile(
                source,
                "-Q",
                "-Wl,--no-as-needed",
                "-L",
                cobol.directory,
                "-ljeton",
                name="cardtab-name",
            ),
            {},
        )
    if how == "static":
        libraries = ("-fstatic-call", BIN / "libjeton.a", "-lcurl", "-ljansson")
        return cobol.compile(source, *libraries, name="cardtab-static"), {}
    loaded = {"COB_LIBRARY_PATH": str(cobol.directory)}
    if how == "loaded":
        loaded["COB_PRE_LOAD"] = "libjeton"
    else:
        cobol.directory.joinpath("JETON.so").symlink_to(BIN / "libjeton.so.0")
    return cobol.compile(source, name="cardtab-loaded"), loaded


@pytest.mark.parametrize("how", ["shared", "found by name", "static", "loaded", "module"])
def test_a_table_of_cards_is_one_request(shared, cobol, how):
    program, more = table(cobol, how)
    pans = [made_up(i, series="cobol-table") for i in range(1100)]
    cards, tokens, back = (cobol.directory / n for n in ("cards.txt", "tokens.txt", "back.txt"))
    lines = pans[:700] + ["", "4111-1111", bad_luhn(1, series="cobol-table")] + pans[700:]
    cards.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")

    def run(verb, before, after):
        return cobol.run(
            program,
            verb,
            "pan",
            url=shared.url,
            key=shared.app_key,
            DD_LINEIN=str(before),
            DD_LINEOUT=str(after),
            **more,
        )

    before = shared.operator.counters()["tokenize_requests"]
    done = run("TOKN", cards, tokens)
    assert done.returncode == 4, done.stderr
    assert shared.operator.counters()["tokenize_requests"] - before == 3
    assert [line.rstrip() for line in done.stderr.splitlines()] == [
        "3 of 500 entries refused, of which the first is 201",
        "LINE 000000701: pan-empty",
        "LINE 000000702: pan-not-digits",
        "LINE 000000703: pan-bad-luhn",
    ]
    answers = tokens.read_text(encoding="ascii").split("\n")[:-1]
    assert answers[700:703] == ["", "", ""]
    del answers[700:703]
    assert len(set(answers)) == 1100 and all(a.startswith("jtk_") for a in answers)
    tokens.write_text("".join(f"{a}\n" for a in answers), encoding="ascii")
    done = run("DETK", tokens, back)
    assert (done.returncode, done.stderr) == (0, "")
    assert back.read_text(encoding="ascii").split() == pans


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_takes_the_copybooks(dialect):
    command = ["cobc", f"-std={dialect}", "-fsyntax-only", "-I", COPYBOOKS, PROGRAMS / "ask.cob"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "options",
    [[f"-std={d}"] for d in ("default", "acu", "cobol85", "ibm-strict", "mf", "mvs-strict")]
    + [["-fbinary-byteorder=native"], ["-fbinary-size=1--8"], ["-fno-binary-truncate"]],
    ids=" ".join,
)
def test_every_dialect_says_the_same(shared, cobol, options):
    """Whatever the byte order, size and truncation of its binary items."""
    pan = made_up(1, series="cobol-dialect")
    token = shared.app.tokenize(pan)
    questions = [("TOKN", "pan", pan), ("DETK", "pan", token), ("TOKN", "pan", "4111-1111")]
    program = cobol.link(PROGRAMS / "ask.cob", *options, name="dialect")
    answers = cobol.ask(program, questions, url=shared.url, key=shared.app_key)
    assert answers[0][:5] == (0, 0, "", 30, token)
    assert answers[1][:5] == (0, 0, "", 16, pan)
    assert answers[2][:5] == (4, 422, "pan-not-digits", 0, "")


def test_what_is_not_permitted_says_so(shared, cobol, ask):
    pan = made_up(1, series="cobol")
    token = shared.app.tokenize(pan)
    key = shared.new_client("cobol-tokenizes", ["tokenize:pan"])
    forbidden = (12, 403, "forbidden", 0, "")
    questions = [
        ("TOKN", "PAN", pan),
        ("DETK", "pan", token),
        ("TOKN", "nosuch", pan),
        ("TOKN", "no such", pan),
        ("TOKN", "", pan),
        ("CLOS", "", ""),
        ("OPEN", "", ""),
        ("TOKN", "pan", ""),
    ]
    answers = cobol.ask(ask, questions, url=shared.url, key=key)
    assert answers[0][:5] == (0, 0, "", 30, token)
    assert answers[1][:5] == forbidden and answers[2][:5] == forbidden
    assert answers[1][5] == "The server refused the request: forbidden, status 403"
    assert [a[:3] for a in answers[3:5]] == [(8, 0, "call-field")] * 2
    assert [a[0] for a in answers[5:7]] == [0, 0]
    assert answers[7][:5] == (4, 422, "pan-empty", 0, "")
    answers = cobol.ask(ask, [("TOKN", "nosuch", pan)], url=shared.url, key=shared.app_key)
    assert answers[0][:3] == (12, 404, "field-unknown")
    made_up_key = "jck_app_" + "0" * 52
    answers = cobol.ask(ask, [("TOKN", "pan", pan)], url=shared.url, key=made_up_key)
    assert answers[0][:3] == (12, 401, "unauthorized")
    # Of a key that is not private, and of a URL that would carry cards in the clear.
    answers = cobol.ask(ask, questions[:1], url=shared.url, key=key, JETON_KEY_FILE="/etc/passwd")
    assert answers[0][:3] == (16, 0, "config-key")
    answers = cobol.ask(ask, questions[:1], url="http://192.0.2.1", key=key)
    assert answers[0][:3] == (16, 0, "config-url")


def test_masked_numbers_and_nothing_more(shared, cobol, ask):
    """Also for a client that may have whole ones: it sees none and the records say masked."""
    pans = [made_up(i, series="cobol-masked") for i in range(5)]
    questions = [("MASK", "pan", token) for token in shared.app.tokenize_many(pans)]
    questions += [("MASK", "pan", "jtk_" + "0" * 26), ("MASK", "pan", "../x"), ("MASK", "pan", "")]
    masked = [f"{p[:6]}******{p[-4:]}" for p in pans]
    for permissions in (["read-masked"], ["read-masked", "detokenize"], ["detokenize"]):
        key = shared.new_client("cobol-" + "-and-".join(permissions), permissions)
        for once in ({}, {"JETON_ONCE": "1"}):
            before = shared.operator.counters()
            answers = cobol.ask(ask, questions, url=shared.url, key=key, **once)
            assert [a[:5] for a in answers[:5]] == [(0, 0, "", 16, m) for m in masked], permissions
            assert answers[5][:3] == (4, 404, "token-unknown")
            assert [a[:3] for a in answers[6:]] == [(4, 422, "token-malformed")] * 2
            after = shared.operator.counters()
            assert after["detokenize_items"] == before["detokenize_items"], permissions
            assert after["masked_items"] - before["masked_items"] == len(questions)


def test_a_server_that_is_gone_is_an_answer(service, cobol, ask):
    pan = made_up(1, series="cobol")
    token = service.app.tokenize(pan)
    url = service.url
    answers = cobol.ask(ask, [("DETK", "pan", token)], url=url, key=service.app_key)
    assert answers[0][:5] == (0, 0, "", 16, pan)
    service.front.stop()
    answers = cobol.ask(
        ask, [("DETK", "pan", token)], url=url, key=service.app_key, JETON_RETRY_FOR="0"
    )
    assert answers[0][:5] == (16, 0, "no-answer", 0, "")
    assert answers[0][5].startswith("No answer from the server: ")


def test_calls_that_are_wrong_touch_nothing_else(shared, cobol):
    program = cobol.link(PROGRAMS / "misuse.cob")
    done = cobol.run(program, url=shared.url, key=shared.app_key)
    assert (done.returncode, done.stderr) == (0, "")
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "NO PARAMETER 0008",
        "SHORT 0008",
        "HEAD ONLY 0008",
        "call-capacity",
        "TWO OF THREE 0008",
        "COUNT 0008 call-count",
        "LENGTH 0008 call-length",
        "FUNCTION 0008 call-function",
        "INITIALIZED 0008 call-version",
    ]


def test_tls_settings_of_the_run_time_file_and_a_fork(make_service, cobol):
    """GnuCOBOL's own file of settings is where a shop has them."""
    service = make_service()
    service.stop()
    certificate, _ = make_certificate(service.directory)
    service.configure(**tls_options(service.directory))
    tls = TlsService(service).start()
    before = tls.connections()["tls_handshakes"]
    runtime = cobol.directory / "runtime.cfg"
    runtime.write_text(
        f"setenv JETON_URL={tls.url}\nsetenv JETON_CA_FILE={certificate}\n", encoding="ascii"
    )
    program = cobol.link(PROGRAMS / "forks.cob")
    done = cobol.run(program, url="", key=service.app_key, COB_RUNTIME_CONFIG=str(runtime))
    assert (done.stdout, done.stderr) == ("DONE\n", "")
    # One connection for each process: the child has not said farewell on that of its parent.
    assert tls.connections()["tls_handshakes"] - before == 2
    # Without the certificates to trust there is no answer.
    done = cobol.run(program, url=tls.url, key=service.app_key, JETON_RETRY_FOR="0")
    assert done.stdout.startswith("No answer from the server: ")


def test_no_card_and_no_key_is_in_what_it_says(shared, cobol, ask):
    pan = bad_luhn(5, series="cobol")
    questions = [("TOKN", "pan", pan), ("DETK", "pan", pan), ("MASK", "pan", pan), (pan, "pan", "")]
    lines = "".join(f"{line}\n" for question in questions for line in question)
    done = cobol.run(ask, url=shared.url, key=shared.app_key, stdin=lines + "STOP\n")
    assert done.stdout.count("\n") == 4
    assert pan not in done.stdout + done.stderr and shared.app_key not in done.stdout + done.stderr
