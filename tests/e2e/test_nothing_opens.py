# SPDX-License-Identifier: Apache-2.0
"""After a destruction: every dump, a base backup with its WAL archive, and the directories of all
nodes are restored, and nothing that was sealed under the destroyed key opens from any of them. The
second reader (tests/reference) tries it, and the services themselves.
"""

import base64
import hashlib
import os
import re
import shutil
from pathlib import Path

import pytest

import formats
import kdf
import keyfiles
from cards import made_up
from custody import Custodians, destroy, destruction
from restored import Archived, Recovered
from service import Api, wait_until
from siv import Siv
from test_reference import run_reader

FAST = {"keeper_destroy_grace": 0}
MOMENTS = ("active", "draining", "retired", "destroyed")
VALUE, ROW_ID = b"kept by an application", "r/1"


class Story:
    """A service of two nodes through the whole life of generation 1, with copies of its database at
    every moment.
    """

    def __init__(self, make_service, cluster, directory):
        self.cluster, self.directory = cluster, directory
        self.service = make_service(cluster=cluster, options=FAST)
        self.custodians = Custodians(self.service, "alice", "bob")
        assert self.custodians.enroll().returncode == 0
        self.second = self.service.add_node(**FAST)
        self.nodes = [self.service, self.second]
        self.tokens = {}
        self.held = {}  # generation: envelope
        self.escrows = {}  # moment: the file

    def add(self, series, n=20):
        pans = [made_up(i, series=series) for i in range(n)]
        self.tokens.update(zip(self.service.app.tokenize_many(pans), pans))

    def seal(self, generation):
        answer = self.holder.post("/v1/fields/secret/encrypt", {"row_id": ROW_ID, "value": b64()})
        assert answer.status_code == 200
        self.held[generation] = base64.b64decode(answer.json()["envelope"])

    def decrypt(self, generation):
        envelope = base64.b64encode(self.held[generation]).decode()
        body = {"row_id": ROW_ID, "envelope": envelope}
        return self.holder.post("/v1/fields/secret/decrypt", body)

    def keep(self, moment):
        self.cluster.dump(self.service.database, self.dump(moment))
        self.cluster.mark(moment)

    def dump(self, moment):
        return self.directory / f"{moment}.sql"

    def escrow(self, moment):
        path = self.directory / f"{moment}.escrow"
        self.service.jeton("keys", "backup", path)
        self.escrows[moment] = path

    def live(self):
        """Everything that is told is in between."""
        service = self.service
        answer = service.operator.post("/v1/fields", {"name": "secret", "kind": "bytes"})
        self.secret = answer.json()["id"]
        self.holder = Api(service, service.new_client("held", ["encrypt", "decrypt"]))
        self.cluster.back_up()
        self.add("first")
        self.seal(1)
        self.escrow("before")
        self.file = (service.keeper_directory / "generation-1.key").read_bytes()
        self.keep("active")
        service.operator.roll()
        self.add("second")
        self.seal(2)
        self.keep("draining")
        service.operator.retire(1)
        self.keep("retired")
        self.certificate = destroy(service, self.custodians, 1)["certificate"]["text"]
        # the next one is named by the same byte inside stored data
        service.operator.roll()
        assert service.key_id(3) == self.held[1][0]
        self.add("third")
        self.seal(3)
        self.keep("destroyed")
        self.escrow("after")
        for node in self.nodes:
            shutil.copytree(node.keeper_directory, self.copy_of(node))
        return self

    def copy_of(self, node):
        return self.directory / f"keys.{node.node}"


def b64():
    return base64.b64encode(VALUE).decode()


def keys_in(directory):
    """Every generation key that the master key in this directory unwraps."""
    environment, master = keyfiles.read_master_key((directory / "master.key").read_bytes())
    wrap, found = Siv(kdf.from_master_key(master, "wrap")), []
    for path in directory.glob("generation-*.key"):
        number = int(path.name.split("-")[1].split(".")[0])
        found.append(keyfiles.read_generation(path.read_bytes(), wrap, environment, number))
    return found


def keys_of_escrow(story, moment):
    master = (story.service.keeper_directory / "master.key").read_bytes()
    environment, master = keyfiles.read_master_key(master)
    return keyfiles.read_escrow(story.escrows[moment].read_bytes(), master, environment)[1]


class Reading:
    """What a database has: envelopes of cards by generation, as its own rows name it."""

    def __init__(self, cluster, database):
        numbers = dict(cluster.sql(database, "SELECT key_id, number FROM generation WHERE state<5"))
        self.cards = {}
        for row in cluster.sql(
            database, "SELECT key_id, field, id, uuid_send(fp), envelope, digits FROM card"
        ):
            key_id, field, number, *rest = row
            rest = [bytes(x or b"") for x in rest]
            self.cards.setdefault(numbers[key_id], []).append((key_id, field, number, *rest))

    def opened(self, generation, keys):
        """How many cards of a generation open with any of these keys, under the header of that
        generation or of the key's own.
        """
        n = 0
        for key_id, field, number, fp, envelope, digits in self.cards.get(generation, []):
            tried = [
                formats.CardKeys(key.key, name, key_id, field)
                for key in keys
                for name in {generation, key.number}
            ]
            n += any(t.open(envelope, number, fp, digits) is not None for t in tried)
        return n


def held_opened(story, generation, keys):
    envelope = story.held[generation]
    tried = [
        formats.HeldKeys(key.key, name, envelope[0], story.secret)
        for key in keys
        for name in {generation, key.number}
    ]
    return any(t.open(envelope, ROW_ID.encode()) == VALUE for t in tried)


@pytest.fixture(scope="module")
def archived(run_directory):
    directory = os.path.join(run_directory, "archived")
    os.mkdir(directory, 0o700)
    cluster = Archived(directory)
    yield cluster
    cluster.stop("immediate")


def databases(story):
    """(name, reading) of every database that the copies give; the WAL's are real clusters."""
    for moment in MOMENTS:
        story.cluster.load(story.dump(moment), f"dump_{moment}")
        yield f"dump {moment}", Reading(story.cluster, f"dump_{moment}")
    for moment in ("active", "draining"):
        cluster = Recovered(story.cluster.directory / moment, story.cluster, moment)
        story.recovered.append(cluster)
        yield f"WAL {moment}", Reading(cluster, story.service.database)
    yield "the database", Reading(story.cluster, story.service.database)


def check_readings(story):
    stolen = {node.node: keys_in(story.copy_of(node)) for node in story.nodes}
    assert [sorted(k.number for k in keys) for keys in stolen.values()] == [[2, 3], [2, 3]]
    before, after = keys_of_escrow(story, "before"), keys_of_escrow(story, "after")
    assert 1 in before and sorted(after) == [2, 3]
    keys = [key for found in stolen.values() for key in found] + list(after.values())
    met = {}
    for name, reading in databases(story):
        for generation, cards in reading.cards.items():
            met.setdefault(generation, {})[name] = len(cards)
            n = reading.opened(generation, keys)
            assert n == (0 if generation == 1 else len(cards)), (name, generation, n)
        assert reading.opened(1, [before[1]]) == len(reading.cards.get(1, [])), name
    # so that all of it was tried: whatever was under generation 1 is in the copies of before
    assert met[1] == {name: 20 for name in (*of("active"), *of("draining"))}
    assert set(met[2]) == {*of("draining"), "dump retired", "dump destroyed", "the database"}
    assert set(met[3]) == {"dump destroyed", "the database"}
    assert [held_opened(story, n, keys) for n in (1, 2, 3)] == [False, True, True]
    assert held_opened(story, 1, [before[1]])
    return before[1]


def of(moment):
    return f"dump {moment}", f"WAL {moment}"


def check_no_bytes(story, key):
    """Neither the key nor what its file held of it is anywhere in what was copied."""
    wrapped = story.file[36:]
    places = [story.directory, story.cluster.archive, story.cluster.base, story.cluster.data]
    places += [node.directory for node in story.nodes]
    files = [p for place in places for p in Path(place).rglob("*") if p.is_file()]
    assert len(files) > 1000
    for path in files:
        data = path.read_bytes()
        assert key.key not in data and key.key.hex().encode() not in data, path.name
        assert wrapped not in data and wrapped.hex().encode() not in data, path.name
    assert any(b"JTGENKEY" in p.read_bytes() for p in story.service.keeper_directory.iterdir())


def check_backups_named(story):
    """The product says which files still hold the key, in the certificate too, and those do."""
    digests = {m: hashlib.sha256(p.read_bytes()).hexdigest() for m, p in story.escrows.items()}
    listed = story.service.operator.get("/v1/generations/1").json()["backups"]
    assert [b["digest"] for b in listed] == [digests["before"]]
    assert re.findall(r"\nbackup: (\w+)", story.certificate) == [digests["before"]]


def serve(story, cluster, database):
    """Both nodes on a restored database: they refuse it, say so, and open nothing."""
    for node in story.nodes:
        node.configure(
            **FAST,
            database_conninfo=f"host={cluster.directory} port={cluster.port} dbname={database} "
            "user=jeton",
        )
        said = len(node.front_log.read_text())
        node.start_keeper()
        node.start_front()
        wait_until(
            lambda n=node, at=said: re.search(
                "the database is behind|went back|another database|see jeton recover",
                n.front_log.read_text()[at:],
            ),
            "the log says what is wrong with the database",
        )
        assert not node.ready()
        answer = node.app.post("/v1/fields/pan/detokenize", {"token": next(iter(story.tokens))})
        assert answer.status_code in (401, 503) and "pan" not in answer.json()
        story.holder = Api(node, story.holder.key)
        for generation in (1, 2):
            answer = story.decrypt(generation)
            assert answer.status_code >= 400 and "value" not in answer.json()
        answer = node.operator.get("/v1/generations/1")
        assert not (node.keeper_directory / "generation-1.key").exists()
    for node in story.nodes:
        node.front.kill()  # it leaves its rows, as a restored database has them
        node.keeper.stop()


@pytest.mark.slow
def test_after_a_destruction_nothing_that_was_kept_opens(archived, make_service, tmp_path):
    story = Story(make_service, archived, tmp_path).live()
    story.recovered = []
    check_backups_named(story)
    story.service.stop()
    try:
        check_no_bytes(story, check_readings(story))
        serve(story, archived, "dump_draining")
        serve(story, story.recovered[0], story.service.database)
    finally:
        for cluster in story.recovered:
            cluster.stop("immediate")
    # and on the database that they know everything is as it was
    for node in story.nodes:
        node.configure(**FAST)
        node.start_keeper()
        node.start_front()
        node.wait_ready()
    story.holder = Api(story.service, story.holder.key)
    tokens = list(story.tokens)
    assert story.service.app.detokenize_many(tokens) == [story.tokens[t] for t in tokens]
    assert [story.decrypt(n).status_code == 200 for n in (1, 2, 3)] == [False, True, True]
    assert destruction(story.service, 1)["certificate"]["text"] == story.certificate
    check_the_reader_follows(story.service)


def check_the_reader_follows(service):
    """The second reader finds the certificate good, until a receipt is put in another's place."""
    service.pans = []
    good = run_reader(service)
    assert good.returncode == 0 and "destroyed keys: 1 certificates good" in good.stdout
    service.sql(
        "UPDATE backup SET body = (SELECT b.body FROM backup b WHERE b.digest <> backup.digest)"
    )
    assert "a backup that it names lacks the key" in run_reader(service).stdout
