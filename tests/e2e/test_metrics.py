# SPDX-License-Identifier: Apache-2.0
"""GET /metrics: what Prometheus reads, what it means, and the rules and dashboard over it."""

import json
import os
import re
import socket
import subprocess

import pytest
import requests

from cards import made_up
from door import HOST, parse_answers
from service import TREE, Api, Service, wait_until

MONITORING = TREE / "docs" / "monitoring"
NAME = re.compile(r"\b(?:jeton|process)_[a-z0-9_]+\b")


class Scrape:
    """One text, taken apart: {name: {labels: value}}, where labels is a frozenset of pairs."""

    def __init__(self, text):
        self.text = text
        self.samples = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = re.fullmatch(
                r"([a-z0-9_]+)(?:\{(.*)\})? ([0-9.]+)", line
            ).groups()
            pairs = frozenset(re.findall(r'([a-z]+)="([^"]*)"', labels or ""))
            assert pairs not in self.samples.setdefault(name, {}), line
            self.samples[name][pairs] = float(value)

    def get(self, name, **labels):
        """The sum over all samples that have these labels."""
        wanted = set(labels.items())
        return sum(v for pairs, v in self.samples.get(name, {}).items() if wanted <= pairs)


class Watched(Service):
    """A service that serves its metrics."""

    def metrics_url(self):
        port = self.directory / "metrics-port"
        return f"http://127.0.0.1:{port.read_text(encoding='ascii').strip()}/metrics"

    def scrape(self):
        answer = requests.get(self.metrics_url(), timeout=10)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return Scrape(answer.text)


def make_watched(run_directory, cluster, name):
    directory = os.path.join(run_directory, name)
    options = {
        "front_metrics_port": 0,
        "front_metrics_port_file": os.path.join(directory, "metrics-port"),
    }
    service = Watched(directory, cluster, name, options=options)
    return service.set_up().start().populate()


@pytest.fixture(scope="module")
def watched(run_directory, cluster):
    service = make_watched(run_directory, cluster, "watched")
    yield service
    service.stop()


@pytest.fixture
def fresh(run_directory, cluster):
    service = make_watched(run_directory, cluster, "watched2")
    yield service
    service.stop()


def test_promtool_finds_nothing_wrong(watched):
    watched.app.tokenize(made_up(1, series="metrics"))
    text = watched.scrape().text
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and done.stderr == "", (done.stdout, done.stderr)


def test_what_ends_keys_and_cards_is_told(watched):
    text = watched.scrape().text
    for state in ("waiting", "grace", "due", "cancelled", "erasing"):
        assert f'jeton_destructions{{state="{state}"}} 0\n' in text
    for name in ("stuck_cards", "written_off_cards", "write_offs_waiting"):
        assert f"\njeton_{name} 0\n" in text
    assert "\njeton_destruction_grace_seconds 0\n" in text


def test_requests_and_items_are_counted(watched):
    before = watched.scrape()
    pans = [made_up(i, series="counted") for i in range(100)]
    tokens = watched.app.tokenize_many(pans)
    watched.app.post("/v1/fields/pan/tokenize", {"items": [{"pan": "1"}, {"pan": "x" * 12}]})
    watched.app.post("/v1/fields/pan/tokenize", {"pan": ""})
    watched.app.detokenize_many(tokens)
    watched.app.post("/v1/fields/pan/detokenize", {"token": tokens[0][:-1]})
    watched.app.get("/v1/nothing")
    after = watched.scrape()

    def grown(name, **labels):
        return after.get(name, **labels) - before.get(name, **labels)

    assert grown("jeton_requests_total", operation="tokenize", code="200") == 2
    assert grown("jeton_requests_total", operation="tokenize", code="422") == 1
    assert grown("jeton_requests_total", operation="none", code="404") == 1
    assert grown("jeton_request_duration_seconds_count", operation="tokenize") == 3
    assert grown("jeton_request_duration_seconds_sum", operation="tokenize") > 0
    assert grown("jeton_items_total", operation="tokenize", result="ok") == 100
    assert grown("jeton_items_total", operation="tokenize", result="pan-too-short") == 1
    assert grown("jeton_items_total", operation="tokenize", result="pan-not-digits") == 1
    assert grown("jeton_items_total", operation="tokenize", result="pan-empty") == 1
    assert grown("jeton_items_total", operation="detokenize", result="ok") == 100
    assert grown("jeton_items_total", operation="detokenize", result="token-malformed") == 1
    for name in ("jeton_batch_items", "jeton_batch_duration_seconds"):
        assert grown(name + "_count", operation="tokenize") >= 1
    assert grown("jeton_batch_items_sum", operation="tokenize") == 100
    assert grown("jeton_database_duration_seconds_count", operation="tokenize") >= 1
    assert grown("jeton_keeper_duration_seconds_count") >= 3
    assert after.get("jeton_queue_items") == 0
    assert after.get("jeton_tokenize_items_total") >= 102  # those of /v1/status


def test_buckets_add_up(watched):
    scrape = watched.scrape()
    for name, samples in scrape.samples.items():
        if not name.endswith("_bucket"):
            continue
        rows = {}
        for pairs, value in samples.items():
            bound = dict(pairs)["le"]
            rest = frozenset(p for p in pairs if p[0] != "le")
            rows.setdefault(rest, []).append((float(bound), value))
        for rest, buckets in rows.items():
            values = [v for _, v in sorted(buckets)]
            assert values == sorted(values)
            assert values[-1] == scrape.samples[name.removesuffix("_bucket") + "_count"][rest]


def test_states(fresh):
    fresh.app.tokenize_many([made_up(i, series="states") for i in range(50)])
    assert fresh.operator.roll() == 2

    def rolled():
        scrape = fresh.scrape()
        return scrape.get("jeton_active_generation") == 2 and (
            scrape.get("jeton_generation_rows", generation="1", state="draining") == 50
        )

    wait_until(rolled, "the roll is seen", 15)
    scrape = fresh.scrape()
    assert scrape.get("jeton_ready") == 1
    assert scrape.get("jeton_generation_rows", state="active") == 0
    assert scrape.get("jeton_ring_epoch") == fresh.operator.epoch()
    # what was deleted is not counted any more
    remover = Api(fresh, fresh.new_client("remover", ["delete"]))
    token = fresh.app.tokenize(made_up(1, series="states"))
    assert remover.request("DELETE", f"/v1/fields/pan/tokens/{token}").status_code == 204
    wait_until(
        lambda: fresh.scrape().get("jeton_generation_rows", generation="1", state="draining") == 49,
        "one card less",
        15,
    )
    assert set(scrape.samples["jeton_ready_check"].values()) == {1}
    assert scrape.get("jeton_keeper_items_total", act="sealed") >= 50
    fresh.keeper.kill()
    wait_until(lambda: fresh.scrape().get("jeton_ready") == 0, "the keeper is gone", 15)
    wait_until(
        lambda: frozenset([("check", "keeper")])
        in {k for k, v in fresh.scrape().samples["jeton_ready_check"].items() if v == 0},
        "the check says which",
        15,
    )
    fresh.start_keeper()
    wait_until(lambda: fresh.scrape().get("jeton_ready") == 1, "it is back", 15)


def test_only_metrics_are_served_there(watched):
    url = watched.metrics_url()
    assert requests.head(url, timeout=5).status_code == 200
    for method, path, status in (
        ("POST", "/metrics", 405),
        ("GET", "/v1/status", 404),
        ("GET", "/", 404),
        ("GET", "/metrics?x=1", 400),
    ):
        answer = requests.request(method, url.replace("/metrics", path), timeout=5)
        assert answer.status_code == status, (method, path)
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert watched.app.get("/metrics").status_code == 404, "not at the port of the API"
    head = b"GET /metrics HTTP/1.1\r\n" + HOST + b"\n\n"
    port = int(url.rpartition(":")[2].partition("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(head)
        (answer,) = parse_answers(sock.recv(65536))
    assert answer[0] == 400


def test_no_secret_and_no_name_is_in_it(watched):
    pan = made_up(77, series="metrics")
    token = watched.app.tokenize(pan)
    watched.app.get(f"/v1/fields/{pan}/tokens/{token}")
    watched.app.request(pan, "/livez")
    watched.new_client("a-client-of-a-name", ["tokenize"])
    text = watched.scrape().text
    for secret in (pan, token, watched.app_key, "a-client-of-a-name", "Bearer", "jtk_", "jck_"):
        assert secret not in text
    assert not re.search(r"[0-9]{12,}", re.sub(r"(?m) [0-9.]+$", "", text))


def names_in(text):
    return set(NAME.findall(text)) - {"jeton_e2e"}


def known_names(scrape):
    return set(scrape.samples) | set(re.findall(r"(?m)^# TYPE ([a-z0-9_]+) ", scrape.text))


def test_whatever_is_named_is_in_a_scrape(watched):
    """Rules, their tests, the dashboard, and the page for operators."""
    watched.app.tokenize(made_up(5, series="metrics"))
    known = known_names(watched.scrape())
    operating = (TREE / "docs" / "operating.md").read_text(encoding="utf-8")
    of_metrics = operating[operating.index("## Metrics") :].partition("\n## ")[0]
    for name, text in [("operating.md", of_metrics)] + [
        (p.name, p.read_text(encoding="utf-8")) for p in sorted(MONITORING.iterdir())
    ]:
        named = names_in(text)
        assert named, name
        assert named <= known, (name, named - known)


def test_every_metric_is_on_the_page(watched):
    """The page for operators tells of each family but the counters of /v1/status."""
    scrape = watched.scrape()
    operating = (TREE / "docs" / "operating.md").read_text(encoding="utf-8")
    families = re.findall(r"(?m)^# HELP ([a-z0-9_]+) (.*)$", scrape.text)
    for name, text in families:
        assert name in operating or text.startswith("The counter "), name


def test_the_alert_rules_do_what_they_say():
    for arguments in (
        ["check", "rules", "jeton.rules.yml"],
        ["test", "rules", "jeton.rules.test.yml"],
    ):
        done = subprocess.run(
            ["promtool", *arguments], cwd=MONITORING, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    rules = (MONITORING / "jeton.rules.yml").read_text(encoding="utf-8")
    tests = (MONITORING / "jeton.rules.test.yml").read_text(encoding="utf-8")
    for alert in re.findall(r"- alert: (\w+)", rules):
        assert len(re.findall(rf"alertname: {alert}\b", tests)) == 2, alert


def test_the_dashboard_is_one():
    dashboard = json.loads((MONITORING / "grafana.json").read_text(encoding="utf-8"))
    assert dashboard["title"] == "Jeton" and len(dashboard["panels"]) >= 10
    ids = [p["id"] for p in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in dashboard["panels"]:
        assert panel["title"] and all(t["expr"] for t in panel["targets"])
