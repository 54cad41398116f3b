/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db.h"

#include "base/clock.h"
#include "store/answer.h"
#include "store/history.h"
#include "store/query.h"
#include "store/session.h"
#include "store/txn.h"
#include "store/timeouts.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum jt_err jt_db_new(const char *conninfo, const char *application, int timeout_ms,
                      struct jt_db **out)
{
    *out = NULL;
    enum jt_err err = jt_session_check_conninfo(conninfo);
    if (err != JT_OK) {
        return err;
    }
    struct jt_db *db = calloc(1, sizeof *db);
    if (db == NULL) {
        return JT_ERR_NOMEM;
    }
    db->timeout_ms = timeout_ms;
    db->fault = &db->own;
    db->conninfo = strdup(conninfo);
    db->application = strdup(application);
    if (db->conninfo == NULL || db->application == NULL) {
        jt_db_free(db);
        return JT_ERR_NOMEM;
    }
    *out = db;
    return JT_OK;
}

static void disconnect(struct jt_db *db)
{
    PQfinish(db->conn);
    db->conn = NULL;
    db->holds_node_lock = false;
    db->listens = false;
}

void jt_db_leave(struct jt_db *db)
{
    if (db->conn != NULL && !db->holds_node_lock) {
        disconnect(db);
    }
}

void jt_db_free(struct jt_db *db)
{
    if (db == NULL) {
        return;
    }
    disconnect(db);
    free(db->conninfo);
    free(db->application);
    free(db);
}

void jt_db_note_into(struct jt_db *db, struct jt_fault *fault)
{
    db->fault = fault;
}

const struct jt_fault *jt_db_fault(const struct jt_db *db)
{
    return db->fault;
}

int jt_db_socket(const struct jt_db *db)
{
    return db->conn == NULL ? -1 : PQsocket(db->conn);
}

/*
 * Reads what an idle connection has to say: the end of the session, when the server went away
 * meanwhile.
 */
static bool still_there(struct jt_db *db)
{
    if (db->conn == NULL || PQstatus(db->conn) != CONNECTION_OK) {
        return false;
    }
    struct pollfd p = { .fd = PQsocket(db->conn), .events = POLLIN };
    while (poll(&p, 1, 0) > 0) {
        if (!PQconsumeInput(db->conn) || PQstatus(db->conn) != CONNECTION_OK) {
            return false;
        }
    }
    return true;
}

static int64_t due_ms(const struct jt_db *db)
{
    return db->timeout_ms == 0 ? 0 : jt_clock_ms() + db->timeout_ms;
}

static enum jt_err connect_now(struct jt_db *db)
{
    disconnect(db);
    struct jt_connect_params params;
    jt_session_connect_params(db->conninfo, db->application, &params);
    db->conn = PQconnectdbParams(params.keywords, params.values, 1);
    if (PQstatus(db->conn) != CONNECTION_OK || PQsetnonblocking(db->conn, 1) != 0) {
        char message[JT_DB_MESSAGE_LEN];
        jt_sqlstate_describe_connection(db->conn, message);
        disconnect(db);
        return jt_fault_set(db->fault, JT_ERR_DB_AWAY, "%s", message);
    }
    jt_session_quieten(db->conn);
    char timeout[16]; /* before ours: the server's word on it keeps the session */
    (void)snprintf(timeout, sizeof timeout, "%d", db->timeout_ms - db->timeout_ms / 10);
    struct jt_params settings;
    jt_params_init(&settings);
    jt_params_text(&settings, timeout);
    PGresult *res;
    enum jt_err err = jt_db_query(db, jt_session_settings, &settings, &res);
    PQclear(res);
    if (err != JT_OK) {
        disconnect(db);
    }
    return err;
}

/* If even this fails, the session ends. What was remembered of the error before stays. */
static void roll_back(struct jt_db *db)
{
    if (db->conn == NULL || PQtransactionStatus(db->conn) == PQTRANS_IDLE) {
        return;
    }
    PGresult *res = NULL;
    if (!PQsendQuery(db->conn, "ROLLBACK") ||
        jt_answer_await(db->conn, due_ms(db), &res) != JT_OK) {
        disconnect(db);
    }
    PQclear(res);
}

enum jt_err jt_db_ensure(struct jt_db *db)
{
    if (db->fault == &db->own) { /* an earlier loss must not explain a later error */
        jt_fault_clear(&db->own);
    }
    if (still_there(db)) {
        roll_back(db);
        if (db->conn != NULL && PQtransactionStatus(db->conn) == PQTRANS_IDLE) {
            return JT_OK;
        }
    }
    return connect_now(db);
}

/* JT_OK when the result is of the wanted kind; otherwise remembers why not. */
static enum jt_err judge(struct jt_db *db, const PGresult *res, ExecStatusType want)
{
    db->sqlstate[0] = '\0';
    if (PQresultStatus(res) == want) {
        return JT_OK;
    }
    if (PQresultStatus(res) != PGRES_FATAL_ERROR) {
        return jt_fault_set(db->fault, JT_ERR_DB_FAULT,
                            "unexpected kind of answer from the server");
    }
    const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    if (sqlstate != NULL) {
        (void)snprintf(db->sqlstate, sizeof db->sqlstate, "%s", sqlstate);
    }
    char message[JT_DB_MESSAGE_LEN];
    jt_sqlstate_describe(res, message);
    return jt_fault_set(db->fault, jt_sqlstate_err(sqlstate), "%s", message);
}

/*
 * The answer to what was just sent, if it was. *out is the caller's to clear, also on failure. A
 * session that ended or hangs, or whose server answers with what nobody asked for (COPY), is
 * dropped, so that jt_db_ensure may find another server.
 */
static enum jt_err await(struct jt_db *db, int sent, ExecStatusType want, PGresult **out)
{
    *out = NULL;
    enum jt_err err = sent ? jt_answer_await(db->conn, due_ms(db), out) : JT_ERR_DB_AWAY;
    if (err != JT_OK) {
        db->sqlstate[0] = '\0';
        char message[JT_DB_MESSAGE_LEN] = "timed out waiting for the server";
        if (!sent || PQstatus(db->conn) != CONNECTION_OK) {
            jt_sqlstate_describe_connection(db->conn, message);
        }
        disconnect(db);
        return jt_fault_set(db->fault, err, "%s", message);
    }
    err = judge(db, *out, want);
    if (err != JT_OK &&
        (PQresultStatus(*out) != PGRES_FATAL_ERROR || jt_sqlstate_ends_session(db->sqlstate))) {
        disconnect(db);
    }
    return err;
}

/* Runs one statement. *out as above. */
static enum jt_err execute(struct jt_db *db, const char *sql, const struct jt_params *params,
                           ExecStatusType want, PGresult **out)
{
    *out = NULL;
    if (db->conn == NULL) {
        return JT_ERR_DB_AWAY;
    }
    struct jt_pg_params p = { .n = 0 };
    if (params != NULL) {
        enum jt_err built = jt_params_status(params);
        if (built != JT_OK) {
            return built;
        }
        jt_params_view(params, &p);
    }
    int sent = PQsendQueryParams(db->conn, sql, p.n, p.types, p.values, p.lengths, p.formats, 1);
    return await(db, sent, want, out);
}

enum jt_err jt_db_query(struct jt_db *db, const char *sql, struct jt_params *params,
                        PGresult **rows)
{
    enum jt_err err = execute(db, sql, params, PGRES_TUPLES_OK, rows);
    if (err != JT_OK) {
        PQclear(*rows);
        *rows = NULL;
    }
    if (params != NULL) {
        jt_params_clear(params);
    }
    return err;
}

enum jt_err jt_db_query_one(struct jt_db *db, const char *sql, struct jt_params *params,
                            PGresult **rows)
{
    enum jt_err err = jt_db_query(db, sql, params, rows);
    if (err == JT_OK && PQntuples(*rows) != 1) {
        err = PQntuples(*rows) == 0 ? JT_ERR_NO_ROW : JT_ERR_DB_FAULT;
        PQclear(*rows);
        *rows = NULL;
    }
    return err;
}

enum jt_err jt_db_change(struct jt_db *db, const char *sql, struct jt_params *params,
                         uint64_t *n_changed)
{
    PGresult *res;
    enum jt_err err = execute(db, sql, params, PGRES_COMMAND_OK, &res);
    if (n_changed != NULL) {
        *n_changed = err == JT_OK ? strtoull(PQcmdTuples(res), NULL, 10) : 0;
    }
    PQclear(res);
    if (params != NULL) {
        jt_params_clear(params);
    }
    return err;
}

enum jt_err jt_db_change_one(struct jt_db *db, const char *sql, struct jt_params *params)
{
    uint64_t n_changed;
    enum jt_err err = jt_db_change(db, sql, params, &n_changed);
    return err == JT_OK && n_changed != 1 ? JT_ERR_NO_CHANGE : err;
}

enum jt_err jt_db_script(struct jt_db *db, const char *sql)
{
    if (db->conn == NULL) {
        return JT_ERR_DB_AWAY;
    }
    PGresult *res;
    enum jt_err err = await(db, PQsendQuery(db->conn, sql), PGRES_COMMAND_OK, &res);
    PQclear(res);
    return err;
}

enum jt_err jt_db_insert_one(struct jt_db *db, const char *sql, struct jt_params *params)
{
    enum jt_err err = jt_db_change_one(db, sql, params);
    return err == JT_ERR_NO_CHANGE
               ? jt_fault_set(db->fault, JT_ERR_DB_UNTRUE, "a row was to be inserted, and was not")
               : err;
}

enum jt_err jt_db_ask(struct jt_db *db, const char *sql, struct jt_params *params, bool *out)
{
    *out = false;
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, sql, params, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *out = jt_row_bool(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_db_must(struct jt_db *db, const char *sql, struct jt_params *params,
                       const char *otherwise)
{
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, sql, params, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        bool holds = jt_row_bool(&row, 0);
        err = row.bad || !holds ? JT_ERR_DB_UNTRUE : JT_OK;
        if (err != JT_OK) {
            err = jt_fault_set(db->fault, err, "%s", otherwise);
        }
    }
    PQclear(res);
    return err;
}

void jt_db_chain(struct jt_db *db, const struct jt_chain_owner *owner)
{
    db->owner = *owner;
}

void jt_db_origin(struct jt_db *db, const struct jt_origin *origin)
{
    db->origin = origin;
}

enum jt_err jt_db_begin(struct jt_db *db)
{
    enum jt_err err = jt_db_ensure(db);
    db->n_links = 0;
    return err == JT_OK ? jt_db_change(db, jt_statements[JT_SQL_BEGIN].sql, NULL, NULL) : err;
}

/* --- the end of a transaction, also where the word on it is lost --- */

/*
 * What names a transaction beyond its session: its number, and the history that the number belongs
 * to. A standby that was promoted with its tail lost counts on from an older number, on a timeline
 * of its own. All as text.
 */
struct transaction {
    char xid[24], history[40];
};
#define HISTORY "(" JT_SQL_SYSTEM_IDENTIFIER "::text || '.' || " JT_SQL_TIMELINE "::text)"

/* Of the open transaction; an empty number where it has written nothing. */
static enum jt_err name_transaction(struct jt_db *db, struct transaction *out)
{
    PGresult *res;
    enum jt_err err = jt_db_query_one(
        db, "SELECT coalesce(pg_current_xact_id_if_assigned()::text, ''), " HISTORY, NULL, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        jt_row_text(&row, 0, out->xid, sizeof out->xid);
        jt_row_text(&row, 1, out->history, sizeof out->history);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

/*
 * JT_OK: *status is "committed", "aborted" or "in progress"; empty where this history does not know
 * the number.
 */
static enum jt_err ask_for(struct jt_db *db, const struct transaction *t, char status[static 16])
{
    status[0] = '\0';
    enum jt_err err = connect_now(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, t->xid);
    jt_params_text(&p, t->history);
    PGresult *res;
    err =
        jt_db_query_one(db,
                        "SELECT CASE WHEN pg_is_in_recovery() THEN 'in progress' WHEN $2 = " HISTORY
                        " THEN coalesce(pg_xact_status($1::xid8), '') ELSE '' END",
                        &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        jt_row_text(&row, 0, status, 16);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

/*
 * COMMIT was sent and the connection broke: on new connections the server is asked what became of
 * the transaction, until it says so. JT_OK: committed. JT_ERR_DB_PASSING: it came to nothing.
 * JT_ERR_IN_DOUBT: nobody knows. How the connection broke was noted before, and is kept.
 */
static enum jt_err find_out(struct jt_db *db, const struct transaction *t)
{
    int64_t give_up = jt_clock_ms() + JT_DOUBT_PATIENCE_MS;
    for (;;) {
        char status[16];
        enum jt_err err = ask_for(db, t, status);
        bool told = err == JT_OK && strcmp(status, "in progress") != 0;
        if (told) {
            if (strcmp(status, "committed") == 0) {
                jt_fault_clear(db->fault);
                return JT_OK;
            }
            return status[0] == '\0' ? JT_ERR_IN_DOUBT : JT_ERR_DB_PASSING;
        }
        bool may_pass = err == JT_OK || jt_err_class(err) == JT_CLASS_REPEAT;
        if (!may_pass || jt_clock_ms() >= give_up) {
            return JT_ERR_IN_DOUBT;
        }
        jt_clock_pause(JT_DOUBT_PAUSE_MS); /* to be told the truth is worth it, also at a stop */
    }
}

static enum jt_err commit(struct jt_db *db)
{
    struct transaction transaction;
    enum jt_err err = name_transaction(db, &transaction);
    if (err != JT_OK) {
        return err;
    }
    PGresult *res;
    err = execute(db, "COMMIT", NULL, PGRES_COMMAND_OK, &res);
    if (err == JT_OK && !jt_txn_result_ok(JT_SQL_COMMIT, res)) {
        err = jt_fault_set(db->fault, JT_ERR_DB_FAULT,
                           "the server rolled back what it was to commit");
    }
    PQclear(res);
    bool lost = err == JT_ERR_DB_AWAY && db->conn == NULL;
    return lost && transaction.xid[0] != '\0' ? find_out(db, &transaction) : err;
}

/* What became of the links of the transaction. */
static void end_links(struct jt_db *db, enum jt_err err, int backend)
{
    if (db->n_links > 0 && err == JT_OK) {
        db->chain = db->tentative;
        if (db->owner.stands != NULL) {
            db->owner.stands(db->owner.arg, &db->chain);
        }
    } else if (db->n_links > 0 && err == JT_ERR_IN_DOUBT) {
        jt_chain_doubt(&db->chain, &db->link, backend);
    }
    db->n_links = 0;
}

enum jt_err jt_db_end(struct jt_db *db, enum jt_err err)
{
    int backend = db->conn == NULL ? 0 : PQbackendPID(db->conn);
    if (err == JT_OK) {
        err = commit(db);
        end_links(db, err, backend);
    }
    if (err != JT_OK) {
        roll_back(db);
    }
    return err;
}

enum jt_err jt_db_run(struct jt_db *db, struct jt_txn *txn)
{
    enum jt_err err = jt_db_ensure(db);
    for (int i = 0; i < txn->n_steps && err == JT_OK; i++) {
        const struct jt_statement_text *text = &jt_statements[txn->steps[i].statement];
        ExecStatusType want = text->returns_rows ? PGRES_TUPLES_OK : PGRES_COMMAND_OK;
        PGresult *res;
        err = execute(db, text->sql, &txn->steps[i].params, want, &res);
        if (err == JT_OK && !jt_txn_result_ok(txn->steps[i].statement, res)) {
            err = JT_ERR_DB_FAULT;
        }
        if (err == JT_OK && text->returns_rows) {
            err = txn->take(txn, txn->steps[i].statement, res);
        }
        PQclear(res);
    }
    if (err != JT_OK) {
        roll_back(db);
    }
    return err;
}
