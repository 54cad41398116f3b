# SPDX-License-Identifier: Apache-2.0
"""Numeric tokens: digits that stand for a card number, never twice and never for another card."""

import csv
import random
import statistics
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cards import PUBLISHED, bad_luhn, luhn_digit, made_up
from custody import Custodians
from service import Api, problem, wait_until

EVERYTHING = ["tokenize", "detokenize", "read-masked", "lookup", "delete"]


def field(service, name, leading=6, last=4, luhn="failing", **more):
    token = {"format": "numeric", "leading": leading, "last": last, "luhn": luhn}
    answer = service.operator.post("/v1/fields", {"name": name, "token": token} | more)
    assert answer.status_code == 201, answer.text
    assert answer.json()["token"] == token
    assert answer.json().items() <= service.operator.get(f"/v1/fields/{name}").json().items()
    return name


def luhn_ok(digits):
    return luhn_digit(digits[:-1]) == digits[-1]


def well_formed(token, pan, leading=6, last=4, luhn="failing"):
    assert len(token) == len(pan) and token.isdigit() and token != pan
    assert token.startswith(pan[:leading] if leading else "9")
    assert not last or token.endswith(pan[-last:])
    assert luhn_ok(token) == (luhn == "valid")
    return True


@pytest.fixture(scope="module")
def api(_shared):
    return Api(_shared, _shared.new_client("numeric", EVERYTHING))


@pytest.fixture
def own(make_service):
    """A service of the test's own, with a field and a client that may do everything."""
    service = make_service()
    field(service, "n")
    service.client = Api(service, service.new_client("all", EVERYTHING))
    return service


def tokenize(api, pan, name):
    return api.post(f"/v1/fields/{name}/tokenize", {"pan": pan})


def detokenize(api, token, name):
    return api.post(f"/v1/fields/{name}/detokenize", {"token": token})


FORMS = [
    {"leading": leading, "last": last, "luhn": luhn}
    for leading in (0, 6, 8)
    for last in (0, 4)
    for luhn in ("failing", "valid")
]


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_every_form_gives_tokens_that_lead_back(shared, api, request, form):
    name = field(shared, f"form.{request.node.callspec.id}", **form)
    pans = [made_up(n, length, "form") for length in range(14, 20) for n in range(8)]
    tokens = api.tokenize_many(pans, name)
    assert all(well_formed(t, p, **form) for t, p in zip(tokens, pans))
    assert len(set(tokens)) == len(tokens) and not set(tokens) & set(pans)
    assert api.detokenize_many(tokens, name) == pans
    assert api.tokenize_many(pans, name) == tokens  # one card, one token
    assert api.tokenize(pans[3], name) == tokens[3]
    answer = api.post(f"/v1/fields/{name}/lookup", {"pan": pans[5]})
    assert answer.json() == {"token": tokens[5]}
    answer = api.get(f"/v1/fields/{name}/tokens/{tokens[0]}").json()
    assert answer["token"] == tokens[0] and answer["masked_pan"].endswith(pans[0][-4:])


def test_a_deleted_token_is_unknown_and_its_card_gets_another(shared, api):
    name = field(shared, "deleted")
    pan = made_up(1, series="numeric-deleted")
    token = api.tokenize(pan, name)
    assert api.request("DELETE", f"/v1/fields/{name}/tokens/{token}").status_code == 204
    gone = detokenize(api, token, name)
    never = detokenize(api, token[:6] + "1" + token[7:], name)  # may be malformed: see below
    assert (gone.status_code, problem(gone)) == (404, "token-unknown")
    assert never.content == gone.content
    other = api.tokenize(pan, name)
    assert other != token
    answer = api.post(f"/v1/fields/{name}/delete", {"items": [{"token": other}, {"token": token}]})
    assert [r["status"] for r in answer.json()["results"]] == [200, 404]


def test_what_is_no_token_is_unknown_whatever_it_is(shared, api):
    name, other = field(shared, "unknown"), field(shared, "unknown.other")
    pan = made_up(2, series="numeric-unknown")
    token, foreign = api.tokenize(pan, name), api.tokenize(pan, other)
    answers = [detokenize(api, t, name) for t in (foreign, pan, PUBLISHED[0], "9" * 16, token[:-1])]
    assert {a.content for a in answers} == {answers[0].content}
    assert {(a.status_code, problem(a)) for a in answers} == {(404, "token-unknown")}
    for bad in ("jtk_" + "0" * 26, "1" * 11, "1" * 20, token + " ", "", 7, None):
        answer = detokenize(api, bad, name)
        assert (answer.status_code, problem(answer)) == (422, "token-malformed")
    opaque = shared.app.tokenize(pan)
    answer = detokenize(api, token, "pan")
    assert (answer.status_code, problem(answer)) == (422, "token-malformed")
    assert detokenize(api, opaque, "pan").json() == {"pan": pan}


def test_numbers_without_room_for_a_token_are_refused(shared, api):
    for name, form, short in (
        ("room.8", {"leading": 8}, 13),
        ("room.8v", {"leading": 8, "luhn": "valid"}, 13),
    ):
        field(shared, name, **form)
        for length in range(12, short + 1):
            answer = tokenize(api, made_up(1, length), name)
            assert (answer.status_code, problem(answer)) == (422, "token-space-too-small")
        well_formed(api.tokenize(made_up(1, short + 1), name), made_up(1, short + 1), **form)


def test_a_batch_of_both_kinds_of_fields(shared, api):
    name = field(shared, "both")
    pans = [made_up(n, series="numeric-both") for n in range(300)]
    results = {}

    def run(where):
        results[where] = api.another().tokenize_many(pans, where)

    threads = [threading.Thread(target=run, args=(w,)) for w in (name, "pan")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert api.detokenize_many(results[name], name) == pans
    assert api.detokenize_many(results["pan"], "pan") == pans


def test_without_dedup_each_request_has_a_token(shared, api):
    name = field(shared, "links-nothing", dedup=False)
    pan = made_up(4, series="numeric-dedup")
    tokens = api.tokenize_many([pan] * 20, name)
    assert len(set(tokens)) == 20 and all(well_formed(t, pan) for t in tokens)
    assert api.detokenize_many(tokens, name) == [pan] * 20


def test_the_form_is_chosen_once_and_makes_sense(shared):
    operator, name = shared.operator, field(shared, "chosen")
    answer = operator.request("PATCH", f"/v1/fields/{name}", json={"token": {"format": "opaque"}})
    assert (answer.status_code, problem(answer)) == (400, "unknown-member")
    assert operator.get("/v1/fields/pan").json()["token"] == {"format": "opaque"}
    for token in (
        {"format": "roman"},
        {"format": "numeric", "leading": 7},
        {"format": "numeric", "last": 3},
        {"format": "numeric", "last": "4"},
        {"format": "numeric", "luhn": True},
        {"format": "opaque", "last": 4},
        {"format": 1},
        [],
    ):
        answer = operator.post("/v1/fields", {"name": "no", "token": token})
        assert (answer.status_code, problem(answer)) == (422, "invalid-value"), token
    answer = operator.post("/v1/fields", {"name": "no", "token": {"leading": 6}})
    assert (answer.status_code, problem(answer)) == (400, "missing-member")
    answer = operator.post(
        "/v1/fields", {"name": "no", "kind": "bytes", "token": {"format": "numeric"}}
    )
    assert (answer.status_code, problem(answer)) == (422, "invalid-value")


def test_tokens_that_could_be_cards_need_dedup(shared):
    operator = shared.operator
    valid = {"format": "numeric", "luhn": "valid"}
    for more in (
        {"token": valid},
        {"token": {"format": "numeric"}, "allow_bad_luhn": True},
        {"token": {"format": "numeric"}, "rules": {"luhn_exempt": ["62"]}},
    ):
        answer = operator.post("/v1/fields", {"name": "no", "dedup": False} | more)
        assert (answer.status_code, problem(answer)) == (409, "conflict")
    name = field(shared, "unlinked", dedup=False)
    for patch in ({"allow_bad_luhn": True}, {"rules": {"luhn_exempt": ["62"]}}):
        answer = operator.request("PATCH", f"/v1/fields/{name}", json=patch)
        assert (answer.status_code, problem(answer)) == (409, "conflict")


def test_a_card_that_is_a_token_and_a_token_that_is_a_card(shared, api):
    """In a field of 14 digits with 8 + 4 kept and a right check digit there are ten numbers: all of
    them are cards, and what one has for a token no other can be.
    """
    name = field(shared, "ten", leading=8, luhn="valid")
    begin, end = "41234567", "0123"
    ten = [p for p in (f"{begin}{m:02}{end}" for m in range(100)) if luhn_ok(p)]
    assert len(ten) == 10
    cards, tokens = {}, {}
    for pan in ten:
        answer = tokenize(api, pan, name)
        if answer.status_code == 200:
            token = answer.json()["token"]
            assert token not in tokens and token not in cards and pan not in tokens
            cards[pan], tokens[token] = token, pan
        else:
            assert problem(answer) in ("pan-is-token", "tokens-used-up")
            assert (problem(answer) == "pan-is-token") == (pan in tokens)
    assert len(cards) >= 4
    assert not set(cards) & set(tokens)
    assert all(detokenize(api, t, name).json() == {"pan": p} for t, p in tokens.items())
    # Deleted tokens stay issued: nothing is minted twice, and no token becomes a card.
    for pan, token in cards.items():
        assert api.request("DELETE", f"/v1/fields/{name}/tokens/{token}").status_code == 204
        answer = tokenize(api, token, name)
        assert (answer.status_code, problem(answer)) == (422, "pan-is-token")
    again = {}
    for pan in ten + ten:
        answer = tokenize(api, pan, name)
        if answer.status_code == 200:
            token = answer.json()["token"]
            assert token not in tokens and again.setdefault(token, pan) == pan
    assert len(tokens) + len(again) <= 10


def test_cards_and_tokens_never_meet_under_concurrency(own):
    """Many at once, in one batch and in several, in spaces so small that they would meet."""
    name = field(own, "crowd", leading=6, luhn="valid", rules={"lengths": [12]})
    begin, ends = "412345", [f"{n:04}" for n in range(20)]
    pans = [p for e in ends for p in (f"{begin}{m:02}{e}" for m in range(100)) if luhn_ok(p)]
    outcomes, lock = {}, threading.Lock()

    def run(part):
        api = own.client.another()
        for at in range(0, len(part), 10):
            some = part[at : at + 10]
            answer = api.post(f"/v1/fields/{name}/tokenize", {"items": [{"pan": p} for p in some]})
            assert answer.status_code == 200
            with lock:
                outcomes.update(zip(some, answer.json()["results"]))

    threads = [threading.Thread(target=run, args=(pans[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cards = {p: r["token"] for p, r in outcomes.items() if r["status"] == 200}
    refused = {r["type"].rpartition(":")[2] for r in outcomes.values() if r["status"] != 200}
    assert refused <= {"pan-is-token", "tokens-used-up"}
    tokens = list(cards.values())
    assert len(set(tokens)) == len(tokens) and not set(tokens) & set(cards)
    # Half of them at most; fewer, because cards of one batch are no tokens for each other.
    assert len(cards) >= len(pans) // 5
    assert own.client.detokenize_many(tokens, name) == list(cards)


def test_they_survive_a_roll_and_a_retirement(own):
    pans = [made_up(n, series="numeric-roll") for n in range(50)]
    tokens = own.client.tokenize_many(pans, "n")
    assert own.operator.roll() == 2
    assert own.client.tokenize_many(pans[:10], "n") == tokens[:10]
    more = own.client.tokenize_many([made_up(n, series="numeric-roll-2") for n in range(10)], "n")
    assert own.client.detokenize(tokens[0], "n") == pans[0]
    own.operator.retire(1)
    assert own.rows_under(1) == 0
    assert own.client.detokenize_many(tokens, "n") == pans
    assert own.client.tokenize_many(pans, "n") == tokens
    assert len(own.client.detokenize_many(more, "n")) == 10


def test_an_exchanged_token_opens_nothing(own):
    pans = [made_up(n, series="numeric-tamper") for n in range(4)]
    tokens = own.client.tokenize_many(pans, "n")
    ids = [own.sql("SELECT id FROM numeric_token ORDER BY id")[n][0] for n in range(4)]
    rows = dict(own.sql("SELECT id, digits FROM card WHERE digits IS NOT NULL"))
    token_of = {i: bytes(rows[i]).hex() for i in ids}
    assert sorted(token_of.values()) == sorted(tokens)
    pan_of = {t: p for t, p in zip(tokens, pans)}
    a, b, c, d = ids

    def refused(i):
        answer = detokenize(own.client, token_of[i], "n")
        assert (answer.status_code, problem(answer)) == (500, "undecryptable")

    # the digits of two rows exchanged
    for x, y in ((a, b), (b, a)):
        own.sql("UPDATE card SET digits = %s WHERE id = %s", (rows[y], x))
    refused(a)
    refused(b)
    for x in (a, b):
        own.sql("UPDATE card SET digits = %s WHERE id = %s", (rows[x], x))
    # and a known card does not get a token that its row is not bound to
    own.sql("UPDATE card SET digits = %s WHERE id = %s", (rows[d], c))
    answer = tokenize(own.client, pan_of[token_of[c]], "n")
    assert (answer.status_code, problem(answer)) == (500, "undecryptable")
    own.sql("UPDATE card SET digits = NULL WHERE id = %s", (c,))
    refused(c)
    own.sql("UPDATE card SET digits = %s WHERE id = %s", (rows[c], c))
    # the ids of two tokens exchanged
    own.sql(
        "UPDATE numeric_token SET id = CASE id WHEN %s THEN %s ELSE %s END " "WHERE id IN (%s, %s)",
        (a, b, a, a, b),
    )
    refused(a)
    refused(b)
    assert own.client.detokenize(token_of[d], "n") == pan_of[token_of[d]]
    assert own.operator.counters()["row_alarms"] >= 5


def test_a_database_that_went_back_waits_for_a_word(own):
    old = own.client.tokenize_many([made_up(n, series="numeric-back") for n in range(5)], "n")
    mark = own.sql("SELECT mark FROM numeric_mark")[0][0]
    own.stop()
    own.start()
    assert own.sql("SELECT mark FROM numeric_mark")[0][0] > mark
    lost = own.client.tokenize(made_up(9, series="numeric-back"), "n")
    own.stop()
    # What a restored copy is: it lacks the last token and has the mark of then.
    own.sql("DELETE FROM card WHERE id = (SELECT max(id) FROM numeric_token)")
    own.sql("DELETE FROM numeric_token WHERE id = (SELECT max(id) FROM numeric_token)")
    own.sql("UPDATE numeric_mark SET mark = %s", (mark,))
    own.start()
    answer = tokenize(own.client, made_up(10, series="numeric-back"), "n")
    assert (answer.status_code, problem(answer)) == (503, "numeric-minting-waits")
    # everything else works
    assert len(own.client.detokenize_many(old, "n")) == 5
    assert problem(detokenize(own.client, lost, "n")) == "token-unknown"
    assert own.client.detokenize(own.client.tokenize(made_up(12), "pan"), "pan") == made_up(12)
    ready = own.operator.get("/readyz?verbose")
    assert ready.status_code == 200 and "[-]numeric failed" in ready.text
    assert own.operator.get("/v1/status").json()["numeric_tokens"] is False
    assert own.operator.post("/v1/node/accept-numeric", {}).status_code == 400
    assert own.client.post("/v1/node/accept-numeric", {"reason": "x"}).status_code == 403
    own.jeton("node", "accept-numeric", "--reason", "nobody had the last minute's tokens")
    own.client.tokenize(made_up(10, series="numeric-back"), "n")
    assert "[+]numeric ok" in own.operator.get("/readyz?verbose").text
    acts = own.sql("SELECT object FROM audit WHERE action = 30")
    assert acts == [("nobody had the last minute's tokens",)]
    own.stop()
    own.start()  # and it stays so
    own.client.tokenize(made_up(13, series="numeric-back"), "n")


def test_a_mark_that_falls_while_the_front_runs_stops_minting(own):
    own.client.tokenize(made_up(1, series="numeric-fall"), "n")
    own.sql("UPDATE numeric_mark SET mark = 1")
    answer = tokenize(own.client, made_up(2, series="numeric-fall"), "n")
    assert (answer.status_code, problem(answer)) == (503, "numeric-minting-waits")
    wait_until(lambda: "[-]numeric" in own.operator.get("/readyz?verbose").text, "it is told")
    own.operator.post("/v1/node/accept-numeric", {"reason": "a test"})
    own.client.tokenize(made_up(2, series="numeric-fall"), "n")


def test_what_was_let_in_by_older_rules_is_never_a_token(own):
    """90 tokens of 14 digits; while wrong check digits were taken, half of them became cards."""
    name = field(own, "was-lenient", leading=8, rules={"lengths": [14]})
    begin, end = "41234567", "0123"
    every = [f"{begin}{m:02}{end}" for m in range(100)]
    wrong, right = [p for p in every if not luhn_ok(p)], [p for p in every if luhn_ok(p)]
    path = f"/v1/fields/{name}"
    assert own.operator.request("PATCH", path, json={"allow_bad_luhn": True}).status_code == 200
    cards = set()
    for pan in wrong[:45]:
        answer = tokenize(own.client, pan, name)
        assert answer.status_code == 200 or problem(answer) == "pan-is-token"
        cards |= {pan} if answer.status_code == 200 else set()
    assert own.operator.request("PATCH", path, json={"allow_bad_luhn": False}).status_code == 200
    answer = tokenize(own.client, wrong[50], name)
    assert (answer.status_code, problem(answer)) == (422, "pan-bad-luhn")
    for pan in right:
        answer = tokenize(own.client, pan, name)
        if answer.status_code == 200:
            assert answer.json()["token"] not in cards
        else:
            assert problem(answer) == "tokens-used-up"
    assert own.sql("SELECT token_form & 16 FROM field WHERE name = %s", (name,)) == [(16,)]


def test_bad_luhn_where_tokens_could_be_cards(shared, api):
    name = field(shared, "bad-luhn", leading=8, allow_bad_luhn=True, rules={"lengths": [14]})
    pan = bad_luhn(1, 14, "numeric-bad-luhn")
    token = api.tokenize(pan, name)
    well_formed(token, pan, leading=8)
    answer = tokenize(api, token, name)
    assert (answer.status_code, problem(answer)) == (422, "pan-is-token")
    answer = api.post(f"/v1/fields/{name}/lookup", {"pan": token})
    assert (answer.status_code, problem(answer)) == (404, "card-unknown")


def test_a_request_is_done_once_with_numeric_tokens_too(shared, api):
    for name, more in (("once", {}), ("once.plain", {"dedup": False})):
        field(shared, name, **more)
        pans = [made_up(n, series="numeric-once") for n in range(5)]
        body = {"items": [{"pan": p} for p in pans]}
        key = {"Idempotency-Key": f"numeric-{name}"}
        first, again = (
            api.post(f"/v1/fields/{name}/tokenize", body, headers=key) for _ in range(2)
        )
        assert first.status_code == 200 and again.content == first.content
        tokens = [r["token"] for r in first.json()["results"]]
        assert all(well_formed(t, p) for t, p in zip(tokens, pans))
        body = {"items": [{"token": t} for t in tokens]}
        key = {"Idempotency-Key": f"numeric-gone-{name}"}
        first, again = (api.post(f"/v1/fields/{name}/delete", body, headers=key) for _ in range(2))
        assert {r["status"] for r in first.json()["results"]} == {200}
        assert again.content == first.content


def test_the_command_line_makes_such_fields_and_does_whole_files(own, tmp_path):
    out = own.jeton(
        "field", "add", "cli", "--numeric", "--keep-leading", "8", "--keep-last", "0",
        "--luhn-valid",
    )  # fmt: skip
    assert "numeric tokens: keep-leading 8, keep-last 0, check digit right" in out.stdout
    assert own.operator.get("/v1/fields/cli").json()["token"] == {
        "format": "numeric", "leading": 8, "last": 0, "luhn": "valid",
    }  # fmt: skip
    for wrong in (["--keep-leading", "7"], ["--keep-last", "44"]):
        assert own.jeton("field", "add", "no", "--numeric", *wrong, check=False).returncode == 64
    answer = own.jeton("field", "add", "no", "--keep-last", "4", check=False)
    assert answer.returncode != 0 and "format numeric" in answer.stderr
    pans = [made_up(n, 14 + n % 6, "numeric-csv") for n in range(700)]
    cards, tokens, back = (tmp_path / n for n in ("cards.csv", "tokens.csv", "back.csv"))
    cards.write_text("id,pan\n" + "".join(f"{n},{p}\n" for n, p in enumerate(pans)))
    key_file = tmp_path / "app.key"
    key_file.write_text(own.client.key + "\n")
    key_file.chmod(0o600)
    for verb, source, target in (("tokenize", cards, tokens), ("detokenize", tokens, back)):
        own.jeton(
            verb, "--field", "cli", "--column", "pan", "--in", source, "--out", target,
            "--rejects", tmp_path / f"{verb}.rejects", key_file=key_file,
        )  # fmt: skip
    with tokens.open() as file:
        made = [row["pan"] for row in csv.DictReader(file)]
    assert all(well_formed(t, p, 8, 0, "valid") for t, p in zip(made, pans))
    assert back.read_text() == cards.read_text()
    told = own.jeton("audit", made[0], "--field", "cli")
    assert "all" in told.stdout.split()


def test_the_database_never_hears_what_could_be_a_card_number(own, cluster):
    """Whoever sends a card number where a token belongs has not sent it any further."""
    own.sql(f"ALTER DATABASE {own.database} SET log_min_duration_statement = 0")
    own.sql(f"ALTER DATABASE {own.database} SET log_parameter_max_length = -1")
    field(own, "v", luhn="valid", last=0)
    own.stop()
    own.start()
    pans = [made_up(n, series="numeric-heard") for n in range(20)]
    for name in ("n", "v"):
        for pan in pans:
            assert problem(detokenize(own.client, pan, name)) == "token-unknown"
            where = f"/v1/fields/{name}/tokens/{pan}"
            assert own.client.get(where).status_code == 404
            assert own.client.request("DELETE", where).status_code == 404
        tokens = own.client.tokenize_many(pans, name)
        assert own.client.detokenize_many(tokens, name) == pans
    heard = b"".join(path.read_bytes() for path in own.logs())
    assert b"read_numeric" in heard or b"numeric_token" in heard
    for pan in pans:
        assert pan.encode() not in heard and pan not in heard.decode("utf-8", "replace")
        assert pan.encode("ascii").hex().encode() not in heard


def seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def test_deleted_tokens_take_the_time_of_those_that_never_were(shared, api):
    name = field(shared, "timing", last=0)
    pans = [made_up(n, series="numeric-timing") for n in range(50)]
    gone = api.tokenize_many(pans, name)
    other = field(shared, "timing.other", last=0)
    foreign = api.tokenize_many(pans, other)
    api.post(f"/v1/fields/{name}/delete", {"items": [{"token": t} for t in gone]})
    random.seed(1)

    def ask(tokens):
        return seconds(lambda: detokenize(api, random.choice(tokens), name))

    # One of each in turn, so that whatever else this machine does hits both alike.
    took = [(ask(gone), ask(foreign)) for _ in range(600)]
    deleted, never = (statistics.median(column) for column in zip(*took))
    print(f"deleted {deleted * 1e6:.0f} us, never issued {never * 1e6:.0f} us")
    assert 0.7 < deleted / never < 1.4


@st.composite
def cards_and_forms(draw):
    form = draw(st.sampled_from(FORMS))
    length = draw(st.integers(14, 19))
    body = draw(st.text("0123456789", min_size=length - 1, max_size=length - 1))
    return form, body + luhn_digit(body)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(cards_and_forms())
def test_any_card_in_any_form_comes_back(shared, api, case):
    form, pan = case
    name = f"any.{form['leading']}.{form['last']}.{form['luhn']}"
    if shared.operator.get(f"/v1/fields/{name}").status_code == 404:
        field(shared, name, **form)
    answer = tokenize(api, pan, name)
    if answer.status_code == 422:  # of few: it was issued as a token before
        assert problem(answer) == "pan-is-token" and form["luhn"] == "valid"
        return
    token = answer.json()["token"]
    assert well_formed(token, pan, **form)
    assert detokenize(api, token, name).json() == {"pan": pan}
    assert tokenize(api, pan, name).json() == {"token": token}


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.one_of(st.text(max_size=40), st.text("0123456789", max_size=22), st.integers(0, 2**62)))
def test_whatever_is_sent_as_a_token_is_refused(shared, api, text):
    if shared.operator.get("/v1/fields/any").status_code == 404:
        field(shared, "any")
    answer = detokenize(api, text, "any")
    digits = isinstance(text, str) and text.isascii() and text.isdigit() and 12 <= len(text) <= 19
    expected = (404, "token-unknown") if digits else (422, "token-malformed")
    assert (answer.status_code, problem(answer)) == expected
    assert not digits or text not in answer.text


def test_nobody_is_told_where_no_field_has_numeric_tokens(make_service):
    service = make_service()
    service.sql("UPDATE numeric_mark SET mark = 0 + 1")
    service.stop()
    service.start()
    status = service.operator.get("/v1/status").json()
    assert status["numeric_tokens"] is True
    assert "numeric" not in service.jeton("status").stdout.replace("numeric_", "").lower()
    field(service, "first")
    wait_until(
        lambda: "[-]numeric" in service.operator.get("/readyz?verbose").text, "it is told then"
    )
    client = Api(service, service.new_client("all", EVERYTHING))
    answer = tokenize(client, made_up(1), "first")
    assert (answer.status_code, problem(answer)) == (503, "numeric-minting-waits")


def test_an_older_copy_of_the_database_is_known_for_what_it_is(own):
    """A backup, taken while the front was down, comes back after one more token was issued. The
    whole node waits for custodians, and numeric tokens for an operator's word besides.
    """
    custodians = Custodians(own, "alice", "bob")
    assert custodians.enroll().returncode == 0
    own.client.tokenize(made_up(1, series="numeric-copy"), "n")
    own.stop()
    copy, name = f"{own.database}_old", own.database
    own.cluster.sql("postgres", f"CREATE DATABASE {copy} TEMPLATE {name} OWNER jeton")
    own.start()
    lost = own.client.tokenize(made_up(2, series="numeric-copy"), "n")
    own.stop()
    own.cluster.sql("postgres", f"DROP DATABASE {name}")
    own.cluster.sql("postgres", f"ALTER DATABASE {copy} RENAME TO {name}")
    own.start_keeper().start_front()
    custodians.recover()
    answer = tokenize(own.client, made_up(3, series="numeric-copy"), "n")
    assert (answer.status_code, problem(answer)) == (503, "numeric-minting-waits")
    assert problem(detokenize(own.client, lost, "n")) == "token-unknown"
    status = own.jeton("status")
    assert "NUMERIC TOKENS WAIT" in status.stdout
    own.jeton("node", "accept-numeric", "--reason", "the backup is all there is")
    own.client.tokenize(made_up(3, series="numeric-copy"), "n")
    assert "NUMERIC" not in own.jeton("status").stdout
