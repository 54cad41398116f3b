#include "store/fields.h"

#include "store/audit_params.h"
#include "store/query.h"

#include <string.h>

#define COLUMNS "id, name, kind, dedup, allow_bad_luhn, mac_epoch, mac"

enum jt_err jt_field_next_id(struct jt_db *db, uint32_t *out)
{
    *out = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    PGresult *res;
    err = jt_db_query_one(db, "SELECT coalesce(max(id), 0) FROM field", NULL, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *out = jt_row_u31(&row, 0) + 1;
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_field_insert(struct jt_db *db, const struct jt_field_row *row, const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
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
    jt_params_u63(&p, row->mac_epoch);
    jt_params_bytes(&p, row->mac, sizeof row->mac);
    jt_params_text(&p, act->actor);
    err = jt_db_change_one(db, "INSERT INTO field (" COLUMNS ", created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                           &p);
    if (err == JT_OK) {
        err = jt_audit_act(db, act, JT_AUDIT_FIELD_ADD, row->spec.id, row->spec.name);
    }
    return jt_db_end(db, err);
}

static enum jt_err read_row(const PGresult *res, int i, struct jt_field_row *out)
{
    memset(out, 0, sizeof *out);
    struct jt_row row = jt_row_init(res, i);
    out->spec.id = jt_row_u31(&row, 0);
    jt_row_text(&row, 1, out->spec.name, sizeof out->spec.name);
    out->spec.kind = jt_row_u8(&row, 2);
    out->spec.dedup = jt_row_bool(&row, 3);
    out->spec.allow_bad_luhn = jt_row_bool(&row, 4);
    out->mac_epoch = jt_row_u63(&row, 5);
    jt_row_fixed(&row, 6, out->mac, sizeof out->mac);
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
    return err;
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
