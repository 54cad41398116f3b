/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many cards leave the keeper in the clear: the count, and the ceilings on it for a second and
 * a day. Whoever has taken over the front opens no more than these allow, and what they opened is
 * counted where they cannot reach.
 *
 * The count is written ahead, in steps: no card is opened before a count that has it is durable. So
 * a crash, or a kill in the midst of it, makes it too high by at most one step, and never too low.
 * A clean end writes what was really opened.
 *
 * A day is one of UTC by the keeper's clock. It never goes back: with a clock that is set back, the
 * day that was begun goes on. The second is a bucket that fills evenly and holds one second's
 * worth.
 *
 * The clocks are arguments and saving a function, so that a test can be all of them.
 */
#ifndef JETON_KEEPER_CEILING_H
#define JETON_KEEPER_CEILING_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define JT_CEILING_STEP (UINT64_C(1) << 18) /* items, at most; about a second at full load */

/* As the state file has it. */
struct jt_opened {
    uint64_t ever;  /* since the service root was made */
    uint32_t day;   /* since 1970-01-01 */
    uint64_t today; /* on that day */
};

/* Makes a count durable. */
typedef enum jt_err jt_ceiling_save_fn(void *arg, const struct jt_opened *opened);

struct jt_ceiling {
    uint64_t per_second, per_day; /* 0: no ceiling */
    struct jt_opened opened;      /* what was opened */
    struct jt_opened saved;       /* as it is durable: the same, or ahead */
    uint64_t in_bucket;           /* thousandths of items that may be opened now */
    int64_t filled_ms;
    jt_ceiling_save_fn *save;
    void *arg;
};

/* What may be opened of what was asked for, and why not all. */
struct jt_allowance {
    size_t n;
    enum jt_err rest; /* JT_ERR_OPEN_RATE, JT_ERR_OPEN_QUOTA; JT_OK: nothing was held back */
};

/* Begins with what the state file has. Ceilings: jt_ceiling_set. */
void jt_ceiling_init(struct jt_ceiling *c, const struct jt_opened *opened, jt_ceiling_save_fn *save,
                     void *arg);

/* 0: none. From here on. */
void jt_ceiling_set(struct jt_ceiling *c, uint64_t per_second, uint64_t per_day);

/*
 * How many of `n` items may be opened now, which is durable when it returns. `now_s` is the wall
 * clock in seconds since 1970, `now_ms` a clock that only runs forward. On failure none may.
 */
enum jt_err jt_ceiling_ask(struct jt_ceiling *c, size_t n, int64_t now_s, int64_t now_ms,
                           struct jt_allowance *out) JT_CHECKED;

/* How many were opened on the day that `now_s` is in. */
uint64_t jt_ceiling_today(const struct jt_ceiling *c, int64_t now_s);

/* `n` items were opened, at most as many as were allowed. */
void jt_ceiling_spend(struct jt_ceiling *c, size_t n);

#endif
