/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a database has come: which cluster it is, on which timeline, where its log ends, and how
 * often nodes renewed their leases in it. Keepers remember the course that they were shown last
 * (keeper/course.h). By it they notice a database that went back, also within one epoch: a restored
 * dump, a copy of its files, an old primary that takes writes again, a standby that lost its tail.
 *
 * The renewals are counted by node number, in the database itself. A count that is behind shows a
 * lost tail on any timeline; the log's end shows one on its own timeline only, where it is the
 * finer measure. Each number has its own count, so that what other nodes do meanwhile hides
 * nothing.
 */
#ifndef JETON_MODEL_COURSE_H
#define JETON_MODEL_COURSE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct jt_course {
    uint64_t system_identifier; /* of the cluster; 0: none is known */
    uint32_t timeline;
    uint64_t lsn;           /* up to which its log is on disk */
    uint64_t renewals[256]; /* by node number; the first is not used */
};

static inline bool jt_course_known(const struct jt_course *course)
{
    return course->system_identifier != 0;
}

/* How often any node has renewed its lease. */
uint64_t jt_course_renewals(const struct jt_course *course);

/*
 * Whether `now` may be what `seen` has become. Where none was seen, anything may.
 * JT_ERR_OTHER_CLUSTER, JT_ERR_OLD_TIMELINE, JT_ERR_LOG_BEHIND, JT_ERR_TAIL_LOST: what disagrees,
 * the first in this order.
 */
enum jt_err jt_course_follows(const struct jt_course *seen, const struct jt_course *now) JT_CHECKED;

/* Whether the reason is one of those. */
bool jt_course_is_reason(enum jt_err err);

/* "0/3000148", as PostgreSQL writes it. */
#define JT_LSN_TEXT 18
void jt_course_lsn_format(uint64_t lsn, char out[static JT_LSN_TEXT]);

/* All of it in a line: "cluster 7312, timeline 1, log 0/3000148, 25 renewals". */
#define JT_COURSE_TEXT 128
void jt_course_format(const struct jt_course *course, char out[static JT_COURSE_TEXT]);

#endif
