/* SPDX-License-Identifier: Apache-2.0 */
#include "store/numeric.h"

#include "base/buf.h"
#include "store/columns.h"
#include "store/history.h"
#include "store/query.h"
#include "store/txn.h"

#include <string.h>

_Static_assert(JT_NUMERIC_STRIPES == 32, "a bit each in a word");

/*
 * More are not counted: the count holds up the lane. It takes some 0.1 s; a kind with so many
 * tokens is not short of them.
 */
#define COUNT_MAX 1000000

bool jt_numeric_any(const struct jt_tokenize_txn *in)
{
    for (size_t i = 0; i < in->n_cards; i++) {
        if (in->cards[i].digits.packed_len > 0) {
            return true;
        }
    }
    return false;
}

/* --- locks --- */

static uint32_t stripe_of(const uint8_t fingerprint[static JT_FINGERPRINT_LEN])
{
    return UINT32_C(1) << fingerprint[0] % JT_NUMERIC_STRIPES;
}

/* Of the digits there is a probe under the active generation too: it is the first one of a card. */
static const struct jt_card_probe *digit_probe(const struct jt_tokenize_txn *in, uint32_t card)
{
    for (size_t i = 0; i < in->n_digit_probes; i++) {
        if (in->digit_probes[i].card == card && in->digit_probes[i].key_id == in->key_id) {
            return &in->digit_probes[i];
        }
    }
    return NULL;
}

void jt_numeric_lock(const struct jt_numeric_batch *b, struct jt_txn *txn)
{
    uint32_t stripes = 0;
    size_t n = 0;
    for (size_t k = 0; k < b->n && stripes != UINT32_MAX && b->in->n_digit_probes > 0; k++) {
        const struct jt_card_new *c = &b->in->cards[b->cards[k]];
        const struct jt_card_probe *probe =
            c->value_tok == NULL ? NULL : digit_probe(b->in, b->cards[k]);
        if (probe != NULL) {
            stripes |= stripe_of(c->fingerprint) | stripe_of(probe->fingerprint);
        }
    }
    for (uint32_t left = stripes; left != 0; left &= left - 1) {
        n++;
    }
    if (n == 0) {
        return;
    }
    struct jt_params *p = jt_txn_step(txn, JT_SQL_NUMERIC_LOCK);
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (uint32_t s = 0; s < JT_NUMERIC_STRIPES; s++) {
        if ((stripes & UINT32_C(1) << s) != 0) {
            jt_params_add_u31(p, s);
        }
    }
}

/* --- parameters --- */

static void add_toks(const struct jt_numeric_batch *b, bool of_values, struct jt_params *p)
{
    static const uint8_t none[JT_TOK_LEN];
    jt_params_array(p, JT_PG_UUID_ARRAY, b->n, JT_TOK_LEN);
    for (size_t k = 0; k < b->n; k++) {
        const struct jt_card_new *c = &b->in->cards[b->cards[k]];
        const uint8_t *tok = of_values ? c->value_tok : c->tok;
        jt_params_add_bytes(p, tok != NULL ? tok : none, JT_TOK_LEN);
    }
}

void jt_numeric_params(const struct jt_numeric_batch *b, struct jt_params *p)
{
    jt_params_array(p, JT_PG_BYTEA_ARRAY, b->n, JT_PAN_MAX_PACKED);
    for (size_t k = 0; k < b->n; k++) {
        const struct jt_digits *digits = &b->in->cards[b->cards[k]].digits;
        jt_params_add_bytes(p, digits->packed, digits->packed_len);
    }
    add_toks(b, false, p);
    add_toks(b, true, p);
    jt_params_u63(p, b->in->numeric_mark);
}

void jt_numeric_count(uint32_t field, const uint8_t tok[static JT_TOK_LEN], struct jt_txn *txn)
{
    uint8_t first[JT_TOK_LEN], last[JT_TOK_LEN];
    memset(first, 0, sizeof first);
    memset(last, 0xff, sizeof last);
    memcpy(first, tok, JT_TOK_CLASS_LEN);
    memcpy(last, tok, JT_TOK_CLASS_LEN);
    struct jt_params *p = jt_txn_step(txn, JT_SQL_NUMERIC_COUNT);
    jt_params_u31(p, field);
    jt_params_uuid(p, first);
    jt_params_uuid(p, last);
    jt_params_u63(p, COUNT_MAX);
}

/* --- the mark --- */

enum jt_err jt_numeric_mark_read(struct jt_db *db, struct jt_numeric_mark *out)
{
    PGresult *res = NULL;
    *out = (struct jt_numeric_mark){ 0 };
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = jt_db_query_one(db,
                              "SELECT m.mark, " JT_SQL_SYSTEM_IDENTIFIER ", " JT_SQL_TIMELINE
                              " FROM numeric_mark m",
                              NULL, &res);
    }
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        out->mark = jt_row_u63(&row, 0);
        out->system_identifier = jt_row_raw64(&row, 1, JT_PG_INT8);
        out->timeline = jt_row_u31(&row, 2);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_DB_FAULT : err;
}

enum jt_err jt_numeric_mark_raise(struct jt_db *db, uint64_t at_least)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, at_least);
    return jt_db_change(db, "UPDATE numeric_mark SET mark = mark + 1 WHERE mark >= $1", &p, NULL);
}

enum jt_err jt_numeric_find(struct jt_db *db, uint32_t field, const uint8_t tok[static JT_TOK_LEN],
                            uint64_t *id)
{
    *id = 0;
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, field);
    jt_params_uuid(&p, tok);
    PGresult *res = NULL;
    enum jt_err err = jt_db_query_one(
        db, "SELECT n.id FROM numeric_token n WHERE n.field = $1 AND n.tok = $2", &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *id = jt_row_u63(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_ERR_NO_TOKEN : err;
}
