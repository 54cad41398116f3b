/* SPDX-License-Identifier: Apache-2.0 */
#include "store/appcolumns.h"

#include "store/audit_params.h"
#include "store/columns.h"
#include "store/query.h"

#include <inttypes.h>
#include <stdio.h>

#define OBJECT_MAX 250 /* of an audit row */

#define COUNT(FIRST, NEXT, t)                           \
    FIRST(U31, t "field", count.field)                  \
    NEXT(U63, t "generation", count.generation)         \
    NEXT(U63, t "envelopes", count.envelopes)           \
    NEXT(U63, t "epoch", count.epoch)                   \
    NEXT(FIXED, t "mac", count.mac)                     \
    NEXT(TEXT, JT_SQL_TIME(t "counted_at"), counted_at) \
    NEXT(TEXT, t "counted_by", counted_by)
#define SELECT_COUNTS "SELECT " JT_COLUMNS(COUNT, "") " FROM column_count "

static JT_COLUMNS_READER(read_count, COUNT, struct jt_column_count_row);

static enum jt_err read_all(struct jt_db *db, const char *sql, struct jt_params *p,
                            jt_column_count_fn *each, void *arg)
{
    PGresult *res = NULL;
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = jt_db_query(db, sql, p, &res);
    }
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_column_count_row one = { .counted_at = "" };
        struct jt_row row = jt_row_init(res, i);
        read_count(&row, 0, &one);
        err = jt_row_status(&row);
        if (err == JT_OK) {
            each(arg, &one);
        }
    }
    PQclear(res);
    return err;
}

enum jt_err jt_column_counts_of_field(struct jt_db *db, uint32_t field, jt_column_count_fn *each,
                                      void *arg)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, field);
    return read_all(db, SELECT_COUNTS "WHERE field = $1", &p, each, arg);
}

enum jt_err jt_column_counts_of_generation(struct jt_db *db, uint64_t generation,
                                           jt_column_count_fn *each, void *arg)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    return read_all(db, SELECT_COUNTS "WHERE generation = $1", &p, each, arg);
}

/* The column stays the field's until the end of the transaction. */
static enum jt_err hold_column(struct jt_db *db, const struct jt_column_count *count)
{
    struct jt_params p;
    PGresult *res;
    jt_params_init(&p);
    jt_params_u31(&p, count->field);
    jt_params_text(&p, count->column);
    enum jt_err err = jt_db_query_one(
        db, "SELECT true FROM field WHERE id = $1 AND app_column = $2 FOR SHARE", &p, &res);
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_FIELD_NO_COLUMN : err;
}

static void put_params(struct jt_params *p, const struct jt_column_count *c, const char *actor)
{
    jt_params_init(p);
    jt_params_u31(p, c->field);
    jt_params_u63(p, c->generation);
    jt_params_u63(p, c->envelopes);
    jt_params_u63(p, c->epoch);
    jt_params_bytes(p, c->mac, sizeof c->mac);
    jt_params_text(p, actor);
}

static enum jt_err put_one(struct jt_db *db, const struct jt_column_count *c, const char *actor)
{
    struct jt_params p;
    put_params(&p, c, actor);
    return jt_db_change_one(
        db,
        "INSERT INTO column_count (field, generation, envelopes, epoch, mac, counted_by) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (field, generation) DO UPDATE SET "
        "envelopes = excluded.envelopes, epoch = excluded.epoch, mac = excluded.mac, "
        "counted_at = now(), counted_by = excluded.counted_by",
        &p);
}

/* "customers 1:0 2:17", of which the last are left out where there are very many. */
static void name_counts(const char *name, const struct jt_column_count *counts, size_t n,
                        char out[static OBJECT_MAX])
{
    int len = snprintf(out, OBJECT_MAX, "%s", name);
    for (size_t i = 0; i < n && len > 0 && len < OBJECT_MAX - 45; i++) {
        len += snprintf(out + len, (size_t)(OBJECT_MAX - len), " %" PRIu64 ":%" PRIu64,
                        counts[i].generation, counts[i].envelopes);
    }
}

enum jt_err jt_column_counts_put(struct jt_db *db, const char *name,
                                 const struct jt_column_count *counts, size_t n,
                                 const struct jt_act *act)
{
    char object[OBJECT_MAX];
    if (n == 0) {
        return JT_OK;
    }
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    err = hold_column(db, &counts[0]);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        err = put_one(db, &counts[i], act->actor);
    }
    if (err == JT_OK) {
        name_counts(name, counts, n, object);
        err = jt_audit_act(db, act, JT_AUDIT_COLUMN_COUNT, counts[0].field, object);
    }
    return jt_db_end(db, err);
}
