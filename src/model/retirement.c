/* SPDX-License-Identifier: Apache-2.0 */
#include "model/retirement.h"

#include <stddef.h>

const char *jt_retirement_state_name(enum jt_retirement_state state)
{
    switch (state) {
    case JT_RETIREMENT_DRAINING: return "draining";
    case JT_RETIREMENT_RETIRED: return "retired";
    case JT_RETIREMENT_CERTIFIED: return "certified";
    }
    return "unknown";
}

const char *jt_stuck_cause_name(enum jt_stuck_cause cause)
{
    static const char *const names[JT_N_STUCK_CAUSES] = {
        [JT_STUCK_UNKNOWN_KEY] = "unknown-key", [JT_STUCK_CORRUPT] = "corrupt",
        [JT_STUCK_FOREIGN] = "foreign-bytes",   [JT_STUCK_FIELD] = "field-unknown",
        [JT_STUCK_BUCKET] = "misplaced",        [JT_STUCK_TWICE] = "stored-twice",
    };
    unsigned at = (unsigned)cause;
    return at < JT_N_STUCK_CAUSES && names[at] != NULL ? names[at] : "unknown";
}

const char *jt_throttle_reason_name(enum jt_throttle_reason reason)
{
    static const char *const names[JT_N_THROTTLE_REASONS] = {
        [JT_THROTTLE_RATE] = "rate",
        [JT_THROTTLE_LATENCY] = "latency",
        [JT_THROTTLE_REPLICATION] = "replication",
        [JT_THROTTLE_SNAPSHOT] = "snapshot",
    };
    unsigned at = (unsigned)reason;
    return at < JT_N_THROTTLE_REASONS ? names[at] : NULL;
}
