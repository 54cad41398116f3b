# SPDX-License-Identifier: Apache-2.0
"""Budgets of a client: a rate a second and a quota a day for each operation, counted in items."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cards import bad_luhn, made_up
from service import Api, problem, wait_until

FELT_S = 3  # the heartbeat's second, and a busy machine
CROWD = 12


def today():
    return int(time.time()) // 86400


@pytest.fixture(autouse=True)
def not_at_midnight():
    """What is counted by the day is compared within one."""
    left = 86400 - time.time() % 86400
    if left < 90:
        wait_until(lambda: 86400 - time.time() % 86400 > 90, "the next day", 120, 1)


def client_with(service, name, budgets, permissions=("tokenize", "detokenize")):
    answer = service.operator.post(
        "/v1/clients", {"id": name, "permissions": list(permissions), "budgets": budgets}
    )
    assert answer.status_code == 201, answer.text
    return Api(service, answer.json()["api_key"])


def budget(operation="detokenize", **bounds):
    return {"operation": operation, **bounds}


def permit(service, name, budgets, permissions=("tokenize", "detokenize")):
    body = {"permissions": list(permissions)}
    if budgets is not None:
        body["budgets"] = budgets
    answer = service.operator.post(f"/v1/clients/{name}/permit", body)
    assert answer.status_code == 200, answer.text
    return answer.json()["budgets"]


def read(api, tokens):
    """One token as a single request, more as a batch."""
    body = {"token": tokens[0]} if len(tokens) == 1 else {"items": [{"token": t} for t in tokens]}
    return api.post("/v1/fields/pan/detokenize", body)


def used(service, name):
    rows = service.sql(
        "SELECT used FROM client_budget WHERE client = %s AND day = %s", (name, today())
    )
    return rows[0][0] if rows else None


def left_of(answer, policy):
    found = re.search(rf'"{policy}";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
    return int(found.group(1)), int(found.group(2))


def is_refused(answer, name):
    return answer.status_code == 429 and problem(answer) == name


def test_a_quota_counts_items_and_a_refusal_costs_nothing(service):
    tokens = service.app.tokenize_many([made_up(i) for i in range(30)])
    shop = client_with(service, "shop", [budget(per_day=20)])
    answer = read(shop, tokens[:15])
    assert [r["status"] for r in answer.json()["results"]] == [200] * 15
    assert answer.headers["RateLimit-Policy"] == '"items-per-day";q=20;w=86400'
    left, ends = left_of(answer, "items-per-day")
    assert left == 5 and 0 < ends <= 86400
    for _ in range(3):
        refused = read(shop, tokens[:6])
        assert is_refused(refused, "budget-quota")
        assert abs(int(refused.headers["Retry-After"]) - ends) < 60
        assert left_of(refused, "items-per-day")[0] == 5
    assert read(shop, tokens[:5]).status_code == 200  # what was left
    assert is_refused(read(shop, tokens[:1]), "budget-quota")
    assert shop.tokenize(made_up(1))  # another operation
    assert used(service, "shop") == 20
    assert service.app.detokenize(tokens[0])  # another client
    never = read(shop, tokens[:21])
    assert is_refused(never, "budget-quota") and "Retry-After" not in never.headers


def test_masked_numbers_that_are_asked_for_count_as_masked(service):
    tokens = service.app.tokenize_many([made_up(i) for i in range(12)])
    both = [budget(per_day=10), budget("read-masked", per_day=20)]
    shop = client_with(service, "shop", both)
    masked = {"masked": True, "items": [{"token": t} for t in tokens]}
    answer = shop.post("/v1/fields/pan/detokenize", masked)
    assert answer.headers["RateLimit-Policy"] == '"items-per-day";q=20;w=86400'
    assert left_of(answer, "items-per-day")[0] == 8
    assert is_refused(shop.post("/v1/fields/pan/detokenize", masked), "budget-quota")
    assert left_of(read(shop, tokens[:10]), "items-per-day")[0] == 0
    assert is_refused(read(shop, tokens[:1]), "budget-quota")
    # Without a budget for masked reads they are as free as those of one token are.
    permit(service, "shop", both[:1])
    answer = shop.post("/v1/fields/pan/detokenize", masked)
    assert answer.status_code == 200 and "RateLimit" not in answer.headers
    permit(service, "shop", both[1:])
    wait_until(lambda: read(shop, tokens[:1]).status_code == 200, "another budget")
    assert "RateLimit" not in read(shop, tokens[:1]).headers
    assert is_refused(shop.post("/v1/fields/pan/detokenize", masked), "budget-quota")


def test_to_be_told_what_is_new_counts_as_looking_up_besides(service):
    """Otherwise who may look up so many a day would have it told of any number."""
    permissions = ("tokenize", "lookup")
    both = [budget("tokenize", per_day=50), budget("lookup", per_day=20)]
    shop = client_with(service, "shop", both, permissions)

    def store(n, first=0, **more):
        items = [{"pan": made_up(i, series="told")} for i in range(first, first + n)]
        return shop.post("/v1/fields/pan/tokenize", {"items": items, **more})

    answer = store(15, tell_new=True)
    assert left_of(answer, "items-per-day")[0] == 35
    refused = store(6, tell_new=True)
    assert is_refused(refused, "budget-quota")
    assert left_of(refused, "items-per-day")[0] == 5  # of the one that refused
    assert (
        left_of(store(5, tell_new=True), "items-per-day")[0] == 30
    )  # the other had its share back
    lookup = shop.post("/v1/fields/pan/lookup", {"pan": made_up(0, series="told")})
    assert is_refused(lookup, "budget-quota")
    assert left_of(store(30, first=100), "items-per-day")[0] == 0
    assert is_refused(store(1), "budget-quota")
    assert used(service, "shop") is not None
    # One that is bounded in looking up only is not in storing.
    permit(service, "shop", both[1:], permissions)
    wait_until(lambda: store(1).status_code == 200, "another budget")
    assert "RateLimit" not in store(60).headers
    assert is_refused(store(1, tell_new=True), "budget-quota")


def test_what_is_malformed_or_refused_costs_nothing(service):
    token = service.app.tokenize(made_up(1))
    shop = client_with(service, "shop", [budget(per_day=2), budget("tokenize", per_day=2)])
    for _ in range(5):
        assert read(shop, ["jtk_no"]).status_code == 422
        assert shop.post("/v1/fields/pan/tokenize", {"pan": bad_luhn(1)}).status_code == 422
        assert shop.post("/v1/fields/none/detokenize", {"token": token}).status_code == 404
        assert shop.post("/v1/fields/pan/detokenize", {"tokens": 1}).status_code == 400
    mixed = shop.post("/v1/fields/pan/detokenize", {"items": [{"token": "no"}, {"token": token}]})
    assert [r["status"] for r in mixed.json()["results"]] == [422, 200]
    assert read(shop, [token]).status_code == 200
    assert is_refused(read(shop, [token]), "budget-quota")


def test_a_rate_lets_through_what_it_says(service):
    tokens = service.app.tokenize_many([made_up(i) for i in range(60)])
    shop = client_with(service, "shop", [budget(per_second=10)])
    first = read(shop, tokens[:10])
    assert first.status_code == 200
    assert first.headers["RateLimit-Policy"] == '"items-per-second";q=10;w=1'
    refused = read(shop, tokens[:10])
    assert is_refused(refused, "budget-rate") and refused.headers["Retry-After"] == "1"
    wait_until(lambda: read(shop, tokens[:10]).status_code == 200, "a second later", FELT_S)
    # more than a second's worth is taken when the bucket is full, and is paid for
    wait_until(lambda: read(shop, tokens[:60]).status_code == 200, "a large batch", FELT_S)
    refused = read(shop, tokens[:1])
    assert is_refused(refused, "budget-rate") and 4 <= int(refused.headers["Retry-After"]) <= 6
    assert left_of(refused, "items-per-second")[0] == 0
    began = time.monotonic()
    wait_until(lambda: read(shop, tokens[:1]).status_code == 200, "the debt is paid", 10)
    assert time.monotonic() - began > 3
    began, served = time.monotonic(), 0
    while time.monotonic() - began < 2:
        served += read(shop, tokens[:1]).status_code == 200
    assert 10 <= served <= 32  # 2 s, and a bucket that may have filled


def test_refusals_are_counted_and_audited_once_a_second(service):
    token = service.app.tokenize(made_up(1))
    shop = client_with(service, "shop", [budget(per_day=1)])
    before = service.operator.counters()
    assert read(shop, [token]).status_code == 200
    for _ in range(40):
        assert is_refused(read(shop, [token]), "budget-quota")
    after = service.operator.counters()
    assert after["budget_quota_refused"] - before["budget_quota_refused"] == 40
    assert after["budget_rate_refused"] == before["budget_rate_refused"]

    def rows():
        return service.sql(
            "SELECT n_items, object FROM audit WHERE client = 'shop' AND result = 429"
        )

    wait_until(lambda: sum(n for n, _ in rows()) == 40, "all are recorded")
    assert len(rows()) < 10
    assert {o for _, o in rows()} == {"POST /v1/fields/{field}/detokenize: budget-quota"}


def test_a_quota_outlives_a_restart_and_a_crash(service):
    tokens = service.app.tokenize_many([made_up(i) for i in range(40)])
    shop = client_with(service, "shop", [budget(per_day=640)])
    assert read(shop, tokens[:40]).status_code == 200
    assert used(service, "shop") == 50  # what was asked for and a 64th
    service.stop()
    assert used(service, "shop") == 40  # the rest went back
    service.start_keeper().start_front().wait_ready()
    shop = Api(service, shop.key)
    assert left_of(read(shop, tokens[:1]), "items-per-day")[0] == 599
    service.front.kill()
    service.start_front().wait_ready()
    shop = Api(service, shop.key)
    left = left_of(read(shop, tokens[:1]), "items-per-day")[0]
    assert left == 640 - 51 - 1  # a 64th at most is lost
    for _ in range(left // 40):
        assert read(shop, tokens[:40]).status_code == 200
    assert is_refused(read(shop, tokens[:40]), "budget-quota")


def test_a_day_ends(service):
    """Yesterday's row is nobody's today; the machine's clock stays as it is."""
    token = service.app.tokenize(made_up(1))
    shop = client_with(service, "shop", [budget(per_day=1)])
    assert read(shop, [token]).status_code == 200
    assert is_refused(read(shop, [token]), "budget-quota")
    service.sql("UPDATE client_budget SET day = day - 1 WHERE client = 'shop'")
    wait_until(lambda: read(shop, [token]).status_code == 200, "the table has room", FELT_S)
    assert is_refused(read(shop, [token]), "budget-quota")


def test_what_another_node_took_counts_here(service):
    token = service.app.tokenize(made_up(1))
    shop = client_with(service, "shop", [budget(per_day=100)])
    service.sql("INSERT INTO client_budget VALUES ('shop', 1, %s, 99, 99)", (today(),))
    assert read(shop, [token]).status_code == 200
    assert is_refused(read(shop, [token]), "budget-quota")
    service.sql("UPDATE client_budget SET used = used - 1")  # it gave one back
    wait_until(lambda: read(shop, [token]).status_code == 200, "there is room", FELT_S)


def test_a_change_of_a_budget_is_felt(service):
    tokens = service.app.tokenize_many([made_up(i) for i in range(9)])
    shop = client_with(service, "shop", [budget(per_day=5)])
    assert read(shop, tokens[:5]).status_code == 200
    assert is_refused(read(shop, tokens[:1]), "budget-quota")
    assert permit(service, "shop", [budget(per_day=8, per_second=1000)]) == [
        {"operation": "detokenize", "per_second": 1000, "per_day": 8}
    ]
    wait_until(lambda: read(shop, tokens[:3]).status_code == 200, "three more", FELT_S)
    assert is_refused(read(shop, tokens[:1]), "budget-quota")
    assert permit(service, "shop", None)[0]["per_day"] == 8  # stays where it is not named
    assert permit(service, "shop", []) == []
    wait_until(lambda: read(shop, tokens).status_code == 200, "no budget", FELT_S)
    assert "RateLimit-Policy" not in read(shop, tokens).headers
    permit(service, "shop", [budget(per_day=4)])  # less than was used
    wait_until(lambda: is_refused(read(shop, tokens[:1]), "budget-quota"), "none is left", FELT_S)


def test_a_crowd_gets_the_quota_and_no_more(service):
    token = service.app.tokenize(made_up(1))
    shop = client_with(service, "shop", [budget(per_day=500)])
    with_all = [shop.another() for _ in range(CROWD)]

    def ask(api):
        served = 0
        for _ in range(60):
            answer = read(api, [token])
            assert answer.status_code == 200 or is_refused(answer, "budget-quota")
            served += answer.status_code == 200
        return served

    with ThreadPoolExecutor(CROWD) as pool:
        assert sum(pool.map(ask, with_all)) == 500


def test_without_the_table_what_is_reserved_is_used_up(service):
    token = service.app.tokenize(made_up(1))
    shop = client_with(service, "shop", [budget(per_day=640)])
    assert read(shop, [token]).status_code == 200  # 11 are reserved
    with service.connect() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE client_budget")
        for _ in range(10):
            assert read(shop, [token]).status_code == 200
        answer = read(shop, [token])
        assert answer.status_code == 503 and problem(answer) == "unavailable"
        assert service.app.detokenize(token)  # nobody else is concerned
        connection.rollback()
    assert read(shop, [token]).status_code == 200
    service.sql("ALTER TABLE client_budget RENAME TO away")
    for _ in range(10):
        assert read(shop, [token]).status_code == 200
    assert read(shop, [token]).status_code == 500  # that does not pass by itself
    service.sql("ALTER TABLE away RENAME TO client_budget")
    assert read(shop, [token]).status_code == 200


def test_four_fifths_are_told_once(service):
    token = service.app.tokenize(made_up(1))
    shop = client_with(service, "shop", [budget(per_day=10)])

    def lines():
        text = service.front.log.read_text(encoding="utf-8")
        return [line for line in text.splitlines() if "of its quota of 10 a day" in line]

    for i in range(10):
        assert len(lines()) == (i >= 8), i
        assert read(shop, [token]).status_code == 200
    assert len(lines()) == 1 and "client shop" in lines()[0] and "detokenize" in lines()[0]


def test_masked_reads_count_as_what_they_are(service):
    token = service.app.tokenize(made_up(1))
    path = f"/v1/fields/pan/tokens/{token}"
    shop = client_with(
        service,
        "shop",
        [budget("read-masked", per_day=1), budget(per_day=1)],
        ("detokenize", "read-masked"),
    )
    assert shop.get(path).status_code == 200
    assert is_refused(shop.get(path), "budget-quota")
    assert read(shop, [token]).json()["pan"] == made_up(1)
    assert is_refused(read(shop, [token]), "budget-quota")
    desk = client_with(service, "desk", [budget("read-masked", per_day=1)], ("read-masked",))
    assert "masked_pan" in read(desk, [token]).json()
    assert is_refused(read(desk, [token]), "budget-quota")


def test_each_operation_has_its_own(service):
    api = service.operator
    api.post("/v1/fields", {"name": "held", "kind": "pan"})
    all_of_them = ["tokenize", "detokenize", "lookup", "delete", "encrypt", "decrypt"]
    shop = client_with(service, "shop", [budget(o, per_day=1) for o in all_of_them], all_of_them)
    token = shop.post("/v1/fields/pan/tokenize", {"pan": made_up(1)}).json()["token"]
    envelope = shop.post("/v1/fields/held/encrypt", {"row_id": "1", "pan": made_up(1)}).json()
    envelope = {"row_id": "1", "envelope": envelope["envelope"]}
    asks = [
        ("tokenize", {"pan": made_up(1)}, None),
        ("lookup", {"pan": made_up(1)}, 200),
        ("detokenize", {"token": token}, 200),
        ("decrypt", envelope, 200),
        ("reencrypt", envelope, None),  # counts as encrypt
        ("delete", {"token": token}, 200),
    ]
    for operation, body, first in asks:
        field = "held" if operation in ("decrypt", "reencrypt") else "pan"
        path = f"/v1/fields/{field}/{operation}"
        if first is not None:
            assert shop.post(path, body).status_code == first, operation
        assert is_refused(shop.post(path, body), "budget-quota"), operation
    assert is_refused(shop.request("DELETE", f"/v1/fields/pan/tokens/{token}"), "budget-quota")


@pytest.mark.parametrize(
    "budgets",
    [
        {},
        [{}],
        [budget()],
        [budget("operate", per_day=1)],
        [budget("clients", per_day=1)],
        [budget("none", per_day=1)],
        [budget(per_day=0)],
        [budget(per_day=-1)],
        [budget(per_day=1 << 32)],
        [budget(per_day=1.5)],
        [budget(per_day="1")],
        [budget(per_second=None)],
        [budget(per_day=1, per_hour=1)],
        [budget(per_day=1), budget(per_second=1)],
        [1],
    ],
)
def test_what_is_no_budget_is_refused(shared, budgets):
    body = {"id": "nobody", "permissions": ["detokenize"], "budgets": budgets}
    answer = shared.operator.post("/v1/clients", body)
    assert answer.status_code == 422 and problem(answer) == "invalid-value"
    assert answer.json()["errors"][0]["pointer"] == "#/budgets"


def test_the_command_line_sets_and_shows_budgets(service, tmp_path):
    key = tmp_path / "key"
    service.jeton(
        "client",
        "add",
        "desk",
        "--may",
        "detokenize,lookup",
        "--key-file-out",
        str(key),
        "--budget",
        "detokenize=200/s,100000/day,lookup=5/s",
    )
    shown = service.jeton("client", "show", "desk").stdout
    assert "budget      detokenize 200/s 100000/day\n            lookup 5/s\n" in shown
    service.jeton("client", "permit", "desk", "--may", "detokenize", "--budget", "none")
    assert "budget" not in service.jeton("client", "show", "desk").stdout
    done = service.jeton(
        "client", "permit", "desk", "--may", "detokenize", "--budget", "200/s", check=False
    )
    assert done.returncode == 64 and "--budget needs" in done.stderr
    rows = service.sql("SELECT object FROM audit WHERE object LIKE 'desk:%%' ORDER BY at")
    assert "budget=detokenize:200/s:100000/day budget=lookup:5/s" in rows[0][0]
    assert "budget=none" in rows[1][0]
