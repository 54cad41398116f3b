/* SPDX-License-Identifier: Apache-2.0 */
#include "store/nodes.h"

#include "base/clock.h"
#include "store/columns.h"
#include "store/ring_lock.h"
#include "store/timeouts.h"

#include <string.h>

#define NODE_LOCK "7235419260851099" /* session-level: held as long as the front lives */

#define NODE_ROW(FIRST, NEXT, t)                  \
    FIRST(TEXT, t "name", spec.name)              \
    NEXT(U8, t "number", spec.number)             \
    NEXT(UUID, t "incarnation", spec.incarnation) \
    NEXT(U63, t "mac_epoch", mac_epoch)           \
    NEXT(FIXED, t "mac", mac)

#define COLUMNS JT_COLUMNS(NODE_ROW, "")

static JT_COLUMNS_PUTTER(put_row, NODE_ROW, 5, struct jt_node_row);

/* Takes the session's lock if it is not held yet. JT_ERR_NODE_TAKEN when another session holds it.
 */
static enum jt_err take_lock(struct jt_db *db)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK || db->holds_node_lock) {
        return err;
    }
    PGresult *res;
    err = jt_db_query_one(db, "SELECT pg_try_advisory_lock(" NODE_LOCK ")", NULL, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        db->holds_node_lock = jt_row_bool(&row, 0);
        err = row.bad ? JT_ERR_DB_FAULT : db->holds_node_lock ? JT_OK : JT_ERR_NODE_TAKEN;
    }
    PQclear(res);
    return err;
}

static void free_lock(struct jt_db *db)
{
    if (db->holds_node_lock) {
        PGresult *res = NULL;
        enum jt_err err = jt_db_query(db, "SELECT pg_advisory_unlock(" NODE_LOCK ")", NULL, &res);
        PQclear(res);
        (void)err; /* a session that cannot unlock is lost, and its lock with it */
        db->holds_node_lock = false;
    }
}

/* Repeats `change` while the ring lock is busy, until the deadline. */
static enum jt_err with_ring_lock(struct jt_db *db,
                                  enum jt_err (*change)(struct jt_db *, const void *),
                                  const void *arg, int64_t deadline_ms)
{
    for (;;) {
        bool busy;
        enum jt_err err = jt_ring_lock_begin(db, &busy);
        if (err == JT_OK) {
            return jt_db_end(db, change(db, arg));
        }
        if (!busy || jt_clock_ms() >= deadline_ms) {
            return err;
        }
        jt_db_back_off(JT_LOCK_PAUSE_MS);
    }
}

/* Ours is the only row, and it is as it was sent: nobody else's may go on fencing in nobody. */
static enum jt_err check_alone(struct jt_db *db, const struct jt_node_row *row)
{
    struct jt_params p;
    jt_params_init(&p);
    put_row(&p, row);
    return jt_db_must(db,
                      "SELECT coalesce(bool_and((" COLUMNS ") = (" JT_SQL_5_PARAMS ")) "
                      "AND count(*) = 1, false) FROM node",
                      &p,
                      "the node's row does not stand as it was sent, or another does beside it");
}

/*
 * Every other row goes too: there is one front, and one that lost its lock under another name must
 * not go on writing.
 */
static enum jt_err replace_row(struct jt_db *db, const void *arg)
{
    const struct jt_node_row *row = arg;
    if (!db->holds_node_lock) {
        return JT_ERR_DB_AWAY; /* the session was lost in between, and the lock with it */
    }
    enum jt_err err = jt_db_change(db, "DELETE FROM node", NULL, NULL);
    if (err == JT_OK) {
        struct jt_params p;
        jt_params_init(&p);
        put_row(&p, row);
        err = jt_db_insert_one(db,
                               "INSERT INTO node (" COLUMNS ") "
                               "VALUES (" JT_SQL_5_PARAMS ")",
                               &p);
    }
    return err == JT_OK ? check_alone(db, row) : err;
}

static enum jt_err remove_row(struct jt_db *db, const void *arg)
{
    const struct jt_node_spec *node = arg;
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, node->name);
    jt_params_uuid(&p, node->incarnation);
    uint64_t n_removed; /* none where another front has taken the place */
    enum jt_err err =
        jt_db_change(db, "DELETE FROM node WHERE name = $1 AND incarnation = $2", &p, &n_removed);
    return err == JT_OK && n_removed > 1 ? JT_ERR_DB_UNTRUE : err;
}

/* Whether the row is this incarnation's. */
static enum jt_err row_is_ours(struct jt_db *db, const struct jt_node_spec *node, bool *ours)
{
    *ours = false;
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, node->name);
    jt_params_uuid(&p, node->incarnation);
    PGresult *res;
    enum jt_err err = jt_db_query_one(
        db, "SELECT EXISTS (SELECT FROM node WHERE name = $1 AND incarnation = $2)", &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *ours = jt_row_bool(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

/*
 * take_lock for a front that may have had the lock before. While the row is still ours, whoever
 * else holds the lock is most likely our own old session, which the server has not missed yet:
 * JT_ERR_DB_AWAY.
 */
static enum jt_err take_lock_again(struct jt_db *db, const struct jt_node_spec *node)
{
    enum jt_err err = take_lock(db);
    if (err == JT_ERR_NODE_TAKEN) {
        bool ours;
        enum jt_err asked = row_is_ours(db, node, &ours);
        err = asked != JT_OK ? asked : ours ? JT_ERR_DB_AWAY : JT_ERR_NODE_TAKEN;
    }
    return err;
}

enum jt_err jt_node_claim(struct jt_db *db, const struct jt_node_spec *node, int patience_ms)
{
    int64_t deadline_ms = jt_clock_ms() + patience_ms;
    enum jt_err err = take_lock_again(db, node);
    /* The backend of a front that was just killed needs a moment to notice. */
    while (err == JT_ERR_NODE_TAKEN && jt_clock_ms() < deadline_ms) {
        jt_db_back_off(JT_LOCK_PAUSE_MS);
        err = take_lock_again(db, node);
    }
    return err;
}

enum jt_err jt_node_register(struct jt_db *db, const struct jt_node_row *row, int patience_ms)
{
    return with_ring_lock(db, replace_row, row, jt_clock_ms() + patience_ms);
}

enum jt_err jt_node_check(struct jt_db *db, const struct jt_node_spec *node)
{
    enum jt_err err = take_lock_again(db, node);
    if (err != JT_OK) {
        return err;
    }
    bool ours;
    err = row_is_ours(db, node, &ours);
    if (err == JT_OK && !ours) {
        free_lock(db);
        err = JT_ERR_NODE_GONE;
    }
    return err;
}

enum jt_err jt_node_leave(struct jt_db *db, const struct jt_node_spec *node)
{
    enum jt_err err = with_ring_lock(db, remove_row, node, jt_clock_ms() + JT_NODE_LEAVE_MS);
    free_lock(db);
    return err;
}
