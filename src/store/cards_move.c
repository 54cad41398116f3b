/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cards.h"

#include "base/container.h"
#include "store/ring_rule.h"

#include <stdlib.h>

struct moving {
    struct jt_txn txn;
    uint64_t epoch;
    struct jt_move_result result;
    jt_move_fn *done;
    void *arg;
};

static void moving_free(struct moving *m)
{
    jt_txn_clear(&m->txn);
    free(m);
}

/*
 * Key ids in the table are the envelopes' first bytes: what is moved comes from the one and goes to
 * the other because these say so.
 */
static enum jt_err check_input(const struct jt_move_txn *in)
{
    if (in->n > JT_STORE_MAX_CARDS) {
        return JT_ERR_LIMIT;
    }
    if (in->from.key_id == in->to.key_id || in->from.generation == 0) {
        return JT_ERR_INVALID;
    }
    for (size_t i = 0; i < in->n; i++) {
        const struct jt_card_move *m = &in->moves[i];
        if (m->envelope_len < JT_CARD_ENVELOPE_MIN || m->envelope_len > JT_CARD_ENVELOPE_MAX ||
            m->envelope[0] != in->to.key_id || m->old->envelope_len == 0 ||
            m->old->envelope[0] != in->from.key_id) {
            return JT_ERR_INVALID;
        }
    }
    return JT_OK;
}

static void add_moves(struct jt_params *p, const struct jt_move_txn *in)
{
    jt_params_array(p, JT_PG_INT8_ARRAY, in->n, 8);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_u63(p, in->moves[i].old->id);
    }
    jt_params_array(p, JT_PG_BYTEA_ARRAY, in->n, 28);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_bytes(p, in->moves[i].old->envelope, in->moves[i].old->envelope_len);
    }
    jt_params_array(p, JT_PG_BYTEA_ARRAY, in->n, 28);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_bytes(p, in->moves[i].envelope, in->moves[i].envelope_len);
    }
    jt_params_array(p, JT_PG_UUID_ARRAY, in->n, JT_FINGERPRINT_LEN);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_bytes(p, in->moves[i].fingerprint, JT_FINGERPRINT_LEN);
    }
}

static enum jt_err take(struct jt_txn *txn, enum jt_statement statement, const PGresult *res)
{
    struct moving *m = jt_container_of(txn, struct moving, txn);
    if (statement != JT_SQL_MOVE_CARDS) {
        return JT_OK;
    }
    struct jt_row row = jt_row_init(res, 0);
    enum jt_err err = jt_ring_rule_take(&row, 0, m->epoch, &m->result.check);
    m->result.n_moved = jt_row_u63(&row, 3);
    return err == JT_OK ? jt_row_status(&row) : err;
}

static enum jt_err moving_new(const struct jt_node_spec *node, const struct jt_move_txn *in,
                              struct moving **out)
{
    *out = NULL;
    enum jt_err err = check_input(in);
    if (err != JT_OK) {
        return err;
    }
    struct moving *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return JT_ERR_NOMEM;
    }
    m->epoch = in->epoch;
    m->txn.take = take;
    jt_ring_rule_begin(&m->txn);
    struct jt_params *p = jt_txn_step(&m->txn, JT_SQL_MOVE_CARDS);
    jt_ring_rule_guard(p, node, in->epoch, &in->to);
    jt_params_u63(p, in->from.generation);
    jt_params_i16(p, in->from.key_id);
    jt_params_u31(p, in->writer);
    add_moves(p, in);
    (void)jt_txn_step(&m->txn, JT_SQL_COMMIT);
    err = jt_txn_status(&m->txn);
    if (err != JT_OK) {
        moving_free(m);
        return err;
    }
    *out = m;
    return JT_OK;
}

static void finish(struct jt_txn *txn, enum jt_err err)
{
    struct moving *m = jt_container_of(txn, struct moving, txn);
    m->done(m->arg, err, err == JT_OK ? &m->result : NULL);
    moving_free(m);
}

enum jt_err jt_cards_move(struct jt_pipe *pipe, const struct jt_move_txn *in, jt_move_fn *done,
                          void *arg)
{
    if (!jt_pipe_ready(pipe)) {
        return JT_ERR_DB_AWAY;
    }
    struct moving *m;
    enum jt_err err = moving_new(jt_pipe_node(pipe), in, &m);
    if (err != JT_OK) {
        return err;
    }
    m->txn.finish = finish;
    m->done = done;
    m->arg = arg;
    err = jt_pipe_submit(pipe, &m->txn);
    if (err != JT_OK) {
        moving_free(m);
    }
    return err;
}

enum jt_err jt_cards_move_wait(struct jt_db *db, const struct jt_node_spec *node,
                               const struct jt_move_txn *in, struct jt_move_result *result)
{
    *result = (struct jt_move_result){ .n_moved = 0 };
    struct moving *m;
    enum jt_err err = moving_new(node, in, &m);
    if (err != JT_OK) {
        return err;
    }
    err = jt_db_run(db, &m->txn);
    if (err == JT_OK) {
        *result = m->result;
    }
    moving_free(m);
    return err;
}
