/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/throttle.h"

void jt_throttle_init(struct jt_throttle *t, long per_second)
{
    *t = (struct jt_throttle){ .per_second = per_second };
    pthread_mutex_init(&t->mutex, NULL);
}

void jt_throttle_clear(struct jt_throttle *t)
{
    pthread_mutex_destroy(&t->mutex);
}

size_t jt_throttle_batch(const struct jt_throttle *t, size_t max)
{
    return t->per_second > 0 && (size_t)t->per_second < max ? (size_t)t->per_second : max;
}

int64_t jt_throttle_take(struct jt_throttle *t, size_t n, int64_t now_us,
                         enum jt_throttle_reason *why)
{
    *why = JT_THROTTLE_NONE;
    if (t->per_second <= 0) {
        return 0;
    }
    pthread_mutex_lock(&t->mutex);
    int64_t wait_us = t->free_us - now_us;
    if (wait_us <= 0) {
        /* what was not used in the past is not made up for */
        t->free_us = now_us + (int64_t)n * 1000000 / t->per_second;
        wait_us = 0;
    } else {
        *why = JT_THROTTLE_RATE;
    }
    pthread_mutex_unlock(&t->mutex);
    return wait_us;
}
