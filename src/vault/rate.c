/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/rate.h"

#include "base/clock.h"

#define SPAN_MS 500
#define RECENT  0.4 /* the weight of the last span */

void jt_rate_start(struct jt_rate *rate)
{
    *rate = (struct jt_rate){ .since_ms = jt_clock_ms() };
}

bool jt_rate_note(struct jt_rate *rate, uint64_t n)
{
    int64_t now_ms = jt_clock_ms();
    int64_t span_ms = now_ms - rate->since_ms;
    rate->n += n;
    if (span_ms < SPAN_MS) {
        return false;
    }
    double recent = (double)rate->n * 1000.0 / (double)span_ms;
    rate->now = rate->now == 0 ? recent : (1 - RECENT) * rate->now + RECENT * recent;
    rate->since_ms = now_ms;
    rate->n = 0;
    return true;
}
