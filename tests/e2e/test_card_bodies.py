# SPDX-License-Identifier: Apache-2.0
"""Whatever is sent to the operations on cards and ciphertext: never a 5xx, never a hang, and no
error repeats what was sent. Bodies, paths and tokens are made up by hypothesis, the same in every
run.
"""

import base64
import json
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cards import made_up
from service import Api, problem

VERBS = ["tokenize", "detokenize", "lookup", "delete", "encrypt", "decrypt", "reencrypt"]
MEMBERS = ["pan", "token", "row_id", "value", "envelope", "items", "cvv", "track2", "pan ", ""]
PERMISSIONS = [
    "tokenize",
    "detokenize",
    "lookup",
    "read-masked",
    "delete",
    "encrypt",
    "decrypt",
    "operate",
]
MADE_UP = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

pans = st.integers(0, 40).map(lambda n: made_up(n, 12 + n % 8, "bodies"))
tokens = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26).map(
    lambda t: "jtk_" + t
)
encoded = st.binary(max_size=60).map(lambda b: base64.b64encode(b).decode())
scalars = st.one_of(
    pans,
    tokens,
    encoded,
    st.text(max_size=40),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
objects = st.dictionaries(st.sampled_from(MEMBERS), scalars, max_size=4)
bodies = st.one_of(
    objects,
    st.builds(lambda items, rest: {**rest, "items": items}, st.lists(objects, max_size=6), objects),
    st.builds(lambda items: {"items": items}, st.lists(scalars, max_size=4)),
    st.lists(objects, max_size=3),
    scalars,
)


@pytest.fixture(scope="module")
def api(_shared):
    field = {"name": "bodies", "kind": "bytes"}
    assert _shared.operator.post("/v1/fields", field).status_code == 201
    return Api(_shared, _shared.new_client("bodies", PERMISSIONS))


def texts(value):
    """What of a body an error must not repeat: anything that is not a word of the API's own."""
    if isinstance(value, dict):
        for v in value.values():
            yield from texts(v)
    elif isinstance(value, list):
        for v in value:
            yield from texts(v)
    elif isinstance(value, str) and len(value) >= 12:
        yield value


def check(answer, sent):
    assert answer.status_code < 500, (answer.status_code, problem(answer))
    if answer.status_code >= 400:
        assert problem(answer), answer.status_code
        for text in texts(sent):
            assert text not in answer.text
    elif answer.content:
        for result in answer.json().get("results", []):
            assert result["status"] < 500, result
            if result["status"] >= 400:
                assert set(result) - {"errors"} == {"status", "title", "type"}


@MADE_UP
@given(verb=st.sampled_from(VERBS), field=st.sampled_from(["pan", "plain", "bodies"]), body=bodies)
def test_bodies(api, verb, field, body):
    check(api.request("POST", f"/v1/fields/{field}/{verb}", json=body), body)


@MADE_UP
@given(verb=st.sampled_from(VERBS), cut=st.integers(0, 60), junk=st.binary(max_size=20))
def test_bytes_that_are_no_body(api, verb, cut, junk):
    whole = json.dumps({"row_id": "r", "pan": made_up(1), "token": "jtk_" + "0" * 26}).encode()
    answer = api.request(
        "POST",
        f"/v1/fields/pan/{verb}",
        data=whole[:cut] + junk,
        headers={"Content-Type": "application/json"},
    )
    check(answer, made_up(1))


@MADE_UP
@given(
    method=st.sampled_from(["GET", "DELETE", "HEAD", "PUT", "POST"]),
    segment=st.one_of(
        tokens,
        pans,
        st.text(
            string.ascii_letters + string.digits + "_-.~!$&'()*+,;=:@", min_size=1, max_size=60
        ),
    ),
    body=st.one_of(st.none(), st.just({"pan": made_up(2)})),
)
def test_tokens_in_paths(api, method, segment, body):
    answer = api.request(method, f"/v1/fields/pan/tokens/{segment}", json=body)
    assert answer.status_code < 500
    if answer.status_code >= 400 and len(segment) >= 12:
        assert segment not in answer.text
    assert made_up(2) not in answer.text


@MADE_UP
@given(
    name=st.text(string.ascii_lowercase + string.digits + "_.-", min_size=1, max_size=70),
    body=bodies,
)
def test_changes_of_fields(api, name, body):
    for method in ("GET", "PATCH"):
        answer = api.request(
            method, f"/v1/fields/x{name}", json=body if method == "PATCH" else None
        )
        assert answer.status_code in (400, 404, 422), problem(answer)
        check(answer, [name, body])


@MADE_UP
@given(envelope=st.binary(min_size=0, max_size=80), row_id=st.text(max_size=20))
def test_envelopes_of_nobody(api, envelope, row_id):
    body = {"row_id": row_id, "envelope": base64.b64encode(envelope).decode()}
    for verb in ("decrypt", "reencrypt"):
        answer = api.post(f"/v1/fields/bodies/{verb}", body)
        assert answer.status_code == 422
        assert problem(answer) in ("envelope-refused", "envelope-malformed", "row-id-malformed")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("member", ["cvv", "cvv2", "cvc", "track1", "track2", "pin"])
def test_what_must_not_be_stored_is_not_even_taken(api, verb, member):
    """PCI DSS 3.3: neither in the body nor in an item."""
    item = {
        "tokenize": {"pan": made_up(3)},
        "lookup": {"pan": made_up(3)},
        "encrypt": {"row_id": "r", "pan": made_up(3)},
        "decrypt": {"row_id": "r", "envelope": "eA=="},
        "reencrypt": {"row_id": "r", "envelope": "eA=="},
    }.get(verb, {"token": "jtk_" + "0" * 26})
    bad = {**item, member: "123456789012"}
    answer = api.post(f"/v1/fields/pan/{verb}", bad)
    assert (answer.status_code, problem(answer)) == (400, "unknown-member")
    answer = api.post(f"/v1/fields/pan/{verb}", {"items": [bad]})
    (result,) = answer.json()["results"]
    assert result["type"] == "urn:jeton:problem:malformed-item"
    assert "123456789012" not in answer.text
