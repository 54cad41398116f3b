# SPDX-License-Identifier: Apache-2.0
"""Columns of applications' own tables: registered with a field, encrypted in place, drained and
counted, so that retirement waits for them.
"""

import base64
import itertools
import os
import re
import signal
import subprocess
import threading

import psycopg2
import pytest

from cards import bad_luhn, made_up
from service import BIN, Api, problem, wait_until

COLUMN = {
    "database": "shop",
    "table": "public.customer",
    "key": "id",
    "value": "pan",
    "envelope": "pan_envelope",
}
TEXT = "shop public.customer id pan pan_envelope"


def register(service, field="pan", **members):
    return service.operator.post(f"/v1/fields/{field}/column", {**COLUMN, **members})


def test_a_column_is_registered_and_taken_away(service):
    assert problem(service.operator.get("/v1/fields/pan/column")) == "not-found"
    answer = register(service)
    assert answer.status_code == 200 and answer.json()["column"] == TEXT
    assert register(service).status_code == 200  # the same again
    answer = register(service, table="public.other")
    assert (answer.status_code, problem(answer)) == (409, "conflict")
    shown = service.operator.get("/v1/fields/pan/column").json()
    assert shown["column"] == COLUMN and shown["epoch"] == service.operator.epoch()
    assert [(g["generation"], g["state"], g["envelopes"]) for g in shown["generations"]] == [
        (1, "active", None)
    ]
    # rules change beside it, and it stays over a restart
    answer = service.operator.request("PATCH", "/v1/fields/pan", json={"mask_digits": 8})
    assert answer.json()["column"] == TEXT
    service.stop()
    service.start()
    assert service.operator.get("/v1/fields/pan").json()["column"] == TEXT
    answer = service.operator.request("DELETE", "/v1/fields/pan/column")
    assert answer.status_code == 200 and "column" not in answer.json()
    answer = service.operator.request("DELETE", "/v1/fields/pan/column")
    assert (answer.status_code, problem(answer)) == (404, "not-found")
    assert register(service, table="public.other").status_code == 200


def test_only_who_may_sees_and_counts(service):
    register(service)
    assert service.app.get("/v1/fields/pan/column").status_code == 403
    body = {"epoch": service.operator.epoch(), "counts": []}
    assert service.app.post("/v1/fields/pan/column/counts", body).status_code == 403
    job = Api(service, service.new_client("job", ["encrypt:pan"]))
    assert job.get("/v1/fields/pan/column").status_code == 200
    assert job.post("/v1/fields/pan/column/counts", body).status_code == 200
    assert job.post("/v1/fields/pan/column", COLUMN).status_code == 403
    assert job.request("DELETE", "/v1/fields/pan/column").status_code == 403


@pytest.mark.parametrize(
    "members",
    [
        {"table": "customer"},
        {"table": "a.b.c"},
        {"key": 'i"d'},
        {"value": "pan; drop"},
        {"envelope": ""},
        {"envelope": "pan"},  # over the card number
        {"database": "d" * 64},
        {"database": "d4111111111111111"},
        {"host": "db.example"},
    ],
    ids=str,
)
def test_what_is_no_column_is_refused(shared, members):
    answer = register(shared, **members)
    assert answer.status_code in (400, 422)
    assert "column" not in shared.operator.get("/v1/fields/pan").json()
    assert not any(str(v) in answer.text for v in members.values() if len(str(v)) > 8)


def test_a_field_of_bytes_has_no_column(service):
    assert service.operator.post("/v1/fields", {"name": "b", "kind": "bytes"}).status_code == 201
    assert register(service, field="b").status_code in (409, 422)
    assert register(service, field="nosuch").status_code == 404


def counted(service, number, envelopes, epoch=None, key_id=None):
    body = {
        "epoch": service.operator.epoch() if epoch is None else epoch,
        "counts": [
            {
                "generation": number,
                "key_id": service.key_id(number) if key_id is None else key_id,
                "envelopes": envelopes,
            }
        ],
    }
    return service.operator.post("/v1/fields/pan/column/counts", body)


def waits(service, number):
    """What a retirement waits for, once no card is left."""
    state = service.operator.retirement(number)
    return state["state"] == "draining" and state["rows_left"] == 0 and state["columns"]


def test_a_retirement_waits_for_the_columns(service):
    register(service)
    answer = counted(service, 1, 0)
    assert (answer.status_code, problem(answer)) == (409, "conflict")  # it is active
    early = service.operator.epoch()
    service.operator.roll()
    service.operator.start_retirement(1)
    assert waits(service, 1) == [
        {"field": "pan", "column": TEXT, "envelopes": None, "counted_at": None}
    ]
    wait_until(lambda: "cannot retire" in service.front_log.read_text(), "it is told")
    wait_until(
        lambda: service.operator.get("/v1/status").json()["columns_waiting"] == 1, "it is counted"
    )
    answer = counted(service, 1, 0, epoch=early)  # from before the last seal
    assert (answer.status_code, problem(answer)) == (409, "count-outdated")
    answer = counted(service, 1, 0, key_id=99)  # under which there is nothing
    assert (answer.status_code, problem(answer)) == (404, "not-found")
    assert counted(service, 1, 17).status_code == 200
    assert [c["envelopes"] for c in waits(service, 1)] == [17]
    # with nothing else to do, many rounds of the job do not retire it
    for _ in range(2):
        service.operator.roll()
    assert waits(service, 1)
    assert counted(service, 1, 0).status_code == 200
    assert service.operator.wait_certified(1)["columns"] == []


def test_a_count_of_the_databases_owner_counts_for_nothing(service):
    register(service)
    service.operator.roll()
    assert counted(service, 1, 17).status_code == 200
    service.sql("UPDATE column_count SET envelopes = 0")
    service.operator.start_retirement(1)
    wait_until(
        lambda: "a count of a column's envelopes is not as a keeper made it"
        in service.front_log.read_text(),
        "the alarm",
    )
    assert [c["envelopes"] for c in waits(service, 1)] == [None]
    # nor can the registration be made away with
    service.sql("UPDATE field SET app_column = ''")
    service.stop()
    service.start_keeper()
    service.start_front()
    service.wait_unready()
    service.sql("UPDATE field SET app_column = %s WHERE name = 'pan'", (TEXT,))
    service.wait_ready()
    assert counted(service, 1, 0).status_code == 200
    service.operator.wait_certified(1)


def test_a_column_that_is_gone_holds_nothing_up(service):
    register(service)
    service.operator.roll()
    service.operator.start_retirement(1)
    assert waits(service, 1)
    assert service.operator.request("DELETE", "/v1/fields/pan/column").status_code == 200
    service.operator.wait_certified(1)
    actions = [r["action"] for r in service.operator.get("/v1/audit").json()["rows"]]
    assert "column-add" in actions and "column-remove" in actions


# -- a table of an application's


ROWS = 2500  # more than two batches


class Shop:
    """An application's database in the same cluster, with card numbers in the clear."""

    def __init__(self, service, name):
        self.service, self.name = service, name
        service.cluster.create_database(name)
        self.sql(
            "CREATE TABLE public.customer (id bigint PRIMARY KEY, pan text, note int DEFAULT 0)",
            user="jeton",
        )
        self.pans = {n: made_up(n, series="shop") for n in range(1, ROWS + 1)}
        with self.connection() as connection, connection.cursor() as cursor:
            for key, pan in self.pans.items():
                cursor.execute("INSERT INTO customer (id, pan) VALUES (%s, %s)", (key, pan))
        self.job_key = service.directory / "job.key"
        self.job_key.write_text(service.new_client("columns", ["encrypt:pan", "decrypt:pan"]))
        self.job_key.chmod(0o600)

    def connection(self):
        return self.service.cluster.connect(self.name, user="jeton")

    def sql(self, query, args=None, user="jeton"):
        connection = self.service.cluster.connect(self.name, user=user)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(query, args)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    @property
    def conninfo(self):
        cluster = self.service.cluster
        return f"host={cluster.directory} port={cluster.port} dbname={self.name} user=jeton"

    def add(self, *more):
        names = ["--table", "customer", "--key", "id", "--value", "pan"]
        names += ["--envelope", "pan_envelope", "--database", self.conninfo]
        return self.service.jeton("column", "add", "pan", *names, *more, check=False)

    def column(self, command, *more):
        """A command of a client that may do no more than encrypt and decrypt in the field."""
        return self.service.jeton(
            "column",
            command,
            "pan",
            "--database",
            self.conninfo,
            *more,
            check=False,
            key_file=self.job_key,
        )

    def start(self, command, *more):
        environment = {
            **os.environ,
            "JETON_URL": self.service.url,
            "JETON_KEY_FILE": str(self.job_key),
        }
        arguments = ["column", command, "pan", "--database", self.conninfo, *more]
        return subprocess.Popen(
            [str(BIN / "jeton"), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def plain(self):
        return self.sql("SELECT count(*) FROM customer WHERE pan IS NOT NULL")[0][0]

    def open_all(self):
        """What an application reads: the card number of each row, by the API alone."""
        api = Api(self.service, self.job_key.read_text())
        found = self.sql("SELECT id, pan, pan_envelope FROM customer ORDER BY id")
        pans = {key: pan for key, pan, _ in found if pan is not None}
        sealed = [(key, bytes(envelope)) for key, pan, envelope in found if pan is None]
        for at in range(0, len(sealed), 1000):
            part = sealed[at : at + 1000]
            items = [{"row_id": str(k), "envelope": base64.b64encode(e).decode()} for k, e in part]
            answer = api.post("/v1/fields/pan/decrypt", {"items": items})
            pans.update({k: r.get("pan") for (k, _), r in zip(part, answer.json()["results"])})
        return pans


_shops = itertools.count(1)


@pytest.fixture
def shop(service):
    return Shop(service, f"shop{next(_shops)}")


def test_a_column_is_prepared_encrypted_and_proved(shop):
    answer = shop.add()
    assert answer.returncode == 3
    assert "CREATE INDEX CONCURRENTLY" in answer.stderr and "ADD COLUMN" in answer.stderr
    assert shop.column("encrypt").returncode == 3  # without the indices nothing runs
    assert shop.plain() == ROWS
    answer = shop.add("--prepare")
    assert answer.returncode == 0, answer.stderr
    assert f"{shop.name} public.customer id pan pan_envelope" in answer.stdout
    assert shop.column("prove").returncode == 3
    answer = shop.column("encrypt")
    assert answer.returncode == 0, answer.stderr
    assert f"{ROWS} rows encrypted" in answer.stderr
    assert shop.plain() == 0 and shop.open_all() == shop.pans
    answer = shop.column("prove", "--forbid")
    assert answer.returncode == 0, answer.stderr
    assert "no row has its card number in the clear" in answer.stdout and "VACUUM" in answer.stdout
    with pytest.raises(psycopg2.errors.CheckViolation):
        shop.sql("UPDATE customer SET pan = '4111111111111111' WHERE id = 1")
    assert shop.column("prove", "--forbid").returncode == 0  # again
    answer = shop.column("status", "--all")
    assert "rows in the clear: 0" in answer.stdout and str(ROWS) in answer.stdout
    for text in (answer.stdout, answer.stderr):
        assert not re.search(r"\d{12}", text)


def test_the_plain_column_may_go_when_all_is_encrypted(shop):
    shop.add("--prepare")
    assert shop.column("encrypt").returncode == 0
    shop.sql("ALTER TABLE customer DROP COLUMN pan")
    shop.service.operator.roll()
    assert shop.column("drain").returncode == 0
    assert "rows in the clear: 0" in shop.column("status").stdout
    assert shop.column("prove", "--forbid").returncode == 0
    answer = shop.column("encrypt")
    assert answer.returncode == 1 and "has no column pan" in answer.stderr
    shop.service.operator.retire(1)


def test_values_that_are_no_cards_are_left_and_named_by_their_key(shop):
    shop.add("--prepare")
    shop.sql("UPDATE customer SET pan = %s WHERE id = 7", (bad_luhn(7),))
    shop.sql("UPDATE customer SET pan = 'none' WHERE id = 8")
    shop.sql("UPDATE customer SET pan = '' WHERE id = 9")
    shop.sql("UPDATE customer SET pan = repeat('4', 3000) WHERE id = 10")
    shop.sql("UPDATE customer SET id = 4111111111111111 WHERE id = 11")
    shop.sql("UPDATE customer SET pan = 'none' WHERE id = 4111111111111111")
    rejects = shop.service.directory / "rejects.csv"
    answer = shop.column("encrypt", "--rejects", rejects)
    assert answer.returncode == 3
    assert f"{ROWS - 5} rows encrypted" in answer.stderr
    listed = rejects.read_text(encoding="ascii").splitlines()
    assert len(listed) == 5 and '"7",pan-bad-luhn' in listed and '"",pan-not-digits' in listed
    for key, reason in ((7, "pan-bad-luhn"), (8, "pan-not-digits"), (9, "pan-empty"), (10, "pan-")):
        assert f"row {key} is left: {reason}" in answer.stderr
    assert "could be a card number" in answer.stderr
    assert not re.search(r"\d{12}", answer.stdout + answer.stderr)
    assert shop.plain() == 5 and shop.column("prove").returncode == 3


def test_the_first_phase_keeps_the_card_numbers_and_the_second_goes_by_them(shop):
    shop.add("--prepare")
    answer = shop.column("encrypt", "--keep-plain")
    assert answer.returncode == 0, answer.stderr
    assert shop.plain() == ROWS
    assert f"0 rows encrypted" in shop.column("encrypt", "--keep-plain").stderr
    # the application that still knows the old column only changes a card
    shop.pans[5] = made_up(9999, series="shop")
    shop.sql("UPDATE customer SET pan = %s WHERE id = 5", (shop.pans[5],))
    assert shop.column("encrypt").returncode == 0
    assert shop.plain() == 0 and shop.open_all() == shop.pans


def test_nothing_is_lost_while_the_application_writes_and_the_job_is_killed(shop):
    shop.add("--prepare")
    stop = threading.Event()
    written = {}

    def application():
        connection = shop.connection()
        connection.autocommit = True
        with connection.cursor() as cursor:
            for n in itertools.count():
                if stop.is_set():
                    break
                key, new = n * 37 % ROWS + 1, made_up(n, series="fresh")
                cursor.execute(
                    "UPDATE customer SET pan = %s, pan_envelope = NULL WHERE id = %s", (new, key)
                )
                written[key] = new
                cursor.execute(
                    "INSERT INTO customer (id, pan) VALUES (%s, %s)", (ROWS + 1 + n, new)
                )
                written[ROWS + 1 + n] = new
        connection.close()

    thread = threading.Thread(target=application)
    thread.start()
    try:
        for batches in (1, 2):
            job = shop.start("encrypt")
            wait_until(lambda: shop.plain() <= ROWS + len(written) - 900 * batches, "some are done")
            job.kill()
            job.communicate()
        two = [shop.start("encrypt", "--rate", "100000") for _ in range(2)]
        wait_until(lambda: len(written) > 300, "the application writes on")
    finally:
        stop.set()
        thread.join()
    for job in two:
        job.communicate(timeout=120)
    answer = shop.column("encrypt")
    assert answer.returncode == 0, answer.stderr
    assert shop.plain() == 0 and shop.open_all() == {**shop.pans, **written}
    assert shop.column("prove").returncode == 0


def test_a_signal_ends_it_between_two_batches_and_it_goes_on(shop):
    shop.add("--prepare")
    job = shop.start("encrypt", "--rate", "1")  # the first batch, and then a long wait
    wait_until(lambda: shop.plain() < ROWS, "the first batch is done")
    job.send_signal(signal.SIGINT)
    _, told = job.communicate(timeout=60)
    assert job.returncode == 1 and "run it again" in told
    assert shop.plain() == ROWS - 1000 and shop.open_all() == shop.pans
    assert shop.column("encrypt").returncode == 0 and shop.plain() == 0


def test_a_retirement_ends_when_the_column_is_drained(shop):
    service = shop.service
    shop.add("--prepare")
    assert shop.column("encrypt").returncode == 0
    service.operator.roll()
    answer = service.jeton("keys", "retire", "1", "--wait", check=False)
    assert answer.returncode == 3
    assert "jeton column drain pan" in answer.stderr
    answer = shop.column("status")
    assert re.search(rf"^1 .* draining .* {ROWS}$", answer.stdout, re.M), answer.stdout
    assert [c["envelopes"] for c in service.operator.retirement(1)["columns"]] == [ROWS]
    # an envelope that was moved to another row keeps it: it does not open there
    shop.sql(
        "UPDATE customer SET pan_envelope = (SELECT pan_envelope FROM customer WHERE id = 1) "
        "WHERE id = 2"
    )
    answer = shop.column("drain")
    assert answer.returncode == 3
    assert "row 2 is left: envelope-refused" in answer.stderr
    assert [c["envelopes"] for c in service.operator.retirement(1)["columns"]] == [1]
    shop.sql("UPDATE customer SET pan = %s, pan_envelope = NULL WHERE id = 2", (shop.pans[2],))
    answer = shop.column("drain")
    assert answer.returncode == 0, answer.stderr
    service.operator.wait_certified(1)
    assert shop.open_all() == shop.pans
    # a table that is restored from before the drain shows, and is drained again
    assert shop.column("encrypt").returncode == 0
    keys = {r[0] for r in shop.sql("SELECT DISTINCT get_byte(pan_envelope, 0) FROM customer")}
    assert keys == {service.key_id(2)}


def test_a_destruction_takes_a_count_from_after_the_retirement(service):
    register(service)
    service.operator.roll()
    assert counted(service, 1, 0).status_code == 200
    service.operator.retire(1)

    def reason():
        return service.operator.post("/v1/generations/1/destroy").json()["reason"]

    assert "stand in a registered column" in reason()
    assert counted(service, 1, 3).status_code == 200  # stored late, or restored
    assert "stand in a registered column" in reason()
    assert counted(service, 1, 0).status_code == 200
    assert "custodians" in reason()  # of whom there are none here: the next thing that it takes


def test_two_columns_of_a_table_do_not_disturb_each_other(shop):
    shop.sql("ALTER TABLE customer ADD COLUMN second text")
    shop.sql("UPDATE customer SET second = pan WHERE id <= 10")
    assert shop.add("--prepare").returncode == 0
    names = ["--table", "customer", "--key", "id", "--value", "second", "--envelope", "sealed"]
    answer = shop.service.jeton(
        "column", "add", "other", *names, "--prepare", "--database", shop.conninfo, check=False
    )
    assert answer.returncode == 0 and "DROP" not in answer.stderr, answer.stderr
    assert shop.column("encrypt").returncode == 0  # its indices are there yet
    assert shop.column("prove", "--forbid").returncode == 0
    assert shop.sql("SELECT count(*) FROM customer WHERE second IS NOT NULL")[0][0] == 10
    job_key = shop.job_key
    job_key.write_text(shop.service.new_client("both", ["encrypt", "decrypt"]))

    def other(command, *more):
        return shop.service.jeton(
            *("column", command, "other", "--database", shop.conninfo, *more),
            check=False,
            key_file=job_key,
        )

    assert other("encrypt").returncode == 0
    assert other("prove", "--forbid").returncode == 0
    assert shop.open_all() == shop.pans


def test_a_table_with_children_is_refused(shop):
    """Their rows would come with its own, under keys and in places that may be equal."""
    shop.sql("CREATE TABLE old (PRIMARY KEY (id)) INHERITS (customer)")
    answer = shop.add("--prepare")
    assert answer.returncode == 1 and "inherit from it" in answer.stderr
    shop.sql("DROP TABLE old")
    assert shop.add("--prepare").returncode == 0


def test_what_a_trigger_puts_back_is_not_called_encrypted(shop):
    shop.add("--prepare")
    shop.sql(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN NEW.pan := OLD.pan; RETURN NEW; END'"
    )
    shop.sql(
        "CREATE TRIGGER keep BEFORE UPDATE ON customer FOR EACH ROW WHEN (OLD.id <= 3) "
        "EXECUTE FUNCTION keep()"
    )
    answer = shop.column("encrypt")
    assert answer.returncode == 3 and f"{ROWS - 3} rows encrypted" in answer.stderr
    assert "3 rows were in use" in answer.stderr and "trigger" in answer.stderr
    shop.sql("DROP TRIGGER keep ON customer")
    assert shop.column("encrypt").returncode == 0
    assert shop.plain() == 0 and shop.open_all() == shop.pans


def test_what_the_database_says_is_told_without_card_numbers(shop):
    shop.add("--prepare")
    shop.sql(
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION "
        "''no %'', regexp_replace(OLD.pan, ''(....)'', ''\\1 '', ''g''); END'"
    )
    shop.sql("CREATE TRIGGER tell BEFORE UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION tell()")
    answer = shop.column("encrypt")
    assert answer.returncode == 1 and "P0001, and a message that may" in answer.stderr
    assert not re.search(r"\d{4} \d{4}", answer.stderr)
    assert shop.plain() == ROWS


def test_keys_that_cannot_be_are_counted_once_and_hidden_where_they_are_cards(shop):
    shop.sql("ALTER TABLE customer ALTER COLUMN id TYPE text")
    shop.add("--prepare")
    for key in ("", "k" * 256, "4111 1111 1111 1111"):
        shop.sql("INSERT INTO customer (id, pan) VALUES (%s, 'none')", (key,))
    rejects = shop.service.directory / "rejects.csv"
    answer = shop.column("encrypt", "--rejects", rejects)
    assert answer.returncode == 3 and "3 rows were left" in answer.stderr
    assert len(rejects.read_text().splitlines()) == 3
    assert "4111" not in answer.stderr + rejects.read_text()


def test_a_password_is_not_taken_on_the_command_line(shop):
    shop.add()
    answer = shop.column("status", "--database", shop.conninfo + " password=secret")
    assert answer.returncode == 78 and "secret" not in answer.stderr


def test_every_row_is_reached_by_an_index(shop):
    """The plans, with the settings of the commands' session; a scan costs nothing but the setting
    forbids it, so that a plan with a Seq Scan would have had no index to go by.
    """
    shop.add("--prepare")
    assert shop.column("encrypt").returncode == 0
    shop.sql("SELECT pg_stat_reset()", user="postgres")
    shop.sql("UPDATE customer SET pan = %s WHERE id < 20", (made_up(1, series="shop"),))
    shop.service.operator.roll()
    for command in ("encrypt", "drain", "status", "prove"):
        shop.column(command)

    def scans():
        shop.sql("SELECT pg_stat_force_next_flush()")
        return shop.sql(
            "SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname = 'customer'"
        )[0]

    before = wait_until(lambda: scans()[1] > 3 and scans(), "the statistics are there")
    # the one is the sample of `prove`, which reads some blocks
    assert before[0] <= 1
