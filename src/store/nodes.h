/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This node's row, and the lock that keeps a second jetond off the database until several nodes are
 * supported.
 *
 * The lock is a session-level advisory lock of a connection that is kept open for it: the server
 * frees it the moment the process dies. The row's incarnation fences a front that lost its lock
 * without knowing: every transaction that writes a card checks it.
 */
#ifndef JETON_STORE_NODES_H
#define JETON_STORE_NODES_H

#include "store/db.h"
#include "model/node.h"

/*
 * Takes the lock on `db`'s session, waiting up to `patience_ms` for it. JT_ERR_NODE_TAKEN when
 * another session holds it and the row is not this incarnation's; while it is, the holder is most
 * likely this front's own old session, and the answer JT_ERR_DB_AWAY at once: ask again.
 *
 * A front that starts again after a network cut meets its old session as well, and that one cannot
 * be told from another machine under the same name that is alive: JT_ERR_NODE_TAKEN, until the
 * server misses the session. Its keep-alives are pinned so that this takes less than 30 s
 * (store/session.c).
 */
enum jt_err jt_node_claim(struct jt_db *db, const struct jt_node_spec *node,
                          int patience_ms) JT_CHECKED;

/*
 * Replaces the node row by the one that the keeper has MACed, under the exclusive ring lock (lock
 * time-out 50 ms with back-off up to `patience_ms`). JT_ERR_PROTOCOL when it does not stand alone
 * and as it was sent, whatever the server answered. JT_ERR_DB_AWAY also when the lock of
 * jt_node_claim is not held any more.
 */
enum jt_err jt_node_register(struct jt_db *db, const struct jt_node_row *row,
                             int patience_ms) JT_CHECKED;

/*
 * Whether the lock is still held and the row still ours; JT_ERR_NODE_GONE when another incarnation
 * took over; JT_ERR_DB_AWAY, also while our own old session still holds the lock.
 */
enum jt_err jt_node_check(struct jt_db *db, const struct jt_node_spec *node) JT_CHECKED;

/* Removes the row and frees the lock: a clean stop. */
enum jt_err jt_node_leave(struct jt_db *db, const struct jt_node_spec *node) JT_CHECKED;

#endif
