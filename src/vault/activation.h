/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a future generation the active one; the one that was active drains from then on. The use
 * case in order:
 *
 *   1. The generation stands, and is future. One that is active already is success: the request was
 *      repeated, perhaps because the first one's answer was lost.
 *   2. Its date, if it has one, is what an operator planned (vault/plan.h), and reached.
 *   3. Every node proves that it holds the key (vault/adoption.h). While some have not, the act
 *      gives its worker back and comes again, until its patience is over; then it says who is
 *      missing.
 *   4. So its key has two durable holders, of which one may be a backup that has this very key
 *      (vault/backups.h), or an operator has said why one is enough, which is put on record.
 *   5. The ring changes (vault/ring_step.h), if no other node has registered meanwhile. While
 *      writers hold the ring lock, the act comes again from the beginning as well.
 *   6. What stands now is read back and told.
 *
 * When a key is compromised, the generation that is active gets the mark in the same change: it is
 * written under up to the moment at which another one takes its place, and never after. The date of
 * that other one does not count then.
 */
#ifndef JETON_VAULT_ACTIVATION_H
#define JETON_VAULT_ACTIVATION_H

#include "store/generations.h"
#include "vault/adoption.h"
#include "vault/workers.h"

struct jt_activation {
    uint64_t number;
    const char *actor;
    bool asked; /* a step of a duty: an earlier one has asked the nodes, and they may answer yet */
    const char *holder_override; /* the recorded reason to go ahead with one durable holder; NULL */
    uint64_t compromised;        /* the active one, which is replaced because of that; 0: none */
    const char *compromised_why;
};

/*
 * An act, on a worker, where it may come again (jt_work_again), or a step of a duty, where it is
 * repeated by its caller. JT_ERR_ONE_HOLDER: the key has one durable holder only, and no reason is
 * given. JT_ERR_NODES_MISSING: `missing` says which. JT_ERR_NO_GENERATION; JT_ERR_WRONG_STATE: not
 * future; JT_ERR_NOT_DUE; JT_ERR_PLAN_FORGED; JT_ERR_TOO_MANY_LIVE; JT_ERR_FORGED: a row is not
 * authentic; the class REPEAT: a dependency, or writers held the ring lock for all of the patience.
 */
enum jt_err jt_activation_run(struct jt_work_ctx *ctx, const struct jt_activation *a,
                              struct jt_generation_info *out,
                              struct jt_missing_nodes *missing) JT_CHECKED;

#endif
