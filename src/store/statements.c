#include "store/statements.h"

#include "store/ring.h"

#define IS_IN_STATE(number, key_id, state) \
    "EXISTS (SELECT FROM generation g WHERE g.number = " number "::int8 AND g.key_id = " key_id "::int2 " \
    "AND g.state = " state ")"
#define STATE_ACTIVE "2"
#define STATE_DRAINING "3"

/*
 * The ring rule's condition, on $1 epoch, $2 node name, $3 incarnation, $4 and $5 number and key id of the active
 * generation. All of it is uncorrelated, so the server evaluates it once for each statement, and a statement whose
 * condition fails touches no card. The snapshot is the statement's own, taken after the lock was had. The epoch alone
 * would do, since state rows change only with it; the generation is asked as well because it is cheap.
 */
#define RING_HOLDS \
    "(SELECT r.epoch FROM ring r) = $1::int8 " \
    "AND EXISTS (SELECT FROM node n WHERE n.name = $2::text AND n.incarnation = $3::uuid) " \
    "AND " IS_IN_STATE("$4", "$5", STATE_ACTIVE)

/*
 * Each look-up of a card is a scalar subquery, or a LATERAL one with a row lock: the planner cannot turn these into a
 * join, so what remains is one descent of one index for each element of the arrays, in the arrays' order. Which index
 * must not be left to costs, since on a table that is empty when the statement is planned all indexes cost the same. By
 * token: a condition on bucket or field would let card_fingerprint serve too, so field is compared in a way that no
 * index serves, and bucket not at all (a token is unique over all buckets: its first byte repeats the bucket). By
 * fingerprint: the condition on bucket would let card_token serve, at the same cost only for an empty and analysed
 * table; such a tie goes to the younger index.
 */
#define CARD_BY_FINGERPRINT(q) \
    "FROM card k WHERE k.key_id = " q ".key_id AND k.bucket = 0 AND k.field = " q ".field AND k.fp = " q ".fp"
#define CARD_BY_TOKEN(q) "FROM card k WHERE k.token = " q ".token AND k.field IS NOT DISTINCT FROM " q ".field"

#define ADD_TO_TALLY(column) column " = t." column " + excluded." column

const struct jt_statement_text jt_statements[JT_N_SQL] = {
    [JT_SQL_BEGIN] = { "begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", false },

    [JT_SQL_RING_LOCK] = { "ring_lock", "SELECT pg_advisory_xact_lock_shared(" JT_RING_LOCK ")", true },

    /*
     * $1 node, $2 incarnation, $3 and $4 number and key id that must be active, $5 and $6 those that must be draining
     * (numbers of 0: not asked)
     */
    [JT_SQL_CHECK] = { "check",
        "SELECT (SELECT r.epoch FROM ring r), "
        "EXISTS (SELECT FROM node n WHERE n.name = $1::text AND n.incarnation = $2::uuid), "
        IS_IN_STATE("$3", "$4", STATE_ACTIVE) ", "
        "($5::int8 = 0 OR " IS_IN_STATE("$5", "$6", STATE_DRAINING) ")", true },

    /*
     * $1 to $5 ring, $6 writer; the cards, each once and sorted: $7 fields, $8 candidate tokens, $9 fingerprints, $10
     * envelopes; probes under draining generations: $11 the card's place counted from 1, $12 key ids, $13 fields, $14
     * fingerprints. Answers place and token: of cards found under a draining generation, then of all others, NULL for
     * one that another transaction inserted meanwhile (JT_SQL_FIND_TOKENS finds it). No row when the ring moved. The
     * look-ups see the table as it was before the INSERT: what that wrote is known by its candidate token, without
     * looking again.
     */
    [JT_SQL_TOKENIZE] = { "tokenize",
        "WITH ring_holds AS MATERIALIZED (SELECT " RING_HOLDS " AS yes), "
        "old AS MATERIALIZED ("
        "SELECT p.place, l.token "
        "FROM unnest($11::int8[], $12::int2[], $13::int4[], $14::uuid[]) AS p (place, key_id, field, fp) "
        "CROSS JOIN LATERAL (SELECT k.token " CARD_BY_FINGERPRINT("p") " OFFSET 0) AS l "
        "WHERE (SELECT yes FROM ring_holds)), "
        "written AS ("
        "INSERT INTO card (field, token, fp, envelope) "
        "SELECT c.field, c.token, c.fp, c.envelope "
        "FROM unnest($7::int4[], $8::uuid[], $9::uuid[], $10::bytea[]) WITH ORDINALITY "
        "AS c (field, token, fp, envelope, place) "
        "WHERE (SELECT yes FROM ring_holds) AND c.place NOT IN (SELECT o.place FROM old o) "
        "ON CONFLICT (key_id, bucket, field, fp) DO NOTHING RETURNING token), "
        "counted AS (INSERT INTO tally AS t (generation, writer, written) "
        "SELECT $4::int8, $6::int4, count(*) FROM written HAVING count(*) > 0 "
        "ON CONFLICT (generation, writer) DO UPDATE SET " ADD_TO_TALLY("written") ") "
        "SELECT o.place, o.token FROM old o UNION ALL "
        "SELECT c.place, CASE WHEN c.token IN (SELECT w.token FROM written w) THEN c.token "
        "ELSE (SELECT k.token " CARD_BY_FINGERPRINT("c") ") END "
        "FROM (SELECT u.place, u.token, u.field, u.fp, $5::int2 AS key_id "
        "FROM unnest($7::int4[], $8::uuid[], $9::uuid[]) WITH ORDINALITY AS u (field, token, fp, place)) AS c "
        "WHERE (SELECT yes FROM ring_holds) AND c.place NOT IN (SELECT o.place FROM old o)", true },

    /*
     * $1 to $5 ring; $6 fields, $7 fingerprints under the active generation. One row an element, NULL where there is no
     * card; none when the ring moved.
     */
    [JT_SQL_FIND_TOKENS] = { "find_tokens",
        "SELECT (SELECT k.token " CARD_BY_FINGERPRINT("q") ") "
        "FROM (SELECT u.field, u.fp, $5::int2 AS key_id FROM unnest($6::int4[], $7::uuid[]) AS u (field, fp)) AS q "
        "WHERE " RING_HOLDS, true },

    /* $1 to $5 ring; $6 to $12 as $2 to $8 of the next */
    [JT_SQL_AUDIT_IN_RING] = { "audit_in_ring",
        "INSERT INTO audit (node, client, action, field, n_items, n_done, tokens, object) "
        "SELECT $2::text, a.client, a.action, a.field, a.n_items, a.n_done, a.tokens, a.object "
        "FROM unnest($6::text[], $7::int2[], $8::int4[], $9::int4[], $10::int4[], $11::bytea[], $12::text[]) "
        "AS a (client, action, field, n_items, n_done, tokens, object) WHERE " RING_HOLDS, false },

    /* $1 node; $2 clients, $3 actions, $4 fields, $5 items, $6 done, $7 tokens, $8 objects */
    [JT_SQL_AUDIT] = { "audit",
        "INSERT INTO audit (node, client, action, field, n_items, n_done, tokens, object) "
        "SELECT $1::text, a.client, a.action, a.field, a.n_items, a.n_done, a.tokens, a.object "
        "FROM unnest($2::text[], $3::int2[], $4::int4[], $5::int4[], $6::int4[], $7::bytea[], $8::text[]) "
        "AS a (client, action, field, n_items, n_done, tokens, object)", false },

    /* $1 fields, $2 tokens. One row an element, NULL where there is no card of that field. */
    [JT_SQL_READ_CARDS] = { "read_cards",
        "SELECT (SELECT k.envelope " CARD_BY_TOKEN("q") ") "
        "FROM unnest($1::int4[], $2::uuid[]) AS q (field, token)", true },

    /*
     * $1 to $5 ring, the active generation being the one they go to; $6 and $7 number and key id they come from; $8
     * writer; $9 fields, $10 tokens, $11 old envelopes, $12 new envelopes, $13 new fingerprints. A row that somebody
     * else has locked or changed is left alone. The row count is the answer.
     */
    [JT_SQL_MOVE_CARDS] = { "move_cards",
        "WITH due AS MATERIALIZED ("
        "SELECT l.ctid AS at, m.envelope, m.fp "
        "FROM unnest($9::int4[], $10::uuid[], $11::bytea[], $12::bytea[], $13::uuid[]) "
        "AS m (field, token, old, envelope, fp) "
        "CROSS JOIN LATERAL (SELECT k.ctid " CARD_BY_TOKEN("m") " AND k.envelope = m.old FOR UPDATE SKIP LOCKED) AS l "
        "WHERE " RING_HOLDS " AND " IS_IN_STATE("$6", "$7", STATE_DRAINING) "), "
        "moved AS (UPDATE card k SET envelope = due.envelope, fp = due.fp FROM due WHERE k.ctid = due.at RETURNING 1), "
        "counted AS (SELECT count(*) AS n FROM moved), "
        "told AS (INSERT INTO tally AS t (generation, writer, moved_in, moved_out) "
        "SELECT side.generation, $8::int4, side.moved_in * counted.n, side.moved_out * counted.n "
        "FROM counted, (VALUES ($6::int8, 0, 1), ($4::int8, 1, 0)) AS side (generation, moved_in, moved_out) "
        "WHERE counted.n > 0 "
        "ON CONFLICT (generation, writer) DO UPDATE SET " ADD_TO_TALLY("moved_in") ", " ADD_TO_TALLY("moved_out") ") "
        "SELECT n FROM counted", true },

    [JT_SQL_COMMIT] = { "commit", "COMMIT", false },

    /*
     * $1 key id; $2 bucket, $3 field, $4 fingerprint after which to go on; $5 at most so many. The order is the index's
     * own.
     */
    [JT_SQL_STRAGGLERS] = { "stragglers",
        "SELECT k.bucket, k.field, k.fp, k.token, k.envelope FROM card k "
        "WHERE k.key_id = $1::int2 AND (k.bucket, k.field, k.fp) > ($2::int2, $3::int4, $4::uuid) "
        "ORDER BY k.bucket, k.field, k.fp LIMIT $5::int8", true },

    /* $1 key id */
    [JT_SQL_UNUSED] = { "unused", "SELECT NOT EXISTS (SELECT FROM card k WHERE k.key_id = $1::int2)", true },
};
