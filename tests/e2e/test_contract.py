# SPDX-License-Identifier: Apache-2.0
"""The contract that is served, and what it says of paths and methods; health as text."""

import json
import os
import re

import pytest
import requests

from door import HOST, check_problem, exchange, parse_answers
from service import TREE, wait_until

PARAMETERS = {"digest": "0" * 64, "field": "pan", "client": "app", "number": "1"}


def get(service, path, **headers):
    return requests.get(service.url + path, headers=headers, timeout=10)


def test_the_contract_is_served_without_a_key(shared):
    answer = get(shared, "/openapi.json")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    assert answer.text == (TREE / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert re.fullmatch(r'"[0-9a-f]{32}"', answer.headers["ETag"])
    assert answer.json()["openapi"].startswith("3.1.")


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*"])
def test_who_has_it_is_told_so(shared, form):
    tag = get(shared, "/openapi.json").headers["ETag"]
    data = b"GET /openapi.json HTTP/1.1\r\n" + HOST
    data += b"If-None-Match: " + form.format(tag).encode() + b"\r\n\r\n"
    answers = parse_answers(exchange(shared, data + data), to_head=True)
    for answer in answers:
        assert answer[0] == 304 and answer[1]["etag"] == tag and answer[2] == b""
    assert len(answers) == 2


def test_another_tag_gets_the_whole(shared):
    for tag in ('"0"', '""', "x" * 500):
        assert get(shared, "/openapi.json", **{"If-None-Match": tag}).status_code == 200
    head = requests.head(shared.url + "/openapi.json", timeout=10)
    whole = get(shared, "/openapi.json")
    assert head.status_code == 200 and head.headers["ETag"] == whole.headers["ETag"]
    assert int(head.headers["Content-Length"]) == len(whole.content)


def concrete(path):
    return re.sub(r"\{(\w+)\}", lambda m: PARAMETERS.get(m[1], "x"), path)


def test_every_documented_method_is_routed_and_no_other(shared):
    document = get(shared, "/openapi.json").json()
    for path, item in document["paths"].items():
        documented = {m.upper() for m in item if m != "parameters"}
        documented |= {"HEAD"} if "GET" in documented else set()
        url = shared.url + concrete(path)
        answer = requests.options(url, timeout=10)
        assert answer.status_code == 204 and answer.content == b""
        assert set(answer.headers["Allow"].split(", ")) == documented | {"OPTIONS"}, path
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECTX"):
            answer = requests.request(method, url, timeout=10)
            assert (answer.status_code == 405) == (method not in documented), (method, path)
            if method not in documented:
                assert set(answer.headers["Allow"].split(", ")) == documented | {"OPTIONS"}
    (answer,) = parse_answers(exchange(shared, b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n"))
    methods = {m for item in document["paths"].values() for m in item if m != "parameters"}
    assert {m.upper() for m in methods} <= set(answer[1]["allow"].split(", "))


def test_every_reference_leads_somewhere(shared):
    document = get(shared, "/openapi.json").json()

    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                at = document
                for part in node["$ref"].removeprefix("#/").split("/"):
                    at = at[part]
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)
    ids = [o["operationId"] for i in document["paths"].values() for o in i.values() if "tags" in o]
    assert len(ids) == len(set(ids))


# -- health as text


def test_readyz_line_by_line(service):
    answer = get(service, "/readyz?verbose")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[-1] == "readyz check passed"
    assert len(lines) == 15 and all(re.fullmatch(r"\[\+\][a-z-]+ ok", x) for x in lines[:-1])
    service.keeper.kill()
    service.wait_unready()

    def failed():
        answer = get(service, "/readyz?verbose")
        return answer.status_code == 503 and "[-]keeper failed" in answer.text.splitlines()

    wait_until(failed, "the keeper's line", 10)
    text = get(service, "/readyz?verbose").text
    assert text.endswith("readyz check failed\n") and "[+]database ok" in text
    members = get(service, "/readyz").json()
    assert members["keeper"] is False and members["database"] is True


@pytest.mark.parametrize(
    "target", ["/readyz?", "/readyz?verbose=1", "/readyz?Verbose", "/livez?verbose", "/readyz?x"]
)
def test_no_other_query_is_taken(shared, target):
    data = b"GET " + target.encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    (answer,) = parse_answers(exchange(shared, data))
    check_problem(answer, 400, "query-not-taken", closes=False)


def test_readyz_while_stopping(make_service):
    service = make_service(options={"front_loops": 1, "front_stop_delay": 60})
    os.kill(service.front.process.pid, 15)
    wait_until(lambda: get(service, "/readyz").status_code == 503, "readyz says no")
    body = get(service, "/readyz").json()
    assert body["type"].endswith(":stopping") and body["keeper"] is True
    text = get(service, "/readyz?verbose").text
    assert "[-]not-stopping failed" in text.splitlines() and json.dumps(text)
    os.kill(service.front.process.pid, 15)
    assert service.front.process.wait(20) == 0
