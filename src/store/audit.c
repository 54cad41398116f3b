#include "store/audit.h"

#include "store/audit_params.h"
#include "store/query.h"
#include "store/statements.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *text_or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static void add_text(struct jt_params *p, const char *text)
{
    jt_params_add_bytes(p, text_or_empty(text), strlen(text_or_empty(text)));
}

void jt_audit_params(struct jt_params *p, const struct jt_audit_row *rows, size_t n)
{
    jt_params_array(p, JT_PG_TEXT_ARRAY, n, 16);
    for (size_t i = 0; i < n; i++) {
        add_text(p, rows[i].client);
    }
    jt_params_array(p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_i16(p, (int16_t)rows[i].action);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, rows[i].field);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, rows[i].n_items);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, rows[i].n_done);
    }
    jt_params_array(p, JT_PG_BYTEA_ARRAY, n, 16);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u64s(p, rows[i].ids, rows[i].n_ids);
    }
    jt_params_array(p, JT_PG_TEXT_ARRAY, n, 0);
    for (size_t i = 0; i < n; i++) {
        add_text(p, rows[i].object);
    }
}

enum jt_err jt_audit_act(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action, uint32_t field,
                         const char *object)
{
    const struct jt_audit_row row = { .action = action, .client = act->actor, .field = field, .n_items = 1, .n_done = 1,
                                      .object = object };
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, act->node);
    jt_audit_params(&p, &row, 1);
    enum jt_err err = jt_db_change_one(db, jt_statements[JT_SQL_AUDIT].sql, &p);
    return err == JT_ERR_CONFLICT || err == JT_ERR_INVALID ? JT_ERR_PROTOCOL : err;
}

enum jt_err jt_audit_record(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                            const char *object)
{
    enum jt_err err = jt_db_begin(db);
    return err == JT_OK ? jt_db_end(db, jt_audit_act(db, act, action, 0, object)) : err;
}

enum jt_err jt_audit_act_on(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                            uint64_t generation)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRIu64, generation);
    return jt_audit_act(db, act, action, 0, number);
}
