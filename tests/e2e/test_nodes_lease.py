# SPDX-License-Identifier: Apache-2.0
"""Leases: a node that has not heard from the database serves no cards, a node that is gone keeps
its row until an operator removes it, and one that comes back registers anew.
"""

import contextlib

import pytest

from cards import made_up
from service import RING_LOCK, problem, wait_until


@pytest.fixture
def pair(make_service):
    """Two nodes with short leases: both hold all keys."""
    first = make_service(options={"front_lease": 3})
    first.add_node(front_lease=3)
    return first


@contextlib.contextmanager
def writers_hold_the_ring_lock(service):
    """So that nobody can register."""
    connection = service.connect()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", (RING_LOCK,))
        yield
    connection.rollback()
    connection.close()


def nodes(service):
    answer = service.operator.get("/v1/nodes")
    assert answer.status_code == 200
    return {node["name"]: node for node in answer.json()["nodes"]}


def lease_is_over(service, name):
    return lambda: nodes(service)[name]["state"] == "lease-over"


def test_a_front_that_was_stopped_serves_nothing_before_it_has_registered_anew(pair):
    second = pair.nodes[1]
    token = second.app.tokenize(made_up(1))
    session = second.app
    second.front.pause()
    wait_until(lease_is_over(pair, "node2"), "the lease runs out")
    with writers_hold_the_ring_lock(pair):
        second.front.resume()
        for path, body in (
            ("detokenize", {"token": token}),
            ("tokenize", {"pan": made_up(2)}),
        ):
            answer = session.post(f"/v1/fields/pan/{path}", body)
            assert (answer.status_code, problem(answer)) == (503, "unavailable")
        answer = session.request("GET", "/readyz")
        assert answer.status_code == 503 and answer.json()["lease"] is False
        # nothing of it was written
        assert pair.sql("SELECT count(*) FROM card") == [(1,)]
    second.wait_ready()
    assert second.app.detokenize(token) == made_up(1)
    assert "lease ran out" in second.front_log.read_text()


def test_a_stopped_front_seals_nothing_for_applications_either(pair):
    second = pair.nodes[1]
    answer = pair.operator.post("/v1/fields", {"name": "notes", "kind": "bytes"})
    assert answer.status_code == 201, answer.text
    key = pair.new_client("sealer", ["encrypt", "decrypt"])
    sealer = type(second.app)(second, key)
    ask = {"row_id": "1", "value": "aGVsbG8="}

    def sealed():
        return sealer.post("/v1/fields/notes/encrypt", ask).status_code == 200

    wait_until(sealed, "the other node knows the field")
    second.front.pause()
    wait_until(lease_is_over(pair, "node2"), "the lease runs out")
    with writers_hold_the_ring_lock(pair):
        second.front.resume()
        answer = sealer.post("/v1/fields/notes/encrypt", ask)
        assert (answer.status_code, problem(answer)) == (503, "unavailable")
    wait_until(sealed, "it registered anew")


def test_only_a_node_whose_lease_is_over_can_be_removed(pair):
    second = pair.nodes[1]
    refused = pair.operator.request("DELETE", "/v1/nodes/node2")
    assert (refused.status_code, problem(refused)) == (409, "conflict")
    assert refused.json()["subject"] == "node node2"
    missing = pair.operator.request("DELETE", "/v1/nodes/node7")
    assert (missing.status_code, problem(missing)) == (404, "not-found")
    second.front.kill()
    wait_until(lease_is_over(pair, "node2"), "the lease runs out")
    removed = pair.jeton("nodes", "remove", "node2")
    assert "node2" in removed.stdout
    assert list(nodes(pair)) == ["node1"]
    listed = pair.jeton("audit", "list", "--json").stdout
    assert "node-remove" in listed
    # it comes back, with the number that it had, and neither token nor id comes twice
    second.start_front().wait_ready()
    assert nodes(pair)["node2"]["number"] == 2


def test_a_node_that_is_removed_while_it_only_sleeps_registers_anew(pair):
    second = pair.nodes[1]
    second.front.pause()
    wait_until(lease_is_over(pair, "node2"), "the lease runs out")
    pair.jeton("nodes", "remove", "node2")
    second.front.resume()
    wait_until(lambda: nodes(pair).get("node2", {}).get("state") == "serving", "it is back")
    second.wait_ready()
    second.app.tokenize(made_up(1))


def test_the_row_of_a_killed_front_is_taken_over_by_its_next_start(pair):
    second = pair.nodes[1]
    before = pair.sql("SELECT incarnation FROM node WHERE name = 'node2'")
    second.front.kill()
    second.start_front().wait_ready()
    after = pair.sql("SELECT incarnation FROM node WHERE name = 'node2'")
    assert before != after and len(after) == 1


def test_a_clean_stop_gives_the_place_up_at_once(pair):
    second = pair.nodes[1]
    assert second.front.stop() == 0
    assert list(nodes(pair)) == ["node1"]
    assert pair.sql("SELECT name FROM node_number WHERE number = 2") == [("node2",)]
    second.start_front().wait_ready()
    assert nodes(pair)["node2"]["number"] == 2


def test_a_second_process_of_the_same_name_does_not_start(pair):
    twin = pair.add_node(start=False)
    twin.node = "node2"
    twin.configure(front_lease=3)
    twin.copy_directory(pair)
    twin.start_keeper()
    twin.start_front(wait=False)
    wait_until(lambda: not twin.front.running, "it ends")
    assert "another jetond serves as node node2" in twin.front_log.read_text()
    assert pair.nodes[1].ready()
