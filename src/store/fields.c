/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fields.h"

#include "store/audit_params.h"
#include "store/query.h"
#include "store/set_columns.h"
#include "store/sets.h"

#include <string.h>

#define COLUMNS JT_COLUMNS(JT_FIELD_ROW, "")

JT_COLUMNS_READER(jt_field_row_read, JT_FIELD_ROW, struct jt_field_row);
static JT_COLUMNS_PUTTER(put_row, JT_FIELD_ROW, 13, struct jt_field_row);

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
    put_row(&p, row);
    jt_params_text(&p, act->actor);
    err = jt_db_insert_one(db,
                           "INSERT INTO field (" COLUMNS ", created_by) "
                           "VALUES (" JT_SQL_13_PARAMS ", $14)",
                           &p);
    if (err == JT_ERR_DB_DUPLICATE) {
        return JT_ERR_FIELD_EXISTS;
    }
    if (err == JT_OK) {
        err = jt_audit_act(db, act, JT_AUDIT_FIELD_ADD, row->spec.id, row->spec.name);
    }
    return err == JT_OK ? jt_db_remember(db, row->spec.id) : err;
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

/* They are of another column than the field has now. */
static enum jt_err forget_counts(struct jt_db *db, uint32_t field)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, field);
    return jt_db_change(db, "DELETE FROM column_count WHERE field = $1", &p, NULL);
}

static enum jt_err update_row(struct jt_db *db, const struct jt_field_change *change,
                              enum jt_audit_action action, const struct jt_act *act)
{
    enum jt_err err = jt_set_advance(db, &change->set);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    put_row(&p, &change->row);
    err = jt_db_change_one(
        db, "UPDATE field SET (" COLUMNS ") = (" JT_SQL_13_PARAMS ") WHERE id = $1", &p);
    if (err == JT_ERR_NO_CHANGE) {
        return JT_ERR_NO_FIELD;
    }
    if (err == JT_OK && action != JT_AUDIT_FIELD_CHANGE) {
        err = forget_counts(db, change->row.spec.id);
    }
    return err == JT_OK ? jt_audit_act(db, act, action, change->row.spec.id, change->row.spec.name)
                        : err;
}

enum jt_err jt_field_update(struct jt_db *db, const struct jt_field_change *change,
                            enum jt_audit_action action, const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    return jt_db_end(db, update_row(db, change, action, act));
}
