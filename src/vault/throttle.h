/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the workers of a retirement may go on this node: [retirement] rate is a ceiling over all
 * of them. Any thread.
 */
#ifndef JETON_VAULT_THROTTLE_H
#define JETON_VAULT_THROTTLE_H

#include "model/retirement.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct jt_throttle {
    pthread_mutex_t mutex; /* of what follows */
    long per_second;       /* 0: any number */
    int64_t free_us;       /* by jt_clock_us: from then on the next batch may begin */
};

void jt_throttle_init(struct jt_throttle *t, long per_second);
void jt_throttle_clear(struct jt_throttle *t);

/* The size of a batch that takes a second at most where there is a ceiling. */
size_t jt_throttle_batch(const struct jt_throttle *t, size_t max);

/*
 * Whether a batch of `n` may begin at `now_us`. 0: it may, and is counted; else how long to wait in
 * microseconds, and *why.
 */
int64_t jt_throttle_take(struct jt_throttle *t, size_t n, int64_t now_us,
                         enum jt_throttle_reason *why);

#endif
