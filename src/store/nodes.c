/* SPDX-License-Identifier: Apache-2.0 */
#include "store/nodes.h"

#include "base/clock.h"
#include "store/columns.h"
#include "store/locks.h"
#include "store/ring_lock.h"
#include "store/timeouts.h"

#include <string.h>

/* Of the node whose number is that. */
#define LOCK_OF(number) "(" JT_NODE_LOCKS "::int8 + " number ")"

/*
 * Rows of nodes whose lock nobody holds, and any other row of this node's number, $1, whose lock is
 * ours. An advisory lock on one bigint shows its halves as classid and objid, and objsubid 1.
 */
#define IS_GONE                                                                                \
    "(n.number = $1 OR NOT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' "      \
    "AND l.granted AND l.objsubid = 1 "                                                        \
    "AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) " \
    "AND l.classid::int8 = " LOCK_OF("n.number") " >> 32 "                                     \
                                                 "AND l.objid::int8 = " LOCK_OF(               \
                                                     "n.number") " & 4294967295))"

#define NODE_ROW(FIRST, NEXT, t)                  \
    FIRST(TEXT, t "name", spec.name)              \
    NEXT(U8, t "number", spec.number)             \
    NEXT(UUID, t "incarnation", spec.incarnation) \
    NEXT(U63, t "mac_epoch", mac_epoch)           \
    NEXT(FIXED, t "mac", mac)

#define COLUMNS JT_COLUMNS(NODE_ROW, "")

static JT_COLUMNS_PUTTER(put_row, NODE_ROW, 5, struct jt_node_row);

/* The session's lock of a number, by pg_try_advisory_lock or pg_advisory_unlock. */
static enum jt_err ask_lock(struct jt_db *db, const char *sql, uint8_t number, bool *had)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_i16(&p, number);
    return jt_db_ask(db, sql, &p, had);
}

/* Takes the node's lock if it is not held yet. JT_ERR_NODE_TAKEN when another session holds it. */
static enum jt_err take_lock(struct jt_db *db, uint8_t number)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK || db->holds_node_lock) {
        return err;
    }
    err = ask_lock(db, "SELECT pg_try_advisory_lock(" LOCK_OF("$1") ")", number,
                   &db->holds_node_lock);
    return err == JT_OK && !db->holds_node_lock ? JT_ERR_NODE_TAKEN : err;
}

static void free_lock(struct jt_db *db, uint8_t number)
{
    if (db->holds_node_lock) {
        bool freed;
        enum jt_err err =
            ask_lock(db, "SELECT pg_advisory_unlock(" LOCK_OF("$1") ")", number, &freed);
        (void)err; /* a session that cannot unlock is lost, and its lock with it */
        db->holds_node_lock = false;
    }
}

/* The row is as it was sent, and no row of a node that is gone stands beside it. */
static enum jt_err check_row(struct jt_db *db, const struct jt_node_row *row)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_i16(&p, row->spec.number);
    put_row(&p, row);
    return jt_db_must(db,
                      "SELECT count(*) = 1 AND bool_and((" COLUMNS ") = ($2, $3, $4, $5, $6)) "
                      "FROM node n WHERE " IS_GONE,
                      &p,
                      "the node's row does not stand as it was sent, or another does beside it");
}

/*
 * One that is gone goes from the table too: a front that lost its lock without knowing must not go
 * on writing.
 */
static enum jt_err replace_row(struct jt_db *db, const struct jt_node_row *row)
{
    if (!db->holds_node_lock) {
        return JT_ERR_DB_AWAY; /* the session was lost in between, and the lock with it */
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_i16(&p, row->spec.number);
    enum jt_err err = jt_db_change(db, "DELETE FROM node n WHERE " IS_GONE, &p, NULL);
    if (err == JT_OK) {
        jt_params_init(&p);
        put_row(&p, row);
        err = jt_db_insert_one(db,
                               "INSERT INTO node (" COLUMNS ") "
                               "VALUES (" JT_SQL_5_PARAMS ")",
                               &p);
    }
    return err == JT_OK ? check_row(db, row) : err;
}

static enum jt_err remove_row(struct jt_db *db, const struct jt_node_spec *node)
{
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
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, node->name);
    jt_params_uuid(&p, node->incarnation);
    return jt_db_ask(db, "SELECT EXISTS (SELECT FROM node WHERE name = $1 AND incarnation = $2)",
                     &p, ours);
}

/*
 * take_lock for a front that may have had the lock before. While the row is still ours, whoever
 * else holds the lock is most likely our own old session, which the server has not missed yet:
 * JT_ERR_DB_AWAY.
 */
enum jt_err jt_node_claim(struct jt_db *db, const struct jt_node_spec *node)
{
    enum jt_err err = take_lock(db, node->number);
    if (err == JT_ERR_NODE_TAKEN) {
        bool ours;
        enum jt_err asked = row_is_ours(db, node, &ours);
        err = asked != JT_OK ? asked : ours ? JT_ERR_DB_AWAY : JT_ERR_NODE_TAKEN;
    }
    return err;
}

enum jt_err jt_node_register(struct jt_db *db, const struct jt_node_row *row, bool *busy)
{
    enum jt_err err = jt_ring_lock_begin(db, busy);
    return err == JT_OK ? jt_db_end(db, replace_row(db, row)) : err;
}

enum jt_err jt_node_check(struct jt_db *db, const struct jt_node_spec *node)
{
    enum jt_err err = jt_node_claim(db, node);
    if (err != JT_OK) {
        return err;
    }
    bool ours;
    err = row_is_ours(db, node, &ours);
    if (err == JT_OK && !ours) {
        free_lock(db, node->number);
        err = JT_ERR_NODE_GONE;
    }
    return err;
}

/* The process ends: its lock is freed in any case, and the row is gone for whoever comes next. */
enum jt_err jt_node_leave(struct jt_db *db, const struct jt_node_spec *node)
{
    int64_t deadline_ms = jt_clock_ms() + JT_NODE_LEAVE_MS;
    bool busy;
    enum jt_err err = jt_ring_lock_begin(db, &busy);
    while (err != JT_OK && busy && jt_clock_ms() < deadline_ms) {
        jt_clock_pause(JT_LOCK_PAUSE_MS);
        err = jt_ring_lock_begin(db, &busy);
    }
    err = err == JT_OK ? jt_db_end(db, remove_row(db, node)) : err;
    free_lock(db, node->number);
    return err;
}
