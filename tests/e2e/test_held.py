# SPDX-License-Identifier: Apache-2.0
"""Encrypt, decrypt, re-encrypt for applications that keep the ciphertext in their own tables."""

import base64
import os
import re
import threading

import pytest

import formats
from cards import bad_luhn, made_up
from service import Api, problem, wait_until


def client(service, name, permissions):
    return Api(service, service.new_client(name, permissions))


def b64(data):
    return base64.b64encode(data).decode()


def post(api, verb, body, field="secret"):
    return api.post(f"/v1/fields/{field}/{verb}", body)


def with_bytes(service):
    answer = service.operator.post("/v1/fields", {"name": "secret", "kind": "bytes"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["kind"] == "bytes" and answer.json()["dedup"] is False
    return client(service, "held", ["encrypt", "decrypt"])


@pytest.fixture(scope="module")
def held(_shared):
    return with_bytes(_shared)


@pytest.mark.parametrize("n", [1, 15, 16, 17, 100, 4095, 4096])
def test_bytes_come_back(held, n):
    value = os.urandom(n)
    answer = post(held, "encrypt", {"row_id": "customer/7", "value": b64(value)})
    assert answer.status_code == 200
    envelope = base64.b64decode(answer.json()["envelope"], validate=True)
    assert len(envelope) == 17 + n
    answer = post(held, "decrypt", {"row_id": "customer/7", "envelope": b64(envelope)})
    assert answer.json() == {"value": b64(value), "stale": False}
    answer = post(held, "reencrypt", {"row_id": "customer/7", "envelope": b64(envelope)})
    assert answer.json() == {"stale": False, "envelope": b64(envelope)}


def test_cards_come_back_and_follow_the_rules_of_their_field(shared, held):
    pan = made_up(1, series="held")
    before = shared.sql("SELECT count(*) FROM card")
    answer = post(held, "encrypt", {"row_id": "42", "pan": pan}, "pan")
    assert answer.status_code == 200 and pan not in answer.text
    envelope = answer.json()["envelope"]
    assert len(base64.b64decode(envelope)) == 25
    answer = post(held, "decrypt", {"row_id": "42", "envelope": envelope}, "pan")
    assert answer.json() == {"pan": pan, "stale": False}
    answer = post(held, "encrypt", {"row_id": "42", "pan": bad_luhn(1)}, "pan")
    assert (answer.status_code, problem(answer)) == (422, "pan-bad-luhn")
    answer = post(held, "encrypt", {"row_id": "42", "value": b64(b"x")}, "pan")
    assert (answer.status_code, problem(answer)) == (422, "malformed-item")
    assert shared.sql("SELECT count(*) FROM card") == before  # the vault stores nothing


def test_the_format_is_that_of_the_page(shared, held):
    """An envelope as the second reader makes it opens, and the other way round."""
    number = shared.operator.get("/v1/fields/secret").json()["id"]
    keys = formats.HeldKeys(shared.generation_key(1).key, 1, shared.key_id(1), number)
    row_id, value = "Zürich/17", b"from the page"
    envelope = keys.seal(value, row_id.encode())
    answer = post(held, "decrypt", {"row_id": row_id, "envelope": b64(envelope)})
    assert answer.json()["value"] == b64(value)
    answer = post(held, "encrypt", {"row_id": row_id, "value": b64(value)})
    assert answer.json()["envelope"] == b64(envelope)  # no nonce: the row-id makes it differ


def test_every_failure_to_decrypt_looks_the_same(shared, held):
    envelope = base64.b64decode(
        post(held, "encrypt", {"row_id": "a", "value": b64(b"secret")}).json()["envelope"]
    )
    token = shared.app.tokenize(made_up(2, series="held"))
    number = shared.id_of(token)
    ((vaulted,),) = shared.sql("SELECT envelope FROM card WHERE id = %s", (number,))
    flipped = envelope[:-1] + bytes([envelope[-1] ^ 1])
    for field, row_id, candidate in (
        ("secret", "b", envelope),
        ("secret", "a ", envelope),
        ("secret", "a", flipped),
        ("secret", "a", envelope[:-1]),
        ("secret", "a", envelope + b"x"),
        ("secret", "a", b"x"),
        ("secret", "a", bytes([99]) + envelope[1:]),  # a key id that there is not
        ("secret", "a", bytes(17)),
        ("pan", "a", envelope),
        ("pan", str(number), bytes(vaulted)),
        ("pan", number.to_bytes(8, "big").decode("latin1"), bytes(vaulted)),
    ):
        for verb in ("decrypt", "reencrypt"):
            body = {"row_id": row_id, "envelope": b64(candidate)}
            answer = post(held, verb, body, field)
            assert (answer.status_code, problem(answer)) == (422, "envelope-refused")
            assert b64(candidate) not in answer.text


@pytest.mark.parametrize(
    "body, name",
    [
        ({"row_id": "", "value": "eA=="}, "row-id-malformed"),
        ({"row_id": "x" * 256, "value": "eA=="}, "row-id-malformed"),
        ({"row_id": 7, "value": "eA=="}, "row-id-malformed"),
        ({"row_id": "x", "value": ""}, "value-malformed"),
        ({"row_id": "x", "value": "eA"}, "value-malformed"),
        ({"row_id": "x", "value": "eB=="}, "value-malformed"),
        ({"row_id": "x", "value": "e A="}, "value-malformed"),
        ({"row_id": "x", "value": b64(bytes(4097))}, "value-malformed"),
        ({"row_id": "x", "value": 7}, "value-malformed"),
        ({"row_id": "x"}, "malformed-item"),
        ({"value": "eA=="}, "malformed-item"),
        ({"row_id": "x", "pan": "4111111111111111"}, "malformed-item"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_malformed_items(held, body, name):
    answer = post(held, "encrypt", body)
    assert (answer.status_code, problem(answer)) == (422, name)
    (result,) = post(held, "encrypt", {"items": [body]}).json()["results"]
    assert result["type"].endswith(name)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"row_id": "x", "value": "eA==", "items": []},
        {"row_id": "x", "value": "eA==", "cvv": "1"},
    ],
    ids=["nothing", "both", "cvv"],
)
def test_bodies_of_another_form(held, body):
    assert post(held, "encrypt", body).status_code == 400


def test_batches_larger_than_a_keeper_call_keep_their_order(held):
    values = [os.urandom(1 + n % 600) for n in range(1300)]
    items = [{"row_id": f"r{n}", "value": b64(v)} for n, v in enumerate(values)]
    items[5] = {"row_id": "r5", "value": "!"}
    results = post(held, "encrypt", {"items": items}).json()["results"]
    assert [r["status"] for r in results].count(200) == 1299 and results[5]["status"] == 422
    items = [
        {"row_id": f"r{n}", "envelope": r.get("envelope", b64(b"nonsense"))}
        for n, r in enumerate(results)
    ]
    items[9]["row_id"] = "another"
    results = post(held, "decrypt", {"items": items}).json()["results"]
    for n, r in enumerate(results):
        if n in (5, 9):
            assert (r["status"], r["type"]) == (422, "urn:jeton:problem:envelope-refused")
        else:
            assert r == {"status": 200, "value": b64(values[n]), "stale": False}


def test_vault_verbs_refuse_a_field_of_bytes(shared, held):
    everything = ["tokenize", "detokenize", "lookup", "read-masked", "delete"]
    api = client(shared, "vault-verbs", everything)
    token = "jtk_" + "0" * 26
    for verb, body in (
        ("tokenize", {"pan": made_up(1)}),
        ("detokenize", {"token": token}),
        ("lookup", {"pan": made_up(1)}),
        ("delete", {"token": token}),
    ):
        answer = post(api, verb, body)
        assert (answer.status_code, problem(answer)) == (409, "conflict"), verb
        assert "holds no cards" in answer.json()["reason"]
    for method in ("GET", "DELETE"):
        answer = api.request(method, f"/v1/fields/secret/tokens/{token}")
        assert (answer.status_code, problem(answer)) == (409, "conflict")
    bad = {"name": "z", "kind": "bytes", "mask_digits": 8}
    assert shared.operator.post("/v1/fields", bad).status_code >= 400
    assert shared.operator.post("/v1/fields", {"name": "z", "kind": "x"}).status_code == 422


def test_each_verb_takes_its_permission(shared, held):
    envelope = post(held, "encrypt", {"row_id": "p", "value": "eA=="}).json()["envelope"]
    sealed = {"row_id": "p", "envelope": envelope}
    encrypts = client(shared, "encrypts", ["encrypt"])
    decrypts = client(shared, "decrypts", ["decrypt"])
    assert post(encrypts, "decrypt", sealed).status_code == 403
    assert post(decrypts, "encrypt", {"row_id": "p", "value": "eA=="}).status_code == 403
    for api in (encrypts, decrypts):
        assert post(api, "reencrypt", sealed).json() == {"stale": False, "envelope": envelope}
    for verb in ("encrypt", "decrypt", "reencrypt"):
        assert post(shared.app, verb, sealed).status_code == 403


def test_old_envelopes_stay_readable_and_are_renewed(service):
    api = with_bytes(service)
    old = post(api, "encrypt", {"row_id": "r", "value": b64(b"v")}).json()["envelope"]
    sealed = {"row_id": "r", "envelope": old}
    service.operator.roll()
    answer = post(api, "decrypt", sealed).json()
    assert answer["stale"] is True and answer["value"] == b64(b"v")
    assert base64.b64decode(answer["envelope"])[0] == service.key_id(2)
    service.operator.retire(1)
    assert post(api, "decrypt", sealed).json() == answer
    renewed = post(api, "reencrypt", sealed).json()
    assert renewed == {"stale": True, "envelope": answer["envelope"]}
    fresh = post(api, "decrypt", {"row_id": "r", "envelope": renewed["envelope"]}).json()
    assert fresh == {"value": b64(b"v"), "stale": False}
    service.stop()
    service.start()
    assert post(api, "decrypt", sealed).json() == answer


def test_use_is_audited_and_recorded(service):
    api = with_bytes(service)
    number = service.operator.get("/v1/fields/secret").json()["id"]
    envelope = post(api, "encrypt", {"row_id": "r", "value": b64(b"v")}).json()["envelope"]
    good, bad = {"row_id": "r", "envelope": envelope}, {"row_id": "s", "envelope": envelope}
    post(api, "decrypt", {"items": [good, bad, good]})
    post(api, "reencrypt", good)
    rows = service.sql(
        "SELECT action, client, n_items, n_done, octet_length(ids), ids FROM audit "
        "WHERE action BETWEEN 15 AND 17 ORDER BY at, action"
    )
    assert [r[:5] for r in rows] == [
        (15, "held", 1, 1, 0),
        (16, "held", 3, 2, 16),
        (17, "held", 1, 1, 0),
    ]
    tag = bytes(rows[1][5])[:8]
    assert bytes(rows[1][5]) == tag * 2 and tag != bytes(8)
    # The rest of a minute is written when the front stops.
    service.stop()
    used = service.sql(
        "SELECT field, generation, node, last_seal IS NOT NULL, last_open IS NOT NULL FROM held_use"
    )
    assert used == [(number, 1, "node1", True, True)]
    service.start()
    assert post(api, "decrypt", good).status_code == 200
    path = "/v1/generations/{}/held"
    (used,) = service.operator.get(path.format(1)).json()["fields"]
    assert used["field"] == "secret" and set(used) == {"field", "last_sealed_at", "last_opened_at"}
    assert used["last_opened_at"] >= used["last_sealed_at"] > "2026"
    shown = service.jeton("keys", "held", "1").stdout.splitlines()
    assert shown[1].split() == ["secret", used["last_sealed_at"], used["last_opened_at"]]
    service.operator.roll()
    assert service.operator.get(path.format(2)).json() == {"fields": []}
    answer = service.operator.get(path.format(3))
    assert (answer.status_code, problem(answer)) == (404, "not-found")


def test_no_audit_no_value(service):
    api = with_bytes(service)
    envelope = post(api, "encrypt", {"row_id": "r", "value": b64(b"secret")}).json()["envelope"]
    service.sql("ALTER TABLE audit ADD CONSTRAINT no CHECK (action NOT IN (15, 16)) NOT VALID")
    answer = post(api, "decrypt", {"row_id": "r", "envelope": envelope})
    assert answer.status_code == 500 and b64(b"secret") not in answer.text
    answer = post(api, "encrypt", {"row_id": "r", "value": b64(b"secret")})
    assert answer.status_code == 500 and "envelope" not in answer.json()


def test_while_generations_roll_and_retire(service):
    api = with_bytes(service)
    stop, errors, kept = threading.Event(), [], []

    def run(number):
        mine = api.another()
        rows = {}
        try:
            while not stop.is_set():
                for n in range(20):
                    row_id = f"{number}/{n}"
                    if row_id not in rows:
                        body = {"row_id": row_id, "value": b64(row_id.encode())}
                        rows[row_id] = post(mine, "encrypt", body).json()["envelope"]
                    answer = post(mine, "decrypt", {"row_id": row_id, "envelope": rows[row_id]})
                    body = answer.json()
                    assert body["value"] == b64(row_id.encode()), answer.text
                    rows[row_id] = body.get("envelope", rows[row_id])
        except Exception as error:  # pylint: disable=broad-except
            errors.append(error)
        kept.append(rows)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for number in range(1, 4):
        service.operator.roll()
        service.operator.retire(number)
    wait_until(lambda: errors or service.operator.counters()["decrypt_items"] > 200, "traffic")
    stop.set()
    for t in threads:
        t.join(60)
    assert not errors, errors
    for rows in kept:
        for row_id, envelope in rows.items():
            answer = post(api, "decrypt", {"row_id": row_id, "envelope": envelope})
            assert answer.json()["value"] == b64(row_id.encode())
    assert not re.search("alarm", service.front_log.read_text())


def test_the_command_line_makes_such_fields(service):
    assert " bytes " in service.jeton("field", "add", "notes", "--kind", "bytes").stdout
    assert service.jeton("field", "add", "x", "--kind", "y", check=False).returncode == 2
