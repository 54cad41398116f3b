/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to repeat a request that found the server unavailable: after what the server asked for, else
 * after a pause that doubles from 200 ms to 5 s, and not beyond a bound on the whole time. All
 * times are jt_clock_ms.
 */
#ifndef JETON_CLI_BACKOFF_H
#define JETON_CLI_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

/* Whether an HTTP status says that the server is unavailable, or that it is too much for it now. */
bool jt_status_is_passing(long status);

/*
 * The same of an item of a batch, with the last part of its problem's type, or NULL: one that a
 * guess brake holds passes at midnight only.
 */
bool jt_item_is_passing(long status, const char *problem);

struct jt_backoff {
    int64_t first_failure_ms; /* -1: nothing failed since jt_backoff_reset */
    int64_t pause_ms;
    int64_t retry_for_ms;
};

void jt_backoff_init(struct jt_backoff *b, long retry_for_s);

/* After a success: the next failure starts anew. */
void jt_backoff_reset(struct jt_backoff *b);

/*
 * After a failure at `now_ms`: *at_ms is when to try again. False when that would be more than the
 * bound after the first failure. `retry_after_s` is the server's wish, -1 when it made none.
 */
bool jt_backoff_next(struct jt_backoff *b, long retry_after_s, int64_t now_ms, int64_t *at_ms);

#endif
