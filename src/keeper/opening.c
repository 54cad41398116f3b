/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/opening.h"

#include "base/clock.h"
#include "base/notice.h"

#include <inttypes.h>
#include <time.h>

/* The log is told once a day when so many percent of the day's ceiling are used. */
#define NEAR_PERCENT 80

static struct jt_notice held_back = { .what = "cards were not opened" };

enum jt_err jt_opening_begin(struct jt_opening *o, struct jt_keeper *k, size_t n)
{
    *o = (struct jt_opening){ .keeper = k };
    return jt_ceiling_ask(&k->ceiling, n, (int64_t)time(NULL), jt_clock_ms(), &o->allowance);
}

enum jt_err jt_opening_take(struct jt_opening *o)
{
    if (o->n_taken == o->allowance.n) {
        o->n_held_back++;
        return o->allowance.rest;
    }
    o->n_taken++;
    return JT_OK;
}

void jt_opening_opened(struct jt_opening *o)
{
    o->n_opened++;
}

bool jt_opening_honey(struct jt_opening *o, uint32_t field, uint64_t id)
{
    struct jt_honey *honey = &o->keeper->honey;
    bool marked = jt_honey_has(&honey->set, field, id);
    if (marked) {
        jt_honey_rang(honey, field);
    }
    return marked;
}

static void tell_near(struct jt_keeper *k)
{
    const struct jt_ceiling *c = &k->ceiling;
    if (c->per_day > 0 && k->warned_day != c->opened.day &&
        c->opened.today >= c->per_day * NEAR_PERCENT / 100) {
        k->warned_day = c->opened.day;
        jt_log(JT_LOG_WARNING,
               "%" PRIu64 " cards were opened today: the ceiling of open_per_day is %" PRIu64,
               c->opened.today, c->per_day);
    }
}

void jt_opening_end(struct jt_opening *o)
{
    struct jt_keeper *k = o->keeper;
    jt_ceiling_spend(&k->ceiling, o->n_opened);
    k->n_opened += o->n_opened;
    k->n_held_back += o->n_held_back;
    if (o->n_held_back > 0) {
        jt_notice(&held_back, jt_err_str(o->allowance.rest));
    }
    tell_near(k);
}
