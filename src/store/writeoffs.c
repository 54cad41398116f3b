/* SPDX-License-Identifier: Apache-2.0 */
#include "store/writeoffs.h"

#include "store/audit_params.h"
#include "store/columns.h"
#include "store/news.h"
#include "store/query.h"

#include <string.h>

#define ROW(FIRST, NEXT, t)                                 \
    FIRST(U63, t "generation", generation)                  \
    NEXT(U31, t "number", number)                           \
    NEXT(BYTES, t "request", request)                       \
    NEXT(TEXT, JT_SQL_TIME(t "requested_at"), requested_at) \
    NEXT(TEXT, t "requested_by", requested_by)              \
    NEXT(BYTES_OR_NONE, t "warrant", warrant)               \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME(t "done_at"), done_at)  \
    NEXT(U31, "coalesce(" t "cards_moved, 0)", n_moved)

static JT_COLUMNS_READER(read_row, ROW, struct jt_writeoff_row);

#define SELECT_ROW "SELECT " JT_COLUMNS(ROW, "w.") " FROM write_off w WHERE w.generation = $1 "

enum jt_err jt_writeoff_get(struct jt_db *db, uint64_t generation, uint32_t number,
                            struct jt_writeoff_row *out)
{
    struct jt_params p;
    PGresult *res = NULL;
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_params_u31(&p, number);
    err = jt_db_query_one(
        db, SELECT_ROW "AND $2::int4 IN (0, w.number) ORDER BY w.number DESC LIMIT 1", &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        read_row(&row, 0, out);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NO_WRITE_OFF : err;
}

enum jt_err jt_writeoffs_each(struct jt_db *db, uint64_t generation, jt_writeoff_fn *each,
                              void *arg)
{
    struct jt_params p;
    struct jt_writeoff_row found;
    PGresult *res = NULL;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    err = jt_db_query(
        db, SELECT_ROW "ORDER BY w.number LIMIT " JT_SQL_NUMBER(JT_WRITEOFF_MAX) " + 1", &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        memset(&found, 0, sizeof found);
        read_row(&row, 0, &found);
        err = jt_row_status(&row);
        if (err == JT_OK) {
            each(arg, &found);
        }
    }
    PQclear(res);
    return err;
}

enum jt_err jt_writeoff_read_list(struct jt_db *db, uint64_t generation, uint32_t number,
                                  struct jt_buf *out)
{
    struct jt_params p;
    PGresult *res = NULL;
    size_t len = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_params_u31(&p, number);
    err = jt_db_query_one(
        db, "SELECT w.list FROM write_off w WHERE w.generation = $1 AND w.number = $2::int4", &p,
        &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        const uint8_t *bytes = jt_row_bytes(&row, 0, JT_WRITEOFF_LIST_MAX, &len);
        /* one that is longer than any is nobody's list: a keeper will say so */
        jt_buf_put(out, bytes == NULL ? (const uint8_t *)"" : bytes, bytes == NULL ? 1 : len);
        err = jt_buf_status(out);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NO_WRITE_OFF : err;
}

/* --- requests --- */

static enum jt_err put(struct jt_db *db, const struct jt_writeoff_row *row,
                       const struct jt_buf *list, const struct jt_act *act)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, row->generation);
    enum jt_err err = jt_db_change(
        db, "DELETE FROM write_off WHERE generation = $1 AND done_at IS NULL", &p, NULL);
    if (err == JT_OK) {
        jt_params_init(&p);
        jt_params_u63(&p, row->generation);
        jt_params_u31(&p, row->number);
        jt_params_bytes(&p, row->request, row->request_len);
        jt_params_bytes(&p, list->data, list->len);
        jt_params_text(&p, act->actor);
        err = jt_db_insert_one(db,
                               "INSERT INTO write_off (generation, number, request, list, "
                               "requested_by) VALUES ($1, $2, $3, $4, $5)",
                               &p);
    }
    if (err == JT_OK) {
        jt_params_init(&p);
        jt_params_u63(&p, row->generation);
        jt_params_u31(&p, row->number);
        jt_params_bytes(&p, row->request, row->request_len);
        jt_params_bytes(&p, list->data, list->len);
        err = jt_db_must(db,
                         "SELECT EXISTS (SELECT FROM write_off WHERE generation = $1 AND "
                         "number = $2::int4 AND request = $3 AND list = $4)",
                         &p, "a list of cards to be written off does not stand as it was sent");
    }
    if (err == JT_OK) {
        err = jt_audit_act_on(db, act, JT_AUDIT_WRITE_OFF_REQUEST, row->generation);
    }
    return err;
}

enum jt_err jt_writeoff_put(struct jt_db *db, const struct jt_writeoff_row *row,
                            const struct jt_buf *list, const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    return err == JT_OK ? jt_db_end(db, put(db, row, list, act)) : err;
}

/* --- approvals --- */

static enum jt_err approve(struct jt_db *db, const struct jt_writeoff_row *row,
                           const struct jt_approval *approval, const struct jt_act *act)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, row->generation);
    jt_params_u31(&p, row->number);
    jt_params_bytes(&p, row->request, row->request_len);
    jt_params_text(&p, approval->custodian);
    jt_params_bytes(&p, approval->signature, sizeof approval->signature);
    jt_params_text(&p, act->actor);
    enum jt_err err = jt_db_change_one(
        db,
        "INSERT INTO write_off_approval (generation, number, custodian, signature, carried_by) "
        "SELECT w.generation, w.number, $4::text, $5::bytea, $6::text FROM write_off w "
        "WHERE w.generation = $1 AND w.number = $2::int4 AND w.request = $3 "
        "AND w.done_at IS NULL "
        "ON CONFLICT (generation, number, custodian) DO UPDATE SET "
        "signature = excluded.signature, at = now(), carried_by = excluded.carried_by",
        &p);
    err = err == JT_ERR_NO_CHANGE ? JT_ERR_NO_WRITE_OFF : err;
    if (err == JT_OK) {
        err = jt_audit_act_on(db, act, JT_AUDIT_WRITE_OFF_APPROVE, row->generation);
    }
    if (err == JT_OK) {
        jt_news_tell(db);
    }
    return err;
}

enum jt_err jt_writeoff_add_approval(struct jt_db *db, const struct jt_writeoff_row *row,
                                     const struct jt_approval *approval, const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    return err == JT_OK ? jt_db_end(db, approve(db, row, approval, act)) : err;
}
