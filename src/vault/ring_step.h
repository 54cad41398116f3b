/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One change of the ring, common to activation, retirement and destruction: the keeper proposes it,
 * the database takes it under the exclusive ring lock, and the keeper accepts what stands there
 * then.
 */
#ifndef JETON_VAULT_RING_STEP_H
#define JETON_VAULT_RING_STEP_H

#include "store/generations.h"
#include "vault/workers.h"

struct jt_ring_step {
    const struct jt_generation_row *generation; /* as it stands */
    enum jt_ring_step_kind step;
    const char *actor;
    const char *holder_override;        /* activation only; NULL or why */
    const char *second_holder;          /* activation only */
    const struct jt_node_row *adopters; /* activation only: vault/adoption.h */
    size_t n_adopters;
    uint64_t compromised;              /* JT_RING_COMPROMISE and JT_RING_REPLACE: which one, and */
    const char *compromised_why;       /* why */
    struct jt_retirement_facts *facts; /* retirement only: completed */
    uint64_t system_identifier;        /* destruction only: of the database as it is now */
    uint32_t timeline;
};

/*
 * Tries once. *again: writers hold the ring lock, or the ring moved meanwhile, and another attempt
 * a moment later may do. Traffic goes first: an exclusive waiter would stall every writer behind
 * it, so each attempt is short, and they are to be spread.
 */
enum jt_err jt_ring_step_try(struct jt_work_ctx *ctx, const struct jt_ring_step *step,
                             bool *again) JT_CHECKED;

/*
 * The same in an act on a worker, which comes again (jt_work_again) until its patience is over; in
 * a duty it tries once. After some attempts in vain stuck writers are looked for.
 */
enum jt_err jt_ring_step_run(struct jt_work_ctx *ctx, const struct jt_ring_step *step) JT_CHECKED;
#define JT_RING_STEP_PATIENCE_MS 20000

/*
 * After repeated failure to get the lock: our own stuck writers are ended, so that one stopped
 * process cannot hold up a roll, or a node, for ever. A session of somebody else is named in the
 * log.
 */
void jt_ring_step_end_stuck(struct jt_work_ctx *ctx);

/* In an act on a worker that found the lock taken: it comes again, and does that in time. */
void jt_ring_wait(struct jt_work_ctx *ctx);

#endif
