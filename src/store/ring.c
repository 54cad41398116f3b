/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ring.h"

#include "store/client_insert.h"
#include "store/ring_lock.h"

#include <string.h>

enum jt_err jt_ring_lock_begin(struct jt_db *db, bool *busy)
{
    *busy = false;
    enum jt_err err = jt_db_begin(db);
    if (err == JT_OK) {
        err =
            jt_db_script(db, "SET LOCAL lock_timeout = '50ms'; SET LOCAL statement_timeout = '2s'; "
                             "SET LOCAL idle_in_transaction_session_timeout = '2s'");
    }
    if (err == JT_OK) {
        PGresult *res;
        err = jt_db_query(db, "SELECT pg_advisory_xact_lock(" JT_RING_LOCK ")", NULL, &res);
        PQclear(res);
        *busy = err != JT_OK && strcmp(db->sqlstate, "55P03") == 0;
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
    err = jt_db_query_one(db, "SELECT epoch, body, mac FROM ring", NULL, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        out->epoch = jt_row_u63(&row, 0);
        const uint8_t *body = jt_row_bytes(&row, 1, sizeof out->body, &out->body_len);
        if (body != NULL) {
            memcpy(out->body, body, out->body_len);
        }
        jt_row_fixed(&row, 2, out->mac, sizeof out->mac);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NOT_INITIALIZED : err;
}

/* An advisory lock on one bigint shows its halves as classid and objid, and objsubid 1. */
static const char end_stuck[] =
    "SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) "
    "FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted "
    "AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) "
    "AND l.classid::int8 = " JT_RING_LOCK " >> 32 AND l.objid::int8 = " JT_RING_LOCK
    " & 4294967295 AND l.objsubid = 1 "
    "AND a.usename = current_user AND a.application_name LIKE 'jetond %' AND a.pid <> "
    "pg_backend_pid() "
    "AND a.xact_start < clock_timestamp() - $1::int8 * interval '1 millisecond'";

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

static enum jt_err insert_ring(struct jt_db *db, const struct jt_ring_row *ring)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, ring->epoch);
    jt_params_bytes(&p, ring->body, ring->body_len);
    jt_params_bytes(&p, ring->mac, sizeof ring->mac);
    enum jt_err err =
        jt_db_insert_one(db, "INSERT INTO ring (epoch, body, mac) VALUES ($1, $2, $3)", &p);
    return err == JT_ERR_DB_DUPLICATE ? JT_ERR_RING_THERE : err;
}

enum jt_err jt_ring_must_stand(struct jt_db *db, const struct jt_ring_row *ring)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, ring->epoch);
    jt_params_bytes(&p, ring->body, ring->body_len);
    jt_params_bytes(&p, ring->mac, sizeof ring->mac);
    return jt_db_must(db,
                      "SELECT coalesce(bool_and((r.epoch, r.body, r.mac) = ($1, $2, $3)) AND "
                      "count(*) = 1, false) "
                      "FROM ring r",
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
