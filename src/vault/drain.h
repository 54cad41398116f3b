/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving cards of a draining generation to the active one, as a worker of a retirement does: rows
 * of a range (store/retirement_ranges.h), batch by batch, and single rows that were noted as stuck.
 *
 * A row that cannot be moved is noted with its cause (store/stuck.h), and one that was noted and is
 * moved is forgotten. Rows that others have locked are left to the next pass.
 */
#ifndef JETON_VAULT_DRAIN_H
#define JETON_VAULT_DRAIN_H

#include "store/cards.h"
#include "store/retirement_ranges.h"
#include "store/stuck.h"
#include "vault/workers.h"

struct jt_drain {
    uint32_t nth_writer; /* of the node (store/tally.h) */
    size_t batch;        /* rows of one transaction at most */
    /*
     * The keeper has been brought to the database's ring since the last batch: a key id that it
     * still does not open is none of its.
     */
    bool fresh;
    struct jt_card_row *rows;
    struct jt_open_item *reseal;
    struct jt_card_move *moves;
    struct jt_stuck_card *stuck;
    size_t n_stuck;
    struct jt_stuck_seen *seen;
};

/* `batch` is cut to what one keeper call takes. JT_ERR_NOMEM. */
enum jt_err jt_drain_init(struct jt_drain *d, uint32_t nth_writer, size_t batch) JT_CHECKED;
void jt_drain_clear(struct jt_drain *d);

/*
 * Moves the next `n` cards of the range, at most d->batch, and its cursor over them. *end: there
 * were none, the range is walked. On failure the same cards come again. JT_ERR_RING_MOVED.
 */
enum jt_err jt_drain_batch(struct jt_drain *d, struct jt_work_ctx *ctx,
                           struct jt_retirement_range *range, size_t n, bool *end) JT_CHECKED;

/*
 * Tries the next cards again that are noted as stuck, and moves the place `at` over them. *end:
 * there were none behind it. *n_moved: of those that were noted.
 */
enum jt_err jt_drain_stuck(struct jt_drain *d, struct jt_work_ctx *ctx,
                           const struct jt_keyref *from, struct jt_card_cursor *at,
                           uint64_t *n_moved, bool *end) JT_CHECKED;

#endif
