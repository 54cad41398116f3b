/* SPDX-License-Identifier: Apache-2.0 */
#include "store/node_list.h"

#include "store/audit_params.h"
#include "store/node_columns.h"
#include "store/ring_lock.h"

#include <string.h>

#define ADDED(FIRST, NEXT, t)                             \
    FIRST(BOOL, JT_SQL_LEASED(t), lives)                  \
    NEXT(TEXT, JT_SQL_TIME(t "started_at"), started_at)   \
    NEXT(TEXT, JT_SQL_TIME(t "lease_until"), lease_until) \
    NEXT(TEXT, JT_SQL_TIME(t "renewed_at"), renewed_at)

JT_COLUMNS_READER(jt_node_row_read, JT_NODE_ROW, struct jt_node_row);
JT_COLUMNS_PUTTER(jt_node_row_put, JT_NODE_ROW, 7, struct jt_node_row);
static JT_COLUMNS_READER(read_added, ADDED, struct jt_node_info);

enum jt_err jt_nodes_list(struct jt_db *db, jt_node_fn *each, void *arg)
{
    PGresult *res = NULL;
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = jt_db_query(db,
                          "SELECT " JT_COLUMNS(JT_NODE_ROW, "n.") ", " JT_COLUMNS(
                              ADDED, "n.") " FROM node n ORDER BY n.number",
                          NULL, &res);
    }
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_node_info info = { .lives = false };
        struct jt_row row = jt_row_init(res, i);
        jt_node_row_read(&row, 0, &info.row);
        read_added(&row, JT_N_COLUMNS(JT_NODE_ROW), &info);
        err = jt_row_status(&row);
        if (err == JT_OK) {
            each(arg, &info);
        }
    }
    PQclear(res);
    return err;
}

/* The rows of one of the two tables; *n_true: those of which the last column is true. */
static enum jt_err read_rows(struct jt_db *db, const char *sql, struct jt_node_row *out, size_t *n,
                             size_t *n_true)
{
    PGresult *res;
    *n = *n_true = 0;
    enum jt_err err = jt_db_query(db, sql, NULL, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res) && *n < JT_NODES_MAX; i++) {
        struct jt_row row = jt_row_init(res, i);
        out[*n] = (struct jt_node_row){ .id_mark = 0 };
        jt_node_row_read(&row, 0, &out[(*n)++]);
        *n_true += jt_row_bool(&row, JT_N_COLUMNS(JT_NODE_ROW));
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_nodes_read(struct jt_db *db, struct jt_node_rows *out)
{
    size_t ignored;
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = read_rows(
            db, "SELECT " JT_NODE_COLUMNS ", " JT_SQL_LEASED("") " FROM node ORDER BY number",
            out->nodes, &out->n_nodes, &out->n_live);
    }
    if (err == JT_OK) {
        err = read_rows(db, "SELECT " JT_NODE_COLUMNS ", true FROM node_number ORDER BY number",
                        out->given_up, &out->n_given_up, &ignored);
    }
    return err;
}

static enum jt_err remove_dead(struct jt_db *db, const char *name, const struct jt_act *act)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, name);
    uint64_t n = 0;
    enum jt_err err = jt_db_change(db,
                                   "WITH gone AS (DELETE FROM node WHERE name = $1 "
                                   "AND NOT " JT_SQL_LEASED("") " RETURNING *) " JT_SQL_RELEASE,
                                   &p, &n);
    if (err == JT_OK) {
        bool stands;
        jt_params_init(&p);
        jt_params_text(&p, name);
        err = jt_db_ask(db, "SELECT EXISTS (SELECT FROM node WHERE name = $1)", &p, &stands);
        if (err == JT_OK && (stands || n != 1)) {
            err = n != 0 ? JT_ERR_DB_UNTRUE : stands ? JT_ERR_NODE_LIVES : JT_ERR_NO_NODE;
        }
    }
    if (err == JT_OK) {
        /* what its keeper has seen can be had from nobody any more: it holds up no recovery */
        jt_params_init(&p);
        jt_params_text(&p, name);
        err = jt_db_change(db, "DELETE FROM keeper_view WHERE node = $1", &p, &n);
    }
    return err == JT_OK ? jt_audit_act(db, act, JT_AUDIT_NODE_REMOVE, 0, name) : err;
}

enum jt_err jt_node_remove(struct jt_db *db, const char *name, const struct jt_act *act, bool *busy)
{
    enum jt_err err = jt_ring_lock_begin(db, busy);
    return err == JT_OK ? jt_db_end(db, remove_dead(db, name, act)) : err;
}
