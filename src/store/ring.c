/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ring.h"

#include "store/clients.h"
#include "store/ring_columns.h"
#include "store/ring_lock.h"
#include "store/timeouts.h"

#include <string.h>

#define COLUMNS JT_RING_COLUMNS

JT_COLUMNS_READER(jt_ring_row_read, JT_RING_ROW, struct jt_ring_row);
static JT_COLUMNS_PUTTER(put_row, JT_RING_ROW, 3, struct jt_ring_row);

enum jt_err jt_ring_lock_begin(struct jt_db *db, bool *busy)
{
    *busy = false;
    enum jt_err err = jt_db_begin(db);
    if (err == JT_OK) {
        err = jt_db_script(db, JT_SQL_RING_BOUNDS);
    }
    if (err == JT_OK) {
        PGresult *res;
        err = jt_db_query(db, "SELECT pg_advisory_xact_lock(" JT_RING_LOCK ")", NULL, &res);
        PQclear(res);
        *busy = err != JT_OK && strcmp(db->sqlstate, JT_SQLSTATE_LOCK_NOT_AVAILABLE) == 0;
    }
    return err == JT_OK ? JT_OK : jt_db_end(db, err);
}

enum jt_err jt_ring_read(struct jt_db *db, struct jt_ring_row *out)
{
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    PGresult *res;
    err = jt_db_query_one(db, "SELECT " COLUMNS " FROM ring", NULL, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        jt_ring_row_read(&row, 0, out);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NOT_INITIALIZED : err;
}

/* An advisory lock on one bigint shows its halves as classid and objid, and objsubid 1. */
#define HOLDERS                                                                                \
    "FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid "                           \
    "WHERE l.locktype = 'advisory' AND l.granted "                                             \
    "AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) " \
    "AND l.classid::int8 = " JT_RING_LOCK " >> 32 AND l.objid::int8 = " JT_RING_LOCK           \
    " & 4294967295 AND l.objsubid = 1 "
#define OURS "a.usename = current_user AND a.application_name LIKE 'jetond %'"

static const char end_stuck[] =
    "SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) " HOLDERS "AND " OURS " "
    "AND a.pid <> pg_backend_pid() "
    "AND a.wait_event_type = 'Client' "
    "AND a.xact_start < clock_timestamp() - $1::int8 * interval '1 millisecond'";

/* A prepared transaction has no process. */
static const char foreign_holder[] =
    "SELECT coalesce(l.pid, 0), coalesce(a.usename::text, '') " HOLDERS "AND NOT coalesce(" OURS
    ", false) ORDER BY l.pid LIMIT 1";

enum jt_err jt_ring_end_stuck(struct jt_db *db, int older_than_ms, int *n_ended)
{
    *n_ended = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, (uint64_t)older_than_ms);
    PGresult *res;
    err = jt_db_query_one(db, end_stuck, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *n_ended = (int)jt_row_u63(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_ring_foreign_holder(struct jt_db *db, struct jt_ring_holder *out)
{
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    PGresult *res;
    err = jt_db_query_one(db, foreign_holder, NULL, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        out->process = jt_row_u31(&row, 0);
        jt_row_text(&row, 1, out->user, sizeof out->user);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

static enum jt_err insert_ring(struct jt_db *db, const struct jt_ring_row *ring)
{
    struct jt_params p;
    jt_params_init(&p);
    put_row(&p, ring);
    enum jt_err err =
        jt_db_insert_one(db, "INSERT INTO ring (" COLUMNS ") VALUES (" JT_SQL_3_PARAMS ")", &p);
    return err == JT_ERR_DB_DUPLICATE ? JT_ERR_RING_THERE : err;
}

enum jt_err jt_ring_row_replace(struct jt_db *db, const struct jt_ring_row *next,
                                uint64_t from_epoch)
{
    struct jt_params p;
    jt_params_init(&p);
    put_row(&p, next);
    jt_params_u63(&p, from_epoch);
    return jt_db_change_one(db,
                            "UPDATE ring SET (" COLUMNS ") = (" JT_SQL_3_PARAMS "), "
                            "changed_at = now() WHERE epoch = $4",
                            &p);
}

enum jt_err jt_ring_must_stand(struct jt_db *db, const struct jt_ring_row *ring)
{
    struct jt_params p;
    jt_params_init(&p);
    put_row(&p, ring);
    return jt_db_must(db,
                      "SELECT coalesce(bool_and((" COLUMNS ") = (" JT_SQL_3_PARAMS ")) AND "
                      "count(*) = 1, false) FROM ring",
                      &p, "the ring does not stand as it was sent");
}

enum jt_err jt_ring_first(struct jt_db *db, const struct jt_ring_row *ring,
                          const struct jt_client_change *first_operator)
{
    bool busy;
    enum jt_err err = jt_ring_lock_begin(db, &busy);
    if (err != JT_OK) {
        return err;
    }
    err = insert_ring(db, ring);
    if (err == JT_OK) {
        err = jt_ring_must_stand(db, ring);
    }
    if (err == JT_OK) {
        const struct jt_act init = { .node = "", .actor = "init" };
        err = jt_client_insert_row(db, first_operator, &init);
    }
    return jt_db_end(db, err);
}
