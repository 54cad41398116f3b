/* SPDX-License-Identifier: Apache-2.0 */
/* How far the retirement of a generation has come. */
#ifndef JETON_MODEL_RETIREMENT_H
#define JETON_MODEL_RETIREMENT_H

/* The numbers of the states, as macros for SQL text as well (store/sql.h). They are stored. */
#define JT_RETIREMENT_STATE_DRAINING  1
#define JT_RETIREMENT_STATE_RETIRED   2
#define JT_RETIREMENT_STATE_CERTIFIED 3

enum jt_retirement_state {
    JT_RETIREMENT_DRAINING = JT_RETIREMENT_STATE_DRAINING,
    JT_RETIREMENT_RETIRED = JT_RETIREMENT_STATE_RETIRED,
    JT_RETIREMENT_CERTIFIED = JT_RETIREMENT_STATE_CERTIFIED,
};

/* "draining", "retired", "certified"; "unknown" for anything else. */
const char *jt_retirement_state_name(enum jt_retirement_state state);

/* Why a card cannot be moved. The numbers are stored. */
enum jt_stuck_cause {
    JT_STUCK_UNKNOWN_KEY = 1, /* its key id names no generation that the keeper opens */
    JT_STUCK_CORRUPT = 2,     /* an envelope, which does not open in its row as that stands */
    JT_STUCK_FOREIGN = 3,     /* its bytes are no envelope of any form that there is */
    JT_STUCK_FIELD = 4,       /* there is no such field */
    JT_STUCK_BUCKET = 5,      /* it opens, and stands in a bucket that its field does not have */
    JT_STUCK_TWICE = 6,       /* it opens, and stands under the active generation already */
    JT_N_STUCK_CAUSES
};

/* "unknown-key" and so on, as in the API; "unknown" for anything else. */
const char *jt_stuck_cause_name(enum jt_stuck_cause cause);

/* What holds a worker of a retirement back. The numbers are stored. */
enum jt_throttle_reason {
    JT_THROTTLE_NONE = 0,
    JT_THROTTLE_RATE = 1,        /* [retirement] rate */
    JT_THROTTLE_LATENCY = 2,     /* requests for cards take longer than without it */
    JT_THROTTLE_REPLICATION = 3, /* a standby is behind */
    JT_THROTTLE_SNAPSHOT = 4,    /* an old snapshot makes the proof slow */
    JT_N_THROTTLE_REASONS
};

/* "rate", "latency", "replication", "snapshot"; NULL for nothing and anything else. */
const char *jt_throttle_reason_name(enum jt_throttle_reason reason);

#endif
