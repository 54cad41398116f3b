/* SPDX-License-Identifier: Apache-2.0 */
#include "base/notice.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stddef.h>

int jt_notice_at(struct jt_notice *notice, const char *detail, int64_t now_ms)
{
    atomic_fetch_add(&notice->held, 1);
    int64_t next = atomic_load(&notice->next_ms);
    if (next != 0 && now_ms < next) {
        return 0;
    }
    if (!atomic_compare_exchange_strong(&notice->next_ms, &next, now_ms + JT_NOTICE_EVERY_MS)) {
        return 0; /* another thread writes the line */
    }
    uint64_t held = atomic_exchange(&notice->held, 0);
    jt_log(JT_LOG_WARNING, "%s%s%.400s (%" PRIu64 " since the last such line)", notice->what,
           detail == NULL ? "" : ": ", detail == NULL ? "" : detail, held);
    return 1;
}

void jt_notice(struct jt_notice *notice, const char *detail)
{
    (void)jt_notice_at(notice, detail, jt_clock_ms());
}
