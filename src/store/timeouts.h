/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the store waits for what, apart from the time-outs of statements and transactions, which
 * are the caller's (vault/vault.h).
 */
#ifndef JETON_STORE_TIMEOUTS_H
#define JETON_STORE_TIMEOUTS_H

/* To be connected. */
#define JT_CONNECT_TIMEOUT_S 5

/*
 * When the network is cut, the server must miss us within 30 s, and we the server: the session it
 * still sees holds the node lock. On a Unix socket these mean nothing.
 */
#define JT_TCP_KEEPALIVE_IDLE_S     10
#define JT_TCP_KEEPALIVE_INTERVAL_S 5
#define JT_TCP_KEEPALIVE_COUNT      3
#define JT_TCP_USER_TIMEOUT_MS      15000

/* A stopped front must not hold the ring lock for ever, nor a long statement of a client that is
 * gone. */
#define JT_IDLE_IN_TRANSACTION_MS 10000
#define JT_CLIENT_CHECK_MS        2000

/*
 * For the ring lock, exclusively: whoever asks for it shared queues behind a waiter, so a longer
 * wait would stall all traffic. Then for a statement under it, and for the proof of zero there.
 */
#define JT_RING_LOCK_MS      50
#define JT_RING_STATEMENT_MS 2000
#define JT_RING_PROOF_MS     200

/* Between two attempts to have a lock, and how long a leaving node tries to have the ring's. */
#define JT_LOCK_PAUSE_MS 20
#define JT_NODE_LEAVE_MS 1000

/* Between two attempts to connect, from the one to the other; of a scout (store/pipe.h). */
#define JT_RECONNECT_MIN_MS   50
#define JT_RECONNECT_MAX_MS   1000
#define JT_RECONNECT_SCOUT_MS 100

/* How long a session is waited for that was told to end. */
#define JT_END_SESSION_MS 2000

/*
 * A transaction of a pipe that takes so long may wait for one whose front was stopped. Longer than
 * what makes that one stuck (vault/ring_step.c), so that one look is enough.
 */
#define JT_TXN_SLOW_MS 5500

/* How long the outcome of a transaction is asked for. A server that restarts takes about so long.
 */
#define JT_DOUBT_PATIENCE_MS 5000
#define JT_DOUBT_PAUSE_MS    50

#endif
