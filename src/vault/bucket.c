/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/bucket.h"

#define ITEM INT64_C(1000000) /* as many millionths as microseconds in a second */

static int64_t full(const struct jt_bucket *b)
{
    return b->rate * ITEM;
}

void jt_bucket_settle(struct jt_bucket *b, uint32_t rate, int64_t now_us)
{
    int64_t passed_us = now_us > b->at_us ? now_us - b->at_us : 0;
    if (b->rate == 0) {
        b->level = rate * ITEM;
    } else if (passed_us >= (full(b) - b->level) / b->rate + 1) {
        b->level = full(b); /* asked first: a product over a long time has no room */
    } else {
        b->level += passed_us * b->rate;
    }
    b->rate = rate;
    b->level = b->level < full(b) ? b->level : full(b);
    b->at_us = now_us;
}

int64_t jt_bucket_wait_us(const struct jt_bucket *b, uint32_t n)
{
    int64_t needed = (n < b->rate ? n : b->rate) * ITEM;
    return needed <= b->level ? 0 : (needed - b->level + b->rate - 1) / b->rate;
}

void jt_bucket_take(struct jt_bucket *b, uint32_t n)
{
    b->level -= n * ITEM;
}

void jt_bucket_put_back(struct jt_bucket *b, uint32_t n)
{
    b->level += n * ITEM;
    b->level = b->level < full(b) ? b->level : full(b);
}

uint32_t jt_bucket_left(const struct jt_bucket *b)
{
    return b->level < 0 ? 0 : (uint32_t)(b->level / ITEM);
}

uint32_t jt_bucket_share(uint32_t rate, uint32_t n_nodes)
{
    uint32_t share = n_nodes < 2 ? rate : rate / n_nodes;
    return share == 0 ? 1 : share;
}
