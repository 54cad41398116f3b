/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/backoff.h"

#include <stddef.h>
#include <string.h>

#define FIRST_PAUSE_MS   200
#define LONGEST_PAUSE_MS 5000

bool jt_status_is_passing(long status)
{
    return status == 429 || (status >= 502 && status <= 504);
}

bool jt_item_is_passing(long status, const char *problem)
{
    return jt_status_is_passing(status) && (problem == NULL || strcmp(problem, "guess-brake") != 0);
}

void jt_backoff_init(struct jt_backoff *b, long retry_for_s)
{
    b->retry_for_ms = (int64_t)retry_for_s * 1000;
    jt_backoff_reset(b);
}

void jt_backoff_reset(struct jt_backoff *b)
{
    b->first_failure_ms = -1;
    b->pause_ms = FIRST_PAUSE_MS;
}

bool jt_backoff_next(struct jt_backoff *b, long retry_after_s, int64_t now_ms, int64_t *at_ms)
{
    if (b->first_failure_ms < 0) {
        b->first_failure_ms = now_ms;
    }
    int64_t last_ms = b->first_failure_ms + b->retry_for_ms;
    *at_ms = now_ms + (retry_after_s >= 0 ? (int64_t)retry_after_s * 1000 : b->pause_ms);
    b->pause_ms = b->pause_ms * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : b->pause_ms * 2;
    if (retry_after_s < 0 && *at_ms > last_ms && now_ms < last_ms) {
        *at_ms = last_ms; /* a last try at the very end beats giving up before it */
    }
    return *at_ms <= last_ms;
}
