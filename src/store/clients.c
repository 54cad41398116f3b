/* SPDX-License-Identifier: Apache-2.0 */
#include "store/clients.h"

#include "store/audit_params.h"
#include "store/client_insert.h"
#include "store/query.h"
#include "store/set_columns.h"
#include "store/sets.h"

#include <string.h>

enum jt_err jt_client_insert_row(struct jt_db *db, const struct jt_client_change *change,
                                 const struct jt_act *act)
{
    const struct jt_client_row *row = &change->row;
    enum jt_err err = jt_set_advance(db, &change->set);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, row->spec.id);
    jt_params_u31(&p, row->spec.permissions);
    jt_params_bytes(&p, row->secret_mac, sizeof row->secret_mac);
    jt_params_i16(&p, row->state);
    jt_params_u63(&p, row->revision);
    jt_params_u63(&p, row->mac_epoch);
    jt_params_bytes(&p, row->mac, sizeof row->mac);
    jt_params_text(&p, act->actor);
    err = jt_db_insert_one(db,
                           "INSERT INTO client (id, permissions, secret_mac, state, revision, "
                           "mac_epoch, mac, created_by) "
                           "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                           &p);
    if (err == JT_ERR_DB_DUPLICATE) {
        return JT_ERR_CLIENT_EXISTS;
    }
    return err == JT_OK ? jt_audit_act(db, act, JT_AUDIT_CLIENT_ADD, 0, row->spec.id) : err;
}

enum jt_err jt_client_insert(struct jt_db *db, const struct jt_client_change *change,
                             const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    return jt_db_end(db, jt_client_insert_row(db, change, act));
}

static enum jt_err revoke_row(struct jt_db *db, const struct jt_client_change *change,
                              const struct jt_act *act)
{
    const struct jt_client_row *row = &change->row;
    enum jt_err err = jt_set_advance(db, &change->set);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, row->spec.id);
    jt_params_i16(&p, row->state);
    jt_params_u63(&p, row->revision);
    jt_params_u63(&p, row->mac_epoch);
    jt_params_bytes(&p, row->mac, sizeof row->mac);
    jt_params_text(&p, act->actor);
    err = jt_db_change_one(db,
                           "UPDATE client SET state = $2, revision = $3, mac_epoch = $4, mac = $5, "
                           "revoked_at = now(), "
                           "revoked_by = $6 WHERE id = $1",
                           &p);
    if (err == JT_ERR_NO_CHANGE) {
        return JT_ERR_NO_CLIENT;
    }
    return err == JT_OK ? jt_audit_act(db, act, JT_AUDIT_CLIENT_REVOKE, 0, row->spec.id) : err;
}

enum jt_err jt_client_revoke(struct jt_db *db, const struct jt_client_change *change,
                             const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    return jt_db_end(db, revoke_row(db, change, act));
}

void jt_client_columns_read(struct jt_row *row, int at, struct jt_client_row *out)
{
    memset(out, 0, sizeof *out);
    jt_row_text(row, at, out->spec.id, sizeof out->spec.id);
    out->spec.permissions = jt_row_u31(row, at + 1);
    jt_row_fixed(row, at + 2, out->secret_mac, sizeof out->secret_mac);
    out->state = jt_row_u8(row, at + 3);
    out->revision = jt_row_u63(row, at + 4);
    out->mac_epoch = jt_row_u63(row, at + 5);
    jt_row_fixed(row, at + 6, out->mac, sizeof out->mac);
}

enum jt_err jt_client_get(struct jt_db *db, const char *id, struct jt_client_row *out)
{
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, id);
    PGresult *res;
    err = jt_db_query_one(db, "SELECT " JT_CLIENT_COLUMNS("c") " FROM client c WHERE c.id = $1", &p,
                          &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        jt_client_columns_read(&row, 0, out);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NO_CLIENT : err;
}

enum jt_err jt_clients_list(struct jt_db *db, jt_client_fn *each, void *arg)
{
    static const char sql[] = "SELECT " JT_CLIENT_COLUMNS("c") ", " JT_SQL_TIME(
        "c.created_at") ", c.created_by, " JT_SQL_TIME("c.revoked_at") ", c.revoked_by FROM client "
                                                                       "c ORDER BY c.id";
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    PGresult *res;
    err = jt_db_query(db, sql, NULL, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_client_info info;
        struct jt_row row = jt_row_init(res, i);
        jt_client_columns_read(&row, 0, &info.row);
        jt_row_text(&row, JT_N_CLIENT_COLUMNS, info.created_at, sizeof info.created_at);
        jt_row_text(&row, JT_N_CLIENT_COLUMNS + 1, info.created_by, sizeof info.created_by);
        jt_row_text_or_empty(&row, JT_N_CLIENT_COLUMNS + 2, info.revoked_at,
                             sizeof info.revoked_at);
        jt_row_text_or_empty(&row, JT_N_CLIENT_COLUMNS + 3, info.revoked_by,
                             sizeof info.revoked_by);
        err = jt_row_status(&row);
        if (err == JT_OK) {
            each(arg, &info);
        }
    }
    PQclear(res);
    return err;
}
