/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blocking database connection, for worker threads, background jobs and commands. Event loops use
 * store/pipe.h.
 *
 * One thread at a time. A connection that was lost is made again by the next jt_db_ensure. What a
 * transaction did whose COMMIT was not answered is asked of the server (store/query.h, jt_db_end);
 * where that cannot be had, jt_db_in_doubt says so, and callers must not tell their own callers
 * that nothing happened. Server messages are kept terse (no DETAIL: it would carry fingerprints)
 * and never passed on to API callers; jt_db_message is for the operator's log.
 */
#ifndef JETON_STORE_DB_H
#define JETON_STORE_DB_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct jt_db;

/*
 * Does not connect yet. `application` shows up in pg_stat_activity. `timeout_ms` bounds each
 * statement: the server is told to give up a little before, and when nothing has come by then (a
 * frozen server never answers) the connection is dropped and the statement is JT_ERR_UNAVAILABLE.
 * Connecting is bounded by libpq's connect_timeout, 5 s for each address of each host unless the
 * connection string says otherwise.
 */
enum jt_err jt_db_new(const char *conninfo, const char *application, int timeout_ms,
                      struct jt_db **out) JT_CHECKED;
void jt_db_free(struct jt_db *db);

/*
 * Connects if needed and leaves no transaction open. JT_ERR_UNAVAILABLE when the database cannot be
 * reached.
 */
enum jt_err jt_db_ensure(struct jt_db *db) JT_CHECKED;

/*
 * The last verb's error for the operator: SQLSTATE and primary message on one line; empty when the
 * server told none.
 */
const char *jt_db_message(const struct jt_db *db);

/* Whether nobody knows what became of the last transaction; until the next jt_db_ensure. */
bool jt_db_in_doubt(const struct jt_db *db);

/* The socket, to notice a lost connection; -1 when not connected. */
int jt_db_socket(const struct jt_db *db);

#endif
