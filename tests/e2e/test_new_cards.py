# SPDX-License-Identifier: Apache-2.0
"""Which cards are new: told by tokenize to a client that may look cards up, and to no other."""

import threading

import pytest

from cards import bad_luhn, made_up
from once import fresh, good, kill_behind_commit, post
from service import Api, problem, wait_until

CROWD = 8


def path(field="pan"):
    return f"/v1/fields/{field}/tokenize"


def new_of(answer):
    assert answer.status_code == 200, problem(answer)
    return [r["new"] for r in answer.json()["results"]]


def batch(pans, **more):
    return {"items": [{"pan": p} for p in pans], "tell_new": True, **more}


@pytest.fixture(name="teller", scope="module")
def make_teller(_shared):
    return Api(_shared, _shared.new_client("tells-new", ["tokenize", "lookup", "delete"]))


def test_a_new_card_and_a_known_one(shared, teller):
    pan = made_up(1, series="new")
    for new in (True, False, False):
        answer = teller.post(path(), {"pan": pan, "tell_new": True}).json()
        assert answer == {"token": shared.app.tokenize(pan), "new": new}
    assert teller.post(path(), {"pan": pan, "tell_new": False}).json().keys() == {"token"}
    assert teller.post(path(), {"pan": pan}).json().keys() == {"token"}
    # In another field it is another card, and one that was deleted is new once more.
    assert teller.post(path("other"), {"pan": pan, "tell_new": True}).json()["new"] is True
    gone = teller.post("/v1/fields/pan/delete", {"token": shared.app.tokenize(pan)})
    assert gone.json() == {"deleted": True}
    assert teller.post(path(), {"pan": pan, "tell_new": True}).json()["new"] is True


def test_a_batch_tells_of_each(shared, teller):
    pans = [made_up(i, series="new-batch") for i in range(60)]
    shared.app.tokenize_many(pans[:20])
    body = batch(pans + pans[-10:] + [bad_luhn(1)])
    results = teller.post(path(), body).json()["results"]
    assert [r.get("new") for r in results] == [False] * 20 + [True] * 40 + [False] * 10 + [None]
    assert [r["token"] for r in results[:60]] == shared.app.tokenize_many(pans)
    assert new_of(teller.post(path(), batch(pans))) == [False] * 60


def test_without_dedup_each_is_new(teller):
    pans = [made_up(1, series="new-plain")] * 3
    for _ in range(2):
        assert new_of(teller.post(path("plain"), batch(pans))) == [True] * 3


def test_a_lifetime_that_is_lengthened_is_no_new_card(teller):
    pan = made_up(2, series="new")
    for new, year in ((True, 2100), (False, 2101)):
        body = {"pan": pan, "tell_new": True, "expires_at": f"{year}-01-01T00:00:00Z"}
        assert teller.post(path(), body).json()["new"] is new


def test_of_many_at_once_one_is_told_that_it_is_new(shared, teller):
    pans = [made_up(i, series="new-race") for i in range(300)]
    told = [None] * CROWD
    barrier = threading.Barrier(CROWD)

    def run(i):
        api = teller.another()
        mine = pans if i % 2 == 0 else pans[::-1]
        barrier.wait()
        told[i] = dict(zip(mine, new_of(api.post(path(), batch(mine)))))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [sum(answer[p] for answer in told) for p in pans] == [1] * len(pans)


def test_cards_under_an_older_generation_are_known(service):
    teller = Api(service, service.new_client("teller", ["tokenize", "lookup"]))
    pans = [made_up(i, series="new-roll") for i in range(10)]
    service.app.tokenize_many(pans[:5])
    service.operator.roll()
    assert new_of(teller.post(path(), batch(pans))) == [False] * 5 + [True] * 5


@pytest.mark.parametrize(
    "permissions", [["tokenize"], ["tokenize", "detokenize"], ["tokenize", "lookup:other"]]
)
def test_whoever_may_not_look_up_is_refused_and_nothing_is_stored(shared, permissions):
    name = f"no-teller-{len(permissions)}-{len(permissions[-1])}"
    api = Api(shared, shared.new_client(name, permissions))
    known, new = shared.app.tokenize(made_up(3, series="new")), made_up(len(name), series="new-no")
    before = shared.sql("SELECT count(*) FROM card")
    answers = [
        api.post(path(), {"pan": pan, "tell_new": True}) for pan in (made_up(3, series="new"), new)
    ]
    answers.append(api.post(path(), batch([new])))
    for answer in answers:
        assert (answer.status_code, problem(answer)) == (403, "forbidden")
        assert answer.json()["errors"][0]["pointer"] == "#/tell_new"
        assert "look cards up" in answer.json()["detail"]
        assert known not in answer.text
    assert shared.sql("SELECT count(*) FROM card") == before
    question = "SELECT sum(n_items)::int FROM audit WHERE client = %s AND action = 40"
    wait_until(lambda: shared.sql(question, (name,))[0][0] == len(answers), "they are on record")
    # Without the member it may store as ever.
    assert api.post(path(), {"pan": new, "tell_new": False}).json().keys() == {"token"}


def test_who_may_look_up_in_one_field_is_told_there_only(shared):
    api = Api(shared, shared.new_client("tells-there", ["tokenize", "lookup:other"]))
    assert api.post(path("other"), {"pan": made_up(4), "tell_new": True}).json()["new"] is True
    assert api.post(path("pan"), {"pan": made_up(4), "tell_new": True}).status_code == 403


@pytest.mark.parametrize("wrong", ["true", 1, None, {}])
def test_what_is_no_flag_is_refused(teller, wrong):
    answer = teller.post(path(), {"pan": made_up(5, series="new"), "tell_new": wrong})
    assert (answer.status_code, problem(answer)) == (422, "invalid-value")
    answer = teller.post(path(), {"items": [{"pan": made_up(5), "tell_new": True}]})
    assert answer.json()["results"][0]["type"] == "urn:jeton:problem:malformed-item"


# --- the same request again ---


@pytest.fixture
def own(service):
    """A service of the test's own, with a field without dedup as `shared` has one."""
    answer = service.operator.post("/v1/fields", {"name": "plain", "dedup": False})
    assert answer.status_code == 201
    return service


def test_what_was_new_is_told_again_as_it_was(own):
    """Known cards, new ones, those of the same body twice, and in a field without dedup."""
    teller = Api(own, own.new_client("teller", ["tokenize", "lookup"]))
    pans = [made_up(i, series="once-new") for i in range(1500)]
    own.app.tokenize_many(pans[::3])
    items = [{"pan": p} for p in pans + pans[:20]] + [{"pan": "4111111111111112"}]
    for field in ("pan", "plain"):
        path, key = f"/v1/fields/{field}/tokenize", fresh()
        body = {"items": items, "tell_new": True}
        first = good(post(teller, path, body, key))
        told = [r.get("new") for r in first["results"]]
        known = [i % 3 == 0 and field == "pan" for i in range(1500)]
        assert told[20:1500] == [not k for k in known[20:]] and told[1520:] == [None]
        # Of the cards that are there twice one is new, unless they were known.
        n_new = [sum(pair) for pair in zip(told[:20], told[1500:1520])]
        assert n_new == [2 if field == "plain" else 0 if k else 1 for k in known[:20]]
        for _ in range(2):
            assert good(post(teller.another(), path, body, key)) == first
        single, key = {"pan": made_up(7, series="once-new-" + field), "tell_new": True}, fresh()
        for _ in range(2):
            assert good(post(teller, path, single, key))["new"] is True


def test_what_was_new_before_a_kill_is_new_in_the_repetition(own):
    """The front dies behind the commit: what the first attempt stored is its own still."""
    teller = Api(own, own.new_client("teller", ["tokenize", "lookup"]))
    pans = [made_up(i, series="once-kill-new") for i in range(100)]
    own.app.tokenize_many(pans[:30])
    body = {"items": [{"pan": p} for p in pans + pans[-5:]], "tell_new": True}
    path, key = "/v1/fields/pan/tokenize", fresh()
    told = [False] * 30 + [True] * 70 + [False] * 5
    kill_behind_commit(own, teller, path, body, key, 70)
    for _ in range(2):
        again = good(post(teller.another(), path, body, key))
        assert [r["new"] for r in again["results"]] == told
