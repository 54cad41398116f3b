# SPDX-License-Identifier: Apache-2.0
"""Every call fails in turn of the commands that work on a column of an application's table. No card
number is lost by it: each row has its number in the clear, or an envelope that opens to it.
"""

import base64

import pytest

import commandcalls
from commandcalls import PANS, Prints, without_numbers
from service import Api

pytestmark = pytest.mark.slow

TABLE = "public.customer"


class Shop:
    """The application's database, and the column `shop` in it."""

    def __init__(self, world):
        self.service, self.sql = world.service, world.service.cluster.sql
        cluster = self.service.cluster
        cluster.create_database("cf_shop")
        self.conninfo = f"host={cluster.directory} port={cluster.port} dbname=cf_shop user=jeton"
        create = f"CREATE TABLE {TABLE} (id bigint PRIMARY KEY, pan text)"
        self.query(create + f"; ALTER TABLE {TABLE} OWNER TO jeton")
        for row, pan in enumerate(PANS):
            self.query(f"INSERT INTO {TABLE} VALUES (%s, %s)", (row, pan))
        self.service.jeton("field", "add", "shop")
        add = ("--table", TABLE, "--key", "id", "--value", "pan", "--envelope", "sealed")
        self.service.jeton(*self.words("add"), *add, "--prepare")
        self.key = self.service.new_client("shop", ["encrypt:shop", "decrypt:shop"])
        self.key_file = world.directory / "shop.key"
        self.key_file.touch(0o600)
        self.key_file.write_text(self.key + "\n", encoding="ascii")
        self.sealed = None

    def words(self, command):
        return ("column", command, "shop", "--database", self.conninfo)

    def work(self, command):
        return (*self.words(command), "--key-file", self.key_file)

    def query(self, query, args=None):
        return self.sql("cf_shop", query, args)

    def plain(self):
        self.query(f"UPDATE {TABLE} SET sealed = NULL")
        for row, pan in enumerate(PANS):
            self.query(f"UPDATE {TABLE} SET pan = %s WHERE id = %s", (pan, row))

    def seal(self):
        """Envelopes of the first generation, and the second is active by then."""
        if self.sealed is None:
            self.plain()
            self.service.jeton(*self.work("encrypt"))
            self.sealed = self.query(f"SELECT id, sealed FROM {TABLE}")
            self.service.operator.roll()
        for row, envelope in self.sealed:
            self.query(f"UPDATE {TABLE} SET sealed = %s WHERE id = %s", (envelope, row))

    def opened(self):
        """Each row's card number, as an application reads it."""
        rows = self.query(f"SELECT id, pan, sealed FROM {TABLE} ORDER BY id")
        items = [
            {"row_id": str(row), "envelope": base64.b64encode(sealed).decode()}
            for row, pan, sealed in rows
            if pan is None
        ]
        pans = {str(row): pan for row, pan, _ in rows}
        if items:
            api = Api(self.service, self.key)
            results = api.post("/v1/fields/shop/decrypt", {"items": items}).json()["results"]
            pans.update({i["row_id"]: r.get("pan") for i, r in zip(items, results)})
        return [pans[str(row)] for row in range(len(rows))]


class Moves:
    """A command that takes every row on; cut short, the next run does the rest."""

    def __init__(self, command, begin, left):
        self.command, self.begin, self.left = command, begin, left

    def prepare(self, world):
        getattr(world.shop, self.begin)()
        return [*world.shop.work(self.command), "--retry-for", "5"]

    def done(self, world, done):
        count = world.shop.query(f"SELECT count(*) FROM {TABLE} WHERE {self.left}")
        assert count == [(0,)], "rows are left"
        assert world.shop.opened() == PANS, "a card number is lost"

    def not_done(self, world, done):
        assert world.shop.opened() == PANS, "a card number is lost"
        again = world.run(world.shop.work(self.command), faulty=False)
        assert again.returncode == 0, f"cannot go on: {again.stderr}"
        self.done(world, again)


class Tells(Prints):
    """Of the column as it is once all is encrypted."""

    def __init__(self, command, *more):
        super().__init__(same=without_numbers)
        self.command, self.more = command, more

    def prepare(self, world):
        if not self.arguments:
            world.shop.seal()
            self.arguments = (*world.shop.work(self.command), *self.more)
        return super().prepare(world)


CASES = {
    "encrypt": Moves("encrypt", "plain", "pan IS NOT NULL OR sealed IS NULL"),
    "drain": Moves("drain", "seal", "pan IS NOT NULL OR get_byte(sealed, 0) = 1"),
    "status": Tells("status", "--all"),
    "prove": Tells("prove", "--sample", "3"),
}


@pytest.fixture(scope="module")
def world(run_directory, cluster):
    with commandcalls.made_world(run_directory, cluster, "cfc") as world:
        world.shop = Shop(world)
        yield world


@pytest.mark.parametrize("name", CASES)
def test_each_call_fails_once(world, name, measured):
    commandcalls.each_call_fails(world, CASES[name], measured)
