# SPDX-License-Identifier: Apache-2.0
"""Bad input gets a clear problem body and changes nothing; no error repeats what was sent."""

import json

import pytest

from cards import bad_luhn, made_up
from service import problem

PAN = made_up(1, series="bad")
TOKENIZE = "/v1/fields/pan/tokenize"
DETOKENIZE = "/v1/fields/pan/detokenize"


def fingerprint_of_database(service):
    """All of what a request could change, apart from the audit trail."""
    return [
        service.sql(
            f"SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {table} t"
        )[0][0]
        for table in ("card", "field", "client", "generation", "ring", "retirement", "tally")
    ]


@pytest.fixture
def unchanged(shared):
    before = fingerprint_of_database(shared)
    yield shared
    assert fingerprint_of_database(shared) == before


def check_problem(answer, status, name):
    assert (answer.status_code, problem(answer)) == (status, name)
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    for secret in (PAN, PAN[:15], PAN[-12:]):
        assert secret not in answer.text
        assert secret not in str(answer.headers)


BAD_PANS = [
    ("", "pan-empty"),
    ("4111 1111 1111 1111", "pan-not-digits"),
    ("4111-1111-1111-1111", "pan-not-digits"),
    ("411111111111111x", "pan-not-digits"),
    (" " + PAN, "pan-not-digits"),
    (PAN + "\n", "pan-not-digits"),
    (PAN + "\0", "pan-not-digits"),
    (PAN[:8] + "\0" + PAN[8:], "pan-not-digits"),
    ("\u0664" + PAN[1:], "pan-not-digits"),  # an Arabic digit is no digit here
    ("+" + PAN, "pan-not-digits"),
    ("41111111111", "pan-too-short"),
    ("4", "pan-too-short"),
    (made_up(1, 19) + "0", "pan-too-long"),
    ("4" * 1000, "pan-too-long"),
    (bad_luhn(1), "pan-bad-luhn"),
    (bad_luhn(1, 12), "pan-bad-luhn"),
    (4111111111111111, "pan-not-a-string"),
    (41.5, "pan-not-a-string"),
    (None, "pan-not-a-string"),
    (True, "pan-not-a-string"),
    ([PAN], "pan-not-a-string"),
    ({"pan": PAN}, "pan-not-a-string"),
]


@pytest.mark.parametrize(
    "pan, name",
    BAD_PANS,
    ids=lambda v: str(v)[:20] if isinstance(v, str) and v.startswith("pan-") else None,
)
def test_bad_card_numbers(unchanged, pan, name):
    answer = unchanged.app.post(TOKENIZE, {"pan": pan})
    check_problem(answer, 422, name)
    # The same inside a batch, beside an item of which it says nothing.
    answer = unchanged.app.post(TOKENIZE, {"items": [{"pan": pan}]})
    assert answer.status_code == 200
    (result,) = answer.json()["results"]
    assert (result["status"], result["type"]) == (422, "urn:jeton:problem:" + name)
    assert PAN not in answer.text


def token_like(last):
    return "jtk_" + "0" * 25 + last


BAD_TOKENS = [
    "",
    "jtk_",
    PAN,
    token_like("0")[:-1],
    token_like("0") + "0",
    token_like("1"),
    token_like("0").upper(),
    token_like("l"),
    "jtk-" + "0" * 26,
    " " + token_like("0"),
]


@pytest.mark.parametrize("token", BAD_TOKENS, ids=range(len(BAD_TOKENS)))
def test_malformed_tokens(unchanged, token):
    check_problem(unchanged.app.post(DETOKENIZE, {"token": token}), 422, "token-malformed")


@pytest.mark.parametrize("token", [7, None, ["jtk_"], {}], ids=str)
def test_a_token_that_is_not_a_string_is_malformed(unchanged, token):
    check_problem(unchanged.app.post(DETOKENIZE, {"token": token}), 422, "token-malformed")


def test_an_unknown_token(unchanged):
    check_problem(unchanged.app.post(DETOKENIZE, {"token": token_like("0")}), 404, "token-unknown")


@pytest.mark.parametrize(
    "path",
    ["/v1/fields/nosuch/tokenize", "/v1/fields/nosuch/detokenize", "/v1/fields/PAN/tokenize"],
)
def test_an_unknown_field(unchanged, path):
    body = {"pan": PAN} if path.endswith("/tokenize") else {"token": token_like("0")}
    check_problem(unchanged.app.post(path, body), 404, "field-unknown")


BODIES = {
    "nothing": (b"", "malformed-json"),
    "half an object": (b'{"pan": "' + PAN.encode(), "malformed-json"),
    "two objects": (b'{"pan": "' + PAN.encode() + b'"}{"pan": "1"}', "malformed-json"),
    "duplicate key": (
        b'{"pan": "' + PAN.encode() + b'", "pan": "' + PAN.encode() + b'"}',
        "malformed-json",
    ),
    "duplicate key by escape": (
        b'{"pan": "' + PAN.encode() + b'", "p\\u0061n": "' + PAN.encode() + b'"}',
        "malformed-json",
    ),
    "duplicate key in an item": (
        b'{"items": [{"pan": "' + PAN.encode() + b'", "pan": "1"}]}',
        "malformed-json",
    ),
    "duplicate items": (b'{"items": [], "items": []}', "malformed-json"),
    "not UTF-8": (b'{"pan": "\xff\xfe"}', "malformed-json"),
    "single quotes": (b"{'pan': '1'}", "malformed-json"),
    "comment": (b'{"pan": /* */ "1"}', "malformed-json"),
    "NaN": (b'{"pan": NaN}', "malformed-json"),
    "deep nesting": (b'{"pan": ' + b"[" * 100000 + b"]" * 100000 + b"}", "malformed-json"),
    "trailing comma": (b'{"pan": "1",}', "malformed-json"),
    "byte order mark": (b'\xef\xbb\xbf{"pan": "1"}', "malformed-json"),
    "NUL at the end": (b'{"pan": "' + PAN.encode() + b'"}\0', "malformed-json"),
    "unknown member": (b'{"pan": "' + PAN.encode() + b'", "cvv": "123"}', "unknown-member"),
    "both forms": (b'{"pan": "' + PAN.encode() + b'", "items": []}', "missing-member"),
    "token instead of pan": (b'{"token": "jtk_00000000000000000000000000"}', "unknown-member"),
    "empty object": (b"{}", "missing-member"),
}


@pytest.mark.parametrize("case", BODIES, ids=lambda c: c.replace(" ", "-"))
def test_bad_bodies(unchanged, case):
    body, name = BODIES[case]
    answer = unchanged.app.request(
        "POST", TOKENIZE, data=body, headers={"Content-Type": "application/json"}
    )
    check_problem(answer, 400, name)


@pytest.mark.parametrize("body", [[], "text", 7, None, True, [{"pan": PAN}]], ids=str)
def test_a_body_that_is_not_an_object(unchanged, body):
    answer = unchanged.app.request(
        "POST", TOKENIZE, data=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert problem(answer) in ("malformed-json", "missing-member")
    assert PAN not in answer.text


@pytest.mark.parametrize("items", [{}, "text", 7, None, {"pan": PAN}], ids=str)
def test_items_that_are_not_a_list(unchanged, items):
    answer = unchanged.app.post(TOKENIZE, {"items": items})
    check_problem(answer, 422, "invalid-value")


@pytest.mark.parametrize(
    "item",
    [PAN, 7, None, [PAN], {}, {"pan": PAN, "track2": "x"}, {"token": token_like("0")}],
    ids=["text", "number", "null", "list", "empty", "more", "other"],
)
def test_a_malformed_item_fails_alone(unchanged, item):
    answer = unchanged.app.post(TOKENIZE, {"items": [item]})
    assert answer.status_code == 200
    (result,) = answer.json()["results"]
    assert (result["status"], result["type"]) == (422, "urn:jeton:problem:malformed-item")
    assert PAN not in answer.text


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "multipart/form-data",
        "",
    ],
)
def test_wrong_content_type(unchanged, kind):
    answer = unchanged.app.request(
        "POST", TOKENIZE, data=json.dumps({"pan": PAN}), headers={"Content-Type": kind}
    )
    check_problem(answer, 415, "content-type")


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"]
)
def test_right_content_types(shared, kind):
    answer = shared.app.request(
        "POST", TOKENIZE, data=json.dumps({"pan": PAN}), headers={"Content-Type": kind}
    )
    assert answer.status_code == 200


def test_too_large(unchanged):
    check_problem(unchanged.app.post(TOKENIZE, {"pan": "4" * (2 << 20)}), 413, "body-too-large")


def test_too_large_in_chunks(unchanged):
    def chunks():
        yield b'{"pan": "'
        for _ in range(60):
            yield b"4" * 65536
        yield b'"}'

    try:
        answer = unchanged.app.request(
            "POST", TOKENIZE, data=chunks(), headers={"Content-Type": "application/json"}
        )
    except OSError:
        return  # the server closed the connection while the client still sent: refused all the same
    check_problem(answer, 413, "body-too-large")


def test_too_many_items(unchanged):
    check_problem(
        unchanged.app.post(TOKENIZE, {"items": [{"pan": PAN}] * 10001}), 413, "too-many-items"
    )
    check_problem(
        unchanged.app.post(DETOKENIZE, {"items": [{"token": token_like("0")}] * 10001}),
        413,
        "too-many-items",
    )


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", TOKENIZE),
        ("PUT", TOKENIZE),
        ("DELETE", DETOKENIZE),
        ("PATCH", TOKENIZE),
        ("POST", "/livez"),
        ("POST", "/readyz"),
        ("PUT", "/v1/generations"),
        ("DELETE", "/v1/generations/1"),
        ("GET", "/v1/generations/1/activate"),
        ("POST", "/v1/status"),
    ],
)
def test_wrong_method(unchanged, method, path):
    answer = unchanged.operator.request(
        method, path, json={"pan": PAN} if method != "GET" else None
    )
    check_problem(answer, 405, "method-not-allowed")
    assert answer.headers.get("Allow")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/fields/pan/",
        "/v1/fields/pan/tokenize/",
        "/v1/nothing",
        "/v2/generations",
        "/v1/fields//tokenize",
        "/v1/generations/1/nothing",
    ],
)
def test_unknown_paths(unchanged, path):
    answer = unchanged.operator.get(path)
    assert answer.status_code in (400, 404, 405)
    assert problem(answer) in (
        "malformed-request",
        "not-found",
        "method-not-allowed",
        "field-unknown",
    )


@pytest.mark.parametrize(
    "number",
    ["0", "99", "-1", "abc", "1e0", "18446744073709551616", "99999999999999999999999", "01"],
)
def test_unknown_generations(unchanged, number):
    answer = unchanged.operator.get(f"/v1/generations/{number}")
    assert answer.status_code in (400, 404), answer.status_code
    assert problem(answer) in ("not-found", "malformed-request")


@pytest.mark.parametrize(
    "body, status",
    [
        ({}, 400),
        ({"name": ""}, 422),
        ({"name": "Upper"}, 422),
        ({"name": "a" * 65}, 422),
        ({"name": "1st"}, 422),
        ({"name": "a b"}, 422),
        ({"name": 7}, 422),
        ({"name": "x", "dedup": "yes"}, 422),
        ({"name": "x", "kind": "numbers"}, 422),
        ({"name": "x", "buckets": 2}, 400),
        ({"name": "pan"}, 409),
    ],
    ids=str,
)
def test_bad_fields(unchanged, body, status):
    answer = unchanged.operator.post("/v1/fields", body)
    assert answer.status_code == status
    assert problem(answer)


@pytest.mark.parametrize(
    "body, status",
    [
        ({}, 400),
        ({"id": "x"}, 400),
        ({"id": "", "permissions": ["operate"]}, 422),
        ({"id": "UP", "permissions": ["operate"]}, 422),
        ({"id": "a_b", "permissions": ["operate"]}, 422),
        ({"id": "a" * 33, "permissions": ["operate"]}, 422),
        ({"id": "x", "permissions": []}, 422),
        ({"id": "x", "permissions": ["everything"]}, 422),
        ({"id": "x", "permissions": "operate"}, 422),
        ({"id": "x", "permissions": ["operate", 7]}, 422),
        ({"id": "app", "permissions": ["operate"]}, 409),
    ],
    ids=str,
)
def test_bad_clients(unchanged, body, status):
    answer = unchanged.operator.post("/v1/clients", body)
    assert answer.status_code == status
    assert problem(answer)
    assert "jck_" not in answer.text


# -- where it is


def at_fault(answer):
    return [e["pointer"] for e in answer.json()["errors"]]


@pytest.mark.parametrize(
    "path, body, pointer",
    [
        (TOKENIZE, {"pan": "1"}, "#/pan"),
        (TOKENIZE, {"pan": 4111111111111111}, "#/pan"),
        (DETOKENIZE, {"token": "jtk_"}, "#/token"),
        (TOKENIZE, {}, "#"),
        (TOKENIZE, {"pan": PAN, "items": []}, "#"),
        (TOKENIZE, {"items": []}, "#/items"),
        (TOKENIZE, {"items": [{"pan": PAN}] * 10001}, "#/items"),
        (TOKENIZE, {PAN: 1}, "#"),
    ],
)
def test_a_refusal_points_at_what_is_wrong(unchanged, path, body, pointer):
    answer = unchanged.app.post(path, body)
    assert 400 <= answer.status_code < 500 and at_fault(answer) == [pointer]
    assert answer.json()["errors"][0]["detail"] == answer.json()["detail"]
    assert PAN not in answer.text


def test_members_of_an_act_are_pointed_at(unchanged):
    operator = unchanged.operator
    assert at_fault(operator.post("/v1/fields", {})) == ["#/name"]
    assert at_fault(operator.post("/v1/fields", {"name": "x", "dedup": 1})) == ["#/dedup"]
    assert at_fault(operator.post("/v1/fields", {"name": "x", PAN: 1})) == ["#"]


def test_items_of_a_batch_are_pointed_at(shared):
    items = [{"pan": PAN}, {"pan": "1"}, {}, {"pan": PAN, "x": 1}, 7, {"pan": "x" * 13}]
    results = shared.app.post(TOKENIZE, {"items": items}).json()["results"]
    assert "errors" not in results[0]
    assert [r["errors"][0]["pointer"] for r in results[1:]] == [
        "#/items/1/pan",
        "#/items/2",
        "#/items/3",
        "#/items/4",
        "#/items/5/pan",
    ]
    assert results[1]["errors"][0]["detail"] == "A card number has 12 to 19 digits."


def test_the_limit_of_a_body_is_told(unchanged):
    for data in (b" " * (3 << 20), iter([b" " * 65536] * 40)):
        try:
            answer = unchanged.app.request(
                "POST", TOKENIZE, data=data, headers={"Content-Type": "application/json"}
            )
        except OSError:
            continue  # the connection ended while the client still sent
        check_problem(answer, 413, "body-too-large")
        assert answer.json()["limit"] == 2 << 20
