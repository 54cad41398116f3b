/* SPDX-License-Identifier: Apache-2.0 */
#include "model/lifetime.h"

#define SECOND_US    UINT64_C(1000000)
#define TOLERANCE_US (60 * SECOND_US)
#define DAY_S        86400
#define STEPS        100 /* in a maximum lifetime */

uint64_t jt_lifetime_by_default(uint64_t now_us, uint32_t max_s)
{
    if (max_s == 0) {
        return JT_LIFETIME_ENDLESS;
    }
    uint64_t end_us = now_us + max_s * SECOND_US;
    uint64_t step_s = max_s / STEPS > DAY_S ? DAY_S : max_s / STEPS;
    return step_s == 0 ? end_us : end_us - end_us % (step_s * SECOND_US);
}

bool jt_lifetime_take(uint64_t now_us, uint32_t max_s, uint64_t wanted_us, uint64_t *out)
{
    uint64_t most_us = max_s == 0 ? JT_LIFETIME_LAST_US : now_us + max_s * SECOND_US;
    *out = wanted_us > most_us ? most_us : wanted_us;
    return wanted_us > now_us && wanted_us <= most_us + TOLERANCE_US;
}
