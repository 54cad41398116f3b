/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing the keeper to the ring that the database holds. */
#ifndef JETON_VAULT_REFRESH_H
#define JETON_VAULT_REFRESH_H

#include "vault/workers.h"

/*
 * Reads the ring row and makes the keeper accept it; notes epoch and active generation in the
 * vault. `row` (may be NULL) receives what was read. JT_ERR_UNAVAILABLE; JT_ERR_NOT_FOUND: `jeton
 * init` has not run; JT_ERR_CONFLICT: the database is behind the keeper (it went back: restore or
 * lost tail), or the keeper minted under another node number; JT_ERR_DENIED: the row is not
 * authentic.
 */
enum jt_err jt_ring_refresh(struct jt_work_ctx *ctx, struct jt_ring_row *row) JT_CHECKED;

/*
 * Takes this front's place with its keeper, which sees the newest rows and mints ids beyond them
 * from then on; `out` has the node's row. `accept_ahead`: an operator has said that ids may lie far
 * ahead of the clock. Errors as of jt_ring_refresh, and JT_ERR_LIMIT: they do, and nobody has;
 * JT_ERR_DECRYPT: the newest rows under a key id do not open. A keeper that has started anew is
 * joined again by jt_ring_refresh and jt_ring_adopt.
 */
enum jt_err jt_refresh_join(struct jt_work_ctx *ctx, bool accept_ahead,
                            struct jt_node_joined *out) JT_CHECKED;

/*
 * What a failed refresh is to a request: JT_ERR_PROTOCOL where the ring in the database is forged,
 * which does not pass by itself; else JT_ERR_UNAVAILABLE: the node is not ready, and another one,
 * or this one later, may serve.
 */
enum jt_err jt_refresh_failure(enum jt_err err);

/* Makes the keeper accept `row`; notes it in the vault. */
enum jt_err jt_ring_adopt(struct jt_work_ctx *ctx, const struct jt_ring_row *row) JT_CHECKED;

/*
 * Any number of lanes of one event loop wait here while one refresh is under way on a worker.
 */
struct jt_refresher;
typedef void jt_refreshed_fn(void *arg, enum jt_err err);

enum jt_err jt_refresher_new(struct jt_vault *vault, struct jt_inbox *inbox,
                             struct jt_refresher **out) JT_CHECKED;
/* Not while a refresh is under way. NULL is accepted. */
void jt_refresher_free(struct jt_refresher *r);

/*
 * `done` is called once, on the loop, at once when no worker can take the job. At most 8 wait at
 * one time: one a lane.
 */
void jt_refresher_request(struct jt_refresher *r, jt_refreshed_fn *done, void *arg);

#endif
