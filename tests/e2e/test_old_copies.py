# SPDX-License-Identifier: Apache-2.0
"""Old copies: a row, a set of rows, a state file or a key directory that was good once must not
bring back what has ended since.
"""

import re
import shutil

import pytest
import requests

from service import problem, wait_until

PAN = "4111111111111111"


@pytest.fixture
def shop(service):
    """A service with a client `shop` beside `app`."""
    service.shop_key = service.new_client("shop", ["tokenize"])
    return service


def as_client(service, key, path="/v1/fields/pan/tokenize", body=None):
    return requests.post(
        service.url + path,
        json=body or {"pan": PAN},
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )


def rows_of(service, table):
    columns = [
        c
        for (c,) in service.sql(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'jeton' "
            "AND table_name = %s ORDER BY ordinal_position",
            (table,),
        )
    ]
    return columns, service.sql(f"SELECT {', '.join(columns)} FROM {table}")


def put_back(service, table, copy):
    """The whole table as it was."""
    columns, rows = copy
    service.sql(f"DELETE FROM {table}")
    for row in rows:
        service.sql(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES "
            f"({', '.join(['%s'] * len(columns))})",
            row,
        )


def restart(service):
    """Both processes anew, ready or not."""
    service.stop()
    service.start_keeper()
    service.start_front()


def parts(service):
    return requests.get(service.url + "/readyz", timeout=5).json()


def unverified(service):
    wait_until(
        lambda: parts(service).get("sets") is False, "readyz says that the sets are not verified"
    )


def test_a_revoked_client_is_refused_at_once_and_for_good(shop):
    assert as_client(shop, shop.shop_key).status_code == 200
    shop.jeton("client", "revoke", "shop")
    wait_until(
        lambda: as_client(shop, shop.shop_key).status_code == 401, "the revocation is felt", 1.5
    )
    assert problem(as_client(shop, shop.shop_key)) == "unauthorized"
    assert as_client(shop, shop.app_key).status_code == 200
    shop.jeton("client", "revoke", "shop")  # again: the same
    assert shop.sql("SELECT count(*) FROM audit WHERE action = 20 AND object = 'shop'") == [(1,)]
    answer = shop.operator.post("/v1/clients", {"id": "shop", "permissions": ["tokenize"]})
    assert (answer.status_code, problem(answer)) == (409, "conflict")  # the name stays taken
    listed = {c["id"]: c for c in shop.operator.get("/v1/clients").json()["clients"]}
    assert listed["shop"]["revoked"] and listed["shop"]["revoked_by"] == "operator"
    assert not listed["app"]["revoked"] and listed["app"]["permissions"] == [
        "tokenize",
        "detokenize",
    ]
    assert re.search(r"shop +removed ", shop.jeton("client", "list").stdout)
    restart(shop)
    shop.wait_ready()
    assert as_client(shop, shop.shop_key).status_code == 401


def test_the_last_operator_cannot_be_revoked(shop):
    answer = shop.operator.post("/v1/clients/operator/revoke")
    assert (answer.status_code, problem(answer)) == (409, "conflict")
    shop.second = shop.new_client("second", ["operate", "clients", "tokenize"])
    shop.jeton("client", "revoke", "operator")
    wait_until(
        lambda: shop.operator.get("/v1/generations").status_code == 401,
        "the revocation is felt",
        1.5,
    )
    answer = requests.post(
        shop.url + "/v1/clients/second/revoke",
        headers={"Authorization": f"Bearer {shop.second}"},
        timeout=30,
    )
    assert answer.status_code == 409


def test_an_unknown_client_cannot_be_revoked(shop):
    answer = shop.operator.post("/v1/clients/nobody/revoke")
    assert (answer.status_code, problem(answer)) == (404, "not-found")
    assert shop.app.post("/v1/clients/shop/revoke").status_code == 403


def test_a_revoked_clients_row_put_back_does_not_work_again(shop):
    old = shop.sql("SELECT state, revision, mac_epoch, mac FROM client WHERE id = 'shop'")[0]
    shop.jeton("client", "revoke", "shop")
    new = shop.sql("SELECT state, revision, mac_epoch, mac FROM client WHERE id = 'shop'")[0]
    update = (
        "UPDATE client SET state = %s, revision = %s, mac_epoch = %s, mac = %s WHERE id = 'shop'"
    )
    shop.sql(update, old)
    wait_until(
        lambda: as_client(shop, shop.shop_key).status_code == 401, "the revocation is felt", 1.5
    )
    shop.new_client("another", ["tokenize"])  # a running front does not even look at it
    assert as_client(shop, shop.shop_key).status_code == 401
    restart(shop)
    unverified(shop)
    assert as_client(shop, shop.shop_key).status_code == 503
    assert "not those that its set row vouches for" in shop.front_log.read_text()
    assert "clients and fields NOT VERIFIED" in shop.jeton("status", check=False).stderr
    shop.sql(update, new)
    shop.wait_ready()
    assert as_client(shop, shop.shop_key).status_code == 401
    assert as_client(shop, shop.app_key).status_code == 200


def test_a_whole_old_set_is_refused_until_an_operator_accepts_it(shop):
    copies = {t: rows_of(shop, t) for t in ("client", "row_set")}
    shop.jeton("client", "revoke", "shop")
    for table, copy in copies.items():
        put_back(shop, table, copy)
    unverified(shop)  # a running front notices as well: the set row went back
    for _ in range(2):
        answer = as_client(shop, shop.shop_key)
        assert answer.status_code == 503
        assert as_client(shop, shop.app_key).status_code == 503
        assert shop.operator.get("/v1/generations").status_code in (403, 503)
        log = shop.front_log.read_text()
        assert (
            "the set of clients in the database is older than one that the keeper has seen" in log
        )
        restart(shop)
        unverified(shop)
    answer = as_client(shop, shop.app_key, "/v1/node/accept-sets", {"reason": "not mine to say"})
    assert answer.status_code == 503
    shop.jeton("node", "accept-sets", "--reason", "restored after a lost disk")
    shop.wait_ready()
    assert as_client(shop, shop.shop_key).status_code == 200  # that is what accepting it means
    assert shop.sql("SELECT client, object FROM audit WHERE action = 21") == [
        ("operator", "restored after a lost disk")
    ]
    answer = shop.operator.post("/v1/node/accept-sets", {"reason": "again"})
    assert (answer.status_code, problem(answer)) == (409, "conflict")
    shop.new_client("later", ["tokenize"])  # and life goes on from it
    restart(shop)
    shop.wait_ready()


def test_nobody_accepts_a_set_in_which_a_revoked_operator_was_one(shop):
    second = shop.new_client("second", ["operate", "clients"])
    copies = {t: rows_of(shop, t) for t in ("client", "row_set")}
    shop.jeton("client", "revoke", "second")
    for table, copy in copies.items():
        put_back(shop, table, copy)
    unverified(shop)
    for key in (second, shop.operator.key):
        answer = as_client(shop, key, "/v1/node/accept-sets", {"reason": "let me in"})
        assert answer.status_code == 409, answer.text
    assert not shop.ready()


def test_an_old_set_of_fields_is_refused(shop):
    copies = {t: rows_of(shop, t) for t in ("field", "row_set")}
    assert shop.operator.post("/v1/fields", {"name": "second"}).status_code == 201
    clients_now = shop.sql("SELECT version FROM row_set WHERE kind = 1")
    for table, copy in copies.items():
        put_back(shop, table, copy)
    assert shop.sql("SELECT version FROM row_set WHERE kind = 1") == clients_now
    unverified(shop)
    restart(shop)
    unverified(shop)
    assert as_client(shop, shop.app_key).status_code == 503
    shop.jeton("node", "accept-sets", "--reason", "the second field was a mistake")
    shop.wait_ready()
    assert as_client(shop, shop.app_key).status_code == 200


def test_a_state_file_that_went_back_erases_no_key(service):
    number = service.operator.create_generation()
    old_state = (service.keeper_directory / "state").read_bytes()
    assert service.operator.activate(number).status_code == 200
    token = service.app.tokenize(PAN)
    assert (service.keeper_directory / f"generation-{number}.used").stat().st_mode & 0o777 == 0o600
    service.stop()
    (service.keeper_directory / "state").write_bytes(old_state)
    service.start()
    assert service.operator.create_generation() == number + 1
    assert (service.keeper_directory / f"generation-{number}.key").exists()
    assert service.app.detokenize(token) == PAN


def test_an_emptied_key_directory_is_noticed_and_no_key_is_acknowledged(service):
    future = service.operator.create_generation()
    away = service.directory / "away"
    service.keeper_directory.rename(away)
    service.keeper_directory.mkdir(mode=0o700)
    wait_until(
        lambda: parts(service).get("directory") is False,
        "readyz says that the key directory is not good",
        5,
    )
    assert service.operator.post("/v1/generations").status_code == 503
    assert service.operator.activate(future).status_code == 503
    status = service.jeton("status", check=False)
    assert status.returncode == 69 and "KEY DIRECTORY NOT GOOD" in status.stdout
    assert service.operator.get("/v1/status").json()["keeper"]["directory_good"] is False
    service.keeper_directory.rmdir()
    away.rename(service.keeper_directory)
    service.wait_ready()
    assert service.operator.activate(future).status_code == 200
    shutil.copy(
        service.keeper_directory / f"generation-{future}.key", service.directory / "backup.key"
    )
    (service.keeper_directory / f"generation-{future}.key").unlink()
    wait_until(lambda: parts(service).get("directory") is False, "a live key's file is missed", 5)
    shutil.copy(
        service.directory / "backup.key", service.keeper_directory / f"generation-{future}.key"
    )
    service.wait_ready()
