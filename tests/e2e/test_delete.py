# SPDX-License-Identifier: Apache-2.0
"""Deletion: a token is unknown afterwards, as if it had never been; whatever else goes on."""

import random
import re
import threading

import pytest

from cards import made_up
from service import Api, problem

POST = "/v1/fields/pan/delete"
NEVER = "jtk_" + "0" * 26


def client(service, name, permissions):
    return Api(service, service.new_client(name, permissions))


def path(token, field="pan"):
    return f"/v1/fields/{field}/tokens/{token}"


@pytest.fixture(scope="module")
def remover(_shared):
    return client(_shared, "remover", ["delete"])


def test_a_deleted_token_is_as_one_that_never_was(shared, remover):
    both = client(shared, "delete-reader", ["detokenize", "lookup"])
    pan = made_up(1, series="delete")
    token = shared.app.tokenize(pan)
    answer = remover.request("DELETE", path(token))
    assert answer.status_code == 204 and answer.content == b""
    for method, where, body in (
        ("POST", "/v1/fields/pan/detokenize", {"token": "%s"}),
        ("GET", path("%s"), None),
    ):
        text = [str(body).replace("'", '"') % t if body else None for t in (token, NEVER)]
        gone, never = (
            both.request(
                method,
                where % t if "%s" in where else where,
                data=b,
                headers={"Content-Type": "application/json"} if b else None,
            )
            for t, b in zip((token, NEVER), text)
        )
        assert (gone.status_code, problem(gone)) == (404, "token-unknown")
        assert gone.content == never.content
    again, never = remover.request("DELETE", path(token)), remover.request("DELETE", path(NEVER))
    assert (again.status_code, problem(again)) == (404, "token-unknown")
    assert again.content == never.content
    answer = both.post("/v1/fields/pan/lookup", {"pan": pan})
    assert (answer.status_code, problem(answer)) == (404, "card-unknown")
    assert shared.app.tokenize(pan) != token  # a new card, with a token of its own


def test_a_batch_deletes_what_is_there_and_leaves_the_rest(shared, remover):
    tokens = shared.app.tokenize_many([made_up(n, series="delete-batch") for n in range(30)])
    other = shared.app.tokenize(made_up(1, series="delete-batch"), field="other")
    bad = [NEVER, other, tokens[3], "x", 7]
    items = {"items": [{"token": t} for t in tokens[:20] + bad]}
    results = remover.post(POST, items).json()["results"]
    assert results[:20] == [{"status": 200, "deleted": True}] * 20
    assert [r["type"].rpartition(":")[2] for r in results[20:]] == (
        ["token-unknown"] * 3 + ["token-malformed"] * 2
    )
    assert remover.post(POST, {"token": tokens[20]}).json() == {"deleted": True}
    answer = remover.post(POST, {"token": tokens[20]})
    assert (answer.status_code, problem(answer)) == (404, "token-unknown")
    assert len(shared.app.detokenize_many(tokens[21:])) == 9
    assert shared.app.detokenize(other, field="other") == made_up(1, series="delete-batch")


def test_it_takes_its_permission_and_its_form(shared, remover):
    token = shared.app.tokenize(made_up(2, series="delete"))
    for api in (shared.app, shared.operator, client(shared, "no-delete", ["lookup"])):
        assert api.post(POST, {"token": token}).status_code == 403
        assert api.request("DELETE", path(token)).status_code == 403
    assert remover.post("/v1/fields/pan/detokenize", {"token": token}).status_code == 403
    answer = remover.request("DELETE", path("4111111111111111"))
    assert (answer.status_code, problem(answer)) == (422, "token-malformed")
    assert "4111" not in answer.text
    assert remover.request("DELETE", path(token), json={"a": 1}).status_code == 400
    assert remover.post(POST, {"token": token, "cvv": "123"}).status_code == 400
    assert remover.request("DELETE", path(token, "nosuch")).status_code == 404
    assert shared.app.detokenize(token) == made_up(2, series="delete")


def test_audit_rows_say_exactly_what_went_and_without_them_nothing_goes(service):
    remover = client(service, "remover", ["delete"])
    tokens = service.app.tokenize_many([made_up(n, series="delete-audit") for n in range(5)])
    ids = service.ids_of(tokens)
    remover.post(POST, {"items": [{"token": t} for t in [tokens[1], NEVER, tokens[0], tokens[1]]]})
    assert remover.request("DELETE", path(NEVER)).status_code == 404
    rows = service.sql(
        "SELECT client, n_items, n_done, ids FROM audit WHERE action = 13 "
        "ORDER BY at, start, connection, link, place"
    )
    assert [r[:3] for r in rows] == [("remover", 4, 2), ("remover", 1, 0)]
    assert bytes(rows[0][3]) == ids[1].to_bytes(8, "big") + ids[0].to_bytes(8, "big")
    service.sql("ALTER TABLE audit ADD CONSTRAINT no CHECK (action <> 13) NOT VALID")
    assert remover.request("DELETE", path(tokens[2])).status_code == 500
    assert service.app.detokenize(tokens[2]) == made_up(2, series="delete-audit")
    counters = service.operator.counters()
    assert (counters["delete_items"], counters["delete_not_found"]) == (6, 3)


def test_a_hidden_row_is_not_taken_for_a_deleted_one(service):
    remover = client(service, "remover", ["delete"])
    token = service.app.tokenize(made_up(1, series="delete"))
    service.sql("UPDATE card SET envelope = set_byte(envelope, 0, 99)")
    answer = remover.request("DELETE", path(token))
    assert (answer.status_code, problem(answer)) == (500, "row-stranded")
    assert service.sql("SELECT count(*) FROM card") == [(1,)]


def test_generations_and_certificates_count_what_was_deleted(service):
    remover = client(service, "remover", ["delete"])
    tokens = service.app.tokenize_many([made_up(n, series="delete-count") for n in range(20)])
    service.operator.roll()
    items = {"items": [{"token": t} for t in tokens[:7]]}
    assert {r["status"] for r in remover.post(POST, items).json()["results"]} == {200}
    first = service.operator.generations()[1]
    assert (first["rows"], first["rows_written"], first["rows_deleted"]) == (13, 20, 7)
    text = service.operator.retire(1)["certificate"]["text"]
    lines = dict(line.split(": ") for line in text.splitlines()[1:])
    assert (lines["rows-written"], lines["rows-moved-out"]) == ("20", "13")
    assert (lines["rows-deleted"], lines["rows-left"]) == ("7", "0")
    assert service.operator.generations()[1]["rows"] == 0
    assert service.operator.generations()[2]["rows"] == 13 == service.rows_under(2)


class Traffic:
    """Clients that tokenize, delete and read the cards of a small population, each its own share of
    what it checks: a card belongs to one thread, but batches and generations are everybody's.
    """

    def __init__(self, service, remover, number):
        self.api, self.remover = service.app.another(), remover.another()
        self.random = random.Random(number)
        self.pans = [made_up(n, series=f"delete-race-{number}") for n in range(12)]
        self.tokens, self.dead, self.errors = {}, [], []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def step(self):
        pan = self.random.choice(self.pans)
        if pan not in self.tokens:
            self.tokens[pan] = self.api.tokenize(pan)
            assert self.tokens[pan] not in self.dead
        elif self.random.random() < 0.4:
            token = self.tokens.pop(pan)
            answer = self.remover.request("DELETE", path(token))
            assert answer.status_code == 204, problem(answer)
            self.dead.append(token)
        else:
            assert self.api.tokenize(pan) == self.tokens[pan]  # I4
            assert self.api.detokenize(self.tokens[pan]) == pan  # I1
        if self.dead:
            answer = self.api.post(
                "/v1/fields/pan/detokenize", {"token": self.random.choice(self.dead)}
            )
            assert answer.status_code == 404, problem(answer)

    def run(self):
        try:
            while not self.stop.is_set():
                self.step()
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(error)


def test_through_rolls_and_retirements_beside_everything_else(service):
    remover = client(service, "remover", ["delete"])
    service.app.tokenize_many([made_up(n, series="delete-ballast") for n in range(3000)])
    traffic = [Traffic(service, remover, n) for n in range(6)]
    for t in traffic:
        t.thread.start()
    for number in range(1, 4):
        service.operator.roll()
        service.operator.retire(number)
    for t in traffic:
        t.stop.set()
    for t in traffic:
        t.thread.join(60)
        assert not t.errors, t.errors
        assert t.dead
        for pan, token in t.tokens.items():
            assert service.app.detokenize(token) == pan
    assert service.operator.generations()[4]["rows"] == service.rows_under(4)
    assert service.sql("SELECT count(*) FROM card")[0][0] == 3000 + sum(
        len(t.tokens) for t in traffic
    )
    assert not re.search(r"alarm", service.front_log.read_text())


def test_two_clients_that_delete_the_same_cards_share_them(service):
    """Each card is deleted once, by one of them."""
    remover = client(service, "remover", ["delete"])
    tokens = service.app.tokenize_many([made_up(n, series="delete-both") for n in range(400)])
    answers = [None, None]

    def run(i):
        items = tokens if i == 0 else tokens[::-1]
        answers[i] = remover.another().post(POST, {"items": [{"token": t} for t in items]}).json()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    first = [r["status"] for r in answers[0]["results"]]
    second = [r["status"] for r in answers[1]["results"]][::-1]
    assert all(sorted(pair) == [200, 404] for pair in zip(first, second))
    assert service.sql("SELECT count(*) FROM card") == [(0,)]
    assert service.sql("SELECT sum(deleted) FROM tally")[0][0] == 400
