# SPDX-License-Identifier: Apache-2.0
"""Jeton's tables in PostgreSQL, read in one snapshot; docs/data-format.md, "Database"."""

import audit
import psycopg2
import psycopg2.extensions

NODE = (
    "name, number, uuid_send(incarnation) AS incarnation,"
    " uuid_send(keeper_incarnation) AS keeper_incarnation, id_mark, mac_epoch, mac"
)
COLUMNS = {
    "ring": "epoch, body, mac",
    "generation": "number, key_id, state, check_value, mac_epoch, mac",
    "key_ack": "generation, node, uuid_send(incarnation) AS incarnation, challenge, mac",
    "backup": "digest, body, mac",
    "node": NODE,
    "node_number": NODE,
    "client": "id, permissions, secret_mac, state, revision, terms, mac_epoch, mac",
    "field": "id, name, kind, dedup, allow_bad_luhn, mask_eight, rules, token_form,"
    " app_column, state, revision, mac_epoch, mac",
    "column_count": "field, generation, envelopes, epoch, mac",
    "row_set": "kind, version, n, operators, nonce, digest, mac_epoch, mac",
    "retirement": "generation, state, actor, started_at, retired_at, node,"
    " rows_written, rows_moved_in, rows_moved_out, rows_deleted, rows_written_off, rows_left,"
    " lsn::text AS lsn,"
    " timeline,"
    " system_identifier, epoch, certificate, signature, public_key",
    "custodian_set": "version, body, mac",
    "destruction": "generation, body, mac, certificate, signature, public_key",
    "approval": "generation, custodian, signature",
    "destruction_node": "generation, node, view,"
    " uuid_send(keeper_incarnation) AS keeper_incarnation, mac",
    "recovery": "id, node, body, mac, epoch, ring_body, ring_mac, word, word_mac",
    "recovery_approval": "recovery, custodian, signature",
    "keeper_view": "node, body, mac",
    "write_off": "generation, number, request, list, warrant, done_at, cards_moved",
    "write_off_approval": "generation, number, custodian, signature",
    "quarantine": "bucket, id, field, key_id, uuid_send(fp) AS fp, envelope,"
    " coalesce(digits, '') AS digits, cause, generation, write_off",
    "tally": "generation, sum(written)::bigint AS written, sum(moved_in)::bigint AS moved_in,"
    " sum(moved_out)::bigint AS moved_out, sum(deleted)::bigint AS deleted,"
    " sum(written_off)::bigint AS written_off",
}
AFTER = {"tally": "GROUP BY generation"}

# Each key id there is, by one look into the index for each: not by a scan.
KEY_IDS = """
    WITH RECURSIVE k (key_id) AS (
        SELECT min(key_id) FROM card
        UNION ALL
        SELECT (SELECT min(c.key_id) FROM card c WHERE c.key_id > k.key_id)
        FROM k WHERE k.key_id IS NOT NULL)
    SELECT key_id FROM k WHERE key_id IS NOT NULL"""
CARDS = """
    SELECT bucket, id, field, uuid_send(fp), envelope, digits FROM card
    WHERE key_id = %s ORDER BY bucket, id"""
BY_TOK = """
    SELECT w.field, w.tok::text, n.id FROM unnest(%s::integer[], %s::uuid[]) AS w (field, tok)
    JOIN numeric_token n ON n.field = w.field AND n.tok = w.tok"""
BY_FINGERPRINT = """
    SELECT w.field, w.fp::text, c.id FROM unnest(%s::integer[], %s::uuid[]) AS w (field, fp)
    JOIN card c ON c.key_id = %s AND c.bucket = 0 AND c.field = w.field AND c.fp = w.fp"""


MICROSECONDS = "(extract(epoch FROM at) * 1000000)::bigint AS at"
AUDIT_STARTS = f"""
    SELECT id, node, uuid_send(incarnation), {MICROSECONDS}, predecessor, ends, mac
    FROM audit_start WHERE id > 0 ORDER BY audit_start.at, id"""
AUDIT_CLOSES = """
    SELECT start, connection, link, uuid_send(head),
        (extract(epoch FROM before) * 1000000)::bigint, mac FROM audit_close"""
AUDIT_ROWS = f"""
    SELECT {MICROSECONDS}, start, connection, link, place, action, result, field, n_items, n_done,
        client, object, source, uuid_send(request) AS request, ids, uuid_send(head) AS head
    FROM audit a WHERE start > 0 ORDER BY a.at, start, connection, link, place"""


def _plain(value):
    return bytes(value) if isinstance(value, memoryview) else value


class Database:
    """A read-only transaction that sees one moment. Cards stream; no table is held in memory but
    the small ones.
    """

    FETCH = 2000

    def __init__(self, conninfo):
        self._connection = psycopg2.connect(conninfo)
        self._connection.set_session(
            isolation_level=psycopg2.extensions.ISOLATION_LEVEL_REPEATABLE_READ, readonly=True
        )
        with self._connection.cursor() as cursor:
            cursor.execute("SET LOCAL search_path = jeton, pg_catalog")
            # Cards are read in the order of their index and looked up by their index: a sort would
            # write all of them to temporary files, a hash join would read all of them for a few.
            for way in ("sort", "bitmapscan", "seqscan", "hashjoin", "mergejoin"):
                cursor.execute(f"SET LOCAL enable_{way} = off")

    def close(self):
        self._connection.close()

    def table(self, name):
        """All rows of a small table, each a dictionary."""
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT {COLUMNS[name]} FROM {name} {AFTER.get(name, '')} ORDER BY 1")
            names = [d.name for d in cursor.description]
            return [dict(zip(names, map(_plain, row))) for row in cursor]

    def key_ids(self):
        """The key ids under which there are cards."""
        with self._connection.cursor() as cursor:
            cursor.execute(KEY_IDS)
            return [row[0] for row in cursor]

    def cards(self, key_id):
        """(bucket, id, field, fingerprint, envelope, digits) under a key id, ascending, by a cursor
        of the server.
        """
        with self._connection.cursor(name=f"reader_{key_id}") as cursor:
            cursor.itersize = self.FETCH
            cursor.execute(CARDS, (key_id,))
            for bucket, number, field, fp, envelope, digits in cursor:
                yield bucket, number, field, bytes(fp), bytes(envelope), bytes(digits or b"")

    def ids_by_fingerprint(self, key_id, wanted):
        """Of (field, fingerprint) pairs those that are there under a key id: {(field, fingerprint):
        id}.
        """
        with self._connection.cursor() as cursor:
            cursor.execute(
                BY_FINGERPRINT, ([f for f, _ in wanted], [fp.hex() for _, fp in wanted], key_id)
            )
            return {
                (field, bytes.fromhex(fp.replace("-", ""))): number for field, fp, number in cursor
            }

    def ids_by_tok(self, wanted):
        """Of (field, tok) pairs those that were issued: {(field, tok): id}."""
        with self._connection.cursor() as cursor:
            cursor.execute(BY_TOK, ([f for f, _ in wanted], [tok.hex() for _, tok in wanted]))
            return {
                (field, bytes.fromhex(tok.replace("-", ""))): number
                for field, tok, number in cursor
            }

    def n_cards(self):
        """How many cards there are without asking an index, which may lack some."""
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SET LOCAL enable_seqscan = on; SET LOCAL enable_indexonlyscan = off; SET LOCAL "
                "enable_indexscan = off"
            )
            cursor.execute("SELECT count(*) FROM card")
            return cursor.fetchone()[0]

    def n_bad_audit_rows(self):
        """Rows of audit whose list of ids is no list of ids."""
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM audit WHERE octet_length(ids) % 8 <> 0")
            return cursor.fetchone()[0]

    def audit_starts(self):
        """The starts that a keeper made."""
        with self._connection.cursor() as cursor:
            cursor.execute(AUDIT_STARTS)
            for *columns, ends, mac in cursor:
                incarnation = bytes(columns.pop(2))
                yield audit.Start(*columns[:2], incarnation, *columns[2:], bytes(ends), bytes(mac))

    def audit_closes(self):
        """Where chains stood at the end of months that were dropped."""
        with self._connection.cursor() as cursor:
            cursor.execute(AUDIT_CLOSES)
            return [audit.Close(*map(_plain, row)) for row in cursor]

    def audit_rows(self):
        """The rows of the chains in the order of the trail."""
        with self._connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_sort = on; SET LOCAL enable_seqscan = on")
        with self._connection.cursor(name="reader_audit") as cursor:
            cursor.itersize = self.FETCH
            cursor.execute(AUDIT_ROWS)
            names = None
            for row in cursor:
                names = names or [d.name for d in cursor.description]
                yield audit.Row(**dict(zip(names, map(_plain, row))))
