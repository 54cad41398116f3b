#include "store/audit.h"

#include "store/audit_params.h"
#include "store/query.h"
#include "store/statements.h"

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
        jt_params_add_bytes(p, rows[i].tokens, rows[i].n_tokens * 16);
    }
    jt_params_array(p, JT_PG_TEXT_ARRAY, n, 0);
    for (size_t i = 0; i < n; i++) {
        add_text(p, rows[i].object);
    }
}

enum jt_err jt_audit_write(struct jt_db *db, const char *node, const struct jt_audit_row *row)
{
    bool in_transaction = db->conn != NULL && PQtransactionStatus(db->conn) == PQTRANS_INTRANS;
    enum jt_err err = in_transaction ? JT_OK : jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, node);
    jt_audit_params(&p, row, 1);
    return jt_db_change_one(db, jt_statements[JT_SQL_AUDIT].sql, &p);
}
