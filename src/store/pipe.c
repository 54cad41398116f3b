/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pipe.h"

#include "base/clock.h"
#include "base/histogram.h"
#include "store/course.h"
#include "store/deadline.h"
#include "store/row.h"
#include "store/session.h"
#include "store/sqlstate.h"
#include "store/timeouts.h"
#include "store/txn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define SETUP_TIMEOUT_MS (JT_CONNECT_TIMEOUT_S * 1000)

/*
 * WAITING -> CONNECTING -> PREPARING -> IDLE <-> BUSY -> ROLLING_BACK -> IDLE; a failure anywhere
 * leads to WAITING. In PREPARING, BUSY and ROLLING_BACK one pipeline is under way: `n_expected`
 * results, then the sync mark.
 */
enum state { WAITING, CONNECTING, PREPARING, IDLE, BUSY, ROLLING_BACK };

struct jt_pipe {
    struct jt_loop *loop;
    char *conninfo, *application;
    struct jt_node_spec node;
    int timeout_ms;
    PGconn *conn;
    enum state state;
    struct jt_watch socket;
    struct jt_deadline deadline; /* of what is under way, or of the next attempt to connect */
    int backoff_ms, backoff_max_ms;
    int n_expected, n_seen;
    struct jt_txn *txn; /* BUSY, ROLLING_BACK */
    enum jt_err err;    /* the first of this pipeline */
    bool give_up;       /* the session is no good any more */
    bool committed;     /* COMMIT was answered: what comes behind it changes nothing */
    bool refused;       /* the server has ended the transaction before: it comes to nothing */
    bool unsure;        /* of the last transaction: it failed, and may be committed */
    int backend;        /* the server process that it went to */
    jt_loop_fn *up_fn, *slow_fn;
    void *up_arg, *slow_arg;
    int left_ms; /* BUSY: of the time for it, once it is slow; 0: it is, or nobody asks */
    jt_pipe_guard_fn *guard_fn;
    void *guard_arg;
    struct jt_fault fault; /* of the transaction, or of the last loss */
    struct jt_histogram *us;
    int64_t began_us;
};

/* --- losing the connection --- */

static void disconnect(struct jt_pipe *pipe)
{
    jt_loop_unwatch(pipe->loop, &pipe->socket);
    PQfinish(pipe->conn);
    pipe->conn = NULL;
    pipe->state = WAITING;
    jt_deadline_set(&pipe->deadline, pipe->backoff_ms);
    int next_ms = pipe->backoff_ms * 2;
    pipe->backoff_ms = next_ms > pipe->backoff_max_ms ? pipe->backoff_max_ms : next_ms;
}

/* From the loop only: answers the transaction under way. */
static void lose(struct jt_pipe *pipe)
{
    struct jt_txn *txn = pipe->txn;
    pipe->txn = NULL;
    enum jt_err err = pipe->err != JT_OK ? pipe->err : JT_ERR_DB_AWAY;
    disconnect(pipe);
    if (txn != NULL) {
        pipe->unsure = !pipe->refused;
        txn->finish(txn, err);
    }
}

/* What the connection says of itself counts, unless the transaction has failed already. */
static void note_connection(struct jt_pipe *pipe)
{
    char message[JT_DB_MESSAGE_LEN];
    jt_sqlstate_describe_connection(pipe->conn, message);
    if (pipe->txn == NULL) {
        jt_fault_clear(&pipe->fault);
    }
    (void)jt_fault_set(&pipe->fault, JT_ERR_DB_AWAY, "%s", message);
}

static void lose_with_message(struct jt_pipe *pipe)
{
    note_connection(pipe);
    lose(pipe);
}

/* --- sending --- */

static void begin_pipeline(struct jt_pipe *pipe, enum state state, int n_expected, int timeout_ms)
{
    pipe->state = state;
    pipe->n_expected = n_expected;
    pipe->n_seen = 0;
    pipe->give_up = false;
    bool tells = state == BUSY && pipe->slow_fn != NULL && timeout_ms > JT_TXN_SLOW_MS;
    pipe->left_ms = tells ? timeout_ms - JT_TXN_SLOW_MS : 0;
    jt_deadline_set(&pipe->deadline, tells ? JT_TXN_SLOW_MS : timeout_ms);
}

/*
 * Writes what fits; asks for EPOLLOUT while something is left. Input is read all along, or both
 * sides would wait for each other.
 */
static bool flush(struct jt_pipe *pipe)
{
    int left = PQflush(pipe->conn);
    if (left < 0) {
        return false;
    }
    jt_loop_set_events(pipe->loop, &pipe->socket, left > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return true;
}

static bool send_preparation(struct jt_pipe *pipe)
{
    char timeout[16];
    (void)snprintf(timeout, sizeof timeout, "%d", pipe->timeout_ms);
    const char *values[] = { timeout };
    if (!PQsendQueryParams(pipe->conn, jt_session_settings, 1, NULL, values, NULL, NULL, 0)) {
        return false;
    }
    for (int i = 0; i < JT_N_SQL; i++) {
        if (!PQsendPrepare(pipe->conn, jt_statements[i].name, jt_statements[i].sql, 0, NULL)) {
            return false;
        }
    }
    return PQsendQueryParams(pipe->conn, jt_course_query, 0, NULL, NULL, NULL, NULL, 1) &&
           PQpipelineSync(pipe->conn) && flush(pipe);
}

static void start_preparing(struct jt_pipe *pipe)
{
    jt_session_quieten(pipe->conn);
    if (PQsetnonblocking(pipe->conn, 1) != 0 || !PQenterPipelineMode(pipe->conn)) {
        lose_with_message(pipe);
        return;
    }
    pipe->err = JT_OK;
    begin_pipeline(pipe, PREPARING, 1 + JT_N_SQL + 1, SETUP_TIMEOUT_MS);
    if (!send_preparation(pipe)) {
        lose_with_message(pipe);
    }
}

static void start_rollback(struct jt_pipe *pipe)
{
    begin_pipeline(pipe, ROLLING_BACK, 1, pipe->timeout_ms);
    if (!PQsendQueryParams(pipe->conn, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 1) ||
        !PQpipelineSync(pipe->conn) || !flush(pipe)) {
        lose_with_message(pipe);
    }
}

enum jt_err jt_pipe_submit(struct jt_pipe *pipe, struct jt_txn *txn)
{
    if (pipe->state != IDLE) {
        return JT_ERR_DB_AWAY;
    }
    /* what is told is of this transaction: an earlier loss must not explain a later error */
    jt_fault_clear(&pipe->fault);
    enum jt_err err = jt_txn_status(txn);
    if (err != JT_OK) {
        return err;
    }
    bool sent = true;
    for (int i = 0; i < txn->n_steps && sent; i++) {
        struct jt_pg_params params;
        jt_params_view(&txn->steps[i].params, &params);
        sent = PQsendQueryPrepared(pipe->conn, jt_statements[txn->steps[i].statement].name,
                                   params.n, params.values, params.lengths, params.formats, 1);
    }
    if (!sent || !PQpipelineSync(pipe->conn) || !flush(pipe)) {
        note_connection(pipe);
        /* half a pipeline may be on its way: without its COMMIT it comes to nothing */
        disconnect(pipe);
        return JT_ERR_DB_AWAY;
    }
    pipe->txn = txn;
    pipe->err = JT_OK;
    pipe->committed = pipe->refused = pipe->unsure = false;
    pipe->backend = PQbackendPID(pipe->conn);
    pipe->began_us = pipe->us == NULL ? 0 : jt_clock_us();
    begin_pipeline(pipe, BUSY, txn->n_steps, pipe->timeout_ms);
    jt_txn_clear(txn);
    return JT_OK;
}

/* --- receiving --- */

static void fail(struct jt_pipe *pipe, enum jt_err err, bool give_up)
{
    if (pipe->err == JT_OK) {
        pipe->err = err;
    }
    pipe->give_up = pipe->give_up || give_up;
}

/* An answer that does not fit the question. */
static void mistrust(struct jt_pipe *pipe)
{
    (void)jt_fault_set(&pipe->fault, JT_ERR_DB_FAULT, "unexpected kind of answer from the server");
    fail(pipe, JT_ERR_DB_FAULT, true);
}

static void note_error(struct jt_pipe *pipe, const PGresult *res)
{
    const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    char message[JT_DB_MESSAGE_LEN];
    jt_sqlstate_describe(res, message);
    if (pipe->state != BUSY) {
        jt_fault_clear(&pipe->fault);
    }
    pipe->refused |= sqlstate != NULL && !pipe->committed; /* libpq's own word has none */
    (void)jt_fault_set(&pipe->fault, jt_sqlstate_err(sqlstate), "%s", message);
    fail(pipe, jt_sqlstate_err(sqlstate),
         pipe->state != BUSY || jt_sqlstate_ends_session(sqlstate));
}

/*
 * The last answer of the preparation: which server this is. One that must not be worked with is
 * given up, and asked again after a pause.
 */
static void note_course(struct jt_pipe *pipe, const PGresult *res)
{
    struct jt_course now;
    struct jt_row row = jt_row_init(res, 0);
    enum jt_err err = jt_course_take(&row, 0, &now);
    bool fits = err == JT_OK && (pipe->guard_fn == NULL || pipe->guard_fn(pipe->guard_arg, &now));
    if (!fits) {
        jt_fault_clear(&pipe->fault);
        (void)jt_fault_set(&pipe->fault, JT_ERR_DB_AWAY, "%s",
                           err == JT_OK               ? "the server is not what was seen before"
                           : err == JT_ERR_DB_PASSING ? "the server is a standby"
                                                      : "the server does not tell which it is");
        fail(pipe, JT_ERR_DB_AWAY, true);
    }
}

static void note_success(struct jt_pipe *pipe, const PGresult *res)
{
    if (pipe->state == PREPARING && pipe->n_seen + 1 == pipe->n_expected) {
        note_course(pipe, res);
    }
    if (pipe->state != BUSY) {
        return;
    }
    struct jt_txn *txn = pipe->txn;
    enum jt_statement statement = txn->steps[pipe->n_seen].statement;
    if (!jt_txn_result_ok(statement, res)) {
        mistrust(pipe);
    } else if (statement == JT_SQL_COMMIT) {
        pipe->committed = true;
    } else if (jt_statements[statement].returns_rows && pipe->err == JT_OK) {
        enum jt_err err = txn->take(txn, statement, res);
        if (err == JT_ERR_DB_FAULT) {
            mistrust(pipe);
        } else if (err != JT_OK) {
            fail(pipe, err, false);
        }
    }
}

/* One result before the sync mark. */
static void note_result(struct jt_pipe *pipe, const PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);
    if (pipe->n_seen >= pipe->n_expected && status != PGRES_FATAL_ERROR) {
        mistrust(pipe);
        return;
    }
    switch (status) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK: note_success(pipe, res); break;
    case PGRES_PIPELINE_ABORTED:
        fail(pipe, JT_ERR_DB_FAULT, false); /* behind the error that aborted it, which is kept */
        break;
    /* libpq's own as well, when the connection broke: that may come at any place */
    case PGRES_FATAL_ERROR: note_error(pipe, res); break;
    /* COPY and the like: nothing here asks for it */
    default: mistrust(pipe); break;
    }
    pipe->n_seen++;
}

static void come_up(struct jt_pipe *pipe)
{
    pipe->state = IDLE;
    jt_deadline_cancel(&pipe->deadline);
    pipe->backoff_ms = JT_RECONNECT_MIN_MS;
    if (pipe->up_fn != NULL) {
        pipe->up_fn(pipe->up_arg, 0);
    }
}

/* The sync mark: the pipeline is over. */
static void end_pipeline(struct jt_pipe *pipe)
{
    PGTransactionStatusType left = PQtransactionStatus(pipe->conn);
    if (pipe->n_seen != pipe->n_expected || left == PQTRANS_INTRANS ||
        (left != PQTRANS_IDLE && pipe->state != BUSY)) {
        mistrust(pipe);
    }
    if (pipe->give_up) {
        lose(pipe);
    } else if (pipe->state == PREPARING) {
        come_up(pipe);
    } else if (left != PQTRANS_IDLE) {
        start_rollback(pipe); /* the error left the transaction open and failed */
    } else {
        struct jt_txn *txn = pipe->txn;
        pipe->txn = NULL;
        pipe->state = IDLE;
        jt_deadline_cancel(&pipe->deadline);
        pipe->unsure = pipe->err != JT_OK && !pipe->refused;
        if (pipe->us != NULL) {
            jt_histogram_note(pipe->us, &jt_bounds_us, (uint64_t)(jt_clock_us() - pipe->began_us));
        }
        txn->finish(txn, pipe->err); /* may submit the next transaction */
    }
}

/* Takes all results that have arrived. False when the connection broke. */
static bool read_results(struct jt_pipe *pipe)
{
    int n_null = 0;
    while (pipe->state >= PREPARING && !PQisBusy(pipe->conn) && pipe->state != IDLE) {
        PGresult *res = PQgetResult(pipe->conn);
        if (res == NULL) {
            /*
             * libpq puts one NULL behind each statement's result; several mean that it waits for
             * nothing more.
             */
            if (++n_null > 2 || PQstatus(pipe->conn) == CONNECTION_BAD) {
                return false;
            }
            continue;
        }
        n_null = 0;
        bool sync = PQresultStatus(res) == PGRES_PIPELINE_SYNC;
        if (!sync) {
            note_result(pipe, res);
        }
        PQclear(res);
        if (sync) {
            end_pipeline(pipe);
        } else if (pipe->give_up && PQstatus(pipe->conn) == CONNECTION_BAD) {
            return false;
        }
    }
    return true;
}

/* --- the loop's events --- */

static void poll_connecting(struct jt_pipe *pipe)
{
    /* libpq may close this socket and open another while it tries hosts. */
    jt_loop_unwatch(pipe->loop, &pipe->socket);
    PostgresPollingStatusType status = PQconnectPoll(pipe->conn);
    if (status == PGRES_POLLING_FAILED) {
        lose_with_message(pipe);
        return;
    }
    pipe->socket.fd = PQsocket(pipe->conn);
    pipe->socket.events = status == PGRES_POLLING_WRITING ? EPOLLOUT : EPOLLIN;
    if (jt_loop_watch(pipe->loop, &pipe->socket) != JT_OK) {
        lose(pipe);
    } else if (status == PGRES_POLLING_OK) {
        start_preparing(pipe);
    }
}

static void on_socket(void *arg, uint32_t events)
{
    struct jt_pipe *pipe = arg;
    if (pipe->state == CONNECTING) {
        poll_connecting(pipe);
        return;
    }
    PGconn *conn = pipe->conn;
    bool alive = true;
    if (events & ~(uint32_t)EPOLLOUT) {
        alive = PQconsumeInput(conn);
        alive = read_results(pipe) && alive;
    }
    if (pipe->conn != conn) {
        return; /* lost meanwhile */
    }
    if (!alive || PQstatus(conn) == CONNECTION_BAD || !flush(pipe)) {
        note_connection(pipe);
        lose(pipe);
    }
}

static void start_connecting(struct jt_pipe *pipe)
{
    struct jt_connect_params params;
    jt_session_connect_params(pipe->conninfo, pipe->application, &params);
    pipe->state = CONNECTING;
    pipe->err = JT_OK;
    pipe->conn = PQconnectStartParams(params.keywords, params.values, 1);
    if (pipe->conn == NULL || PQstatus(pipe->conn) == CONNECTION_BAD || PQsocket(pipe->conn) < 0) {
        note_connection(pipe);
        disconnect(pipe);
        return;
    }
    jt_deadline_set(&pipe->deadline, SETUP_TIMEOUT_MS);
    pipe->socket.fd = PQsocket(pipe->conn);
    pipe->socket.events = EPOLLOUT; /* libpq: begin as if PQconnectPoll had said WRITING */
    if (jt_loop_watch(pipe->loop, &pipe->socket) != JT_OK) {
        disconnect(pipe);
    }
}

static void on_deadline(void *arg, uint32_t events)
{
    (void)events;
    struct jt_pipe *pipe = arg;
    if (pipe->state == WAITING) {
        start_connecting(pipe);
    } else if (pipe->state == BUSY && pipe->left_ms > 0) {
        jt_deadline_set(&pipe->deadline, pipe->left_ms);
        pipe->left_ms = 0;
        pipe->slow_fn(pipe->slow_arg, 0);
    } else {
        if (pipe->txn == NULL) {
            jt_fault_clear(&pipe->fault);
        }
        (void)jt_fault_set(&pipe->fault, JT_ERR_DB_AWAY, "timed out waiting for the server");
        lose(pipe);
    }
}

/* --- life --- */

enum jt_err jt_pipe_new(struct jt_loop *loop, const char *conninfo, const char *application,
                        const struct jt_node_spec *node, int timeout_ms, struct jt_pipe **out)
{
    *out = NULL;
    enum jt_err err = jt_session_check_conninfo(conninfo);
    if (err != JT_OK) {
        return err;
    }
    struct jt_pipe *pipe = calloc(1, sizeof *pipe);
    if (pipe == NULL) {
        return JT_ERR_NOMEM;
    }
    pipe->loop = loop;
    pipe->node = *node;
    pipe->timeout_ms = timeout_ms;
    pipe->backoff_ms = JT_RECONNECT_MIN_MS;
    pipe->backoff_max_ms = JT_RECONNECT_MAX_MS;
    pipe->conninfo = strdup(conninfo);
    pipe->application = strdup(application);
    pipe->socket = (struct jt_watch){ .fn = on_socket, .arg = pipe, .fd = -1 };
    err = jt_deadline_init(&pipe->deadline, loop, on_deadline, pipe);
    if (err == JT_OK && (pipe->conninfo == NULL || pipe->application == NULL)) {
        err = JT_ERR_NOMEM;
    }
    if (err != JT_OK) {
        jt_pipe_free(pipe);
        return err;
    }
    start_connecting(pipe);
    *out = pipe;
    return JT_OK;
}

void jt_pipe_free(struct jt_pipe *pipe)
{
    if (pipe == NULL) {
        return;
    }
    jt_loop_unwatch(pipe->loop, &pipe->socket);
    jt_deadline_clear(&pipe->deadline);
    PQfinish(pipe->conn);
    pipe->conn = NULL;
    pipe->state = WAITING;
    if (pipe->txn != NULL) {
        pipe->unsure = true;
        pipe->txn->finish(pipe->txn, JT_ERR_STOPPING);
    }
    free(pipe->conninfo);
    free(pipe->application);
    free(pipe);
}

bool jt_pipe_ready(const struct jt_pipe *pipe)
{
    return pipe->state == IDLE;
}

bool jt_pipe_up(const struct jt_pipe *pipe)
{
    return pipe->state >= IDLE;
}

void jt_pipe_on_up(struct jt_pipe *pipe, jt_loop_fn *fn, void *arg)
{
    pipe->up_fn = fn;
    pipe->up_arg = arg;
}

void jt_pipe_on_slow(struct jt_pipe *pipe, jt_loop_fn *fn, void *arg)
{
    pipe->slow_fn = fn;
    pipe->slow_arg = arg;
}

void jt_pipe_scout(struct jt_pipe *pipe)
{
    pipe->backoff_max_ms = JT_RECONNECT_SCOUT_MS;
}

void jt_pipe_hurry(struct jt_pipe *pipe)
{
    if (pipe->state == WAITING) {
        jt_deadline_set(&pipe->deadline, 1);
    }
}

void jt_pipe_guard(struct jt_pipe *pipe, jt_pipe_guard_fn *fn, void *arg)
{
    pipe->guard_fn = fn;
    pipe->guard_arg = arg;
}

bool jt_pipe_unsure(const struct jt_pipe *pipe)
{
    return pipe->unsure;
}

int jt_pipe_backend(const struct jt_pipe *pipe)
{
    return pipe->backend;
}

void jt_pipe_measure(struct jt_pipe *pipe, struct jt_histogram *us)
{
    pipe->us = us;
}

const struct jt_fault *jt_pipe_fault(const struct jt_pipe *pipe)
{
    return &pipe->fault;
}

const struct jt_node_spec *jt_pipe_node(const struct jt_pipe *pipe)
{
    return &pipe->node;
}
