/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Emptying a draining generation: passes over its cards, which move to the active generation batch
 * by batch.
 *
 * Cards are found by the index on (key id, bucket, id), which is the order of the heap, never by a
 * scan. What a pass could not move (rows that others had locked, rows that cannot be opened) the
 * next one meets again. The place where a pass stands is kept over failures, and in the
 * retirement's row over restarts: the index entries before it are dead and dear to walk until they
 * are vacuumed. A wrong place costs one pass that finds less: nothing is concluded from it.
 */
#ifndef JETON_VAULT_DRAIN_H
#define JETON_VAULT_DRAIN_H

#include "store/cards.h"
#include "store/retirements.h"
#include "vault/workers.h"

struct jt_drain {
    uint64_t generation; /* of which the pass is; 0: none yet */
    struct jt_card_cursor at;
    uint64_t n_stuck; /* rows that this pass met and could not open */
    uint32_t writer;  /* in the tally */
    size_t batch;     /* rows of one transaction */
    struct jt_card_row *rows;
    struct jt_open_item *reseal;
    struct jt_card_move *moves;
};

/* `batch` is cut to what one keeper call takes. JT_ERR_NOMEM. */
enum jt_err jt_drain_init(struct jt_drain *d, uint32_t writer, size_t batch) JT_CHECKED;
void jt_drain_clear(struct jt_drain *d);

/* A new pass, from the first card on. */
void jt_drain_start_pass(struct jt_drain *d, uint64_t generation);

/*
 * Moves the next batch of the job's generation. *end: there was none, the pass is over. On failure
 * the same cards come again. JT_ERR_RING_MOVED.
 */
enum jt_err jt_drain_batch(struct jt_drain *d, struct jt_work_ctx *ctx,
                           const struct jt_retirement *job, uint64_t *n_moved,
                           bool *end) JT_CHECKED;

#endif
