# SPDX-License-Identifier: Apache-2.0
"""Cards that cannot be moved: by cause, by token, and what becomes of them."""

import pytest

from cards import made_up
from service import Api, problem, wait_until


@pytest.fixture
def rolled(service):
    service.pans = [made_up(n, series="stuck") for n in range(40)]
    service.tokens = service.app.tokenize_many(service.pans)
    service.operator.roll()
    return service


def spoil(service, token, change):
    """Changes the row of a token as somebody with the database would."""
    done = service.sql(
        f"UPDATE card SET {change} WHERE id = %s RETURNING id", (service.id_of(token),)
    )
    assert len(done) == 1


FLIP = "envelope = set_byte(envelope, 20, get_byte(envelope, 20) # 1)"


def held_up(service, n, generation=1):
    """The retirement, once it has met `n` cards that cannot be moved and nothing else is left."""

    def met():
        state = service.operator.retirement(generation)
        return state["rows_stuck"] == n and state["rows_left"] == n and state

    return wait_until(met, f"{n} cards hold it up")


def listed(service, generation=1, query=""):
    answer = service.operator.get(f"/v1/generations/{generation}/stuck{query}")
    assert answer.status_code == 200
    return answer.json()


def test_every_cause_is_counted_and_listed_by_token(rolled):
    service = rolled
    corrupt, foreign, field, misplaced, *_ = service.tokens
    spoil(service, corrupt, FLIP)
    spoil(
        service, foreign, "envelope = substr(envelope, 1, 1) || repeat('not an envelope', 2)::bytea"
    )
    spoil(service, field, "field = 77")
    spoil(service, misplaced, "bucket = 3")
    service.operator.start_retirement(1)
    state = held_up(service, 4)
    assert state["stuck"] == {
        "corrupt": 1,
        "foreign-bytes": 1,
        "field-unknown": 1,
        "misplaced": 1,
    }
    assert state["state"] == "draining"
    cards = listed(service)["cards"]
    assert {(c["token"], c["cause"], c["field"]) for c in cards} == {
        (corrupt, "corrupt", "pan"),
        (foreign, "foreign-bytes", "pan"),
        (None, "field-unknown", None),
        (misplaced, "misplaced", "pan"),
    }
    assert all(c["first_seen_at"] for c in cards)
    wait_until(
        lambda: all(f"1 {cause}" in service.front_log.read_text() for cause in state["stuck"]),
        "the log names each cause",
    )
    assert service.app.detokenize_many(service.tokens[4:]) == service.pans[4:]


def test_an_older_copy_put_back_holds_up_no_other(rolled):
    """It opens, and what it would move to stands there already."""
    service = rolled
    token = service.tokens[20]
    row = service.sql(
        "SELECT id, field, fp, envelope FROM card WHERE id = %s", (service.id_of(token),)
    )[0]
    assert service.app.detokenize(token) == service.pans[20]
    wait_until(lambda: service.rows_under(1) == 39, "the row moves behind the reply")
    service.sql("INSERT INTO card (id, field, fp, envelope) VALUES (%s, %s, %s, %s)", row)
    service.operator.start_retirement(1)

    def met():
        return service.operator.retirement(1)["stuck"] == {"stored-twice": 1}

    wait_until(met, "the copy is met")
    wait_until(lambda: service.rows_under(1) == 1, "all others move")
    assert [c["token"] for c in listed(service)["cards"]] == [token]
    service.sql("DELETE FROM card WHERE key_id = %s", (service.key_id(1),))
    service.operator.wait_certified(1)


def test_pages_follow_one_another(rolled):
    service = rolled
    for token in service.tokens[:7]:
        spoil(service, token, FLIP)
    service.operator.start_retirement(1)
    held_up(service, 7)
    first = listed(service, query="?limit=3")
    second = listed(service, query=f"?limit=3&cursor={first['next']}")
    third = listed(service, query=f"?limit=3&cursor={second['next']}")
    assert third["next"] is None
    found = [c["token"] for page in (first, second, third) for c in page["cards"]]
    assert sorted(found) == sorted(service.tokens[:7])
    bad = service.operator.get("/v1/generations/1/stuck?cursor=x")
    assert (bad.status_code, problem(bad)) == (422, "invalid-value")


def test_what_was_mended_or_deleted_moves_on_at_once(rolled):
    service = rolled
    mended, deleted = service.tokens[:2]
    spoil(service, mended, FLIP)
    spoil(service, deleted, FLIP)
    service.operator.start_retirement(1)
    held_up(service, 2)
    spoil(service, mended, FLIP)
    state = held_up(service, 1)
    assert state["stuck"] == {"corrupt": 1}
    assert [c["token"] for c in listed(service)["cards"]] == [deleted]
    assert service.app.detokenize(mended) == service.pans[0]
    remover = Api(service, service.new_client("remover", ["delete"]))
    gone = remover.request("DELETE", f"/v1/fields/pan/tokens/{deleted}")
    assert gone.status_code == 204
    final = service.operator.wait_certified(1)
    assert final["rows_left"] == 0 and final["rows_stuck"] == 0
    assert service.sql("SELECT count(*) FROM stuck_card")[0][0] == 0


def test_the_command_line_says_what_holds_it_up_and_ends(rolled):
    service = rolled
    spoil(service, service.tokens[5], FLIP)
    done = service.jeton("keys", "retire", "1", "--wait", check=False)
    assert done.returncode == 3
    assert "1 rows cannot be moved and keep generation 1 from retiring: 1 corrupt" in done.stderr
    table = service.jeton("keys", "stuck", "1")
    assert service.tokens[5] in table.stdout and "corrupt" in table.stdout


def test_without_a_retirement_nothing_is_stuck(service):
    answer = service.operator.get("/v1/generations/1/stuck")
    assert (answer.status_code, problem(answer)) == (404, "not-found")


# -- repair

LOSE = "fp = md5(fp::text)::uuid"


def test_a_damaged_fingerprint_is_mended_and_the_card_moves(rolled):
    service = rolled
    for token in service.tokens[:3]:
        spoil(service, token, LOSE)
    spoil(service, service.tokens[3], FLIP)
    spoil(service, service.tokens[4], "bucket = 9")
    service.operator.start_retirement(1)
    held_up(service, 5)
    answer = service.app.post("/v1/fields/pan/detokenize", {"token": service.tokens[0]})
    assert answer.status_code >= 400
    done = service.jeton("repair", "1", check=False)
    assert done.returncode == 3
    assert done.stdout == "4 cards mended, 1 left that nothing mends\n"
    state = held_up(service, 1)
    assert state["stuck"] == {"corrupt": 1}
    good = service.tokens[:3] + service.tokens[4:]
    assert service.app.detokenize_many(good) == service.pans[:3] + service.pans[4:]
    # The fingerprint finds the card again: it keeps its one token.
    assert service.app.tokenize_many(service.pans[:3]) == service.tokens[:3]
    trail = service.sql("SELECT client, object, n_done, ids FROM audit WHERE action = 58")
    assert len(trail) == 4 and {row[1] for row in trail} == {"1"}
    ids = {int.from_bytes(bytes(row[3]), "big") for row in trail}
    assert ids == set(service.ids_of([*service.tokens[:3], service.tokens[4]]))
    spoil(service, service.tokens[3], FLIP)
    service.operator.wait_certified(1)
    assert service.app.detokenize_many(service.tokens) == service.pans


def test_a_card_that_came_again_meanwhile_is_not_joined(rolled):
    """While its fingerprint was damaged the card was stored anew: two tokens, and it is said so."""
    service = rolled
    spoil(service, service.tokens[0], LOSE)
    again = service.app.tokenize(service.pans[0])
    assert again != service.tokens[0]
    service.operator.start_retirement(1)
    held_up(service, 1)
    assert service.jeton("repair", "1").stdout.startswith("1 cards mended, 0 left")
    wait_until(
        lambda: service.operator.retirement(1)["stuck"] == {"stored-twice": 1},
        "it cannot move beside its twin",
    )
    both = [service.tokens[0], again]
    assert service.app.detokenize_many(both) == [service.pans[0]] * 2
    remover = Api(service, service.new_client("remover", ["delete"]))
    assert remover.request("DELETE", f"/v1/fields/pan/tokens/{again}").status_code == 204
    service.operator.wait_certified(1)
    assert service.app.detokenize(service.tokens[0]) == service.pans[0]


def test_what_somebody_holds_is_mended_the_next_time(rolled):
    service = rolled
    spoil(service, service.tokens[0], LOSE)
    service.operator.start_retirement(1)
    held_up(service, 1)
    holder = service.connect()
    holder.autocommit = False
    holder.cursor().execute(
        "SELECT 1 FROM card WHERE id = %s FOR UPDATE", (service.id_of(service.tokens[0]),)
    )
    answer = service.operator.post("/v1/generations/1/repair").json()
    assert (answer["mended"], answer["left"]) == (0, 1)
    holder.rollback()
    holder.close()
    answer = service.operator.post("/v1/generations/1/repair").json()
    assert (answer["mended"], answer["left"]) == (1, 0)
    service.operator.wait_certified(1)


def test_repair_counts_against_the_ceiling_on_opened_cards(make_service):
    service = make_service(options={"keeper_open_per_day": 2})
    tokens = service.app.tokenize_many([made_up(n, series="few") for n in range(4)])
    service.operator.roll()
    for token in tokens:
        spoil(service, token, LOSE)
    service.operator.start_retirement(1)
    held_up(service, 4)
    answer = service.operator.post("/v1/generations/1/repair").json()
    assert answer == {"mended": 2, "left": 0, "held_back": 2, "more": False}


def test_it_takes_a_retirement_and_its_permission(service):
    answer = service.operator.post("/v1/generations/1/repair")
    assert (answer.status_code, problem(answer)) == (404, "not-found")
    answer = service.app.post("/v1/generations/1/repair")
    assert (answer.status_code, problem(answer)) == (403, "forbidden")
