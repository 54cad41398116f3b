# SPDX-License-Identifier: Apache-2.0
"""Lock-out after failed logins: one client, one place, half an hour, on every node."""

import http.client
import json

import pytest
import requests

from cards import made_up
from service import Api, problem, wait_until

PATH = "/v1/fields/pan/tokenize"
SHARED_S = 3  # the heartbeat's second, and a busy machine


def ask(service, key, source="127.0.0.1"):
    """Status, problem and Retry-After of a tokenize from an address of this machine."""
    host, port = service.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30, source_address=(source, 0))
    body = json.dumps({"pan": made_up(1)})
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", PATH, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text, answer.getheader("Retry-After")


def wrong(name, number=0):
    return f"jck_{name}_" + f"{number:051d}" + "0"


def lock_out(service, name, source="127.0.0.1"):
    for i in range(10):
        assert ask(service, wrong(name, i), source)[0] == 401, i


def locked_rows(service):
    return service.sql(
        "SELECT client, place FROM login_failure WHERE locked_until > now() ORDER BY 1, 2"
    )


def test_ten_failures_keep_one_client_out_from_one_place(service):
    shop = service.new_client("shop", ["tokenize"])
    assert ask(service, service.app_key)[0] == 200
    lock_out(service, "app")
    status, text, retry_after = ask(service, service.app_key)  # the right key, and remembered
    assert (status, json.loads(text)["type"]) == (429, "urn:jeton:problem:locked-out")
    assert 1790 <= int(retry_after) <= 1800
    assert ask(service, shop)[0] == 200  # another client from there
    assert ask(service, service.app_key, "127.0.0.2")[0] == 200  # the client from elsewhere
    lock_out(service, "nobody")  # whether there is such a client makes no difference
    assert ask(service, wrong("nobody"))[:2] == (429, text)
    service.keeper.pause()  # nor is a keeper asked
    assert ask(service, service.app_key)[0] == 429
    service.keeper.resume()
    wait_until(lambda: locked_rows(service) == [("app", "127.0.0.1"), ("nobody", "127.0.0.1")], "")
    rows = service.sql(
        "SELECT client, object, n_done, node FROM audit JOIN audit_start s ON s.id = start "
        "WHERE action = 27"
    )
    assert sorted(rows) == [("app", "127.0.0.1", 0, "node1"), ("nobody", "127.0.0.1", 0, "node1")]


def test_a_lock_out_outlives_a_restart_and_ends_in_time(service):
    lock_out(service, "app")
    wait_until(lambda: locked_rows(service), "the table knows")
    service.stop()
    service.start_keeper().start_front().wait_ready()
    assert ask(service, service.app_key)[0] == 429
    service.sql("UPDATE login_failure SET locked_until = now(), last_at = now()")  # it is over
    wait_until(lambda: ask(service, service.app_key)[0] == 200, "the right key is taken", SHARED_S)
    for i in range(9):
        assert ask(service, wrong("app", i))[0] == 401
    assert ask(service, service.app_key)[0] == 200  # it began anew


def test_a_lock_out_of_another_node_counts_here(service):
    service.sql(
        "INSERT INTO login_failure VALUES ('app', '127.0.0.1', 10, now(), now() + interval '1 min')"
    )
    wait_until(lambda: ask(service, service.app_key)[0] == 429, "it is known", SHARED_S)
    assert ask(service, service.app_key, "127.0.0.2")[0] == 200
    service.sql("INSERT INTO login_failure VALUES ('app', '127.0.0.3', 9, now())")
    wait_until(
        lambda: ask(service, wrong("app"), "127.0.0.3")[0] in (401, 429)
        and ask(service, service.app_key, "127.0.0.3")[0] == 429,
        "nine failures there and one here",
        SHARED_S,
    )


@pytest.mark.parametrize("act", ["rotate", "enable"])
def test_who_is_given_a_fresh_key_is_let_in(service, act):
    lock_out(service, "app")
    wait_until(lambda: locked_rows(service), "the table knows")
    key = service.app_key
    if act == "rotate":
        key = service.operator.post("/v1/clients/app/rotate").json()["api_key"]
    else:
        assert service.operator.post("/v1/clients/app/disable").status_code == 200
        assert service.operator.post("/v1/clients/app/enable").status_code == 200
    wait_until(lambda: ask(service, key)[0] == 200, "it is let in", SHARED_S)


def test_keys_that_are_tried_at_one_time_count_one_by_one(service):
    """Many look-ups are under way when the tenth fails: none of the others tells anything."""
    sessions = [Api(service, wrong("app", i)) for i in range(60)]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda a: a.post(PATH, {"pan": made_up(1)}), sessions))
    assert sorted(a.status_code for a in answers) == [401] * 10 + [429] * 50


def test_strangers_fill_neither_table_nor_log(service):
    session = requests.Session()
    for i in range(1500):
        headers = {"Authorization": f"Bearer {wrong(f'made-up-{i}')}"}
        answer = session.post(service.url + PATH, json={}, headers=headers, timeout=30)
        assert (answer.status_code, problem(answer)) == (401, "unauthorized")
    assert ask(service, service.app_key)[0] == 200
    wait_until(lambda: service.sql("SELECT count(*) FROM login_failure")[0][0] > 0, "some are told")
    assert service.sql("SELECT count(*) FROM login_failure")[0][0] < 1500
    assert service.sql("SELECT count(*) FROM audit WHERE action = 27") == [(0,)]
    assert service.front_log.read_text().count("logins were refused") < 10


def test_a_name_that_could_be_a_card_number_is_written_nowhere(service):
    for i in range(12):
        ask(service, wrong("a4111111111111111", i))
    wait_until(lambda: locked_rows(service) == [("", "127.0.0.1")], "it is counted")
    assert service.sql("SELECT client, object FROM audit WHERE action = 27") == [("", "127.0.0.1")]
    assert "4111111111111111" not in service.front_log.read_text()
