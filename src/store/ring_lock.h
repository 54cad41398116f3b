/* SPDX-License-Identifier: Apache-2.0 */
/* The exclusive side of the ring lock, for changes of state and of nodes (DESIGN section 6.6). */
#ifndef JETON_STORE_RING_LOCK_H
#define JETON_STORE_RING_LOCK_H

#include "store/query.h"

/*
 * Begins a transaction and takes the lock exclusively, waiting at most 50 ms: whoever asks for it
 * shared queues behind a waiter, so a longer wait would stall all traffic. *busy and
 * JT_ERR_DB_PASSING when it was not had; the transaction is over then. Once held, statements are
 * bounded too.
 */
enum jt_err jt_ring_lock_begin(struct jt_db *db, bool *busy) JT_CHECKED;

/*
 * Inside an open transaction: JT_ERR_PROTOCOL when the ring in the table is not, byte for byte,
 * this one.
 */
struct jt_ring_row;
enum jt_err jt_ring_must_stand(struct jt_db *db, const struct jt_ring_row *ring) JT_CHECKED;

#endif
