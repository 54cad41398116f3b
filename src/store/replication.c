/* SPDX-License-Identifier: Apache-2.0 */
#include "store/replication.h"

#include "store/query.h"

enum jt_err jt_replication_look(struct jt_db *db, struct jt_replication *out)
{
    *out = (struct jt_replication){ 0 };
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    PGresult *res;
    err = jt_db_query_one(
        db,
        "SELECT count(r.replay_lsn), count(*) FILTER (WHERE r.state IS NULL), "
        "coalesce(max(extract(epoch FROM greatest(r.write_lag, r.flush_lag, r.replay_lag, "
        "interval '0')) * 1000), 0)::int8, pg_current_wal_lsn(), "
        "coalesce(min(r.replay_lsn), pg_current_wal_lsn()) FROM pg_stat_replication r",
        NULL, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        out->n_seen = jt_row_u63(&row, 0);
        out->n_hidden = jt_row_u63(&row, 1);
        out->lag_ms = (int64_t)jt_row_u63(&row, 2);
        out->lsn = jt_row_raw64(&row, 3, JT_PG_LSN);
        out->replayed = jt_row_raw64(&row, 4, JT_PG_LSN);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}
