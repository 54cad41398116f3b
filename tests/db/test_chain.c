/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain of a connection on a real database: it goes on unbroken after what was refused and
 * after what nobody knows the outcome of.
 */
#include "tests/db/fixture.h"

#include "base/clock.h"
#include "store/audit_params.h"
#include "store/partitions.h"
#include "store/query.h"
#include "store/starts.h"

#include <stdio.h>
#include <string.h>

#define DAY_US UINT64_C(86400000000)

static enum jt_err act(struct fx *fx, const char *object)
{
    return jt_audit_record(fx->db, &fx_act, JT_AUDIT_IDS_ACCEPT, object);
}

/* The chain of fx->db in the database: so many links, from 1 on, one row and one head each. */
static void assert_unbroken(struct fx *fx, int64_t n)
{
    char sql[400];
    (void)snprintf(sql, sizeof sql,
                   "SELECT (count(*) = %d AND count(DISTINCT link) = %d AND min(link) = 1 AND "
                   "max(link) = %d AND count(head) = %d)::int FROM audit WHERE start = %u AND "
                   "connection = %u",
                   (int)n, (int)n, (int)n, (int)n, fx->db->chain.start, fx->db->chain.connection);
    assert_int_equal(fx_number(fx->plain, sql), 1);
    assert_int_equal(fx->db->chain.number, n);
}

static void what_was_refused_leaves_its_number_to_the_next(void **state)
{
    struct fx *fx = *state; /* the first operator is link 1 */
    assert_int_equal(act(fx, "a"), JT_OK);
    fx_exec(fx->plain, "ALTER TABLE audit ADD CONSTRAINT refuse CHECK (object <> 'b') NOT VALID");
    assert_int_equal(act(fx, "b"), JT_ERR_DB_FAULT);
    assert_unbroken(fx, 2);
    assert_int_equal(act(fx, "c"), JT_OK);
    assert_unbroken(fx, 3);
}

/* A server that commits, and a word on it that is lost: as jt_db_end leaves the connection. */
static void what_stands_after_all_is_gone_on_from(void **state)
{
    struct fx *fx = *state;
    struct jt_chain before = fx->db->chain;
    assert_int_equal(act(fx, "a"), JT_OK);
    jt_chain_doubt(&before, &fx->db->link, 0);
    fx->db->chain = before;
    assert_int_equal(act(fx, "b"), JT_OK);
    assert_unbroken(fx, 3);
}

static void what_never_arrived_leaves_its_number_to_the_next(void **state)
{
    struct fx *fx = *state;
    struct jt_link lost;
    const struct jt_audit_row row = { .action = JT_AUDIT_IDS_ACCEPT, .client = "x" };
    assert_int_equal(jt_chain_next(&fx->db->chain, &row, 1, jt_clock_wall_us(), &lost), JT_OK);
    jt_chain_doubt(&fx->db->chain, &lost, 0);
    assert_int_equal(act(fx, "b"), JT_OK);
    assert_unbroken(fx, 2);
}

/* It might commit as soon as it is looked for. */
static void a_session_that_lives_is_ended_first(void **state)
{
    struct fx *fx = *state;
    struct jt_link sent;
    PGconn *old = fx_connect();
    fx_exec(old, "SET application_name = 'test_db'");
    const struct jt_audit_row row = { .action = JT_AUDIT_IDS_ACCEPT, .client = "x" };
    assert_int_equal(jt_chain_next(&fx->db->chain, &row, 1, jt_clock_wall_us(), &sent), JT_OK);
    char sql[400];
    (void)snprintf(sql, sizeof sql,
                   "BEGIN; INSERT INTO audit (at, link, start, field, n_items, n_done, action, "
                   "result, connection, place, request, head, client, object, source, ids) VALUES "
                   "(now(), 2, 77, 0, 1, 1, 9, 0, %u, 1, '00000000-0000-0000-0000-000000000000', "
                   "'00000000-0000-0000-0000-000000000000', 'x', '', '', '')",
                   fx->db->chain.connection);
    fx_exec(old, sql);
    jt_chain_doubt(&fx->db->chain, &sent, PQbackendPID(old));
    assert_int_equal(act(fx, "b"), JT_OK);
    assert_unbroken(fx, 2);
    PQclear(PQexec(old, "COMMIT"));
    assert_int_equal(PQstatus(old), CONNECTION_BAD);
    PQfinish(old);
    assert_unbroken(fx, 2);
}

static void a_link_of_somebody_else_is_not_gone_on_from(void **state)
{
    struct fx *fx = *state;
    struct jt_chain before = fx->db->chain;
    assert_int_equal(act(fx, "a"), JT_OK);
    jt_chain_doubt(&before, &fx->db->link, 0);
    before.sent.head[0] ^= 1;
    fx->db->chain = before;
    assert_int_equal(act(fx, "b"), JT_ERR_TRAIL_FOREIGN);
    assert_int_equal(act(fx, "b"), JT_ERR_TRAIL_FOREIGN);
}

static void several_writes_of_one_transaction_are_links_of_it(void **state)
{
    struct fx *fx = *state;
    enum jt_err err = jt_db_begin(fx->db);
    for (int i = 0; i < 3 && err == JT_OK; i++) {
        err = jt_audit_act(fx->db, &fx_act, JT_AUDIT_IDS_ACCEPT, 0, "one");
    }
    assert_int_equal(jt_db_end(fx->db, err), JT_OK);
    assert_unbroken(fx, 4);
    assert_int_equal(jt_db_begin(fx->db), JT_OK);
    err = jt_audit_act(fx->db, &fx_act, JT_AUDIT_IDS_ACCEPT, 0, "two");
    assert_int_equal(jt_db_end(fx->db, JT_ERR_ROLLED_BACK), JT_ERR_ROLLED_BACK);
    assert_unbroken(fx, 4);
    assert_int_equal(act(fx, "three"), JT_OK);
    assert_unbroken(fx, 5);
}

static enum jt_err put_at(struct fx *fx, uint64_t at_us)
{
    const struct jt_audit_row row = { .action = JT_AUDIT_IDS_ACCEPT, .client = "x" };
    struct jt_link link;
    enum jt_err err = jt_chain_next(&fx->db->chain, &row, 1, at_us, &link);
    err = err == JT_OK ? jt_db_begin(fx->db) : err;
    if (err == JT_OK) {
        err = jt_audit_put(fx->db, &(struct jt_audit){ .link = &link, .rows = &row, .n = 1 });
    }
    return jt_db_end(fx->db, err);
}

static void a_clock_that_is_days_off_records_nothing(void **state)
{
    struct fx *fx = *state;
    fx->db->chain.at_us = 0;
    assert_int_equal(put_at(fx, jt_clock_wall_us() + 2 * DAY_US), JT_ERR_DB_UNTRUE);
    assert_int_equal(put_at(fx, jt_clock_wall_us() - 2 * DAY_US), JT_ERR_DB_UNTRUE);
    assert_int_equal(put_at(fx, jt_clock_wall_us() + DAY_US / 2), JT_OK);
}

static void times_of_a_chain_never_go_back(void **state)
{
    struct fx *fx = *state;
    const struct jt_audit_row row = { .action = JT_AUDIT_IDS_ACCEPT };
    struct jt_link link;
    uint64_t at_us = fx->db->chain.at_us;
    assert_int_equal(jt_chain_next(&fx->db->chain, &row, 1, at_us - 5, &link), JT_OK);
    assert_int_equal(link.at_us, at_us);
    assert_int_equal(jt_chain_next(&fx->db->chain, &row, 1, at_us + 5, &link), JT_OK);
    assert_int_equal(link.at_us, at_us + 5);
}

/* --- starts --- */

static void a_start_finds_where_the_chains_before_it_ended(void **state)
{
    struct fx *fx = *state;
    static struct jt_audit_end ends[JT_AUDIT_ENDS_MAX];
    uint32_t id;
    size_t n;
    assert_int_equal(jt_db_ensure(fx->db), JT_OK);
    assert_int_equal(jt_start_find_last(fx->db, "elsewhere", &id, ends, &n), JT_OK);
    assert_int_equal(id, 0);
    assert_int_equal(act(fx, "a"), JT_OK);
    assert_int_equal(jt_start_find_last(fx->db, "node-1", &id, ends, &n), JT_OK);
    assert_int_equal(id, FX_START);
    assert_int_equal(n, 1);
    assert_int_equal(ends[0].connection, fx->db->chain.connection);
    assert_int_equal(ends[0].number, 2);
    assert_memory_equal(ends[0].head, fx->db->chain.head, sizeof ends[0].head);
    /* Noted: only what came behind it is read. */
    const struct jt_audit_end noted = { .connection = 3, .number = 9 };
    uint64_t later = jt_clock_wall_us() + UINT64_C(120000000);
    assert_int_equal(jt_start_note(fx->db, FX_START, later, &noted, 1), JT_OK);
    assert_int_equal(jt_start_find_last(fx->db, "node-1", &id, ends, &n), JT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(ends[0].number, 9);
    assert_int_equal(jt_start_note(fx->db, FX_START, jt_clock_wall_us(), &noted, 1), JT_OK);
    assert_int_equal(jt_start_find_last(fx->db, "node-1", &id, ends, &n), JT_OK);
    assert_int_equal(n, 2);
}

/* --- months --- */

static void a_trigger_on_a_partition_is_seen(void **state)
{
    struct fx *fx = *state;
    fx_exec(fx->plain, "CREATE FUNCTION stranger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                       "NEW.client = 'x'; RETURN NEW; END $$; "
                       "DO $$ BEGIN EXECUTE (SELECT string_agg(format('CREATE TRIGGER stranger "
                       "BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION stranger()', "
                       "h.inhrelid::regclass), '; ') FROM pg_inherits h WHERE h.inhparent = "
                       "'audit'::regclass); END $$");
    assert_int_equal(act(fx, "a"), JT_ERR_DB_UNTRUE);
    assert_unbroken(fx, 1);
}

static int64_t n_partitions(struct fx *fx)
{
    return fx_number(fx->plain, "SELECT count(*) FROM pg_inherits WHERE inhparent = "
                                "'audit'::regclass");
}

static void partitions_are_made_ahead_while_rows_are_written(void **state)
{
    struct fx *fx = *state;
    assert_int_equal(n_partitions(fx), 3);
    fx_exec(fx->plain, "DO $$ BEGIN EXECUTE (SELECT 'DROP TABLE ' || string_agg(x, ', ') FROM "
                       "(SELECT h.inhrelid::regclass::text AS x FROM pg_inherits h WHERE "
                       "h.inhparent = 'audit'::regclass ORDER BY 1 DESC LIMIT 2) AS t); END $$");
    /* an insert that is under way, and holds its lock */
    fx_exec(fx->plain, "BEGIN; INSERT INTO audit SELECT * FROM audit LIMIT 1");
    struct jt_db *duty;
    assert_int_equal(jt_db_new(fx_conninfo(), "months", 5000, &duty), JT_OK);
    assert_int_equal(jt_partitions_make(duty), JT_OK);
    fx_exec(fx->plain, "ROLLBACK");
    assert_int_equal(n_partitions(fx), 3);
    assert_int_equal(jt_partitions_make(duty), JT_OK);
    assert_int_equal(n_partitions(fx), 3);
    uint64_t until_us;
    assert_int_equal(jt_partitions_reach(duty, &until_us), JT_OK);
    assert_true(until_us > jt_clock_wall_us() + 30 * DAY_US);
    assert_int_equal(act(fx, "a"), JT_OK);
    jt_db_free(duty);
}

static void a_month_goes_behind_records_of_its_chains(void **state)
{
    struct fx *fx = *state;
    fx_exec(fx->plain,
            "CREATE TABLE audit_2024_02 PARTITION OF audit FOR VALUES FROM ('2024-02-01Z') TO "
            "('2024-03-01Z'); INSERT INTO audit SELECT '2024-02-03', n, 77, 0, 1, 1, 9, 0, 5, 1, "
            "gen_random_uuid(), lpad(to_hex(n), 32, '0')::uuid, 'x', '', '', '' FROM "
            "generate_series(1, 7) AS n");
    char name[JT_PARTITION_NAME_LEN];
    uint64_t before_us;
    struct jt_audit_close closes[4];
    size_t n;
    assert_int_equal(jt_partitions_oldest(fx->db, 1000, name, &before_us), JT_OK);
    assert_string_equal(name, "");
    assert_int_equal(jt_partitions_oldest(fx->db, 12, name, &before_us), JT_OK);
    assert_string_equal(name, "audit_2024_02");
    assert_int_equal(before_us, UINT64_C(1709251200000000));
    assert_int_equal(jt_partition_ends(fx->db, name, before_us, 4, closes, &n), JT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(closes[0].start, FX_START);
    assert_int_equal(closes[0].connection, 5);
    assert_int_equal(closes[0].number, 7);
    assert_int_equal(closes[0].head[15], 7);
    assert_int_equal(jt_partition_close(fx->db, closes, n), JT_OK);
    assert_int_equal(jt_partition_ends(fx->db, name, before_us, 4, closes, &n), JT_OK);
    assert_int_equal(n, 0);
    assert_int_equal(jt_partition_drop(fx->db, name), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM pg_class WHERE relname = "
                                          "'audit_2024_02'"),
                     0);
    assert_int_equal(jt_partitions_oldest(fx->db, 12, name, &before_us), JT_OK);
    assert_string_equal(name, "");
    assert_int_equal(fx_number(fx->plain, "SELECT link FROM audit_close WHERE start = 77"), 7);
}

/* What a run that was cut off has detached already. */
static void a_month_that_was_detached_is_dropped(void **state)
{
    struct fx *fx = *state;
    fx_exec(fx->plain, "CREATE TABLE audit_2024_02 (LIKE audit)");
    char name[JT_PARTITION_NAME_LEN];
    uint64_t before_us;
    assert_int_equal(jt_partitions_oldest(fx->db, 12, name, &before_us), JT_OK);
    assert_string_equal(name, "audit_2024_02");
    assert_int_equal(jt_partition_drop(fx->db, name), JT_OK);
    assert_int_equal(jt_partitions_oldest(fx->db, 12, name, &before_us), JT_OK);
    assert_string_equal(name, "");
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(what_was_refused_leaves_its_number_to_the_next),
        fx_vault_test(what_stands_after_all_is_gone_on_from),
        fx_vault_test(what_never_arrived_leaves_its_number_to_the_next),
        fx_vault_test(a_session_that_lives_is_ended_first),
        fx_vault_test(a_link_of_somebody_else_is_not_gone_on_from),
        fx_vault_test(several_writes_of_one_transaction_are_links_of_it),
        fx_vault_test(a_clock_that_is_days_off_records_nothing),
        fx_vault_test(times_of_a_chain_never_go_back),
        fx_vault_test(a_trigger_on_a_partition_is_seen),
        fx_vault_test(partitions_are_made_ahead_while_rows_are_written),
        fx_vault_test(a_month_goes_behind_records_of_its_chains),
        fx_vault_test(a_month_that_was_detached_is_dropped),
        fx_vault_test(a_start_finds_where_the_chains_before_it_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
