/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retiring a generation. The use case in order:
 *
 *   1. open: an operator asks for it. The job's row and the audit row stand before it is answered.
 *   2. drain: its cards move to the active generation. Workers on all nodes share them in ranges
 *      (vault/mover.h), no faster than [retirement] rate.
 *   3. prove: the index shows no card of it any more, in a fresh snapshot, and shows it quickly: in
 *      the next step every writer waits for the same proof.
 *   4. retire: once no column of an application's keeps it (vault/appcolumns.h), the ring changes
 *      (vault/ring_step.h); the proof is repeated under the exclusive ring lock, in the transaction
 *      that retires.
 *   5. certify: the keeper signs what happened, and the job ends.
 *
 * The duty here (vault/duty.h) looks after the jobs: it wakes the workers, sees when a pass is
 * over, tries again what is stuck, and does steps 3 to 5. Every node has one, and each step can be
 * done by any of them, and repeated: how a job stands is in the database, and a job that was
 * interrupted goes on after the next start. Jobs that cannot go on let the others pass. The duty
 * pauses while the node is not registered or the tables are not what they should be: what a table
 * under a stranger's hand shows is no proof.
 */
#ifndef JETON_VAULT_RETIREMENT_H
#define JETON_VAULT_RETIREMENT_H

#include "store/retirement_ranges.h"
#include "store/retirement_samples.h"
#include "store/retirements.h"
#include "store/stuck.h"
#include "vault/appcolumns.h"
#include "vault/workers.h"

/* A retirement as its operator sees it. */
struct jt_retirement_view {
    struct jt_retirement job;
    struct jt_generation_info generation; /* zeroes where it could not be read any more */
    struct jt_stuck_counts stuck;         /* while it drains: what cannot be moved */
    struct jt_workers_seen workers;       /* and what works on it now, on all nodes */
    struct jt_columns_waiting columns;    /* and which columns of applications keep it */
};

/*
 * An act, on a worker: opens the job for a draining generation and wakes the duty; one that is open
 * is success. The job stands when this returns JT_OK, whether or not it could be read back.
 * JT_ERR_NO_GENERATION; JT_ERR_WRONG_STATE: not draining.
 */
enum jt_err jt_retirement_start(struct jt_work_ctx *ctx, uint64_t generation, const char *actor,
                                struct jt_retirement_view *out) JT_CHECKED;

/*
 * An act, on a worker: pauses a retirement that drains, or lets it go on; the workers of all nodes
 * obey within a second. One that is so already is success. JT_ERR_NO_RETIREMENT;
 * JT_ERR_WRONG_STATE: it does not drain any more.
 */
enum jt_err jt_retirement_hold(struct jt_work_ctx *ctx, uint64_t generation, bool pause,
                               const char *actor, struct jt_retirement_view *out) JT_CHECKED;

/*
 * A look-up, on a worker: how a draining generation would end with and without the job, of which
 * none is begun. JT_ERR_NO_GENERATION; JT_ERR_WRONG_STATE: not draining.
 */
enum jt_err jt_retirement_project(struct jt_work_ctx *ctx, uint64_t generation,
                                  struct jt_projection *out) JT_CHECKED;

/* A look-up, on a worker. JT_ERR_NO_RETIREMENT: none was started. */
enum jt_err jt_retirement_look(struct jt_work_ctx *ctx, uint64_t generation,
                               struct jt_retirement_view *out) JT_CHECKED;

struct jt_retirer;

/* A job was opened, or may go on. Any thread. */
void jt_retirer_nudge(struct jt_retirer *r);

/* The same, and cards that are noted as stuck are tried again at once. */
void jt_retirer_retry(struct jt_retirer *r);

/* On failure *out is to be stopped as well. */
enum jt_err jt_retirer_start(struct jt_vault *vault, struct jt_retirer **out) JT_CHECKED;

/* Ends the duty between two steps. NULL is accepted. */
void jt_retirer_stop(struct jt_retirer *r);

#endif
