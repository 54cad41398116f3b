/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No statement of the program ever scans the table of cards: each plan is looked at, as a session
 * of the program gets it, on a table that is empty, small, and large, each with and without
 * statistics.
 */
#include "tests/db/fixture.h"

#include "store/session.h"
#include "store/statements.h"

#include <stdio.h>
#include <string.h>

static bool touches_cards(enum jt_statement s)
{
    return s == JT_SQL_TOKENIZE || s == JT_SQL_TOKENIZE_ALONE || s == JT_SQL_FIND_CARDS ||
           s == JT_SQL_TOKENIZE_NUMERIC || s == JT_SQL_READ_NUMERIC || s == JT_SQL_READ_CARDS ||
           s == JT_SQL_LOOK_UP_CARDS || s == JT_SQL_MOVE_CARDS || s == JT_SQL_DELETE_CARDS ||
           s == JT_SQL_FIND_STRAYS || s == JT_SQL_STRAGGLERS || s == JT_SQL_CUT ||
           s == JT_SQL_MEND_CARD || s == JT_SQL_STUCK || s == JT_SQL_NEWEST ||
           s == JT_SQL_KEY_IDS || s == JT_SQL_UNUSED || s == JT_SQL_DELETE_CARDS_ONCE ||
           s == JT_SQL_ONCE_CARDS || s == JT_SQL_DELETE_EXPIRED || s == JT_SQL_PURGE_CARDS ||
           s == JT_SQL_FIND_EXPIRED || s == JT_SQL_LENGTHEN_CARDS || s == JT_SQL_WRITE_OFF ||
           s == JT_SQL_DELETE_LOST;
}

/* And those on the claims of requests; they sort and group what they were sent. */
static bool touches_claims(enum jt_statement s)
{
    return (s >= JT_SQL_ONCE_RELEASE && s <= JT_SQL_ONCE_EXPIRE) || s == JT_SQL_DELETE_CARDS_ONCE;
}

/* And those on numeric tokens. */
static bool touches_numeric_tokens(enum jt_statement s)
{
    return s == JT_SQL_TOKENIZE_NUMERIC || s == JT_SQL_READ_NUMERIC || s == JT_SQL_NUMERIC_COUNT;
}

/* Tokens are inserted in an order of their own: what is sorted is what was sent. */
static bool may_sort(enum jt_statement s)
{
    return s == JT_SQL_TOKENIZE_NUMERIC;
}

/* The generic plan, as text. */
static void explain(PGconn *conn, enum jt_statement s, char *out, size_t size)
{
    char sql[512];
    (void)snprintf(
        sql, sizeof sql,
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = '%s'",
        jt_statements[s].name);
    int64_t n = fx_number(conn, sql);
    int at = snprintf(sql, sizeof sql, "EXPLAIN (COSTS OFF) EXECUTE %s", jt_statements[s].name);
    for (int64_t i = 0; i < n; i++) {
        at += snprintf(sql + at, sizeof sql - (size_t)at, "%sNULL", i == 0 ? "(" : ", ");
    }
    (void)snprintf(sql + at, sizeof sql - (size_t)at, "%s", n == 0 ? "" : ")");
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQresultErrorMessage(res));
    }
    size_t used = 0;
    for (int i = 0; i < PQntuples(res); i++) {
        used += (size_t)snprintf(out + used, size - used, "%s\n", PQgetvalue(res, i, 0));
        assert_true(used < size);
    }
    PQclear(res);
}

static void must_have(const char *plan, const char *what)
{
    if (strstr(plan, what) == NULL) {
        (void)fprintf(stderr, "%s", plan); /* cmocka cuts long messages */
        fail_msg("no \"%s\" in the plan above", what);
    }
}

static void must_not_have(const char *plan, const char *what)
{
    if (strstr(plan, what) != NULL) {
        (void)fprintf(stderr, "%s", plan);
        fail_msg("\"%s\" in the plan above", what);
    }
}

#define BY_FINGERPRINT(key_id, q)                                                                \
    "Index Cond: ((key_id = " key_id ") AND (bucket = 0) AND (field = " q ".field) AND (fp = " q \
    ".fp))"
#define BY_ID(key_id, id) \
    "Index Cond: ((key_id = " key_id ") AND (bucket = 0) AND (id >= " id ") AND (id <= " id "))"

#define BY_NAME(q) "Index Cond: ((client = " q ".client) AND (key = " q ".key))"

#define KEY_IDS_STEP "Index Cond: (key_id > u_1.key_id)"

static void check_plans(void)
{
    PGconn *conn = fx_connect(); /* a new session: plans are cached */
    const char *timeout[] = { "10000" };
    PGresult *res = PQexecParams(conn, jt_session_settings, 1, NULL, timeout, NULL, NULL, 0);
    assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
    PQclear(res);
    static char plans[JT_N_SQL][16384];
    for (int s = 0; s < JT_N_SQL; s++) {
        res = PQprepare(conn, jt_statements[s].name, jt_statements[s].sql, 0, NULL);
        if (PQresultStatus(res) != PGRES_COMMAND_OK) {
            fail_msg("%s: %s", jt_statements[s].name, PQresultErrorMessage(res));
        }
        PQclear(res);
        if (touches_claims((enum jt_statement)s)) {
            explain(conn, (enum jt_statement)s, plans[s], sizeof plans[s]);
            must_not_have(plans[s], "Seq Scan on idempotency");
            must_not_have(plans[s], "Bitmap");
            must_not_have(plans[s], "Hash Join");
            must_not_have(plans[s], "Merge Join");
        }
        if (touches_numeric_tokens((enum jt_statement)s)) {
            explain(conn, (enum jt_statement)s, plans[s], sizeof plans[s]);
            must_not_have(plans[s], "Seq Scan on numeric_token");
            must_have(plans[s], "numeric_token_pkey");
        }
        if (touches_cards((enum jt_statement)s)) {
            explain(conn, (enum jt_statement)s, plans[s], sizeof plans[s]);
            must_not_have(plans[s], "Seq Scan on card");
            must_not_have(plans[s], "Bitmap");
            must_not_have(plans[s], "Hash Join");
            must_not_have(plans[s], "Merge Join");
            if (!may_sort((enum jt_statement)s)) {
                must_not_have(plans[s], "Sort");
            }
        } else {
            assert_null(strstr(jt_statements[s].sql, " card "));
        }
    }
    must_have(plans[JT_SQL_TOKENIZE], "One-Time Filter");
    must_have(plans[JT_SQL_TOKENIZE], "(NOT (hashed SubPlan");
    must_have(plans[JT_SQL_TOKENIZE], BY_FINGERPRINT("p.key_id", "p"));
    must_have(plans[JT_SQL_TOKENIZE], BY_FINGERPRINT("$5", "u"));
    must_have(plans[JT_SQL_TOKENIZE], BY_ID("d.key_id", "fresh.id"));
    must_have(plans[JT_SQL_TOKENIZE], "Conflict Arbiter Indexes: card_fingerprint");
    must_have(plans[JT_SQL_TOKENIZE_ALONE], "One-Time Filter");
    must_have(plans[JT_SQL_TOKENIZE_ALONE], "(NOT (hashed SubPlan");
    must_have(plans[JT_SQL_TOKENIZE_ALONE], BY_FINGERPRINT("$5", "u"));
    must_have(plans[JT_SQL_TOKENIZE_ALONE], "Conflict Arbiter Indexes: card_fingerprint");
    must_have(plans[JT_SQL_TOKENIZE_NUMERIC], BY_FINGERPRINT("p.key_id", "p"));
    must_have(plans[JT_SQL_TOKENIZE_NUMERIC], BY_ID("d.key_id", "f_2.id"));
    must_have(plans[JT_SQL_TOKENIZE_NUMERIC], BY_FINGERPRINT("f_2.key_id", "f_2"));
    must_have(plans[JT_SQL_TOKENIZE_NUMERIC], "Conflict Arbiter Indexes: numeric_token_pkey");
    must_not_have(plans[JT_SQL_TOKENIZE_NUMERIC], "Semi Join");
    must_have(plans[JT_SQL_TOKENIZE_NUMERIC], "Conflict Arbiter Indexes: card_fingerprint");
    must_have(plans[JT_SQL_READ_NUMERIC], BY_ID("live.key_id", "q.id"));
    must_have(plans[JT_SQL_READ_NUMERIC], BY_ID("live_1.key_id", "n.id"));
    must_have(plans[JT_SQL_FIND_CARDS], "One-Time Filter");
    must_have(plans[JT_SQL_FIND_CARDS], BY_FINGERPRINT("$5", "u"));
    must_have(plans[JT_SQL_READ_CARDS], BY_ID("live.key_id", "q.id"));
    must_have(plans[JT_SQL_LOOK_UP_CARDS], BY_FINGERPRINT("p.key_id", "p"));
    must_have(plans[JT_SQL_FIND_STRAYS], BY_ID("u.key_id", "q.id"));
    must_have(plans[JT_SQL_FIND_STRAYS], KEY_IDS_STEP);
    must_not_have(plans[JT_SQL_FIND_STRAYS], "Seq Scan on quarantine");
    must_have(plans[JT_SQL_FIND_STRAYS], "Index Cond: ((id >= q_1.id) AND (id <= q_1.id))");
    must_have(plans[JT_SQL_KEY_IDS], KEY_IDS_STEP);
    must_have(plans[JT_SQL_MOVE_CARDS], "One-Time Filter");
    must_have(plans[JT_SQL_MOVE_CARDS], BY_ID("$7", "m.id"));
    must_have(plans[JT_SQL_MOVE_CARDS], "TID Cond: (ctid = due.at)");
    must_have(plans[JT_SQL_DELETE_CARDS], "One-Time Filter");
    must_have(plans[JT_SQL_DELETE_CARDS], BY_ID("d.key_id", "d.id"));
    must_have(plans[JT_SQL_DELETE_CARDS], "TID Cond: (ctid = due_1.at)");
    for (enum jt_statement s = JT_SQL_DELETE_EXPIRED; s <= JT_SQL_PURGE_CARDS; s++) {
        must_have(plans[s], "One-Time Filter");
        must_have(plans[s], BY_ID("d.key_id", "d.id"));
        must_have(plans[s], "TID Cond: (ctid = due_1.at)");
        must_not_have(plans[s], "card_expiry");
    }
    must_have(plans[JT_SQL_LENGTHEN_CARDS], "One-Time Filter");
    must_have(plans[JT_SQL_LENGTHEN_CARDS], BY_ID("d.key_id", "d.id"));
    must_have(plans[JT_SQL_LENGTHEN_CARDS], "TID Cond: (ctid = due_1.at)");
    must_have(plans[JT_SQL_LENGTHEN_CARDS], "TID Cond: (ctid = l.at)");
    must_not_have(plans[JT_SQL_LENGTHEN_CARDS], "card_expiry");
    must_have(plans[JT_SQL_FIND_EXPIRED], "Index Scan using card_expiry on card k");
    must_have(plans[JT_SQL_MOVE_CARDS], "TID Cond: (ctid = l.ctid)");
    must_have(plans[JT_SQL_DELETE_CARDS_ONCE], "One-Time Filter");
    must_have(plans[JT_SQL_DELETE_CARDS_ONCE], BY_ID("d.key_id", "d.id"));
    must_have(plans[JT_SQL_DELETE_CARDS_ONCE], "TID Cond: (ctid = due_1.at)");
    must_have(plans[JT_SQL_DELETE_CARDS_ONCE], BY_NAME("q_1"));
    must_have(plans[JT_SQL_ONCE_CARDS], BY_ID("$7", "u.id"));
    must_have(plans[JT_SQL_ONCE_CARDS], BY_NAME("q"));
    must_have(plans[JT_SQL_ONCE_ACT], BY_NAME("q"));
    must_have(plans[JT_SQL_ONCE_RELEASE], BY_NAME("q"));
    must_have(plans[JT_SQL_ONCE_OLD], BY_NAME("a"));
    must_have(plans[JT_SQL_ONCE_OLD], "Index Cond: (mac = o_1.mac)");
    must_have(plans[JT_SQL_ONCE_TAKE], BY_NAME("a_2"));
    must_have(plans[JT_SQL_ONCE_TAKE], BY_NAME("s_1"));
    must_have(plans[JT_SQL_ONCE_TAKE], "TID Cond: (ctid = f.at)");
    must_have(plans[JT_SQL_ONCE_KNOWN], "Index Cond: (mac = a.mac)");
    must_have(plans[JT_SQL_ONCE_EXPIRE], "Index Scan using idempotency_age");
    must_have(plans[JT_SQL_ONCE_EXPIRE], "Index Cond: (mac = o.mac)");
    must_have(plans[JT_SQL_STRAGGLERS],
              "Index Cond: ((key_id = $1) AND (ROW(bucket, id) > ROW($2, $3)))");
    must_have(plans[JT_SQL_CUT], "Index Cond: ((key_id = $1) AND (ROW(bucket, id) > ROW($2, $3)))");
    must_have(plans[JT_SQL_CUT], "Index Only Scan using card_id on card k");
    must_have(plans[JT_SQL_MEND_CARD], "One-Time Filter");
    must_have(plans[JT_SQL_MEND_CARD],
              "Index Cond: ((key_id = $4) AND (bucket = $5) AND (id >= $6) AND (id <= $6))");
    must_have(plans[JT_SQL_MEND_CARD], "TID Cond: (ctid = due.at)");
    must_have(plans[JT_SQL_WRITE_OFF], "Index Cond: ((key_id = $5) AND (bucket = m.bucket) AND "
                                       "(id >= m.id) AND (id <= m.id))");
    must_have(plans[JT_SQL_WRITE_OFF], "TID Cond: (ctid = due.at)");
    must_have(plans[JT_SQL_DELETE_LOST], "Index Cond: ((id >= a.id) AND (id <= a.id))");
    must_have(plans[JT_SQL_DELETE_LOST], BY_ID("d_1.key_id", "d_1.id"));
    must_not_have(plans[JT_SQL_DELETE_LOST], "Seq Scan on quarantine");
    must_have(plans[JT_SQL_STUCK], "stuck_card_pkey");
    must_have(plans[JT_SQL_STUCK],
              "Index Cond: ((key_id = $2) AND (bucket = c.bucket) AND (id >= c.id) AND (id <= "
              "c.id))");
    must_have(plans[JT_SQL_NEWEST], "Index Scan Backward using card_id on card k");
    must_have(plans[JT_SQL_UNUSED], "Index Cond: (key_id = $1)");
    PQfinish(conn);
}

static void grow(struct fx *fx, int from, int to)
{
    char sql[512];
    (void)snprintf(
        sql, sizeof sql,
        "INSERT INTO card (id, field, fp, envelope) SELECT i, 1, md5('f' || i)::uuid, "
        "decode(CASE WHEN i %% 2 = 0 THEN '01' ELSE '02' END || repeat('ee', 24), 'hex') FROM "
        "generate_series(%d, %d) i",
        from + 1, to);
    fx_exec(fx->plain, sql);
}

static void every_statement_on_cards_stays_on_its_index(void **state)
{
    struct fx *fx = *state;
    static const int sizes[] = { 0, 100, 200000 };
    int rows = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i] > rows) {
            grow(fx, rows, sizes[i]);
            rows = sizes[i];
        }
        check_plans();
        fx_exec(fx->plain, "ANALYZE");
        check_plans();
    }
}

static void statistics_that_say_one_key_id_do_not_lead_the_planner_astray(void **state)
{
    struct fx *fx = *state;
    grow(fx, 0, 5000);
    fx_exec(fx->plain, "DELETE FROM card WHERE key_id = 1; ANALYZE card");
    check_plans();
    fx_exec(fx->plain, "DELETE FROM card");
    fx_exec(fx->plain, "VACUUM ANALYZE card");
    check_plans();
}

/* As after a first import: the planner guesses from the size of the file alone. */
static void a_table_of_one_generation_that_was_never_analysed_is_walked_in_order(void **state)
{
    struct fx *fx = *state;
    fx_exec(fx->plain, "ALTER TABLE card SET (autovacuum_enabled = off)");
    fx_exec(fx->plain, "INSERT INTO card (id, field, fp, envelope) SELECT i, 1, "
                       "md5('f' || i)::uuid, decode('01' || repeat('ee', 24), 'hex') "
                       "FROM generate_series(1, 100000) i");
    check_plans();
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(every_statement_on_cards_stays_on_its_index),
        fx_vault_test(statistics_that_say_one_key_id_do_not_lead_the_planner_astray),
        fx_vault_test(a_table_of_one_generation_that_was_never_analysed_is_walked_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
