/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations: from nothing, again, by two at once, and against a database that went another way. */
#include "tests/db/fixture.h"

#include "store/migrate.h"
#include "store/migrations.h"

#include <pthread.h>
#include <stdio.h>

static void count_applied(void *arg, int number, const char *name)
{
    int *n = arg;
    ++*n;
    assert_int_equal(number, *n);
    assert_non_null(name);
}

static void an_empty_database_is_brought_to_the_newest_once(void **state)
{
    struct fx *fx = *state;
    int found = -1, n = 0;
    assert_int_equal(jt_migrate_check(fx->db, &found), JT_ERR_MIGRATION_FOREIGN);
    assert_int_equal(found, 0);
    assert_int_equal(jt_migrate_run(fx->db, count_applied, &n), JT_OK);
    assert_int_equal(n, jt_migrate_newest());
    assert_int_equal(jt_migrate_check(fx->db, &found), JT_OK);
    assert_int_equal(found, jt_migrate_newest());
    n = 0;
    assert_int_equal(jt_migrate_run(fx->db, count_applied, &n), JT_OK);
    assert_int_equal(n, 0);
    assert_int_equal(
        fx_number(fx->plain,
                  "SELECT count(*) FROM schema_migration WHERE octet_length(checksum) = 32"),
        jt_migrate_newest());
}

struct run {
    pthread_t thread;
    enum jt_err err;
    int n;
};

static void count_quietly(void *arg, int number, const char *name)
{
    (void)number;
    (void)name;
    ++*(int *)arg;
}

static void *migrate(void *arg)
{
    struct run *run = arg;
    struct jt_db *db = NULL;
    run->err = jt_db_new(fx_conninfo(), "migrate", 30000, &db);
    if (run->err == JT_OK) {
        run->err = jt_migrate_run(db, count_quietly, &run->n);
    }
    jt_db_free(db);
    return NULL;
}

static void runs_at_the_same_time_apply_each_migration_once(void **state)
{
    struct fx *fx = *state;
    struct run runs[4] = { { 0 } };
    int n = 0, found;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&runs[i].thread, NULL, migrate, &runs[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(runs[i].thread, NULL), 0);
        assert_int_equal(runs[i].err, JT_OK);
        n += runs[i].n;
    }
    assert_int_equal(n, jt_migrate_newest());
    assert_int_equal(jt_migrate_check(fx->db, &found), JT_OK);
}

static void a_half_migrated_database_is_finished(void **state)
{
    struct fx *fx = *state;
    int n = 0, found;
    fx_exec(fx->plain, "CREATE SCHEMA jeton; CREATE TABLE schema_migration (number integer PRIMARY "
                       "KEY, name text NOT "
                       "NULL, checksum bytea NOT NULL, "
                       "applied_at timestamptz NOT NULL DEFAULT now())");
    fx_exec(fx->plain, jt_migrations[0].sql);
    const char *const recorded[] = { jt_migrations[0].name, jt_migrations[0].sql };
    PGresult *res =
        PQexecParams(fx->plain,
                     "INSERT INTO schema_migration VALUES (1, $1, sha256(convert_to($2, "
                     "'UTF8')))",
                     2, NULL, recorded, NULL, NULL, 0);
    assert_int_equal(PQresultStatus(res), PGRES_COMMAND_OK);
    PQclear(res);
    assert_int_equal(jt_migrate_check(fx->db, &found), JT_ERR_MIGRATION_FOREIGN);
    assert_int_equal(found, 1);
    assert_int_equal(jt_migrate_run(fx->db, count_quietly, &n), JT_OK);
    assert_int_equal(n, jt_migrate_newest() - 1);
}

static void refused(struct fx *fx, const char *sql)
{
    int found;
    assert_int_equal(jt_migrate_run(fx->db, NULL, NULL), JT_OK);
    fx_exec(fx->plain, sql);
    assert_int_equal(jt_migrate_check(fx->db, &found), JT_ERR_MIGRATION_FOREIGN);
    assert_int_equal(jt_migrate_run(fx->db, NULL, NULL), JT_ERR_MIGRATION_FOREIGN);
}

static void a_newer_database_is_refused(void **state)
{
    char sql[200];
    (void)snprintf(sql, sizeof sql, "INSERT INTO schema_migration VALUES (%d, 'later', '\\x00')",
                   jt_migrate_newest() + 1);
    refused(*state, sql);
}

static void an_altered_migration_is_refused(void **state)
{
    refused(*state, "UPDATE schema_migration SET checksum = sha256('another') WHERE number = 1");
}

static void a_renamed_migration_is_refused(void **state)
{
    refused(*state, "UPDATE schema_migration SET name = '0001_other' WHERE number = 1");
}

static void a_gap_is_refused(void **state)
{
    refused(*state, "DELETE FROM schema_migration WHERE number = 1");
}

/* A migration that fails leaves nothing of itself. */
static void a_failing_migration_leaves_nothing(void **state)
{
    struct fx *fx = *state;
    int found;
    fx_exec(fx->plain, "CREATE SCHEMA jeton; CREATE TABLE jeton.node ()");
    assert_int_equal(jt_migrate_run(fx->db, NULL, NULL), JT_ERR_DB_FAULT);
    assert_true(jt_db_fault(fx->db)->cause[0] != '\0');
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) FROM pg_tables WHERE schemaname = 'jeton'"), 1);
    assert_int_equal(jt_migrate_check(fx->db, &found), JT_ERR_MIGRATION_FOREIGN);
    assert_int_equal(found, 0);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_empty_test(an_empty_database_is_brought_to_the_newest_once),
        fx_empty_test(runs_at_the_same_time_apply_each_migration_once),
        fx_empty_test(a_half_migrated_database_is_finished),
        fx_empty_test(a_newer_database_is_refused),
        fx_empty_test(an_altered_migration_is_refused),
        fx_empty_test(a_renamed_migration_is_refused),
        fx_empty_test(a_gap_is_refused),
        fx_empty_test(a_failing_migration_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
