/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transaction as a list of statements, built by cards_*.c and run either by a pipe (one round
 * trip, then callbacks) or by a blocking connection. Both runners treat errors alike; `take` sees
 * only results of statements that succeeded and that return rows.
 */
#ifndef JETON_STORE_TXN_H
#define JETON_STORE_TXN_H

#include "store/db.h"
#include "store/params.h"
#include "store/pipe.h"
#include "store/statements.h"

#define JT_TXN_MAX_STEPS 7

struct jt_step {
    enum jt_statement statement;
    struct jt_params params;
};

/* A member of what a verb keeps for its callbacks, which find that by jt_container_of. */
struct jt_txn {
    int n_steps;
    struct jt_step steps[JT_TXN_MAX_STEPS];
    /*
     * Reads one result. What it returns but JT_OK becomes the answer; in a pipe the rest is under
     * way already and is not undone.
     */
    enum jt_err (*take)(struct jt_txn *txn, enum jt_statement statement, const PGresult *res);
    /* Pipes only: called exactly once, after the server's last word; frees the transaction. */
    void (*finish)(struct jt_txn *txn, enum jt_err err);
};

/*
 * The next step's parameters, empty, for the caller to fill. Steps are known when the verb is
 * written: no bound to run into.
 */
struct jt_params *jt_txn_step(struct jt_txn *txn, enum jt_statement statement);

/* The first failure while parameters were built. */
enum jt_err jt_txn_status(const struct jt_txn *txn) JT_CHECKED;

/* No steps any more. */
void jt_txn_clear(struct jt_txn *txn);

/*
 * Whether a result is what this statement gives when it succeeds. A COMMIT that the server turned
 * into a rollback is not.
 */
bool jt_txn_result_ok(enum jt_statement statement, const PGresult *res);

/*
 * Sends all of it. On JT_OK the pipe owns the transaction until finish, and its parameters are
 * cleared; on an error (JT_ERR_DB_AWAY when the pipe is not ready or broke, JT_ERR_NOMEM) it
 * stays the caller's.
 */
enum jt_err jt_pipe_submit(struct jt_pipe *pipe, struct jt_txn *txn) JT_CHECKED;
const struct jt_node_spec *jt_pipe_node(const struct jt_pipe *pipe);

/* Runs it step by step; rolls back on any error. The transaction stays the caller's. */
enum jt_err jt_db_run(struct jt_db *db, struct jt_txn *txn) JT_CHECKED;

#endif
