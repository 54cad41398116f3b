/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the audit trail in pages. Some time of it is made slow: the rows of one start sleep while
 * they are read, so that the statement which comes there runs into the connection's time-out, as
 * one does that has too much to read.
 */
#include "tests/db/fixture.h"

#include "store/audit_list.h"

#include <stdio.h>
#include <string.h>

#define SLOW_STATEMENT_MS 300

struct read {
    size_t n;
    uint64_t last_us;
    int64_t last_link;
};

static void note(void *arg, const struct jt_audit_view *view)
{
    struct read *r = arg;
    assert_true(view->at.at_us > r->last_us);
    assert_true((int64_t)view->at.link > r->last_link);
    r->last_us = view->at.at_us;
    r->last_link = (int64_t)view->at.link;
    r->n++;
}

#define SLOW_START "78"

/* Twenty rows in each of two months; those of the second are of another start. */
static void fill(struct fx *fx)
{
    fx_exec(fx->plain,
            "CREATE TABLE audit_2020_01 PARTITION OF audit FOR VALUES FROM ('2020-01-01Z') TO "
            "('2020-02-01Z'); "
            "CREATE TABLE audit_2020_02 PARTITION OF audit FOR VALUES FROM ('2020-02-01Z') TO "
            "('2020-03-01Z'); "
            "UPDATE audit_start SET at = '2020-01-01Z'; "
            "INSERT INTO audit_start SELECT " SLOW_START ", node, incarnation, at, predecessor, "
            "ends, mac FROM audit_start; "
            "INSERT INTO audit (at, link, start, field, n_items, n_done, action, result, "
            "connection, place, request, client, object, source, ids) "
            "SELECT '2020-01-01Z'::timestamptz + n * interval '36 hours', n, CASE WHEN n < "
            "21 THEN 77 ELSE " SLOW_START " END, 0, 1, 1, 1, 0, 1, 1, gen_random_uuid(), CASE WHEN "
            "n % 5 = 0 THEN 'rare' ELSE 'app' END, '', '', '' "
            "FROM generate_series(1, 39) n");
}

static void make_slow(struct fx *fx)
{
    fx_exec(fx->plain,
            "CREATE FUNCTION slow(integer) RETURNS text LANGUAGE sql STABLE AS "
            "$$SELECT ''::text FROM pg_sleep($1)$$; "
            "ALTER TABLE audit_start RENAME TO kept; CREATE VIEW audit_start AS SELECT k.id, k.at, "
            "CASE WHEN k.id = " SLOW_START " THEN slow(k.id) ELSE k.node END AS node FROM kept k");
}

static void make_fast(struct fx *fx)
{
    fx_exec(fx->plain, "DROP VIEW audit_start; ALTER TABLE kept RENAME TO audit_start");
}

static enum jt_err page(struct jt_db *db, const char *client, size_t max,
                        struct jt_audit_cursor *at, struct read *r, bool *more)
{
    const struct jt_audit_filter filter = {
        .since = "", .until = "2020-03-01Z", .client = client, .after = *at, .max = max
    };
    struct jt_audit_seen seen;
    enum jt_err err = jt_audit_list(db, &filter, note, r, &seen);
    *more = seen.more;
    *at = seen.last;
    return err;
}

static struct jt_db *impatient(void)
{
    struct jt_db *db;
    assert_int_equal(jt_db_new(fx_conninfo(), "test listing", SLOW_STATEMENT_MS, &db), JT_OK);
    assert_int_equal(jt_db_ensure(db), JT_OK);
    return db;
}

static void pages_add_up(void **state)
{
    struct fx *fx = *state;
    fill(fx);
    int64_t due = fx_number(fx->plain, "SELECT count(*) FROM audit WHERE at < '2020-03-01Z'");
    for (size_t max = 1; max < 100; max += 7) {
        struct jt_audit_cursor at = { 0 };
        struct read r = { .last_link = -1 };
        bool more = true;
        while (more) {
            size_t before = r.n;
            assert_int_equal(page(fx->db, "", max, &at, &r, &more), JT_OK);
            assert_true(r.n - before == max || !more);
        }
        assert_int_equal(r.n, due);
    }
}

static void what_takes_too_long_ends_where_it_is_and_goes_on(void **state)
{
    struct fx *fx = *state;
    struct jt_db *db = impatient();
    fill(fx);
    int64_t due = fx_number(fx->plain, "SELECT count(*) FROM audit WHERE client = 'rare' AND at < "
                                       "'2020-03-01Z'");
    struct jt_audit_cursor at = { 0 };
    struct read r = { .last_link = -1 };
    bool more;
    make_slow(fx);
    assert_int_equal(page(db, "rare", 10, &at, &r, &more), JT_OK);
    assert_true(more);
    assert_in_range(r.n, 1, due - 1);
    /* nothing is found on this one, and its cursor does not fall back */
    struct jt_audit_cursor before = at;
    size_t n_before = r.n;
    enum jt_err err = page(db, "rare", 10, &at, &r, &more);
    assert_true(err == JT_OK || jt_err_class(err) == JT_CLASS_REPEAT);
    if (err != JT_OK) {
        at = before;
    }
    assert_int_equal(r.n, n_before);
    assert_true(at.at_us >= before.at_us);
    make_fast(fx);
    for (more = true; more;) {
        assert_int_equal(page(db, "rare", 10, &at, &r, &more), JT_OK);
    }
    assert_int_equal(r.n, due);
    jt_db_free(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fx_vault_test(pages_add_up),
        fx_vault_test(what_takes_too_long_ends_where_it_is_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
