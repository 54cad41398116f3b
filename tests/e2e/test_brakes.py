# SPDX-License-Identifier: Apache-2.0
"""Guess brakes: who knows the first six and the last four digits of a card cannot walk through the
numbers that are left; who has real cards never notices.
"""

import struct
import time

import pytest

import kdf
from cards import luhn_digit, made_up
from primitives import cmac
from service import Api, problem, wait_until

LOOKUP = "/v1/fields/pan/lookup"
TOKENIZE = "/v1/fields/pan/tokenize"


@pytest.fixture(autouse=True)
def not_at_midnight():
    """What is counted by the day is compared within one."""
    if 86400 - time.time() % 86400 < 90:
        wait_until(lambda: 86400 - time.time() % 86400 > 90, "the next day", 120, 1)


def alike(n, bin_="411111", last="1111", start=0):
    """Good numbers that agree in the first six and the last four digits."""
    found, middle = [], start
    while len(found) < n:
        pan = f"{bin_}{middle:06d}{last}"
        if luhn_digit(pan[:-1]) == pan[-1]:
            found.append(pan)
        middle += 1
    return found


def client(service, name, *permissions):
    return Api(service, service.new_client(name, list(permissions)))


def ask(api, path, pans):
    """The statuses of a batch."""
    answer = api.post(path, {"items": [{"pan": p} for p in pans]})
    assert answer.status_code == 200, answer.text
    assert all(
        r["type"] == "urn:jeton:problem:guess-brake"
        for r in answer.json()["results"]
        if r["status"] == 429
    )
    return [r["status"] for r in answer.json()["results"]]


def front(service, **options):
    service.front.stop()
    service.configure(**{f"front_{k}": v for k, v in options.items()})
    service.start_front()
    service.wait_ready()


def guesses(service):
    return service.sql("SELECT n FROM guess ORDER BY n DESC")


def brake_rows(service, name):
    return service.sql(
        "SELECT n_items, object, result FROM audit WHERE action = 47 AND client = %s", (name,)
    )


def test_a_guesser_is_stopped_and_learns_nothing_more(service):
    front(service, guess_lookup=40)
    cards = alike(200)
    known = [cards[20], cards[150]]
    tokens = service.app.tokenize_many(known)
    finder = client(service, "finder", "lookup")
    before = service.operator.counters()
    # 41 in vain, of which the last comes behind the limit; the known one before it is found
    statuses = ask(finder, LOOKUP, cards[:60])
    assert statuses == [404] * 20 + [200] + [404] * 20 + [429] * 19
    # neither one that would be found, nor one that was asked before, nor one that is in vain
    assert ask(finder, LOOKUP, [known[1], cards[0], cards[199]]) == [429] * 3
    single = finder.post(LOOKUP, {"pan": known[0]})
    assert (single.status_code, problem(single)) == (429, "guess-brake")
    left = 86400 - time.time() % 86400
    assert abs(int(single.headers["Retry-After"]) - left) < 60
    assert known[0] not in single.text
    # cards of other classes are served, in the same batch too
    other = made_up(1)
    token = service.app.tokenize(other)
    mixed = finder.post(LOOKUP, {"items": [{"pan": other}, {"pan": known[0]}]}).json()["results"]
    assert [r["status"] for r in mixed] == [200, 429] and mixed[0]["token"] == token
    # another client, and another permission of the same data
    assert ask(client(service, "second", "lookup"), LOOKUP, [known[0]]) == [200]
    assert service.app.detokenize(tokens[0]) == known[0]
    after = service.operator.counters()
    assert after["guess_lookup_refused"] - before["guess_lookup_refused"] == 19 + 3 + 1 + 1
    log = service.front_log.read_text()
    assert log.count("alarm: client finder may be guessing card numbers: it looked up") == 1
    wait_until(lambda: len(brake_rows(service, "finder")) > 0, "it is recorded")
    assert {r[1:] for r in brake_rows(service, "finder")} == {("lookup", 429)}
    assert not any(c in log for c in cards)


def test_the_same_card_again_is_no_other_guess(service):
    front(service, guess_lookup=8)
    finder = client(service, "finder", "lookup")
    cards = alike(9)
    for _ in range(5):
        assert ask(finder, LOOKUP, cards[:7] * 3) == [404] * 21
    assert ask(finder, LOOKUP, cards) == [404] * 8 + [429]


def test_restarts_do_not_give_another_day(service):
    front(service, guess_lookup=8)  # so low that each one goes to the database
    finder = client(service, "finder", "lookup")
    cards = alike(20)
    assert ask(finder, LOOKUP, cards[:8]) == [404] * 8
    wait_until(lambda: guesses(service) == [(8,)], "the database has them")
    service.front.kill()
    service.start_front()
    service.wait_ready()
    assert ask(finder, LOOKUP, cards[8:]) == [429] * 12
    service.keeper.kill()
    service.front.stop()
    service.start()
    service.wait_ready()
    assert ask(finder, LOOKUP, cards[:1]) == [429]
    # Nothing of a card is in the table: one row, a MAC and a number.
    assert service.sql("SELECT count(*), min(octet_length(uuid_send(class))) FROM guess") == [
        (1, 16)
    ]


def class_mac(service, act, client_name, pan):
    """As docs/data-format.md says."""
    key = kdf.from_service_root(service.service_root(), "mac-guess")
    name = client_name.encode()
    head = struct.pack(">BBIB", 1, act, int(time.time()) // 86400, len(name)) + name
    return cmac(key, head + bytes([len(pan)]) + (pan[:6] + pan[-4:]).encode())


def test_what_another_node_counted_holds_here(service):
    front(service, guess_lookup=30)  # so that two at a time go to the database
    finder = client(service, "finder", "lookup")
    cards = alike(40)
    assert ask(finder, LOOKUP, cards[:2]) == [404] * 2
    wait_until(lambda: guesses(service) == [(2,)], "the database has them")
    row = service.sql("SELECT uuid_send(class), n FROM guess")[0]
    assert (row[0].tobytes(), row[1]) == (class_mac(service, 1, "finder", cards[0]), 2)
    service.sql("UPDATE guess SET n = n + 25")  # another node's
    assert ask(finder, LOOKUP, cards[2:4]) == [404] * 2
    wait_until(lambda: guesses(service) == [(29,)], "they were added")
    # 29 of 30, which the front learns with the answer to what it added: one is left, or one or two
    # more for whoever is faster than that answer.
    answered = [ask(finder, LOOKUP, [c])[0] for c in cards[4:]]
    left = answered.index(429)
    assert 1 <= left <= 4 and answered == [404] * left + [429] * (len(answered) - left)


def test_without_the_database_a_front_counts_for_itself(service):
    front(service, guess_lookup=8)
    finder = client(service, "finder", "lookup")
    service.sql("ALTER TABLE guess RENAME TO guess_gone")
    cards = alike(20)
    assert ask(finder, LOOKUP, cards) == [404] * 8 + [429] * 12
    wait_until(
        lambda: "guesses are counted in this front's memory only" in service.front_log.read_text(),
        "the log says so",
    )
    service.sql("ALTER TABLE guess_gone RENAME TO guess")
    wait_until(lambda: guesses(service) == [(8,)], "they are made up for")


def test_a_database_that_refuses_is_asked_once_a_second(service):
    front(service, guess_lookup=1)  # so low that each class goes to the database at once
    service.sql("CREATE SEQUENCE jeton.attempts")  # what is drawn from it stays drawn
    service.sql(
        "CREATE FUNCTION jeton.refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "$$BEGIN PERFORM nextval('jeton.attempts'); RAISE 'not now'; END$$"
    )
    service.sql(
        "CREATE TRIGGER refuse BEFORE INSERT ON guess FOR EACH STATEMENT "
        "EXECUTE FUNCTION jeton.refuse()"
    )
    finder = client(service, "finder", "lookup")
    cards = [made_up(i, series="many") for i in range(6000)]  # more than one statement takes
    assert set(ask(finder, LOOKUP, cards)) == {404}

    def attempts():
        return service.sql("SELECT last_value FROM jeton.attempts")[0][0]

    before = wait_until(lambda: n if (n := attempts()) > 1 else None, "it was refused")
    start = time.monotonic()
    wait_until(lambda: attempts() >= before + 3, "it was refused again")
    assert time.monotonic() - start > 1.5
    service.sql("DROP TRIGGER refuse ON guess")
    wait_until(lambda: len(guesses(service)) == 6000, "they are made up for")


def test_a_merchant_never_notices(service):
    cards = [made_up(i, series="merchant") for i in range(3000)]
    # of one BIN, as many in a class as 10 million cards over 50 BINs have, three times over
    cards += [p for last in range(1000, 1010) for p in alike(60, last=str(last))]
    finder = client(service, "finder", "lookup")
    assert set(ask(finder, LOOKUP, cards)) == {404}
    assert set(ask(service.app, TOKENIZE, cards)) == {200}
    assert set(ask(finder, LOOKUP, cards)) == {200}
    assert "alarm" not in service.front_log.read_text()


def test_new_cards_of_one_class_are_held_within_a_quarter_of_the_limit(service):
    front(service, guess_tokenize=40)
    cards = alike(400)
    seller = client(service, "seller", "tokenize")
    statuses = ask(seller, TOKENIZE, cards)
    stored = statuses.count(200)
    assert 30 <= stored <= 40 and statuses == [200] * stored + [429] * (400 - stored)
    assert service.sql("SELECT count(*) FROM card") == [(stored,)]
    # those that are stored are held as well: a refusal does not tell which of them are
    assert ask(seller, TOKENIZE, cards[:3] + cards[-3:]) == [429] * 6
    other = [made_up(i, series="seller") for i in range(5)]
    statuses = ask(seller, TOKENIZE, [x for pair in zip(other, cards) for x in pair])
    assert statuses == [200, 429] * 5
    single = seller.post(TOKENIZE, {"pan": cards[0]})
    assert (single.status_code, problem(single)) == (429, "guess-brake")
    assert int(single.headers["Retry-After"]) > 0
    # tokenize and lookup are counted apart, and so are clients
    assert ask(service.app, TOKENIZE, cards[:1]) == [200]
    assert ask(client(service, "finder", "lookup"), LOOKUP, cards[:1]) == [200]
    # the audit says how many were stored
    asked, done = service.sql(
        "SELECT sum(n_items), sum(n_done) FROM audit WHERE action = 1 AND client = 'seller'"
    )[0]
    assert done == stored + 5 and asked == 400 + 10
    wait_until(lambda: len(brake_rows(service, "seller")) > 0, "it is recorded")
    assert {r[1] for r in brake_rows(service, "seller")} == {"tokenize"}


def test_the_same_card_many_times_is_served_and_tells_nothing(service):
    """Who stored one card of a class cannot read from a batch of it how many others were new."""
    front(service, guess_tokenize=40)
    known, *cards = alike(29)  # there is room for 30 at least, of which the last closes the class
    seller = client(service, "seller", "tokenize")
    assert ask(seller, TOKENIZE, [known] * 1500) == [200] * 1500
    for card in cards:
        assert ask(seller, TOKENIZE, [card]) == [200]
        assert ask(seller, TOKENIZE, [known] * 60) == [200] * 60
    assert ask(seller, TOKENIZE, ([known] + cards) * 20) == [200] * 580
    assert "alarm" not in service.front_log.read_text()


def test_what_a_probe_tells_it_tells_once_a_day(service):
    front(service, guess_tokenize=0)
    cards = alike(120)
    service.app.tokenize_many(cards[:100])
    front(service, guess_tokenize=40)
    seller = client(service, "seller", "tokenize")
    # known cards only, but more different ones than there is room for: it shows how much that is
    statuses = ask(seller, TOKENIZE, cards[:100])
    room = statuses.count(200)
    assert 30 <= room <= 40 and statuses == [200] * room + [429] * (100 - room)
    # and then the class is closed: nobody reads it before and after a card that may be new
    assert ask(seller, TOKENIZE, [cards[0], cards[110]]) == [429] * 2
    assert ask(seller, TOKENIZE, cards[:100]) == [429] * 100
    assert ask(seller, TOKENIZE, [made_up(1)]) == [200]
    wait_until(lambda: (40,) in guesses(service), "other nodes know")
    service.front.kill()
    service.start_front()
    service.wait_ready()
    assert ask(seller, TOKENIZE, [cards[0], cards[110]]) == [429] * 2
    assert service.sql("SELECT count(*) FROM card") == [(100 + 1,)]


def test_a_known_card_is_no_guess_and_neither_is_one_in_a_field_without_dedup(service):
    front(service, guess_tokenize=20)
    cards = alike(7)
    for _ in range(4):
        assert ask(service.app, TOKENIZE, cards) == [200] * 7
    service.operator.post("/v1/fields", {"name": "plain", "dedup": False})
    assert ask(service.app, "/v1/fields/plain/tokenize", alike(60)) == [200] * 60


def test_no_limit_means_none(service):
    front(service, guess_lookup=0, guess_tokenize=0)
    finder = client(service, "finder", "lookup")
    assert set(ask(finder, LOOKUP, alike(2000))) == {404}
    assert set(ask(service.app, TOKENIZE, alike(2000))) == {200}
    assert guesses(service) == []


def test_old_days_are_forgotten(service):
    today = int(time.time()) // 86400
    for day in (today, today - 1, today - 2, today - 3):
        service.sql("INSERT INTO guess VALUES (%s, gen_random_uuid(), 5)", (day,))
    service.front.stop()
    service.start_front()  # the first thing that its duty does
    wait_until(
        lambda: service.sql("SELECT day FROM guess ORDER BY day") == [(today - 1,), (today,)],
        "they are gone",
    )


def test_they_hold_where_tokens_are_numeric(make_service):
    service = make_service(options={"front_guess_tokenize": 20})
    answer = service.operator.post("/v1/fields", {"name": "n", "token": {"format": "numeric"}})
    assert answer.status_code == 201
    api = client(service, "numeric", "tokenize", "detokenize")
    others = [made_up(n, series="beside") for n in range(20)]
    guessed = alike(60)
    pans = [p for pair in zip(guessed[:20], others) for p in pair] + guessed[20:]
    path, body = "/v1/fields/n/tokenize", {"items": [{"pan": p} for p in pans]}
    for _ in range(2):
        results = api.post(path, body).json()["results"]
    statuses = [r["status"] for r in results]
    assert set(statuses) == {200, 429} and statuses.count(429) >= 20
    assert statuses[1:40:2] == [200] * 20
    good = [(p, r["token"]) for p, r in zip(pans, results) if r["status"] == 200]
    assert [len(t) for _, t in good] == [16] * len(good)
    assert api.detokenize_many([t for _, t in good], "n") == [p for p, _ in good]
