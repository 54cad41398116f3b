/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blocking database connection, for worker threads, background jobs and commands. Event loops use
 * store/pipe.h.
 *
 * One thread at a time. A connection that was lost is made again by the next jt_db_ensure. What a
 * transaction did whose COMMIT was not answered is asked of the server (store/query.h, jt_db_end);
 * where that cannot be had, the reason is JT_ERR_IN_DOUBT, and callers must not tell their own
 * that nothing happened. Server messages are kept terse (no DETAIL: it would carry fingerprints)
 * and never passed on to API callers; what jt_db_fault says is for the operator's log.
 */
#ifndef JETON_STORE_DB_H
#define JETON_STORE_DB_H

#include "base/fault.h"

#include <stdbool.h>
#include <stdint.h>

struct jt_db;

/*
 * Does not connect yet. `application` shows up in pg_stat_activity. `timeout_ms` bounds each
 * statement: the server is told to give up a little before, and when nothing has come by then (a
 * frozen server never answers) the connection is dropped and the statement is JT_ERR_DB_AWAY.
 * Connecting is bounded by libpq's connect_timeout, 5 s for each address of each host unless the
 * connection string says otherwise.
 */
enum jt_err jt_db_new(const char *conninfo, const char *application, int timeout_ms,
                      struct jt_db **out) JT_CHECKED;
void jt_db_free(struct jt_db *db);

/*
 * Leaves the server that it has reached; jt_db_ensure connects anew. Not where the session holds
 * the node's lock: that is not given up for a doubt.
 */
void jt_db_leave(struct jt_db *db);

/*
 * Connects if needed and leaves no transaction open. JT_ERR_DB_AWAY when the database cannot be
 * reached.
 */
enum jt_err jt_db_ensure(struct jt_db *db) JT_CHECKED;

/*
 * Failures are noted into `fault` from now on, which its owner clears and which outlives the
 * connection. Without this call they are noted into one of the connection's own, which each
 * jt_db_ensure clears.
 */
void jt_db_note_into(struct jt_db *db, struct jt_fault *fault);

/* What failed: the cause is SQLSTATE and primary message, where the server told any. */
const struct jt_fault *jt_db_fault(const struct jt_db *db);

/* The socket, to notice a lost connection; -1 when not connected. */
int jt_db_socket(const struct jt_db *db);

#endif
