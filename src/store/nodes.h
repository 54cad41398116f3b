/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This node's row, and its lock, which keeps a second jetond from serving as this node.
 *
 * Each node number has a lock (store/locks.h): a session-level advisory lock of a connection that
 * is kept open for it, so that the server frees it the moment the process dies. The row's
 * incarnation fences a front that lost its lock without knowing: every transaction that writes a
 * card checks it. As long as all fronts have the same number (JT_NODE_NUMBER), the lock keeps all
 * others off the database.
 */
#ifndef JETON_STORE_NODES_H
#define JETON_STORE_NODES_H

#include "store/db.h"
#include "model/node.h"

/*
 * Takes the node's lock on `db`'s session if it is free. JT_ERR_NODE_TAKEN when another session
 * holds it and the row is not this incarnation's: a front that was just killed leaves a backend
 * that needs a moment to notice. While the row is, the holder is most likely this front's own old
 * session, and the answer JT_ERR_DB_AWAY: ask again.
 *
 * A front that starts again after a network cut meets its old session as well, and that one cannot
 * be told from another machine under the same name that is alive: JT_ERR_NODE_TAKEN, until the
 * server misses the session. Its keep-alives are pinned so that this takes less than 30 s
 * (store/session.c).
 */
enum jt_err jt_node_claim(struct jt_db *db, const struct jt_node_spec *node) JT_CHECKED;

/*
 * Replaces this node's row by the one that the keeper has MACed, under the exclusive ring lock, and
 * removes the rows of nodes that are gone: those whose lock nobody holds. Rows of nodes that live
 * are left alone. *busy and JT_ERR_DB_PASSING: writers hold the ring lock; come again.
 * JT_ERR_DB_UNTRUE when the row does not stand as it was sent, or one of a node that is gone does
 * beside it, whatever the server answered. JT_ERR_DB_DUPLICATE: a node that lives has this name.
 * JT_ERR_DB_AWAY also when the lock of jt_node_claim is not held any more.
 */
enum jt_err jt_node_register(struct jt_db *db, const struct jt_node_row *row,
                             bool *busy) JT_CHECKED;

/*
 * Whether the lock is still held and the row still ours; JT_ERR_NODE_GONE when another incarnation
 * took over; JT_ERR_DB_AWAY, also while our own old session still holds the lock.
 */
enum jt_err jt_node_check(struct jt_db *db, const struct jt_node_spec *node) JT_CHECKED;

/* Removes the row and frees the lock: a clean stop. */
enum jt_err jt_node_leave(struct jt_db *db, const struct jt_node_spec *node) JT_CHECKED;

#endif
