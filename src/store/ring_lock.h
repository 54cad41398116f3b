/* SPDX-License-Identifier: Apache-2.0 */
/* The exclusive side of the ring lock, for changes of state and of nodes (docs/architecture.md,
 * "The ring rule"). */
#ifndef JETON_STORE_RING_LOCK_H
#define JETON_STORE_RING_LOCK_H

#include "store/query.h"
#include "store/timeouts.h"

/*
 * Begins a transaction and takes the lock exclusively, waiting at most 50 ms: whoever asks for it
 * shared queues behind a waiter, so a longer wait would stall all traffic. *busy and
 * JT_ERR_DB_PASSING when it was not had; the transaction is over then. Once held, statements are
 * bounded too.
 */
enum jt_err jt_ring_lock_begin(struct jt_db *db, bool *busy) JT_CHECKED;

/* As SQL: what holds for the transaction that has the lock; for the proof of zero in it. */
#define JT_SQL_RING_STATEMENT "SET LOCAL statement_timeout = " JT_SQL_NUMBER(JT_RING_STATEMENT_MS)
#define JT_SQL_RING_PROOF     "SET LOCAL statement_timeout = " JT_SQL_NUMBER(JT_RING_PROOF_MS)
#define JT_SQL_RING_IDLE \
    "SET LOCAL idle_in_transaction_session_timeout = " JT_SQL_NUMBER(JT_RING_STATEMENT_MS)
#define JT_SQL_RING_WAIT   "SET LOCAL lock_timeout = " JT_SQL_NUMBER(JT_RING_LOCK_MS)
#define JT_SQL_RING_BOUNDS JT_SQL_RING_WAIT "; " JT_SQL_RING_STATEMENT "; " JT_SQL_RING_IDLE

/* Inside an open transaction: JT_ERR_NO_CHANGE when the ring is not of that epoch. */
struct jt_ring_row;
enum jt_err jt_ring_row_replace(struct jt_db *db, const struct jt_ring_row *next,
                                uint64_t from_epoch) JT_CHECKED;

/*
 * Inside an open transaction: JT_ERR_DB_UNTRUE when the ring in the table is not, byte for byte,
 * this one.
 */
enum jt_err jt_ring_must_stand(struct jt_db *db, const struct jt_ring_row *ring) JT_CHECKED;

#endif
