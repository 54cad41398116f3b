/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's answer to what was just sent, awaited no longer than a deadline: libpq's own
 * blocking calls wait for ever for a server that is frozen, which keeps its socket open.
 */
#ifndef JETON_STORE_ANSWER_H
#define JETON_STORE_ANSWER_H

#include "base/err.h"

#include <libpq-fe.h>
#include <stdint.h>

/*
 * After PQsendQuery or PQsendQueryParams on a non-blocking connection outside of pipeline mode:
 * sends the rest and takes the whole answer. *out is the caller's to clear: of several results the
 * first error or else the last; one that asks for COPY comes alone, with the connection left in it.
 * JT_ERR_DB_AWAY, *out NULL and the connection of no further use when the deadline
 * (jt_clock_ms; 0: none) passes or nothing more can come.
 */
enum jt_err jt_answer_await(PGconn *conn, int64_t deadline_ms, PGresult **out) JT_CHECKED;

#endif
