/* SPDX-License-Identifier: Apache-2.0 */
/* What every session with PostgreSQL has in common: connection defaults and pinned settings. */
#ifndef JETON_STORE_SESSION_H
#define JETON_STORE_SESSION_H

#include "base/err.h"

#include <libpq-fe.h>

/*
 * Keywords for PQconnectdbParams and PQconnectStartParams (expand_dbname 1): Jeton's defaults
 * first, then the operator's connection string, which therefore wins, and last the application
 * name, by which jt_ring_end_stuck knows Jeton's own sessions: neither the string nor PGAPPNAME may
 * change it. Points into its arguments.
 */
#define JT_CONNECT_KEYWORDS 10
struct jt_connect_params {
    const char *keywords[JT_CONNECT_KEYWORDS];
    const char *values[JT_CONNECT_KEYWORDS];
};
void jt_session_connect_params(const char *conninfo, const char *application,
                               struct jt_connect_params *out);

/*
 * JT_ERR_BAD_CONNINFO when libpq cannot parse it; why is not told, which could quote a password.
 * Free *out with PQconninfoFree; it is NULL after a failure.
 */
enum jt_err jt_session_parse_conninfo(const char *conninfo, PQconninfoOption **out) JT_CHECKED;
enum jt_err jt_session_check_conninfo(const char *conninfo) JT_CHECKED;

/* Terse errors, no notices: for a connection that stands. */
void jt_session_quieten(PGconn *conn);

/*
 * One SELECT that pins the settings on which correctness or speed depends, whatever ALTER DATABASE
 * or ALTER ROLE say. Its parameter is the statement time-out in milliseconds, as text.
 */
extern const char jt_session_settings[];

#endif
