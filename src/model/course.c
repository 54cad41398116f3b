/* SPDX-License-Identifier: Apache-2.0 */
#include "model/course.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

uint64_t jt_course_renewals(const struct jt_course *course)
{
    uint64_t sum = 0;
    for (size_t number = 1; number < 256; number++) {
        sum += course->renewals[number];
    }
    return sum;
}

enum jt_err jt_course_follows(const struct jt_course *seen, const struct jt_course *now)
{
    if (!jt_course_known(seen)) {
        return JT_OK;
    }
    if (now->system_identifier != seen->system_identifier) {
        return JT_ERR_OTHER_CLUSTER;
    }
    if (now->timeline < seen->timeline) {
        return JT_ERR_OLD_TIMELINE;
    }
    if (now->timeline == seen->timeline && now->lsn < seen->lsn) {
        return JT_ERR_LOG_BEHIND;
    }
    for (size_t number = 1; number < 256; number++) {
        if (now->renewals[number] < seen->renewals[number]) {
            return JT_ERR_TAIL_LOST;
        }
    }
    return JT_OK;
}

bool jt_course_is_reason(enum jt_err err)
{
    return err == JT_ERR_OTHER_CLUSTER || err == JT_ERR_OLD_TIMELINE || err == JT_ERR_LOG_BEHIND ||
           err == JT_ERR_TAIL_LOST;
}

void jt_course_lsn_format(uint64_t lsn, char out[static JT_LSN_TEXT])
{
    (void)snprintf(out, JT_LSN_TEXT, "%" PRIX32 "/%" PRIX32, (uint32_t)(lsn >> 32), (uint32_t)lsn);
}

void jt_course_format(const struct jt_course *course, char out[static JT_COURSE_TEXT])
{
    char lsn[JT_LSN_TEXT];
    jt_course_lsn_format(course->lsn, lsn);
    (void)snprintf(out, JT_COURSE_TEXT,
                   "cluster %" PRIu64 ", timeline %" PRIu32 ", log %s, %" PRIu64 " renewals",
                   course->system_identifier, course->timeline, lsn, jt_course_renewals(course));
}
