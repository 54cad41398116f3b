# SPDX-License-Identifier: Apache-2.0
"""Clients: what they may do in which field, from where and until when, and how that changes."""

import datetime
import json
import os
import time

import pytest
import requests

import rows
from cards import made_up
from service import Api, problem, wait_until

# The last entry of a revocation, by the service's promise: "about a second".
FELT_S = 1.5
TO_THE_END = ("--until", "2100-01-01T00:00:00Z")  # nothing is being added any more


def post(service, path, body=None, status=200):
    answer = service.operator.post(path, body)
    assert answer.status_code == status, (answer.status_code, answer.text)
    return answer.json()


def felt(service, key, status, path="/v1/fields/pan/tokenize", body=None):
    """Waits until the client is answered with that status; how long it took."""
    began = time.monotonic()
    api = Api(service, key)
    wait_until(
        lambda: api.post(path, body or {"pan": made_up(1)}).status_code == status,
        f"the client gets {status}",
        FELT_S,
    )
    return time.monotonic() - began


def in_seconds(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def show(service, name):
    answer = service.operator.get(f"/v1/clients/{name}")
    assert answer.status_code == 200, answer.text
    return answer.json()


# -- fields


def test_a_grant_holds_in_its_field_only(shared):
    key = shared.new_client("one-field", ["tokenize:other", "detokenize:other", "detokenize:plain"])
    api = Api(shared, key)
    token = api.tokenize(made_up(1), field="other")
    assert api.detokenize(token, field="other") == made_up(1)
    plain = shared.app.tokenize(made_up(2), field="plain")
    assert api.detokenize(plain, field="plain") == made_up(2)
    refused = [
        api.post("/v1/fields/plain/tokenize", {"pan": made_up(3)}),  # no such operation there
        api.post("/v1/fields/pan/tokenize", {"pan": made_up(3)}),  # nor there
        api.post("/v1/fields/nosuch/tokenize", {"pan": made_up(3)}),  # there is no such field
        api.post("/v1/fields/NOT-a-name/tokenize", {"pan": made_up(3)}),
        api.post("/v1/fields/pan/tokenize", {"pan": "bad"}),  # no item is looked at
        api.post("/v1/fields/pan/tokenize", {"items": []}),
    ]
    assert {(a.status_code, a.text) for a in refused} == {(403, refused[0].text)}
    assert problem(refused[0]) == "forbidden"
    # who may in every field is told which there are
    answer = shared.app.post("/v1/fields/nosuch/tokenize", {"pan": made_up(3)})
    assert (answer.status_code, problem(answer)) == (404, "field-unknown")


def test_a_forbidden_and_an_unknown_field_cost_no_look_up(shared):
    """Both are refused by what the loop remembers of the client: neither is looked for."""
    api = Api(shared, shared.new_client("timing", ["tokenize:other"]))
    api.tokenize(made_up(1), field="other")
    times = {"pan": [], "nosuch": []}
    for _ in range(300):
        for field, taken in times.items():
            began = time.perf_counter()
            assert api.post(f"/v1/fields/{field}/tokenize", {"pan": "x"}).status_code == 403
            taken.append(time.perf_counter() - began)
    known, unknown = (sorted(t)[len(t) // 2] for t in times.values())
    assert 0.8 < known / unknown < 1.25


def test_permissions_have_one_form(shared):
    for bad in (
        ["tokenize", "tokenize"],
        ["tokenize:pan", "tokenize:pan"],
        ["operate:pan"],
        ["tokenize:"],
        ["tokenize:NO"],
        [":pan"],
        ["all"],
        [f"tokenize:f{i}" for i in range(33)],
    ):
        answer = shared.operator.post("/v1/clients", {"id": "bad", "permissions": bad})
        assert (answer.status_code, problem(answer)) == (422, "invalid-value"), bad
    answer = shared.operator.post("/v1/clients", {"id": "bad", "permissions": ["lookup:nosuch"]})
    assert (answer.status_code, problem(answer)) == (404, "field-unknown")


@pytest.mark.parametrize(
    "name", ["a4111111111111111", "x-4111-1111-1111-1111", "shop-123456789012"]
)
def test_names_that_could_be_card_numbers_are_refused(shared, name):
    digits = "".join(c for c in name if c.isdigit())
    for answer in (
        shared.operator.post("/v1/clients", {"id": name, "permissions": ["tokenize"]}),
        shared.operator.post("/v1/fields", {"name": name}),
    ):
        assert (answer.status_code, problem(answer)) == (422, "cardlike-name")
        assert digits not in answer.text.replace("-", "")
    answer = shared.operator.get(f"/v1/clients/{name}")
    assert answer.status_code == 404 and digits not in answer.text.replace("-", "")
    assert name not in shared.front_log.read_text()


def test_a_client_is_shown_as_it_is(shared):
    shared.new_client("whole", ["tokenize:pan", "lookup", "audit"])
    whole = show(shared, "whole")
    assert whole["permissions"] == ["lookup", "audit", "tokenize:pan"]
    assert (whole["state"], whole["revoked"], whole["expires_at"]) == ("active", False, None)
    assert (whole["networks"], whole["changed_at"]) == ([], None)
    text = shared.jeton("client", "show", "whole").stdout
    assert "tokenize:pan" in text and "anywhere" in text
    answer = shared.operator.get("/v1/clients/nobody")
    assert (answer.status_code, problem(answer)) == (404, "not-found")


def test_clients_are_listed_page_by_page(shared):
    for i in range(5):
        shared.new_client(f"page-{i}", ["tokenize"])
    everybody = [c["id"] for c in shared.operator.get("/v1/clients").json()["clients"]]
    assert everybody == sorted(everybody)
    seen, query = [], "?limit=2"
    while query is not None:
        page = shared.operator.get("/v1/clients" + query).json()
        seen += [c["id"] for c in page["clients"]]
        assert len(page["clients"]) <= 2
        query = page["next"] and f"?limit=2&cursor={page['next']}"
    assert seen == everybody
    assert json.loads(shared.jeton("client", "list", "--json").stdout)["clients"]
    for bad, kind in (
        ("?limit=0", "invalid-value"),
        ("?limit=1001", "invalid-value"),
        ("?limit=x", "invalid-value"),
        ("?cursor=4111111111111111", "invalid-value"),
        ("?limit=1&limit=1", "query-not-taken"),
        ("?page=2", "query-not-taken"),
        ("?limit", "query-not-taken"),
        ("?limit=%00", "query-not-taken"),
    ):
        answer = shared.operator.get("/v1/clients" + bad)
        assert problem(answer) == kind, bad
        assert "4111111111111111" not in answer.text


# -- changes


def test_permit_takes_the_place_of_what_was(service):
    key = service.new_client("shop", ["tokenize"])
    felt(service, key, 200)
    done = service.jeton("client", "permit", "shop", "--may", "detokenize:pan")
    assert done.stdout == "Client shop may now: detokenize:pan\n"
    felt(service, key, 403)
    assert show(service, "shop")["changed_by"] == "operator"
    told = service.sql(
        "SELECT action, client, object FROM audit WHERE object ~ '^shop' ORDER BY at"
    )
    assert told == [(4, "operator", "shop: tokenize"), (25, "operator", "shop: detokenize:pan")]
    post(service, "/v1/clients/shop/permit", {"permissions": ["tokenize:pan"]})
    felt(service, key, 200)
    answer = service.operator.post("/v1/clients/shop/permit", {})
    assert problem(answer) == "missing-member"


def test_disable_enable_and_remove(service):
    key = service.new_client("shop", ["tokenize"])
    felt(service, key, 200)
    assert "disabled" in service.jeton("client", "disable", "shop").stdout
    took = felt(service, key, 401)
    assert post(service, "/v1/clients/shop/disable")["state"] == "disabled"  # again: the same
    assert "enabled" in service.jeton("client", "enable", "shop").stdout
    felt(service, key, 200)
    removed = post(service, "/v1/clients/shop/remove")
    assert (removed["state"], removed["revoked"]) == ("removed", True)
    felt(service, key, 401)
    for act in ("enable", "disable", "rotate"):
        answer = service.operator.post(f"/v1/clients/shop/{act}")
        assert (answer.status_code, problem(answer)) == (409, "conflict"), act
    answer = service.operator.post("/v1/clients", {"id": "shop", "permissions": ["tokenize"]})
    assert (answer.status_code, problem(answer)) == (409, "conflict")
    actions = service.sql("SELECT action FROM audit WHERE object ~ '^shop($|:)' ORDER BY at")
    assert actions == [(4,), (23,), (24,), (20,)]
    print(f"disabling was felt after {took:.3f} s")


def test_rotation_leaves_two_keys_good_until_the_old_one_ends(service, tmp_path):
    old = service.new_client("shop", ["tokenize"])
    felt(service, old, 200)
    fresh = post(service, "/v1/clients/shop/rotate", {"overlap": 3})
    began = time.monotonic()
    assert fresh["old_secret_until"] == show(service, "shop")["old_secret_until"]
    felt(service, fresh["api_key"], 200)
    assert Api(service, old).post("/v1/fields/pan/tokenize", {"pan": made_up(1)}).status_code == 200
    answer = service.operator.post("/v1/clients/shop/rotate")
    assert (answer.status_code, problem(answer)) == (409, "rotation-under-way")
    # the loop remembers the old key, is asked with it all the time, and lets it go in time
    api = Api(service, old)
    wait_until(
        lambda: api.post("/v1/fields/pan/tokenize", {"pan": made_up(1)}).status_code == 401,
        "the old key ends",
        6,
    )
    assert 1.5 < time.monotonic() - began < 4.2  # 3 s, and whole seconds in the row
    felt(service, fresh["api_key"], 200)
    path = tmp_path / "shop.key"
    done = service.jeton("client", "rotate", "shop", "--overlap", "0", "--key-file-out", path)
    assert "void" in done.stdout and path.stat().st_mode & 0o777 == 0o600
    felt(service, fresh["api_key"], 401)
    felt(service, path.read_text().strip(), 200)


def test_a_lost_fresh_key_is_replaced_and_the_old_one_stays(service):
    old = service.new_client("shop", ["tokenize"])
    answer = service.operator.post("/v1/clients/shop/rotate", {"again": True})
    assert (answer.status_code, problem(answer)) == (409, "conflict")  # it would have no key
    felt(service, old, 200)
    lost = post(service, "/v1/clients/shop/rotate", {"overlap": 600})
    found = post(service, "/v1/clients/shop/rotate", {"again": True})
    assert found["old_secret_until"] == lost["old_secret_until"]
    felt(service, lost["api_key"], 401)
    felt(service, old, 200)
    felt(service, found["api_key"], 200)


@pytest.mark.parametrize("overlap", [-1, 2592001, "60", 1.5, None, True])
def test_bad_overlaps(shared, overlap):
    answer = shared.operator.post("/v1/clients/app/rotate", {"overlap": overlap})
    assert (answer.status_code, problem(answer)) == (422, "invalid-value")


def test_an_expired_client_is_refused_also_by_what_a_loop_remembers(service):
    body = {"id": "short", "permissions": ["tokenize"], "expires_at": in_seconds(3)}
    key = post(service, "/v1/clients", body, 201)["api_key"]
    began = time.monotonic()
    felt(service, key, 200)
    api = Api(service, key)
    wait_until(
        lambda: api.post("/v1/fields/pan/tokenize", {"pan": made_up(1)}).status_code == 401,
        "the client expires",
        6,
    )
    assert 1.5 < time.monotonic() - began < 4.2
    post(service, "/v1/clients/short/permit", {"permissions": ["tokenize"], "expires_at": "never"})
    felt(service, key, 200)
    for bad in ("", "soon", in_seconds(-5), "2020-01-01T00:00:00Z", 7, None):
        body = {"permissions": ["tokenize"], "expires_at": bad}
        answer = service.operator.post("/v1/clients/short/permit", body)
        assert (answer.status_code, problem(answer)) == (422, "invalid-value"), bad


def test_a_key_from_elsewhere_looks_like_a_wrong_one(service):
    body = {"id": "near", "permissions": ["tokenize"], "networks": ["127.0.0.0/8"]}
    near = post(service, "/v1/clients", body, 201)["api_key"]
    body = {"id": "far", "permissions": ["tokenize"], "networks": ["192.0.2.0/24", "2001:db8::/32"]}
    far = post(service, "/v1/clients", body, 201)["api_key"]
    felt(service, near, 200)
    answer = Api(service, far).post("/v1/fields/pan/tokenize", {"pan": made_up(1)})
    wrong = Api(service, "jck_far_" + "0" * 52).post("/v1/fields/pan/tokenize", {"pan": made_up(1)})
    assert (answer.status_code, answer.text) == (401, wrong.text)
    service.jeton("client", "permit", "far", "--may", "tokenize", "--networks", "anywhere")
    felt(service, far, 200)
    service.jeton("client", "permit", "near", "--may", "tokenize", "--networks", "10.0.0.0/8,::1")
    felt(service, near, 401)
    assert show(service, "near")["networks"] == ["10.0.0.0/8", "::1/128"]
    for bad in (["127.0.0.1/8"], ["x"], "10.0.0.0/8", [7], ["10.0.0.0/8"] * 9, {}):
        answer = service.operator.post(
            "/v1/clients/far/permit", {"permissions": ["tokenize"], "networks": bad}
        )
        assert (answer.status_code, problem(answer)) == (422, "invalid-value"), bad


def test_the_last_who_administers_clients_stays(service):
    refused = [
        ("disable", {}),
        ("remove", {}),
        ("permit", {"permissions": ["operate", "audit", "custodian"]}),
        ("permit", {"permissions": ["operate", "clients"], "expires_at": in_seconds(600)}),
    ]
    for act, body in refused:
        answer = service.operator.post(f"/v1/clients/operator/{act}", body)
        assert (answer.status_code, problem(answer)) == (409, "conflict"), act
        assert answer.json()["reason"].startswith("it is the last client that may")
    body = {"id": "temp", "permissions": ["clients", "operate"], "expires_at": in_seconds(600)}
    post(service, "/v1/clients", body, 201)
    assert service.operator.post("/v1/clients/operator/disable").status_code == 409  # temp ends
    second = service.new_client("second", ["clients", "operate"])
    post(service, "/v1/clients/operator/disable")
    answer = Api(service, second).post("/v1/clients/operator/enable")
    assert answer.status_code == 200


def test_who_administers_clients_may_nothing_else(service):
    """Such a client can grant anything, itself included, and it shows in the audit trail."""
    key = service.new_client("admin", ["clients"])
    admin = Api(service, key)
    assert admin.get("/v1/status").status_code == 403
    body = {"permissions": ["clients", "operate"]}
    assert admin.post("/v1/clients/admin/permit", body).status_code == 200
    wait_until(lambda: admin.get("/v1/status").status_code == 200, "it may operate now", FELT_S)
    assert service.sql("SELECT object FROM audit WHERE action = 25 AND client = 'admin'") == [
        ("admin: operate clients",)
    ]


# -- the local way back in


def recover(service, *arguments, check=True):
    return service.jeton("client", "recover", *arguments, check=check)


def test_an_operator_who_lost_the_key_gets_back_in_on_the_machine(service, tmp_path):
    old = service.operator_key_file.read_text().strip()
    post(service, "/v1/clients/app/disable")
    path = tmp_path / "operator.key"
    why = ("--key-file-out", path, "--reason", "the key was lost")
    done = recover(service, "operator", *why, check=False)
    assert done.returncode != 0 and not path.exists()  # the keeper runs: its directory is locked
    assert service.keeper.stop() == 0  # the front runs on
    done = recover(service, "operator", *why)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().strip() not in done.stdout + done.stderr
    service.start_keeper().wait_ready()
    felt(service, old, 401, "/v1/clients/app/enable", {})
    service.operator_key_file.write_text(path.read_text())
    assert show(service, "app")["state"] == "disabled"
    rows = service.sql(
        "SELECT client, node, object FROM audit JOIN audit_start s ON s.id = start "
        "WHERE action = 26"
    )
    assert [(node, o) for _, node, o in rows] == [("", "operator: the key was lost")]
    assert rows[0][0].startswith("local:")
    assert recover(service, "operator", *why, check=False).returncode == 1  # the file is there
    service.jeton("audit", "verify", *TO_THE_END)


def test_a_new_operator_is_made_where_the_only_one_was_disabled(service, tmp_path):
    post(service, "/v1/clients/app/remove")
    service.stop()
    path = tmp_path / "k"
    done = recover(service, "app", "--key-file-out", path, "--reason", "x", check=False)
    assert done.returncode == 1 and "removed for good" in done.stderr and not path.exists()
    for name in ("a4111111111111111", "NO"):
        done = recover(service, name, "--key-file-out", path, "--reason", "x", check=False)
        assert done.returncode != 0 and not path.exists()
    assert recover(service, "fresh", "--key-file-out", path, check=False).returncode == 64
    recover(service, "fresh", "--key-file-out", path, "--reason", "nobody is left")
    service.start_keeper().start_front().wait_ready()
    service.operator_key_file.write_text(path.read_text())
    assert show(service, "fresh")["permissions"] == ["operate", "audit", "clients", "custodian"]
    service.jeton(
        "audit", "verify", *TO_THE_END
    )  # the new client and its recovery: two links of one chain


def test_nobody_is_let_in_to_an_older_set(service, tmp_path):
    """A database that was put back, and no key: the keeper takes nothing older than it has seen."""
    columns = "id, permissions, secret_mac, state, revision, mac_epoch, mac, terms"
    before = service.sql(f"SELECT {columns} FROM client WHERE id = 'app'")[0]
    post(service, "/v1/clients/app/disable")
    service.stop()
    service.sql("DELETE FROM client WHERE id = 'app'")
    service.sql(
        f"INSERT INTO client ({columns}, created_by) VALUES (%s,%s,%s,%s,%s,%s,%s,%s,'x')", before
    )
    path = tmp_path / "k"
    done = recover(service, "operator", "--key-file-out", path, "--reason", "x", check=False)
    assert done.returncode == 1 and "not those that the keeper vouches for" in done.stderr
    assert not path.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_recovering_takes_the_keepers_own_files(service, tmp_path):
    """Who has the database only, or the front's files, has no key directory to run a keeper on."""
    service.stop()
    service.keeper_directory.chmod(0o500)
    master = service.keeper_directory / "master.key"
    master.chmod(0o000)
    path = tmp_path / "k"
    done = recover(service, "operator", "--key-file-out", path, "--reason", "x", check=False)
    master.chmod(0o600)
    service.keeper_directory.chmod(0o700)
    assert done.returncode != 0 and not path.exists()
    assert service.sql("SELECT count(*) FROM audit WHERE action = 26") == [(0,)]


def test_no_route_recovers(shared):
    answer = shared.operator.post("/v1/clients/operator/recover")
    assert (answer.status_code, problem(answer)) == (404, "not-found")
    assert requests.get(shared.url + "/livez", timeout=30).status_code == 200


# -- rows of before there were terms


def old_format(service, name, permissions):
    """Puts a row without terms in the place of a client's, as a keeper of before made it."""
    columns = "kind, version, n, operators, nonce, mac_epoch"
    kind, version, n, operators, nonce, epoch = service.sql(
        f"SELECT {columns} FROM row_set WHERE kind = 1"
    )[0]
    nonce = bytes(nonce)
    macs = rows.RowMacs(service.service_root())
    version += 1
    secret_mac = bytes(service.sql("SELECT secret_mac FROM client WHERE id = %s", (name,))[0][0])
    message = rows.client_message(name, permissions, secret_mac, 1, version, b"", epoch)
    service.sql(
        "UPDATE client SET permissions = %s, terms = '', revision = %s, mac_epoch = %s, mac = %s, "
        "state = 1 WHERE id = %s",
        (permissions, version, epoch, macs.make(rows.MAC_CLIENT_ROW, message), name),
    )
    names = ("id", "permissions", "secret_mac", "state", "revision", "mac_epoch", "mac", "terms")
    members = [
        rows.client_object(
            {k: bytes(v) if isinstance(v, memoryview) else v for k, v in zip(names, row)}
        )
        for row in service.sql(f"SELECT {', '.join(names)} FROM client")
    ]
    digest = rows.set_digest(macs, 1, nonce, members)
    mac = macs.make(
        rows.MAC_SET_ROW, rows.set_message(kind, version, n, operators, nonce, digest, epoch)
    )
    service.sql(
        "UPDATE row_set SET version = %s, digest = %s, mac = %s WHERE kind = 1",
        (version, digest, mac),
    )


def test_clients_of_before_there_were_terms_go_on_as_they_were(service):
    service.stop()
    old_format(service, "operator", 4)
    old_format(service, "app", 3)
    service.start_keeper().start_front().wait_ready()
    operator = service.operator
    assert service.app.detokenize(service.app.tokenize(made_up(1))) == made_up(1)
    assert show(service, "operator")["permissions"] == ["operate", "audit", "clients"]
    token = service.app.tokenize(made_up(1))
    answer = operator.post("/v1/audit/search", {"field": "pan", "token": token})
    assert answer.status_code == 200 and len(answer.json()["readings"]) == 1
    # the first change gives the row terms, and says what it may
    fresh = post(service, "/v1/clients/operator/rotate", {"overlap": 60})
    assert bytes(service.sql("SELECT terms FROM client WHERE id = 'operator'")[0][0])
    assert service.sql("SELECT permissions FROM client WHERE id = 'operator'") == [(4 + 256 + 512,)]
    service.operator_key_file.write_text(fresh["api_key"] + "\n")
    post(service, "/v1/clients/app/permit", {"permissions": ["tokenize:pan"]})
    wait_until(
        lambda: service.app.post("/v1/fields/pan/detokenize", {"token": token}).status_code == 403,
        "it may tokenize only",
        FELT_S,
    )


def test_terms_can_be_neither_added_nor_taken_away(service):
    """A database writer makes of a row with terms one without, or the other way round."""
    service.new_client("narrow", ["tokenize:pan"])
    service.stop()
    terms = bytes(service.sql("SELECT terms FROM client WHERE id = 'narrow'")[0][0])
    service.sql("UPDATE client SET terms = '', permissions = 3 WHERE id = 'narrow'")
    service.start_keeper().start_front()
    says = "the row of client narrow is not authentic"
    wait_until(lambda: says in service.front_log.read_text(), "the row is named")
    service.stop()
    service.sql("UPDATE client SET terms = %s, permissions = 0 WHERE id = 'narrow'", (terms,))
    service.start_keeper().start_front().wait_ready()
