/* SPDX-License-Identifier: Apache-2.0 */
#include "store/claims.h"

#include "base/container.h"
#include "store/cards.h"
#include "store/query.h"
#include "store/sql.h"
#include "store/txn.h"

#include <stdlib.h>
#include <string.h>

#define CARD_LEN 12 /* place and id, as they are stored */
/* Beside an id, which has 63 bits: the card was there before. */
#define KNOWN (UINT64_C(1) << 63)

/* The row of the count that the expiry adds to. */
#define EXPIRY_WRITER 0

struct claiming {
    struct jt_txn txn;
    size_t n;
    struct jt_claim_result *results;
    jt_claims_fn *done;
    void *arg;
};

static void claiming_free(struct claiming *c)
{
    jt_txn_clear(&c->txn);
    for (size_t i = 0; i < c->n && c->results != NULL; i++) {
        free(c->results[i].cards);
    }
    free(c->results);
    free(c);
}

static struct claiming *claiming_new(size_t n)
{
    struct claiming *c = calloc(1, sizeof *c);
    if (c != NULL && (c->results = calloc(n + 1, sizeof *c->results)) == NULL) {
        free(c);
        return NULL;
    }
    for (size_t i = 0; i < n && c != NULL; i++) {
        /* of which no row speaks: somebody has it locked */
        c->results[i].err = JT_ERR_ONCE_RUNNING;
        c->n = n;
    }
    return c;
}

/* --- parameters --- */

static void add_text(struct jt_params *p, const char *text)
{
    jt_params_add_bytes(p, text, strlen(text));
}

/* Clients, keys and attempts. */
static void add_claims(struct jt_params *p, const struct jt_claim *const *claims, size_t n)
{
    jt_params_array(p, JT_PG_TEXT_ARRAY, n, 16);
    for (size_t i = 0; i < n; i++) {
        add_text(p, claims[i]->client);
    }
    jt_params_array(p, JT_PG_TEXT_ARRAY, n, 40);
    for (size_t i = 0; i < n; i++) {
        add_text(p, claims[i]->key);
    }
}

static void add_attempts(struct jt_params *p, const struct jt_claim *const *claims, size_t n)
{
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, claims[i]->attempt);
    }
}

static void add_macs(struct jt_params *p, const struct jt_claim *const *claims, size_t n)
{
    jt_params_array(p, JT_PG_UUID_ARRAY, n, JT_ROW_MAC_LEN);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(p, claims[i]->mac, JT_ROW_MAC_LEN);
    }
}

void jt_claims_params(struct jt_params *p, const struct jt_claim_mark *marks, size_t n)
{
    const struct jt_claim *claims[JT_STORE_MAX_CARDS];
    size_t n_claims = 0;
    claims[0] = NULL;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || marks[i].claim != marks[i - 1].claim) {
            claims[n_claims++] = marks[i].claim;
        }
    }
    add_claims(p, claims, n_claims);
    add_attempts(p, claims, n_claims);
    jt_params_array(p, JT_PG_UUID_ARRAY, n, JT_ROW_MAC_LEN);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(p, marks[i].claim->mac, JT_ROW_MAC_LEN);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, marks[i].card.place);
    }
    jt_params_array(p, JT_PG_INT8_ARRAY, n, 8);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u63(p, marks[i].card.id);
    }
}

static void add_cards(struct jt_params *p, const struct jt_claim_release *r)
{
    struct jt_buf cards;
    jt_buf_init(&cards, r->n_cards * CARD_LEN);
    for (size_t i = 0; i < r->n_cards; i++) {
        jt_buf_u32(&cards, r->cards[i].place);
        jt_buf_u64(&cards, r->cards[i].id | (r->cards[i].known ? KNOWN : 0));
    }
    jt_params_add_bytes(p, cards.data, cards.len);
    jt_buf_clear(&cards);
}

static void add_releases(struct jt_params *p, const struct jt_claim_txn *in,
                         const struct jt_claim **claims)
{
    for (size_t i = 0; i < in->n_releases; i++) {
        claims[i] = in->releases[i].claim;
    }
    add_claims(p, claims, in->n_releases);
    add_attempts(p, claims, in->n_releases);
    add_macs(p, claims, in->n_releases);
    jt_params_array(p, JT_PG_BYTEA_ARRAY, in->n_releases, CARD_LEN);
    for (size_t i = 0; i < in->n_releases; i++) {
        add_cards(p, &in->releases[i]);
    }
}

/* --- the transaction --- */

static struct jt_claim_result *result_of(struct claiming *c, struct jt_row *row)
{
    uint64_t place = jt_row_u63(row, 0);
    if (row->bad || place == 0 || place > c->n) {
        row->bad = true;
        return NULL;
    }
    return &c->results[place - 1];
}

/* Place, state and attempt of each claim that is told of. */
static enum jt_err take_states(struct claiming *c, const PGresult *res)
{
    static const enum jt_err states[] = { JT_OK, JT_ERR_ONCE_RUNNING, JT_ERR_ONCE_OTHER,
                                          JT_ERR_ONCE_FULL };
    enum jt_err err = JT_OK;
    for (int i = 0; i < PQntuples(res) && err == JT_OK; i++) {
        struct jt_row row = jt_row_init(res, i);
        struct jt_claim_result *result = result_of(c, &row);
        uint32_t state = jt_row_u31(&row, 1);
        uint32_t attempt = jt_row_u31(&row, 2);
        err = state >= sizeof states / sizeof states[0] ? JT_ERR_DB_FAULT : jt_row_status(&row);
        if (err == JT_OK) {
            result->err = states[state];
            result->attempt = attempt;
        }
    }
    return err;
}

static enum jt_err append(struct jt_claim_result *result, struct jt_reader in)
{
    size_t n = in.left / CARD_LEN;
    struct jt_claim_card *cards =
        realloc(result->cards, (result->n_cards + n) * sizeof *cards + sizeof *cards);
    if (cards == NULL) {
        return JT_ERR_NOMEM;
    }
    result->cards = cards;
    for (size_t i = 0; i < n; i++) {
        struct jt_claim_card *card = &cards[result->n_cards++];
        card->place = jt_reader_u32(&in);
        uint64_t id = jt_reader_u64(&in);
        card->id = id & ~KNOWN;
        card->known = (id & KNOWN) != 0;
    }
    return in.left == 0 ? JT_OK : JT_ERR_DB_FAULT;
}

static enum jt_err take_cards(struct claiming *c, const PGresult *res)
{
    enum jt_err err = JT_OK;
    for (int i = 0; i < PQntuples(res) && err == JT_OK; i++) {
        struct jt_row row = jt_row_init(res, i);
        struct jt_claim_result *result = result_of(c, &row);
        size_t len;
        const uint8_t *cards = jt_row_bytes(&row, 1, JT_PARAMS_MAX_BYTES, &len);
        err = jt_row_status(&row);
        if (err == JT_OK) {
            err = append(result, jt_reader_init(cards, len));
        }
    }
    return err;
}

static enum jt_err take(struct jt_txn *txn, enum jt_statement statement, const PGresult *res)
{
    struct claiming *c = jt_container_of(txn, struct claiming, txn);
    switch (statement) {
    case JT_SQL_ONCE_TAKE: return take_states(c, res);
    case JT_SQL_ONCE_KNOWN: return take_cards(c, res);
    default: return JT_OK;
    }
}

static void finish(struct jt_txn *txn, enum jt_err err)
{
    struct claiming *c = jt_container_of(txn, struct claiming, txn);
    c->done(c->arg, err, c->results, err == JT_OK ? c->n : 0);
    claiming_free(c);
}

static void build_claims(struct claiming *c, const struct jt_claim_txn *in,
                         const struct jt_node_spec *node)
{
    struct jt_params *p = jt_txn_step(&c->txn, JT_SQL_ONCE_OLD);
    add_claims(p, in->claims, in->n_claims);
    jt_params_u31(p, in->writer);
    p = jt_txn_step(&c->txn, JT_SQL_ONCE_NEW);
    add_claims(p, in->claims, in->n_claims);
    add_macs(p, in->claims, in->n_claims);
    jt_params_u31(p, in->writer);
    jt_params_u63(p, JT_CLAIMS_MAX);
    p = jt_txn_step(&c->txn, JT_SQL_ONCE_TAKE);
    add_claims(p, in->claims, in->n_claims);
    add_macs(p, in->claims, in->n_claims);
    jt_params_uuid(p, node->incarnation);
    add_macs(jt_txn_step(&c->txn, JT_SQL_ONCE_KNOWN), in->claims, in->n_claims);
}

enum jt_err jt_claims_run(struct jt_pipe *pipe, const struct jt_claim_txn *in, jt_claims_fn *done,
                          void *arg)
{
    const struct jt_claim *released[JT_STORE_MAX_CARDS];
    if (!jt_pipe_ready(pipe)) {
        return JT_ERR_DB_AWAY;
    }
    if (in->n_claims > JT_STORE_MAX_CARDS || in->n_releases > JT_STORE_MAX_CARDS) {
        return JT_ERR_LIMIT;
    }
    struct claiming *c = claiming_new(in->n_claims);
    if (c == NULL) {
        return JT_ERR_NOMEM;
    }
    c->txn.take = take;
    c->txn.finish = finish;
    c->done = done;
    c->arg = arg;
    (void)jt_txn_step(&c->txn, JT_SQL_BEGIN);
    if (in->n_releases > 0) {
        add_releases(jt_txn_step(&c->txn, JT_SQL_ONCE_RELEASE), in, released);
    }
    if (in->n_claims > 0) {
        build_claims(c, in, jt_pipe_node(pipe));
    }
    (void)jt_txn_step(&c->txn, JT_SQL_COMMIT);
    enum jt_err err = jt_pipe_submit(pipe, &c->txn);
    if (err != JT_OK) {
        claiming_free(c);
    }
    return err;
}

void jt_db_claim(struct jt_db *db, const struct jt_claim *claim)
{
    db->claim = claim;
}

enum jt_err jt_db_remember(struct jt_db *db, uint64_t what)
{
    if (db->claim == NULL) {
        return JT_OK;
    }
    const struct jt_claim_mark mark = { .claim = db->claim, .card = { .place = 0, .id = what } };
    struct jt_params p;
    jt_params_init(&p);
    jt_claims_params(&p, &mark, 1);
    PGresult *res = NULL;
    enum jt_err err = jt_db_query_one(db, jt_statements[JT_SQL_ONCE_ACT].sql, &p, &res);
    PQclear(res);
    return err;
}

enum jt_err jt_claims_expire(struct jt_db *db, size_t max, uint64_t *n)
{
    *n = 0;
    enum jt_err err = jt_db_ensure(db);
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, max);
    jt_params_u31(&p, EXPIRY_WRITER);
    PGresult *res = NULL;
    if (err == JT_OK) {
        err = jt_db_query_one(db, jt_statements[JT_SQL_ONCE_EXPIRE].sql, &p, &res);
    }
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *n = jt_row_u63(&row, 0);
        err = jt_row_status(&row);
    }
    jt_params_clear(&p);
    PQclear(res);
    return err;
}
