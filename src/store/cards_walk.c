/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cards.h"

#include "store/card_row.h"
#include "store/query.h"
#include "store/statements.h"

#include <string.h>

/* Runs a statement that gives at most `max` rows; they are the caller's to PQclear. */
static enum jt_err query(struct jt_db *db, enum jt_statement statement, struct jt_params *p,
                         size_t max, PGresult **res)
{
    *res = NULL;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        jt_params_clear(p);
        return err;
    }
    err = jt_db_query(db, jt_statements[statement].sql, p, res);
    return err == JT_OK && (size_t)PQntuples(*res) > max ? JT_ERR_DB_FAULT : err;
}

static bool is_behind(struct jt_card_cursor a, struct jt_card_cursor b)
{
    return a.bucket > b.bucket || (a.bucket == b.bucket && a.id > b.id);
}

enum jt_err jt_cards_stragglers(struct jt_db *db, uint8_t key_id, struct jt_card_cursor *cursor,
                                struct jt_card_cursor to, struct jt_card_row *rows, size_t max,
                                size_t *n)
{
    *n = 0;
    struct jt_params p;
    jt_params_init(&p);
    jt_params_i16(&p, key_id);
    jt_params_i16(&p, (int16_t)cursor->bucket);
    jt_params_u63(&p, cursor->id);
    jt_params_u63(&p, max);
    PGresult *res;
    enum jt_err err = query(db, JT_SQL_STRAGGLERS, &p, max, &res);
    struct jt_card_cursor at = *cursor;
    size_t n_within = 0;
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        const struct jt_card_cursor here = { jt_row_u8(&row, 0), jt_row_u63(&row, 2) };
        if (is_behind(here, to)) {
            break; /* another range's */
        }
        jt_card_row_read(&row, 1, &rows[n_within]);
        rows[n_within++].bucket = here.bucket;
        at = here;
        err = jt_row_status(&row);
    }
    if (err == JT_OK) {
        *cursor = at;
        *n = n_within;
    }
    PQclear(res);
    return err;
}

enum jt_err jt_cards_cut(struct jt_db *db, uint8_t key_id, struct jt_card_cursor from, size_t n,
                         struct jt_card_cursor *out)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_i16(&p, key_id);
    jt_params_i16(&p, (int16_t)from.bucket);
    jt_params_u63(&p, from.id);
    jt_params_u63(&p, n - 1);
    *out = JT_CARD_CURSOR_END;
    /* inside the transaction that hands the range out */
    PGresult *res;
    enum jt_err err = jt_db_query(db, jt_statements[JT_SQL_CUT].sql, &p, &res);
    if (err == JT_OK && PQntuples(res) > 0) {
        struct jt_row row = jt_row_init(res, 0);
        out->bucket = jt_row_u8(&row, 0);
        out->id = jt_row_u63(&row, 1);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_cards_newest(struct jt_db *db, const uint8_t *key_ids, size_t n_key_ids,
                            size_t max_each, struct jt_card_row *rows, size_t *n)
{
    *n = 0;
    struct jt_params p;
    jt_params_init(&p);
    jt_params_key_ids(&p, key_ids, n_key_ids);
    jt_params_u63(&p, max_each);
    PGresult *res;
    enum jt_err err = query(db, JT_SQL_NEWEST, &p, n_key_ids * max_each, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        jt_card_row_read(&row, 0, &rows[i]);
        err = jt_row_status(&row);
    }
    if (err == JT_OK) {
        *n = (size_t)PQntuples(res);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_cards_key_ids(struct jt_db *db, uint8_t out[static JT_KEY_ID_SET_LEN])
{
    memset(out, 0, 32);
    struct jt_params p;
    jt_params_init(&p);
    PGresult *res;
    enum jt_err err = query(db, JT_SQL_KEY_IDS, &p, 255, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        uint8_t key_id = jt_row_u8(&row, 0);
        jt_key_id_set_add(out, key_id);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}
