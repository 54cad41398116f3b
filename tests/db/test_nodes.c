/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's place: the lock of its name, its number, its row and its lease, and what becomes of them
 * when sessions are lost and nodes go.
 */
#include "tests/db/fixture.h"

#include "base/clock.h"
#include "store/course.h"
#include "store/node_list.h"
#include "store/query.h"
#include "store/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_MS 60000

static struct jt_node_spec node(const char *name, uint8_t mark)
{
    struct jt_node_spec n = { .number = 1, .incarnation = { mark } };
    (void)snprintf(n.name, sizeof n.name, "%s", name);
    return n;
}

static struct jt_node_spec numbered(const char *name, uint8_t mark, uint8_t number)
{
    struct jt_node_spec n = node(name, mark);
    n.number = number;
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
static enum jt_err take_place_for(struct jt_db *db, const struct jt_node_spec *node,
                                  int patience_ms, int lease_ms)
{
    const struct jt_node_row row = { .spec = *node, .keeper = { 9 }, .id_mark = 1000 };
    int64_t deadline_ms = jt_clock_ms() + patience_ms;
    for (;;) {
        bool busy = false;
        enum jt_err err = jt_node_claim(db, node);
        if (err == JT_OK) {
            err = jt_node_register(db, &row, 1, lease_ms, &busy);
        }
        if ((err != JT_ERR_NODE_TAKEN && !busy) || jt_clock_ms() >= deadline_ms) {
            return err;
        }
        jt_clock_pause(10);
    }
}

static enum jt_err take_place(struct jt_db *db, const struct jt_node_spec *node, int patience_ms)
{
    return take_place_for(db, node, patience_ms, LONG_MS);
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

static void a_name_serves_once_and_other_names_are_welcome(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1), twin = node("a", 2), b = numbered("b", 3, 2);
    struct jt_db *second = other_db();
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    int64_t start = jt_clock_ms();
    assert_int_equal(take_place(second, &twin, 100), JT_ERR_NODE_TAKEN);
    assert_true(jt_clock_ms() - start >= 100);
    assert_int_equal(take_place(second, &b, 100), JT_OK);
    assert_int_equal(jt_node_check(fx->db, &a), JT_OK);
    assert_int_equal(jt_node_check(second, &b), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM node"), 2);
    assert_int_equal(jt_node_leave(fx->db, &a), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM node WHERE name = 'b'"), 1);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM node WHERE name = 'a'"), 0);
    assert_int_equal(
        fx_number(fx->plain, "SELECT id_mark FROM node_number WHERE name = 'a' AND number = 1"),
        1000);
    jt_db_free(second);
}

static void two_nodes_never_have_one_number(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1), b = node("b", 2);
    struct jt_db *second = other_db();
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    assert_int_equal(take_place(second, &b, 100), JT_ERR_DB_DUPLICATE);
    assert_int_equal(jt_node_check(fx->db, &a), JT_OK);
    jt_db_free(second);
}

static void a_front_that_died_is_replaced(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1), again = numbered("a", 2, 3);
    struct jt_db *dying = other_db();
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(take_place(dying, &a, 100), JT_OK);
    jt_db_free(dying); /* the server may need a moment to notice */
    assert_int_equal(take_place(fx->db, &again, 5000), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM node"), 1);
    assert_int_equal(jt_node_check(fx->db, &again), JT_OK);
    /* it came back under another number, so the one before rests */
    assert_int_equal(fx_number(fx->plain, "SELECT number FROM node_number WHERE name = 'a'"), 1);
}

static void a_lost_session_takes_the_lock_again_while_the_row_stands(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1), b = node("a", 2);
    struct jt_db *second = other_db();
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    end_session(fx, "test_db");
    assert_int_equal(jt_node_check(fx->db, &a), JT_OK);
    assert_int_equal(take_place(second, &b, 50), JT_ERR_NODE_TAKEN);
    jt_db_free(second);
}

static void a_front_that_was_replaced_meanwhile_is_told(void **state)
{
    struct fx *fx = *state;
    uint64_t renewals = 0;
    struct jt_node_spec a = node("a", 1), b = node("a", 2);
    struct jt_db *second = other_db();
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    end_session(fx, "test_db");
    assert_int_equal(take_place(second, &b, 5000), JT_OK);
    assert_int_equal(jt_node_check(fx->db, &a), JT_ERR_NODE_TAKEN);
    assert_int_equal(jt_node_renew(fx->db, &a, LONG_MS, &renewals), JT_ERR_NODE_GONE);
    assert_int_equal(jt_node_check(second, &b), JT_OK);
    assert_int_equal(jt_node_leave(second, &b), JT_OK);
    assert_int_equal(jt_node_check(fx->db, &a), JT_ERR_NODE_GONE);
    jt_db_free(second);
}

/* After a network cut the server still holds what it takes for a session. */
static void our_own_old_session_is_waited_for_and_is_no_other_front(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1), restarted = node("a", 2);
    struct jt_db *second = other_db();
    fx_exec(fx->plain, "DELETE FROM node");
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
    assert_int_equal(jt_node_register(second, &row, 1, LONG_MS, &busy), JT_ERR_DB_AWAY);
    jt_db_free(second);
}

/* A generation that became active meanwhile is one that this node may not hold. */
static void nobody_registers_under_a_ring_that_moved(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1);
    const struct jt_node_row row = { .spec = a };
    bool busy;
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(jt_node_claim(fx->db, &a), JT_OK);
    assert_int_equal(jt_node_register(fx->db, &row, 2, LONG_MS, &busy), JT_ERR_RING_MOVED);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM node"), 0);
    assert_int_equal(jt_node_register(fx->db, &row, 1, LONG_MS, &busy), JT_OK);
}

/* Registering speaks for no other node. */
static void rows_of_other_nodes_are_left_alone(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1), b = numbered("b", 2, 2), again = node("a", 3);
    struct jt_db *second = other_db();
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(take_place(second, &b, 100), JT_OK);
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    jt_db_free(second); /* killed: its row stays until an operator removes it */
    end_session(fx, "test_db");
    assert_int_equal(take_place(fx->db, &again, 5000), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM node"), 2);
}

/* --- numbers --- */

static uint8_t number_for(struct jt_db *db, const char *name, uint8_t pinned)
{
    uint8_t number;
    bool busy;
    assert_int_equal(jt_db_ensure(db), JT_OK);
    assert_int_equal(jt_node_number_take(db, name, pinned, &number, &busy), JT_OK);
    assert_false(busy);
    return number;
}

static void a_new_node_gets_the_lowest_number_that_rested(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1), b = numbered("b", 2, 2);
    struct jt_db *second = other_db();
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    assert_int_equal(take_place(second, &b, 100), JT_OK);
    assert_int_equal(number_for(fx->db, "c", 0), 3);
    /* while one is about to register under it, it is nobody else's */
    assert_int_equal(number_for(second, "d", 0), 4);
    uint8_t number;
    assert_int_equal(jt_node_number_look(second, "d", 0, &number), JT_OK);
    assert_int_equal(number, 3); /* to look takes and asks for no lock */
    jt_node_number_give_back(fx->db, 3);
    jt_node_number_give_back(second, 4);
    assert_int_equal(jt_node_leave(second, &b), JT_OK);
    assert_int_equal(number_for(fx->db, "c", 0), 3);
    jt_node_number_give_back(fx->db, 3);
    fx_exec(fx->plain, "UPDATE node_number SET released_at = now() - interval '25 hours'");
    assert_int_equal(number_for(fx->db, "c", 0), 2);
    jt_node_number_give_back(fx->db, 2);
    jt_db_free(second);
}

static void a_keeper_keeps_its_number_unless_it_is_anothers(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1);
    struct jt_db *second = other_db();
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(number_for(fx->db, "a", 7), 7);
    jt_node_number_give_back(fx->db, 7);
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    assert_int_equal(number_for(second, "a", 1), 1); /* its own row */
    jt_node_number_give_back(second, 1);
    assert_int_equal(number_for(second, "b", 1), 2); /* a directory that was copied */
    jt_node_number_give_back(second, 2);
    assert_int_equal(jt_node_leave(fx->db, &a), JT_OK);
    assert_int_equal(number_for(second, "a", 1), 1); /* what it left itself does not rest for it */
    jt_node_number_give_back(second, 1);
    assert_int_equal(number_for(second, "b", 1), 2);
    jt_node_number_give_back(second, 2);
    /* somebody who is about to take it is waited for */
    uint8_t number;
    bool busy;
    assert_int_equal(number_for(second, "a", 9), 9);
    assert_int_equal(jt_node_number_take(fx->db, "b", 9, &number, &busy), JT_ERR_DB_PASSING);
    assert_true(busy);
    assert_int_equal(number, 0);
    jt_db_free(second);
}

static void there_are_no_more_than_255_numbers(void **state)
{
    struct fx *fx = *state;
    fx_exec(fx->plain, "DELETE FROM node");
    fx_exec(fx->plain,
            "INSERT INTO node_number SELECT n, 'gone', '00000000-0000-0000-0000-000000000000', "
            "'00000000-0000-0000-0000-000000000000', 0, 0, decode(repeat('00', 16), 'hex') "
            "FROM generate_series(1, 255) n");
    uint8_t number;
    bool busy;
    assert_int_equal(jt_db_ensure(fx->db), JT_OK);
    assert_int_equal(jt_node_number_take(fx->db, "a", 0, &number, &busy), JT_ERR_NODE_NUMBERS);
}

/* --- leases --- */

static void a_renewal_is_counted_and_never_from_a_count_that_is_behind(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1);
    struct jt_ring_row ring;
    struct jt_course before, after;
    uint64_t renewals = 0;
    fx_exec(fx->plain, "DELETE FROM node");
    fx_exec(fx->plain, "DELETE FROM pulse");
    fx_exec(fx->plain, "INSERT INTO pulse VALUES (200, 9)"); /* of a node that is gone */
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    assert_int_equal(jt_course_read(fx->db, &ring, &before), JT_OK);
    assert_int_equal(ring.epoch, 1);
    assert_true(before.system_identifier != 0 && before.timeline == 1 && before.lsn > 0);
    assert_true(before.renewals[a.number] == 1 && before.renewals[200] == 9);
    assert_true(jt_course_renewals(&before) == 10);
    assert_int_equal(jt_node_renew(fx->db, &a, LONG_MS, &renewals), JT_OK);
    assert_true(renewals == 2);
    assert_int_equal(jt_course_read(fx->db, &ring, &after), JT_OK);
    assert_int_equal(jt_course_follows(&before, &after), JT_OK);
    assert_true(after.renewals[a.number] == 2 && after.lsn > before.lsn);
    assert_int_equal(jt_course_follows(&after, &before), JT_ERR_LOG_BEHIND);
    /* a database that went back: the rise would hide it */
    fx_exec(fx->plain, "UPDATE pulse SET renewals = 1 WHERE number <> 200");
    assert_int_equal(jt_node_renew(fx->db, &a, LONG_MS, &renewals), JT_ERR_LEASE_OVER);
    assert_true(renewals == 2);
    assert_int_equal(fx_number(fx->plain, "SELECT renewals::int FROM pulse WHERE number <> 200"),
                     1);
    fx_exec(fx->plain, "DELETE FROM pulse");
    assert_int_equal(jt_node_renew(fx->db, &a, LONG_MS, &renewals), JT_ERR_LEASE_OVER);
    assert_int_equal(jt_course_read(fx->db, &ring, &after), JT_OK);
    assert_true(jt_course_renewals(&after) == 0);
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK); /* which begins the count anew */
    assert_int_equal(fx_number(fx->plain, "SELECT renewals::int FROM pulse"), 1);
}

static void a_lease_is_prolonged_only_while_it_runs(void **state)
{
    struct fx *fx = *state;
    uint64_t renewals = 0;
    struct jt_node_spec a = node("a", 1);
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    assert_int_equal(jt_node_renew(fx->db, &a, LONG_MS, &renewals), JT_OK);
    assert_int_equal(fx_number(fx->plain,
                               "SELECT (lease_until > now() + interval '30 seconds')::int "
                               "FROM node"),
                     1);
    fx_exec(fx->plain, "UPDATE node SET lease_until = clock_timestamp()");
    assert_int_equal(jt_node_renew(fx->db, &a, LONG_MS, &renewals), JT_ERR_LEASE_OVER);
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    assert_int_equal(jt_node_renew(fx->db, &a, LONG_MS, &renewals), JT_OK);
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(jt_node_renew(fx->db, &a, LONG_MS, &renewals), JT_ERR_NODE_GONE);
}

static void the_row_follows_what_the_keeper_says(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1);
    struct jt_node_row row = { .spec = a, .keeper = { 3 }, .id_mark = 2000, .mac = { 4 } };
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    assert_int_equal(jt_node_update(fx->db, &row), JT_OK);
    struct jt_node_rows *all = calloc(1, sizeof *all);
    assert_non_null(all);
    assert_int_equal(jt_nodes_read(fx->db, all), JT_OK);
    assert_int_equal(all->n_nodes, 1);
    assert_int_equal(all->n_live, 1);
    assert_memory_equal(&all->nodes[0].mac, row.mac, sizeof row.mac);
    assert_memory_equal(&all->nodes[0].keeper, row.keeper, sizeof row.keeper);
    assert_int_equal(all->nodes[0].id_mark, 2000);
    free(all);
    row.spec.incarnation[0] = 9;
    assert_int_equal(jt_node_update(fx->db, &row), JT_ERR_NODE_GONE);
}

static void a_keeper_is_shared_while_a_node_that_lives_has_it(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1);
    static const uint8_t its[JT_INCARNATION_LEN] = { 9 }, another[JT_INCARNATION_LEN] = { 8 };
    char other[JT_NODE_NAME_MAX + 1];
    bool shared;
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    assert_int_equal(jt_node_keeper_is_shared(fx->db, "b", its, &shared, other), JT_OK);
    assert_true(shared);
    assert_string_equal(other, "a");
    assert_int_equal(jt_node_keeper_is_shared(fx->db, "b", another, &shared, other), JT_OK);
    assert_false(shared);
    assert_int_equal(jt_node_keeper_is_shared(fx->db, "a", its, &shared, other), JT_OK);
    assert_false(shared); /* its own row */
    fx_exec(fx->plain, "UPDATE node SET lease_until = clock_timestamp()");
    assert_int_equal(jt_node_keeper_is_shared(fx->db, "b", its, &shared, other), JT_OK);
    assert_false(shared); /* it was renamed */
}

static void only_a_node_that_is_gone_can_be_removed(void **state)
{
    struct fx *fx = *state;
    struct jt_node_spec a = node("a", 1);
    uint64_t renewals = 0;
    bool busy;
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(jt_node_remove(fx->db, "a", &fx_act, &busy), JT_ERR_NO_NODE);
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    assert_int_equal(jt_node_remove(fx->db, "a", &fx_act, &busy), JT_ERR_NODE_LIVES);
    fx_exec(fx->plain, "UPDATE node SET lease_until = clock_timestamp()");
    assert_int_equal(jt_node_remove(fx->db, "a", &fx_act, &busy), JT_OK);
    assert_int_equal(jt_node_check(fx->db, &a), JT_ERR_NODE_GONE);
    /* no lease reaches so far */
    fx_exec(fx->plain, "DELETE FROM node_number");
    assert_int_equal(take_place(fx->db, &a, 100), JT_OK);
    fx_exec(fx->plain, "UPDATE node SET lease_until = 'infinity'");
    assert_int_equal(jt_node_renew(fx->db, &a, LONG_MS, &renewals), JT_ERR_LEASE_OVER);
    assert_int_equal(jt_node_remove(fx->db, "a", &fx_act, &busy), JT_OK);
    assert_int_equal(jt_node_check(fx->db, &a), JT_ERR_NODE_GONE);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 51"), 2);
    assert_int_equal(number_for(fx->db, "b", 0), 2); /* the number rests */
    jt_node_number_give_back(fx->db, 2);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(a_name_serves_once_and_other_names_are_welcome),
        fx_vault_test(two_nodes_never_have_one_number),
        fx_vault_test(a_front_that_died_is_replaced),
        fx_vault_test(rows_of_other_nodes_are_left_alone),
        fx_vault_test(a_lost_session_takes_the_lock_again_while_the_row_stands),
        fx_vault_test(a_front_that_was_replaced_meanwhile_is_told),
        fx_vault_test(our_own_old_session_is_waited_for_and_is_no_other_front),
        fx_vault_test(the_server_is_told_to_miss_a_lost_session_soon),
        fx_vault_test(registering_waits_for_writers_but_not_for_ever),
        fx_vault_test(nobody_registers_under_a_ring_that_moved),
        fx_vault_test(a_new_node_gets_the_lowest_number_that_rested),
        fx_vault_test(a_keeper_keeps_its_number_unless_it_is_anothers),
        fx_vault_test(there_are_no_more_than_255_numbers),
        fx_vault_test(a_renewal_is_counted_and_never_from_a_count_that_is_behind),
        fx_vault_test(a_lease_is_prolonged_only_while_it_runs),
        fx_vault_test(the_row_follows_what_the_keeper_says),
        fx_vault_test(a_keeper_is_shared_while_a_node_that_lives_has_it),
        fx_vault_test(only_a_node_that_is_gone_can_be_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
