/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing the keeper to the ring that the database holds. */
#ifndef JETON_VAULT_REFRESH_H
#define JETON_VAULT_REFRESH_H

#include "vault/workers.h"

/*
 * Reads the ring row and makes the keeper accept it; notes epoch and active generation in the
 * vault. `row` (may be NULL) receives what was read. Of the class
 * REPEAT: database or keeper is away; JT_ERR_NOT_INITIALIZED; JT_ERR_WENT_BACK;
 * JT_ERR_NODE_CHANGED; JT_ERR_FORGED; JT_ERR_KEY_MISSING or JT_ERR_KEY_WRONG: of a live generation.
 */
enum jt_err jt_ring_refresh(struct jt_work_ctx *ctx, struct jt_ring_row *row) JT_CHECKED;

/* Reads the ring and makes the keeper accept it, and nothing more. Errors as above. */
enum jt_err jt_refresh_accept(struct jt_work_ctx *ctx) JT_CHECKED;

/*
 * Takes this front's place with its keeper, which sees the newest rows and mints ids beyond them
 * from then on; `out` has the node's row, *epoch that of the ring that the keeper has accepted for
 * it. Errors as of jt_ring_refresh, and JT_ERR_IDS_AHEAD: ids lie far ahead of the clock, and no
 * operator has accepted it; JT_ERR_ROWS_PLANTED. A keeper that has started anew is joined again by
 * jt_ring_refresh and jt_ring_adopt, once the node has a number.
 */
struct jt_join_order {
    uint8_t number;
    bool renumbered;   /* the keeper had another one, which is known to be another's or to rest */
    bool accept_ahead; /* an operator has said that ids may lie far ahead of the clock */
};
enum jt_err jt_refresh_join(struct jt_work_ctx *ctx, const struct jt_join_order *order,
                            struct jt_node_joined *out, uint64_t *epoch) JT_CHECKED;

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
 * one time: one for each lane.
 */
void jt_refresher_request(struct jt_refresher *r, jt_refreshed_fn *done, void *arg);

#endif
