#include "store/cards.h"

#include "store/query.h"
#include "store/statements.h"

#include <string.h>

static enum jt_err read_row(const PGresult *res, int i, struct jt_card_cursor *cursor, struct jt_card_row *out)
{
    struct jt_row row = jt_row_init(res, i);
    size_t len;
    cursor->bucket = jt_row_u8(&row, 0);
    cursor->field = out->field = jt_row_u31(&row, 1);
    jt_row_uuid(&row, 2, cursor->fingerprint);
    jt_row_uuid(&row, 3, out->token);
    const uint8_t *envelope = jt_row_bytes(&row, 4, sizeof out->envelope, &len);
    if (envelope != NULL) {
        memcpy(out->envelope, envelope, len);
        out->envelope_len = (uint16_t)len;
    }
    return jt_row_status(&row);
}

enum jt_err jt_cards_stragglers(struct jt_db *db, uint8_t key_id, struct jt_card_cursor *cursor,
                                struct jt_card_row *rows, size_t max, size_t *n)
{
    *n = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_i16(&p, key_id);
    jt_params_i16(&p, (int16_t)cursor->bucket);
    jt_params_u31(&p, cursor->field);
    jt_params_uuid(&p, cursor->fingerprint);
    jt_params_u63(&p, max);
    PGresult *res;
    err = jt_db_query(db, jt_statements[JT_SQL_STRAGGLERS].sql, &p, &res);
    if (err == JT_OK && (size_t)PQntuples(res) > max) {
        err = JT_ERR_PROTOCOL;
    }
    struct jt_card_cursor at = *cursor;
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        err = read_row(res, i, &at, &rows[i]);
    }
    if (err == JT_OK) {
        *cursor = at;
        *n = (size_t)PQntuples(res);
    }
    PQclear(res);
    return err;
}
