/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cards.h"

#include "base/container.h"
#include "model/lifetime.h"
#include "store/audit_params.h"
#include "store/card_row.h"
#include "store/numeric.h"
#include "store/ring_rule.h"
#include "store/sorted.h"

#include <stdlib.h>
#include <string.h>

/*
 * A card of the batch in the order in which the database sees it. A card that the caller repeats
 * has one place.
 */
struct place {
    uint32_t card; /* the caller's index of its first occurrence */
    uint32_t field;
    uint8_t fingerprint[JT_FINGERPRINT_LEN]; /* under the active generation */
    uint64_t expires_us;                     /* the latest of its occurrences */
    const struct jt_card_row *known;
    bool lost;               /* not written, and no row seen */
    int why;                 /* of a lost one: as in struct jt_card_outcome */
    uint8_t tok[JT_TOK_LEN]; /* of its numeric token */
    uint64_t n_taken;
};

struct tokenize {
    struct jt_txn txn;
    const struct jt_node_spec *node;
    uint64_t epoch;
    struct jt_keyref active;
    struct jt_pipe *pipe;
    struct jt_ring_check check;
    size_t n_cards, n_places, n_probes;
    struct place *places;
    uint32_t *place_of;       /* of each of the caller's cards */
    struct jt_card_row *rows; /* those that were found, n_rows of them */
    size_t n_rows;
    struct jt_card_outcome *outcomes; /* the answer */
    bool any_date;                    /* some card's lifetime ends */
    bool searching;                   /* the second round trip, for cards that lost a race */
    bool numeric;                     /* the batch has numeric tokens */
    bool numeric_behind, count_taken;
    uint32_t *firsts; /* of each place: the caller's index */
    jt_tokenize_fn *done;
    void *arg;
};

static void tokenize_free(struct tokenize *t)
{
    jt_txn_clear(&t->txn);
    free(t->places);
    free(t->place_of);
    free(t->firsts);
    free(t->rows);
    free(t->outcomes);
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
    t->outcomes = calloc(in->n_cards + 1, sizeof *t->outcomes);
    t->firsts = calloc(in->n_cards + 1, sizeof *t->firsts);
    t->numeric = jt_numeric_any(in);
    t->count_taken = in->count_taken;
    if (t->places == NULL || t->firsts == NULL || t->place_of == NULL || t->outcomes == NULL) {
        tokenize_free(t);
        return NULL;
    }
    return t;
}

/*
 * A card must be sealed under the generation that the transaction names: the database takes the key
 * id from the envelope.
 */
static enum jt_err check_input(const struct jt_tokenize_txn *in)
{
    if (in->n_cards > JT_STORE_MAX_CARDS ||
        in->n_probes > JT_STORE_MAX_CARDS * JT_STORE_MAX_PROBED ||
        in->audit.n > JT_STORE_MAX_CARDS || in->n_marks > JT_STORE_MAX_CARDS ||
        in->n_digit_probes > JT_STORE_MAX_CARDS * JT_STORE_MAX_PROBED ||
        in->n_draining >= JT_RING_MAX_LIVE) {
        return JT_ERR_LIMIT;
    }
    for (size_t i = 0; i < in->n_cards; i++) {
        const struct jt_card_new *c = &in->cards[i];
        if (c->envelope_len < JT_CARD_ENVELOPE_MIN || c->envelope_len > JT_CARD_ENVELOPE_MAX ||
            c->envelope[0] != in->key_id || (c->digits.packed_len > 0) != (c->tok != NULL) ||
            (c->value_tok != NULL && c->tok == NULL)) {
            return JT_ERR_INVALID;
        }
    }
    for (size_t i = 0; i < in->n_digit_probes; i++) {
        if (in->digit_probes[i].card >= in->n_cards) {
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
            memcpy(place->fingerprint, in->cards[keys[k].index].fingerprint, JT_FINGERPRINT_LEN);
            const uint8_t *tok = in->cards[keys[k].index].tok;
            if (tok != NULL) {
                memcpy(place->tok, tok, JT_TOK_LEN);
            }
            place->expires_us = in->cards[keys[k].index].expires_us;
            t->firsts[t->n_places - 1] = place->card;
        }
        struct place *its = &t->places[t->n_places - 1];
        its->expires_us = jt_lifetime_later(its->expires_us, in->cards[keys[k].index].expires_us);
        t->any_date = t->any_date || its->expires_us != JT_LIFETIME_ENDLESS;
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

static void add_cards(const struct tokenize *t, struct jt_params *p,
                      const struct jt_tokenize_txn *in)
{
    add_fields(t, p);
    jt_params_array(p, JT_PG_INT8_ARRAY, t->n_places, 8);
    for (size_t k = 0; k < t->n_places; k++) {
        jt_params_add_u63(p, in->cards[t->places[k].card].id);
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, t->n_places, JT_FINGERPRINT_LEN);
    for (size_t k = 0; k < t->n_places; k++) {
        jt_params_add_bytes(p, t->places[k].fingerprint, JT_FINGERPRINT_LEN);
    }
    jt_params_array(p, JT_PG_BYTEA_ARRAY, t->n_places, JT_PAN_ENVELOPE_MAX);
    for (size_t k = 0; k < t->n_places; k++) {
        const struct jt_card_new *c = &in->cards[t->places[k].card];
        jt_params_add_bytes(p, c->envelope, c->envelope_len);
    }
}

/* Where no card has a date, as in most batches, nothing is sent for any. */
static void add_dates(const struct tokenize *t, struct jt_params *p)
{
    size_t n = t->any_date ? t->n_places : 0;
    jt_params_array(p, JT_PG_TIMESTAMPTZ_ARRAY, n, 8);
    for (size_t k = 0; k < n; k++) {
        jt_params_add_time(p, t->places[k].expires_us);
    }
}

/* The probes of each place's first occurrence; `probes` has room for all of the caller's. */
static size_t choose_probes(const struct tokenize *t, const struct jt_card_probe *all, size_t n_all,
                            const struct jt_card_probe **probes)
{
    size_t n = 0;
    for (size_t i = 0; i < n_all; i++) {
        uint32_t card = all[i].card;
        if (t->places[t->place_of[card]].card == card) {
            probes[n++] = &all[i];
        }
    }
    return n;
}

static enum jt_err add_probes(const struct tokenize *t, struct jt_params *p,
                              const struct jt_tokenize_txn *in, const struct jt_card_probe *all,
                              size_t n_all, size_t *n_added)
{
    const struct jt_card_probe **probes = calloc(n_all + 1, sizeof *probes);
    if (probes == NULL) {
        return JT_ERR_NOMEM;
    }
    size_t n = choose_probes(t, all, n_all, probes);
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
    jt_params_array(p, JT_PG_UUID_ARRAY, n, JT_FINGERPRINT_LEN);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(p, probes[i]->fingerprint, JT_FINGERPRINT_LEN);
    }
    *n_added = n;
    free(probes);
    return JT_OK;
}

static enum jt_err add_numeric(const struct tokenize *t, const struct jt_numeric_batch *batch,
                               struct jt_params *p)
{
    const struct jt_tokenize_txn *in = batch->in;
    size_t ignored;
    jt_numeric_params(batch, p);
    return add_probes(t, p, in, in->digit_probes, in->n_digit_probes, &ignored);
}

static enum jt_err build(struct tokenize *t, const struct jt_tokenize_txn *in)
{
    enum jt_err err = assign_places(t, in);
    if (err != JT_OK) {
        return err;
    }
    const struct jt_numeric_batch batch = { in, t->firsts, t->n_places };
    jt_ring_rule_begin(&t->txn);
    if (t->numeric) {
        jt_numeric_lock(&batch, &t->txn);
    }
    bool alone = in->n_probes == 0 && in->n_draining == 0 && !t->numeric;
    struct jt_params *p = jt_txn_step(&t->txn, t->numeric ? JT_SQL_TOKENIZE_NUMERIC
                                               : alone    ? JT_SQL_TOKENIZE_ALONE
                                                          : JT_SQL_TOKENIZE);
    jt_ring_rule_guard(p, t->node, t->epoch, &t->active);
    jt_params_u31(p, in->writer);
    add_cards(t, p, in);
    jt_audit_params(p, &in->audit);
    if (!alone) {
        jt_params_key_ids(p, in->draining, in->n_draining);
        err = add_probes(t, p, in, in->probes, in->n_probes, &t->n_probes);
    }
    if (t->numeric && err == JT_OK) {
        err = add_numeric(t, &batch, p);
    }
    add_dates(t, p);
    if (in->n_marks > 0) {
        p = jt_txn_step(&t->txn, JT_SQL_ONCE_CARDS);
        jt_claims_params(p, in->marks, in->n_marks);
        jt_params_i16(p, in->key_id);
    }
    (void)jt_txn_step(&t->txn, JT_SQL_COMMIT);
    return err;
}

#define ROW_COLUMNS JT_N_COLUMNS(JT_CARD_ROW)

/*
 * A place and the row that has its fingerprint, or NULLs. The first that comes counts: it is
 * matched before use.
 */
static enum jt_err take_row(struct tokenize *t, const PGresult *res, int i, int column)
{
    struct jt_row row = jt_row_init(res, i);
    uint64_t number = jt_row_u63(&row, 0);
    if (row.bad || number == 0 || number > t->n_places) {
        return JT_ERR_DB_FAULT;
    }
    struct place *place = &t->places[number - 1];
    if (jt_row_is_null(&row, column)) {
        place->lost = true;
        place->why = t->numeric ? (int)jt_row_u31(&row, column + ROW_COLUMNS) : JT_CARD_RACED;
    } else if (place->known == NULL) {
        jt_card_row_read(&row, column, &t->rows[t->n_rows]);
        place->known = &t->rows[t->n_rows++];
        place->lost = false;
    }
    return jt_row_status(&row);
}

/* Whether all places are accounted for: those that no row speaks of were written. */
static bool adds_up(const struct tokenize *t, uint64_t n_written)
{
    size_t n_others = 0;
    for (size_t k = 0; k < t->n_places; k++) {
        n_others += t->places[k].lost || t->places[k].known != NULL;
    }
    return n_written == t->n_places - n_others;
}

static enum jt_err take_cards(struct tokenize *t, const PGresult *res)
{
    struct jt_row head = jt_row_init(res, 0);
    if (jt_row_u63(&head, 0) != 0) {
        return JT_ERR_DB_FAULT;
    }
    enum jt_err err = jt_ring_rule_take(&head, 1, t->epoch, &t->check);
    uint64_t n_written = jt_row_u63(&head, 4);
    t->numeric_behind = t->numeric && jt_row_u31(&head, 5 + ROW_COLUMNS) != 0;
    bool held = jt_ring_rule_held(&t->check, t->epoch);
    size_t n = (size_t)PQntuples(res) - 1;
    if (err != JT_OK || head.bad || n > (held ? t->n_places + t->n_probes : 0)) {
        return err != JT_OK ? err : JT_ERR_DB_FAULT;
    }
    t->rows = calloc(n + 1, sizeof *t->rows);
    err = t->rows == NULL ? JT_ERR_NOMEM : JT_OK;
    for (size_t i = 1; i <= n && err == JT_OK; i++) {
        err = take_row(t, res, (int)i, 5);
    }
    return err == JT_OK && held && !adds_up(t, n_written) ? JT_ERR_DB_FAULT : err;
}

/*
 * --- a second look for cards that another transaction inserted meanwhile, in a snapshot taken
 * after its commit ---
 */

/* A lost one that may have a row by now. */
static bool is_sought(const struct place *place)
{
    return place->lost && place->why == JT_CARD_RACED;
}

/* How many tokens of its kind were issued: of one, because it may take a while. */
static void build_count(struct tokenize *t)
{
    for (size_t k = 0; k < t->n_places && t->count_taken; k++) {
        if (t->places[k].lost && t->places[k].why == JT_CARD_TOKEN_TAKEN) {
            jt_numeric_count(t->places[k].field, t->places[k].tok, &t->txn);
            return;
        }
    }
}

/* The count is that of all which keep the same digits. */
static enum jt_err take_count(struct tokenize *t, const PGresult *res)
{
    struct jt_row row = jt_row_init(res, 0);
    uint64_t n_taken = jt_row_u63(&row, 0);
    const struct place *counted = NULL;
    for (size_t k = 0; k < t->n_places; k++) {
        struct place *place = &t->places[k];
        if (!place->lost || place->why != JT_CARD_TOKEN_TAKEN) {
            continue;
        }
        counted = counted == NULL ? place : counted;
        if (place->field == counted->field &&
            memcmp(place->tok, counted->tok, JT_TOK_CLASS_LEN) == 0) {
            place->n_taken = n_taken;
        }
    }
    return jt_row_status(&row);
}

static void build_search(struct tokenize *t)
{
    jt_txn_clear(&t->txn);
    struct jt_params *p = jt_txn_step(&t->txn, JT_SQL_FIND_CARDS);
    jt_ring_rule_guard(p, t->node, t->epoch, &t->active);
    size_t n = 0;
    for (size_t k = 0; k < t->n_places; k++) {
        n += is_sought(&t->places[k]);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t k = 0; k < t->n_places; k++) {
        if (is_sought(&t->places[k])) {
            jt_params_add_u31(p, t->places[k].field);
        }
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, n, JT_FINGERPRINT_LEN);
    for (size_t k = 0; k < t->n_places; k++) {
        if (is_sought(&t->places[k])) {
            jt_params_add_bytes(p, t->places[k].fingerprint, JT_FINGERPRINT_LEN);
        }
    }
    build_count(t);
}

/* The answer counts the lost places from 1; it ascends, so one walk over all places finds them. */
static enum jt_err take_search(struct tokenize *t, const PGresult *res)
{
    size_t k = 0, lost = 0;
    for (int i = 0; i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        uint64_t number = jt_row_u63(&row, 0);
        for (; k < t->n_places && lost < number; k++) {
            lost += is_sought(&t->places[k]);
        }
        if (row.bad || number == 0 || lost != number || t->places[k - 1].known != NULL) {
            return JT_ERR_DB_FAULT;
        }
        /* Every lost place had a row of the first answer, so there is room for its card. */
        struct jt_card_row *card = &t->rows[t->n_rows++];
        jt_card_row_read(&row, 1, card);
        if (row.bad) {
            return JT_ERR_DB_FAULT;
        }
        t->places[k - 1].known = card;
    }
    return JT_OK;
}

/* Whether a second round trip has anything to find out. */
static bool any_lost(const struct tokenize *t)
{
    for (size_t k = 0; k < t->n_places; k++) {
        const struct place *place = &t->places[k];
        if (is_sought(place) ||
            (place->lost && place->why == JT_CARD_TOKEN_TAKEN && t->count_taken)) {
            return true;
        }
    }
    return false;
}

/* --- the transaction's life --- */

static enum jt_err take(struct jt_txn *txn, enum jt_statement statement, const PGresult *res)
{
    struct tokenize *t = jt_container_of(txn, struct tokenize, txn);
    switch (statement) {
    case JT_SQL_TOKENIZE:
    case JT_SQL_TOKENIZE_NUMERIC:
    case JT_SQL_TOKENIZE_ALONE: return take_cards(t, res);
    case JT_SQL_FIND_CARDS: return take_search(t, res);
    case JT_SQL_NUMERIC_COUNT: return take_count(t, res);
    default: return JT_OK;
    }
}

static void answer(struct tokenize *t, enum jt_err err)
{
    bool held = jt_ring_rule_held(&t->check, t->epoch);
    for (size_t i = 0; i < t->n_cards && err == JT_OK; i++) {
        const struct place *place = &t->places[t->place_of[i]];
        struct jt_card_outcome *outcome = &t->outcomes[i];
        outcome->row = place->known;
        outcome->written = place->card;
        outcome->why = held ? place->why : JT_CARD_RACED;
        outcome->n_taken = place->n_taken;
        outcome->kind = place->known != NULL   ? JT_CARD_KNOWN
                        : place->lost || !held ? JT_CARD_LOST
                                               : JT_CARD_WRITTEN;
    }
    const struct jt_tokenize_result result = { .check = t->check,
                                               .numeric_behind = t->numeric_behind,
                                               .n = t->n_cards,
                                               .cards = t->outcomes };
    t->done(t->arg, err, err == JT_OK ? &result : NULL);
    tokenize_free(t);
}

static void finish(struct jt_txn *txn, enum jt_err err)
{
    struct tokenize *t = jt_container_of(txn, struct tokenize, txn);
    if (t->searching) {
        /* the first round trip is committed; what the second did not find the caller repeats */
        answer(t, JT_OK);
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

enum jt_err jt_cards_tokenize(struct jt_pipe *pipe, const struct jt_tokenize_txn *in,
                              jt_tokenize_fn *done, void *arg)
{
    if (!jt_pipe_ready(pipe)) {
        return JT_ERR_DB_AWAY;
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
