# SPDX-License-Identifier: Apache-2.0
"""Everything at one place is lost, hosts, disks and database, and the service is made again from
what docs/operations.md ("From nothing") says is kept: the database with its WAL archive, a backup
of keys, master.key, and the custodians' shares.
"""

import os
import shutil

import pytest

from cards import made_up
from restored import Archived, Recovered
from service import Service, wait_until
from test_custody import at_terminal, registered, share_files, start_sealed


@pytest.fixture(name="archived")
def fixture_archived(run_directory):
    directory = os.path.join(run_directory, "nothing")
    os.mkdir(directory, 0o700)
    cluster = Archived(directory)
    yield cluster
    cluster.stop("immediate")


def cards(series, n=20):
    return [made_up(i, series=series) for i in range(n)]


def typed(service, shares, *command):
    """What a command says where the custodians type their shares at its terminal."""
    with at_terminal(service, *command) as terminal:
        for place, share in enumerate(shares, 1):
            terminal.expect(f"Share {place} of {len(shares)}: ")
            terminal.type(share.read_text().strip())
        assert terminal.end() == 0, terminal.shown
        return terminal.shown


def unseal(service, shares):
    """By the custodians, each with a file."""
    start_sealed(service)
    service.jeton("ceremony", "unseal", *shares)
    service.start_front()
    registered(service)


def live(service, shares, kept):
    """A life before the loss: cards under two generations, and what an operator keeps elsewhere."""
    typed(service, shares, "init", "--operator-key", service.operator_key_file)
    unseal(service, shares)
    service.populate()
    service.cluster.back_up()
    first = cards("first")
    tokens = dict(zip(service.app.tokenize_many(first), first))
    number = service.operator.create_generation()
    service.jeton("keys", "backup", kept / "keys.backup")
    assert service.operator.post(f"/v1/generations/{number}/activate").status_code == 200
    later = cards("second")
    tokens.update(zip(service.app.tokenize_many(later), later))
    shutil.copy(service.keeper_directory / "master.key", kept / "master.key")
    return tokens


@pytest.mark.slow
def test_a_service_is_made_again_from_what_is_kept_elsewhere(
    archived, make_service, run_directory, tmp_path
):
    heads = tmp_path / "heads"
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o700)
    service = make_service(cluster=archived, set_up=False, options={"audit_heads_file": heads})
    service.keeper_directory.mkdir(mode=0o700)
    service.jeton("migrate")
    files, _ = share_files(service, tmp_path / "shares", ["anna", "bert", "carl"], 2, "init")
    shares = [files["anna"], files["carl"]]
    tokens = live(service, shares, kept)
    app_key, operator_key = service.app_key, service.operator_key_file.read_text()

    # the end of it all: the last WAL is archived, the machine is not there any more
    service.stop()
    archived.mark("the-end")
    archived.stop("immediate")
    shutil.rmtree(archived.data)
    shutil.rmtree(service.keeper_directory)
    shutil.rmtree(service.directory)

    # 2. the database to its end
    cluster = Recovered(os.path.join(run_directory, "again"), archived, "the-end")
    try:
        # 1. and 3. another machine: the programs, and a keeper's directory from the backup
        again = Service(
            os.path.join(run_directory, "new"),
            Elsewhere(cluster),
            service.database,
            options={"audit_heads_file": tmp_path / "heads.new"},
        )
        try:
            check_again(again, kept, shares, tokens, app_key, operator_key, heads)
        finally:
            again.stop()
    finally:
        cluster.stop("immediate")


class Elsewhere:
    """The recovered cluster, whose database is there already."""

    def __init__(self, cluster):
        self.cluster = cluster

    def __getattr__(self, name):
        return getattr(self.cluster, name)

    @staticmethod
    def create_database(name, **settings):
        pass


def check_again(again, kept, shares, tokens, app_key, operator_key, heads):
    again.keeper_directory.mkdir(mode=0o700)
    again.operator_key_file.touch(0o600)
    again.operator_key_file.write_text(operator_key)
    again.app_key = app_key
    master = again.keeper_directory / "master.key"
    shutil.copy(kept / "master.key", master)
    master.chmod(0o600)
    assert "database's ring is good" in typed(
        again, shares, "keys", "restore", kept / "keys.backup"
    )
    # 4. start
    unseal(again, shares)
    again.populated = True
    again.wait_ready()
    # 6. each token gives its card, equal cards their tokens, and the trail ends where it did
    assert again.app.detokenize_many(list(tokens)) == list(tokens.values())
    assert again.app.tokenize_many(list(tokens.values())) == list(tokens)
    wait_until(
        lambda: "good: " in (done := again.jeton("audit", "verify", "--heads", heads)).stdout,
        "the trail is verified with the heads of before",
    )
    # 7. a new backup, and the generations roll
    again.jeton("keys", "backup", kept / "keys2.backup")
    number = again.operator.create_generation()
    again.jeton("keys", "backup", kept / "keys3.backup")
    again.jeton("keys", "activate", number)
    assert again.operator.retire(1)
    assert again.app.detokenize_many(list(tokens)) == list(tokens.values())
