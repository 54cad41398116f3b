/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock and the row that let one front serve, and what becomes of them when sessions are lost.
 */
#include "tests/db/fixture.h"

#include "base/clock.h"
#include "store/query.h"
#include "store/ring.h"

#include <stdio.h>
#include <string.h>

static struct jt_node_spec node(const char *name, uint8_t mark)
{
    struct jt_node_spec n = { .number = 1, .incarnation = { mark } };
    (void)snprintf(n.name, sizeof n.name, "%s", name);
    return n;
}

static struct jt_db *other_db(void)
{
    struct jt_db *db;
    assert_int_equal(jt_db_new(fx_conninfo(), "other_db", 30000, &db), JT_OK);
    fx_chain(db);
    return db;
}

/* Lock and row, as a front takes them: it comes again while they are taken. */
static enum jt_err take_place(struct jt_db *db, const struct jt_node_spec *node, int patience_ms)
{
    const struct jt_node_row row = { .spec = *node };
    int64_t deadline_ms = jt_clock_ms() + patience_ms;
    for (;;) {
        bool busy = false;
        enum jt_err err = jt_node_claim(db, node);
        if (err == JT_OK) {
            err = jt_node_register(db, &row, &busy);
        }
        if ((err != JT_ERR_NODE_TAKEN && !busy) || jt_clock_ms() >= deadline_ms) {
            return err;
        }
        jt_clock_pause(10);
    }
}

static void end_session(struct fx *fx, const char *application)
{
    char sql[200];
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE "
                   "application_name = '%s'",
                   application);
    assert_int_equal(fx_number(fx->plain, sql), 1);
}

static void one_front_serves_and_a_second_is_refused(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1), b = node("b", 2);
    struct jt_db *second = other_db();
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    int64_t start = jt_clock_ms();
    assert_int_equal(take_place(second, &b, 100), JT_ERR_NODE_TAKEN);
    assert_true(jt_clock_ms() - start >= 100);
    assert_int_equal(jt_node_check(fx->db, &a), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM node WHERE name = 'a'"), 1);
    assert_int_equal(jt_node_leave(fx->db, &a), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM node"), 0);
    assert_int_equal(take_place(second, &b, 100), JT_OK);
    assert_int_equal(jt_node_check(second, &b), JT_OK);
    jt_db_free(second);
}

static void a_front_that_died_is_replaced(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1), again = node("a", 2);
    struct jt_db *dying = other_db();
    assert_int_equal(take_place(dying, &a, 100), JT_OK);
    jt_db_free(dying); /* the server may need a moment to notice */
    assert_int_equal(take_place(fx->db, &again, 5000), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM node"), 1);
    assert_int_equal(jt_node_check(fx->db, &again), JT_OK);
}

static void a_lost_session_takes_the_lock_again_while_the_row_stands(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1), b = node("b", 2);
    struct jt_db *second = other_db();
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    end_session(fx, "test_db");
    assert_int_equal(jt_node_check(fx->db, &a), JT_OK);
    assert_int_equal(take_place(second, &b, 50), JT_ERR_NODE_TAKEN);
    jt_db_free(second);
}

static void a_front_that_was_replaced_meanwhile_is_told(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1), b = node("b", 2);
    struct jt_db *second = other_db();
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    end_session(fx, "test_db");
    assert_int_equal(take_place(second, &b, 5000), JT_OK);
    assert_int_equal(jt_node_check(fx->db, &a), JT_ERR_NODE_TAKEN);
    assert_int_equal(jt_node_check(second, &b), JT_OK);
    /* And it does not keep the lock from the next. */
    assert_int_equal(jt_node_leave(second, &b), JT_OK);
    assert_int_equal(jt_node_check(fx->db, &a), JT_ERR_NODE_GONE);
    assert_int_equal(take_place(second, &b, 100), JT_OK);
    jt_db_free(second);
}

/* After a network cut the server still holds what it takes for a session. */
static void our_own_old_session_is_waited_for_and_is_no_other_front(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1), restarted = node("a", 2);
    struct jt_db *second = other_db();
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    int64_t start = jt_clock_ms();
    assert_int_equal(take_place(second, &a, 5000), JT_ERR_DB_AWAY);
    /* there is nothing to wait for here: the caller comes again */
    assert_true(jt_clock_ms() - start < 2500);
    assert_int_equal(jt_node_check(second, &a), JT_ERR_DB_AWAY);
    /* or another machine of that name */
    assert_int_equal(take_place(second, &restarted, 100), JT_ERR_NODE_TAKEN);
    end_session(fx, "test_db");
    assert_int_equal(take_place(second, &a, 5000), JT_OK);
    assert_int_equal(jt_node_check(second, &a), JT_OK);
    jt_db_free(second);
}

/*
 * On a Unix socket the server takes these and shows 0; what counts is that the session has set
 * them.
 */
static void the_server_is_told_to_miss_a_lost_session_soon(void **state)
{
    struct fx *fx = *state;
    assert_int_equal(jt_db_ensure(fx->db), JT_OK);
    PGresult *res;
    assert_int_equal(
        jt_db_query_one(
            fx->db,
            "SELECT count(*) = 4 FROM pg_settings WHERE source = 'session' AND name IN "
            "('tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count', "
            "'tcp_user_timeout')",
            NULL, &res),
        JT_OK);
    struct jt_row row = jt_row_init(res, 0);
    assert_true(jt_row_bool(&row, 0));
    PQclear(res);
}

static void registering_waits_for_writers_but_not_for_ever(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1);
    fx_exec(fx->plain, "DELETE FROM node");
    fx_exec(fx->plain, "BEGIN; SELECT pg_advisory_xact_lock_shared(" JT_RING_LOCK ")");
    assert_int_equal(take_place(fx->db, &a, 200), JT_ERR_DB_PASSING);
    fx_exec(fx->plain, "COMMIT");
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM node"), 0);
    assert_int_equal(take_place(fx->db, &a, 200), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT number FROM node"), 1);
    /* Without the lock there is no row to be had. */
    struct jt_db *second = other_db();
    const struct jt_node_row row = { .spec = a };
    assert_int_equal(jt_db_ensure(second), JT_OK);
    bool busy;
    assert_int_equal(jt_node_register(second, &row, &busy), JT_ERR_DB_AWAY);
    jt_db_free(second);
}

/* Registering speaks for no other node: one that lives keeps its row, one that is gone loses it. */
static void a_node_that_lives_keeps_its_row_and_one_that_is_gone_does_not(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1), b = node("b", 2), again = node("a", 3);
    b.number = 2;
    struct jt_db *second = other_db();
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(take_place(second, &b, 100), JT_OK);
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM node"), 2);
    assert_int_equal(jt_node_check(second, &b), JT_OK);
    assert_int_equal(jt_node_check(fx->db, &a), JT_OK);
    jt_db_free(second); /* killed: its row stays until somebody registers */
    end_session(fx, "test_db");
    assert_int_equal(take_place(fx->db, &again, 5000), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM node WHERE name = 'b'"), 0);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM node"), 1);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(one_front_serves_and_a_second_is_refused),
        fx_vault_test(a_front_that_died_is_replaced),
        fx_vault_test(a_node_that_lives_keeps_its_row_and_one_that_is_gone_does_not),
        fx_vault_test(a_lost_session_takes_the_lock_again_while_the_row_stands),
        fx_vault_test(a_front_that_was_replaced_meanwhile_is_told),
        fx_vault_test(our_own_old_session_is_waited_for_and_is_no_other_front),
        fx_vault_test(the_server_is_told_to_miss_a_lost_session_soon),
        fx_vault_test(registering_waits_for_writers_but_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
