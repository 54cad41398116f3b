/* SPDX-License-Identifier: Apache-2.0 */
#include "api/dates.h"

#include "api/json.h"
#include "api/members.h"
#include "base/clock.h"
#include "base/jsonw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Digits behind a full stop as microseconds; those beyond the sixth are dropped. */
static uint64_t fraction_us(const char **text)
{
    uint64_t us = 0, unit = 100000;
    if (**text != '.') {
        return 0;
    }
    for ((*text)++; **text >= '0' && **text <= '9'; (*text)++, unit /= 10) {
        us += (uint64_t)(**text - '0') * unit;
    }
    return us;
}

uint64_t jt_date_of(const char *text)
{
    struct tm tm = { 0 };
    const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (p == NULL) {
        return 1;
    }
    uint64_t us = fraction_us(&p);
    long offset_s = 0;
    if (*p == '+' || *p == '-') {
        offset_s = (strtol(p + 1, NULL, 10) * 60 + strtol(p + 4, NULL, 10)) * 60;
        offset_s = *p == '-' ? -offset_s : offset_s;
    }
    int64_t at_s = (int64_t)timegm(&tm) - offset_s;
    return at_s > 0 ? (uint64_t)at_s * 1000000 + us : 1;
}

enum jt_problem_type jt_date_take(json_t *value, uint64_t now_us, uint32_t max_s, uint64_t *out)
{
    if (value == NULL) {
        *out = jt_lifetime_by_default(now_us, max_s);
        return JT_PROBLEM_NONE;
    }
    const char *text = jt_json_text(value);
    *out = JT_LIFETIME_ENDLESS;
    if (text == NULL || *text == '\0' || !jt_text_is_time_or_empty(text)) {
        return JT_PROBLEM_EXPIRES_MALFORMED;
    }
    return jt_lifetime_take(now_us, max_s, jt_date_of(text), out) ? JT_PROBLEM_NONE
                                                                  : JT_PROBLEM_EXPIRES_REFUSED;
}

uint64_t jt_date_now_us(const struct jt_vault *vault)
{
    return jt_clock_wall_us() + (uint64_t)atomic_load(&vault->clock_ahead_us);
}

void jt_date_write(struct jt_buf *out, const char *name, uint64_t us)
{
    char seconds[40], text[64];
    struct tm tm;
    time_t at = (time_t)(us / 1000000);
    if (us == JT_LIFETIME_ENDLESS || gmtime_r(&at, &tm) == NULL ||
        strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
        jt_jsonw_null(out, name);
        return;
    }
    if (us % 1000000 == 0) {
        (void)snprintf(text, sizeof text, "%sZ", seconds);
    } else {
        (void)snprintf(text, sizeof text, "%s.%06uZ", seconds, (unsigned)(us % 1000000));
    }
    jt_jsonw_text(out, name, text);
}
