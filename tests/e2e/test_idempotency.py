# SPDX-License-Identifier: Apache-2.0
"""Idempotency-Key: a request that is repeated is done once, whatever happened to the first."""

import itertools

import pytest

from cards import made_up
from once import Held, begin, fresh, good, hold_ring, kill_behind_commit, kill_front
from once import post, refused, rows, waiting
from service import Api, problem, wait_until

ONE = "/v1/fields/plain/tokenize"
IDS_ACCEPT, PERMIT = 9, 25  # actions of audit rows
_numbers = itertools.count()


@pytest.fixture
def own(service):
    """A service of the test's own, with a field without dedup as `shared` has one."""
    answer = service.operator.post("/v1/fields", {"name": "plain", "dedup": False})
    assert answer.status_code == 201
    return service


@pytest.fixture
def remover(shared):
    return Api(shared, shared.new_client(f"once-{next(_numbers)}", ["delete"]))


# --- the same again ---


def test_without_dedup_a_repeated_request_makes_one_card(shared):
    body, key = {"pan": made_up(1, series="once")}, fresh()
    before = rows(shared)
    first = post(shared.app, ONE, body, key)
    again = post(shared.app.another(), ONE, body, f'"{key}"')  # quoted, as the draft has it
    assert good(first) == good(again)
    assert rows(shared) == before + 1
    assert good(post(shared.app, ONE, body, fresh())) != good(first)
    assert good(shared.app.post(ONE, body)) != good(first)
    assert shared.app.detokenize(first.json()["token"], "plain") == body["pan"]


def test_a_batch_over_several_transactions_is_answered_as_it_was(shared):
    pans = [made_up(i % 700, series="once-many") for i in range(3000)]
    items = [{"pan": p} for p in pans]
    items[17] = {"pan": "4111111111111112"}
    items[18] = {}
    for field in ("plain", "pan"):
        path, key, before = f"/v1/fields/{field}/tokenize", fresh(), rows(shared)
        first = good(post(shared.app, path, {"items": items}, key))
        made = rows(shared) - before
        assert good(post(shared.app, path, {"items": items}, key)) == first
        assert rows(shared) - before == made == (2998 if field == "plain" else 700)
        assert [r["status"] for r in first["results"]].count(200) == 2998
        assert first["results"][17]["status"] == first["results"][18]["status"] == 422


def test_a_known_card_and_a_deleted_one(shared, remover):
    """What was deleted meanwhile stays deleted: the repetition makes no other card."""
    path, key, body = "/v1/fields/pan/tokenize", fresh(), {"pan": made_up(2, series="once")}
    token = shared.app.tokenize(body["pan"])  # known before the request with the key
    assert good(post(shared.app, path, body, key)) == {"token": token}
    assert remover.request("DELETE", f"/v1/fields/pan/tokens/{token}").status_code == 204
    before = rows(shared)
    assert refused(post(shared.app, path, body, key)) == (404, "token-unknown")
    assert rows(shared) == before
    assert good(post(shared.app, path, body, fresh())) != {"token": token}


def test_a_repeated_deletion_is_answered_as_it_was(shared, remover):
    tokens = [shared.app.tokenize(made_up(i, series="once-gone")) for i in range(3)]
    path, key = "/v1/fields/pan/delete", fresh()
    items = [{"token": t} for t in [tokens[0], "jtk_" + "0" * 26, tokens[1], tokens[0], "x"]]
    first = good(post(remover, path, {"items": items}, key))
    assert [r["status"] for r in first["results"]] == [200, 404, 200, 404, 422]
    assert good(post(remover, path, {"items": items}, key)) == first
    assert [r["status"] for r in good(remover.post(path, {"items": items}))["results"]] == [
        *(404, 404, 404, 404, 422)
    ]
    single = fresh()
    for _ in range(2):
        assert good(post(remover, path, {"token": tokens[2]}, single)) == {"deleted": True}


def test_the_repetition_is_in_the_audit_trail(own):
    body, key = {"pan": made_up(3, series="once")}, fresh()
    for _ in range(2):
        good(post(own.app, ONE, body, key))
    trail = own.sql("SELECT n_items, n_done FROM audit WHERE action = 1 ORDER BY at DESC LIMIT 2")
    assert trail == [(1, 1), (1, 1)]


def test_after_a_roll_and_a_retirement_the_tokens_are_the_same(own):
    body, key = {"items": [{"pan": made_up(i, series="once-roll")} for i in range(20)]}, fresh()
    first = good(post(own.app, ONE, body, key))
    own.operator.roll()
    assert good(post(own.app, ONE, body, key)) == first
    own.operator.retire(1)
    own.operator.wait_certified(1)
    assert good(post(own.app, ONE, body, key)) == first


# --- another request ---


def test_another_body_path_or_spelling_is_refused(shared):
    body, key = {"pan": made_up(4, series="once")}, fresh()
    good(post(shared.app, ONE, body, key))
    other = {"pan": made_up(5, series="once")}
    before = rows(shared)
    spelt = shared.app.request(
        "POST",
        ONE,
        data=f'{{ "pan": "{body["pan"]}" }}',
        headers={"Idempotency-Key": key, "Content-Type": "application/json"},
    )
    for answer in (
        post(shared.app, ONE, other, key),
        post(shared.app, "/v1/fields/pan/tokenize", body, key),
        post(shared.app, "/v1/fields/plain/delete", {"token": "jtk_" + "0" * 26}, key),
        spelt,
    ):
        assert refused(answer) in [(422, "idempotency-key-reused"), (403, "forbidden")]
        assert key not in answer.text and body["pan"] not in answer.text
    assert rows(shared) == before


def test_another_client_has_keys_of_its_own(shared):
    body, key = {"pan": made_up(6, series="once")}, fresh()
    stranger = Api(shared, shared.new_client(f"once-{next(_numbers)}", ["tokenize"]))
    assert good(post(shared.app, ONE, body, key)) != good(post(stranger, ONE, body, key))


def test_keys_that_are_none(shared):
    body = {"pan": made_up(7, series="once")}
    before = rows(shared)
    uuids = ("a2345678-1234-4234-b234-12345678901b", "a234567812344234b23412345678901b")
    near = (uuids[0][:-1], uuids[0] + "0", uuids[0].replace("-", "", 1))
    near += ("4111111111111111cbcdefabcdefabcd", "a2345678-1234-9234-b234-12345678901b")
    bad = ("", '""', "a" * 65, "a b", 'a"b', "a\\b", "k-4111111111111111", "k-4111-1111-1111-1111k")
    for key in (*bad, *near):
        assert refused(post(shared.app, ONE, body, key)) == (400, "idempotency-key-malformed")
    assert rows(shared) == before
    for key in ("a" * 64, "!", "~", '"' + "b" * 64 + '"', *uuids, uuids[0].upper()):
        good(post(shared.app, ONE, body, key))


def test_reads_ignore_it(shared):
    token, key = shared.app.tokenize(made_up(8, series="once")), fresh()
    for _ in range(2):
        good(post(shared.app, "/v1/fields/pan/detokenize", {"token": token}, key))
    good(post(shared.app, ONE, {"pan": made_up(8, series="once")}, key))


def test_a_client_has_so_many_and_no_more(own):
    body = {"pan": made_up(9, series="once")}
    good(post(own.app, ONE, body, "first"))
    own.sql("UPDATE idempotency_count SET live = live + 1000000")
    answer = post(own.app, ONE, body, "second")
    assert refused(answer) == (429, "idempotency-keys-used-up")
    good(post(own.app, ONE, body, "first"))
    good(own.app.post(ONE, body))


# --- while the first is under way, and after a crash ---


def test_while_the_first_runs_others_are_told_to_wait(own):
    body, key = {"pan": made_up(10, series="once")}, fresh()
    other = own.app.another()
    ring = hold_ring(own)
    thread, answers = begin(own.app, ONE, body, key)
    wait_until(lambda: waiting(own, "jetond tokenize"), "the first waits")
    answer = post(other, ONE, body, key)
    assert refused(answer) == (409, "idempotency-key-in-use")
    assert int(answer.headers["Retry-After"]) > 0
    assert refused(post(other, ONE, {"pan": made_up(11, series="once")}, key)) == (
        *(422, "idempotency-key-reused"),
    )
    ring.release()
    thread.join()
    assert good(post(other, ONE, body, key)) == good(answers[0])
    assert rows(own) == 1


def test_many_at_once_make_one_card(own):
    body, key, before = {"pan": made_up(12, series="once")}, fresh(), rows(own)
    running = [begin(own.app.another(), ONE, body, key) for _ in range(12)]
    for thread, _ in running:
        thread.join()
    answers = [answers[0] for _, answers in running]
    assert {a.status_code for a in answers} <= {200, 409}
    tokens = {a.json()["token"] for a in answers if a.status_code == 200}
    assert len(tokens) == 1 and rows(own) == before + 1
    assert good(post(own.app, ONE, body, key)) == {"token": tokens.pop()}


@pytest.mark.parametrize("field, many", [("plain", 1), ("plain", 600), ("pan", 3)])
def test_a_front_that_is_killed_between_commit_and_reply(own, field, many):
    path, key, before = f"/v1/fields/{field}/tokenize", fresh(), rows(own)
    body = {"items": [{"pan": made_up(i, series="once-crash")} for i in range(many)]}
    kill_behind_commit(own, own.app, path, body, key, many)
    first = good(post(own.app, path, body, key))
    assert [r["status"] for r in first["results"]] == [200] * many
    assert rows(own) == before + many
    assert good(post(own.app, path, body, key)) == first
    pans = own.app.detokenize_many([r["token"] for r in first["results"]], field)
    assert pans == [i["pan"] for i in body["items"]]


def test_a_front_that_is_killed_before_the_commit(own):
    body, key, before = {"pan": made_up(13, series="once")}, fresh(), rows(own)
    ring = hold_ring(own)
    thread, _ = begin(own.app, ONE, body, key)
    wait_until(lambda: waiting(own, "jetond tokenize"), "the request waits")
    own.front.kill()
    ring.release()
    thread.join()
    own.start_front()
    own.wait_ready()
    first = good(post(own.app, ONE, body, key))
    assert good(post(own.app, ONE, body, key)) == first
    # what the killed one had sent found its claim taken over, or was remembered
    assert rows(own) == before + 1


def test_a_claim_that_was_taken_over_keeps_the_first_from_writing(own):
    """As after 60 seconds: the first has not written anything when somebody else takes it up."""
    body, key, before = {"pan": made_up(14, series="once")}, fresh(), rows(own)
    ring = hold_ring(own)
    thread, answers = begin(own.app, ONE, body, key)
    wait_until(lambda: waiting(own, "jetond tokenize"), "the first waits")
    own.sql("UPDATE idempotency SET attempt = attempt + 1, busy_until = '-infinity'")
    ring.release()
    thread.join()
    assert refused(answers[0]) == (503, "unavailable") and "Retry-After" in answers[0].headers
    assert rows(own) == before and own.ready
    first = good(post(own.app, ONE, body, key))
    assert good(post(own.app, ONE, body, key)) == first and rows(own) == before + 1


def test_a_claim_that_is_lost_ends_its_own_request_alone(own):
    """Requests without a key are in the same batch."""
    ring = hold_ring(own)
    first, first_answers = begin(own.app, ONE, {"pan": made_up(30, series="once")}, fresh())
    wait_until(lambda: waiting(own, "jetond tokenize"), "the first waits")
    rest = [
        begin(own.app.another(), ONE, {"pan": made_up(31 + i, series="once")}, key)
        for i, key in enumerate([fresh(), *[None] * 8])
    ]
    wait_until(
        lambda: own.sql("SELECT count(*) FROM idempotency WHERE attempt > 0") == [(2,)],
        "the second is claimed",
    )
    own.sql("UPDATE idempotency SET attempt = attempt + 1, busy_until = '-infinity'")
    ring.release()
    for thread, _ in [(first, first_answers), *rest]:
        thread.join()
    codes = [answers[0].status_code for _, answers in rest]
    assert first_answers[0].status_code == codes[0] == 503
    assert codes[1:] == [200] * 8
    assert rows(own) == 8
    # nothing was done for those two, and the trail has nothing of them
    trail = own.sql("SELECT client, n_items, n_done FROM audit WHERE action = 1")
    assert trail == [("app", 1, 1)] * 8


# --- administration ---


def acts(service, action):
    """How many audit rows tell of it."""
    return service.sql(f"SELECT count(*) FROM audit WHERE action = {action}")[0][0]


def done(answer, status=200):
    assert answer.status_code == status, (answer.status_code, problem(answer))
    return answer.json()


def is_good_key(service, key):
    """Of a client that may tokenize."""
    return Api(service, key).post(ONE, {"pan": "1"}).status_code == 422


def test_fields_and_generations_are_made_once(own):
    path, key, body = "/v1/fields", fresh(), {"name": "cards.other", "mask_digits": 8}
    first = done(post(own.operator, path, body, key), 201)
    assert done(post(own.operator, path, body, key), 201) == first
    assert refused(post(own.operator, path, body, fresh())) == (409, "conflict")
    assert own.operator.request("PATCH", path + "/cards.other", json={"mask_digits": 6}).ok
    # as it stands by now
    assert done(post(own.operator, path, body, key), 201)["mask_digits"] == 6

    path, key = "/v1/generations", fresh()
    first = done(post(own.operator, path, {}, key), 201)
    assert done(post(own.operator, path, {}, key), 201) == first
    second = done(post(own.operator, path, {}, fresh()), 201)
    assert second["number"] == first["number"] + 1
    one = f"{path}/{first['number']}/activate"
    body, key = {"accept_single_holder": "a test"}, fresh()
    first = done(post(own.operator, one, body, key))
    assert done(post(own.operator, one, body, key)) == first
    # the same key for another generation is another request
    two = f"{path}/{second['number']}/activate"
    assert refused(post(own.operator, two, body, key)) == (422, "idempotency-key-reused")
    key = fresh()
    for _ in range(2):
        abandoned = post(own.operator, f"{path}/{second['number']}/abandon", {}, key)
        assert done(abandoned)["state"] == "destroyed"
    key = fresh()
    for _ in range(2):
        assert done(post(own.operator, f"{path}/1/retire", {}, key), 202)["generation"] == 1
    own.operator.wait_certified(1)
    assert done(post(own.operator, f"{path}/1/retire", {}, key), 202)["state"] == "certified"


def test_a_clients_key_is_a_fresh_one_and_the_first_is_void(own):
    path, key = "/v1/clients", fresh()
    body = {"id": "shop", "permissions": ["tokenize"]}
    keys = [done(post(own.operator, path, body, key), 201).pop("api_key") for _ in range(3)]
    assert len(set(keys)) == 3
    assert [is_good_key(own, k) for k in keys] == [False, False, True]
    assert refused(post(own.operator, path, body, fresh())) == (409, "conflict")
    # rotation: the one before keeps its time, whatever becomes of the answers
    rotation = fresh()
    before = keys[-1]
    answers = [
        done(post(own.operator, path + "/shop/rotate", {"overlap": 600}, rotation))
        for _ in range(3)
    ]
    keys = [a["api_key"] for a in answers]
    assert len({a["old_secret_until"] for a in answers}) == 1
    assert [is_good_key(own, k) for k in [before, *keys]] == [True, False, False, True]
    # what was changed since is not given again
    done(post(own.operator, path + "/shop/rotate", {"overlap": 0}, fresh()))
    for where, what, old in (
        (path, body, key),
        (path + "/shop/rotate", {"overlap": 600}, rotation),
    ):
        assert refused(post(own.operator, where, what, old)) == (409, "conflict")
    # without an overlap none is good but the newest
    rotation = fresh()
    keys = [
        done(post(own.operator, path + "/shop/rotate", {"overlap": 0}, rotation))["api_key"]
        for _ in range(2)
    ]
    assert [is_good_key(own, k) for k in keys] == [False, True]


def test_what_a_client_may_and_whether_it_stands_is_changed_once(own):
    own.new_client("shop", ["tokenize"])
    path = "/v1/clients/shop"
    off, on = fresh(), fresh()
    assert done(post(own.operator, path + "/disable", {}, off))["state"] == "disabled"
    assert done(post(own.operator, path + "/enable", {}, on))["state"] == "active"
    # late repetitions say that it stands otherwise by now, and change nothing
    assert refused(post(own.operator, path + "/disable", {}, off)) == (409, "conflict")
    same = fresh()
    assert done(post(own.operator, path + "/enable", {}, same))["state"] == "active"  # no change
    done(post(own.operator, path + "/disable", {}, fresh()))
    assert refused(post(own.operator, path + "/enable", {}, same)) == (409, "conflict")
    assert own.operator.get(path).json()["state"] == "disabled"
    key, body = fresh(), {"permissions": ["detokenize:pan"]}
    for _ in range(2):
        assert done(post(own.operator, path + "/permit", body, key))["permissions"] == [
            "detokenize:pan"
        ]
    assert acts(own, PERMIT) == 1
    key = fresh()
    for _ in range(2):
        assert done(post(own.operator, path + "/remove", {}, key))["state"] == "removed"
    body, key = {"reason": "a test"}, fresh()
    first = done(post(own.operator, "/v1/node/accept-ids", body, key))
    assert done(post(own.operator, "/v1/node/accept-ids", body, key)) == first
    assert acts(own, IDS_ACCEPT) == 1


def test_a_request_without_a_body_is_done_once(own):
    own.new_client("shop", ["tokenize"])
    path, key = "/v1/clients/shop/disable", fresh()
    headers = {"Idempotency-Key": key}
    for _ in range(2):
        answer = own.operator.request("POST", path, headers=headers)
        assert done(answer)["state"] == "disabled"
    assert own.operator.post("/v1/clients/shop/enable", {}).ok
    answer = own.operator.request("POST", path, headers=headers)
    assert refused(answer) == (409, "conflict")
    assert own.operator.get("/v1/clients/shop").json()["state"] == "active"
    assert refused(post(own.operator, path, {}, key)) == (422, "idempotency-key-reused")


def test_what_failed_is_tried_again(own):
    path, key, body = "/v1/generations/9/activate", fresh(), {}
    assert refused(post(own.operator, path, body, key)) == (404, "not-found")
    assert refused(post(own.operator, path, body, key)) == (404, "not-found")


@pytest.mark.parametrize(
    "path, body, status, count, names",
    [
        ("/v1/clients", {"id": "shop", "permissions": ["tokenize"]}, 201, "client", "id"),
        ("/v1/fields", {"name": "cards.other"}, 201, "field", "name"),
        ("/v1/generations", {}, 201, "generation", "number"),
    ],
)
def test_an_act_of_a_front_that_is_killed_before_its_answer(own, path, body, status, count, names):
    """It is committed, and the front is killed while it waits to release the claim."""

    def rows_of_it():
        return own.sql(f"SELECT count(*) FROM {count}")[0][0]

    key, before = fresh(), rows_of_it()
    held = Held(own, "LOCK TABLE audit IN SHARE MODE")
    thread, answers = begin(own.operator, path, body, key)
    wait_until(lambda: waiting(own, "jetond worker"), "the act waits for its audit row")
    claims = Held(own, "LOCK TABLE idempotency IN SHARE MODE")
    held.release()
    wait_until(lambda: rows_of_it() == before + 1, "the act is committed")
    kill_front(own, claims, thread, answers)
    first = done(post(own.operator, path, body, key), status)
    assert rows_of_it() == before + 1
    again = done(post(own.operator, path, body, key), status)
    assert first[names] == again[names]
    if count == "client":
        assert [is_good_key(own, a["api_key"]) for a in (first, again)] == [False, True]


def test_who_plants_what_is_remembered_makes_nothing_seem_done(own):
    """A database administrator's trigger says of each request that it was done before."""
    tokens = own.app.tokenize_many([made_up(i, series="once-plant") for i in range(3)], "pan")
    thief = Api(own, own.new_client("thief", ["detokenize", "delete"]))
    own.new_client("shop", ["tokenize"])
    own.sql(
        "CREATE FUNCTION plant() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO jeton.idempotency_card SELECT NEW.mac, int4send(0) || int8send(n) "
        "FROM generate_series(1, 12) n; RETURN NEW; END $$"
    )
    own.sql(
        "CREATE TRIGGER plant AFTER INSERT ON idempotency FOR EACH ROW EXECUTE FUNCTION plant()"
    )

    def tried(path, body):
        answer = post(own.operator, path, body, fresh())
        assert answer.ok or refused(answer)[0] in (404, 409), (path, refused(answer))
        return answer.ok

    mark = {"field": "pan", "token": tokens[0]}
    if tried("/v1/honey/add", mark):
        assert [m["token"] for m in own.operator.get("/v1/honey").json()["marks"]] == tokens[:1]
    if tried("/v1/clients/shop/permit", {"permissions": ["lookup"]}):
        assert own.operator.get("/v1/clients/shop").json()["permissions"] == ["lookup"]
    for path, body in (
        ("/v1/clients", {"id": "shop", "permissions": ["detokenize"]}),
        ("/v1/clients/shop/rotate", {"overlap": 0}),
    ):
        tried(path, body)
    assert "detokenize" not in own.operator.get("/v1/clients/shop").json()["permissions"]
    if tried("/v1/generations", {}):
        found = [g["number"] for g in own.operator.get("/v1/generations").json()["generations"]]
        if 2 in found and tried("/v1/generations/2/activate", {"accept_single_holder": "x"}):
            assert own.operator.get("/v1/generations/2").json()["state"] == "active"
    # a card that is there is deleted
    path, body = "/v1/fields/pan/delete", {"token": tokens[1]}
    assert good(post(thief, path, body, fresh())) == {"deleted": True}
    assert own.app.post("/v1/fields/pan/detokenize", body).status_code == 404
    for act, state in (("disable", "disabled"), ("remove", "removed")):
        if tried(f"/v1/clients/thief/{act}", {}):
            assert own.operator.get("/v1/clients/thief").json()["state"] == state
        else:
            assert own.operator.request("POST", f"/v1/clients/thief/{act}").ok
    wait_until(
        lambda: thief.post("/v1/fields/pan/detokenize", {"token": tokens[2]}).status_code == 401,
        "the thief is out",
    )


def test_no_key_of_a_client_is_stored(own):
    body = {"id": "shop", "permissions": ["tokenize"]}
    api_key = done(post(own.operator, "/v1/clients", body, "the-key"), 201)["api_key"]
    text = str(
        own.sql("SELECT i::text, c::text FROM idempotency i JOIN idempotency_card c USING (mac)")
    )
    assert "the-key" in text and api_key.split("_")[-1] not in text


# --- the table ---


def test_a_key_is_forgotten_after_its_time(own):
    body, key = {"pan": made_up(15, series="once")}, fresh()
    first = good(post(own.app, ONE, body, key))
    own.sql("UPDATE idempotency SET at = now() - interval '24 hours 1 second'")
    assert good(post(own.app, ONE, {"pan": made_up(16, series="once")}, key)) != first
    own.sql("UPDATE idempotency SET at = now() - interval '24 hours 1 second'")
    wait_until(lambda: own.sql("SELECT count(*) FROM idempotency") == [(0,)], "the duty comes")
    assert own.sql("SELECT count(*) FROM idempotency_card") == [(0,)]
    assert own.sql("SELECT sum(live) FROM idempotency_count") == [(0,)]


def test_nothing_secret_is_stored(own):
    pans = [made_up(i, series="once-secret") for i in range(3)]
    answer = good(post(own.app, ONE, {"items": [{"pan": p} for p in pans]}, "the-key"))
    text = str(
        own.sql("SELECT i::text, c::text FROM idempotency i JOIN idempotency_card c USING (mac)")
    )
    assert "the-key" in text
    for secret in pans + [r["token"] for r in answer["results"]] + [own.app.key]:
        assert secret not in text and secret.encode().hex() not in text


def test_ids_of_another_card_are_not_believed(own):
    bodies = [{"pan": made_up(i, series="once-swap")} for i in range(2)]
    for i, body in enumerate(bodies):
        good(post(own.app, ONE, body, f"key-{i}"))
    own.sql(
        "UPDATE idempotency_card c SET cards = (SELECT o.cards FROM idempotency_card o "
        "WHERE o.mac <> c.mac)"
    )
    for i, body in enumerate(bodies):
        assert refused(post(own.app, ONE, body, f"key-{i}")) == (500, "undecryptable")
