#include "store/cards.h"

#include "store/audit_params.h"
#include "store/row.h"
#include "store/txn.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    struct jt_txn txn;
    size_t n;
    struct jt_card_found *cards;
    uint8_t (*envelopes)[JT_CARD_ENVELOPE_MAX];
    jt_cards_read_fn *done;
    void *arg;
};

static void reading_free(struct reading *r)
{
    jt_txn_clear(&r->txn);
    free(r->cards);
    free(r->envelopes);
    free(r);
}

static enum jt_err take_envelopes(struct jt_txn *txn, enum jt_statement statement, const PGresult *res)
{
    (void)statement;
    struct reading *r = (struct reading *)txn;
    if ((size_t)PQntuples(res) != r->n) {
        return JT_ERR_PROTOCOL;
    }
    for (size_t i = 0; i < r->n; i++) {
        struct jt_row row = jt_row_init(res, (int)i);
        if (!jt_row_is_null(&row, 0)) {
            size_t len;
            const uint8_t *envelope = jt_row_bytes(&row, 0, JT_CARD_ENVELOPE_MAX, &len);
            if (envelope != NULL) {
                memcpy(r->envelopes[i], envelope, len);
                r->cards[i] = (struct jt_card_found){ true, r->envelopes[i], (uint16_t)len };
            }
        }
        if (row.bad) {
            return JT_ERR_PROTOCOL;
        }
    }
    return JT_OK;
}

static void finish_reading(struct jt_txn *txn, enum jt_err err)
{
    struct reading *r = (struct reading *)txn;
    r->done(r->arg, err, err == JT_OK ? r->cards : NULL, err == JT_OK ? r->n : 0);
    reading_free(r);
}

static struct reading *reading_new(const struct jt_card_key *keys, size_t n)
{
    struct reading *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    r->n = n;
    r->cards = calloc(n + 1, sizeof *r->cards);
    r->envelopes = calloc(n + 1, sizeof *r->envelopes);
    if (r->cards == NULL || r->envelopes == NULL) {
        reading_free(r);
        return NULL;
    }
    r->txn.take = take_envelopes;
    r->txn.finish = finish_reading;
    struct jt_params *p = jt_txn_step(&r->txn, JT_SQL_READ_CARDS);
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, keys[i].field);
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, n, 16);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(p, keys[i].token, 16);
    }
    return r;
}

enum jt_err jt_cards_read(struct jt_pipe *pipe, const struct jt_card_key *keys, size_t n, jt_cards_read_fn *done,
                          void *arg)
{
    if (!jt_pipe_ready(pipe)) {
        return JT_ERR_UNAVAILABLE;
    }
    if (n > JT_STORE_MAX_CARDS) {
        return JT_ERR_LIMIT;
    }
    struct reading *r = reading_new(keys, n);
    if (r == NULL) {
        return JT_ERR_NOMEM;
    }
    r->done = done;
    r->arg = arg;
    enum jt_err err = jt_pipe_submit(pipe, &r->txn);
    if (err != JT_OK) {
        reading_free(r);
    }
    return err;
}

/* --- the audit rows of reads --- */

struct auditing {
    struct jt_txn txn;
    jt_pipe_done_fn *done;
    void *arg;
};

static enum jt_err take_nothing(struct jt_txn *txn, enum jt_statement statement, const PGresult *res)
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
    struct auditing *a = (struct auditing *)txn;
    a->done(a->arg, err);
    auditing_free(a);
}

enum jt_err jt_cards_audit(struct jt_pipe *pipe, const struct jt_audit_row *rows, size_t n, jt_pipe_done_fn *done,
                           void *arg)
{
    if (!jt_pipe_ready(pipe)) {
        return JT_ERR_UNAVAILABLE;
    }
    if (n > JT_STORE_MAX_CARDS) {
        return JT_ERR_LIMIT;
    }
    struct auditing *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return JT_ERR_NOMEM;
    }
    a->txn.take = take_nothing;
    a->txn.finish = finish_auditing;
    a->done = done;
    a->arg = arg;
    /* In a block of its own: BEGIN refuses a server that cannot write, and the word that counts is COMMIT's result. */
    (void)jt_txn_step(&a->txn, JT_SQL_BEGIN);
    struct jt_params *p = jt_txn_step(&a->txn, JT_SQL_AUDIT);
    jt_params_text(p, jt_pipe_node(pipe)->name);
    jt_audit_params(p, rows, n);
    (void)jt_txn_step(&a->txn, JT_SQL_COMMIT);
    enum jt_err err = jt_pipe_submit(pipe, &a->txn);
    if (err != JT_OK) {
        auditing_free(a);
    }
    return err;
}
