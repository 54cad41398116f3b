/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cards.h"

#include "base/container.h"
#include "store/query.h"
#include "store/ring_rule.h"

#include <stdlib.h>

struct lengthening {
    struct jt_txn txn;
    uint64_t epoch;
    struct jt_ring_check check;
    size_t n;
    bool *lives;
    jt_lengthen_fn *done;
    void *arg;
};

static void lengthening_free(struct lengthening *l)
{
    jt_txn_clear(&l->txn);
    free(l->lives);
    free(l);
}

/* Ascending, so that no two transactions lock the same cards in different order. */
static enum jt_err check_input(const struct jt_lengthen_txn *in)
{
    if (in->n > JT_STORE_MAX_CARDS) {
        return JT_ERR_LIMIT;
    }
    for (size_t i = 0; i < in->n; i++) {
        if (in->cards[i].key_id == 0 || (i > 0 && in->cards[i - 1].id >= in->cards[i].id)) {
            return JT_ERR_INVALID;
        }
    }
    return JT_OK;
}

static void build(struct lengthening *l, const struct jt_node_spec *node,
                  const struct jt_lengthen_txn *in)
{
    jt_ring_rule_begin(&l->txn);
    struct jt_params *p = jt_txn_step(&l->txn, JT_SQL_LENGTHEN_CARDS);
    jt_params_u63(p, in->epoch);
    jt_params_text(p, node->name);
    jt_params_uuid(p, node->incarnation);
    jt_params_array(p, JT_PG_INT8_ARRAY, in->n, 8);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_u63(p, in->cards[i].id);
    }
    jt_params_array(p, JT_PG_INT2_ARRAY, in->n, 2);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_i16(p, in->cards[i].key_id);
    }
    jt_params_array(p, JT_PG_TIMESTAMPTZ_ARRAY, in->n, 8);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_time(p, in->cards[i].expires_us);
    }
    (void)jt_txn_step(&l->txn, JT_SQL_COMMIT);
}

static enum jt_err take(struct jt_txn *txn, enum jt_statement statement, const PGresult *res)
{
    struct lengthening *l = jt_container_of(txn, struct lengthening, txn);
    if (statement != JT_SQL_LENGTHEN_CARDS) {
        return JT_OK;
    }
    struct jt_row head = jt_row_init(res, 0);
    if (jt_row_u63(&head, 0) != 0) {
        return JT_ERR_DB_FAULT;
    }
    enum jt_err err = jt_ring_rule_take(&head, 1, l->epoch, &l->check);
    if (err == JT_OK) {
        (void)jt_row_u63(&head, 4);
        err = jt_row_status(&head);
    }
    for (int i = 1; i < PQntuples(res) && err == JT_OK; i++) {
        struct jt_row row = jt_row_init(res, i);
        uint64_t place = jt_row_u63(&row, 0);
        if (row.bad || place == 0 || place > l->n) {
            return JT_ERR_DB_FAULT;
        }
        l->lives[place - 1] = true;
    }
    return err;
}

static void finish(struct jt_txn *txn, enum jt_err err)
{
    struct lengthening *l = jt_container_of(txn, struct lengthening, txn);
    const struct jt_lengthen_result result = { .check = l->check, .n = l->n, .lives = l->lives };
    l->done(l->arg, err, err == JT_OK ? &result : NULL);
    lengthening_free(l);
}

enum jt_err jt_cards_lengthen(struct jt_pipe *pipe, const struct jt_lengthen_txn *in,
                              jt_lengthen_fn *done, void *arg)
{
    if (!jt_pipe_ready(pipe)) {
        return JT_ERR_DB_AWAY;
    }
    enum jt_err err = check_input(in);
    struct lengthening *l = err == JT_OK ? calloc(1, sizeof *l) : NULL;
    if (l == NULL || (l->lives = calloc(in->n + 1, sizeof *l->lives)) == NULL) {
        free(l);
        return err == JT_OK ? JT_ERR_NOMEM : err;
    }
    l->epoch = in->epoch;
    l->n = in->n;
    l->done = done;
    l->arg = arg;
    l->txn.take = take;
    l->txn.finish = finish;
    build(l, jt_pipe_node(pipe), in);
    err = jt_txn_status(&l->txn);
    if (err == JT_OK) {
        err = jt_pipe_submit(pipe, &l->txn);
    }
    if (err != JT_OK) {
        lengthening_free(l);
    }
    return err;
}

enum jt_err jt_cards_expired(struct jt_db *db, uint64_t grace_s, size_t skip,
                             struct jt_card_expired *cards, size_t max, size_t *n)
{
    *n = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, grace_s);
    jt_params_u63(&p, max);
    jt_params_u63(&p, skip);
    PGresult *res;
    err = jt_db_query(db, jt_statements[JT_SQL_FIND_EXPIRED].sql, &p, &res);
    if (err == JT_OK && (size_t)PQntuples(res) > max) {
        err = JT_ERR_DB_FAULT; /* more than was asked for, and than there is room for */
    }
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        struct jt_card_expired *card = &cards[(*n)++];
        card->card.id = jt_row_u63(&row, 0);
        card->card.key_id = jt_row_u8(&row, 1);
        card->field = jt_row_u31(&row, 2);
        card->since_us = jt_row_u63(&row, 3);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_cards_clock(struct jt_db *db, uint64_t *now_us)
{
    *now_us = 0;
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, "SELECT clock_timestamp()", NULL, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *now_us = jt_row_time_or_0(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}
