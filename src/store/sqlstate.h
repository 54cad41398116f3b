/* SPDX-License-Identifier: Apache-2.0 */
/* What a server's error means to Jeton, and the one line about it that may be logged. */
#ifndef JETON_STORE_SQLSTATE_H
#define JETON_STORE_SQLSTATE_H

#include "base/err.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#define JT_DB_MESSAGE_LEN 256

/* Those that Jeton knows by themselves: PostgreSQL's documentation, appendix A. */
#define JT_SQLSTATE_READ_ONLY           "25006" /* a demoted primary */
#define JT_SQLSTATE_IDLE_IN_TRANSACTION "25P03"
#define JT_SQLSTATE_INVALID_TEXT        "22P02" /* OR_FAIL in store/statements.c */
#define JT_SQLSTATE_DIVISION_BY_ZERO    "22012" /* ONCE_HELD in store/statements.c */
#define JT_SQLSTATE_DISK_FULL           "53100"
#define JT_SQLSTATE_UNIQUE              "23505"
#define JT_SQLSTATE_LOCK_NOT_AVAILABLE  "55P03"
#define JT_SQLSTATE_QUERY_CANCELED      "57014"

/*
 * JT_ERR_DB_PASSING for what may pass (connection, shutdown, read-only, deadlock, serialization,
 * resources, time-outs), JT_ERR_DB_AWAY for no SQLSTATE at all, JT_ERR_DB_DUPLICATE for a unique
 * violation, JT_ERR_DB_REFUSED for any other constraint or bad data, JT_ERR_DB_UNTRUE for a write
 * that was answered and not done, JT_ERR_DB_FAULT for the rest: a schema or a privilege that is not
 * as the program expects.
 */
enum jt_err jt_sqlstate_err(const char *sqlstate);

/*
 * Whether the session should be given up: it is ending, or this server cannot write (a demoted
 * primary: another connect may find the new one).
 */
bool jt_sqlstate_ends_session(const char *sqlstate);

/* "SQLSTATE primary message" on one line. Never the detail: it would carry fingerprints. */
void jt_sqlstate_describe(const PGresult *res, char out[static JT_DB_MESSAGE_LEN]);

/* The connection's own last error on one line. */
void jt_sqlstate_describe_connection(const PGconn *conn, char out[static JT_DB_MESSAGE_LEN]);

#endif
