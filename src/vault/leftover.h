/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pass over a generation leaves behind: cards that others had locked, which the next pass
 * finds again, and cards that are stuck. One thread, that of vault/retirement.c.
 */
#ifndef JETON_VAULT_LEFTOVER_H
#define JETON_VAULT_LEFTOVER_H

#include "store/retirements.h"
#include "vault/drain.h"

/* What is remembered of it for a retirement; all of it may be forgotten. */
struct jt_leftover {
    uint64_t generation;
    bool walks; /* the pass is not the first one that was looked at */
    int64_t pass_began_ms;
    int64_t next_pass_ms;           /* 0: the pass is not over yet */
    struct jt_card_cursor stuck_at; /* those that are noted are tried again from there on */
    int64_t next_stuck_ms;
    int stuck_pause_ms;
    struct jt_stuck_counts told_stuck; /* to the log */
};

/*
 * One step, after a pass that left cards: the log hears of stuck ones, they are tried again, and
 * the next pass is begun when it is time (*begun). *pause_ms: when to come again. `drain` is for
 * single cards.
 */
enum jt_err jt_leftover_handle(struct jt_work_ctx *ctx, struct jt_drain *drain,
                               struct jt_leftover *l, const struct jt_retirement *job, bool *begun,
                               int *pause_ms) JT_CHECKED;

/* Stuck cards are tried again with the next step. */
void jt_leftover_retry(struct jt_leftover *l);

#endif
