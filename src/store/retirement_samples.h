/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many cards a draining generation had in the past: a sample a minute, kept for a day, from
 * which the end is projected. All of it comes from the tally; nothing is counted by a scan.
 */
#ifndef JETON_STORE_RETIREMENT_SAMPLES_H
#define JETON_STORE_RETIREMENT_SAMPLES_H

#include "model/sizes.h"
#include "store/db.h"

#include <stdint.h>

/*
 * Notes how each draining generation stands, once a minute whoever asks, and forgets what is older
 * than a day or of others.
 */
enum jt_err jt_samples_take(struct jt_db *db) JT_CHECKED;

/* How a generation that drains would end, by the database's clock. */
struct jt_projection {
    uint64_t rows_left;
    uint64_t observed_s;     /* since the oldest sample; 0: there is none yet */
    uint64_t gone_by_itself; /* in that time: moved by readers, or deleted */
    /*
     * Without the job, where what is left goes on to shrink by the same part in the same time,
     * until less than one card is left; empty: nothing went by itself
     */
    char end_by_itself[JT_TIME_LEN];
    uint64_t job_rate;            /* cards a second that the job is taken to move; 0: not known */
    bool rate_is_option;          /* [retirement] rate times the nodes; else that of the last job */
    char end_by_job[JT_TIME_LEN]; /* if it began now; empty: not known */
};

/*
 * `rate` is that of the option, for one node; 0: there is no ceiling, and the last retirement's
 * rate is taken. JT_ERR_NO_GENERATION; JT_ERR_WRONG_STATE: it does not drain.
 */
enum jt_err jt_samples_project(struct jt_db *db, uint64_t generation, uint64_t rate,
                               struct jt_projection *out) JT_CHECKED;

#endif
