# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around a file job: each ends it with a clear message, and it goes on later."""

import os
import resource
import subprocess
import threading

import pytest

from cards import made_up
from filejob import FileJob, counted
from service import wait_until

PLACE = ("--field", "pan", "--column", "pan", "--batch", "50", "--connections", "2")
N = 2000


@pytest.fixture(name="job")
def make_job(service, tmp_path):
    return FileJob(service, tmp_path)


def card_file(n=N):
    return "id,pan\n" + "".join(f"{i},{made_up(i, 16, 'faults')}\n" for i in range(n))


def same_as_clean(job, source, out):
    job.run("tokenize", source, job.path("clean.csv"), *PLACE)
    assert out.read_bytes() == job.path("clean.csv").read_bytes()
    assert not job.leftovers()


def test_a_full_disk(job):
    """A limit on the size of files stands for it: the write fails in the middle of a portion."""
    source, out = job.path("in.csv", card_file()), job.path("out.csv")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))

    err = job.run("tokenize", source, out, *PLACE, "--every", "100", status=16, preexec_fn=limit)
    assert "JET3002S" in err and "File too large" in err and "JET0010I" in err
    assert not out.exists() and len(job.leftovers()) == 3
    assert 0 < counted(job.path("out.csv.report"), "written, with values replaced") < N
    job.run("tokenize", source, out, *PLACE, "--restart")
    same_as_clean(job, source, out)


def stop_in_the_middle(job, act, *options):
    """Acts when the job has written something, while the input is held back. What it says is in
    the file `said`, also while it runs.
    """
    lines = card_file().splitlines(keepends=True)
    out, said = job.path("out.csv"), job.path("said")
    with open(said, "wb") as stderr:
        process = job.start(
            "tokenize", "-", out, *PLACE, *options, stdin=subprocess.PIPE, stderr=stderr
        )
    half = len(lines) // 2
    process.stdin.write("".join(lines[:half]).encode())
    process.stdin.flush()

    def written():
        assert process.poll() is None, said.read_text()
        part = job.path("out.csv.part")
        return part.exists() and part.stat().st_size > 1000

    wait_until(written, "something is written")
    act()

    def rest():
        try:
            process.stdin.write("".join(lines[half:]).encode())
            process.stdin.close()
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=rest)
    writer.start()
    process.wait(timeout=120)
    writer.join()
    return process, said.read_text()


def test_a_server_that_goes_away_and_one_that_comes_back(job):
    process, err = stop_in_the_middle(job, job.service.front.stop, "--retry-for", "1")
    assert process.returncode == 16 and "JET3100S" in err and "--restart" in err
    assert not job.path("out.csv").exists()
    text = card_file().encode()
    err = job.run(
        "tokenize", "-", job.path("out.csv"), *PLACE, "--restart", "--retry-for", "0",
        status=16, input=text,
    )  # fmt: skip
    assert "JET3100S" in err and len(job.leftovers()) == 3
    job.service.start_front()
    job.service.wait_ready()
    job.run("tokenize", "-", job.path("out.csv"), *PLACE, "--restart", input=text)
    same_as_clean(job, job.path("in.csv", text), job.path("out.csv"))


def test_an_outage_that_ends_in_time_is_waited_for(job):
    """Killed and started again under the same port: the job goes on by itself."""
    service = job.service
    port = service.url.rsplit(":", 1)[1]

    def outage():
        service.front.kill()
        service.configure(front_port=port)

        def come_back():
            wait_until(lambda: "JET3107I" in job.path("said").read_text(), "the job has met nobody")
            service.start_front(wait=False)

        threading.Thread(target=come_back).start()

    process, err = stop_in_the_middle(job, outage)
    assert process.returncode == 0, err
    assert "JET3107I" in err
    same_as_clean(job, job.path("in.csv", card_file()), job.path("out.csv"))


def test_a_key_that_is_revoked(job):
    def revoke():
        answer = job.service.operator.post("/v1/clients/files/revoke", {})
        assert answer.status_code == 200
        wait_until(lambda: job_client_is_out(job), "the front knows that the client is gone")

    process, err = stop_in_the_middle(job, revoke)
    assert process.returncode == 12 and "JET3102E" in err and "--restart" in err
    again = FileJob(job.service, job.directory, client="another")
    text = card_file().encode()
    again.run("tokenize", "-", job.path("out.csv"), *PLACE, "--restart", input=text)
    same_as_clean(again, job.path("in.csv", text), job.path("out.csv"))


def job_client_is_out(job):
    key = job.key_file.read_text().strip()
    answer = job.service.operator.__class__(job.service, key).get("/v1/fields/pan")
    return answer.status_code == 401


def test_a_reader_of_the_output_that_goes_away(job):
    source = job.path("in.csv", card_file())
    process = job.start("tokenize", source, "-", *PLACE, "--rejects", job.path("r"))
    process.stdout.read(10)
    process.stdout.close()
    process.wait(timeout=60)
    assert process.returncode in (0, 16)  # all of it may have been in the pipe already
    assert not job.leftovers()


def peak_kb(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def test_memory_does_not_grow_with_the_file(job, measured):
    """A million records through a pipe, masked here, so that nothing but the job is measured."""
    blocks = 1000 if os.environ.get("JETON_TEST_LONG") else 100
    block = "".join(f"{i:05},{made_up(i, 16, 'memory')}\n" for i in range(10_000)).encode()
    process = job.start(
        *("mask", "-", "-", "--column", "pan", "--from", "pan", "-q"),
        *("--rejects", job.path("r"), "--report", job.path("report")),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    process.stdin.write(b"id,pan\n")
    early = 0
    for i in range(blocks):
        process.stdin.write(block)
        process.stdin.flush()
        if i == blocks // 10:
            early = peak_kb(process)
    late = peak_kb(process)
    process.stdin.close()
    assert process.wait(timeout=120) == 0, process.stderr.read()
    measured("peak memory after a tenth of the file", early, "kB")
    measured("peak memory at its end", late, "kB")
    assert counted(job.path("report"), "read") == blocks * 10_000
    assert late - early < 2048
