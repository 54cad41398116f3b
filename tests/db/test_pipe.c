/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pipe's life: connecting, losing the connection at bad moments, errors that leave it standing,
 * time-outs.
 */
#include "tests/db/fixture.h"

#include "base/clock.h"
#include "model/course.h"
#include "store/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fx_result result;

static struct fx_lane *open_vault(struct fx *fx, int timeout_ms)
{
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct fx_lane *lane = fx_lane_new(fx_conninfo(), &fx->node, timeout_ms);
    fx_lane_wait_up(lane);
    assert_true(fx_lane_ready(lane));
    return lane;
}

static void assert_works(struct fx *fx, struct fx_lane *lane, uint64_t number)
{
    struct fx_card card = fx_card(1, number, 1);
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
    assert_int_equal(result.err, JT_OK);
    assert_true(result.found[0]);
}

/* A transaction that waits for the ring lock, which the test holds. */
static void start_stuck(struct fx *fx, struct fx_lane *lane, struct fx_card *card)
{
    fx_exec(fx->plain, "BEGIN; SELECT pg_advisory_xact_lock(" JT_RING_LOCK ")");
    fx_tokenize_start(lane, fx->epoch, 1, NULL, 0, card, 1);
    fx_await_waiting(fx, "test_pipe", 1);
}

static void end_backends(struct fx *fx, const char *function)
{
    char sql[200];
    (void)snprintf(
        sql, sizeof sql,
        "SELECT count(%s(pid)) FROM pg_stat_activity WHERE application_name = 'test_pipe'",
        function);
    assert_int_equal(fx_number(fx->plain, sql), 1);
}

static void an_idle_pipe_whose_server_process_ends_comes_back(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = open_vault(fx, 10000);
    for (uint64_t i = 0; i < 3; i++) {
        end_backends(fx, "pg_terminate_backend");
        fx_lane_wait_up(lane);
        assert_works(fx, lane, i);
    }
    fx_lane_free(lane);
}

static void a_server_that_the_guard_refuses_is_not_used(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = open_vault(fx, 10000);
    struct jt_course told;
    fx_exec(fx->plain, "INSERT INTO jeton.pulse VALUES (7, 3)");
    fx_lane_guard(lane, true);
    end_backends(fx, "pg_terminate_backend");
    /* asked again and again, and never ready meanwhile */
    fx_lane_wait_asked(lane, 2, &told);
    assert_false(fx_lane_ready(lane));
    assert_true(jt_course_known(&told) && told.timeline == 1 && told.lsn > 0);
    assert_true(told.renewals[7] == 3 && jt_course_renewals(&told) == 3);
    char message[256];
    fx_lane_message(lane, message, sizeof message);
    assert_string_equal(message, "the server is not what was seen before");
    fx_lane_guard(lane, false);
    fx_lane_wait_up(lane);
    assert_works(fx, lane, 1);
    fx_lane_free(lane);
}

static void
a_transaction_whose_server_process_ends_is_answered_and_the_pipe_comes_back(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = open_vault(fx, 10000);
    struct fx_card card = fx_card(1, 1, 1);
    start_stuck(fx, lane, &card);
    assert_false(fx_lane_ready(lane));
    end_backends(fx, "pg_terminate_backend");
    fx_wait(lane, &result);
    assert_int_equal(result.err, JT_ERR_DB_PASSING);
    char message[256];
    fx_lane_message(lane, message, sizeof message);
    assert_memory_equal(message, "57P01", 5);
    fx_exec(fx->plain, "COMMIT");
    fx_lane_wait_up(lane);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM card"), 0);
    assert_works(fx, lane, 1);
    fx_lane_free(lane);
}

static void a_cancelled_statement_is_rolled_back_and_the_session_stays(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = open_vault(fx, 10000);
    int before = fx_backend_of(fx, "test_pipe");
    struct fx_card card = fx_card(1, 1, 1);
    start_stuck(fx, lane, &card);
    end_backends(fx, "pg_cancel_backend");
    fx_wait(lane, &result);
    assert_int_equal(result.err, JT_ERR_DB_PASSING);
    fx_exec(fx->plain, "COMMIT");
    assert_true(fx_lane_ready(lane));
    assert_works(fx, lane, 1);
    assert_int_equal(fx_backend_of(fx, "test_pipe"), before);
    fx_lane_free(lane);
}

static void a_transaction_that_takes_too_long_is_answered_in_time(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = open_vault(fx, 300);
    struct fx_card card = fx_card(1, 1, 1);
    int64_t start = jt_clock_ms();
    start_stuck(fx, lane, &card);
    fx_wait(lane, &result);
    assert_int_equal(result.err, JT_ERR_DB_AWAY);
    assert_true(jt_clock_ms() - start >= 250);
    assert_true(jt_clock_ms() - start < 5000);
    fx_exec(fx->plain, "COMMIT");
    fx_lane_free(lane);
}

static void freeing_a_busy_pipe_answers_its_transaction(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = open_vault(fx, 10000);
    struct fx_card card = fx_card(1, 1, 1);
    start_stuck(fx, lane, &card);
    enum jt_err err = fx_lane_free_busy(lane);
    assert_int_equal(err, JT_ERR_STOPPING);
    fx_exec(fx->plain, "COMMIT");
}

static void a_server_that_cannot_be_reached_leaves_a_message_and_no_ready_pipe(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane =
        fx_lane_new("host=/nonexistent dbname=x password=hunter2", &fx->node, 1000);
    char message[256] = "";
    while (message[0] == '\0') {
        fx_lane_message(lane, message, sizeof message);
    }
    assert_null(strstr(message, "hunter2"));
    assert_null(strchr(message, '\n'));
    assert_false(fx_lane_ready(lane));
    assert_true(fx_lane_refuses(lane));
    fx_lane_free(lane);
}

static void a_database_without_the_schema_leaves_no_ready_pipe(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = fx_lane_new(fx_conninfo(), &fx->node, 1000);
    char message[256] = "";
    while (message[0] == '\0') {
        fx_lane_message(lane, message, sizeof message);
    }
    assert_memory_equal(message, "42P01", 5);
    assert_false(fx_lane_ready(lane));
    fx_lane_free(lane);
}

static void a_malformed_connection_string_is_refused_without_quoting_it(void **state)
{
    struct fx *fx = *state;
    struct jt_loop *loop;
    struct jt_pipe *pipe;
    struct jt_db *db;
    assert_int_equal(jt_loop_new(&loop), JT_OK);
    assert_int_equal(jt_pipe_new(loop, "host=a passwort=hunter2", "t", &fx->node, 1000, &pipe),
                     JT_ERR_BAD_CONNINFO);
    assert_null(pipe);
    assert_int_equal(jt_db_new("'", "t", 1000, &db), JT_ERR_BAD_CONNINFO);
    assert_null(db);
    jt_loop_free(loop);
}

static void a_blocking_connection_comes_back_too(void **state)
{
    struct fx *fx = *state;
    struct jt_ring_row ring;
    assert_int_equal(jt_ring_read(fx->db, &ring), JT_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            fx_number(fx->plain,
                      "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                      "WHERE application_name = 'test_db'"),
            1);
        /* the session's end had arrived: noticed before use */
        assert_int_equal(jt_ring_read(fx->db, &ring), JT_OK);
    }
    assert_true(jt_db_socket(fx->db) >= 0);
}

/* What the server would otherwise be free to choose. */
static void sessions_pin_what_durability_needs(void **state)
{
    struct fx *fx = *state;
    fx_exec(fx->plain,
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', "
            "current_database()); END $$");
    fx_exec(fx->plain,
            "CREATE TABLE seen (setting text); CREATE FUNCTION note() RETURNS smallint LANGUAGE "
            "plpgsql AS "
            "$$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit') || ' ' || "
            "current_setting('transaction_isolation')); "
            "RETURN 0; END $$; ALTER TABLE card ALTER bucket SET DEFAULT note()");
    struct fx_lane *lane = open_vault(fx, 10000);
    assert_works(fx, lane, 1);
    fx_lane_free(lane);
    fx_exec(
        fx->plain,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET ALL', current_database()); END $$");
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) FROM seen WHERE setting = 'on read committed'"), 1);
}

/* By it jt_ring_end_stuck finds Jeton's own sessions. */
static void the_application_name_is_not_the_operators_to_change(void **state)
{
    struct fx *fx = *state;
    char conninfo[300];
    (void)snprintf(conninfo, sizeof conninfo,
                   "%s application_name=other fallback_application_name=other", fx_conninfo());
    assert_int_equal(setenv("PGAPPNAME", "environment", 1), 0);
    struct fx_lane *lane = fx_lane_new(conninfo, &fx->node, 1000);
    fx_lane_wait_up(lane);
    struct jt_db *db;
    assert_int_equal(jt_db_new(conninfo, "jetond blocking", 1000, &db), JT_OK);
    fx_chain(db);
    assert_int_equal(jt_db_ensure(db), JT_OK);
    assert_int_equal(unsetenv("PGAPPNAME"), 0);
    assert_true(fx_backend_of(fx, "test_pipe") > 0);
    assert_true(fx_backend_of(fx, "jetond blocking") > 0);
    assert_int_equal(fx_backend_of(fx, "other") + fx_backend_of(fx, "environment"), 0);
    jt_db_free(db);
    fx_lane_free(lane);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(an_idle_pipe_whose_server_process_ends_comes_back),
        fx_vault_test(a_server_that_the_guard_refuses_is_not_used),
        fx_vault_test(a_transaction_whose_server_process_ends_is_answered_and_the_pipe_comes_back),
        fx_vault_test(a_cancelled_statement_is_rolled_back_and_the_session_stays),
        fx_vault_test(a_transaction_that_takes_too_long_is_answered_in_time),
        fx_vault_test(freeing_a_busy_pipe_answers_its_transaction),
        fx_empty_test(a_server_that_cannot_be_reached_leaves_a_message_and_no_ready_pipe),
        fx_empty_test(a_database_without_the_schema_leaves_no_ready_pipe),
        fx_empty_test(a_malformed_connection_string_is_refused_without_quoting_it),
        fx_vault_test(a_blocking_connection_comes_back_too),
        fx_vault_test(sessions_pin_what_durability_needs),
        fx_vault_test(the_application_name_is_not_the_operators_to_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
