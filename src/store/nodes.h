/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This node's place in the database: the lock of its name, its number, its row with the lease.
 *
 * The lock is a session-level advisory lock of a connection that is kept open for it, so that the
 * server frees it the moment the process dies: it keeps a second front of the same name off. The
 * row's incarnation fences a front that lost its place without knowing: every transaction that
 * writes a card checks it. The lease says how long a front may serve without a word from the
 * database; it guards no write. What is read and done about other nodes: store/node_list.h.
 */
#ifndef JETON_STORE_NODES_H
#define JETON_STORE_NODES_H

#include "store/db.h"
#include "model/node.h"

/*
 * Takes the lock of the node's name on `db`'s session if it is free. JT_ERR_NODE_TAKEN when another
 * session holds it and the row is not this incarnation's: a front that was just killed leaves a
 * backend that needs a moment to notice. While the row is, the holder is most likely this front's
 * own old session, and the answer JT_ERR_DB_AWAY: ask again.
 *
 * A front that starts again after a network cut meets its old session as well, and that one cannot
 * be told from another machine under the same name that is alive: JT_ERR_NODE_TAKEN, until the
 * server misses the session. Its keep-alives are pinned so that this takes less than 30 s
 * (store/session.c).
 */
enum jt_err jt_node_claim(struct jt_db *db, const struct jt_node_spec *node) JT_CHECKED;

/*
 * A number to register under: `pinned`, under which the keeper has minted, unless another node has
 * it or gave it up within a day; else (0: none is pinned) the lowest that no node has or gave up
 * within a day. Its lock is taken on `db`'s session, so that no other node takes the same, and to
 * be given back whatever comes. *busy and JT_ERR_DB_PASSING: others are at it; come again.
 * JT_ERR_NODE_NUMBERS: all are taken.
 */
enum jt_err jt_node_number_take(struct jt_db *db, const char *name, uint8_t pinned, uint8_t *number,
                                bool *busy) JT_CHECKED;
void jt_node_number_give_back(struct jt_db *db, uint8_t number);

/* The number that the node would be given, and no more. */
enum jt_err jt_node_number_look(struct jt_db *db, const char *name, uint8_t pinned,
                                uint8_t *number) JT_CHECKED;

/*
 * Whether a node of another name, whose lease runs, has this keeper: two fronts are not to share
 * one. `other` receives that name.
 */
enum jt_err jt_node_keeper_is_shared(struct jt_db *db, const char *name,
                                     const uint8_t keeper[static JT_INCARNATION_LEN], bool *shared,
                                     char other[static JT_NODE_NAME_MAX + 1]) JT_CHECKED;

/*
 * Puts this node's row, which the keeper has MACed, in the place of the one that the name had, with
 * a fresh lease, under the exclusive ring lock. `epoch` is that of the ring under which the keeper
 * works: JT_ERR_RING_MOVED when it is another by now, so that no ring can become active past a node
 * that is about to register. Rows of other nodes are left alone. *busy and JT_ERR_DB_PASSING:
 * writers hold the ring lock; come again. JT_ERR_DB_DUPLICATE: another node has the number.
 * JT_ERR_DB_UNTRUE when the row does not stand as it was sent, whatever the server answered.
 * JT_ERR_DB_AWAY also when the lock of jt_node_claim is not held any more.
 */
enum jt_err jt_node_register(struct jt_db *db, const struct jt_node_row *row, uint64_t epoch,
                             int lease_ms, bool *busy) JT_CHECKED;

/*
 * Whether the lock is still held and the row still ours; JT_ERR_NODE_GONE: it is not, somebody
 * removed it; JT_ERR_DB_AWAY, also while our own old session still holds the lock.
 */
enum jt_err jt_node_check(struct jt_db *db, const struct jt_node_spec *node) JT_CHECKED;

/*
 * Prolongs the lease, while it runs, and raises the number's count of renewals (store/course.h),
 * which must not be behind *renewals and is there afterwards. Any connection. JT_ERR_LEASE_OVER: it
 * ran out, or the count is behind, and the node is to register anew; JT_ERR_NODE_GONE: the row is
 * not ours.
 */
enum jt_err jt_node_renew(struct jt_db *db, const struct jt_node_spec *node, int lease_ms,
                          uint64_t *renewals) JT_CHECKED;

/* What the keeper has MACed since: its start, and how far ids may have come. JT_ERR_NODE_GONE. */
enum jt_err jt_node_update(struct jt_db *db, const struct jt_node_row *row) JT_CHECKED;

/* Removes the row and frees the lock: a clean stop. */
enum jt_err jt_node_leave(struct jt_db *db, const struct jt_node_spec *node) JT_CHECKED;

#endif
