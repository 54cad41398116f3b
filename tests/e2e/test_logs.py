# SPDX-License-Identifier: Apache-2.0
"""Logs in their forms, and the access log: what is in it, and what never is."""

import json
import re
import subprocess

import pytest

from cards import made_up
from door import exchange, parse_answers, tokenize
from service import BIN, Daemon, wait_until


class Logged:
    """A service whose front writes JSON lines and an access log."""

    def __init__(self, service):
        self.service = service
        service.front.stop()
        service.front = Daemon(
            [BIN / "jetond", "--config", service.config, "--log-format", "json"],
            service.directory / "json.log",
        )
        port_file = service.directory / "port"

        def port():
            return port_file.exists() and port_file.read_text(encoding="ascii").strip()

        service.url = f"http://127.0.0.1:{wait_until(port, 'the port file')}"
        service.wait_ready()

    def lines(self):
        text = (self.service.directory / "json.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def accesses(self, **members):
        return [
            line
            for line in self.lines()
            if line["message"] == "access" and members.items() <= line.items()
        ]


@pytest.fixture
def logged(make_service):
    return Logged(make_service(options={"front_access_log": "yes", "front_loops": 1}))


def test_each_answer_has_a_line(logged):
    app, service = logged.service.app, logged.service
    route = "/v1/fields/{field}/tokenize"
    token = app.tokenize(made_up(1, series="logged"))
    app.post("/v1/fields/pan/tokenize", {"pan": "1"})
    app.get("/v1/status")
    service.operator.get("/v1/generations/1")
    (line,) = logged.accesses(route=route, status=200)
    assert line["method"] == "POST" and line["client"] == "app" and line["source"] == "127.0.0.1"
    assert line["bytes"] == len('{"token":"%s"}' % token) and 0 < line["ms"] < 10_000
    assert line["level"] == "info" and line["process"] == "jetond"
    assert set(line) == {
        *("time", "level", "process", "message"),
        *("method", "route", "status", "bytes", "ms", "client", "source"),
    }
    (line,) = logged.accesses(route=route, status=422)
    assert line["client"] == "app"
    (line,) = logged.accesses(route="/v1/status", status=403)
    assert line["client"] == "-", "who was refused is named by the log of refusals, if at all"
    assert logged.accesses(route="/v1/generations/{number}", status=200, method="GET")


def test_nothing_that_was_sent_is_in_it(logged):
    service = logged.service
    pan = made_up(2, series="logged")
    token = service.app.tokenize(pan)
    service.app.detokenize(token)
    service.app.get(f"/v1/fields/{pan}/tokens/{token}")
    service.app.get(f"/readyz?{pan}")
    service.app.request(f"M{pan}", "/livez")
    service.app.request("POST", f"/v1/fields/{pan}/tokenize", json={"pan": pan})
    for line in (f"GET /{token} HTTP/1.1", f"{token} /livez HTTP/1.1"):
        parse_answers(exchange(service, tokenize(service, line=line.encode())))
    text = (service.directory / "json.log").read_text(encoding="utf-8")
    for secret in (pan, token, service.app_key, token[4:]):
        assert secret not in text
    assert logged.accesses(route="-", status=404)


def test_without_the_option_there_is_no_line(shared):
    shared.app.tokenize(made_up(3, series="logged"))
    assert "access " not in shared.front_log.read_text(encoding="utf-8")


def test_lines_for_the_journal(make_service):
    service = make_service()
    service.front.stop()
    log = service.directory / "journal.log"
    front = Daemon([BIN / "jetond", "--config", service.config, "--log-format=journal"], log)
    wait_until(lambda: "serving on" in log.read_text(encoding="utf-8"), "it serves")
    front.stop()
    for line in log.read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"<[3467]>[^<].*", line), line
        assert "jetond:" not in line and not re.search(r"\d{4}-\d\d-\d\dT", line)


@pytest.mark.parametrize("program", ["jetond", "jeton-keeper"])
def test_an_unknown_form_is_refused(program):
    done = subprocess.run(
        [BIN / program, "--log-format", "xml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 64 and "--log-format must be" in done.stderr
