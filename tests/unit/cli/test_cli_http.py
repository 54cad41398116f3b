# SPDX-License-Identifier: Apache-2.0
"""Single requests, against the scripted server: what is sent, and what is printed of the answer."""

import json
import re

from scripted import problem


def test_field_add_sends_what_was_asked(script):
    script.reply = lambda *_: (
        201,
        {"name": "pan", "id": 1, "kind": "pan", "dedup": True, "allow_bad_luhn": False},
    )
    script.jeton("field", "add", "pan", "--no-dedup", "--allow-bad-luhn")
    assert json.loads(script.requests[0][3]) == {
        "name": "pan",
        "dedup": False,
        "allow_bad_luhn": True,
        "mask_digits": 6,
        "kind": "pan",
    }
    script.jeton("field", "add", "pan", "--mask-eight")
    assert json.loads(script.requests[1][3])["mask_digits"] == 8
    assert json.loads(script.jeton("field", "add", "pan", "--json").out)["id"] == 1


def test_field_rules_are_sent_as_far_as_they_are_said(script):
    rules = {
        "luhn_exempt": ["62"],
        "lengths": [16],
        "leading_zeros": "strip",
        "refuse_all_zeros": True,
        "refuse_test_cards": False,
        "normalise": True,
        "max_lifetime": 34560000,
    }
    script.reply = lambda *_: (200, {"name": "pan", "id": 1, "kind": "pan", "rules": rules})
    words = ["--luhn-exempt", "8171,62", "--lengths", "19,12-14", "--test-cards", "accept"]
    done = script.jeton("field", "change", "pan", *words)
    script.jeton("field", "add", "pan", "--normalise", "on", "--all-zeros", "refuse")
    script.jeton("field", "change", "pan", "--leading-zeros", "strip", "--luhn-exempt", "none")
    sent = [json.loads(r[3]) for r in script.requests]
    assert sent[0] == {
        "rules": {
            "luhn_exempt": ["8171", "62"],
            "lengths": [12, 13, 14, 19],
            "refuse_test_cards": False,
        }
    }
    assert sent[1]["rules"] == {"normalise": True, "refuse_all_zeros": True}
    assert sent[2] == {"rules": {"leading_zeros": "strip", "luhn_exempt": []}}
    shown = [line.strip() for line in done.out.splitlines()[2:]]
    assert shown == [
        "luhn-exempt 62",
        "lengths 16",
        "leading-zeros strip",
        "all-zeros refuse",
        "normalise on",
        "max-lifetime 400d",
    ]
    script.reply = lambda *_: (200, {"name": "pan", "id": 1, "kind": "pan", "rules": None})
    assert "does not know" in script.jeton("field", "show", "pan").out


def test_the_maximum_lifetime_of_a_field_is_said_in_units(script):
    said = {"400d": 34560000, "12h": 43200, "90m": 5400, "90s": 90, "none": 0}
    for word, seconds in said.items():
        script.reply = lambda *_, s=seconds: (200, {"rules": {"max_lifetime": s}})
        done = script.jeton("field", "change", "pan", "--max-lifetime", word)
        assert json.loads(script.requests[-1][3]) == {"rules": {"max_lifetime": seconds}}
        assert ("max-lifetime " + word in done.out) == (word != "none")
    n = len(script.requests)
    for bad in ("", "0s", "400", "d", "-1d", "1 d", "36526d", "1w", "99999999999s"):
        script.jeton("field", "change", "pan", "--max-lifetime", bad, status=64)
    assert len(script.requests) == n


def test_field_list(script):
    script.reply = lambda *_: (
        200,
        {
            "fields": [
                {
                    "name": "cards.pan",
                    "id": 7,
                    "kind": "pan",
                    "dedup": False,
                    "allow_bad_luhn": True,
                    "mask_digits": 8,
                    "state": "active",
                }
            ]
        },
    )
    assert re.search(
        r"cards\.pan +7 +pan +no +accepted +8 +active", script.jeton("field", "list").out
    )


def test_client_add_keeps_the_key_out_of_the_terminal(script):
    key = "jck_shop_" + "z" * 51 + "g"
    script.reply = lambda *_: (201, {"id": "shop", "permissions": ["tokenize"], "api_key": key})
    path = script.file("shop.key")
    done = script.jeton(
        "client", "add", "shop", "--may", "tokenize,operate", "--key-file-out", path
    )
    assert key not in done.out + done.err
    assert path.read_text() == key + "\n" and path.stat().st_mode & 0o777 == 0o600
    assert json.loads(script.requests[0][3]) == {
        "id": "shop",
        "permissions": ["tokenize", "operate"],
    }
    script.jeton("client", "add", "shop", "--may", "tokenize", "--key-file-out", path, status=1)
    assert len(script.requests) == 1  # the file is there: not even asked
    script.jeton(
        "client",
        "add",
        "shop",
        "--may",
        "tokenize,,",
        "--key-file-out",
        script.file("other"),
        status=64,
    )


def test_client_add_that_fails_leaves_no_file(script):
    script.reply = lambda *_: problem(409, "conflict")
    script.jeton(
        "client",
        "add",
        "shop",
        "--may",
        "tokenize",
        "--key-file-out",
        script.file("shop.key"),
        status=2,
    )
    script.reply = lambda *_: (201, {"id": "shop", "api_key": "nonsense"})
    script.jeton(
        "client",
        "add",
        "shop",
        "--may",
        "tokenize",
        "--key-file-out",
        script.file("shop.key"),
        status=1,
    )
    assert sorted(p.name for p in script.directory.iterdir()) == ["app.key"]


GENERATION = {
    "number": 2,
    "key_id": 2,
    "state": "active",
    "check_value": "00112233aabbccdd",
    "rows": 5,
    "rows_written": 5,
    "rows_moved_in": 0,
    "rows_moved_out": 0,
    "created_at": "2026-01-02T03:04:05Z",
    "created_by": "operator",
    "activated_at": "2026-01-02T03:04:06Z",
    "activated_by": "operator",
    "draining_at": None,
    "retired_at": None,
    "retired_by": None,
    "holder_override": None,
}


def test_keys(script):
    script.reply = lambda *_: (201, GENERATION)
    assert re.search(
        r"2 +2 +active +00112233aabbccdd +5 +2026-01-02T03:04:05Z +2026-01-02T03:04:06Z +- +-",
        script.jeton("keys", "create").out,
    )
    script.jeton("keys", "activate", "2", "--accept-single-holder", "a reason")
    script.jeton("keys", "activate", "2")
    assert [(r[1], json.loads(r[3] or b"null")) for r in script.requests] == [
        ("/v1/generations", {}),
        ("/v1/generations/2/activate", {"accept_single_holder": "a reason"}),
        ("/v1/generations/2/activate", {}),
    ]
    script.reply = lambda *_: (
        200,
        {"epoch": 3, "generations": [GENERATION, GENERATION | {"number": 3, "state": "future"}]},
    )
    assert len(script.jeton("keys", "list").out.splitlines()) == 3
    for bad in ("0", "-1", "1x", "", "01", "9" * 19):
        script.jeton("keys", "activate", "--", bad, status=64)


def test_keys_with_dates_and_marks(script):
    planned = GENERATION | {"state": "future", "adopt_at": "2027-01-01T02:00:00.000Z"}
    script.reply = lambda *_: (200, planned)
    at = "2027-01-01T02:00:00Z"
    assert "due 2027-01-01T02:00:00.000Z" in script.jeton("keys", "create", "--at", at).out
    script.jeton("keys", "plan", "2", "--at", at, "--accept-single-holder", "one site")
    script.jeton("keys", "plan", "2", "--never")
    script.reply = lambda *_: (200, GENERATION | {"state": "draining", "compromised": True})
    assert "compromised" in script.jeton("keys", "compromise", "2", "--reason", "seen").out
    assert [(r[1], json.loads(r[3])) for r in script.requests] == [
        ("/v1/generations", {"adopt_at": at}),
        ("/v1/generations/2/plan", {"adopt_at": at, "accept_single_holder": "one site"}),
        ("/v1/generations/2/plan", {"adopt_at": ""}),
        ("/v1/generations/2/compromise", {"reason": "seen"}),
    ]
    for wrong in (
        ["plan", "2"],
        ["plan", "2", "--at", at, "--never"],
        ["compromise", "2"],
        ["create", "--accept-single-holder", "why"],
    ):
        script.jeton("keys", *wrong, status=64)


def retirement(state, left):
    body = {
        "generation": 1,
        "state": state,
        "actor": "operator",
        "started_at": "2026-01-01T00:00:00Z",
        "rows_left": left,
        "rows_moved": 100 - left,
        "rate": 50.0,
        "eta_seconds": left // 50,
    }
    if state == "certified":
        body["certificate"] = {
            "text": "jeton retirement certificate v1\ngeneration: 1\n",
            "signature": "c2ln",
            "public_key": "cHVi",
        }
    return body


CERTIFICATE = "jeton retirement certificate v1\ngeneration: 1\nsignature: c2ln\npublic-key: cHVi\n"


def test_retire_waits_for_the_certificate(script):
    steps = iter(
        [
            (202, retirement("draining", 100)),
            (200, retirement("draining", 50)),
            problem(503, "unavailable", **{"Retry-After": "1"}),
            (200, retirement("retired", 0)),
            (200, retirement("certified", 0)),
        ]
    )
    script.reply = lambda *_: next(steps)
    assert script.jeton("keys", "retire", "1", "--wait").out == CERTIFICATE
    assert [r[:2] for r in script.requests] == [("POST", "/v1/generations/1/retire")] + [
        ("GET", "/v1/generations/1/retirement")
    ] * 4


def test_retire_ends_where_nothing_but_stuck_cards_is_left(script):
    some = retirement("draining", 7) | {"rows_stuck": 3, "stuck": {"corrupt": 3}}
    rest = retirement("draining", 3) | {
        "rows_stuck": 3,
        "stuck": {"corrupt": 2, "foreign-bytes": 1},
    }
    steps = iter([(202, some), (200, some), (200, rest)])
    script.reply = lambda *_: next(steps)
    done = script.jeton("keys", "retire", "1", "--wait", status=3)
    assert "3 rows cannot be moved and keep generation 1 from retiring" in done.err
    assert "2 corrupt, 1 foreign-bytes" in done.err and "draining" in done.out
    steps = iter([(202, rest)])
    done = script.jeton("--json", "keys", "retire", "1", "--wait", status=3)
    assert json.loads(done.out)["rows_stuck"] == 3


def test_a_paused_retirement_is_shown_as_that(script):
    held = retirement("draining", 7) | {"paused_at": "2026-01-01T00:00:00Z", "paused_by": "bob"}
    script.reply = lambda *_: (200, held)
    assert script.jeton("keys", "pause", "1").out == "generation 1: paused by bob, 7 rows left\n"
    assert script.requests[-1][:2] == ("POST", "/v1/generations/1/pause")
    script.reply = lambda *_: (200, retirement("draining", 7))
    assert script.jeton("keys", "resume", "1").out == "generation 1: draining, 7 rows left\n"
    assert script.requests[-1][:2] == ("POST", "/v1/generations/1/resume")


def test_stuck_cards_are_listed_page_after_page(script):
    card = {"field": "pan", "token": "jtk_x", "cause": "corrupt", "first_seen_at": "2026-01-01"}
    unknown = {"field": None, "token": None, "cause": "field-unknown", "first_seen_at": "2026"}
    pages = iter(
        [(200, {"cards": [card] * 2, "next": "2"}), (200, {"cards": [unknown], "next": None})] * 2
    )
    script.reply = lambda *_: next(pages)
    lines = script.jeton("keys", "stuck", "1").out.splitlines()
    assert len(lines) == 4 and lines[3].split() == ["-", "-", "field-unknown", "2026"]
    assert [r[1] for r in script.requests] == [
        "/v1/generations/1/stuck",
        "/v1/generations/1/stuck?cursor=2",
    ]
    done = script.jeton("--json", "keys", "stuck", "1")
    assert json.loads(done.out) == {"cards": [card, card, unknown]}
    # What a server sends as a cursor is no part of another path.
    script.reply = lambda *_: (200, {"cards": [], "next": "1/../../x"})
    assert len(script.jeton("keys", "stuck", "1").out.splitlines()) == 1


def test_a_dry_run_tells_and_asks_for_nothing_else(script):
    found = {
        "rows_left": 600,
        "observed_seconds": 3600,
        "gone_by_itself": 300,
        "end_by_itself": "2026-01-02T00:00:00Z",
        "job_rate": 300,
        "job_rate_of": "option",
        "end_by_job": "2026-01-01T00:00:02Z",
    }
    script.reply = lambda *_: (200, found)
    assert script.jeton("keys", "retire", "1", "--dry-run").out.splitlines() == [
        "600 rows left",
        "by readers alone: 300 in the last 60 minutes; the last one about 2026-01-02T00:00:00Z",
        "with the job: 300 rows/s (option rate), until about 2026-01-01T00:00:02Z",
    ]
    assert [r[:2] for r in script.requests] == [("GET", "/v1/generations/1/projection")]
    found |= {"observed_seconds": 0, "end_by_itself": None, "job_rate": None, "end_by_job": None}
    out = script.jeton("keys", "retire", "1", "--dry-run").out
    assert "not observed yet" in out and "not known" in out
    script.jeton("keys", "retire", "1", "--dry-run", "--wait", status=64)


def test_repair_asks_until_there_was_time_for_all(script):
    steps = iter(
        [
            (200, {"mended": 5, "left": 0, "held_back": 0, "more": True}),
            (200, {"mended": 2, "left": 1, "held_back": 3, "more": False}),
        ]
        * 2
        + [(200, {"mended": 0, "left": 0, "held_back": 0, "more": False})]
    )
    script.reply = lambda *_: next(steps)
    out = script.jeton("repair", "1", status=3).out
    assert out == "7 cards mended, 1 left that nothing mends, 3 held back by the keeper's ceiling\n"
    assert [r[:2] for r in script.requests] == [("POST", "/v1/generations/1/repair")] * 2
    done = script.jeton("--json", "repair", "1", status=3)
    assert json.loads(done.out) == {"mended": 7, "left": 1, "held_back": 3}
    assert script.jeton("repair", "1").out == "0 cards mended, 0 left that nothing mends\n"


def test_retire_goes_on_waiting_when_repeated(script):
    script.reply = lambda _n, method, *_: (
        problem(409, "conflict") if method == "POST" else (200, retirement("certified", 0))
    )
    assert script.jeton("keys", "retire", "1", "--wait").out == CERTIFICATE
    script.jeton("keys", "retire", "1", status=2)


def test_certificate(script):
    script.reply = lambda *_: (200, retirement("certified", 0))
    assert script.jeton("keys", "certificate", "1").out == CERTIFICATE
    script.reply = lambda *_: (200, retirement("draining", 7))
    done = script.jeton("keys", "certificate", "1", status=2)
    assert done.out == "" and "draining" in done.err


def test_a_post_is_named_and_repeated_under_its_name(script):
    in_use = problem(409, "idempotency-key-in-use", **{"Retry-After": "1"})
    script.reply = lambda number, *_: [None, in_use, (201, GENERATION)][number - 1]
    script.jeton("keys", "create")
    names = {headers["Idempotency-Key"] for _, _, headers, _ in script.requests}
    assert len(script.requests) == 3 and len(names) == 1
    assert re.fullmatch("[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", names.pop())
    script.requests.clear()
    script.reply = lambda *_: (201, GENERATION)
    names = set()
    for _ in range(2):
        script.jeton("keys", "create")
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in script.requests}) == 2
    script.reply = lambda *_: None
    done = script.jeton("keys", "create", "--retry-for", "1", status=69)
    assert "whether it was done is unknown" in done.err and len(script.requests) > 3


def test_a_patch_whose_fate_is_unknown_is_not_repeated(script):
    script.reply = lambda *_: None
    done = script.jeton("field", "change", "pan", "--test-cards", "accept", status=69)
    assert "whether it was done is unknown" in done.err and len(script.requests) == 1
    assert "Idempotency-Key" not in script.requests[0][2]


def test_unavailable_single_requests_are_repeated(script):
    script.reply = lambda number, *_: (
        problem(503, "unavailable", **{"Retry-After": "1"}) if number < 3 else (201, GENERATION)
    )
    script.jeton("keys", "create")
    assert len(script.requests) == 3
    script.reply = lambda *_: problem(503, "unavailable", **{"Retry-After": "1"})
    script.jeton("keys", "create", "--retry-for", "0", status=69)


def test_a_503_that_waits_for_an_operator_is_not_repeated(script):
    script.reply = lambda *_: problem(503, "not-ready")
    script.jeton("keys", "create", status=69)
    assert len(script.requests) == 1
    script.reply = lambda number, *_: (
        (503, b"<html>of a proxy</html>") if number < 4 else (201, GENERATION)
    )
    script.jeton("keys", "create")
    assert len(script.requests) == 4


def test_status_asks_once_what_does_not_stand_and_only_where_there_is_an_answer(script):
    script.reply = lambda _number, _method, path, _body: (
        (503, {"status": "unavailable", "keeper": False, "database": True}, {"Retry-After": "1"})
        if path == "/readyz"
        else problem(503, "not-ready")
    )
    done = script.jeton("status", status=69)
    assert "keeper DOWN, database up" in done.err
    assert [r[1] for r in script.requests] == ["/v1/status", "/readyz"]
    script.reply = lambda *_: None
    done = script.jeton("status", "--retry-for", "0", status=69)
    assert len(done.err.splitlines()) == 1


def test_answers_that_are_no_api(script):
    script.reply = lambda *_: (200, b"<html>")
    script.jeton("status", status=1)
    script.reply = lambda *_: (302, b"", {"Location": "http://127.0.0.1:1/"})
    assert "status 302" in script.jeton("status", status=2).err
