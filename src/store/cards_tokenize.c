#include "store/cards.h"

#include "store/audit_params.h"
#include "store/ring_rule.h"
#include "store/row.h"
#include "store/sorted.h"

#include <stdlib.h>
#include <string.h>

/* A card of the batch in the order in which the database sees it. A card that the caller repeats has one place. */
struct place {
    uint32_t card; /* the caller's index of its first occurrence */
    uint32_t field;
    uint8_t fingerprint[16]; /* under the active generation */
    uint8_t token[16];
    bool found;
};

struct tokenize {
    struct jt_txn txn;
    const struct jt_node *node;
    uint64_t epoch;
    struct jt_keyref active;
    struct jt_pipe *pipe;
    struct jt_ring_check check;
    size_t n_cards, n_places, n_probes;
    struct place *places;
    uint32_t *place_of; /* of each of the caller's cards */
    uint8_t (*tokens)[16]; /* the answer */
    bool *found;
    bool searching; /* the second round trip, for cards that lost a race */
    jt_tokenize_fn *done;
    void *arg;
};

static void tokenize_free(struct tokenize *t)
{
    jt_txn_clear(&t->txn);
    free(t->places);
    free(t->place_of);
    free(t->tokens);
    free(t->found);
    free(t);
}

static struct tokenize *tokenize_new(struct jt_pipe *pipe, const struct jt_tokenize_txn *in)
{
    struct tokenize *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return NULL;
    }
    t->pipe = pipe;
    t->node = jt_pipe_node(pipe);
    t->epoch = in->epoch;
    t->active = (struct jt_keyref){ in->generation, in->key_id };
    t->n_cards = in->n_cards;
    t->places = calloc(in->n_cards + 1, sizeof *t->places);
    t->place_of = calloc(in->n_cards + 1, sizeof *t->place_of);
    t->tokens = calloc(in->n_cards + 1, sizeof *t->tokens);
    t->found = calloc(in->n_cards + 1, sizeof *t->found);
    if (t->places == NULL || t->place_of == NULL || t->tokens == NULL || t->found == NULL) {
        tokenize_free(t);
        return NULL;
    }
    return t;
}

/*
 * A card must be sealed under the generation that the transaction names: the database takes the key id from the
 * envelope.
 */
static enum jt_err check_input(const struct jt_tokenize_txn *in)
{
    if (in->n_cards > JT_STORE_MAX_CARDS || in->n_probes > JT_STORE_MAX_CARDS * JT_WIRE_MAX_DRAINING ||
        in->n_audit > JT_STORE_MAX_CARDS) {
        return JT_ERR_LIMIT;
    }
    for (size_t i = 0; i < in->n_cards; i++) {
        const struct jt_card_new *c = &in->cards[i];
        if (c->envelope_len < JT_CARD_ENVELOPE_MIN || c->envelope_len > JT_CARD_ENVELOPE_MAX ||
            c->envelope[0] != in->key_id) {
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

static enum jt_err assign_places(struct tokenize *t, const struct jt_tokenize_txn *in)
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
        if (k == 0 || !jt_sorted_same(&keys[k - 1], &keys[k])) {
            struct place *place = &t->places[t->n_places++];
            place->card = keys[k].index;
            place->field = keys[k].field;
            memcpy(place->fingerprint, in->cards[keys[k].index].fingerprint, 16);
        }
        t->place_of[keys[k].index] = (uint32_t)t->n_places - 1;
    }
    free(keys);
    return JT_OK;
}

static void add_fields(const struct tokenize *t, struct jt_params *p)
{
    jt_params_array(p, JT_PG_INT4_ARRAY, t->n_places, 4);
    for (size_t k = 0; k < t->n_places; k++) {
        jt_params_add_u31(p, t->places[k].field);
    }
}

static void add_cards(const struct tokenize *t, struct jt_params *p, const struct jt_tokenize_txn *in)
{
    add_fields(t, p);
    jt_params_array(p, JT_PG_UUID_ARRAY, t->n_places, 16);
    for (size_t k = 0; k < t->n_places; k++) {
        jt_params_add_bytes(p, in->cards[t->places[k].card].token, 16);
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, t->n_places, 16);
    for (size_t k = 0; k < t->n_places; k++) {
        jt_params_add_bytes(p, t->places[k].fingerprint, 16);
    }
    jt_params_array(p, JT_PG_BYTEA_ARRAY, t->n_places, 28);
    for (size_t k = 0; k < t->n_places; k++) {
        const struct jt_card_new *c = &in->cards[t->places[k].card];
        jt_params_add_bytes(p, c->envelope, c->envelope_len);
    }
}

/* The probes of each place's first occurrence; `probes` has room for all of the caller's. */
static size_t choose_probes(const struct tokenize *t, const struct jt_tokenize_txn *in,
                            const struct jt_card_probe **probes)
{
    size_t n = 0;
    for (size_t i = 0; i < in->n_probes; i++) {
        uint32_t card = in->probes[i].card;
        if (t->places[t->place_of[card]].card == card) {
            probes[n++] = &in->probes[i];
        }
    }
    return n;
}

static enum jt_err add_probes(struct tokenize *t, struct jt_params *p, const struct jt_tokenize_txn *in)
{
    const struct jt_card_probe **probes = calloc(in->n_probes + 1, sizeof *probes);
    if (probes == NULL) {
        return JT_ERR_NOMEM;
    }
    size_t n = choose_probes(t, in, probes);
    jt_params_array(p, JT_PG_INT8_ARRAY, n, 8);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u63(p, t->place_of[probes[i]->card] + 1u);
    }
    jt_params_array(p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_i16(p, probes[i]->key_id);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, in->cards[probes[i]->card].field);
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, n, 16);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(p, probes[i]->fingerprint, 16);
    }
    t->n_probes = n;
    free(probes);
    return JT_OK;
}

static enum jt_err build(struct tokenize *t, const struct jt_tokenize_txn *in)
{
    enum jt_err err = assign_places(t, in);
    if (err != JT_OK) {
        return err;
    }
    jt_ring_rule_begin(&t->txn, t->node, &t->active, NULL);
    struct jt_params *p = jt_txn_step(&t->txn, JT_SQL_TOKENIZE);
    jt_ring_rule_guard(p, t->node, t->epoch, &t->active);
    jt_params_u31(p, in->writer);
    add_cards(t, p, in);
    err = add_probes(t, p, in);
    p = jt_txn_step(&t->txn, JT_SQL_AUDIT_IN_RING);
    jt_ring_rule_guard(p, t->node, t->epoch, &t->active);
    jt_audit_params(p, in->audit, in->n_audit);
    (void)jt_txn_step(&t->txn, JT_SQL_COMMIT);
    return err;
}

static enum jt_err take_tokens(struct tokenize *t, const PGresult *res)
{
    size_t max = jt_ring_rule_held(&t->check, t->epoch) ? t->n_places + t->n_probes : 0;
    if ((size_t)PQntuples(res) > max) {
        return JT_ERR_PROTOCOL;
    }
    for (int i = 0; i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        uint64_t number = jt_row_u63(&row, 0);
        if (row.bad || number == 0 || number > t->n_places) {
            return JT_ERR_PROTOCOL;
        }
        struct place *place = &t->places[number - 1];
        if (!jt_row_is_null(&row, 1) && !place->found) {
            jt_row_uuid(&row, 1, place->token);
            place->found = true;
        }
        if (row.bad) {
            return JT_ERR_PROTOCOL;
        }
    }
    return JT_OK;
}

/* --- a second look for cards that another transaction inserted meanwhile, in a snapshot taken after its commit --- */

static void build_search(struct tokenize *t)
{
    jt_txn_clear(&t->txn);
    t->txn.n_steps = 0;
    struct jt_params *p = jt_txn_step(&t->txn, JT_SQL_FIND_TOKENS);
    jt_ring_rule_guard(p, t->node, t->epoch, &t->active);
    size_t n = 0;
    for (size_t k = 0; k < t->n_places; k++) {
        n += !t->places[k].found;
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t k = 0; k < t->n_places; k++) {
        if (!t->places[k].found) {
            jt_params_add_u31(p, t->places[k].field);
        }
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, n, 16);
    for (size_t k = 0; k < t->n_places; k++) {
        if (!t->places[k].found) {
            jt_params_add_bytes(p, t->places[k].fingerprint, 16);
        }
    }
}

/* One row for each place that was not found, in order; none when the ring moved meanwhile. */
static enum jt_err take_search(struct tokenize *t, const PGresult *res)
{
    int i = 0;
    for (size_t k = 0; k < t->n_places && i < PQntuples(res); k++) {
        if (t->places[k].found) {
            continue;
        }
        struct jt_row row = jt_row_init(res, i++);
        if (!jt_row_is_null(&row, 0)) {
            jt_row_uuid(&row, 0, t->places[k].token);
            t->places[k].found = !row.bad;
        }
        if (row.bad) {
            return JT_ERR_PROTOCOL;
        }
    }
    return i == PQntuples(res) ? JT_OK : JT_ERR_PROTOCOL;
}

static bool any_lost(const struct tokenize *t)
{
    if (!jt_ring_rule_held(&t->check, t->epoch)) {
        return false;
    }
    for (size_t k = 0; k < t->n_places; k++) {
        if (!t->places[k].found) {
            return true;
        }
    }
    return false;
}

/* --- the transaction's life --- */

static enum jt_err take(struct jt_txn *txn, enum jt_statement statement, const PGresult *res)
{
    struct tokenize *t = (struct tokenize *)txn;
    switch (statement) {
    case JT_SQL_CHECK: return jt_ring_rule_take(res, t->epoch, &t->check);
    case JT_SQL_TOKENIZE: return take_tokens(t, res);
    case JT_SQL_FIND_TOKENS: return take_search(t, res);
    default: return JT_OK;
    }
}

static void answer(struct tokenize *t, enum jt_err err)
{
    for (size_t i = 0; i < t->n_cards && err == JT_OK; i++) {
        const struct place *place = &t->places[t->place_of[i]];
        memcpy(t->tokens[i], place->token, 16);
        t->found[i] = place->found;
    }
    const struct jt_tokenize_result result = {
        .check = t->check, .n = t->n_cards, .tokens = (const uint8_t (*)[16])t->tokens, .found = t->found
    };
    t->done(t->arg, err, err == JT_OK ? &result : NULL);
    tokenize_free(t);
}

static void finish(struct jt_txn *txn, enum jt_err err)
{
    struct tokenize *t = (struct tokenize *)txn;
    if (t->searching) {
        answer(t, JT_OK); /* the first round trip is committed; what the second did not find the caller repeats */
        return;
    }
    if (err == JT_OK && any_lost(t)) {
        t->searching = true;
        build_search(t);
        if (jt_pipe_submit(t->pipe, &t->txn) == JT_OK) {
            return;
        }
    }
    answer(t, err);
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
    struct tokenize *t = tokenize_new(pipe, in);
    if (t == NULL) {
        return JT_ERR_NOMEM;
    }
    t->txn.take = take;
    t->txn.finish = finish;
    t->done = done;
    t->arg = arg;
    err = build(t, in);
    if (err == JT_OK) {
        err = jt_pipe_submit(pipe, &t->txn);
    }
    if (err != JT_OK) {
        tokenize_free(t);
    }
    return err;
}
