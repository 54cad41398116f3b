/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retirement jobs: a row for each generation, from the request to the signed certificate. A job
 * that is open is resumed after any restart.
 */
#ifndef JETON_STORE_RETIREMENTS_H
#define JETON_STORE_RETIREMENTS_H

#include "model/certificate.h"
#include "model/retirement.h"
#include "store/cards.h"
#include "store/generations.h"

struct jt_retirement {
    uint64_t generation;
    uint8_t key_id;
    enum jt_retirement_state state;
    char actor[JT_ACTOR_MAX + 1];
    char paused_at[JT_TIME_LEN], paused_by[JT_ACTOR_MAX + 1]; /* empty: it is not paused */
    /* from RETIRED on; before: generation, actor and started_at only */
    struct jt_retirement_facts facts;
    struct jt_certificate certificate; /* from CERTIFIED on */
};

/*
 * Opens the job for a draining generation, with its audit row. One that is open already is success
 * and writes nothing; JT_ERR_NO_GENERATION, JT_ERR_WRONG_STATE (not draining).
 */
enum jt_err jt_retirement_open(struct jt_db *db, uint64_t generation,
                               const struct jt_act *act) JT_CHECKED;

/*
 * Pauses a job that drains, or lets it go on, with the audit row. One that is so already is success
 * and writes nothing. JT_ERR_NO_RETIREMENT; JT_ERR_WRONG_STATE: it does not drain any more.
 */
enum jt_err jt_retirement_pause(struct jt_db *db, uint64_t generation, bool pause,
                                const struct jt_act *act) JT_CHECKED;

/*
 * The job not certified yet whose generation follows `after`, the lowest of all when none does:
 * passing back what came last gives each its turn. JT_ERR_NO_RETIREMENT when none is open.
 */
enum jt_err jt_retirement_next(struct jt_db *db, uint64_t after,
                               struct jt_retirement *out) JT_CHECKED;

enum jt_err jt_retirement_get(struct jt_db *db, uint64_t generation,
                              struct jt_retirement *out) JT_CHECKED;

/*
 * Forgets what is left of a job that is retired: ranges, notes, samples, and a list of cards to be
 * written off that nobody approved.
 */
enum jt_err jt_retirement_forget(struct jt_db *db, uint64_t generation) JT_CHECKED;

/* Stores the certificate of a retired generation: RETIRED to CERTIFIED. */
enum jt_err jt_retirement_certify(struct jt_db *db, uint64_t generation,
                                  const struct jt_certificate *certificate) JT_CHECKED;

#endif
