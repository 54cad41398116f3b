#include "store/cards.h"

#include "store/audit_params.h"
#include "store/ring_rule.h"
#include "store/row.h"
#include "store/sorted.h"

#include <stdlib.h>
#include <string.h>

struct tokenize {
    struct jt_txn txn;
    uint64_t epoch;
    struct jt_ring_check check;
    size_t n_cards, n_probes;
    uint32_t *places; /* cards in sorted order: places[k] is the caller's index of the k-th */
    uint32_t *probed; /* the caller's index that each probe belongs to */
    uint8_t (*tokens)[16];
    bool *found;
    jt_tokenize_fn *done;
    void *arg;
};

static void tokenize_free(struct tokenize *t)
{
    jt_txn_clear(&t->txn);
    free(t->places);
    free(t->probed);
    free(t->tokens);
    free(t->found);
    free(t);
}

static struct tokenize *tokenize_new(const struct jt_tokenize_txn *in)
{
    struct tokenize *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return NULL;
    }
    t->epoch = in->epoch;
    t->n_cards = in->n_cards;
    t->n_probes = in->n_probes;
    t->places = calloc(in->n_cards + 1, sizeof *t->places);
    t->probed = calloc(in->n_probes + 1, sizeof *t->probed);
    t->tokens = calloc(in->n_cards + 1, sizeof *t->tokens);
    t->found = calloc(in->n_cards + 1, sizeof *t->found);
    if (t->places == NULL || t->probed == NULL || t->tokens == NULL || t->found == NULL) {
        tokenize_free(t);
        return NULL;
    }
    return t;
}

/* A card must be sealed under the generation that the transaction names: the database takes the key id from the envelope. */
static enum jt_err check_input(const struct jt_tokenize_txn *in)
{
    if (in->n_cards > JT_STORE_MAX_CARDS || in->n_probes > JT_STORE_MAX_CARDS * JT_WIRE_MAX_DRAINING || in->n_audit > JT_STORE_MAX_CARDS) {
        return JT_ERR_LIMIT;
    }
    for (size_t i = 0; i < in->n_cards; i++) {
        const struct jt_card_new *c = &in->cards[i];
        if (c->envelope_len < JT_CARD_ENVELOPE_MIN || c->envelope_len > JT_CARD_ENVELOPE_MAX || c->envelope[0] != in->key_id) {
            return JT_ERR_INVALID;
        }
    }
    for (size_t i = 0; i < in->n_probes; i++) {
        if (in->probes[i].card >= in->n_cards || in->probes[i].key_id == in->key_id) {
            return JT_ERR_INVALID;
        }
    }
    return JT_OK;
}

static void add_cards(struct tokenize *t, struct jt_params *p, const struct jt_tokenize_txn *in)
{
    jt_params_array(p, JT_PG_INT4_ARRAY, in->n_cards, 4);
    for (size_t k = 0; k < in->n_cards; k++) {
        jt_params_add_u31(p, in->cards[t->places[k]].field);
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, in->n_cards, 16);
    for (size_t k = 0; k < in->n_cards; k++) {
        jt_params_add_bytes(p, in->cards[t->places[k]].token, 16);
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, in->n_cards, 16);
    for (size_t k = 0; k < in->n_cards; k++) {
        jt_params_add_bytes(p, in->cards[t->places[k]].fingerprint, 16);
    }
    jt_params_array(p, JT_PG_BYTEA_ARRAY, in->n_cards, 28);
    for (size_t k = 0; k < in->n_cards; k++) {
        jt_params_add_bytes(p, in->cards[t->places[k]].envelope, in->cards[t->places[k]].envelope_len);
    }
}

/* The probes' places, which count cards in sorted order from 1. `place_of` is scratch for n_cards numbers. */
static void add_probes(struct tokenize *t, struct jt_params *p, const struct jt_tokenize_txn *in, uint32_t *place_of)
{
    for (size_t k = 0; k < in->n_cards; k++) {
        place_of[t->places[k]] = (uint32_t)k + 1;
    }
    jt_params_array(p, JT_PG_INT8_ARRAY, in->n_probes, 8);
    for (size_t i = 0; i < in->n_probes; i++) {
        jt_params_add_u63(p, place_of[in->probes[i].card]);
    }
    jt_params_array(p, JT_PG_INT2_ARRAY, in->n_probes, 2);
    for (size_t i = 0; i < in->n_probes; i++) {
        jt_params_add_i16(p, in->probes[i].key_id);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, in->n_probes, 4);
    for (size_t i = 0; i < in->n_probes; i++) {
        jt_params_add_u31(p, in->cards[in->probes[i].card].field);
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, in->n_probes, 16);
    for (size_t i = 0; i < in->n_probes; i++) {
        jt_params_add_bytes(p, in->probes[i].fingerprint, 16);
    }
}

/* First the cards under the active generation, in sorted order: neighbours in the index; then the probes. */
static void add_searches(struct tokenize *t, struct jt_params *p, const struct jt_tokenize_txn *in)
{
    size_t n = in->n_cards + in->n_probes;
    jt_params_array(p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t k = 0; k < in->n_cards; k++) {
        jt_params_add_i16(p, in->key_id);
    }
    for (size_t i = 0; i < in->n_probes; i++) {
        jt_params_add_i16(p, in->probes[i].key_id);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t k = 0; k < in->n_cards; k++) {
        jt_params_add_u31(p, in->cards[t->places[k]].field);
    }
    for (size_t i = 0; i < in->n_probes; i++) {
        jt_params_add_u31(p, in->cards[in->probes[i].card].field);
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, n, 16);
    for (size_t k = 0; k < in->n_cards; k++) {
        jt_params_add_bytes(p, in->cards[t->places[k]].fingerprint, 16);
    }
    for (size_t i = 0; i < in->n_probes; i++) {
        jt_params_add_bytes(p, in->probes[i].fingerprint, 16);
        t->probed[i] = in->probes[i].card;
    }
}

static enum jt_err sort_cards(struct tokenize *t, const struct jt_tokenize_txn *in)
{
    struct jt_sorted *keys = calloc(in->n_cards + 1, sizeof *keys);
    if (keys == NULL) {
        return JT_ERR_NOMEM;
    }
    for (size_t i = 0; i < in->n_cards; i++) {
        keys[i] = jt_sorted_key(in->cards[i].field, in->cards[i].fingerprint, (uint32_t)i);
    }
    jt_sorted_sort(keys, in->n_cards);
    for (size_t k = 0; k < in->n_cards; k++) {
        t->places[k] = keys[k].index;
    }
    free(keys);
    return JT_OK;
}

static enum jt_err build(struct tokenize *t, const struct jt_node *node, const struct jt_tokenize_txn *in)
{
    const struct jt_keyref active = { in->generation, in->key_id };
    enum jt_err err = sort_cards(t, in);
    uint32_t *place_of = calloc(in->n_cards + 1, sizeof *place_of);
    if (err != JT_OK || place_of == NULL) {
        free(place_of);
        return JT_ERR_NOMEM;
    }
    jt_ring_rule_begin(&t->txn, node, &active, NULL);
    struct jt_params *p = jt_txn_step(&t->txn, JT_SQL_INSERT_CARDS);
    jt_ring_rule_guard(p, node, in->epoch, &active);
    jt_params_u31(p, in->writer);
    add_cards(t, p, in);
    add_probes(t, p, in, place_of);
    free(place_of);

    p = jt_txn_step(&t->txn, JT_SQL_FIND_TOKENS);
    jt_ring_rule_guard(p, node, in->epoch, &active);
    add_searches(t, p, in);

    p = jt_txn_step(&t->txn, JT_SQL_AUDIT_IN_RING);
    jt_ring_rule_guard(p, node, in->epoch, &active);
    jt_audit_params(p, in->audit, in->n_audit);
    (void)jt_txn_step(&t->txn, JT_SQL_COMMIT);
    return jt_txn_status(&t->txn);
}

/* One row a search, in their order; none at all when the ring moved. */
static enum jt_err take_tokens(struct tokenize *t, const PGresult *res)
{
    size_t n = jt_ring_rule_held(&t->check, t->epoch) ? t->n_cards + t->n_probes : 0;
    if ((size_t)PQntuples(res) != n) {
        return JT_ERR_PROTOCOL;
    }
    for (size_t i = 0; i < n; i++) {
        struct jt_row row = jt_row_init(res, (int)i);
        uint32_t card = i < t->n_cards ? t->places[i] : t->probed[i - t->n_cards];
        if (!jt_row_is_null(&row, 0) && !t->found[card]) {
            jt_row_uuid(&row, 0, t->tokens[card]);
            t->found[card] = true;
        }
        if (row.bad) {
            return JT_ERR_PROTOCOL;
        }
    }
    return JT_OK;
}

static enum jt_err take(struct jt_txn *txn, enum jt_statement statement, const PGresult *res)
{
    struct tokenize *t = (struct tokenize *)txn;
    switch (statement) {
    case JT_SQL_CHECK: return jt_ring_rule_take(res, t->epoch, &t->check);
    case JT_SQL_FIND_TOKENS: return take_tokens(t, res);
    default: return JT_OK;
    }
}

static void finish(struct jt_txn *txn, enum jt_err err)
{
    struct tokenize *t = (struct tokenize *)txn;
    const struct jt_tokenize_result result = {
        .check = t->check, .n = t->n_cards, .tokens = (const uint8_t (*)[16])t->tokens, .found = t->found
    };
    t->done(t->arg, err, err == JT_OK ? &result : NULL);
    tokenize_free(t);
}

enum jt_err jt_cards_tokenize(struct jt_pipe *pipe, const struct jt_tokenize_txn *in, jt_tokenize_fn *done, void *arg)
{
    if (!jt_pipe_ready(pipe)) {
        return JT_ERR_UNAVAILABLE;
    }
    enum jt_err err = check_input(in);
    if (err != JT_OK) {
        return err;
    }
    struct tokenize *t = tokenize_new(in);
    if (t == NULL) {
        return JT_ERR_NOMEM;
    }
    t->txn.take = take;
    t->txn.finish = finish;
    t->done = done;
    t->arg = arg;
    err = build(t, jt_pipe_node(pipe), in);
    if (err == JT_OK) {
        err = jt_pipe_submit(pipe, &t->txn);
    }
    if (err != JT_OK) {
        tokenize_free(t);
    }
    return err;
}
