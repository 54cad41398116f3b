/* SPDX-License-Identifier: Apache-2.0 */
#include "store/statements.h"

#include "store/card_row.h"
#include "store/claims.h"
#include "store/locks.h"
#include "store/ring.h"
#include "store/sql.h"
#include "store/timeouts.h"

/* SQL is laid out by hand. */
/* clang-format off */
#define IS_IN_STATE(number, key_id, state) \
    "EXISTS (SELECT FROM generation g WHERE g.number = " number "::int8 AND g.key_id = " key_id \
    "::int2 " \
    "AND g.state = " state ")"

/*
 * The ring rule's condition, on $1 epoch, $2 node name, $3 incarnation, $4 and $5 number and key id
 * of the active generation: what there is now, and one row or none to make everything else in the
 * statement depend on. The snapshot is the statement's own, taken after the lock was had. The epoch
 * alone would do, since state rows change only with it; the generation is asked as well because it
 * is cheap.
 */
#define RING_NOW(agrees) \
    "now AS MATERIALIZED (SELECT (SELECT r.epoch FROM ring r) AS epoch, " \
    "EXISTS (SELECT FROM node n WHERE n.name = $2::text AND n.incarnation = $3::uuid) AS " \
    "node_stands, " \
    agrees " AS agrees), " \
    "holds AS MATERIALIZED (SELECT FROM now WHERE epoch = $1::int8 AND node_stands AND agrees)"
#define RING_HOLDS "EXISTS (SELECT FROM holds)"
#define ACTIVE_AGREES IS_IN_STATE("$4", "$5", JT_SQL_ACTIVE)

/*
 * Each look-up of a card is a scalar subquery, or a LATERAL one behind OFFSET, LIMIT or a row lock:
 * the planner cannot turn these into a join, so what remains is one descent of one index for each
 * element of the arrays, in the arrays' order. Which index must not be left to costs, since on a
 * table that is empty when the statement is planned all indexes cost the same. By id: the order
 * that is asked for comes free from card_id and costs a sort from card_fingerprint. By fingerprint:
 * the conditions on key_id and bucket would let card_id serve, at the same cost only for an empty
 * and analysed table; such a tie goes to the younger index. tests/db/test_plans.c.
 */
#define CARD_BY_FINGERPRINT(q) \
    "FROM card k WHERE k.key_id = " q ".key_id AND k.bucket = 0 AND k.field = " q ".field AND " \
    "k.fp = " q ".fp"
#define CARD_BY_ID(key_id, id) \
    "FROM card k WHERE k.key_id = " key_id " AND k.bucket = 0 AND k.id >= " id " AND k.id <= " id
#define FIRST_OF_ID " ORDER BY k.id LIMIT 1"
#define ROW_OF(k) JT_COLUMNS(JT_CARD_ROW, k ".")
#define NO_ROW \
    "NULL::int4, NULL::int8, NULL::uuid, NULL::bytea, NULL::timestamptz, NULL::bool, NULL::bytea"

/*
 * A card whose date is over is there for nobody, by this server's clock and in the snapshot that
 * reads it. Neither of the two implies the condition of the partial index card_expiry, which else
 * could be taken for a look-up.
 */
#define IS_ALIVE   " AND (k.expires_at IS NULL OR k.expires_at > now())"
#define IS_EXPIRED " AND coalesce(k.expires_at <= now(), false)"

/*
 * Whoever locks a row may get a newer version of it than the statement sees, where another
 * transaction changed the row meanwhile without moving it: that gave it a later date. Such a row
 * counts as one that is not where it was seen, since the statement could not write it.
 */
#define AS_SEEN(at) "(SELECT v.id FROM card v WHERE v.ctid = " at ") IS NOT NULL"

/* Every key id that a card has: each step is a descent to the next one. */
#define KEY_IDS \
    "RECURSIVE used AS ((SELECT k.key_id FROM card k ORDER BY k.key_id LIMIT 1) UNION ALL " \
    "SELECT l.key_id FROM used u CROSS JOIN LATERAL " \
    "(SELECT k.key_id FROM card k WHERE k.key_id > u.key_id ORDER BY k.key_id LIMIT 1) AS l)"

/* The number of the live generation with a key id; NULL where there is none. */
#define LIVE_NUMBER(q) \
    "SELECT g.number FROM generation g WHERE g.key_id = " q ".key_id AND g.state IN (" \
    JT_SQL_ACTIVE ", " JT_SQL_DRAINING ")"

#define ADD_TO_TALLY(column) column " = t." column " + excluded." column

/*
 * The rows of one link. Of its parameters, in the order of jt_audit_params: start, connection,
 * number, time and head of the link; then the arrays.
 */
#define AUDIT_INTO "INSERT INTO audit (start, connection, link, at, head, client, action, field, " \
    "n_items, n_done, ids, object, result, request, source, place) "
#define AUDIT_ROWS(start, connection, link, at, head, clients, actions, fields, items, done, ids, \
    objects, results, requests, sources) \
    "SELECT " start "::int4, " connection "::int2, " link "::int8, " at "::timestamptz, " \
    "CASE WHEN a.place = cardinality(" clients "::text[]) THEN " head "::uuid END, a.* " \
    "FROM unnest(" clients "::text[], " actions "::int2[], " fields "::int4[], " items \
    "::int4[], " done "::int4[], " ids "::bytea[], " objects "::text[], " results "::int2[], " \
    requests "::uuid[], " sources "::bytea[]) WITH ORDINALITY AS a (client, action, field, " \
    "n_items, n_done, ids, object, result, request, source, place)"

/*
 * What was written is what counts, not that nobody complained: a trigger may drop a row or change
 * it, a rule may turn the statement into another, a view (a rule as well) may stand in for the
 * table. COMMIT is on its way when the answer is read; therefore the statement itself must fail,
 * and with it the transaction.
 *
 * So each part RETURNs its rows, which are counted, and the catalogue is asked in the same snapshot
 * whether the tables have triggers or rules: IS_ORDINARY. In a table without them stands what was
 * sent; only what the table fills in by itself is looked at. Comparing everything, row by row, took
 * 0.08 ms of the 0.2 ms of a statement with one card; this takes 0.03. Whoever wants to put a
 * trigger there waits for the lock that this statement has, or is seen by it. Row security is
 * turned into an error by the session (store/session.c).
 *
 * OR_FAIL casts a sentence that holds a number of this execution (so that the planner cannot try
 * it) to a number. Its SQLSTATE, 22P02, occurs nowhere else: parameters are binary. Nothing in the
 * sentence is secret.
 */
#define IS_ORDINARY(tables) \
    "NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid IN (" tables ")) " \
    "AND NOT EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class IN (" tables "))"
/* The same of the partition that the audit rows went to; each has its own triggers and rules. */
#define PARTITION_IS_ORDINARY \
    "NOT EXISTS (SELECT FROM audited a JOIN pg_trigger t ON t.tgrelid = a.tableoid)"
#define OF_STRANGERS "CASE WHEN d.ordinary THEN '' ELSE ': there are triggers or rules' END"
#define OR_FAIL(holds, then, sentence) "CASE WHEN " holds " THEN " then " ELSE (" sentence \
    ")::int8 END"

/*
 * The time of an audit row is the front's. One that is a day off the database's would put rows
 * where nobody looks for them.
 */
#define COUNT_AUDITED \
    "(SELECT count(*) FROM audited d WHERE d.at BETWEEN now() - interval '1 day' AND now() + " \
    "interval '1 day')"

/*
 * Tokenize, on $1 to $5 ring, $6 writer; the cards, each once and sorted: $7 fields, $8 ids, $9
 * fingerprints, $10 envelopes; audit rows, as in JT_SQL_AUDIT: $11 to $25; last of all the cards'
 * dates, with infinity for none, or an empty array where no card has one.
 *
 * Answers one row of place 0: epoch, whether node and generation stand, how many cards were
 * written; and, where the ring holds, a row for each card that was not written: the row that has
 * its fingerprint, or NULLs where none is to be seen (another transaction inserted it meanwhile,
 * which JT_SQL_FIND_CARDS finds, or its id is taken). The look-ups see the table as it was before
 * the INSERT; where everything was written there are none.
 */
#define WRITTEN(dates, unless_old) \
    "written AS (" \
    "INSERT INTO card (id, field, fp, envelope, expires_at) " \
    "SELECT fresh.id, fresh.field, fresh.fp, fresh.envelope, nullif(fresh.until, 'infinity') " \
    "FROM unnest($7::int4[], $8::int8[], $9::uuid[], $10::bytea[], " dates "::timestamptz[]) " \
    "WITH ORDINALITY AS fresh (field, id, fp, envelope, until, place) WHERE " RING_HOLDS " " \
    unless_old \
    "ON CONFLICT (key_id, bucket, field, fp) DO NOTHING RETURNING id, bucket, key_id)"
#define BOOKED \
    "counted AS (SELECT count(*) AS n, count(*) FILTER (WHERE w.bucket = 0 AND w.key_id = " \
    "$5::int2) AS good " \
    "FROM written w), " \
    "told AS (INSERT INTO tally AS t (generation, writer, written) SELECT $4::int8, $6::int4, n " \
    "FROM counted WHERE n > 0 " \
    "ON CONFLICT (generation, writer) DO UPDATE SET " ADD_TO_TALLY("written") " RETURNING 1), " \
    "audited AS (" AUDIT_INTO \
    AUDIT_ROWS("$11", "$12", "$13", "$14", "$15", "$16", "$17", "$18", "$19", "$20", "$21", "$22", \
               "$23", "$24", "$25") " WHERE " RING_HOLDS " " \
    "RETURNING at, tableoid)"
#define COUNT_TOLD "(SELECT count(*) FROM told)"
/* Behind OFFSET, so that each count is made once although the sentence names it as well. */
#define ANSWER_NOW(more_tables, more_columns) \
    "SELECT 0::int8, n.epoch, n.node_stands, n.agrees, " \
    OR_FAIL("d.n = d.good AND d.told = (d.n > 0)::int4 AND d.audited = d.due AND d.ordinary", \
    "d.n", \
            "d.good || ' of ' || d.n || ' cards, ' || d.told || ' tallies, ' || d.audited || ' " \
            "of ' || d.due || " \
            "' audit rows stand as they were sent' || " OF_STRANGERS) ", " \
    NO_ROW more_columns " FROM now n, (SELECT c.n, c.good, " \
    COUNT_TOLD " AS told, " \
    COUNT_AUDITED " AS audited, CASE WHEN " RING_HOLDS " THEN cardinality($16::text[]) ELSE 0 " \
    "END AS due, " \
    IS_ORDINARY("'card'::regclass, 'tally'::regclass, 'audit'::regclass" more_tables) " AND " \
    PARTITION_IS_ORDINARY " AS ordinary FROM " \
    "counted c OFFSET 0) AS d "
#define ANSWER_KNOWN(unless_old, more_columns) \
    "SELECT c.place, NULL, NULL, NULL, NULL, " ROW_OF("l") more_columns " " \
    "FROM (SELECT u.place, u.id, u.field, u.fp, $5::int2 AS key_id " \
    "FROM unnest($7::int4[], $8::int8[], $9::uuid[]) WITH ORDINALITY AS u (field, id, fp, " \
    "place)) AS c " \
    "LEFT JOIN LATERAL (SELECT " ROW_OF("k") " " CARD_BY_FINGERPRINT("c") " OFFSET 0) AS l ON " \
    "true " \
    "WHERE " RING_HOLDS " AND (SELECT n FROM counted) < cardinality($8::int8[]) " \
    "AND c.id NOT IN (SELECT w.id FROM written w) " unless_old

/*
 * $1 to $3 ring; $4 writer; the cards, ascending: $5 ids, $6 key ids; audit rows, as
 * in JT_SQL_AUDIT: $7 to $21. Rows that somebody else
 * has locked are waited for; what is not where it was seen keeps all others from being
 * deleted. Answers epoch, whether the node stands and all key ids are live, whether all cards
 * were there, and how many were deleted.
 */
#define DELETE_CARDS(which, more, holds, then) \
    "WITH " \
    RING_NOW("NOT EXISTS (SELECT FROM unnest($6::int2[]) AS q (key_id) WHERE (" LIVE_NUMBER("q") \
    ") IS NULL)") ", " \
    "due AS MATERIALIZED (" \
    "SELECT l.ctid AS at FROM unnest($5::int8[], $6::int2[]) AS d (id, key_id) " \
    "CROSS JOIN LATERAL (SELECT k.ctid " CARD_BY_ID("d.key_id", "d.id") which \
    ") AS l WHERE " RING_HOLDS " AND " AS_SEEN("l.ctid") "), " \
    "whole AS MATERIALIZED (SELECT " RING_HOLDS " AND (SELECT count(*) FROM due) = " \
    "cardinality($5::int8[]) AS all_there), " \
    "gone AS (DELETE FROM card k USING due WHERE k.ctid = due.at AND (SELECT w.all_there FROM " \
    "whole w) RETURNING k.key_id), " \
    "counted AS MATERIALIZED (SELECT (" LIVE_NUMBER("o") ") AS generation, o.n FROM " \
    "(SELECT g.key_id, count(*) AS n FROM gone g GROUP BY g.key_id) AS o), " \
    "told AS (INSERT INTO tally AS t (generation, writer, deleted) SELECT c.generation, " \
    "$4::int4, c.n FROM counted c " \
    "ON CONFLICT (generation, writer) DO UPDATE SET " ADD_TO_TALLY("deleted") " RETURNING 1), " \
    "audited AS (" AUDIT_INTO \
    AUDIT_ROWS("$7", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$16", "$17", "$18", \
               "$19", "$20", "$21") \
    " WHERE (SELECT w.all_there FROM whole w) RETURNING at, tableoid) " more \
    "SELECT n.epoch, n.node_stands, n.agrees, d.all_there, " \
    OR_FAIL("d.n = d.due AND d.told = d.generations AND d.audited = d.rows AND d.ordinary" holds, \
    then, \
            "d.n || ' of ' || d.due || ' cards are deleted, ' || d.told || ' of ' || " \
            "d.generations || ' tallies and ' || d.audited || ' of ' || d.rows || ' audit " \
            "rows stand as they were sent' || " OF_STRANGERS) \
    " FROM now n, (SELECT w.all_there, (SELECT coalesce(sum(c.n), 0) FROM counted c)::int8 AS " \
    "n, CASE WHEN w.all_there THEN cardinality($5::int8[]) ELSE 0 END AS due, " COUNT_TOLD \
    " AS told, (SELECT count(*) FROM counted) AS generations, " COUNT_AUDITED " AS audited, " \
    "CASE WHEN w.all_there THEN cardinality($12::text[]) ELSE 0 END AS rows, " \
    IS_ORDINARY("'card'::regclass, 'tally'::regclass, 'audit'::regclass") " AND " \
    PARTITION_IS_ORDINARY " AS ordinary FROM " \
    "whole w OFFSET 0) AS d"

/* Which rows: of a purge only those that nobody has locked, so that it never waits. */
#define ANY_CARD     FIRST_OF_ID " FOR UPDATE"
#define EXPIRED_CARD IS_EXPIRED FIRST_OF_ID " FOR UPDATE"
#define PURGED_CARD  IS_EXPIRED FIRST_OF_ID " FOR UPDATE SKIP LOCKED"

/*
 * What a transaction does for requests that are done once (store/claims.h). `claim`: the claims
 * that it acts for, as long as they are the caller's; the rows stay locked. `put`: the cards that
 * meet the condition, remembered. A claim that was taken over meanwhile divides by zero: SQLSTATE
 * 22012, JT_ERR_ONCE_LOST.
 */
#define ONCE_CLAIM(clients, keys, attempts) \
    "claim AS MATERIALIZED (SELECT l.mac FROM unnest(" clients "::text[], " keys "::text[], " \
    attempts "::int4[]) AS q (client, key, attempt) CROSS JOIN LATERAL " \
    "(SELECT i.mac FROM idempotency i WHERE i.client = q.client AND i.key = q.key " \
    "AND i.attempt = q.attempt FOR SHARE) AS l)"
#define ONCE_PUT(macs, places, ids, condition) \
    "done AS MATERIALIZED (SELECT u.mac, " \
    "string_agg(int4send(u.place) || int8send(u.id), ''::bytea) AS cards " \
    "FROM unnest(" macs "::uuid[], " places "::int4[], " ids "::int8[]) AS u (mac, place, id) " \
    "WHERE " condition " GROUP BY u.mac), " \
    "put AS (INSERT INTO idempotency_card (mac, cards) SELECT d.mac, d.cards FROM done d " \
    "RETURNING 1)"
#define ONCE_ALL_PUT "(SELECT count(*) FROM put) = (SELECT count(*) FROM done)"
#define ONCE_HELD(attempts, then, zero) \
    "CASE WHEN (SELECT count(*) FROM claim) = cardinality(" attempts "::int4[]) THEN " then \
    " ELSE 1 / " zero " END"
#define ONCE_REMEMBERED(attempts) \
    "SELECT " OR_FAIL("d.n = d.due", ONCE_HELD(attempts, "d.n", "(d.n - d.n)"), \
                      "d.n || ' of ' || d.due || ' requests are remembered'") \
    " FROM (SELECT (SELECT count(*) FROM put) AS n, (SELECT count(*) FROM done) AS due " \
    "OFFSET 0) AS d"
#define ONCE_COUNTED(rows, writer, sign) \
    "INSERT INTO idempotency_count AS t (client, writer, live) SELECT o.client, " writer \
    "::int4, " sign "count(*) FROM " rows " o GROUP BY o.client ORDER BY o.client " \
    "ON CONFLICT (client, writer) DO UPDATE SET live = t.live + excluded.live"
#define ONCE_FORGOTTEN \
    "cards AS (DELETE FROM idempotency_card c USING (SELECT l.at FROM old o CROSS JOIN LATERAL " \
    "(SELECT k.ctid AS at FROM idempotency_card k WHERE k.mac = o.mac OFFSET 0) AS l) AS x " \
    "WHERE c.ctid = x.at)"
#define ONCE_ROW(i, a) i ".client = " a ".client AND " i ".key = " a ".key"

const struct jt_statement_text jt_statements[JT_N_SQL] = {
    [JT_SQL_BEGIN] = { "begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", false },

    [JT_SQL_RING_LOCK] = { "ring_lock", "SELECT pg_advisory_xact_lock_shared(" JT_RING_LOCK
    ")", true },

    /*
     * The same where no other generation can have a card or an id: what most transactions are, and
     * a sixth less work for one with a single card.
     */
    [JT_SQL_TOKENIZE_ALONE] = { "tokenize_alone",
        "WITH " RING_NOW(ACTIVE_AGREES) ", " WRITTEN("$26", "") ", " BOOKED " " ANSWER_NOW("", "")
        "UNION ALL " ANSWER_KNOWN("", ""), true },

    /*
     * $26 key ids of draining generations; probes: $27 the card's place counted from 1, $28 key
     * ids, $29 fields, $30 fingerprints. A row that is over is in the way where it can be removed,
     * which is under a draining generation; a planted one under another is as good as none.
     */
    [JT_SQL_TOKENIZE] = { "tokenize",
        "WITH " RING_NOW(ACTIVE_AGREES) ", "
        "old AS MATERIALIZED ("
        "SELECT p.place, l.* "
        "FROM unnest($27::int8[], $28::int2[], $29::int4[], $30::uuid[]) AS p (place, key_id, "
        "field, fp) "
        "CROSS JOIN LATERAL (SELECT " ROW_OF("k") " " CARD_BY_FINGERPRINT("p") " OFFSET 0) AS l "
        "WHERE " RING_HOLDS " AND (l.expires_at IS NULL OR l.expires_at > now() OR "
        "p.key_id = ANY ($26::int2[]))), "
        WRITTEN("$31", "AND fresh.place NOT IN (SELECT o.place FROM old o) "
                "AND (SELECT l.id FROM unnest($26::int2[]) AS d (key_id) CROSS JOIN LATERAL "
                "(SELECT k.id "
                CARD_BY_ID("d.key_id", "fresh.id") FIRST_OF_ID ") AS l LIMIT 1) IS NULL ") ", "
        BOOKED " " ANSWER_NOW("", "") "UNION ALL "
        "SELECT o.place, NULL, NULL, NULL, NULL, " ROW_OF("o") " FROM old o UNION ALL "
        ANSWER_KNOWN("AND c.place NOT IN (SELECT o.place FROM old o)", ""), true },

    /*
     * $1 to $5 ring; $6 fields, $7 fingerprints under the active generation. Place, counted from 1,
     * and row of each card that is there; none when the ring moved.
     */
    [JT_SQL_FIND_CARDS] = { "find_cards",
        "WITH " RING_NOW(ACTIVE_AGREES) " "
        "SELECT q.place, " ROW_OF("l") " "
        "FROM (SELECT u.place, u.field, u.fp, $5::int2 AS key_id "
        "FROM unnest($6::int4[], $7::uuid[]) WITH ORDINALITY AS u (field, fp, place)) AS q "
        "CROSS JOIN LATERAL (SELECT " ROW_OF("k") " " CARD_BY_FINGERPRINT("q") " OFFSET 0) AS l "
        "WHERE " RING_HOLDS, true },

    /*
     * The link: $1 start, $2 connection, $3 number, $4 time, $5 head; its rows: $6 clients, $7
     * actions, $8 fields, $9 items, $10 done, $11 ids, $12 objects, $13 results, $14 requests, $15
     * sources. Answers how many rows were written, which is all of them.
     */
    [JT_SQL_AUDIT] = { "audit",
        "WITH audited AS (" AUDIT_INTO
        AUDIT_ROWS("$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12",
                   "$13", "$14", "$15") " RETURNING at, tableoid) SELECT "
        OR_FAIL("d.n = cardinality($6::text[]) AND d.ordinary", "d.n",
                "d.n || ' of ' || cardinality($6::text[]) || ' audit rows stand as they were "
                "sent, within a day of this server''s clock' || " OF_STRANGERS)
        " FROM (SELECT " COUNT_AUDITED " AS n, " IS_ORDINARY("'audit'::regclass") " AND "
        PARTITION_IS_ORDINARY " AS ordinary "
        "OFFSET 0) AS d", true },

    /*
     * $1 ids, $2 live key ids. One row of place 0 with the ring's epoch; then place, counted from
     * 1, and row of each card, twice where two key ids have it.
     */
    [JT_SQL_READ_CARDS] = { "read_cards",
        "SELECT 0::int8, (SELECT r.epoch FROM ring r), " NO_ROW " UNION ALL "
        "SELECT q.place, NULL, " ROW_OF("l") " "
        "FROM unnest($1::int8[]) WITH ORDINALITY AS q (id, place) CROSS JOIN unnest($2::int2[]) "
        "AS live (key_id) "
        "CROSS JOIN LATERAL (SELECT " ROW_OF("k") " " CARD_BY_ID("live.key_id", "q.id")
        IS_ALIVE FIRST_OF_ID ") AS l", true },

    /*
     * Where cards may stand: $1 the card's place counted from 1, $2 key ids, $3 fields, $4
     * fingerprints. The answer is that of JT_SQL_READ_CARDS.
     */
    [JT_SQL_LOOK_UP_CARDS] = { "look_up_cards",
        "SELECT 0::int8, (SELECT r.epoch FROM ring r), " NO_ROW " UNION ALL "
        "SELECT p.place, NULL, " ROW_OF("l") " "
        "FROM unnest($1::int8[], $2::int2[], $3::int4[], $4::uuid[]) AS p (place, key_id, "
        "field, fp) "
        "CROSS JOIN LATERAL (SELECT " ROW_OF("k") " " CARD_BY_FINGERPRINT("p") IS_ALIVE
        " OFFSET 0) AS l", true },

    /*
     * $1 ids. Place, counted from 1, and key id of each card with one of these ids, whatever its
     * key id; 0 where it is in quarantine.
     */
    [JT_SQL_FIND_STRAYS] = { "find_strays",
        "WITH " KEY_IDS " "
        "SELECT q.place, u.key_id "
        "FROM unnest($1::int8[]) WITH ORDINALITY AS q (id, place) CROSS JOIN used u "
        "CROSS JOIN LATERAL (SELECT k.id " CARD_BY_ID("u.key_id", "q.id") IS_ALIVE FIRST_OF_ID
        ") AS l UNION ALL "
        "SELECT q.place, 0::int2 FROM unnest($1::int8[]) WITH ORDINALITY AS q (id, place) "
        "CROSS JOIN LATERAL (SELECT k.id FROM quarantine k WHERE k.id >= q.id AND k.id <= q.id"
        FIRST_OF_ID ") AS l", true },

    /*
     * $1 to $5 ring, the active generation being the one they go to; $6 and $7 number and key id
     * they come from; $8 writer; $9 ids, $10 old envelopes, $11 new envelopes, $12 new
     * fingerprints. A row that somebody else has locked or changed is left alone; one that was
     * locked here must move. Answers epoch, whether node and generations stand, and how many were
     * moved.
     */
    [JT_SQL_MOVE_CARDS] = { "move_cards",
        "WITH "
        RING_NOW("(" ACTIVE_AGREES " AND " IS_IN_STATE("$6", "$7", JT_SQL_DRAINING) ")") ", "
        "due AS MATERIALIZED ("
        "SELECT l.ctid AS at, m.envelope, m.fp "
        "FROM unnest($9::int8[], $10::bytea[], $11::bytea[], $12::uuid[]) AS m (id, old, "
        "envelope, fp) "
        "CROSS JOIN LATERAL (SELECT k.ctid " CARD_BY_ID("$7::int2", "m.id") " AND k.envelope = "
        "m.old" FIRST_OF_ID
        " FOR UPDATE SKIP LOCKED) AS l WHERE " RING_HOLDS " AND " AS_SEEN("l.ctid") "), "
        "moved AS (UPDATE card k SET envelope = due.envelope, fp = due.fp FROM due WHERE k.ctid "
        "= due.at "
        "RETURNING k.bucket, k.key_id), "
        "counted AS (SELECT count(*) AS n, count(*) FILTER (WHERE w.bucket = 0 AND w.key_id = "
        "$5::int2) AS good "
        "FROM moved w), "
        "told AS (INSERT INTO tally AS t (generation, writer, moved_in, moved_out) "
        "SELECT side.generation, $8::int4, side.moved_in * counted.n, side.moved_out * counted.n "
        "FROM counted, (VALUES ($6::int8, 0, 1), ($4::int8, 1, 0)) AS side (generation, "
        "moved_in, moved_out) "
        "WHERE counted.n > 0 "
        "ON CONFLICT (generation, writer) DO UPDATE SET " ADD_TO_TALLY("moved_in") ", "
        ADD_TO_TALLY("moved_out") " "
        "RETURNING 1) "
        "SELECT n.epoch, n.node_stands, n.agrees, "
        OR_FAIL("d.n = d.due AND d.n = d.good AND d.told = 2 * (d.n > 0)::int4 AND d.ordinary",
        "d.n",
                "d.good || ' of ' || d.due || ' cards, ' || d.told || ' of 2 tallies stand as "
                "they were sent' || "
                OF_STRANGERS)
        " FROM now n, (SELECT c.n, c.good, (SELECT count(*) FROM due) AS due, " COUNT_TOLD " AS "
        "told, "
        IS_ORDINARY("'card'::regclass, 'tally'::regclass") " AS ordinary FROM counted c OFFSET "
        "0) AS d", true },

    [JT_SQL_DELETE_CARDS] = { "delete_cards", DELETE_CARDS(ANY_CARD, "", "", "d.n"), true },

    /*
     * The same for requests that are done once: $22 clients, $23 keys, $24 attempts; the cards to
     * be remembered: $25 MACs, $26 places, $27 ids.
     */
    [JT_SQL_DELETE_CARDS_ONCE] = { "delete_cards_once",
        DELETE_CARDS(ANY_CARD, ", " ONCE_CLAIM("$22", "$23", "$24") ", "
                     ONCE_PUT("$25", "$26", "$27", "(SELECT w.all_there FROM whole w)") " ",
                     " AND " ONCE_ALL_PUT, ONCE_HELD("$24", "d.n", "(d.n - d.n)")), true },

    /* The same of cards whose date is over, and nothing where one of them is not such. */
    [JT_SQL_DELETE_EXPIRED] = { "delete_expired", DELETE_CARDS(EXPIRED_CARD, "", "", "d.n"), true },
    [JT_SQL_PURGE_CARDS] = { "purge_cards", DELETE_CARDS(PURGED_CARD, "", "", "d.n"), true },

    /*
     * $1 for at least so many seconds, $2 at most so many, $3 so many passed over: cards that are
     * over, oldest first.
     */
    [JT_SQL_FIND_EXPIRED] = { "find_expired",
        "SELECT k.id, k.key_id, k.field, coalesce((extract(epoch FROM now() - nullif("
        "k.expires_at, '-infinity')) * 1000000)::int8, 0) "
        "FROM card k WHERE k.expires_at < now() - $1::int8 * interval '1 second' AND ("
        LIVE_NUMBER("k") ") IS NOT NULL ORDER BY k.expires_at LIMIT $2::int8 "
        "OFFSET $3::int8", true },

    /*
     * $1 to $3 ring; the cards, ascending: $4 ids, $5 key ids, $6 dates, infinity for none. A row
     * that somebody else has locked is waited for. One row of place 0: epoch, whether the node
     * stands and all key ids are live, how many were given a later date; then the places, counted
     * from 1, of those that were found alive: their date is this one now, or was later already.
     */
    [JT_SQL_LENGTHEN_CARDS] = { "lengthen_cards",
        "WITH "
        RING_NOW("NOT EXISTS (SELECT FROM unnest($5::int2[]) AS q (key_id) WHERE ("
                 LIVE_NUMBER("q") ") IS NULL)") ", "
        "due AS MATERIALIZED ("
        "SELECT d.place, d.until, l.at, l.was FROM unnest($4::int8[], $5::int2[], "
        "$6::timestamptz[]) WITH ORDINALITY AS d (id, key_id, until, place) "
        "CROSS JOIN LATERAL (SELECT k.ctid AS at, k.expires_at AS was "
        CARD_BY_ID("d.key_id", "d.id") IS_ALIVE FIRST_OF_ID
        " FOR UPDATE) AS l WHERE " RING_HOLDS " AND " AS_SEEN("l.at") "), "
        "longer AS (UPDATE card k SET expires_at = nullif(due.until, 'infinity') FROM due WHERE "
        "k.ctid = due.at AND due.was < due.until RETURNING k.key_id) "
        "SELECT 0::int8, n.epoch, n.node_stands, n.agrees, "
        OR_FAIL("d.n = d.due AND d.ordinary", "d.n",
                "d.n || ' of ' || d.due || ' cards have the date that was sent' || " OF_STRANGERS)
        " FROM now n, (SELECT (SELECT count(*) FROM longer) AS n, (SELECT count(*) FROM due WHERE "
        "due.was < due.until) AS due, " IS_ORDINARY("'card'::regclass") " AS ordinary OFFSET 0) "
        "AS d UNION ALL SELECT due.place, NULL, NULL, NULL, NULL FROM due", true },

    /*
     * Releases: $1 clients, $2 keys, $3 attempts, $4 MACs, $5 cards as they are stored, which may
     * be none. A claim that was taken over, or for which a lost connection may still write cards,
     * is left alone.
     */
    [JT_SQL_ONCE_RELEASE] = { "once_release",
        "WITH held AS MATERIALIZED (SELECT l.at, q.mac, q.cards FROM unnest($1::text[], "
        "$2::text[], $3::int4[], $4::uuid[], $5::bytea[]) AS q (client, key, attempt, mac, cards) "
        "CROSS JOIN LATERAL (SELECT i.ctid AS at FROM idempotency i WHERE " ONCE_ROW("i", "q")
        " AND i.attempt = q.attempt FOR UPDATE SKIP LOCKED) AS l), "
        "put AS (INSERT INTO idempotency_card (mac, cards) SELECT h.mac, h.cards FROM held h "
        "WHERE h.cards <> ''::bytea) "
        "UPDATE idempotency i SET busy_until = '-infinity' FROM held h WHERE i.ctid = "
        "h.at", false },

    /* $1 clients, $2 keys, $3 writer: removes those of them whose time is over. */
    [JT_SQL_ONCE_OLD] = { "once_old",
        "WITH due AS MATERIALIZED (SELECT l.at FROM unnest($1::text[], $2::text[]) AS a "
        "(client, key) CROSS JOIN LATERAL (SELECT i.ctid AS at FROM idempotency i WHERE "
        ONCE_ROW("i", "a") " AND i.at < now() - interval '" JT_CLAIM_KEPT "' AND i.busy_until <= "
        "now() FOR UPDATE SKIP LOCKED) AS l), "
        "old AS (DELETE FROM idempotency i USING due d WHERE i.ctid = d.at RETURNING i.client, "
        "i.mac), "
        ONCE_FORGOTTEN " "
        ONCE_COUNTED("old", "$3", "-"), false },

    /*
     * $1 clients, $2 keys, $3 MACs, $4 writer, $5 so many a client may have: rows for those that
     * have none. Sorted, so that two who claim the same keys wait in the same order.
     */
    [JT_SQL_ONCE_NEW] = { "once_new",
        "WITH fresh AS (INSERT INTO idempotency (client, key, mac) SELECT a.client, a.key, a.mac "
        "FROM unnest($1::text[], $2::text[], $3::uuid[]) AS a (client, key, mac) WHERE coalesce("
        "(SELECT sum(t.live) FROM idempotency_count t WHERE t.client = a.client), 0) < $5::int8 "
        "ORDER BY a.client, a.key ON CONFLICT (client, key) DO NOTHING RETURNING client) "
        ONCE_COUNTED("fresh", "$4", ""), false },

    /*
     * $1 clients, $2 keys, $3 MACs, $4 incarnation. Place, state and attempt of each: state 0, it
     * is the caller's; 1, somebody is at it; 2, another request has the key; 3, it has no row. None
     * of one that was locked, or taken by another a moment ago. Only a row that seems free is
     * locked, so that whoever asks in vain never stands in the way of its release. Of equal ones in
     * one batch the first has it; they are counted so that all are locked before any is changed.
     */
    [JT_SQL_ONCE_TAKE] = { "once_take",
        "WITH asked AS MATERIALIZED (SELECT a.*, row_number() OVER (PARTITION BY a.client, a.key "
        "ORDER BY a.place) AS nth FROM unnest($1::text[], $2::text[], $3::uuid[]) WITH ORDINALITY "
        "AS a (client, key, mac, place)), "
        "seen AS MATERIALIZED (SELECT a.client, a.key, a.place, l.attempt, l.same, a.nth > 1 OR "
        "l.busy AS busy FROM asked a CROSS JOIN LATERAL (SELECT i.attempt, i.mac = a.mac AS same, "
        "i.busy_until > now() AND EXISTS (SELECT FROM node n WHERE n.incarnation = i.incarnation) "
        "AS busy FROM idempotency i WHERE " ONCE_ROW("i", "a") " OFFSET 0) AS l), "
        "free AS MATERIALIZED (SELECT s.place, l.at FROM seen s CROSS JOIN LATERAL (SELECT i.ctid "
        "AS at FROM idempotency i WHERE " ONCE_ROW("i", "s") " AND i.attempt = s.attempt FOR "
        "UPDATE SKIP LOCKED) AS l WHERE s.same AND NOT s.busy), "
        "taken AS (UPDATE idempotency i SET attempt = i.attempt + 1, incarnation = $4::uuid, "
        "busy_until = now() + interval '" JT_CLAIM_BUSY "' FROM free f WHERE i.ctid = f.at AND "
        "(SELECT count(*) FROM free) > 0 RETURNING f.place, i.attempt) "
        "SELECT t.place, 0::int4, t.attempt FROM taken t UNION ALL "
        "SELECT s.place, CASE WHEN s.same THEN 1 ELSE 2 END, 0 FROM seen s WHERE s.busy OR NOT "
        "s.same UNION ALL "
        "SELECT a.place, 3, 0 FROM asked a WHERE (SELECT i.mac FROM idempotency i WHERE "
        ONCE_ROW("i", "a") ") IS NULL", true },

    /* $1 MACs. Place, and what is remembered, in pieces. */
    [JT_SQL_ONCE_KNOWN] = { "once_known",
        "SELECT a.place, l.cards FROM unnest($1::uuid[]) WITH ORDINALITY AS a (mac, place) "
        "CROSS JOIN LATERAL (SELECT c.cards FROM idempotency_card c WHERE c.mac = a.mac OFFSET 0) "
        "AS l", true },

    /*
     * In a transaction that tokenizes, behind it: $1 clients, $2 keys, $3 attempts; the cards: $4
     * MACs, $5 places, $6 ids; $7 key id. Remembers those that stand there: ids are minted once,
     * so this transaction has written them.
     */
    [JT_SQL_ONCE_CARDS] = { "once_cards",
        "WITH " ONCE_CLAIM("$1", "$2", "$3") ", "
        ONCE_PUT("$4", "$5", "$6", "(SELECT l.id FROM (SELECT k.id "
                 CARD_BY_ID("$7::int2", "u.id") FIRST_OF_ID ") AS l) IS NOT NULL") " "
        ONCE_REMEMBERED("$3"), true },

    /* In a transaction that does something else: the same for whatever is to be remembered. */
    [JT_SQL_ONCE_ACT] = { "once_act",
        "WITH " ONCE_CLAIM("$1", "$2", "$3") ", " ONCE_PUT("$4", "$5", "$6", "true") " "
        ONCE_REMEMBERED("$3"), true },

    /* $1 at most so many, $2 writer. How many were removed. */
    [JT_SQL_ONCE_EXPIRE] = { "once_expire",
        "WITH due AS MATERIALIZED (SELECT i.ctid AS at FROM idempotency i WHERE i.at < now() - "
        "interval '" JT_CLAIM_KEPT "' AND i.busy_until <= now() ORDER BY i.at LIMIT $1::int8 FOR "
        "UPDATE SKIP LOCKED), "
        "old AS (DELETE FROM idempotency i USING due d WHERE i.ctid = d.at RETURNING i.client, "
        "i.mac), "
        ONCE_FORGOTTEN ", "
        "told AS (" ONCE_COUNTED("old", "$2", "-") ") SELECT count(*) FROM old", true },

    /*
     * $1 process number, $2 application name: ends a session of ours, and waits until it is gone.
     * No row: there is none. False: it lives.
     */
    [JT_SQL_END_SESSION] = { "end_session",
        "SELECT pg_terminate_backend(a.pid, " JT_SQL_NUMBER(JT_END_SESSION_MS) ") "
        "FROM pg_stat_activity a WHERE a.pid = $1::int4 AND a.pid <> pg_backend_pid() "
        "AND a.application_name = $2::text AND a.usename = current_user", true },

    /* $1 start, $2 connection, $3 number, $4 time: the head of a link, if it stands. */
    [JT_SQL_FIND_LINK] = { "find_link",
        "SELECT a.head FROM audit a WHERE a.at = $4::timestamptz AND a.start = $1::int4 "
        "AND a.connection = $2::int2 AND a.link = $3::int8 AND a.head IS NOT NULL", true },

#include "store/statements_numeric.def"

    [JT_SQL_COMMIT] = { "commit", "COMMIT", false },

#include "store/statements_job.def"

    /* $1 key ids, $2 at most so many of each */
    [JT_SQL_NEWEST] = { "newest",
        "SELECT " ROW_OF("l") " FROM unnest($1::int2[]) AS q (key_id) "
        "CROSS JOIN LATERAL (SELECT " ROW_OF("k") " FROM card k WHERE k.key_id = q.key_id AND "
        "k.bucket = 0 "
        "ORDER BY k.id DESC LIMIT $2::int8) AS l", true },

    [JT_SQL_KEY_IDS] = { "key_ids", "WITH " KEY_IDS " SELECT u.key_id FROM used u", true },

    /* $1 key id */
    [JT_SQL_UNUSED] = { "unused", "SELECT NOT EXISTS (SELECT FROM card k WHERE k.key_id = "
    "$1::int2)", true },
};
/* clang-format on */
