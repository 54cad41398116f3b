/* SPDX-License-Identifier: Apache-2.0 */
#include "store/destructions.h"

#include "store/audit_params.h"
#include "store/columns.h"
#include "store/news.h"
#include "store/query.h"

#include <string.h>

#define ROW(FIRST, NEXT, t)                                                   \
    FIRST(U63, t "generation", generation)                                    \
    NEXT(BYTES, t "body", body)                                               \
    NEXT(FIXED, t "mac", mac)                                                 \
    NEXT(TEXT, JT_SQL_TIME(t "requested_at"), requested_at)                   \
    NEXT(TEXT, t "requested_by", requested_by)                                \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME("g.destroyed_at"), destroyed_at)          \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME(t "certified_at"), certified_at)          \
    NEXT(TEXT_OR_EMPTY, t "certificate", certificate.text)                    \
    NEXT(FIXED, "coalesce(" t "signature, decode(repeat('00', 64), 'hex'))",  \
         certificate.signature)                                               \
    NEXT(FIXED, "coalesce(" t "public_key, decode(repeat('00', 32), 'hex'))", \
         certificate.public_key)

static JT_COLUMNS_READER(read_row, ROW, struct jt_destruction_row);

#define SELECT_ROW                                         \
    "SELECT " JT_COLUMNS(ROW, "d.") " FROM destruction d " \
                                    "JOIN generation g ON g.number = d.generation "

static enum jt_err read_one(struct jt_db *db, const char *sql, struct jt_params *p,
                            struct jt_destruction_row *out)
{
    PGresult *res = NULL;
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_query_one(db, sql, p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        read_row(&row, 0, out);
        out->certificate.text_len = strlen(out->certificate.text);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NO_DESTRUCTION : err;
}

enum jt_err jt_destruction_get(struct jt_db *db, uint64_t generation,
                               struct jt_destruction_row *out)
{
    struct jt_params p;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    return read_one(db, SELECT_ROW "WHERE d.generation = $1", &p, out);
}

enum jt_err jt_destruction_next(struct jt_db *db, uint64_t after, bool all,
                                struct jt_destruction_row *out)
{
    struct jt_params p;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u63(&p, after);
    return read_one(db,
                    all ? SELECT_ROW "WHERE d.generation > $1 ORDER BY d.generation LIMIT 1"
                        : SELECT_ROW "WHERE d.generation > $1 AND d.certified_at IS NULL "
                                     "ORDER BY d.generation LIMIT 1",
                    &p, out);
}

static void put_request(struct jt_params *p, const struct jt_destruction_row *row)
{
    jt_params_init(p);
    jt_params_u63(p, row->generation);
    jt_params_bytes(p, row->body, row->body_len);
    jt_params_bytes(p, row->mac, sizeof row->mac);
}

static enum jt_err forget(struct jt_db *db, const char *sql, uint64_t generation)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    return jt_db_change(db, sql, &p, NULL);
}

static enum jt_err put(struct jt_db *db, const struct jt_destruction_row *row,
                       const struct jt_act *act)
{
    struct jt_params p;
    put_request(&p, row);
    jt_params_text(&p, act->actor);
    enum jt_err err = jt_db_change_one(
        db,
        "INSERT INTO destruction AS d (generation, body, mac, requested_by) "
        "VALUES ($1, $2, $3, $4) ON CONFLICT (generation) DO UPDATE SET body = excluded.body, "
        "mac = excluded.mac, requested_at = now(), requested_by = excluded.requested_by "
        "WHERE d.certified_at IS NULL",
        &p);
    err = err == JT_ERR_NO_CHANGE ? JT_ERR_WRONG_STATE : err;
    if (err == JT_OK) {
        err = forget(db, "DELETE FROM approval WHERE generation = $1", row->generation);
    }
    if (err == JT_OK) {
        err = forget(db, "DELETE FROM destruction_node WHERE generation = $1", row->generation);
    }
    if (err == JT_OK) {
        put_request(&p, row);
        err = jt_db_must(db,
                         "SELECT EXISTS (SELECT FROM destruction WHERE generation = $1 AND "
                         "body = $2 AND mac = $3)",
                         &p, "a destruction does not stand as it was sent");
    }
    if (err == JT_OK) {
        err = jt_audit_act_on(db, act, JT_AUDIT_DESTRUCTION_REQUEST, row->generation);
    }
    if (err == JT_OK) {
        jt_news_tell(db);
    }
    return err;
}

enum jt_err jt_destruction_put(struct jt_db *db, const struct jt_destruction_row *row,
                               const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    return err == JT_OK ? jt_db_end(db, put(db, row, act)) : err;
}

/* --- approvals --- */

enum jt_err jt_destruction_approvals(struct jt_db *db, uint64_t generation,
                                     const struct jt_custodian_set *set,
                                     struct jt_approval_row *out, size_t *n)
{
    struct jt_params p;
    *n = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_approvals_of(&p, set);
    return jt_approvals_read(
        db,
        "SELECT " JT_COLUMNS(JT_APPROVAL_ROW,
                             "") " FROM approval WHERE generation = $1 "
                                 "AND custodian = ANY ($2::text[]) ORDER BY at, custodian",
        &p, out, n);
}

static enum jt_err approve(struct jt_db *db, const struct jt_destruction_row *row,
                           const struct jt_approval *approval, const struct jt_act *act)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, row->generation);
    jt_params_bytes(&p, row->mac, sizeof row->mac);
    jt_params_text(&p, approval->custodian);
    jt_params_bytes(&p, approval->signature, sizeof approval->signature);
    jt_params_text(&p, act->actor);
    enum jt_err err = jt_db_change_one(
        db,
        "INSERT INTO approval (generation, custodian, signature, carried_by) "
        "SELECT d.generation, $3::text, $4::bytea, $5::text FROM destruction d "
        "WHERE d.generation = $1 AND d.mac = $2 "
        "ON CONFLICT (generation, custodian) DO UPDATE SET signature = excluded.signature, "
        "at = now(), carried_by = excluded.carried_by",
        &p);
    err = err == JT_ERR_NO_CHANGE ? JT_ERR_NO_DESTRUCTION : err;
    if (err == JT_OK) {
        err = jt_audit_act_on(db, act, JT_AUDIT_DESTRUCTION_APPROVE, row->generation);
    }
    if (err == JT_OK) {
        jt_news_tell(db);
    }
    return err;
}

enum jt_err jt_destruction_approve(struct jt_db *db, const struct jt_destruction_row *row,
                                   const struct jt_approval *approval, const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    return err == JT_OK ? jt_db_end(db, approve(db, row, approval, act)) : err;
}

/* --- nodes --- */

#define NO_BYTES(n) "decode(repeat('00', " n "), 'hex')"
#define NODE(FIRST, NEXT, t)                                                                \
    FIRST(TEXT, "n.name", node)                                                             \
    NEXT(U8, "coalesce(" t "view, 0)::int2", view)                                          \
    NEXT(U63, "coalesce(" t "left_s, 0)", left_s)                                           \
    NEXT(U63, "coalesce(" t "n_tried, 0)", n_tried)                                         \
    NEXT(FIXED, "coalesce(uuid_send(" t "keeper_incarnation), " NO_BYTES("16") ")", keeper) \
    NEXT(FIXED, "coalesce(" t "mac, " NO_BYTES("16") ")", mac)                              \
    NEXT(TEXT_OR_EMPTY, JT_SQL_TIME(t "at"), at)

static JT_COLUMNS_READER(read_node, NODE, struct jt_destruction_node_row);

enum jt_err jt_destruction_nodes(struct jt_db *db, uint64_t generation,
                                 struct jt_destruction_node_row *out, size_t *n)
{
    struct jt_params p;
    PGresult *res = NULL;
    *n = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    err = jt_db_query(
        db,
        "SELECT " JT_COLUMNS(NODE, "d.") " FROM node n LEFT JOIN destruction_node d "
                                         "ON d.node = n.name AND d.generation = $1 ORDER BY n.name",
        &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res) && *n < JT_DESTRUCTION_NODE_ROWS; i++) {
        struct jt_row row = jt_row_init(res, i);
        memset(&out[*n], 0, sizeof *out);
        read_node(&row, 0, &out[(*n)++]);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_destruction_note(struct jt_db *db, uint64_t generation,
                                const struct jt_destruction_node_row *node)
{
    static const char sql[] =
        "INSERT INTO destruction_node AS d (generation, node, view, left_s, n_tried, "
        "keeper_incarnation, mac) VALUES ($1, $2, $3, $4, $5, $6, $7) "
        "ON CONFLICT (generation, node) DO UPDATE SET view = excluded.view, "
        "left_s = excluded.left_s, n_tried = excluded.n_tried, "
        "keeper_incarnation = excluded.keeper_incarnation, mac = excluded.mac, at = now() "
        "WHERE (d.view, d.mac, d.n_tried) IS DISTINCT FROM "
        "(excluded.view, excluded.mac, excluded.n_tried) OR d.left_s - excluded.left_s >= 10";
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_params_text(&p, node->node);
    jt_params_i16(&p, node->view);
    jt_params_u63(&p, node->left_s);
    jt_params_u63(&p, node->n_tried);
    jt_params_uuid(&p, node->keeper);
    jt_params_bytes(&p, node->mac, sizeof node->mac);
    uint64_t n;
    enum jt_err err = jt_db_change(db, sql, &p, &n);
    if (err == JT_OK && n > 0) {
        jt_news_tell(db);
    }
    return err;
}

/* --- the end --- */

static enum jt_err certify(struct jt_db *db, const struct jt_destruction_row *row,
                           const struct jt_certificate *certificate, const struct jt_act *act)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, row->generation);
    jt_params_bytes(&p, row->mac, sizeof row->mac);
    jt_params_text(&p, certificate->text);
    jt_params_bytes(&p, certificate->signature, sizeof certificate->signature);
    jt_params_bytes(&p, certificate->public_key, sizeof certificate->public_key);
    enum jt_err err =
        jt_db_change_one(db,
                         "UPDATE destruction SET certificate = $3, signature = $4, "
                         "public_key = $5, certified_at = now() "
                         "WHERE generation = $1 AND mac = $2 AND certified_at IS NULL",
                         &p);
    err = err == JT_ERR_NO_CHANGE ? JT_ERR_NO_DESTRUCTION : err;
    if (err == JT_OK) {
        err = jt_audit_act_on(db, act, JT_AUDIT_DESTRUCTION_CERTIFY, row->generation);
    }
    if (err == JT_OK) {
        jt_news_tell(db);
    }
    return err;
}

enum jt_err jt_destruction_certify(struct jt_db *db, const struct jt_destruction_row *row,
                                   const struct jt_certificate *certificate,
                                   const struct jt_act *act)
{
    if (strlen(certificate->text) != certificate->text_len) {
        return JT_ERR_INVALID;
    }
    enum jt_err err = jt_db_begin(db);
    return err == JT_OK ? jt_db_end(db, certify(db, row, certificate, act)) : err;
}

#define HISTORY(FIRST, NEXT, t)                                                                \
    FIRST(RAW64, "(SELECT c.system_identifier FROM pg_control_system() c)", system_identifier) \
    NEXT(U31, "('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int4", \
         timeline)                                                                             \
    NEXT(TEXT, JT_SQL_TIME("now()"), now)

static JT_COLUMNS_READER(read_history, HISTORY, struct jt_history);

enum jt_err jt_history_read(struct jt_db *db, struct jt_history *out)
{
    PGresult *res = NULL;
    *out = (struct jt_history){ .timeline = 0 };
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = jt_db_query_one(db, "SELECT " JT_COLUMNS(HISTORY, ""), NULL, &res);
    }
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        read_history(&row, 0, out);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}
