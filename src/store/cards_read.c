/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cards.h"

#include "base/container.h"
#include "store/audit_params.h"
#include "store/card_row.h"
#include "store/txn.h"

#include <stdlib.h>

static void add_ids(struct jt_params *p, const uint64_t *ids, size_t n)
{
    jt_params_array(p, JT_PG_INT8_ARRAY, n, 8);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u63(p, ids[i]);
    }
}

/* Whether a transaction of `n` can be submitted now. */
static enum jt_err check_size(const struct jt_pipe *pipe, size_t n)
{
    if (!jt_pipe_ready(pipe)) {
        return JT_ERR_DB_AWAY;
    }
    return n > JT_STORE_MAX_CARDS ? JT_ERR_LIMIT : JT_OK;
}

/* The place that a row names, counted from 0; the row turns bad when there is none. */
static size_t place_of(struct jt_row *row, size_t n)
{
    uint64_t number = jt_row_u63(row, 0);
    if (row->bad || number == 0 || number > n) {
        row->bad = true;
        return 0;
    }
    return number - 1;
}

struct reading {
    struct jt_txn txn;
    uint64_t epoch;
    size_t n, max_rows; /* cards asked for; rows that these can have */
    struct jt_card_found *cards;
    jt_cards_read_fn *done;
    void *arg;
};

static void reading_free(struct reading *r)
{
    jt_txn_clear(&r->txn);
    free(r->cards);
    free(r);
}

/* A card; or that it is gone, of a numeric token that was issued. */
static void take_one(struct jt_row *row, struct jt_card_found *card)
{
    card->id = jt_row_is_null(row, 1) ? 0 : jt_row_u63(row, 1);
    if (card->id == 0 || !jt_row_is_null(row, 2)) {
        jt_card_row_read(row, 2, &card->row);
        card->n_rows++;
    }
}

/* One row of place 0 with the epoch, then the cards. */
static enum jt_err take_cards(struct jt_txn *txn, enum jt_statement statement, const PGresult *res)
{
    (void)statement;
    struct reading *r = jt_container_of(txn, struct reading, txn);
    if (PQntuples(res) < 1 || (size_t)PQntuples(res) > 1 + r->max_rows) {
        return JT_ERR_DB_FAULT;
    }
    struct jt_row head = jt_row_init(res, 0);
    if (jt_row_u63(&head, 0) != 0) {
        return JT_ERR_DB_FAULT;
    }
    r->epoch = jt_row_is_null(&head, 1) ? 0 : jt_row_u63(&head, 1);
    enum jt_err err = jt_row_status(&head);
    for (int i = 1; i < PQntuples(res) && err == JT_OK; i++) {
        struct jt_row row = jt_row_init(res, i);
        struct jt_card_found *card = &r->cards[place_of(&row, r->n)];
        take_one(&row, card);
        err = jt_row_status(&row);
    }
    return err;
}

static void finish_reading(struct jt_txn *txn, enum jt_err err)
{
    struct reading *r = jt_container_of(txn, struct reading, txn);
    const struct jt_read_result result = { .epoch = r->epoch, .n = r->n, .cards = r->cards };
    r->done(r->arg, err, err == JT_OK ? &result : NULL);
    reading_free(r);
}

static struct reading *reading_new(size_t n, size_t max_rows)
{
    struct reading *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    r->n = n;
    r->max_rows = max_rows;
    r->cards = calloc(n + 1, sizeof *r->cards);
    if (r->cards == NULL) {
        reading_free(r);
        return NULL;
    }
    r->txn.take = take_cards;
    r->txn.finish = finish_reading;
    return r;
}

static enum jt_err submit_reading(struct jt_pipe *pipe, struct reading *r, jt_cards_read_fn *done,
                                  void *arg)
{
    r->done = done;
    r->arg = arg;
    enum jt_err err = jt_pipe_submit(pipe, &r->txn);
    if (err != JT_OK) {
        reading_free(r);
    }
    return err;
}

enum jt_err jt_cards_read(struct jt_pipe *pipe, const uint64_t *ids, size_t n, const uint8_t *live,
                          size_t n_live, jt_cards_read_fn *done, void *arg)
{
    enum jt_err err = check_size(pipe, n);
    if (err != JT_OK) {
        return err;
    }
    struct reading *r = reading_new(n, n * n_live);
    if (r == NULL) {
        return JT_ERR_NOMEM;
    }
    struct jt_params *p = jt_txn_step(&r->txn, JT_SQL_READ_CARDS);
    add_ids(p, ids, n);
    jt_params_key_ids(p, live, n_live);
    return submit_reading(pipe, r, done, arg);
}

static void add_toks(struct jt_params *p, const struct jt_tok_wanted *toks, size_t n)
{
    jt_params_array(p, JT_PG_INT8_ARRAY, n, 8);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u63(p, toks[i].place + 1u);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, toks[i].field);
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, n, JT_TOK_LEN);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(p, toks[i].tok, JT_TOK_LEN);
    }
}

enum jt_err jt_cards_read_toks(struct jt_pipe *pipe, const uint64_t *ids, size_t n,
                               const uint8_t *live, size_t n_live, const struct jt_tok_wanted *toks,
                               size_t n_toks, jt_cards_read_fn *done, void *arg)
{
    if (n_toks == 0) {
        return jt_cards_read(pipe, ids, n, live, n_live, done, arg);
    }
    enum jt_err err = check_size(pipe, n);
    struct reading *r = err == JT_OK ? reading_new(n, n * (n_live > 0 ? n_live : 1)) : NULL;
    if (r == NULL) {
        return err == JT_OK ? JT_ERR_NOMEM : err;
    }
    struct jt_params *p = jt_txn_step(&r->txn, JT_SQL_READ_NUMERIC);
    add_ids(p, ids, n);
    jt_params_key_ids(p, live, n_live);
    add_toks(p, toks, n_toks);
    return submit_reading(pipe, r, done, arg);
}

/* --- lookup --- */

static void add_wanted(struct jt_params *p, const struct jt_card_wanted *wanted, size_t n)
{
    jt_params_array(p, JT_PG_INT8_ARRAY, n, 8);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u63(p, wanted[i].place + 1u);
    }
    jt_params_array(p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_i16(p, wanted[i].key_id);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, wanted[i].field);
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, n, JT_FINGERPRINT_LEN);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(p, wanted[i].fingerprint, JT_FINGERPRINT_LEN);
    }
}

enum jt_err jt_cards_find(struct jt_pipe *pipe, const struct jt_card_wanted *wanted,
                          size_t n_wanted, size_t n_cards, jt_cards_read_fn *done, void *arg)
{
    enum jt_err err = check_size(pipe, n_cards);
    if (err == JT_OK && n_wanted > n_cards * JT_STORE_MAX_PROBED) {
        err = JT_ERR_LIMIT;
    }
    struct reading *r = err == JT_OK ? reading_new(n_cards, n_wanted) : NULL;
    if (r == NULL) {
        return err == JT_OK ? JT_ERR_NOMEM : err;
    }
    add_wanted(jt_txn_step(&r->txn, JT_SQL_LOOK_UP_CARDS), wanted, n_wanted);
    return submit_reading(pipe, r, done, arg);
}

/* --- rows that no live generation accounts for --- */

struct straying {
    struct jt_txn txn;
    size_t n;
    uint16_t *stranded;
    jt_cards_strays_fn *done;
    void *arg;
};

static void straying_free(struct straying *s)
{
    jt_txn_clear(&s->txn);
    free(s->stranded);
    free(s);
}

static enum jt_err take_strays(struct jt_txn *txn, enum jt_statement statement, const PGresult *res)
{
    (void)statement;
    struct straying *s = jt_container_of(txn, struct straying, txn);
    enum jt_err err = JT_OK;
    for (int i = 0; i < PQntuples(res) && err == JT_OK; i++) {
        struct jt_row row = jt_row_init(res, i);
        size_t place = place_of(&row, s->n);
        uint8_t key_id = jt_row_u8(&row, 1);
        err = jt_row_status(&row);
        if (err == JT_OK && key_id != 0) {
            s->stranded[place] = key_id;
        } else if (err == JT_OK && s->stranded[place] == 0) {
            s->stranded[place] = JT_STRAY_QUARANTINED;
        }
    }
    return err;
}

static void finish_straying(struct jt_txn *txn, enum jt_err err)
{
    struct straying *s = jt_container_of(txn, struct straying, txn);
    s->done(s->arg, err, err == JT_OK ? s->stranded : NULL, err == JT_OK ? s->n : 0);
    straying_free(s);
}

enum jt_err jt_cards_strays(struct jt_pipe *pipe, const uint64_t *ids, size_t n,
                            jt_cards_strays_fn *done, void *arg)
{
    enum jt_err err = check_size(pipe, n);
    if (err != JT_OK) {
        return err;
    }
    struct straying *s = calloc(1, sizeof *s);
    if (s == NULL || (s->stranded = calloc(n + 1, sizeof *s->stranded)) == NULL) {
        free(s);
        return JT_ERR_NOMEM;
    }
    s->n = n;
    s->txn.take = take_strays;
    s->txn.finish = finish_straying;
    s->done = done;
    s->arg = arg;
    add_ids(jt_txn_step(&s->txn, JT_SQL_FIND_STRAYS), ids, n);
    err = jt_pipe_submit(pipe, &s->txn);
    if (err != JT_OK) {
        straying_free(s);
    }
    return err;
}

/* --- the audit rows of reads --- */

struct auditing {
    struct jt_txn txn;
    jt_pipe_done_fn *done;
    void *arg;
};

static enum jt_err take_nothing(struct jt_txn *txn, enum jt_statement statement,
                                const PGresult *res)
{
    (void)txn;
    (void)statement;
    (void)res;
    return JT_OK;
}

static void auditing_free(struct auditing *a)
{
    jt_txn_clear(&a->txn);
    free(a);
}

static void finish_auditing(struct jt_txn *txn, enum jt_err err)
{
    struct auditing *a = jt_container_of(txn, struct auditing, txn);
    a->done(a->arg, err);
    auditing_free(a);
}

enum jt_err jt_cards_audit(struct jt_pipe *pipe, const struct jt_audit *audit,
                           jt_pipe_done_fn *done, void *arg)
{
    enum jt_err err = check_size(pipe, audit->n);
    if (err != JT_OK) {
        return err;
    }
    struct auditing *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return JT_ERR_NOMEM;
    }
    a->txn.take = take_nothing;
    a->txn.finish = finish_auditing;
    a->done = done;
    a->arg = arg;
    /*
     * In a block of its own: BEGIN refuses a server that cannot write, and the word that counts is
     * COMMIT's result.
     */
    (void)jt_txn_step(&a->txn, JT_SQL_BEGIN);
    jt_audit_params(jt_txn_step(&a->txn, JT_SQL_AUDIT), audit);
    (void)jt_txn_step(&a->txn, JT_SQL_COMMIT);
    err = jt_pipe_submit(pipe, &a->txn);
    if (err != JT_OK) {
        auditing_free(a);
    }
    return err;
}
