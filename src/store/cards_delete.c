/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cards.h"

#include "base/container.h"
#include "store/audit_params.h"
#include "store/query.h"
#include "store/ring_rule.h"

#include <stdlib.h>

struct deleting {
    struct jt_txn txn;
    uint64_t epoch;
    struct jt_delete_result result;
    jt_delete_fn *done;
    void *arg;
};

static void deleting_free(struct deleting *d)
{
    jt_txn_clear(&d->txn);
    free(d);
}

/* Ascending, so that no two transactions lock the same cards in different order. */
static enum jt_err check_input(const struct jt_delete_txn *in)
{
    if (in->n > JT_STORE_MAX_CARDS || in->audit.n > JT_STORE_MAX_CARDS ||
        in->n_marks > JT_STORE_MAX_CARDS || in->n_lost > JT_STORE_MAX_CARDS) {
        return JT_ERR_LIMIT;
    }
    if (in->expired && in->n_marks > 0) {
        return JT_ERR_INVALID; /* nobody asked for it */
    }
    for (size_t i = 0; i < in->n; i++) {
        if (in->cards[i].key_id == 0 || (i > 0 && in->cards[i - 1].id >= in->cards[i].id)) {
            return JT_ERR_INVALID;
        }
    }
    return JT_OK;
}

static void add_cards(struct jt_params *p, const struct jt_delete_txn *in)
{
    jt_params_array(p, JT_PG_INT8_ARRAY, in->n, 8);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_u63(p, in->cards[i].id);
    }
    jt_params_array(p, JT_PG_INT2_ARRAY, in->n, 2);
    for (size_t i = 0; i < in->n; i++) {
        jt_params_add_i16(p, in->cards[i].key_id);
    }
}

static enum jt_err read_result(const PGresult *res, uint64_t epoch, struct jt_delete_result *out)
{
    struct jt_row row = jt_row_init(res, 0);
    enum jt_err err = jt_ring_rule_take(&row, 0, epoch, &out->check);
    out->all_there = jt_row_bool(&row, 3);
    out->n_deleted = jt_row_u63(&row, 4);
    return err == JT_OK ? jt_row_status(&row) : err;
}

static enum jt_err take(struct jt_txn *txn, enum jt_statement statement, const PGresult *res)
{
    struct deleting *d = jt_container_of(txn, struct deleting, txn);
    if (statement != JT_SQL_DELETE_CARDS && statement != JT_SQL_DELETE_CARDS_ONCE &&
        statement != JT_SQL_DELETE_EXPIRED) {
        return JT_OK;
    }
    return read_result(res, d->epoch, &d->result);
}

static void finish(struct jt_txn *txn, enum jt_err err)
{
    struct deleting *d = jt_container_of(txn, struct deleting, txn);
    d->done(d->arg, err, err == JT_OK ? &d->result : NULL);
    deleting_free(d);
}

static void add_deletion(struct jt_params *p, const struct jt_node_spec *node,
                         const struct jt_delete_txn *in, const struct jt_audit *audit)
{
    jt_params_u63(p, in->epoch);
    jt_params_text(p, node->name);
    jt_params_uuid(p, node->incarnation);
    jt_params_u31(p, in->writer);
    add_cards(p, in);
    jt_audit_params(p, audit);
}

static enum jt_statement statement_of(const struct jt_delete_txn *in)
{
    return in->expired       ? JT_SQL_DELETE_EXPIRED
           : in->n_marks > 0 ? JT_SQL_DELETE_CARDS_ONCE
                             : JT_SQL_DELETE_CARDS;
}

static void build(struct deleting *d, const struct jt_node_spec *node,
                  const struct jt_delete_txn *in)
{
    jt_ring_rule_begin(&d->txn);
    struct jt_params *p = jt_txn_step(&d->txn, statement_of(in));
    add_deletion(p, node, in, &in->audit);
    if (in->n_marks > 0) {
        jt_claims_params(p, in->marks, in->n_marks);
    }
    if (in->n_lost > 0) {
        p = jt_txn_step(&d->txn, JT_SQL_DELETE_LOST);
        jt_params_u63(p, in->epoch);
        jt_params_text(p, node->name);
        jt_params_uuid(p, node->incarnation);
        jt_params_array(p, JT_PG_INT8_ARRAY, in->n_lost, 8);
        for (size_t i = 0; i < in->n_lost; i++) {
            jt_params_add_u63(p, in->lost[i]);
        }
        add_cards(p, in);
    }
    (void)jt_txn_step(&d->txn, JT_SQL_COMMIT);
}

enum jt_err jt_cards_delete(struct jt_pipe *pipe, const struct jt_delete_txn *in,
                            jt_delete_fn *done, void *arg)
{
    if (!jt_pipe_ready(pipe)) {
        return JT_ERR_DB_AWAY;
    }
    enum jt_err err = check_input(in);
    struct deleting *d = err == JT_OK ? calloc(1, sizeof *d) : NULL;
    if (d == NULL) {
        return err == JT_OK ? JT_ERR_NOMEM : err;
    }
    d->epoch = in->epoch;
    d->done = done;
    d->arg = arg;
    d->txn.take = take;
    d->txn.finish = finish;
    build(d, jt_pipe_node(pipe), in);
    err = jt_txn_status(&d->txn);
    if (err == JT_OK) {
        err = jt_pipe_submit(pipe, &d->txn);
    }
    if (err != JT_OK) {
        deleting_free(d);
    }
    return err;
}

/* --- the purge, blocking --- */

/* The audit rows are there already, in a statement of their own. */
static enum jt_err purge(struct jt_db *db, const struct jt_node_spec *node,
                         const struct jt_delete_txn *in)
{
    const struct jt_audit none = { .n = 0 };
    struct jt_delete_result result = { .n_deleted = 0 };
    struct jt_params p;
    jt_params_init(&p);
    add_deletion(&p, node, in, &none);
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, jt_statements[JT_SQL_PURGE_CARDS].sql, &p, &res);
    if (err == JT_OK) {
        err = read_result(res, in->epoch, &result);
    }
    PQclear(res);
    if (err == JT_OK && !jt_ring_rule_held(&result.check, in->epoch)) {
        err = JT_ERR_RING_MOVED;
    }
    return err == JT_OK && !result.all_there ? JT_ERR_NO_CHANGE : err;
}

/* The keeper is asked for the link while the ring lock is held, but before any card is locked. */
enum jt_err jt_cards_purge(struct jt_db *db, const struct jt_node_spec *node,
                           const struct jt_delete_txn *in)
{
    PGresult *res = NULL;
    enum jt_err err = check_input(in);
    if (err == JT_OK) {
        err = jt_db_begin(db);
    }
    if (err != JT_OK) {
        return err;
    }
    err = jt_db_query(db, jt_statements[JT_SQL_RING_LOCK].sql, NULL, &res);
    PQclear(res);
    if (err == JT_OK) {
        err = jt_audit_write(db, in->audit.rows, in->audit.n);
    }
    if (err == JT_OK) {
        err = purge(db, node, in);
    }
    return jt_db_end(db, err);
}
