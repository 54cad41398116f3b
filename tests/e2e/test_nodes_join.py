# SPDX-License-Identifier: Apache-2.0
"""A second and a third node on one database: how they join, and what they share."""

from cards import made_up


def test_a_second_node_needs_a_master_key_and_a_configuration(service):
    """Everything else, service root and keys, comes from the first by itself."""
    tokens = service.app.tokenize_many([made_up(n, series="one") for n in range(20)])
    second = service.add_node()
    assert second.app.detokenize_many(tokens) == [made_up(n, series="one") for n in range(20)]
    more = second.app.tokenize_many([made_up(n, series="two") for n in range(20)])
    assert service.app.detokenize_many(more) == [made_up(n, series="two") for n in range(20)]
    # one card has one token, wherever it is asked for
    assert second.app.tokenize(made_up(0, series="one")) == tokens[0]
    assert service.sql("SELECT name, number FROM node ORDER BY number") == [
        ("node1", 1),
        ("node2", 2),
    ]
    assert service.sql("SELECT count(*) FROM parcel") == [(0,)]


def test_a_copy_of_a_whole_key_directory_makes_a_node_with_a_number_of_its_own(service):
    """Its keeper has minted under the first one's number, as far as it knows."""
    tokens = service.app.tokenize_many([made_up(n, series="one") for n in range(20)])
    second = service.add_node(start=False)
    second.copy_directory(service)
    second.start_keeper().start_front().wait_ready()
    assert "the number is 2 from now on" in second.front_log.read_text()
    assert second.app.detokenize_many(tokens) == [made_up(n, series="one") for n in range(20)]
    second.app.tokenize_many([made_up(n, series="two") for n in range(20)])
    numbers = {row[0] >> 14 & 255 for row in service.sql("SELECT id FROM card")}
    assert numbers == {1, 2}
