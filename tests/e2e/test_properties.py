# SPDX-License-Identifier: Apache-2.0
"""Whatever is sent: never a 5xx, never a hang, never a piece of it in the answer's errors, and the
service serves on.

Hypothesis makes the input up; the rules hold for all of it.
"""

import json
import os
import re
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cards import made_up
from door import HOST, connect, key_of, parse_answers, read_to_end
from service import TREE

ROUNDS = int(os.environ.get("JETON_TEST_ROUNDS", "4"))
SETTINGS = settings(
    max_examples=40 * ROUNDS,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CANARY = "Qz7Xw"  # in no word of the service's own
PAN = made_up(4711, series="canary")

PATHS = [
    (method.upper(), re.sub(r"\{(\w+)\}", r"{\1}", path))
    for path, item in json.loads((TREE / "docs/openapi.json").read_text(encoding="utf-8"))[
        "paths"
    ].items()
    for method in item
    if method != "parameters"
]


def check(service, answer):
    """What holds for every answer."""
    status, headers, body = answer
    assert status < 500 or status in (501, 505), (status, body[:300])
    text = body.decode("utf-8") + str(headers)
    assert CANARY not in text and PAN not in text and PAN[:12] not in text
    assert service.app_key not in text
    if status >= 400:
        assert headers["content-type"] == "application/problem+json"
        problem = json.loads(body)
        assert problem["status"] == status and problem["type"].startswith("urn:jeton:problem:")


def send(service, data, to_head=False):
    """All of it, then the end; the answers, which come within ten seconds."""
    with connect(service) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(2 - 1)
        except OSError:
            pass  # it was answered before all was sent
        return parse_answers(read_to_end(sock), to_head=to_head)


# -- bodies

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([CANARY, PAN, "", "pan", "jtk_" + "0" * 26, "jtk_" + CANARY, PAN + " "]),
    st.sampled_from(
        ["2199-01-31T00:00:00.5+02:00", "1999-02-29T00:00:00Z", "9999-12-31T23:59:60Z"]
    ),
    st.text(max_size=30),
)
names = st.one_of(
    st.sampled_from(
        ["pan", "token", "items", "name", "id", "permissions", "reason", "expires_at", CANARY, PAN]
    ),
    st.text(max_size=10),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)
bodies = st.one_of(
    st.dictionaries(names, values, max_size=4).map(lambda v: json.dumps(v).encode()),
    values.map(lambda v: json.dumps(v, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.binary(max_size=200),
    st.text(alphabet='{}[]":,\\ntrue0123456789.eE-' + CANARY, max_size=60).map(str.encode),
)
# Routes that roll keys or make an operator lose its key are not for made-up bodies.
TAKERS = [
    "/v1/fields/pan/tokenize",
    "/v1/fields/pan/detokenize",
    "/v1/fields",
    "/v1/clients",
    "/v1/audit/search",
    "/v1/generations/1/abandon",
]


@SETTINGS
@given(path=st.sampled_from(TAKERS), body=bodies, as_operator=st.booleans(), chunked=st.booleans())
def test_any_body(shared, path, body, as_operator, chunked):
    key = (
        b"Authorization: Bearer " + shared.operator.key.encode() + b"\r\n"
        if as_operator
        else key_of(shared)
    )
    if chunked:
        length = b"Transfer-Encoding: chunked\r\n"
        body = (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    else:
        length = b"Content-Length: %d\r\n" % len(body)
    head = b"POST " + path.encode() + b" HTTP/1.1\r\n" + HOST + key
    (answer,) = send(shared, head + b"Content-Type: application/json\r\n" + length + b"\r\n" + body)
    check_created(shared, answer)


def check_created(service, answer):
    """A key that is made is shown once, to whoever made it: no leak."""
    if answer[0] == 201:
        assert json.loads(answer[2])
    elif answer[0] != 200:
        check(service, answer)


# -- paths, queries, methods

segments = st.one_of(
    st.sampled_from(
        ["v1", "fields", "pan", "tokenize", "generations", "1", "clients", "..", ".", "%2e", CANARY]
    ),
    st.just(PAN),
    st.text(alphabet=string.printable, max_size=12),
    st.text(max_size=6),
)
targets = st.one_of(
    st.lists(segments, max_size=6).map(lambda s: "/" + "/".join(s)),
    st.sampled_from([path for _, path in PATHS]),
    st.text(max_size=40),
)
queries = st.one_of(st.just(""), st.text(max_size=30).map(lambda q: "?" + q), st.just("?" + PAN))
methods = st.one_of(
    st.sampled_from(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", CANARY]),
    st.text(alphabet=string.ascii_letters + "-!", min_size=1, max_size=12),
)


@SETTINGS
@given(method=methods, target=targets, query=queries)
def test_any_target(shared, method, target, query):
    """Any bytes for a request line. POST is left out: acts are for test_any_body."""
    line = f"{method} {target}{query} HTTP/1.1\r\n".encode("utf-8", "replace")
    if line[:5].upper() == b"POST ":
        return
    data = line + HOST + key_of(shared) + b"Connection: close\r\n\r\n"
    for answer in send(shared, data, to_head=line.startswith(b"HEAD ")):
        if not line.startswith(b"HEAD "):
            check(shared, answer)
        assert answer[0] < 500 or answer[0] in (501, 505)


# -- heads

field_names = st.one_of(
    st.sampled_from(
        [
            *("Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Authorization"),
            *("Expect", "Connection", "Content-Encoding", "If-None-Match", "Idempotency-Key"),
            *("traceparent", "X-Request-Id", "Forwarded", "Range", "Upgrade", CANARY),
        ]
    ),
    st.text(max_size=10),
)
field_values = st.one_of(
    st.sampled_from(
        [
            *("", "0", "5", "-1", "chunked", "gzip", "identity", "close", "keep-alive", "*"),
            *("application/json", "100-continue", "Bearer jck_" + CANARY, "bytes=0-1", "h2c"),
            *(PAN, CANARY, "a" * 5000, '"' + CANARY + '"'),
        ]
    ),
    st.text(max_size=40),
)
fields = st.lists(st.tuples(field_names, field_values), max_size=8)


@SETTINGS
@given(fields=fields, body=st.binary(max_size=60), host=st.booleans())
def test_any_head(shared, fields, body, host):
    head = b"POST /v1/fields/pan/tokenize HTTP/1.1\r\n" + (HOST if host else b"")
    for name, value in fields:
        head += f"{name}: {value}\r\n".encode("utf-8", "replace")
    for answer in send(shared, head + b"\r\n" + body):
        if answer[0] != 100:
            check(shared, answer)


@pytest.mark.parametrize("bytes_", [b"\r\n" * 20, b"\0" * 50, b"\x16\x03\x01" + b"a" * 50, b""])
def test_no_request_at_all(shared, bytes_):
    with connect(shared) as sock:
        try:
            sock.sendall(bytes_)
            sock.shutdown(1)
            received = read_to_end(sock)
        except ConnectionResetError:
            received = b""
    for answer in parse_answers(received):
        check(shared, answer)


def test_the_service_stands_after_all_that(shared):
    assert shared.ready()
    token = shared.app.tokenize(PAN)
    assert shared.app.detokenize(token) == PAN
    log = shared.front_log.read_text(encoding="utf-8")
    assert CANARY not in log and PAN not in log and "fault of Jeton" not in log
