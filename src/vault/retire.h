/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The retirement job: one thread that moves the cards of a draining generation to the active one
 * until none is left, proves it, retires the generation and has the keeper certify it. Every step
 * can be repeated: a job that was interrupted goes on after the next start.
 *
 * Cards are found by the index on (key id, bucket, id), which is the order of the heap, never by a
 * scan; the rate is bounded by [retirement] rate.
 */
#ifndef JETON_VAULT_RETIRE_H
#define JETON_VAULT_RETIRE_H

#include "store/retirements.h"
#include "vault/workers.h"

struct jt_retirer;

enum jt_err jt_retirer_start(struct jt_vault *vault, uint16_t writer,
                             struct jt_retirer **out) JT_CHECKED;

/* Ends the thread between two transactions. NULL is accepted. */
void jt_retirer_stop(struct jt_retirer *r);

/* There may be a new job: look. Any thread. */
void jt_retirer_nudge(struct jt_retirer *r);

/* How the present job stands. */
struct jt_retirement_progress {
    uint64_t generation; /* 0: none under way */
    uint64_t moved;      /* by this job since it was taken up */
    uint64_t stuck;      /* rows of the last pass that could not be opened: they need an operator */
    double rate;         /* rows a second, over the last seconds */
};
void jt_retirer_progress(struct jt_retirer *r, struct jt_retirement_progress *out);

#endif
