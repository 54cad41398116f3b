/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements on a blocking connection, for the other files of this folder.
 *
 * Results are binary. Each call is one round trip, bounded by the connection's time-out. A
 * transaction is
 *
 *     enum jt_err err = jt_db_begin(db);
 *     if (err == JT_OK) { err = step_one(db); }
 *     if (err == JT_OK) { err = step_two(db); }
 *     return jt_db_end(db, err);
 */
#ifndef JETON_STORE_QUERY_H
#define JETON_STORE_QUERY_H

#include "store/chain.h"
#include "store/claims.h"
#include "store/db.h"
#include "store/row.h"
#include "store/sql.h"
#include "store/sqlstate.h"

struct jt_db {
    char *conninfo, *application;
    int timeout_ms;              /* of a statement; 0: none */
    PGconn *conn;                /* non-blocking */
    bool holds_node_lock;        /* of this session; a new session holds nothing */
    bool listens;                /* the same: store/news.h */
    char sqlstate[6];            /* of the last error; empty when it had none */
    struct jt_fault own, *fault; /* where failures are noted: `own` unless the owner has one */

    /* the audit trail (store/chain.h) */
    struct jt_chain_owner owner;
    const struct jt_origin *origin;
    struct jt_chain chain;
    struct jt_chain tentative; /* behind the links of the transaction under way, n_links of them */
    struct jt_link link;       /* the last of them */
    size_t n_links;

    const struct jt_claim *claim; /* for which what is done is remembered; NULL: for none */
};

/*
 * Runs `sql`, which must give rows; they are the caller's to PQclear, NULL on failure. `params` may
 * be NULL and is cleared in any case. Does not connect: a statement in the middle of a transaction
 * must not land in a new session.
 */
enum jt_err jt_db_query(struct jt_db *db, const char *sql, struct jt_params *params,
                        PGresult **rows) JT_CHECKED;

/* The same where there must be one row: JT_ERR_NO_ROW when there is none. */
enum jt_err jt_db_query_one(struct jt_db *db, const char *sql, struct jt_params *params,
                            PGresult **rows) JT_CHECKED;

/* A query of one boolean. *out is false on failure. */
enum jt_err jt_db_ask(struct jt_db *db, const char *sql, struct jt_params *params,
                      bool *out) JT_CHECKED;

/* As jt_db_query for a statement that gives no rows but changes some; *n_changed may be NULL. */
enum jt_err jt_db_change(struct jt_db *db, const char *sql, struct jt_params *params,
                         uint64_t *n_changed) JT_CHECKED;

/* The same where one row must change: JT_ERR_NO_CHANGE otherwise. */
enum jt_err jt_db_change_one(struct jt_db *db, const char *sql,
                             struct jt_params *params) JT_CHECKED;

/*
 * The same for an INSERT of one row that no condition may skip: JT_ERR_DB_DUPLICATE when its key is
 * taken; JT_ERR_DB_UNTRUE when the server says that it is done, and that no row was inserted.
 */
enum jt_err jt_db_insert_one(struct jt_db *db, const char *sql,
                             struct jt_params *params) JT_CHECKED;

/*
 * Runs a query of one boolean that must be true: inside a transaction that has written, whether
 * what it wrote stands there as it was sent. JT_ERR_DB_UNTRUE otherwise, with `otherwise` for the
 * log.
 */
enum jt_err jt_db_must(struct jt_db *db, const char *sql, struct jt_params *params,
                       const char *otherwise) JT_CHECKED;

/*
 * Runs statements without parameters or rows of interest, several of them separated by semicolons
 * (migrations).
 */
enum jt_err jt_db_script(struct jt_db *db, const char *sql) JT_CHECKED;

/* Connects if needed; READ COMMITTED READ WRITE. */
enum jt_err jt_db_begin(struct jt_db *db) JT_CHECKED;

/*
 * Commits when `err` is JT_OK, else rolls back and returns `err`. When the connection breaks before
 * the server's word on COMMIT, the server is asked on a new one what became of the transaction, for
 * some seconds: JT_OK: it is committed; JT_ERR_DB_PASSING: it came to nothing; JT_ERR_IN_DOUBT:
 * nobody knows.
 */
enum jt_err jt_db_end(struct jt_db *db, enum jt_err err) JT_CHECKED;

/*
 * Where an earlier transaction of the connection's chain ended nobody knows how: as
 * jt_chain_settle, inside the open transaction.
 */
enum jt_err jt_chain_settle_wait(struct jt_db *db) JT_CHECKED;

#endif
