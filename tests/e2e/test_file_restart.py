# SPDX-License-Identifier: Apache-2.0
"""File jobs that are killed at any moment go on where their checkpoint is: the same bytes as one
clean run, and no card stored twice.
"""

import hashlib
import random
import re
import subprocess

import pytest

from cards import bad_luhn, made_up
from filejob import FileJob, counted, rejected
from service import wait_until

N = 1200
SMALL = ("--batch", "20", "--connections", "4", "--every", "100")


@pytest.fixture(name="job", scope="module")
def make_job(_shared, tmp_path_factory):
    for name, options in (
        ("r-once", {"dedup": False}),
        ("r-digits", {"token": {"format": "numeric", "leading": 6, "last": 4}}),
    ):
        answer = _shared.operator.post("/v1/fields", {"name": name, **options})
        assert answer.status_code == 201, answer.text
    return FileJob(_shared, tmp_path_factory.mktemp("restart"), client="restart")


@pytest.fixture(name="teller", scope="module")
def make_teller(job, tmp_path_factory):
    """A client that may look up as well: it is told which cards are new."""
    permissions = ("tokenize", "lookup")
    return FileJob(job.service, tmp_path_factory.mktemp("teller"), permissions, "restart-teller")


@pytest.fixture(autouse=True)
def _clean(job, teller):
    for path in (*job.directory.iterdir(), *teller.directory.iterdir()):
        if path.suffix != ".key":
            path.unlink()


def card_file(series, n=N):
    """Some cards come twice, and some rows are bad."""
    lines = []
    for i in range(n):
        card = made_up(i - i % 3 // 2, 16, series)
        lines.append(bad_luhn(i, 16, series) if i % 50 == 7 else card)
    return "id,pan\n" + "".join(f"{i},{c}\n" for i, c in enumerate(lines))


def written(path):
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def run_with_kills(job, text, out, field, seed, n_kills=8):
    """The whole job from standard input, killed again and again: each time it is given a part of
    its input only, so that it cannot end, and dies when its output has grown to some length.
    """
    pick = random.Random(seed)
    part, checkpoint = (out.with_name(out.name + e) for e in (".part", ".ckpt"))
    place = ("--field", field, "--column", "pan", *SMALL)
    cuts = sorted(pick.randrange(len(text)) for _ in range(n_kills))
    for cut in [100, *cuts]:
        restart = ("--restart",) if checkpoint.exists() else ()
        process = job.start("tokenize", "-", out, *place, *restart, stdin=subprocess.PIPE)
        process.stdin.write(text[:cut])
        process.stdin.flush()
        # What is written for sure of it: but for the last portion, and rows that are rejected.
        wanted = pick.random() * 0.9 * max(0, cut - 20 * 30)
        wait_until(
            lambda at=wanted: checkpoint.exists() and written(part) >= at,
            "something is written",
            every_s=0.0005,
        )
        assert process.poll() is None, process.stderr.read()
        process.kill()
        process.communicate(timeout=60)
        assert process.returncode == -9
    job.run("tokenize", "-", out, *place, "--restart", status=4, input=text)
    assert not job.leftovers()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("field", ["pan", "r-digits"])
def test_killed_anywhere_the_bytes_are_those_of_a_clean_run(job, field, seed):
    """In fields with dedup a clean run gives the same tokens."""
    source = job.path("in.csv", card_file(f"killed-{field}-{seed}"))
    out, clean = job.path("out.csv"), job.path("clean.csv")
    run_with_kills(job, source.read_bytes(), out, field, seed)
    job.run("tokenize", source, clean, "--field", field, "--column", "pan", *SMALL, status=4)
    for ending in ("", ".rejects"):
        one, other = (p.with_name(p.name + ending).read_bytes() for p in (out, clean))
        assert one == other
    for name in ("read", "written, with values replaced", "rejected", "bytes written"):
        assert counted(job.path("out.csv.report"), name) == counted(
            job.path("clean.csv.report"), name
        )
    assert counted(job.path("out.csv.report"), "restarts") >= 1


def stored_in(service, field):
    number = service.operator.get(f"/v1/fields/{field}").json()["id"]
    return service.sql("SELECT count(*) FROM jeton.card WHERE field = %s", [number])[0][0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("field", ["pan", "r-once"])
def test_new_and_existing_tokens_are_counted_as_if_it_was_never_killed(teller, field, seed):
    """Each request has a key, by which the service tells a repetition what it told the first."""
    job, service = teller, teller.service
    series = f"killed-new-{field}-{seed}"
    known = [made_up(i, 16, series) for i in range(0, N, 4)]
    service.app.tokenize_many(known, field)
    before = stored_in(service, field)
    source, out = job.path("in.csv", card_file(series)), job.path("out.csv")
    run_with_kills(job, source.read_bytes(), out, field, seed)
    report = job.path("out.csv.report")
    made = stored_in(service, field) - before
    assert counted(report, "new tokens") == made > 0
    replaced = counted(report, "replaced")
    assert counted(report, "existing tokens") == replaced - made
    assert (replaced == made) == (field == "r-once")
    assert "asked for again after a restart" not in report.read_text()
    assert counted(report, "restarts") >= 1


@pytest.mark.parametrize("seed", range(4))
def test_without_dedup_no_card_is_stored_twice(job, seed):
    """What was asked for before the kill and never heard of is asked for again under its key."""
    service = job.service
    before = stored_in(service, "r-once")
    source, out = job.path("in.csv", card_file(f"r-once-{seed}")), job.path("out.csv")
    run_with_kills(job, source.read_bytes(), out, "r-once", seed)
    bad = {n for n, _ in rejected(job.path("out.csv.rejects"))}
    assert stored_in(service, "r-once") - before == N - len(bad)
    tokens = re.findall("jtk_[0-9a-z]{26}", out.read_text())
    assert len(set(tokens)) == len(tokens) == N - len(bad)
    job.run("detokenize", out, job.path("back.csv"), "--field", "r-once", "--column", "pan")
    lines = source.read_text().splitlines()
    expected = [line for n, line in enumerate(lines) if n not in bad]
    assert job.path("back.csv").read_text().splitlines() == expected


def interrupted(job, field="pan", *options, series="left"):
    """A job that stopped in the middle by its threshold; (source, out, options)."""
    source = job.path("in.csv", card_file(series))
    out = job.path("out.csv")
    place = ("--field", field, "--column", "pan", *SMALL, *options)
    job.run("tokenize", source, out, *place, "--max-rejects", "10", status=8)
    assert job.leftovers() == ["out.csv.ckpt", "out.csv.part", "out.csv.rejects.part"]
    return source, out, place


def test_what_a_restart_refuses(job):
    source, out, place = interrupted(job)
    text = source.read_bytes()

    def refused(message, *options, at=source, status=12):
        err = job.run("tokenize", at, out, *options, status=status)
        assert message in err and len(job.leftovers()) == 3, err
        return err

    assert "--restart" in refused("JET1002E", *place)
    for wrong, name in (
        (("--batch", "21"), "batch"),
        (("--blank", "pass"), "blank"),
        (("--delimiter", ","), "delimiter"),
        (("--column", "id"), "places"),
    ):
        assert f"{name} is another" in refused("JET1001E", *place, *wrong, "--restart")
    source.write_bytes(text.replace(b"\n5,", b"\n6,", 1))  # another text in front
    refused("JET1006E", *place, "--restart")
    source.write_bytes(text[: len(text) // 10])
    refused("JET1006E", *place, "--restart")
    source.write_bytes(text)
    part = job.path("out.csv.part")
    held = part.read_bytes()
    part.write_bytes(held[:-100] if len(held) > 100 else b"")
    refused("JET1008E", *place, "--restart")
    part.write_bytes(held)
    checkpoint = job.path("out.csv.ckpt")
    good = checkpoint.read_bytes()
    for bad in (b"", good[:-1], good.replace(b"records-read ", b"records-read 1")):
        checkpoint.write_bytes(bad)
        refused("JET1005E", *place, "--restart")
    checkpoint.write_bytes(good)
    job.run("tokenize", source, out, *place, "--restart", status=4)
    err = job.run("tokenize", source, out, *place, "--restart", status=12)
    assert "JET1003E" in err


def test_what_stands_behind_the_checkpoint_is_written_anew(job):
    source, out, place = interrupted(job)
    for name in ("out.csv.part", "out.csv.rejects.part"):
        with open(job.path(name), "ab") as file:
            file.write(b"half a record that a kill left")
    job.run("tokenize", source, out, *place, "--restart", status=4)
    job.run("tokenize", source, job.path("clean.csv"), *place, status=4)
    assert out.read_bytes() == job.path("clean.csv").read_bytes()


def test_discard_begins_anew(job):
    source, out, place = interrupted(job)
    source.write_text(f"id,pan\n0,{made_up(0)}\n")
    job.run("tokenize", source, out, *place, "--discard")
    assert out.read_text().count("jtk_") == 1


def set_back(checkpoint, hours):
    """The checkpoint as it would be that much later."""
    text = checkpoint.read_text()
    for name in ("began", "written", "unsettled"):
        text = re.sub(
            rf"^{name} (\d+)$",
            lambda m: f"{m[0].split()[0]} {int(m[1]) - hours * 3600}",
            text,
            flags=re.M,
        )
    body = text[: text.rindex("end ")]
    checkpoint.write_text(body + f"end {hashlib.sha256(body.encode()).hexdigest()}\n")


def test_after_a_day_a_restart_without_dedup_must_be_wanted(job):
    for field, hours, fine in (("r-once", 23, True), ("r-once", 25, False), ("pan", 25, True)):
        source, out, place = interrupted(job, field, series=f"late-{field}-{hours}")
        set_back(job.path("out.csv.ckpt"), hours)
        if not fine:
            err = job.run("tokenize", source, out, *place, "--restart", status=12)
            assert "JET1004E" in err and "--accept-duplicates" in err
            options = ("--restart", "--accept-duplicates")
            assert "JET0021W" in job.run("tokenize", source, out, *place, *options, status=4)
        else:
            job.run("tokenize", source, out, *place, "--restart", status=4)
        out.unlink()


def test_after_a_day_the_report_says_what_may_be_told_wrongly(teller):
    """The service has forgotten the keys: cards of the job itself would be told as known."""
    source, out, place = interrupted(teller, series="late-teller")
    checkpoint = teller.path("out.csv.ckpt")
    assert re.search("^field 0( [0-9]+){10} 1 1 0$", checkpoint.read_text(), re.M)
    set_back(checkpoint, 25)
    ahead = int(re.search("^ahead ([0-9]+)$", checkpoint.read_text(), re.M)[1])
    teller.run("tokenize", source, out, *place, "--restart", status=4)
    report = teller.path("out.csv.report").read_text()
    assert f"Up to {ahead} records were asked for again after a restart" in report


def test_a_job_killed_while_its_files_get_their_names(job):
    """The last checkpoint says that all is done: what is missing are names."""
    source, out = job.path("in.csv", card_file("names")), job.path("out.csv")
    place = ("--field", "pan", "--column", "pan", *SMALL)
    job.run("tokenize", source, out, *place, status=4)
    whole = {p.name: p.read_bytes() for p in job.directory.glob("out.csv*")}
    source, out, place = interrupted(job, series="names")
    checkpoint = job.path("out.csv.ckpt").read_text()
    complete = checkpoint.replace("state running", "state complete")
    for name, length in (("out", "out.csv"), ("rejects", "out.csv.rejects")):
        complete = re.sub(rf"^{name} \d+$", f"{name} {len(whole[length])}", complete, flags=re.M)
    body = complete[: complete.rindex("end ")]
    complete = body + f"end {hashlib.sha256(body.encode()).hexdigest()}\n"
    for named in ((), ("out.csv.rejects",), ("out.csv.rejects", "out.csv")):
        for name in ("out.csv", "out.csv.rejects"):
            for path in (job.path(name), job.path(name + ".part")):
                path.unlink(missing_ok=True)
            job.path(name if name in named else name + ".part").write_bytes(whole[name])
        job.path("out.csv.ckpt").touch(mode=0o600)
        job.path("out.csv.ckpt").write_text(complete)
        job.run("tokenize", source, out, *place, "--restart", status=4)
        assert not job.leftovers()
        for name in ("out.csv", "out.csv.rejects"):
            assert job.path(name).read_bytes() == whole[name]


def test_standard_input_is_given_again_from_its_beginning(job):
    text = card_file("piped").encode()
    out = job.path("out.csv")
    place = ("--field", "r-once", "--column", "pan", *SMALL)
    job.run("tokenize", "-", out, *place, "--max-rejects", "10", status=8, input=text)
    job.run("tokenize", "-", out, *place, "--restart", status=12, input=text[:2000])
    job.run("tokenize", "-", out, *place, "--restart", status=4, input=text)
    tokens = re.findall("jtk_[0-9a-z]{26}", out.read_text())
    assert len(set(tokens)) == len(tokens) == N - N // 50


def test_one_process_has_a_job(job):
    source, out = job.path("in.csv", card_file("locked")), job.path("out.csv")
    place = ("--field", "pan", "--column", "pan", *SMALL)
    job.service.front.pause()
    try:
        process = job.start("tokenize", source, out, *place)
        wait_until(job.path("out.csv.part").exists, "the job has its files", every_s=0.001)
        assert process.poll() is None
        for option in ((), ("--restart",), ("--discard",)):
            err = job.run("tokenize", source, out, *place, *option, "--retry-for", "0", status=16)
            assert "JET3002S" in err and "busy" in err.lower()
    finally:
        job.service.front.resume()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
