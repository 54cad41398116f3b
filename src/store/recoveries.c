/* SPDX-License-Identifier: Apache-2.0 */
#include "store/recoveries.h"

#include "store/audit_params.h"
#include "store/columns.h"
#include "store/news.h"
#include "store/query.h"

#include <string.h>

#define ROW(FIRST, NEXT, t)                                 \
    FIRST(U63, t "id", id)                                  \
    NEXT(TEXT, t "node", node)                              \
    NEXT(BYTES, t "body", body)                             \
    NEXT(FIXED, t "mac", mac)                               \
    NEXT(TEXT, JT_SQL_TIME(t "requested_at"), requested_at) \
    NEXT(TEXT, t "requested_by", requested_by)              \
    NEXT(U63, "coalesce(" t "epoch, 0)", epoch)             \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME(t "done_at"), done_at)

#define DONE(FIRST, NEXT, t)              \
    FIRST(U63, t "epoch", epoch)          \
    NEXT(BYTES, t "ring_body", ring.body) \
    NEXT(FIXED, t "ring_mac", ring.mac)   \
    NEXT(BYTES, t "word", word)           \
    NEXT(FIXED, t "word_mac", word_mac)

#define VIEW(FIRST, NEXT, t)    \
    FIRST(TEXT, t "node", node) \
    NEXT(BYTES, t "body", body) \
    NEXT(FIXED, t "mac", mac)   \
    NEXT(TEXT, JT_SQL_TIME(t "at"), at)

static JT_COLUMNS_READER(read_row, ROW, struct jt_recovery_row);
static JT_COLUMNS_READER(read_done, DONE, struct jt_recovery_done);
static JT_COLUMNS_READER(read_view, VIEW, struct jt_keeper_view_row);

enum jt_err jt_recovery_newest(struct jt_db *db, struct jt_recovery_row *out)
{
    PGresult *res = NULL;
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = jt_db_query_one(
            db, "SELECT " JT_COLUMNS(ROW, "") " FROM recovery ORDER BY id DESC LIMIT 1", NULL,
            &res);
    }
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        read_row(&row, 0, out);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NO_RECOVERY : err;
}

/* --- the request --- */

static enum jt_err insert(struct jt_db *db, struct jt_recovery_row *row, const struct jt_act *act)
{
    struct jt_params p;
    PGresult *res;
    jt_params_init(&p);
    jt_params_text(&p, row->node);
    jt_params_bytes(&p, row->body, row->body_len);
    jt_params_bytes(&p, row->mac, sizeof row->mac);
    jt_params_text(&p, act->actor);
    enum jt_err err = jt_db_query_one(db,
                                      "INSERT INTO recovery AS r (node, body, mac, requested_by) "
                                      "VALUES ($1, $2, $3, $4) RETURNING " JT_COLUMNS(ROW, "r."),
                                      &p, &res);
    if (err == JT_OK) {
        struct jt_row found = jt_row_init(res, 0);
        read_row(&found, 0, row);
        err = jt_row_status(&found);
    }
    PQclear(res);
    return err;
}

static enum jt_err put(struct jt_db *db, struct jt_recovery_row *row, const struct jt_act *act)
{
    enum jt_err err = jt_db_change(db, "DELETE FROM recovery WHERE done_at IS NULL", NULL, NULL);
    if (err == JT_OK) {
        err = insert(db, row, act);
    }
    if (err == JT_OK) {
        err = jt_audit_act(db, act, JT_AUDIT_RECOVERY_REQUEST, 0, row->node);
    }
    if (err == JT_OK) {
        jt_news_tell(db);
    }
    return err;
}

enum jt_err jt_recovery_put(struct jt_db *db, struct jt_recovery_row *row, const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    return err == JT_OK ? jt_db_end(db, put(db, row, act)) : err;
}

static enum jt_err approve(struct jt_db *db, const struct jt_recovery_row *row,
                           const struct jt_approval *approval, const struct jt_act *act)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, row->id);
    jt_params_bytes(&p, row->mac, sizeof row->mac);
    jt_params_text(&p, approval->custodian);
    jt_params_bytes(&p, approval->signature, sizeof approval->signature);
    jt_params_text(&p, act->actor);
    enum jt_err err = jt_db_change_one(
        db,
        "INSERT INTO recovery_approval (recovery, custodian, signature, carried_by) "
        "SELECT r.id, $3::text, $4::bytea, $5::text FROM recovery r "
        "WHERE r.id = $1 AND r.mac = $2 AND r.done_at IS NULL "
        "ON CONFLICT (recovery, custodian) DO UPDATE SET signature = excluded.signature, "
        "at = now(), carried_by = excluded.carried_by",
        &p);
    err = err == JT_ERR_NO_CHANGE ? JT_ERR_NO_RECOVERY : err;
    if (err == JT_OK) {
        err = jt_audit_act(db, act, JT_AUDIT_RECOVERY_APPROVE, 0, approval->custodian);
    }
    if (err == JT_OK) {
        jt_news_tell(db);
    }
    return err;
}

enum jt_err jt_recovery_approve(struct jt_db *db, const struct jt_recovery_row *row,
                                const struct jt_approval *approval, const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    return err == JT_OK ? jt_db_end(db, approve(db, row, approval, act)) : err;
}

enum jt_err jt_recovery_last_done(struct jt_db *db, struct jt_recovery_done *out)
{
    PGresult *res = NULL;
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = jt_db_query_one(db,
                              "SELECT " JT_COLUMNS(DONE, "") " FROM recovery WHERE epoch IS NOT "
                                                             "NULL ORDER BY epoch DESC LIMIT 1",
                              NULL, &res);
    }
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        read_done(&row, 0, out);
        out->ring.epoch = out->epoch;
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NO_RECOVERY : err;
}

/* --- what keepers remember --- */

enum jt_err jt_keeper_view_note(struct jt_db *db, const struct jt_keeper_view_row *row)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, row->node);
    jt_params_bytes(&p, row->body, row->body_len);
    jt_params_bytes(&p, row->mac, sizeof row->mac);
    return jt_db_change(db,
                        "INSERT INTO keeper_view AS v (node, body, mac) VALUES ($1, $2, $3) "
                        "ON CONFLICT (node) DO UPDATE SET body = excluded.body, "
                        "mac = excluded.mac, at = now() "
                        "WHERE (v.body, v.mac) IS DISTINCT FROM (excluded.body, excluded.mac)",
                        &p, NULL);
}

enum jt_err jt_keeper_views_read(struct jt_db *db, struct jt_keeper_view_row *out, size_t *n)
{
    PGresult *res = NULL;
    *n = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = jt_db_query(
            db, "SELECT " JT_COLUMNS(VIEW, "") " FROM keeper_view ORDER BY node LIMIT 255", NULL,
            &res);
    }
    for (int i = 0; err == JT_OK && i < PQntuples(res) && *n < JT_RECOVERY_VIEWS_MAX; i++) {
        struct jt_row row = jt_row_init(res, i);
        memset(&out[*n], 0, sizeof *out);
        read_view(&row, 0, &out[(*n)++]);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}
