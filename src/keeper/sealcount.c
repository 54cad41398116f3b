/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/sealcount.h"

#include "base/log.h"

#include <inttypes.h>

void jt_sealcount_init(struct jt_sealcount *c, const struct jt_sealed_under *sealed,
                       jt_sealcount_save_fn *save, void *arg)
{
    *c = (struct jt_sealcount){ .sealed = *sealed, .saved = *sealed, .save = save, .arg = arg };
}

/* Once for each bound and start. */
static void tell(struct jt_sealcount *c)
{
    uint64_t bound = c->sealed.n >= JT_SEALCOUNT_MAX    ? JT_SEALCOUNT_MAX
                     : c->sealed.n >= JT_SEALCOUNT_WARN ? JT_SEALCOUNT_WARN
                                                        : 0;
    if (bound <= c->told) {
        return;
    }
    c->told = bound;
    if (bound == JT_SEALCOUNT_MAX) {
        jt_log(JT_LOG_ERROR,
               "alarm: generation %" PRIu64 " has sealed %" PRIu64
               " messages here, more than 2^40: roll to another one now",
               c->sealed.generation, c->sealed.n);
    } else {
        jt_log(JT_LOG_WARNING,
               "generation %" PRIu64 " has sealed %" PRIu64
               " messages here, more than 2^39: roll to another one before there are 2^40",
               c->sealed.generation, c->sealed.n);
    }
}

enum jt_err jt_sealcount_take(struct jt_sealcount *c, uint64_t generation, size_t n)
{
    struct jt_sealed_under next = c->sealed;
    if (next.generation != generation) {
        next = (struct jt_sealed_under){ .generation = generation };
        c->told = 0;
    }
    next.n += n;
    if (c->saved.generation != generation || c->saved.n < next.n) {
        const struct jt_sealed_under ahead = { generation, next.n + JT_SEALCOUNT_STEP };
        enum jt_err err = c->save(c->arg, &ahead);
        if (err != JT_OK) {
            return err;
        }
        c->saved = ahead;
    }
    c->sealed = next;
    tell(c);
    return JT_OK;
}
