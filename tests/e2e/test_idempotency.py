# SPDX-License-Identifier: Apache-2.0
"""Idempotency-Key: a request that is repeated is done once, whatever happened to the first."""

import itertools
import threading

import pytest

from cards import made_up
from service import RING_LOCK, Api, problem, wait_until

ONE = "/v1/fields/plain/tokenize"
_keys = itertools.count()


def fresh():
    return f"key-{next(_keys)}-of-the-tests"


def post(api, path, body, key):
    return api.post(path, body, headers={"Idempotency-Key": key})


def good(answer):
    assert answer.status_code == 200, (answer.status_code, problem(answer))
    return answer.json()


def refused(answer):
    return answer.status_code, problem(answer)


def rows(service):
    return service.sql("SELECT count(*) FROM card")[0][0]


@pytest.fixture
def own(service):
    """A service of the test's own, with a field without dedup as `shared` has one."""
    answer = service.operator.post("/v1/fields", {"name": "plain", "dedup": False})
    assert answer.status_code == 201
    return service


@pytest.fixture
def remover(shared):
    return Api(shared, shared.new_client(f"once-{next(_keys)}", ["delete"]))


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
    stranger = Api(shared, shared.new_client(f"once-{next(_keys)}", ["tokenize"]))
    assert good(post(shared.app, ONE, body, key)) != good(post(stranger, ONE, body, key))


def test_keys_that_are_none(shared):
    body = {"pan": made_up(7, series="once")}
    before = rows(shared)
    for key in ("", '""', "a" * 65, "a b", 'a"b', "a\\b", "k-4111111111111111"):
        assert refused(post(shared.app, ONE, body, key)) == (400, "idempotency-key-malformed")
    assert rows(shared) == before
    for key in ("a" * 64, "!", "~", '"' + "b" * 64 + '"'):
        good(post(shared.app, ONE, body, key))


def test_what_does_not_take_it_refuses_it_and_reads_ignore_it(shared):
    for path, body in (
        ("/v1/generations", {}),
        ("/v1/clients", {"id": "never", "permissions": ["tokenize"]}),
        ("/v1/fields", {"name": "never"}),
    ):
        answer = post(shared.operator, path, body, fresh())
        assert refused(answer) == (400, "idempotency-key-not-taken")
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


class Held:
    """Holds a lock in a session of its own."""

    def __init__(self, service, statement):
        self.connection = service.connect()
        self.connection.cursor().execute(statement)

    def release(self):
        self.connection.close()


def hold_ring(service):
    return Held(service, f"SELECT pg_advisory_xact_lock({RING_LOCK})")


def waiting(service, application):
    return service.cluster.sql(
        "postgres",
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
        f"datname = '{service.database}' AND application_name = '{application}'",
    )[0][0]


def begin(api, path, body, key):
    answers = []

    def run():
        try:
            answers.append(post(api, path, body, key))
        except OSError as gone:
            answers.append(gone)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, answers


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
    """The ring lock holds the request until the table of claims is locked; then the cards are
    committed, and the front, which waits to release the claim, is killed.
    """
    path, key, before = f"/v1/fields/{field}/tokenize", fresh(), rows(own)
    body = {"items": [{"pan": made_up(i, series="once-crash")} for i in range(many)]}
    ring = hold_ring(own)
    thread, answers = begin(own.app, path, body, key)
    wait_until(lambda: waiting(own, "jetond tokenize"), "the request waits")
    claims = Held(own, "LOCK TABLE idempotency IN SHARE MODE")
    ring.release()
    wait_until(lambda: rows(own) == before + many, "the cards are committed")
    own.front.kill()
    claims.release()
    thread.join()
    assert isinstance(answers[0], OSError)
    own.start_front()
    own.wait_ready()
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
