/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring row in the database, and the one advisory lock that every writer of cards shares
 * (store/locks.h).
 */
#ifndef JETON_STORE_RING_H
#define JETON_STORE_RING_H

#include "store/db.h"
#include "store/locks.h"
#include "model/ring.h"

/*
 * JT_ERR_NOT_INITIALIZED when `jeton init` has not run. The MAC is not checked here: the keeper
 * does that.
 */
enum jt_err jt_ring_read(struct jt_db *db, struct jt_ring_row *out) JT_CHECKED;

/*
 * Ends the sessions of Jeton's own fronts (same role, application name "jetond ...") that have held
 * the ring lock in one transaction for longer than `older_than_ms`: writers whose process was
 * stopped in the middle, which time-outs of the server do not free while it waits for them. One
 * that waits for another session, or for a standby to have its commit, is none. Their transactions
 * come to nothing. *n_ended receives how many.
 */
enum jt_err jt_ring_end_stuck(struct jt_db *db, int older_than_ms, int *n_ended) JT_CHECKED;

/*
 * Who holds the ring lock and is no front: such a session is not Jeton's to end. JT_ERR_NO_ROW:
 * nobody does.
 */
struct jt_ring_holder {
    uint32_t process; /* of the server; 0: a prepared transaction */
    char user[64];    /* NAMEDATALEN is 64, with the zero */
};
enum jt_err jt_ring_foreign_holder(struct jt_db *db, struct jt_ring_holder *out) JT_CHECKED;

/*
 * Stores the first ring row together with the first operator, its set row and its audit row (actor
 * "init", on no node), in one transaction. JT_ERR_RING_THERE when a ring stands already.
 */
struct jt_client_change;
enum jt_err jt_ring_first(struct jt_db *db, const struct jt_ring_row *ring,
                          const struct jt_client_change *first_operator) JT_CHECKED;

#endif
