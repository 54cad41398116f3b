# SPDX-License-Identifier: Apache-2.0
"""The audit trail is a chain: whatever is changed, removed, added or swapped is found."""

import contextlib
import json
import random
import re
import socket
import threading

import pytest
import requests

from cards import made_up
from service import problem, wait_until
from traffic import Traffic

PANS = [made_up(n, series="chain") for n in range(40)]
NOW = ("--until", "2100-01-01T00:00:00Z")  # idle services only: nothing is being added


def fill(service, clients=6):
    """Rows of many kinds, and links of several rows: what comes together goes together."""
    tokens = service.app.tokenize_many(PANS)
    service.app.tokenize(made_up(1, series="chain-single"))

    def read():
        app = service.app
        for _ in range(15):
            app.detokenize_many(random.sample(tokens, 5))
            app.post("/v1/fields/pan/detokenize", {"token": "jtk_" + "0" * 26})

    def read_together():
        threads = [threading.Thread(target=read) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return service.sql("SELECT max(place) FROM audit")[0][0] > 1

    wait_until(read_together, "a link of several rows")
    service.new_client("auditee", ["tokenize"])
    service.operator.create_generation()
    return tokens


def verify(service, *arguments, good=True):
    """What `jeton audit verify` says; its lines."""
    done = service.jeton("audit", "verify", *arguments, check=False)
    assert done.returncode == (0 if good else 2), done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("good: " if good else "BAD: "), done.stdout
    return lines


@pytest.fixture
def chained(make_service, run_directory):
    service = make_service(options={"audit_heads_file": f"{run_directory}/heads"})
    service.heads = f"{run_directory}/heads"
    return service


@pytest.fixture
def kept(service):
    """A filled service, and a way back after each edit."""
    fill(service)
    service.front.stop()  # its chains have ended, and the next start says where
    service.start_front().wait_ready()
    service.sql("CREATE TABLE public.kept AS TABLE audit")
    service.sql("CREATE TABLE public.kept_start AS TABLE audit_start")

    def restore():
        service.sql("DELETE FROM audit")
        service.sql("INSERT INTO audit SELECT * FROM public.kept")
        service.sql("DELETE FROM audit_start")
        service.sql("INSERT INTO audit_start SELECT * FROM public.kept_start")

    service.restore = restore
    return service


A_ROW = (
    "(SELECT ctid FROM audit WHERE action = 2 AND n_done > 0 AND link > 3 "
    "ORDER BY start, connection, link, place LIMIT 1)"
)
COLUMNS = {
    "at": "at + interval '1 microsecond'",
    "link": "link + 1000000",
    "start": "start + 1",
    "field": "field + 1",
    "n_items": "n_items + 1",
    "n_done": "n_done - 1",
    "action": "1",
    "result": "85",
    "connection": "connection + 900",
    "place": "place + 1",
    "request": "gen_random_uuid()",
    "client": "client || 'x'",
    "object": "object || 'x'",
    "source": "decode('0a000001', 'hex')",
    "ids": "decode('0000000000000001', 'hex')",
}
LINK_OF_ROW = "(start, connection, link) = (SELECT start, connection, link FROM audit WHERE ctid = "
TAMPERINGS = {
    **{
        f"the column {name} is edited": f"UPDATE audit SET {name} = {value} WHERE ctid = {A_ROW}"
        for name, value in COLUMNS.items()
    },
    "a head is edited": "UPDATE audit SET head = gen_random_uuid() WHERE ctid = (SELECT ctid FROM "
    "audit WHERE head IS NOT NULL AND link > 3 LIMIT 1)",
    "a row is deleted": f"DELETE FROM audit WHERE ctid = {A_ROW}",
    "a link is deleted": f"DELETE FROM audit WHERE {LINK_OF_ROW}{A_ROW})",
    "a copy is inserted": f"INSERT INTO audit SELECT * FROM audit WHERE ctid = {A_ROW}",
    "a row of its own chain is inserted": "INSERT INTO audit SELECT at, link, start, field, "
    "n_items, n_done, action, result, connection + 700, place, request, head, client, object, "
    f"source, ids FROM audit WHERE ctid = {A_ROW}",
    "the links of two rows are swapped": "WITH two AS (SELECT ctid, link, at, row_number() OVER "
    "(ORDER BY link) AS n FROM (SELECT ctid, link, at FROM audit WHERE (start, connection) = "
    f"(SELECT start, connection FROM audit WHERE ctid = {A_ROW}) AND head IS NOT NULL AND place "
    "= 1 ORDER BY link LIMIT 2) AS t) UPDATE audit a SET link = o.link, at = o.at FROM two t JOIN "
    "two o ON o.n <> t.n WHERE a.ctid = t.ctid",
    "an older row is put back": "UPDATE audit SET (client, object, n_items, n_done, request, ids) "
    "= (SELECT client, object, n_items, n_done, request, ids FROM audit WHERE action = 2 ORDER BY "
    f"at LIMIT 1) WHERE ctid = (SELECT ctid FROM audit WHERE action = 2 ORDER BY at DESC "
    "LIMIT 1)",
    "the tail of an ended chain is cut": "DELETE FROM audit a WHERE (a.start, a.connection, "
    "a.link) IN (SELECT start, connection, max(link) FROM audit WHERE action = 2 GROUP BY 1, 2)",
    "an ended chain is deleted": "DELETE FROM audit WHERE (start, connection) = (SELECT start, "
    f"connection FROM audit WHERE ctid = {A_ROW})",
    "the beginning of a chain is cut": "DELETE FROM audit a WHERE a.link = 1 AND (a.start, "
    f"a.connection) = (SELECT start, connection FROM audit WHERE ctid = {A_ROW})",
    "the row of a start is edited": "UPDATE audit_start SET node = 'other' WHERE predecessor <> 0",
    "a start forgets an end": "UPDATE audit_start SET ends = substring(ends FROM 27) WHERE "
    "length(ends) > 0",
    "the row of a start is deleted": "DELETE FROM audit_start WHERE predecessor = 0 AND node <> ''",
    "the row of a start and all its rows are deleted": "WITH gone AS (DELETE FROM audit_start "
    "WHERE predecessor = 0 AND node <> '' RETURNING id) DELETE FROM audit WHERE start IN (SELECT "
    "id FROM gone)",
}


def test_every_tampering_is_found(kept):
    verify(kept, *NOW)
    for what, statement in TAMPERINGS.items():
        before = kept.sql("SELECT md5(string_agg(a::text, '' ORDER BY a::text)) FROM audit a")
        starts = kept.sql("SELECT md5(string_agg(a::text, '' ORDER BY a::text)) FROM audit_start a")
        kept.sql(statement)
        after = kept.sql("SELECT md5(string_agg(a::text, '' ORDER BY a::text)) FROM audit a")
        now = kept.sql("SELECT md5(string_agg(a::text, '' ORDER BY a::text)) FROM audit_start a")
        assert (before, starts) != (after, now), f"{what}: nothing was changed"
        done = kept.jeton("audit", "verify", *NOW, check=False)
        assert done.returncode == 2, f"{what}: {done.stdout}{done.stderr}"
        assert re.search(r"^bad: start \d+", done.stdout, re.M), what
        kept.restore()
    verify(kept, *NOW)


def test_the_first_bad_place_is_named(kept):
    start, connection, link = kept.sql(
        f"SELECT start, connection, link FROM audit WHERE ctid = {A_ROW}"
    )[0]
    kept.sql(f"UPDATE audit SET client = 'somebody' WHERE ctid = {A_ROW}")
    lines = verify(kept, *NOW, good=False)
    bad = [line for line in lines if line.startswith("bad: ")]
    assert len(bad) == 1
    assert bad[0].startswith(f"bad: start {start}, connection {connection}, link {link}: ")


def test_an_export_says_the_same_and_can_be_gone_on_with(kept, tmp_path):
    path = tmp_path / "trail.jsonl"
    kept.jeton("audit", "export", "--output", path, *NOW)
    whole = path.read_bytes()
    (rows,) = kept.sql("SELECT count(*) FROM audit")[0]
    lines = [json.loads(line) for line in whole.splitlines()]
    assert sum(line["kind"] == "row" for line in lines) == rows
    assert all("ids" not in line for line in lines)
    verify(kept, "--file", path)
    # cut off in the middle of a line, and gone on with
    path.write_bytes(whole[: len(whole) * 2 // 3])
    kept.jeton("audit", "export", "--output", path, "--resume", *NOW)
    verify(kept, "--file", path)
    again = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [x for x in again if x["kind"] == "row"] == [x for x in lines if x["kind"] == "row"]
    # a file that is there is not overwritten
    assert kept.jeton("audit", "export", "--output", path, check=False).returncode == 1
    # an edit of the file is found, with a keeper
    path.write_bytes(whole.replace(b'"done":5', b'"done":4', 1))
    verify(kept, "--file", path, good=False)


def test_ids_are_exported_when_asked_for_and_are_verified(kept, tmp_path):
    path = tmp_path / "trail.jsonl"
    kept.jeton("audit", "export", "--ids", "--output", path, *NOW)
    text = path.read_text()
    verify(kept, "--file", path)
    one = re.search(r'"ids":\["([0-9a-f]{16})"', text).group(1)
    path.write_text(text.replace(one, f"{int(one, 16) ^ 1:016x}", 1))
    verify(kept, "--file", path, good=False)


def test_heads_outside_tell_of_a_cut_tail_and_need_no_keeper(chained, tmp_path):
    tokens, app = fill(chained), chained.app
    for _ in range(300):  # more links than the keeper is asked about at once
        app.detokenize(tokens[0])
    chained.front.stop()
    heads = [x for x in open(chained.heads).read().splitlines() if "audit-heads 1 node1 " in x]
    assert heads
    log = chained.front_log.read_text()
    assert all(line in log for line in heads)
    chained.start_front().wait_ready()
    verify(chained, "--heads", chained.heads, *NOW)
    verify(chained, "--heads", chained.front_log, *NOW)
    path = tmp_path / "trail.jsonl"
    chained.jeton("audit", "export", "--output", path, *NOW)
    whole = path.read_bytes()
    verify(chained, "--file", path, "--offline", "--heads", chained.heads)
    # an edit is found by the heads alone
    path.write_bytes(whole.replace(b'"done":5', b'"done":4', 1))
    verify(chained, "--file", path, "--offline")
    verify(chained, "--file", path, "--offline", "--heads", chained.heads, good=False)
    # and rows that were cut off a chain that lives
    chained.app.tokenize_many(PANS)
    chained.front.stop()
    (start,) = chained.sql("SELECT id FROM audit_start ORDER BY at DESC LIMIT 1")[0]
    chained.sql("DELETE FROM audit WHERE start = %s", (start,))
    chained.sql("DELETE FROM audit_head WHERE start = %s", (start,))
    chained.start_front().wait_ready()  # whose start can only say what it found
    verify(chained, *NOW)
    lines = verify(chained, "--heads", chained.heads, *NOW, good=False)
    assert any(f"bad: start {start}, " in line for line in lines)


@pytest.mark.slow
def test_killed_under_load_the_chain_is_whole(make_cluster, make_service):
    service = make_service(cluster=make_cluster())
    rng = random.Random("chain")
    pool = [made_up(n, series="chain-crash") for n in range(600)]

    def kill_front():
        service.front.kill()
        service.start_front()

    def kill_database():
        service.cluster.kill()
        service.cluster.start()

    def end_sessions():
        service.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN "
            "('jetond tokenize', 'jetond detokenize')"
        )

    def kill_keeper():
        service.keeper.kill()
        service.start_keeper()

    with Traffic(service, pool, clients=6, batch=20, outages=True) as traffic:
        for kill in (end_sessions, kill_front, end_sessions, kill_database, kill_keeper) * 2:
            traffic.wait_for(rng.randint(5, 40))
            kill()
            service.wait_ready()
        traffic.wait_for(5)
    verify(service, *NOW)


# --- who reads it


def test_rows_are_listed_by_what_is_asked_for(kept):
    def rows(**query):
        answer = kept.operator.get("/v1/audit", params={"limit": 1000, **query})
        assert answer.status_code == 200, (answer.status_code, problem(answer))
        return answer.json()["rows"]

    everything = rows()
    order = [(r["at_us"], r["start"], r["connection"], r["link"], r["place"]) for r in everything]
    assert order == sorted(order) and len(set(order)) == len(order)
    reads = rows(action="detokenize", client="app", field="pan")
    assert reads and all(r["action"] == "detokenize" and r["client"] == "app" for r in reads)
    assert len(reads) == sum(r["action"] == "detokenize" for r in everything)
    assert rows(client="nobody") == []
    one = reads[3]
    assert rows(request=one["request"]) == [one]
    assert rows(since=one["at"], until=one["at"]) == []
    pages, cursor = [], None
    while True:
        query = {"limit": 17, "action": "detokenize"} | ({"cursor": cursor} if cursor else {})
        answer = kept.operator.get("/v1/audit", params=query).json()
        pages += answer["rows"]
        cursor = answer["next"]
        if cursor is None:
            break
    assert pages == reads
    assert kept.app.get("/v1/audit").status_code == 403
    for bad in (
        {"limit": "0"},
        {"limit": "1001"},
        {"cursor": "x"},
        {"since": "yesterday"},
        {"action": "nothing"},
        {"request": "4111111111111111"},
    ):
        answer = kept.operator.get("/v1/audit", params=bad)
        assert (answer.status_code, problem(answer)) == (422, "invalid-value"), bad
    assert problem(kept.operator.get("/v1/audit?field=nosuch")) == "field-unknown"
    assert kept.operator.get("/v1/audit?pan=4111111111111111").status_code == 400
    assert kept.operator.get("/v1/audit?limit=1&limit=2").status_code == 400


def test_the_request_id_of_an_answer_is_that_of_its_row(shared):
    token_answer = shared.app.post("/v1/fields/pan/tokenize", {"pan": PANS[0]})
    ids = [token_answer.headers["X-Request-Id"]]
    token = token_answer.json()["token"]
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = shared.app.post(
        "/v1/fields/pan/detokenize",
        {"token": token},
        headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
    )
    assert answer.headers["X-Request-Id"] == trace
    ids.append(trace)
    made = shared.operator.post("/v1/clients", {"id": "traced", "permissions": ["tokenize"]})
    ids.append(made.headers["X-Request-Id"])
    for request, action in zip(ids, ("tokenize", "detokenize", "client-add")):
        assert re.fullmatch("[0-9a-f]{32}", request)
        rows = shared.operator.get("/v1/audit", params={"request": request}).json()["rows"]
        assert [(r["action"], r["source"]) for r in rows] == [(action, "127.0.0.1")]


@pytest.mark.parametrize(
    "header",
    [
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        "4111111111111111",
        "",
    ],
)
def test_a_traceparent_that_is_none_names_nothing(shared, header):
    answer = requests.get(shared.url + "/livez", headers={"traceparent": header}, timeout=10)
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert answer.headers["X-Request-Id"] not in header.lower() or header == ""


def test_every_answer_has_a_request_id(shared):
    answers = [
        requests.get(shared.url + path, timeout=10) for path in ("/livez", "/nosuch", "/v1/status")
    ]
    answers.append(shared.app.post("/v1/fields/pan/tokenize", {"pan": "x"}))
    answers.append(requests.options(shared.url + "/livez", timeout=10))
    ids = [a.headers["X-Request-Id"] for a in answers]
    assert len(set(ids)) == len(ids)
    # one that the front door refuses by itself
    import socket

    host, port = shared.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\nbad\r\n\r\n")
        reply = s.recv(4096).decode()
    assert re.search(r"\r\nX-Request-Id: [0-9a-f]{32}\r\n", reply)


# --- what is refused


def refusals(service, action):
    """Rows of refused requests as (client, status, how many, object), once they are written."""
    answer = service.operator.get("/v1/audit", params={"action": action, "limit": 1000})
    return [
        (r["client"], r["result"], r["items"], r["object"], r["source"])
        for r in answer.json()["rows"]
    ]


def test_refused_logins_are_counted_and_cannot_flood(service):
    n, key = 300, service.app_key
    for i in range(n):
        wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
        bad = f"jck_nobody{i}_" + "0" * 52 if i % 40 else wrong  # so seldom: it is not locked out
        answer = requests.post(
            service.url + "/v1/fields/pan/tokenize",
            json={"pan": PANS[0]},
            headers={"Authorization": f"Bearer {bad}"},
            timeout=10,
        )
        assert answer.status_code == 401

    def counted():
        rows = refusals(service, "login-refused")
        return sum(items for _, _, items, _, _ in rows) == n and rows

    rows = wait_until(counted, "all refused logins are recorded")
    assert len(rows) < n / 5
    assert {client for client, *_ in rows} <= {"app", ""}
    assert {(status, source) for _, status, _, _, source in rows} == {(401, "127.0.0.1")}
    verify(service, *NOW)


def test_what_a_known_client_is_refused_is_recorded(service):
    assert service.app.get("/v1/clients").status_code == 403
    assert service.operator.post("/v1/clients", {"id": "app", "permissions": ["x"]}).status_code
    assert service.operator.post("/v1/generations/77/activate").status_code == 404
    assert service.app.post("/v1/fields/pan/tokenize", {"pan": "1234"}).status_code == 422
    token = service.app.tokenize(PANS[0])
    assert service.app.detokenize(token) == PANS[0]

    def recorded():
        return {(c, s, o) for c, s, _, o, _ in refusals(service, "refused")} >= {
            ("app", 403, "GET /v1/clients: forbidden"),
            ("operator", 422, "POST /v1/clients: invalid-value"),
            ("operator", 404, "POST /v1/generations/{number}/activate: not-found"),
        }

    wait_until(recorded, "refused requests are recorded")
    text = str(service.sql("SELECT a FROM audit a"))
    assert "1234" not in re.findall(r"[^0-9a-f]1234[^0-9a-f]", text)
    verify(service, *NOW)


def test_refusals_wait_for_a_database_that_is_away(make_cluster, make_service):
    service = make_service(cluster=make_cluster())
    service.cluster.stop("immediate")
    service.wait_unready()
    for _ in range(20):
        answer = requests.get(
            service.url + "/v1/status", headers={"Authorization": "Bearer x"}, timeout=10
        )
        assert answer.status_code == 401
    service.cluster.start()
    service.wait_ready()

    def counted():
        return sum(items for _, _, items, _, _ in refusals(service, "login-refused")) == 20

    wait_until(counted, "refused logins of the outage are recorded")
    service.front.stop()
    service.start_front().wait_ready()
    verify(service, *NOW)


def collect(listener, lines, ended):
    """Messages of RFC 6587 section 3.4.1; `ended` when a sender has closed."""
    with contextlib.suppress(OSError):
        while True:
            with listener.accept()[0] as sock, sock.makefile("rb") as stream:
                while digits := b"".join(iter(lambda: stream.read(1).strip(), b"")):
                    lines.append(stream.read(int(digits)).decode())
                ended.set()


def test_a_collector_elsewhere_has_the_heads(make_service, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        lines, ended = [], threading.Event()
        thread = threading.Thread(target=collect, args=(listener, lines, ended), daemon=True)
        thread.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        service = make_service(options={"audit_heads_syslog": address})
        fill(service)
        service.front.stop()
        assert ended.wait(30) and lines
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    assert all(
        " jetond " in line and " audit-heads - audit-heads 1 node1 " in line for line in lines
    )
    heads = tmp_path / "collected"
    heads.write_text("".join(line + "\n" for line in lines))
    service.start_front().wait_ready()  # nobody listens now
    verify(service, "--heads", heads, *NOW)
    wait_until(
        lambda: f"the audit trail cannot be sent: {address}" in service.front_log.read_text(),
        "the log says so",
    )
    service.app.tokenize_many(PANS)
    # what the collector has tells of rows that are missing
    service.front.stop()
    service.sql("DELETE FROM audit")
    service.start_front().wait_ready()
    verify(service, "--heads", heads, *NOW, good=False)


# --- months


def test_a_month_that_is_over_goes_and_is_no_deletion(service, tmp_path):
    """As if it were two years later: rows cannot be made old, so the months are told to be."""
    fill(service, clients=2)
    service.front.stop()
    heads = service.front_log
    # The present month's partition becomes one of long ago; its rows keep their times.
    (now,) = service.sql("SELECT 'audit_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')")[0]
    service.sql(f"ALTER TABLE audit DETACH PARTITION {now}")
    service.sql(f"ALTER TABLE {now} RENAME TO audit_2023_05")
    service.start_front().wait_ready()
    wait_until(
        lambda: service.sql("SELECT to_regclass('audit_2023_05') IS NULL")[0][0],
        "the old month is dropped",
    )
    assert service.sql("SELECT count(*) FROM audit_close")[0][0] > 2
    assert "dropped audit_2023_05" in service.front_log.read_text()
    service.app.tokenize_many(PANS)
    service.new_client("later", ["tokenize"])
    verify(service, *NOW)
    verify(service, "--heads", heads, *NOW)
    path = tmp_path / "trail.jsonl"
    service.jeton("audit", "export", "--output", path, *NOW)
    verify(service, "--file", path)
    # what nobody has closed is missing
    service.sql("DELETE FROM audit_close")
    verify(service, *NOW, good=False)


def test_a_close_that_no_keeper_made_is_no_excuse(service):
    fill(service, clients=2)
    service.front.stop()
    service.start_front().wait_ready()
    verify(service, *NOW)
    service.sql(
        "INSERT INTO audit_close SELECT DISTINCT ON (start, connection) start, connection, link, "
        "head, now(), decode(repeat('11', 16), 'hex') FROM audit WHERE head IS NOT NULL AND "
        "action = 2 ORDER BY start, connection, link DESC"
    )
    service.sql("DELETE FROM audit WHERE action = 2")
    lines = verify(service, *NOW, good=False)
    assert any("no keeper of this service" in line for line in lines)
