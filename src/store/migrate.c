/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migrate.h"

#include "store/locks.h"
#include "store/migrations.h"
#include "store/query.h"

#include <limits.h>

int jt_migrate_newest(void)
{
    return jt_n_migrations;
}

static const char record_table[] =
    "CREATE SCHEMA IF NOT EXISTS jeton; "
    "CREATE TABLE IF NOT EXISTS jeton.schema_migration ("
    "number integer PRIMARY KEY, name text NOT NULL, checksum bytea NOT NULL, "
    "applied_at timestamptz NOT NULL DEFAULT now())";

/*
 * How many migrations are recorded: they are numbered 1 to *found without gaps, or
 * JT_ERR_MIGRATION_FOREIGN. No table: none.
 */
static enum jt_err count_recorded(struct jt_db *db, int *found)
{
    *found = 0;
    PGresult *res;
    enum jt_err err =
        jt_db_query_one(db, "SELECT to_regclass('jeton.schema_migration') IS NOT NULL", NULL, &res);
    struct jt_row row = { .res = res };
    bool exists = err == JT_OK && jt_row_bool(&row, 0);
    PQclear(res);
    if (!exists) {
        return err == JT_OK ? jt_row_status(&row) : err;
    }
    err = jt_db_query_one(
        db,
        "SELECT count(*), coalesce(max(number), 0) FROM jeton.schema_migration WHERE number > 0",
        NULL, &res);
    if (err == JT_OK) {
        row = jt_row_init(res, 0);
        uint64_t n = jt_row_u63(&row, 0);
        uint32_t highest = jt_row_u31(&row, 1);
        err = jt_row_status(&row);
        if (err == JT_OK && (n != highest || n > INT_MAX)) {
            err = JT_ERR_MIGRATION_FOREIGN;
        }
        *found = err == JT_OK ? (int)n : 0;
    }
    PQclear(res);
    return err;
}

/*
 * Whether the record of a migration is the program's own: JT_ERR_MIGRATION_FOREIGN when it differs.
 * The server compares; SHA-256 is its own.
 */
static enum jt_err compare(struct jt_db *db, const struct jt_migration *m)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, (uint32_t)m->number);
    jt_params_text(&p, m->name);
    jt_params_text(&p, m->sql);
    PGresult *res;
    enum jt_err err = jt_db_query_one(
        db,
        "SELECT name = $2::text AND checksum = sha256(convert_to($3::text, 'UTF8')) "
        "FROM jeton.schema_migration WHERE number = $1",
        &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        bool same = jt_row_bool(&row, 0);
        err = jt_row_status(&row);
        if (err == JT_OK && !same) {
            err = JT_ERR_MIGRATION_FOREIGN;
        }
    }
    PQclear(res);
    return err;
}

static enum jt_err compare_recorded(struct jt_db *db, int *found)
{
    enum jt_err err = count_recorded(db, found);
    if (err == JT_OK && *found > jt_n_migrations) {
        err = JT_ERR_MIGRATION_FOREIGN;
    }
    for (int i = 0; i < *found && err == JT_OK; i++) {
        err = compare(db, &jt_migrations[i]);
    }
    return err;
}

static enum jt_err apply(struct jt_db *db, const struct jt_migration *m)
{
    enum jt_err err = jt_db_script(db, m->sql);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, (uint32_t)m->number);
    jt_params_text(&p, m->name);
    jt_params_text(&p, m->sql);
    return jt_db_insert_one(db,
                            "INSERT INTO jeton.schema_migration (number, name, checksum) "
                            "VALUES ($1, $2, sha256(convert_to($3::text, 'UTF8')))",
                            &p);
}

/*
 * One transaction: the lock, then what the database says now, then the next migration if there is
 * one.
 */
static enum jt_err step(struct jt_db *db, const struct jt_migration **applied)
{
    *applied = NULL;
    enum jt_err err = jt_db_begin(db);
    if (err == JT_OK) {
        err = jt_db_script(
            db,
            "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0");
    }
    PGresult *res = NULL;
    if (err == JT_OK) {
        err = jt_db_query(db, "SELECT pg_advisory_xact_lock(" JT_MIGRATE_LOCK ")", NULL, &res);
        PQclear(res);
    }
    if (err == JT_OK) {
        err = jt_db_script(db, record_table);
    }
    int found = 0;
    if (err == JT_OK) {
        err = compare_recorded(db, &found);
    }
    if (err == JT_OK && found < jt_n_migrations) {
        *applied = &jt_migrations[found];
        err = apply(db, *applied);
    }
    return jt_db_end(db, err);
}

/*
 * What a migration takes depends on the size of a table, and waiting for another run is right: no
 * time-outs.
 */
static enum jt_err step_patiently(struct jt_db *db, const struct jt_migration **applied)
{
    int timeout_ms = db->timeout_ms;
    enum jt_err err = jt_db_ensure(db); /* a connection's settings follow its time-out */
    if (err == JT_OK) {
        db->timeout_ms = 0;
        err = step(db, applied);
        db->timeout_ms = timeout_ms;
    }
    return err;
}

enum jt_err jt_migrate_run(struct jt_db *db, jt_migrate_fn *applied, void *arg)
{
    for (;;) {
        const struct jt_migration *m;
        enum jt_err err = step_patiently(db, &m);
        if (err != JT_OK || m == NULL) {
            return err;
        }
        if (applied != NULL) {
            applied(arg, m->number, m->name);
        }
    }
}

enum jt_err jt_migrate_check(struct jt_db *db, int *found)
{
    *found = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = compare_recorded(db, found);
    }
    return err == JT_OK && *found != jt_n_migrations ? JT_ERR_MIGRATION_FOREIGN : err;
}

enum jt_err jt_migrate_is_format_1(struct jt_db *db, bool *format_1)
{
    *format_1 = false;
    PGresult *res;
    enum jt_err err =
        jt_db_query_one(db,
                        "SELECT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = "
                        "to_regclass('jeton.card') AND a.attname = 'token' AND NOT a.attisdropped)",
                        NULL, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *format_1 = jt_row_bool(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}
