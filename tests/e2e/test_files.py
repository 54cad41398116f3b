# SPDX-License-Identifier: Apache-2.0
"""Card files through the whole service: what goes in comes back byte for byte, what is rejected
stands in a file of its own, and the control report balances.
"""

import json
import re
import subprocess

import pytest

from cards import bad_luhn, made_up
from filejob import FileJob, counted, rejected
from service import wait_until

PLACE = ("--field", "pan", "--column", "pan")


@pytest.fixture(name="job", scope="module")
def make_job(_shared, tmp_path_factory):
    for name, options in (
        ("notes", {}),
        ("digits", {"token": {"format": "numeric", "leading": 6, "last": 4}}),
        ("valid", {"token": {"format": "numeric", "leading": 6, "last": 4, "luhn": "valid"}}),
    ):
        answer = _shared.operator.post("/v1/fields", {"name": name, **options})
        assert answer.status_code == 201, answer.text
    permissions = ("tokenize", "detokenize", "read-masked")
    return FileJob(_shared, tmp_path_factory.mktemp("files"), permissions)


@pytest.fixture(autouse=True)
def _clean(job):
    for path in job.directory.iterdir():
        if path.suffix != ".key":
            path.unlink()


def pans(n, series="files"):
    return [made_up(i, 12 + i % 8, series) for i in range(n)]


def there_and_back(job, contents, *options, name="in.csv"):
    """Tokenizes and detokenizes; returns what lay between."""
    source, out, back = job.path(name, contents), job.path("out"), job.path("back")
    job.run("tokenize", source, out, *options)
    job.run("detokenize", out, back, *options, "--format", options_format(name, options))
    assert back.read_bytes() == source.read_bytes()
    assert counted(job.path("out.report"), "read") == counted(job.path("back.report"), "read")
    totals = [
        re.findall(r"^  hash total of (?:values read|the output) +(\d+)", r.read_text(), re.M)
        for r in (job.path("out.report"), job.path("back.report"))
    ]
    assert [t[::-1] for t in by_field(totals[0])] == by_field(totals[1])
    assert not job.leftovers()
    return out.read_bytes()


def by_field(totals):
    return [totals[i : i + 2] for i in range(0, len(totals), 2)]


def options_format(name, options):
    if "--recfm" in options or "--copybook" in options:
        return "records"
    return "json" if name.endswith(".jsonl") else "csv"


def rows(cards, delimiter=",", end="\n", quote=""):
    return "".join(
        f"{i}{delimiter}{quote}{c}{quote}{delimiter}note {i}{end}" for i, c in enumerate(cards)
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_told_from_the_header(job, delimiter):
    head = delimiter.join(("id", "pan", "note")) + "\n"
    out = there_and_back(job, head + rows(pans(50), delimiter), *PLACE)
    assert out.count(b"jtk_") == 50 and out.startswith(head.encode())


@pytest.mark.parametrize(
    "encoding, bom",
    [("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")],
)
def test_byte_order_marks(job, encoding, bom):
    text = "id,pan,nom \u00e9\u4e2d\U0001f4b3\r\n" + rows(pans(40), end=" \u20ac\r\n", quote='"')
    out = there_and_back(job, bom + text.encode(encoding), *PLACE)
    assert out.startswith(bom) and out.decode(encoding).count("jtk_") == 40


def test_quotes_line_ends_and_blank_lines_stay(job):
    text = 'sep=;\r\nid;pan;"a ""b"";\n c"\r\n'
    text += "".join(f'"{i}";"{c}";"x\ny"\r\n' for i, c in enumerate(pans(20)))
    text += f"20;{made_up(0)};no end\n\n\r\n\n"
    there_and_back(job, text, *PLACE)
    assert counted(job.path("out.report"), "read") == 21


def test_several_columns_by_name_and_number_and_several_fields(job):
    cards = pans(60)
    text = "a,b,c\n" + "".join(f"{c},{c},{c}\n" for c in cards)
    options = ("--column", "a", "--column", "2", "--field", "pan", "--field", "c=notes")
    out = there_and_back(job, text, *options).decode().splitlines()[1:]
    columns = [line.split(",") for line in out]
    assert all(a == b != c for a, b, c in columns)  # one field, one token; another field, another
    report = job.path("out.report").read_text()
    assert "VALUES OF FIELD pan" in report and "VALUES OF FIELD notes" in report


def test_without_a_header(job):
    out = there_and_back(
        job, rows(pans(30)), "--field", "pan", "--column", "2", "--no-header", "--delimiter", ","
    )
    assert out.count(b"jtk_") == 30


def test_json_lines(job):
    records = [
        {"n": i, "card": {"pan": c, "x": "\u00e9\n"}, "more": [{"pan": c}, {"pan": c}]}
        for i, c in enumerate(pans(40))
    ]
    text = "".join(json.dumps(r) + "\n" for r in records)
    options = ("--field", "card.pan=pan", "--field", "more[*].pan=notes")
    out = there_and_back(job, text, *options, name="in.jsonl")
    first = json.loads(out.splitlines()[0])
    assert first["card"]["pan"] != first["more"][0]["pan"] == first["more"][1]["pan"]
    assert first["card"]["x"] == "\u00e9\n"


@pytest.mark.parametrize("recfm", ["F", "VB"])
def test_records_of_ebcdic_with_packed_and_zoned_numbers(job, recfm):
    """Numeric tokens take the places of card numbers of every kind of item."""

    def packed(digits):
        digits = digits.rjust(19, "0") + "C"
        return bytes.fromhex(digits)

    records = []
    for i in range(50):
        card = made_up(i, 16, "ebcdic")
        body = f"{i:05}".encode("cp037") + card.encode("cp037").ljust(19, b"\x40")
        body += packed(card) + "Ü note".encode("cp500")
        rdw = (len(body) + 4).to_bytes(2, "big") + b"\0\0" if recfm == "VB" else b""
        records.append(rdw + body)
    lrecl = ("--lrecl", str(len(records[0]))) if recfm == "F" else ()
    options = ("--recfm", recfm, *lrecl, "--codepage", "IBM037")
    options += ("--field", "5:19:char=digits", "--field", "24:10:packed=digits")
    out = there_and_back(job, b"".join(records), *options, name="in.dat")
    assert len(out) == sum(len(r) for r in records) and out != b"".join(records)


COPYBOOK = """\
       01  PAYMENT-REC.
           05  REC-TYPE        PIC X.
           05  CARD-NO         PIC X(19).
           05  OLD-CARDS OCCURS 2.
               10  OLD-CARD    PIC 9(16).
           05  AMOUNT          PIC S9(7)V99 COMP-3.
"""


def test_records_by_a_copybook_and_a_condition(job):
    """Cards are replaced in records of the type C; the others pass as they are."""
    records = []
    for i in range(40):
        kind = "C" if i % 4 else "H"
        card, old = made_up(i, 16, "cobol"), made_up(i, 16, "cobol-old")
        text = kind + card.ljust(19) + old + made_up(i + 1, 16, "cobol-old")
        records.append(text.encode("cp037") + bytes.fromhex("000012345C"))
    copybook = job.path("payment.cpy", COPYBOOK)
    options = ("--recfm", "FB", "--codepage", "IBM037", "--copybook", copybook)
    options += ("--field", "CARD-NO=digits", "--field", "OLD-CARD=valid", "--when", "REC-TYPE=C")
    out = there_and_back(job, b"".join(records), *options, name="in.dat")
    length = len(records[0])
    after = [out[i : i + length] for i in range(0, len(out), length)]
    for i, (one, other) in enumerate(zip(records, after)):
        assert (one == other) == (i % 4 == 0) and one[-5:] == other[-5:] and one[:1] == other[:1]
    assert counted(job.path("out.report"), "passed unchanged") == 10
    assert "CARD-NO" in job.path("out.report").read_text()


def test_rejects_are_the_records_with_their_reason(job):
    good = pans(5)
    lines = [good[0] + ",a", bad_luhn(1) + ",b", ",c", "x" * 200 + ",d", good[1] + ",e"]
    lines += ['"' + good[2] + '"x,f', good[3], good[4] + ",g", "4111-1111-1111-1111,h"]
    source = job.path("in.csv", "pan,n\r\n" + "".join(f"{line}\r\n" for line in lines))
    err = job.run("tokenize", source, job.path("out.csv"), *PLACE, status=4)
    found = rejected(job.path("out.csv.rejects"))
    assert [n for n, _ in found] == [2, 3, 4, 6, 7, 9]
    assert [i for _, i in found][:3] == ["JET2215W", "JET2201W", "JET2212W"]
    # The trailer stands inside of the line's end, and without it the record is as it was.
    kept = [line[:-80] for line in job.path("out.csv.rejects").read_text().splitlines()]
    assert kept == [lines[i] for i in (1, 2, 3, 5, 6, 8)]
    report = job.path("out.csv.report")
    assert (counted(report, "read"), counted(report, "rejected")) == (9, 6)
    assert "JET0020W" in err and "JET0004I" in err and "exit code 4" in err
    for text in (err, report.read_text()):
        assert not re.search(r"(?<!\d)\d{12,14}(?!\d)|\d{16,19}", text)
    assert all(len(line) <= 132 for line in report.read_text().splitlines())


def test_a_row_of_many_megabytes_is_a_reject_and_the_job_goes_on(job):
    good = pans(3)
    long = "9" * 5_000_000
    text = f"pan,n\n{good[0]},a\n{long},b\n{good[1]},{long}\n{good[2]},c\n"
    job.run("tokenize", job.path("in.csv", text), job.path("out.csv"), *PLACE, status=4)
    assert job.path("out.csv").read_text().count("jtk_") == 2
    lines = job.path("out.csv.rejects").read_text().splitlines()
    assert [line[:-80] for line in lines] == [f"{long},b", f"{good[1]},{long}"]


def test_blank_cells_and_tokens_of_yesterday_pass_where_they_may(job):
    """A nullable column, and a file of which half was tokenized before."""
    for field in ("pan", "digits", "valid"):
        cards = [made_up(i, 16, f"again-{field}") for i in range(40)]
        first = job.path("first.csv", "pan\n" + "".join(f"{c}\n" for c in cards[:20]))
        place = ("--field", field, "--column", "1")
        job.run("tokenize", first, job.path("tokens.csv"), *place)
        tokens = job.path("tokens.csv").read_text().split()[1:]
        mixed = [c for pair in zip(tokens, cards[20:]) for c in (*pair, '""')]
        source = job.path("mixed.csv", "pan,n\n" + "".join(f"{m},1\n" for m in mixed))
        options = (*place, "--blank", "pass", "--tokens", "pass")
        job.run("tokenize", source, job.path("out.csv"), *options)
        out = [line.split(",")[0] for line in job.path("out.csv").read_text().split()[1:]]
        assert out[0::3] == tokens and out[2::3] == ['""'] * 20
        assert not set(out[1::3]) & set(cards)
        assert counted(job.path("out.csv.report"), "tokens already, left as they are") == 20
        assert counted(job.path("out.csv.report"), "passed unchanged") == 40
        job.run("tokenize", source, job.path("no.csv"), *place, status=4)
        assert len(rejected(job.path("no.csv.rejects"))) == 40


def test_whoever_may_not_read_masked_numbers_cannot_pass_tokens(job, tmp_path):
    other = FileJob(job.service, tmp_path, ["tokenize"], "no-reader")
    source = other.path("in.csv", f"pan\n{bad_luhn(7)}\n")
    err = other.run(
        "tokenize", source, other.path("out.csv"), *PLACE, "--tokens", "pass", status=12
    )
    assert "JET3102E" in err and "read-masked" in err
    source.write_text(f"pan\n{made_up(7)}\n")
    other.run("detokenize", source, other.path("out.csv"), *PLACE, "--discard", status=12)


def test_masked_files(job, tmp_path):
    cards = pans(30)
    source = job.path("in.csv", "pan,n\n" + "".join(f"{c},1\n" for c in cards))
    job.run("tokenize", source, job.path("tokens.csv"), *PLACE)
    masks = FileJob(job.service, tmp_path, ["read-masked"], "masks")
    masks.run("mask", job.path("tokens.csv"), masks.path("out.csv"), *PLACE)
    job.run("mask", source, job.path("here.csv"), "--column", "pan", "--from", "pan")
    out = masks.path("out.csv").read_text()
    assert out == job.path("here.csv").read_text()
    masked = [line.split(",")[0] for line in out.split()[1:]]
    assert all(len(m) == len(c) and m[-4:] == c[-4:] for m, c in zip(masked, cards))
    assert not set(cards) & set(masked)
    err = masks.run("detokenize", job.path("tokens.csv"), masks.path("no.csv"), *PLACE, status=12)
    assert "JET3102E" in err and "mask" in err
    counters = job.service.operator.counters
    before = counters()
    job.run("mask", job.path("tokens.csv"), job.path("again.csv"), *PLACE)
    assert job.path("again.csv").read_text() == out
    assert counters()["masked_items"] - before["masked_items"] == len(cards)
    assert counters()["detokenize_items"] == before["detokenize_items"]


def report_of(job, *options, **kwargs):
    job.run("tokenize", job.path("in.csv"), job.path("out.csv"), *options, **kwargs)
    return job.path("out.csv.report")


def test_new_and_existing_tokens_for_who_may_look_up(job, tmp_path):
    """Also of records that are rejected: their tokens were made."""
    cards = pans(40, "files-new")
    lines = "".join(f"{c},{c}\n" for c in cards + cards[:5]) + f"{made_up(1)},{bad_luhn(1)}\n"
    job.path("in.csv", "pan,other\n" + lines)
    options = ("--field", "pan=pan", "--field", "other=notes")
    untold = report_of(job, *options, status=4).read_text()
    assert (
        "Which tokens are new the service tells only to a client that may look cards up" in untold
    )
    assert "new tokens" not in untold and "existing tokens" not in untold

    teller = FileJob(job.service, tmp_path, ["tokenize", "lookup:pan"], "teller")
    more = pans(10, "files-newer")
    lines += "".join(f"{c},{c}\n" for c in more) + f"{made_up(2, 16, 'fresh')},{bad_luhn(2)}\n"
    teller.path("in.csv", "pan,other\n" + lines)
    report = report_of(teller, *options, status=4).read_text()
    first, second = report.split("VALUES OF FIELD ")[1:]
    for name, n in (("replaced", 55), ("new tokens", 10), ("existing tokens", 45)):
        assert re.search(rf"^  {name} +{n}$", first, re.M), first
    assert re.search("^  new tokens of records rejected +1$", first, re.M), first
    assert "new tokens" not in second and "Which tokens are new" in second  # not in that field


def test_without_dedup_each_token_is_new_and_nobody_need_be_asked(job, tmp_path):
    own = FileJob(job.service, tmp_path, ["tokenize"], "each-new")
    own.path("in.csv", "pan\n" + f"{made_up(1)}\n" * 30)
    report = report_of(own, "--field", "plain", "--column", "pan")
    assert counted(report, "new tokens") == 30 and counted(report, "existing tokens") == 0


def test_key_generations_of_begin_and_end(make_service, tmp_path):
    """A roll comes while the job waits for its input."""
    service = make_service()
    job = FileJob(service, tmp_path, ["tokenize"])
    out, cards = job.path("out.csv"), pans(40, "files-roll")
    process = job.start(
        "tokenize", "-", out, *PLACE, "--batch", "10", "--every", "10", stdin=subprocess.PIPE
    )
    process.stdin.write(("pan\n" + "".join(f"{c}\n" for c in cards[:20])).encode())
    process.stdin.flush()
    part = job.path("out.csv.part")
    wait_until(lambda: part.exists() and part.stat().st_size > 0, "something is written")
    service.operator.roll()
    process.communicate("".join(f"{c}\n" for c in cards[20:]).encode(), timeout=60)
    assert process.returncode == 0
    report = job.path("out.csv.report")
    assert counted(report, "active key generation, at first") == 1
    assert counted(report, "active key generation, at the end") == 2


def test_streams_and_dd_names(job):
    cards = pans(20)
    text = "pan\n" + "".join(f"{c}\n" for c in cards)
    job.run("tokenize", "-", "-", *PLACE, "--rejects", job.path("r"), input=text.encode())
    out = job.stdout
    assert out.count(b"jtk_") == 20
    source = job.path("in.csv", out)
    names = {"INFILE": source, "OUTFILE": job.path("o"), "REJECTS": job.path("r")}
    names |= {"SYSPRINT": job.path("sysprint"), "CHECKPT": job.path("c")}
    words = [f"{name}={path}" for name, path in names.items()]
    done = subprocess.run(
        [*job_command(job), "detokenize", *PLACE, "--dd", *words],
        env={"JETON_URL": job.service.url, "JETON_KEY_FILE": str(job.key_file)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert job.path("o").read_text() == text
    assert counted(job.path("sysprint"), "read") == 20


def job_command(job):
    process = job.start("--version", "", "")
    process.communicate()
    return process.args[:1]


def test_beyond_max_rejects_the_job_stops_and_can_be_gone_on_with(job):
    text = "pan\n" + "".join(f"{c}\nx\n" for c in pans(100))
    source, out = job.path("in.csv", text), job.path("out.csv")
    options = (*PLACE, "--batch", "10")
    for limit in ("20", "10%"):
        out.unlink(missing_ok=True)
        err = job.run("tokenize", source, out, *options, "--max-rejects", limit, status=8)
        assert "JET0030E" in err and "--restart" in err and not out.exists()
        job.run("tokenize", source, out, *options, "--restart", status=4)
        assert out.read_text().count("jtk_") == 100
        assert len(rejected(job.path("out.csv.rejects"))) == 100
        assert not job.leftovers()


def test_quiet_says_nothing_of_a_clean_job(job):
    source = job.path("in.csv", f"pan\n{made_up(1)}\n")
    assert job.run("tokenize", source, job.path("out.csv"), *PLACE, "-q") == ""
    assert "JET0001I" in job.path("out.csv.report").read_text()
