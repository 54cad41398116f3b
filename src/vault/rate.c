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

int jt_rate_pause_ms(long per_second, size_t n, int64_t started_us)
{
    if (per_second <= 0) {
        return 0;
    }
    int64_t due_us = (int64_t)n * 1000000 / per_second;
    int64_t took_us = jt_clock_us() - started_us;
    return took_us >= due_us ? 0 : (int)((due_us - took_us + 999) / 1000);
}
