/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that stands still, as in a stopped machine or behind a hung disk: its sockets stay open
 * and nothing ever comes. What a test stops it lets go on again before it asserts anything.
 */
#include "tests/db/fixture.h"

#include "base/clock.h"
#include "store/clients.h"
#include "store/migrate.h"
#include "store/query.h"
#include "store/ring.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct jt_act act = { .node = "node-1", .actor = "alice" };
static const struct jt_client_change client = {
    .row = { .spec = { .id = "app", .permissions = JT_MAY_TOKENIZE },
             .state = JT_ROW_ACTIVE,
             .revision = 2 },
    .set = { .kind = JT_SET_CLIENTS, .version = 2, .n = 2 },
};

static struct jt_db *open_db(const char *conninfo, int timeout_ms)
{
    struct jt_db *db;
    assert_int_equal(jt_db_new(conninfo, "frozen", timeout_ms, &db), JT_OK);
    fx_chain(db);
    return db;
}

static void freeze(int pid)
{
    assert_true(pid > 1);
    if (kill(pid, SIGSTOP) != 0) {
        skip(); /* somebody else's server */
    }
}

static void a_frozen_server_process_is_given_up_in_time(void **state)
{
    struct fx *fx = *state;
    struct jt_ring_row ring;
    struct jt_db *db = open_db(fx_conninfo(), 400);
    assert_int_equal(jt_ring_read(db, &ring), JT_OK);
    int pid = fx_backend_of(fx, "frozen");
    freeze(pid);
    int64_t start = jt_clock_ms();
    enum jt_err err = jt_ring_read(db, &ring);
    int64_t took_ms = jt_clock_ms() - start;
    char message[sizeof jt_db_fault(db)->cause];
    (void)snprintf(message, sizeof message, "%s", jt_db_fault(db)->cause);
    bool dropped = jt_db_socket(db) < 0;
    enum jt_err then = jt_ring_read(db, &ring);
    (void)kill(pid, SIGCONT);
    assert_int_equal(err, JT_ERR_DB_AWAY);
    assert_true(took_ms >= 400 && took_ms < 2000);
    assert_string_equal(message, "timed out waiting for the server");
    assert_true(dropped);
    assert_int_equal(then, JT_OK); /* by another session */
    jt_db_free(db);
}

/* A server that reads nothing: what is sent does not fit its socket. */
static void a_frozen_server_process_is_given_up_while_sending(void **state)
{
    struct fx *fx = *state;
    struct jt_db *db = open_db(fx_conninfo(), 400);
    assert_int_equal(jt_db_ensure(db), JT_OK);
    size_t len = 16u << 20;
    char *bytes = calloc(1, len);
    assert_non_null(bytes);
    struct jt_params p;
    jt_params_init(&p);
    jt_params_bytes(&p, bytes, len);
    free(bytes);
    int pid = fx_backend_of(fx, "frozen");
    freeze(pid);
    int64_t start = jt_clock_ms();
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, "SELECT octet_length($1::bytea)", &p, &res);
    int64_t took_ms = jt_clock_ms() - start;
    (void)kill(pid, SIGCONT);
    assert_int_equal(err, JT_ERR_DB_AWAY);
    assert_null(res);
    assert_true(took_ms >= 400 && took_ms < 2000);
    jt_db_free(db);
}

static void what_is_larger_than_a_socket_holds_passes_both_ways(void **state)
{
    struct fx *fx = *state;
    size_t len = 16u << 20;
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(i * 31 >> 3);
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_bytes(&p, bytes, len);
    assert_int_equal(jt_db_ensure(fx->db), JT_OK);
    PGresult *res;
    assert_int_equal(jt_db_query_one(fx->db, "SELECT $1::bytea", &p, &res), JT_OK);
    struct jt_row row = jt_row_init(res, 0);
    size_t back_len;
    const uint8_t *back = jt_row_bytes(&row, 0, len, &back_len);
    assert_non_null(back);
    assert_int_equal(back_len, len);
    assert_memory_equal(back, bytes, len);
    PQclear(res);
    free(bytes);
}

/* The connection's own time-out stands behind the server's, which costs only the statement. */
static void a_slow_statement_is_ended_by_the_server_and_the_session_stays(void **state)
{
    struct fx *fx = *state;
    struct jt_db *db = open_db(fx_conninfo(), 1000);
    assert_int_equal(jt_db_ensure(db), JT_OK);
    int pid = fx_backend_of(fx, "frozen");
    fx_exec(fx->plain, "BEGIN; LOCK TABLE client");
    enum jt_err err = jt_client_insert(db, &client, &act, client.row.spec.id);
    fx_exec(fx->plain, "COMMIT");
    assert_int_equal(err, JT_ERR_DB_PASSING);
    assert_memory_equal(jt_db_fault(db)->cause, "57014", 5);
    assert_int_equal(jt_client_insert(db, &client, &act, client.row.spec.id), JT_OK);
    assert_string_equal(jt_db_fault(db)->cause, "");
    assert_int_equal(fx_backend_of(fx, "frozen"), pid);
    jt_db_free(db);
}

static void
a_transaction_whose_server_process_froze_before_its_commit_comes_to_nothing(void **state)
{
    struct fx *fx = *state;
    struct jt_db *db = open_db(fx_conninfo(), 400);
    assert_int_equal(jt_db_begin(db), JT_OK);
    assert_int_equal(jt_db_change_one(db, "DELETE FROM client WHERE id = 'first'", NULL), JT_OK);
    int pid = fx_backend_of(fx, "frozen");
    freeze(pid);
    enum jt_err err = jt_db_change_one(db, "DELETE FROM ring", NULL);
    enum jt_err ended = jt_db_end(db, err);
    (void)kill(pid, SIGCONT);
    assert_int_equal(err, JT_ERR_DB_AWAY);
    assert_int_equal(ended, JT_ERR_DB_AWAY);
    fx_await(fx->plain,
             "SELECT (count(*) = 0)::int FROM pg_stat_activity WHERE application_name = 'frozen'");
    assert_int_equal(
        fx_number(fx->plain, "SELECT (SELECT count(*) FROM client) + (SELECT count(*) FROM ring)"),
        2);
    jt_db_free(db);
}

/*
 * The process that accepts connections: one that is stopped leaves whoever connects without a first
 * answer.
 */
static int postmaster(void)
{
    const char *data = getenv("JETON_TEST_PGDATA");
    if (data == NULL) {
        skip();
    }
    char path[300], line[32] = "";
    (void)snprintf(path, sizeof path, "%s/postmaster.pid", data);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    (void)fclose(file);
    return (int)strtol(line, NULL, 10);
}

static void a_frozen_server_is_given_up_while_connecting(void **state)
{
    (void)state;
    char conninfo[300];
    /* libpq's shortest */
    (void)snprintf(conninfo, sizeof conninfo, "%s connect_timeout=2", fx_conninfo());
    struct jt_db *db = open_db(conninfo, 400);
    int pid = postmaster();
    freeze(pid);
    int64_t start = jt_clock_ms();
    enum jt_err err = jt_db_ensure(db);
    int64_t took_ms = jt_clock_ms() - start;
    (void)kill(pid, SIGCONT);
    assert_int_equal(err, JT_ERR_DB_AWAY);
    assert_true(took_ms < 4000);
    assert_int_equal(jt_db_ensure(db), JT_OK);
    jt_db_free(db);
}

struct migration {
    struct jt_db *db;
    enum jt_err err;
};

static void *migrate(void *arg)
{
    struct migration *m = arg;
    m->err = jt_migrate_run(m->db, NULL, NULL);
    return NULL;
}

static void a_migration_may_take_longer_than_a_statement(void **state)
{
    struct fx *fx = *state;
    struct migration m = { .db = open_db(fx_conninfo(), 300) };
    /* which the migration wants to create too, and waits */
    fx_exec(fx->plain, "BEGIN; CREATE SCHEMA jeton");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, migrate, &m), 0);
    fx_await(
        fx->plain,
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted "
        "AND "
        "a.application_name = 'frozen' AND l.waitstart < clock_timestamp() - interval '700ms'");
    fx_exec(fx->plain, "ROLLBACK");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(m.err, JT_OK);
    jt_db_free(m.db);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(a_frozen_server_process_is_given_up_in_time),
        fx_vault_test(a_frozen_server_process_is_given_up_while_sending),
        fx_vault_test(what_is_larger_than_a_socket_holds_passes_both_ways),
        fx_vault_test(a_slow_statement_is_ended_by_the_server_and_the_session_stays),
        fx_vault_test(a_transaction_whose_server_process_froze_before_its_commit_comes_to_nothing),
        fx_vault_test(a_frozen_server_is_given_up_while_connecting),
        fx_empty_test(a_migration_may_take_longer_than_a_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
