# SPDX-License-Identifier: Apache-2.0
"""Who may do what: credentials are checked first, and the permissions are kept apart."""

import pytest
import requests

from cards import made_up
from service import Api, problem

TOKEN = "jtk_" + "0" * 26

# method, path, body, the permissions of which it needs one
ENDPOINTS = [
    ("POST", "/v1/fields/pan/tokenize", {"pan": "x"}, "tokenize"),
    ("POST", "/v1/fields/pan/tokenize", {"items": []}, "tokenize"),
    ("POST", "/v1/fields/pan/detokenize", {"token": TOKEN}, "detokenize read-masked"),
    ("POST", "/v1/fields/pan/detokenize", {"items": []}, "detokenize read-masked"),
    ("GET", f"/v1/fields/pan/tokens/{TOKEN}", None, "detokenize read-masked"),
    ("DELETE", f"/v1/fields/pan/tokens/{TOKEN}", None, "delete"),
    ("POST", "/v1/fields/pan/delete", {"token": TOKEN}, "delete"),
    ("POST", "/v1/fields/pan/lookup", {"pan": "x"}, "lookup"),
    ("POST", "/v1/fields/pan/encrypt", {"row_id": "x", "pan": "x"}, "encrypt"),
    ("POST", "/v1/fields/pan/decrypt", {"row_id": "x", "envelope": "x"}, "decrypt"),
    ("POST", "/v1/fields/pan/reencrypt", {"row_id": "x", "envelope": "x"}, "encrypt decrypt"),
    ("GET", "/v1/fields/pan", None, "operate tokenize"),
    ("PATCH", "/v1/fields/pan", {"colour": "red"}, "operate"),
    ("POST", "/v1/fields", {"name": "pan"}, "operate"),
    ("GET", "/v1/fields", None, "operate"),
    ("POST", "/v1/clients", {"id": "app", "permissions": ["operate"]}, "clients"),
    ("GET", "/v1/clients", None, "clients"),
    ("GET", "/v1/clients/app", None, "clients"),
    ("POST", "/v1/clients/nobody/permit", {"permissions": ["operate"]}, "clients"),
    ("POST", "/v1/clients/nobody/rotate", {}, "clients"),
    ("POST", "/v1/clients/nobody/disable", {}, "clients"),
    ("POST", "/v1/clients/nobody/enable", {}, "clients"),
    ("POST", "/v1/clients/nobody/remove", {}, "clients"),
    ("POST", "/v1/clients/nobody/revoke", {}, "clients"),
    ("POST", "/v1/audit/search", {"field": "pan", "token": TOKEN}, "audit"),
    ("GET", "/v1/generations", None, "operate"),
    ("GET", "/v1/generations/1", None, "operate"),
    ("POST", "/v1/generations/99/activate", {}, "operate"),
    ("POST", "/v1/generations/99/retire", {}, "operate"),
    ("GET", "/v1/generations/99/retirement", None, "operate"),
    ("GET", "/v1/status", None, "operate"),
]
PERMISSIONS = [
    "tokenize",
    "detokenize",
    "operate",
    "read-masked",
    "lookup",
    "delete",
    "encrypt",
    "decrypt",
    "audit",
    "clients",
    "custodian",
]


@pytest.fixture(scope="module")
def keys(_shared):
    return {p: _shared.new_client("only-" + p, [p]) for p in PERMISSIONS}


def call(service, key, endpoint):
    method, path, body, _ = endpoint
    return Api(service, key).request(method, path, json=body)


@pytest.mark.parametrize("permission", PERMISSIONS)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e[0]}-{e[1]}")
def test_permissions_are_kept_apart(shared, keys, permission, endpoint):
    answer = call(shared, keys[permission], endpoint)
    if permission in endpoint[3].split():
        assert answer.status_code not in (401, 403)
    else:
        assert (answer.status_code, problem(answer)) == (403, "forbidden")


def wrong_keys(key):
    kind, name, secret = key.split("_")
    flipped = secret[:-2] + ("0" if secret[-2] != "0" else "1") + secret[-1]
    return {
        "no header": None,
        "another secret": f"Bearer {kind}_{name}_{flipped}",
        "another client": f"Bearer {kind}_nobody_{secret}",
        "the operator's id with this secret": f"Bearer {kind}_operator_{secret}",
        "upper case": f"Bearer {key.upper()}",
        "cut short": f"Bearer {key[:-1]}",
        "too long": f"Bearer {key}0",
        "empty": "Bearer ",
        "no scheme": key,
        "basic": "Basic YXBwOmFwcA==",
        "a token": f"Bearer {TOKEN}",
        "very long": "Bearer " + "x" * 4000,
        "something after it": f"Bearer {key} x",
    }


@pytest.mark.parametrize("case", wrong_keys("jck_a_00"), ids=lambda c: c.replace(" ", "-"))
@pytest.mark.parametrize(
    "endpoint", [ENDPOINTS[0], ENDPOINTS[2], ENDPOINTS[-1]], ids=lambda e: e[1]
)
def test_wrong_credentials(shared, case, endpoint):
    header = wrong_keys(shared.app_key)[case]
    method, path, body, _ = endpoint
    answer = requests.request(
        method,
        shared.url + path,
        json=body,
        headers={"Authorization": header} if header is not None else {},
        timeout=30,
    )
    assert (answer.status_code, problem(answer)) == (401, "unauthorized")
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert shared.app_key.split("_")[2] not in answer.text


def test_all_wrong_credentials_look_the_same(shared):
    bodies = set()
    for header in wrong_keys(shared.app_key).values():
        headers = {"Authorization": header} if header is not None else {}
        bodies.add(requests.get(shared.url + "/v1/generations", headers=headers, timeout=30).text)
    assert len(bodies) == 1


def test_an_unknown_field_is_not_told_to_who_may_not_use_it(shared, keys):
    answer = Api(shared, keys["operate"]).post("/v1/fields/nosuch/tokenize", {"pan": made_up(1)})
    assert (answer.status_code, problem(answer)) == (403, "forbidden")


def test_health_needs_no_credentials(shared):
    assert requests.get(shared.url + "/livez", timeout=30).status_code == 200
    assert requests.get(shared.url + "/readyz", timeout=30).status_code == 200


def test_an_api_key_is_shown_once_and_stored_nowhere(shared):
    key = shared.new_client("shown-once", ["tokenize"])
    assert key.startswith("jck_shown-once_")
    row = shared.sql("SELECT c::text FROM client c WHERE c::text LIKE '%shown-once%'")[0][0]
    assert key.split("_")[2] not in row
