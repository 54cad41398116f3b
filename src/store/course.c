/* SPDX-License-Identifier: Apache-2.0 */
#include "store/course.h"

#include "store/history.h"
#include "store/query.h"
#include "store/ring_columns.h"
#include "store/row.h"

#include <string.h>

#define COUNT_LEN (2 + 8) /* of a node number: int2send and int8send */

/*
 * What is on disk survives a crash of the server; what was only written may not, and would make it
 * look as if it had gone back. A standby is none of the servers that can be worked with.
 */
#define COURSE                                                                           \
    JT_SQL_SYSTEM_IDENTIFIER                                                             \
    ", "                                                                                 \
    "CASE WHEN pg_is_in_recovery() THEN 0 ELSE " JT_SQL_TIMELINE " END, "                \
    "CASE WHEN pg_is_in_recovery() THEN '0/0' ELSE pg_current_wal_flush_lsn() END, "     \
    "(SELECT coalesce(string_agg(int2send(p.number) || int8send(p.renewals), ''::bytea " \
    "ORDER BY p.number), ''::bytea) FROM pulse p)"

const char jt_course_query[] = "SELECT " COURSE;

static enum jt_err take_counts(struct jt_row *row, int column, struct jt_course *out)
{
    uint8_t counts[255 * COUNT_LEN];
    size_t len = jt_row_copy(row, column, counts, sizeof counts);
    enum jt_err err = jt_row_status(row);
    if (err == JT_OK && len % COUNT_LEN != 0) {
        err = JT_ERR_DB_FAULT;
    }
    for (size_t at = 0; at < len && err == JT_OK; at += COUNT_LEN) {
        uint32_t number = (uint32_t)counts[at] << 8 | counts[at + 1];
        if (number < 1 || number > 255) {
            return JT_ERR_DB_FAULT;
        }
        out->renewals[number] = jt_get_u64(counts + at + 2);
    }
    return err;
}

enum jt_err jt_course_take(struct jt_row *row, int column, struct jt_course *out)
{
    memset(out, 0, sizeof *out);
    out->system_identifier = jt_row_raw64(row, column, JT_PG_INT8);
    out->timeline = jt_row_u31(row, column + 1);
    out->lsn = jt_row_raw64(row, column + 2, JT_PG_LSN);
    enum jt_err err = take_counts(row, column + 3, out);
    return err == JT_OK && out->timeline == 0 ? JT_ERR_DB_PASSING : err;
}

enum jt_err jt_course_read(struct jt_db *db, struct jt_ring_row *ring, struct jt_course *out)
{
    PGresult *res = NULL;
    memset(ring, 0, sizeof *ring);
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = jt_db_query_one(db, "SELECT " JT_RING_COLUMNS ", " COURSE " FROM ring", NULL, &res);
    }
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        jt_ring_row_read(&row, 0, ring);
        err = jt_course_take(&row, JT_N_COLUMNS(JT_RING_ROW), out);
        err = err == JT_OK ? jt_row_status(&row) : err;
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NOT_INITIALIZED : err;
}
