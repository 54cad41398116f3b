/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/ceiling.h"

#include "base/must.h"

#define DAY_S       INT64_C(86400)
#define THOUSANDTHS 1000
/* A day's ceiling is counted in at least as many steps, so that a crash costs little of it. */
#define STEPS_OF_DAY 256

void jt_ceiling_init(struct jt_ceiling *c, const struct jt_opened *opened, jt_ceiling_save_fn *save,
                     void *arg)
{
    *c = (struct jt_ceiling){ .opened = *opened, .saved = *opened, .save = save, .arg = arg };
}

void jt_ceiling_set(struct jt_ceiling *c, uint64_t per_second, uint64_t per_day)
{
    c->per_second = per_second;
    c->per_day = per_day;
    c->in_bucket = per_second * THOUSANDTHS;
}

static uint32_t day_of(int64_t now_s)
{
    return now_s > 0 ? (uint32_t)(now_s / DAY_S) : 0;
}

uint64_t jt_ceiling_today(const struct jt_ceiling *c, int64_t now_s)
{
    return day_of(now_s) > c->opened.day ? 0 : c->opened.today;
}

static void turn_day(struct jt_ceiling *c, int64_t now_s)
{
    if (day_of(now_s) > c->opened.day) {
        c->opened.day = day_of(now_s);
        c->opened.today = 0;
    }
}

static void fill_bucket(struct jt_ceiling *c, int64_t now_ms)
{
    uint64_t full = c->per_second * THOUSANDTHS;
    uint64_t past = now_ms > c->filled_ms ? (uint64_t)(now_ms - c->filled_ms) : 0;
    c->filled_ms = now_ms;
    /* in a millisecond come as many thousandths of an item as items in a second */
    uint64_t more = past < THOUSANDTHS ? past * c->per_second : full;
    c->in_bucket = more < full - c->in_bucket ? c->in_bucket + more : full;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t step_of(const struct jt_ceiling *c)
{
    return c->per_day == 0 ? JT_CEILING_STEP : least(c->per_day / STEPS_OF_DAY, JT_CEILING_STEP);
}

/* Sees to it that `n` more items are in the durable count. */
static enum jt_err cover(struct jt_ceiling *c, uint64_t n)
{
    if (c->saved.day == c->opened.day && c->saved.today >= c->opened.today + n) {
        return JT_OK;
    }
    uint64_t ahead = n + step_of(c);
    const struct jt_opened next = { .ever = c->opened.ever + ahead,
                                    .day = c->opened.day,
                                    .today = c->opened.today + ahead };
    enum jt_err err = c->save(c->arg, &next);
    if (err == JT_OK) {
        c->saved = next;
    }
    return err;
}

enum jt_err jt_ceiling_ask(struct jt_ceiling *c, size_t n, int64_t now_s, int64_t now_ms,
                           struct jt_allowance *out)
{
    *out = (struct jt_allowance){ 0 };
    turn_day(c, now_s);
    uint64_t allowed = n;
    if (c->per_second > 0) {
        fill_bucket(c, now_ms);
        allowed = least(allowed, c->in_bucket / THOUSANDTHS);
        out->rest = allowed < n ? JT_ERR_OPEN_RATE : JT_OK;
    }
    if (c->per_day > 0) {
        uint64_t left = c->per_day - least(c->opened.today, c->per_day);
        out->rest = left < n && left <= allowed ? JT_ERR_OPEN_QUOTA : out->rest;
        allowed = least(allowed, left);
    }
    enum jt_err err = allowed > 0 ? cover(c, allowed) : JT_OK;
    if (err == JT_OK) {
        out->n = (size_t)allowed;
    }
    return err;
}

void jt_ceiling_spend(struct jt_ceiling *c, size_t n)
{
    if (n == 0) {
        return;
    }
    jt_must(c->opened.today + n <= c->saved.today && c->opened.day == c->saved.day);
    c->opened.ever += n;
    c->opened.today += n;
    uint64_t spent = n * (uint64_t)THOUSANDTHS;
    c->in_bucket -= least(spent, c->in_bucket);
}
