/*
 * A blocking database connection, for worker threads, background jobs and commands. Event loops use store/pipe.h.
 *
 * One thread at a time. A connection that was lost is made again by the next jt_db_ensure; what a transaction lost at
 * COMMIT did is unknown, and callers are written so that repeating it is harmless. Server messages are kept terse (no
 * DETAIL: it would carry fingerprints) and never passed on to API callers; jt_db_message is for the operator's log.
 */
#ifndef JETON_STORE_DB_H
#define JETON_STORE_DB_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct jt_db;

/* Does not connect yet. `application` shows up in pg_stat_activity. */
enum jt_err jt_db_new(const char *conninfo, const char *application, struct jt_db **out) JT_CHECKED;
void jt_db_free(struct jt_db *db);

/* Connects if needed and leaves no transaction open. JT_ERR_UNAVAILABLE when the database cannot be reached. */
enum jt_err jt_db_ensure(struct jt_db *db) JT_CHECKED;

/* The last error for the operator: SQLSTATE and primary message on one line; empty when there was none. */
const char *jt_db_message(const struct jt_db *db);

/* The socket, to notice a lost connection; -1 when not connected. */
int jt_db_socket(const struct jt_db *db);

#endif
