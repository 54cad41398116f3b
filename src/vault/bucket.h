/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket: so many items a second, and up to one second's worth at once after a pause.
 *
 * A batch of more than a second's worth is taken when the bucket is full, and leaves a debt: what
 * comes next waits until it is paid. So the rate holds in the long run whatever the batches' size,
 * and no batch is too large to be served ever.
 *
 * The time is passed in, in microseconds of any steady clock.
 */
#ifndef JETON_VAULT_BUCKET_H
#define JETON_VAULT_BUCKET_H

#include <stdint.h>

struct jt_bucket {
    uint32_t rate; /* items a second; 0: it has not been set */
    int64_t level; /* millionths of an item; negative: a debt */
    int64_t at_us;
};

/* Brings it up to the time. A bucket that is new, all zeroes, is full; another rate counts from now
 * on. `rate` is not 0. */
void jt_bucket_settle(struct jt_bucket *b, uint32_t rate, int64_t now_us);

/* Of a settled one: how long until so many items can be taken; 0: now. */
int64_t jt_bucket_wait_us(const struct jt_bucket *b, uint32_t n);

/* Of a settled one, when the wait is 0. */
void jt_bucket_take(struct jt_bucket *b, uint32_t n);

/* Puts back what was not used. */
void jt_bucket_put_back(struct jt_bucket *b, uint32_t n);

/* How many items are left; 0 in debt. */
uint32_t jt_bucket_left(const struct jt_bucket *b);

/*
 * The part of a rate that one of `n_nodes` keeps to, so that all together keep to it: rounded down,
 * and 1 at least. So more nodes than items a second let through one item each.
 */
uint32_t jt_bucket_share(uint32_t rate, uint32_t n_nodes);

#endif
