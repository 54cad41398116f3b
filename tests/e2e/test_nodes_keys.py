# SPDX-License-Identifier: Apache-2.0
"""Keys over nodes: a new generation reaches every node by itself, and becomes active when every
node has proved that it holds the key.
"""

import contextlib
import datetime
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from cards import made_up
from service import problem, wait_until
from traffic import Traffic, check_promises


@pytest.fixture
def three(service):
    service.add_node(front_lease=3)
    service.add_node()
    return service


def holders(service, number):
    found = {g["number"]: g for g in service.operator.get("/v1/generations").json()["generations"]}
    return sorted(found[number]["acknowledged_by"]), sorted(found[number]["missing_nodes"])


def everybody_holds(service, number):
    names = sorted(node.node for node in service.nodes)
    wait_until(lambda: holders(service, number) == (names, []), f"all hold {number}")


def key_files(node):
    return sorted(p.name for p in node.keeper_directory.glob("generation-*.key"))


def test_a_roll_over_three_nodes_reaches_all_of_them_and_needs_no_reason(three):
    number = three.operator.create_generation()
    answer = three.operator.post(f"/v1/generations/{number}/activate")
    # two nodes hold the key durably: nobody needs to give a reason
    assert answer.status_code == 200, answer.text
    assert answer.json()["holder_override"] is None
    assert answer.json()["second_holder"] in [f"node {n.node}" for n in three.nodes[1:]]
    for node in three.nodes:
        wait_until(lambda n=node: n.operator.epoch() == three.operator.epoch(), "it knows the ring")
        assert f"generation-{number}.key" in key_files(node)
        node.app.tokenize(made_up(number, series=node.node))
    assert three.rows_under(number) == 3


def test_every_node_can_create_and_activate(three):
    for node in (three.nodes[2], three.nodes[1], three.nodes[0]):
        number = node.operator.create_generation()
        answer = node.operator.post(f"/v1/generations/{number}/activate")
        assert answer.status_code == 200, answer.text
    assert len({tuple(key_files(node)) for node in three.nodes}) == 1


def test_operators_on_two_nodes_create_at_once(three):
    with ThreadPoolExecutor(2) as pool:
        made = [pool.submit(n.operator.create_generation) for n in three.nodes[:2]]
        numbers = sorted(m.result() for m in made)
    assert numbers == [2, 3]
    for number in numbers:
        everybody_holds(three, number)


def test_activation_waits_for_a_node_that_is_gone_and_says_for_whom(three):
    number = three.operator.create_generation()
    everybody_holds(three, number)
    third = three.nodes[1]
    third.front.kill()
    before = three.operator.epoch()
    refused = three.operator.post(f"/v1/generations/{number}/activate")
    assert (refused.status_code, problem(refused)) == (409, "nodes-missing")
    assert refused.json()["missing_nodes"] == ["node2"]
    told = three.jeton("keys", "activate", number, check=False)
    assert told.returncode == 2 and "node2" in told.stderr
    assert three.operator.epoch() == before
    wait_until(
        lambda: three.operator.request("DELETE", "/v1/nodes/node2").status_code == 200,
        "its lease runs out",
    )
    answer = three.operator.post(f"/v1/generations/{number}/activate")
    assert answer.status_code == 200, answer.text
    # it comes back, and has the key before it serves
    third.start_front().wait_ready()
    third.app.tokenize(made_up(1))


def test_a_node_that_lost_its_directory_needs_the_master_key_again_and_nothing_else(three):
    """Its row stands with the number that it had; its keeper knows of none, and takes another."""
    second = three.nodes[1]
    tokens = second.app.tokenize_many([made_up(n) for n in range(50)])
    second.front.kill()
    second.keeper.kill()
    shutil.rmtree(second.keeper_directory)
    second.keeper_directory.mkdir(mode=0o700)
    second.copy_master_key(three)
    second.start_keeper().start_front().wait_ready()
    assert second.app.detokenize_many(tokens) == [made_up(n) for n in range(50)]
    second.app.tokenize_many([made_up(n, series="again") for n in range(50)])
    assert "the key of generation 1 has come from another node" in second.front_log.read_text()
    assert three.sql("SELECT name, number FROM node ORDER BY 1") == [
        ("node1", 1),
        ("node2", 4),
        ("node3", 3),
    ]


def test_a_node_with_an_old_key_directory_gets_what_it_lacks(three, tmp_path):
    """Restored from a backup: keys and state are of before two rolls."""
    second = three.nodes[1]
    second.front.stop()
    second.keeper.stop()
    saved = tmp_path / "old"
    shutil.copytree(second.keeper_directory, saved)
    second.start_keeper().start_front().wait_ready()
    ids = set(three.sql("SELECT id FROM card"))
    for series in ("a", "b"):
        three.operator.roll()
        second.app.tokenize_many([made_up(n, series=series) for n in range(50)])
    second.front.stop()
    second.keeper.stop()
    shutil.rmtree(second.keeper_directory)
    shutil.copytree(saved, second.keeper_directory)
    second.start_keeper().start_front().wait_ready()
    second.app.tokenize_many([made_up(n, series="c") for n in range(50)])
    rows = three.sql("SELECT id FROM card")
    assert len(set(rows)) == len(rows) == len(ids) + 150


def test_a_wrong_master_key_is_named_and_holds_up_nobody(three, make_service):
    other = make_service(start=False)  # another installation, with a master key of its own
    stranger = three.add_node(start=False, master=False)
    stranger.copy_master_key(other)
    stranger.start_keeper().start_front()

    def named():
        logs = [node.front_log.read_text() for node in three.nodes[:3]]
        return any("another master key" in log for log in logs)

    wait_until(named, "the log of whoever could answer says why")
    assert not stranger.ready()
    assert key_files(stranger) == []
    assert three.operator.roll() == 2  # nobody waits for it


def test_reads_and_writes_go_on_over_rolls_on_all_nodes(three):
    """A card that one node has stored under a generation that another does not use any more has
    its one token everywhere.
    """
    cards = [made_up(n, series="traffic") for n in range(1500)]
    with contextlib.ExitStack() as stack:
        traffic = [
            stack.enter_context(Traffic(node, cards, clients=2, seed=i))
            for i, node in enumerate(three.nodes)
        ]
        for node in three.nodes * 2:
            for t in traffic:
                t.wait_for(2)
            number = node.operator.create_generation()
            answer = node.operator.post(f"/v1/generations/{number}/activate")
            assert answer.status_code == 200, answer.text
            if number > 2:
                node.operator.retire(number - 2)
    for t in traffic[1:]:
        for pan, tokens in t.tokens.items():
            traffic[0].tokens.setdefault(pan, set()).update(tokens)
        traffic[0].problems += t.problems
    check_promises(three, traffic[0])


def test_a_creator_that_died_is_waited_for_or_its_generation_given_up(three):
    """Its key is on no other node yet: nobody can activate it, and anybody can abandon it."""
    rest = three.nodes[1:]
    for node in rest:
        node.front.pause()
    number = three.operator.create_generation()
    lost = three.operator.create_generation()
    three.front.kill()
    three.keeper.kill()
    for node in rest:
        node.front.resume()
        node.wait_ready()
    second = rest[0]
    refused = second.operator.post(f"/v1/generations/{number}/activate")
    assert refused.status_code in (409, 503), refused.text
    assert problem(refused) in ("nodes-missing", "key-missing")
    given_up = second.operator.post(f"/v1/generations/{lost}/abandon")
    assert given_up.status_code == 200, given_up.text
    three.start()
    everybody_holds(three, number)
    wait_until(lambda: f"generation-{lost}.key" not in key_files(three), "it is erased there")
    assert second.operator.post(f"/v1/generations/{number}/activate").status_code == 200


def test_an_abandoned_key_goes_from_every_node(three):
    number = three.operator.create_generation()
    everybody_holds(three, number)
    assert three.nodes[2].operator.post(f"/v1/generations/{number}/abandon").status_code == 200
    for node in three.nodes:
        wait_until(lambda n=node: f"generation-{number}.key" not in key_files(n), "it is erased")


def test_every_node_down_with_requests_pending(three):
    second = three.nodes[1]
    assert second.front.stop() == 0
    number = three.operator.create_generation()
    assert three.nodes[2].front.stop() == 0
    second.start_front(wait=False)
    three.front.kill()
    second.front.kill()
    for node in three.nodes:
        node.keeper.kill()
    for node in three.nodes[::-1]:
        node.start_keeper().start_front()
    for node in three.nodes:
        node.wait_ready()
    everybody_holds(three, number)
    assert second.operator.post(f"/v1/generations/{number}/activate").status_code == 200


def test_a_date_is_kept_over_several_nodes_without_a_reason(three):
    date = three.sql("SELECT clock_timestamp() + interval '2 seconds'")[0][0]
    body = {"adopt_at": date.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")}
    answer = three.operator.post("/v1/generations", body)
    assert answer.status_code == 201, answer.text
    number = answer.json()["number"]

    def generation():
        return three.operator.generations()[number]

    wait_until(lambda: generation()["state"] == "active", "its date is reached")
    assert generation()["activated_by"] == "schedule"
    assert generation()["holder_override"] is None


def test_a_date_that_passed_asks_for_who_is_missing_and_lets_them_answer(three):
    """Each new question voids the answers to the last one."""
    second = three.nodes[1]
    number = three.operator.create_generation()
    everybody_holds(three, number)
    second.front.pause()
    date = three.sql("SELECT clock_timestamp() + interval '3 seconds'")[0][0]
    body = {"adopt_at": date.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")}
    assert three.operator.post(f"/v1/generations/{number}/plan", body).status_code == 200

    # the node looks at the answers several times before it asks anew
    stands = (
        "SELECT now() - at > interval '2.5 s' FROM adoption WHERE generation = %s "
        "AND asker = 'node1'"
    )
    wait_until(lambda: three.sql(stands, (number,)) == [(True,)], "a question stands for a while")
    alarm = f"generation {number} should be active by its date"
    wait_until(lambda: alarm in three.front_log.read_text(), "alarm")
    assert ": node2" in three.front_log.read_text()
    second.front.resume()
    wait_until(lambda: three.operator.generations()[number]["state"] == "active", "all answered")
