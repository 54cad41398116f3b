/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retiring a generation. The use case in order:
 *
 *   1. open: an operator asks for it. The job's row and the audit row stand before it is answered.
 *   2. drain: its cards move to the active generation (vault/drain.h), no faster than [retirement]
 *      rate.
 *   3. prove: the index shows no card of it any more, in a fresh snapshot, and shows it quickly: in
 *      the next step every writer waits for the same proof.
 *   4. retire: the ring changes (vault/ring_step.h); the proof is repeated under the exclusive ring
 *      lock, in the transaction that retires.
 *   5. certify: the keeper signs what happened, and the job ends.
 *
 * Steps 2 to 5 are a background duty (vault/duty.h), one batch or one of the others at a time. Each
 * can be repeated: a job that was interrupted goes on after the next start. Jobs that cannot go on
 * let the others pass. The duty pauses while the node is not registered or the tables are not what
 * they should be: what a table under a stranger's hand shows is no proof.
 */
#ifndef JETON_VAULT_RETIREMENT_H
#define JETON_VAULT_RETIREMENT_H

#include "store/retirements.h"
#include "vault/workers.h"

/* A retirement as its operator sees it. */
struct jt_retirement_view {
    struct jt_retirement job;
    struct jt_generation_info generation; /* zeroes where it could not be read any more */
};

/*
 * An act, on a worker: opens the job for a draining generation and wakes the duty; one that is open
 * is success. The job stands when this returns JT_OK, whether or not it could be read back.
 * JT_ERR_NO_GENERATION; JT_ERR_WRONG_STATE: not draining.
 */
enum jt_err jt_retirement_start(struct jt_work_ctx *ctx, uint64_t generation, const char *actor,
                                struct jt_retirement_view *out) JT_CHECKED;

/* A look-up, on a worker. JT_ERR_NO_RETIREMENT: none was started. */
enum jt_err jt_retirement_look(struct jt_work_ctx *ctx, uint64_t generation,
                               struct jt_retirement_view *out) JT_CHECKED;

struct jt_retirer;

enum jt_err jt_retirer_start(struct jt_vault *vault, struct jt_retirer **out) JT_CHECKED;

/* Ends the duty between two steps. NULL is accepted. */
void jt_retirer_stop(struct jt_retirer *r);

#endif
