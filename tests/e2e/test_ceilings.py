# SPDX-License-Identifier: Apache-2.0
"""The keeper's own count of opened cards, and its ceilings, which no front can lift."""

from cards import made_up
from service import problem, wait_until


def configure(service, **options):
    service.stop()
    service.configure(**options)
    service.start()


def tokens_of(service, n):
    pans = [{"pan": made_up(i, series="ceiling")} for i in range(n)]
    answer = service.app.post("/v1/fields/pan/tokenize", {"items": pans})
    return [r["token"] for r in answer.json()["results"]]


def read(service, tokens):
    """How many are given out; the problems of the others."""
    answer = service.app.post(
        "/v1/fields/pan/detokenize", {"items": [{"token": t} for t in tokens]}
    )
    assert answer.status_code == 200
    results = answer.json()["results"]
    problems = {r["type"].removeprefix("urn:jeton:problem:") for r in results if "type" in r}
    return sum(r["status"] == 200 for r in results), problems


def keeper(service):
    return service.operator.get("/v1/status").json()["keeper"]


def test_a_day_has_its_ceiling_over_restarts_of_both(service):
    tokens = tokens_of(service, 50)
    configure(service, keeper_open_per_day=120)
    assert read(service, tokens) == (50, set())
    assert read(service, tokens) == (50, set())
    assert read(service, tokens) == (20, {"opening-quota"})
    single = service.app.post("/v1/fields/pan/detokenize", {"token": tokens[0]})
    assert (single.status_code, problem(single)) == (429, "opening-quota")
    assert "Retry-After" not in single.headers
    status = keeper(service)
    assert status["opened_today"] == status["opened_ever"] == 120 and status["held_back"] == 31
    assert (
        "cards were opened today: the ceiling of open_per_day is 120"
        in service.keeper_log.read_text()
    )
    assert "cards were not opened" in service.keeper_log.read_text()
    # Neither a clean restart nor a kill of either process gives a second day.
    configure(service, keeper_open_per_day=120)
    assert read(service, tokens)[0] == 0
    service.keeper.kill()
    service.front.kill()
    service.start()
    assert read(service, tokens)[0] == 0
    assert keeper(service)["opened_ever"] >= 120
    # Cards are still taken, and found again: only what leaves is held back.
    assert tokens_of(service, 50) == tokens
    # Audit rows say how many were given out, not how many were asked for.
    asked, given = service.sql("SELECT sum(n_items), sum(n_done) FROM audit WHERE action = 2", ())[
        0
    ]
    assert (asked, given) == (251, 120)


def test_a_second_has_its_ceiling(service):
    tokens = tokens_of(service, 50)
    configure(service, keeper_open_per_second=30)
    given, problems = read(service, tokens)
    assert 30 <= given < 50 and problems == {"opening-rate"}

    def one():
        answer = service.app.post("/v1/fields/pan/detokenize", {"token": tokens[0]})
        assert answer.status_code in (200, 429)
        if answer.status_code == 429:
            assert problem(answer) == "opening-rate" and answer.headers["Retry-After"] == "1"
        return answer.status_code == 200

    wait_until(one, "the next second")


def test_the_command_line_goes_on_when_it_may(service):
    tokens = tokens_of(service, 60)
    configure(service, keeper_open_per_second=25)
    key = service.directory / "app.key"
    key.write_text(service.app_key)
    key.chmod(0o600)
    source, out = service.directory / "t.csv", service.directory / "c.csv"
    source.write_text("pan\n" + "\n".join(tokens) + "\n")
    service.jeton(
        *["detokenize", "--field", "pan", "--column", "pan", "--in", source, "--out", out],
        *["--rejects", service.directory / "r.csv", "--batch", "20", "--retry-for", "60"],
        key_file=key,
    )
    assert out.read_text().split()[1:] == [made_up(i, series="ceiling") for i in range(60)]
