/* SPDX-License-Identifier: Apache-2.0 */
#include "store/answer.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>

/*
 * Until the server has sent something or, with `unsent`, takes more. False when the deadline has
 * passed.
 */
static bool wait_for_server(const PGconn *conn, bool unsent, int64_t deadline_ms)
{
    struct pollfd p = { .fd = PQsocket(conn),
                        .events = (short)(unsent ? POLLIN | POLLOUT : POLLIN) };
    for (;;) {
        int64_t left_ms = -1;
        if (deadline_ms != 0) {
            left_ms = deadline_ms - jt_clock_ms();
            if (left_ms <= 0) {
                return false;
            }
        }
        int n = poll(&p, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
        if (n > 0) {
            return true;
        }
        if (n < 0 && errno != EINTR) {
            return false;
        }
    }
}

/* Takes the results that have arrived. True when they are all there are. */
static bool take_results(PGconn *conn, PGresult **out)
{
    while (!PQisBusy(conn)) {
        PGresult *res = PQgetResult(conn);
        if (res == NULL) {
            return true;
        }
        if (*out != NULL && PQresultStatus(*out) == PGRES_FATAL_ERROR) {
            PQclear(res); /* behind an error comes at most what became of the connection */
        } else {
            PQclear(*out);
            *out = res;
        }
        ExecStatusType status = PQresultStatus(*out);
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH ||
            PQstatus(conn) == CONNECTION_BAD) {
            return true;
        }
    }
    return false;
}

enum jt_err jt_answer_await(PGconn *conn, int64_t deadline_ms, PGresult **out)
{
    *out = NULL;
    for (;;) {
        int unsent = PQflush(conn);
        if (unsent < 0) {
            break;
        }
        if (take_results(conn, out)) {
            return *out != NULL ? JT_OK : JT_ERR_DB_AWAY;
        }
        if (!wait_for_server(conn, unsent > 0, deadline_ms)) {
            break;
        }
        /*
         * When this fails, what had arrived before still is to be taken; a libpq that would wait
         * for more must not.
         */
        if (!PQconsumeInput(conn) && PQisBusy(conn)) {
            break;
        }
    }
    PQclear(*out);
    *out = NULL;
    return JT_ERR_DB_AWAY;
}
