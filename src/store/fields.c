/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fields.h"

#include "store/audit_params.h"
#include "store/query.h"
#include "store/set_columns.h"
#include "store/sets.h"

#include <string.h>

#define COLUMNS "id, name, kind, dedup, allow_bad_luhn, state, revision, mac_epoch, mac"

static enum jt_err insert_row(struct jt_db *db, const struct jt_field_change *change,
                              const struct jt_act *act)
{
    const struct jt_field_row *row = &change->row;
    enum jt_err err = jt_set_advance(db, &change->set);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, row->spec.id);
    jt_params_text(&p, row->spec.name);
    jt_params_i16(&p, row->spec.kind);
    jt_params_bool(&p, row->spec.dedup);
    jt_params_bool(&p, row->spec.allow_bad_luhn);
    jt_params_i16(&p, row->state);
    jt_params_u63(&p, row->revision);
    jt_params_u63(&p, row->mac_epoch);
    jt_params_bytes(&p, row->mac, sizeof row->mac);
    jt_params_text(&p, act->actor);
    err = jt_db_insert_one(db,
                           "INSERT INTO field (" COLUMNS
                           ", created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                           &p);
    if (err == JT_ERR_DB_DUPLICATE) {
        return JT_ERR_FIELD_EXISTS;
    }
    if (err == JT_OK) {
        err = jt_audit_act(db, act, JT_AUDIT_FIELD_ADD, row->spec.id, row->spec.name);
    }
    return err;
}

enum jt_err jt_field_insert(struct jt_db *db, const struct jt_field_change *change,
                            const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    return jt_db_end(db, insert_row(db, change, act));
}

void jt_field_columns_read(struct jt_row *row, int at, struct jt_field_row *out)
{
    memset(out, 0, sizeof *out);
    out->spec.id = jt_row_u31(row, at);
    jt_row_text(row, at + 1, out->spec.name, sizeof out->spec.name);
    out->spec.kind = jt_row_u8(row, at + 2);
    out->spec.dedup = jt_row_bool(row, at + 3);
    out->spec.allow_bad_luhn = jt_row_bool(row, at + 4);
    out->state = jt_row_u8(row, at + 5);
    out->revision = jt_row_u63(row, at + 6);
    out->mac_epoch = jt_row_u63(row, at + 7);
    jt_row_fixed(row, at + 8, out->mac, sizeof out->mac);
}

static enum jt_err read_row(const PGresult *res, int i, struct jt_field_row *out)
{
    struct jt_row row = jt_row_init(res, i);
    jt_field_columns_read(&row, 0, out);
    return jt_row_status(&row);
}

enum jt_err jt_field_get(struct jt_db *db, const char *name, struct jt_field_row *out)
{
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, name);
    PGresult *res;
    err = jt_db_query_one(db, "SELECT " COLUMNS " FROM field WHERE name = $1", &p, &res);
    if (err == JT_OK) {
        err = read_row(res, 0, out);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NO_FIELD : err;
}

enum jt_err jt_fields_list(struct jt_db *db, jt_field_fn *each, void *arg)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    PGresult *res;
    err = jt_db_query(db, "SELECT " COLUMNS " FROM field ORDER BY id", NULL, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_field_row field;
        err = read_row(res, i, &field);
        if (err == JT_OK) {
            each(arg, &field);
        }
    }
    PQclear(res);
    return err;
}
