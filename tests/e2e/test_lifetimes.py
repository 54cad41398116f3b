# SPDX-License-Identifier: Apache-2.0
"""Lifetimes: from its end on a card is unknown everywhere, and after a grace it is gone."""

import datetime
import threading

import pytest

from cards import made_up
from service import Api, problem, wait_until

EVERYTHING = ["tokenize", "detokenize", "lookup", "delete"]
NEVER = "jtk_" + "0" * 26
POST = "/v1/fields/pan"


def now(service):
    """The clock that counts: the database's."""
    return service.sql("SELECT clock_timestamp()")[0][0]


def after(service, seconds):
    return now(service) + datetime.timedelta(seconds=seconds)


def wait_past(service, moment):
    wait_until(lambda: now(service) > moment, "the date is over")


def text(moment):
    return moment.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def tokenize(api, pan, expires=None, at=POST):
    body = {"pan": pan} | ({"expires_at": text(expires)} if expires else {})
    answer = api.post(f"{at}/tokenize", body)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"token"}
    return answer.json()["token"]


def row(service, token, field=1):
    """Its date and its key id; None where there is no row."""
    found = service.sql(
        "SELECT expires_at, key_id FROM card WHERE id = %s", (service.id_of(token, field),)
    )
    return found[0] if found else None


@pytest.fixture(scope="module")
def api(_shared):
    return Api(_shared, _shared.new_client("lifetimes", EVERYTHING))


def test_an_expired_card_is_as_one_that_never_was_on_every_read_path(shared, api):
    pan = made_up(1, series="lifetime")
    end = after(shared, 2)
    token = tokenize(api, pan, end)
    assert api.detokenize(token) == pan
    assert api.post(f"{POST}/lookup", {"pan": pan}).json() == {"token": token}
    wait_past(shared, end)
    assert row(shared, token) is not None
    alarms = shared.operator.counters()["row_alarms"]
    for method, where, body in (
        ("POST", f"{POST}/detokenize", "token"),
        ("POST", f"{POST}/delete", "token"),
        ("GET", f"{POST}/tokens/", None),
        ("DELETE", f"{POST}/tokens/", None),
    ):
        over, never = (
            api.request(method, where + ("" if body else t), json={body: t} if body else None)
            for t in (token, NEVER)
        )
        assert (over.status_code, problem(over)) == (404, "token-unknown"), where
        assert over.content == never.content
    batch = api.post(f"{POST}/detokenize", {"items": [{"token": token}, {"token": NEVER}]})
    over, never = batch.json()["results"]
    assert over == never and over["status"] == 404
    over = api.post(f"{POST}/lookup", {"pan": pan})
    never = api.post(f"{POST}/lookup", {"pan": made_up(2, series="lifetime")})
    assert (over.status_code, over.content) == (404, never.content)
    assert problem(over) == "card-unknown"
    assert row(shared, token) is not None  # its grace is a day
    assert shared.operator.counters()["row_alarms"] == alarms


def test_an_expired_card_that_comes_again_gets_a_new_token(shared, api):
    pans = [made_up(n, series="lifetime-again") for n in range(40)]
    end = after(shared, 2)
    items = [{"pan": p, "expires_at": text(end)} for p in pans[:30]] + [{"pan": p} for p in pans]
    results = api.post(f"{POST}/tokenize", {"items": items[:30] + items[60:]}).json()["results"]
    old = [r["token"] for r in results]
    wait_past(shared, end)
    purged = shared.operator.counters()["purged_cards"]
    new = api.tokenize_many(pans + pans[:5])
    assert new[40:] == new[:5]
    assert not set(new[:30]) & set(old) and new[30:40] == old[30:]
    assert api.detokenize_many(new[:40]) == pans
    assert all(row(shared, token) is None for token in old[:30])
    assert shared.operator.counters()["purged_cards"] == purged + 30
    trail = shared.operator.get("/v1/audit?action=purge&client=lifetimes").json()["rows"]
    assert (trail[-1]["items"], trail[-1]["done"]) == (30, 30)


def test_the_later_date_counts(shared, api):
    pan = made_up(3, series="lifetime")
    soon, later, latest = (after(shared, s) for s in (3, 1000, 2000))
    token = tokenize(api, pan, soon)
    assert row(shared, token)[0] == soon
    assert tokenize(api, pan, later) == token and row(shared, token)[0] == later
    assert tokenize(api, pan, soon) == token and row(shared, token)[0] == later
    items = [{"pan": pan, "expires_at": text(t)} for t in (soon, latest, later)]
    results = api.post(f"{POST}/tokenize", {"items": items}).json()["results"]
    assert [r["token"] for r in results] == [token] * 3
    assert row(shared, token)[0] == latest
    wait_past(shared, soon)
    assert api.detokenize(token) == pan
    assert tokenize(api, pan) == token and row(shared, token)[0] is None  # never is later than all
    assert tokenize(api, pan, later) == token and row(shared, token)[0] is None


def test_a_date_for_all_and_dates_for_some(shared, api):
    pans = [made_up(n, series="lifetime-batch") for n in range(4)]
    own, common = after(shared, 500), after(shared, 1000)
    body = {
        "expires_at": text(common),
        "items": [
            {"pan": pans[0]},
            {"pan": pans[1], "expires_at": text(own)},
            {"pan": pans[2], "expires_at": "yesterday"},
            {"pan": pans[3], "expires_at": text(after(shared, -5))},
            {"pan": pans[3], "cvv": "123"},
        ],
    }
    results = api.post(f"{POST}/tokenize", body).json()["results"]
    assert [r["status"] for r in results] == [200, 200, 422, 422, 422]
    assert [row(shared, r["token"])[0] for r in results[:2]] == [common, own]
    assert [r["type"].rpartition(":")[2] for r in results[2:]] == [
        "expires-at-malformed",
        "expires-at-refused",
        "malformed-item",
    ]
    assert [r["errors"][0]["pointer"] for r in results[2:4]] == [
        "#/items/2/expires_at",
        "#/items/3/expires_at",
    ]


@pytest.mark.parametrize(
    "bad",
    ["", "never", "2030-02-30T00:00:00Z", "2030-01-01", "2030-01-01T00:00:00", 1893456000, None]
    + ["2030-01-01T00:00:00Z ", "2030-01-01T00:00:00+16:00", {}, "\u0000", "2" * 5000],
)
def test_what_is_no_date_is_refused(api, bad):
    for body in ({"pan": made_up(5, series="lifetime")}, {"items": [{"pan": made_up(5)}]}):
        answer = api.post(f"{POST}/tokenize", body | {"expires_at": bad})
        assert (answer.status_code, problem(answer)) == (422, "expires-at-malformed")
        assert answer.json()["errors"][0]["pointer"] == "#/expires_at"


@pytest.mark.parametrize("past", ["1969-12-31T23:59:59Z", "2020-01-01T00:00:00.5+02:00"])
def test_a_date_that_is_over_is_refused(api, past):
    body = {"pan": made_up(5, series="lifetime"), "expires_at": past}
    answer = api.post(f"{POST}/tokenize", body)
    assert (answer.status_code, problem(answer)) == (422, "expires-at-refused")
    answer = api.post(f"{POST}/lookup", {"pan": made_up(5, series="lifetime")})
    assert answer.status_code == 404


def test_offsets_and_fractions_are_understood(shared, api):
    for n, said in enumerate(["2199-05-04T03:02:01.25-05:30", "9999-12-31T23:59:59Z"]):
        token = api.post(
            f"{POST}/tokenize", {"pan": made_up(n, series="lifetime-forms"), "expires_at": said}
        ).json()["token"]
        ours = shared.sql("SELECT %s::timestamptz", (said,))[0][0]
        assert row(shared, token)[0] == ours


def test_the_maximum_of_a_field_is_what_its_cards_get(shared):
    day = 86400
    body = {"name": "passing", "rules": {"max_lifetime": 400 * day}}
    answer = shared.operator.post("/v1/fields", body)
    assert answer.status_code == 201 and answer.json()["rules"]["max_lifetime"] == 400 * day
    number, at = answer.json()["id"], "/v1/fields/passing"
    api = shared.app
    pan = made_up(6, series="lifetime")
    token = tokenize(api, pan, at=at)
    end = row(shared, token, number)[0]
    assert after(shared, 399 * day) < end <= after(shared, 400 * day)
    assert end.timestamp() % day == 0  # a card that comes every day is not written each time
    xmin = "SELECT xmin FROM card WHERE id = %s"
    before = shared.sql(xmin, (shared.id_of(token, number),))
    assert tokenize(api, pan, at=at) == token
    assert shared.sql(xmin, (shared.id_of(token, number),)) == before
    assert tokenize(api, made_up(7), after(shared, 400 * day + 30), at=at)  # clocks differ
    for beyond in (400 * day + 3600, 5000 * day):
        answer = api.post(f"{at}/tokenize", {"pan": pan, "expires_at": text(after(shared, beyond))})
        assert (answer.status_code, problem(answer)) == (422, "expires-at-refused")
    changed = shared.operator.request("PATCH", at, json={"rules": {"max_lifetime": 0}})
    assert changed.json()["rules"]["max_lifetime"] == 0
    for bad in (-1, 1.5, "400d", None, 3155760001):
        answer = shared.operator.request("PATCH", at, json={"rules": {"max_lifetime": bad}})
        assert answer.status_code == 422, bad


def test_the_date_is_shown_to_clients_with_the_lookup_permission_only(shared, api):
    pan, end = made_up(8, series="lifetime"), after(shared, 1000)
    token = tokenize(api, pan, end)
    shown = api.get(f"{POST}/tokens/{token}").json()["expires_at"]
    assert datetime.datetime.fromisoformat(shown.replace("Z", "+00:00")) == end
    endless = tokenize(api, made_up(9, series="lifetime"))
    assert api.get(f"{POST}/tokens/{endless}").json()["expires_at"] is None
    other = Api(shared, shared.new_client("no-dates", ["read-masked"]))
    assert "expires_at" not in other.get(f"{POST}/tokens/{token}").json()


def test_a_roll_moves_cards_with_their_dates_and_the_expired_too(make_service):
    service = make_service()
    api = Api(service, service.new_client("life", EVERYTHING))
    pans = [made_up(n, series="lifetime-roll") for n in range(60)]
    end, later = after(service, 3), after(service, 5000)
    body = {"items": [{"pan": p, "expires_at": text(end)} for p in pans[:20]]}
    body["items"] += [{"pan": p, "expires_at": text(later)} for p in pans[20:40]]
    body["items"] += [{"pan": p} for p in pans[40:]]
    tokens = [r["token"] for r in api.post(f"{POST}/tokenize", body).json()["results"]]
    service.operator.roll()
    api.detokenize_many(tokens[20:30])  # re-encrypted behind the reply
    wait_past(service, end)
    again = tokenize(api, pans[0])  # the old row is gone, though it stood under the old key
    assert again != tokens[0] and row(service, tokens[0]) is None
    assert tokenize(api, pans[35], after(service, 9000)) == tokens[35]
    service.operator.retire(1)
    assert service.rows_under(1) == 0
    assert service.sql("SELECT count(*) FROM card WHERE expires_at < now()") == [(19,)]
    dates = [row(service, t)[0] for t in tokens[20:35]]
    assert dates == [later] * 15 and row(service, tokens[35])[0] > later
    assert api.detokenize_many(tokens[20:]) == pans[20:]
    answer = api.post(f"{POST}/detokenize", {"token": tokens[1]})
    assert problem(answer) == "token-unknown"
    assert service.operator.counters()["row_alarms"] == 0
    assert service.jeton("audit", "verify").returncode == 0


def test_a_purged_row_of_an_old_copy_is_in_nobodys_way(make_service):
    """It comes back with its date, under a key that has been retired meanwhile."""
    service = make_service()
    api = Api(service, service.new_client("life", EVERYTHING))
    pan, end = made_up(1, series="lifetime-copy"), after(service, 2)
    token = tokenize(api, pan, end)
    columns = "id, field, fp, envelope, expires_at"
    old = service.sql(f"SELECT {columns} FROM card WHERE id = %s", (service.id_of(token),))[0]
    api.request("DELETE", f"{POST}/tokens/{token}")
    service.operator.roll()
    service.operator.retire(1)
    service.sql(
        f"INSERT INTO card ({columns}) VALUES (%s, %s, %s, %s, %s)",
        (*old[:3], bytes(old[3]), old[4]),
    )
    wait_past(service, end)
    service.operator.create_generation()  # looks for strays, and then says so
    alarms = service.operator.counters()["row_alarms"]
    answer = api.post(f"{POST}/detokenize", {"token": token})
    assert (answer.status_code, problem(answer)) == (404, "token-unknown")
    answer = api.post(f"{POST}/lookup", {"pan": pan})
    assert (answer.status_code, problem(answer)) == (404, "card-unknown")
    again = tokenize(api, pan)
    assert again != token and api.detokenize(again) == pan and tokenize(api, pan) == again
    assert service.operator.counters()["row_alarms"] == alarms


def test_the_purge_removes_what_is_over_and_counts_it(make_service):
    service = make_service(options={"cards_purge_grace": 2})
    api = Api(service, service.new_client("life", EVERYTHING))
    assert service.operator.post("/v1/fields", {"name": "second"}).status_code == 201
    pans = [made_up(n, series="lifetime-purge") for n in range(1300)]
    end = after(service, 2)
    for at in (POST, "/v1/fields/second"):
        body = {"items": [{"pan": p} for p in pans], "expires_at": text(end)}
        assert {r["status"] for r in api.post(f"{at}/tokenize", body).json()["results"]} == {200}
    kept = api.tokenize_many(pans[:10])  # these shall live
    wait_past(service, end)
    assert service.sql("SELECT count(*) FROM card") == [(2600,)]
    wait_until(lambda: service.sql("SELECT count(*) FROM card") == [(10,)], "the rest is purged")
    assert now(service) > end + datetime.timedelta(seconds=2)
    assert api.detokenize_many(kept) == pans[:10]
    assert service.operator.counters()["purged_cards"] == 2590
    generation = service.operator.generations()[1]
    assert (generation["rows_written"], generation["rows_deleted"]) == (2600, 2590)
    rows = service.sql(
        "SELECT field, sum(n_done), sum(octet_length(ids) / 8), max(n_done), string_agg(client, '')"
        " FROM audit WHERE action = 18 GROUP BY field ORDER BY field"
    )
    assert [r[:3] for r in rows] == [(1, 1290, 1290), (2, 1300, 1300)]
    assert all(r[3] <= 500 and r[4] == "" for r in rows)
    assert service.jeton("audit", "verify").returncode == 0


def test_a_card_that_is_locked_holds_up_the_purge_of_no_other_for_long(make_service):
    service = make_service(options={"cards_purge_grace": 0})
    api = Api(service, service.new_client("life", EVERYTHING))
    end = after(service, 2)
    body = {"items": [{"pan": made_up(n)} for n in range(600)], "expires_at": text(end)}
    tokens = [r["token"] for r in api.post(f"{POST}/tokenize", body).json()["results"]]
    holder = service.connect()
    with holder, holder.cursor() as cursor:
        cursor.execute("SELECT FROM card WHERE id = %s FOR UPDATE", (service.id_of(tokens[-1]),))
        wait_past(service, end)
        wait_until(
            lambda: service.sql("SELECT count(*) FROM card") == [(1,)], "all others are purged"
        )
        assert row(service, tokens[-1]) is not None
    # it is not passed over while others come due all the time
    cards = (made_up(n, series="due") for n in range(10000))

    def gone_while_others_come_due():
        tokenize(api, next(cards), after(service, 1))
        return row(service, tokens[-1]) is None

    wait_until(gone_while_others_come_due, "the oldest is purged")
    wait_until(lambda: service.sql("SELECT count(*) FROM card") == [(0,)], "all are purged")
    holder.close()


def test_clients_that_tokenize_the_same_expiring_cards_agree(make_service):
    """Short lifetimes, many clients: at each moment a card has one row, and a token that was given
    out gives its card back or is unknown, never another card's. Between the rounds every card is
    over, so no token of one round is given out in another.
    """
    service = make_service(options={"front_loops": 2, "cards_purge_grace": 0})
    key = service.new_client("life", EVERYTHING)
    pans = [made_up(n, series="lifetime-race") for n in range(12)]
    failures, owners, rounds, ends = [], {}, {}, []
    lock = threading.Lock()

    def give(api, number, n):
        chosen = [pans[(n * k) % 12] for k in (1, 5, 7)]
        end = after(service, 0.5 + n % 3 * 0.4)
        ends.append(end)
        answer = api.post(
            f"{POST}/tokenize", {"items": [{"pan": p} for p in chosen], "expires_at": text(end)}
        )
        results = answer.json().get("results", [])
        if [r["status"] for r in results] != [200] * 3:
            failures.append(answer.text)
            return
        for pan, result in zip(chosen, results):
            with lock:
                owner = owners.setdefault(result["token"], pan)
                first = rounds.setdefault(result["token"], number)
            back = api.post(f"{POST}/detokenize", {"token": result["token"]})
            if (owner, first) != (pan, number) or back.status_code not in (200, 404):
                failures.append((owner == pan, first, number, back.text))
            if back.status_code == 200 and back.json()["pan"] != pan:
                failures.append("another card's")
        alive = service.sql("SELECT count(*), count(DISTINCT fp) FROM card")[0]
        if alive[0] != alive[1] or alive[0] > 12:
            failures.append(alive)

    def run(seed, number, stop_at):
        api, n = Api(service, key), seed
        while n == seed or now(service) < stop_at:
            n += 1
            give(api, number, n)

    for number in range(4):
        stop_at = after(service, 1.5)
        threads = [threading.Thread(target=run, args=(n, number, stop_at)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_past(service, max(ends))
    assert not failures
    assert set(rounds.values()) == {0, 1, 2, 3}
    assert service.operator.counters()["row_alarms"] == 0
    assert service.operator.counters()["database_faults"] == 0
    wait_until(lambda: service.sql("SELECT count(*) FROM card") == [(0,)], "all are purged")
    generation = service.operator.generations()[1]
    assert generation["rows_written"] == generation["rows_deleted"]


def test_a_card_that_is_over_never_gets_its_numeric_token_again(make_service):
    """Of 90 tokens that there are for it, and also when its row has been removed."""
    service = make_service(options={"cards_purge_grace": 0})
    token = {"format": "numeric", "leading": 8, "last": 4}
    assert service.operator.post("/v1/fields", {"name": "few", "token": token}).status_code == 201
    api, few = Api(service, service.new_client("few", EVERYTHING)), "/v1/fields/few"
    pan, seen = made_up(1, 14, "over"), []
    for _ in range(4):
        end = after(service, 1)
        seen.append(tokenize(api, pan, end, few))
        assert api.detokenize(seen[-1], "few") == pan
        wait_past(service, end)
        for token in seen:
            answer = api.post(f"{few}/detokenize", {"token": token})
            assert problem(answer) == "token-unknown"
        assert problem(api.post(f"{few}/lookup", {"pan": pan})) == "card-unknown"
    assert len(set(seen)) == 4
    wait_until(lambda: service.sql("SELECT count(*) FROM card") == [(0,)], "the purge")
    assert service.sql("SELECT count(*) FROM numeric_token") == [(4,)]
    assert tokenize(api, pan, at=few) not in seen
    assert service.operator.counters()["row_alarms"] == 0


def test_the_command_line_gives_a_file_of_cards_one_end(shared, tmp_path):
    pans = [made_up(n, series="lifetime-file") for n in range(30)]
    files = {name: tmp_path / f"{name}.csv" for name in ("in", "out", "rejects")}
    files["in"].write_text("pan\n" + "".join(p + "\n" for p in pans))
    common = [word for name, path in files.items() for word in (f"--{name}", path)]
    common += ["--field", "pan", "--column", "pan", "--batch", 7]
    key = tmp_path / "app.key"
    key.touch(0o600)
    key.write_text(shared.app_key)

    def run(*more, **options):
        return shared.jeton("tokenize", *common, *more, key_file=key, **options)

    run("--expires-at", "2199-12-31T23:59:59Z")
    tokens = files["out"].read_text().split()[1:]
    ids = shared.ids_of(tokens)
    years = "SELECT count(*) FROM card WHERE id = ANY(%s) AND extract(year FROM expires_at) = 2199"
    assert shared.sql(years, (ids,)) == [(30,)]
    for bad in ("2019-12-31T23:59:59Z", "tomorrow", '2199"'):
        done = run("--expires-at", bad, "--discard", check=False)
        assert done.returncode == 12, done
    done = run("--expires-at", "2019-01-01T00:00:00Z", "--discard", check=False)
    assert "expires-at-refused" in done.stderr
