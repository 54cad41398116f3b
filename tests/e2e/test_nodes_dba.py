# SPDX-License-Identifier: Apache-2.0
"""Whoever can write to the database gets neither a key nor an adoption, and holds up nobody longer
than he is at it.
"""

import contextlib

import pytest

from cards import made_up
from service import problem, wait_until

ARRIVED = "the key of generation {} has come from another node"


@pytest.fixture
def pair(make_service):
    first = make_service(options={"front_lease": 3})
    first.add_node(front_lease=3)
    return first


def pending(service, node="node2"):
    return service.sql("SELECT generation, request, answer FROM parcel WHERE node = %s", (node,))


def asked_for(pair):
    """A future generation whose key node 2 lacks, and its request; nobody runs who could answer."""
    second = pair.nodes[1]
    assert second.front.stop() == 0
    number = pair.operator.create_generation()
    assert pair.front.stop() == 0
    second.start_front()
    rows = wait_until(lambda: pending(pair), "it has asked")
    assert rows[0][0] == number
    return number, bytes(rows[0][1])


def arrives(node, number):
    wait_until(lambda: ARRIVED.format(number) in node.front_log.read_text(), "the key has come")
    node.wait_ready()


def test_made_up_and_altered_requests_are_not_answered_and_hold_up_no_other(pair):
    second = pair.nodes[1]
    number, request = asked_for(pair)
    altered = request[:-1] + bytes([request[-1] ^ 1])
    pair.sql(
        "INSERT INTO parcel (node, generation, request) SELECT 'a' || n, %s, %s "
        "FROM generate_series(1, 300) n",
        (number, altered),
    )
    pair.sql("INSERT INTO parcel (node, generation, request) VALUES ('b', 0, %s)", (request,))
    pair.sql("INSERT INTO parcel (node, generation, request) VALUES ('c', 99, %s)", (request,))
    pair.sql(
        "INSERT INTO parcel (node, generation, request) VALUES ('d', 1, %s), ('e', 1, %s), "
        "('', 1, %s)",
        (b"", b"x" * 100_000, request),
    )
    pair.start_front()
    arrives(second, number)
    assert pair.sql("SELECT node FROM parcel WHERE answer IS NOT NULL") == []
    log = pair.front_log.read_text()
    assert "a request for a key, as of another node, is not answered" in log
    assert log.count("is not answered") < 10  # however many there are
    pair.wait_ready()


def test_a_request_is_answered_to_its_keeper_alone_under_whatever_name(pair):
    """A copy of a genuine request gets an answer that only the keeper that asked can open."""
    second = pair.nodes[1]
    number, request = asked_for(pair)
    pair.sql(
        "INSERT INTO parcel (node, generation, request) VALUES ('spy', %s, %s)", (number, request)
    )
    pair.start_front()
    arrives(second, number)
    key = pair.generation_key(number)
    for (answer,) in pair.sql("SELECT answer FROM parcel WHERE answer IS NOT NULL"):
        assert key.key not in bytes(answer)


def test_a_tampered_or_replayed_parcel_is_refused_and_the_right_one_taken(pair):
    second = pair.nodes[1]
    number, _ = asked_for(pair)
    second.front.pause()
    pair.start_front()
    answer = wait_until(lambda: pending(pair)[0][2], "it is answered")
    altered = bytes(answer)[:-1] + bytes([bytes(answer)[-1] ^ 1])
    pair.sql("UPDATE parcel SET answer = %s WHERE node = 'node2'", (altered,))
    second.front.resume()
    arrives(second, number)
    assert "cannot be had from another node" in second.front_log.read_text()
    # the same parcel once more, for another request of the same node
    number, _ = asked_for(pair)
    pair.sql("UPDATE parcel SET answer = %s WHERE node = 'node2'", (answer,))
    wait_until(lambda: pending(pair)[0][2] is None, "it is refused")
    pair.start_front()
    arrives(second, number)


def test_a_crash_of_the_database_with_requests_pending_loses_nothing(make_cluster, make_service):
    cluster = make_cluster()
    first = make_service(cluster=cluster)
    second = first.add_node()
    token = first.app.tokenize(made_up(1))
    number, _ = asked_for(first)
    cluster.kill()
    cluster.start()
    assert first.sql("SELECT count(*) FROM parcel") == [(0,)] or pending(first)
    first.start_front().wait_ready()
    arrives(second, number)
    assert second.app.detokenize(token) == made_up(1)


def kept_answers(service):
    return service.sql("SELECT generation, node, incarnation, challenge, mac, asker FROM key_ack")


def insert_answers(service, rows):
    for row in rows:
        service.sql(
            "INSERT INTO key_ack (generation, node, incarnation, challenge, mac, asker) VALUES "
            "(%s, %s, %s, %s, %s, %s) ON CONFLICT (generation, node, asker) DO UPDATE SET "
            "incarnation = excluded.incarnation, challenge = excluded.challenge, "
            "mac = excluded.mac",
            row,
        )


def missing(service, number):
    answer = service.operator.post(
        f"/v1/generations/{number}/activate", {"accept_single_holder": "test"}
    )
    assert (answer.status_code, problem(answer)) == (409, "nodes-missing"), answer.text
    return answer.json()["missing_nodes"]


def test_acknowledgements_that_were_kept_or_copied_count_for_nothing(pair):
    number = pair.operator.create_generation()
    pair.operator.post(f"/v1/generations/{number}/activate")
    number = pair.operator.create_generation()
    acks = "SELECT count(*) FROM key_ack WHERE generation = %s"
    wait_until(lambda: pair.sql(acks, (number,)) == [(2,)], "both")
    old = kept_answers(pair)
    pair.nodes[1].front.kill()
    # what it said before, of this generation too; and what node 1 says, as if it were node 2's
    insert_answers(pair, [(g, "node2", i, c, m, "node1") for g, n, i, c, m, _ in old])
    assert missing(pair, number) == ["node2"]
    mine = [r for r in kept_answers(pair) if r[1] == "node1" and r[5] == "node1"]
    insert_answers(pair, [(g, "node2", i, c, m, a) for g, _, i, c, m, a in mine])
    node = pair.sql("SELECT keeper_incarnation FROM node WHERE name = 'node2'")[0][0]
    insert_answers(pair, [(g, "node2", node, c, m, a) for g, _, _, c, m, a in mine])
    assert missing(pair, number) == ["node2"]


def test_a_made_up_node_is_an_alarm_and_holds_up_adoption_until_it_is_removed(pair):
    pair.sql(
        "INSERT INTO node (name, number, incarnation, keeper_incarnation, id_mark, mac_epoch, mac, "
        "lease_until, renewed_at) SELECT 'ghost', 9, incarnation, keeper_incarnation, id_mark, "
        "mac_epoch, mac, 'infinity', now() FROM node WHERE name = 'node2'"
    )
    wait_until(
        lambda: "the row of node ghost, number 9, in table node is not authentic"
        in pair.front_log.read_text(),
        "the log says so",
    )
    number = pair.operator.create_generation()
    assert missing(pair, number) == ["ghost"]
    assert pair.operator.request("DELETE", "/v1/nodes/ghost").status_code == 200
    assert pair.operator.post(f"/v1/generations/{number}/activate").status_code == 200


def test_a_made_up_row_that_names_a_nodes_keeper_keeps_no_front_away(pair):
    second = pair.nodes[1]
    pair.sql(
        "INSERT INTO node (name, number, incarnation, keeper_incarnation, id_mark, mac_epoch, mac, "
        "lease_until, renewed_at) SELECT 'twin', 9, incarnation, keeper_incarnation, id_mark, "
        "mac_epoch, mac, now() + interval '1 minute', now() FROM node WHERE name = 'node2'"
    )
    second.front.stop()
    second.start_front()
    second.wait_ready()
    pair.sql("DELETE FROM node WHERE name = 'twin'")


def test_a_node_whose_row_is_deleted_or_lease_ended_registers_anew(pair):
    second = pair.nodes[1]
    for edit in (
        "DELETE FROM node WHERE name = 'node2'",
        "UPDATE node SET lease_until = now() - interval '1 day' WHERE name = 'node2'",
        "UPDATE node SET incarnation = gen_random_uuid() WHERE name = 'node2'",
    ):
        before = second.front_log.read_text().count("registering anew")
        pair.sql(edit)
        wait_until(
            lambda b=before: second.front_log.read_text().count("registering anew") > b, edit
        )
        second.wait_ready()
        second.app.tokenize(made_up(1))


def test_a_challenge_that_is_exchanged_delays_the_roll_and_nothing_more(pair):
    number = pair.operator.create_generation()
    pair.sql(
        "INSERT INTO adoption (generation, asker, challenge) VALUES (%s, 'node1', %s), "
        "(%s, 'nobody', %s), (77, 'node1', %s)",
        (number, b"\0" * 16, number, b"\1" * 16, b"\2" * 16),
    )
    assert pair.operator.post(f"/v1/generations/{number}/activate").status_code == 200


def test_a_made_up_generation_is_an_alarm_and_keeps_no_key_from_others(pair):
    pair.sql(
        "INSERT INTO generation (number, key_id, state, check_value, mac_epoch, mac, created_by) "
        "SELECT 2, 200, 1, check_value, mac_epoch, mac, 'dba' FROM generation WHERE number = 1"
    )
    second = pair.nodes[1]
    wait_until(
        lambda: "alarm: the key of generation 2 cannot be had" in second.front_log.read_text(),
        "the log says so",
    )
    pair.sql("DELETE FROM generation WHERE number = 2")
    number = pair.operator.create_generation()
    assert pair.operator.post(f"/v1/generations/{number}/activate").status_code == 200


def test_numbers_that_were_made_free_too_early_mint_no_id_twice(pair):
    """The database forgets who had which number; keepers do not."""
    second = pair.nodes[1]
    second.app.tokenize_many([made_up(n, series="before") for n in range(50)])
    assert second.front.stop() == 0
    second.keeper.stop()
    pair.sql("DELETE FROM node_number")
    third = pair.add_node(front_lease=3)
    assert pair.sql("SELECT number FROM node WHERE name = 'node3'") == [(2,)]
    third.app.tokenize_many([made_up(n, series="after") for n in range(50)])
    second.start_keeper().start_front().wait_ready()
    assert pair.sql("SELECT number FROM node WHERE name = 'node2'") == [(3,)]
    second.app.tokenize_many([made_up(n, series="again") for n in range(50)])
    ids = [row[0] for row in pair.sql("SELECT id FROM card")]
    assert len(ids) == len(set(ids)) == 150


def test_a_question_that_cannot_be_answered_is_no_news_to_anybody(pair):
    """Whoever told all nodes of it would wake himself as well, and be at it without end."""
    with contextlib.closing(pair.connect()) as listener:
        listener.autocommit = True
        with listener.cursor() as cursor:
            cursor.execute("LISTEN jeton")
            cursor.execute(
                "INSERT INTO adoption (generation, asker, challenge) "
                "VALUES (99, 'node1', %s), (99, 'stranger', %s)",
                (b"c" * 16, b"d" * 16),
            )
        renewed = "SELECT max(renewed_at) FROM node"
        for _ in range(3):  # a renewal comes no more often than the nodes look by themselves
            before = pair.sql(renewed)[0][0]
            wait_until(lambda b=before: pair.sql(renewed)[0][0] > b, "time passes")
        wait_until(
            lambda: pair.sql("SELECT now() - max(at) > interval '3 seconds' FROM adoption")[0][0],
            "they looked",
        )
        listener.poll()
        assert listener.notifies == []
