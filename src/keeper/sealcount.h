/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many messages the active generation's key has sealed in this keeper, all fields together.
 * With AES-SIV the risk that two different messages get one synthetic IV grows with their square
 * (RFC 5297 section 6 and the birthday bound on 128 bits): at 2^40 it is 2^-49 still, and long
 * before that is anything to fear the key is to be rolled. So the log warns from 2^39 on, and
 * raises an alarm from 2^40 on; sealing goes on, since cards that are not stored are the greater
 * harm.
 *
 * Each field has a key of its own, so counting all together errs to the safe side; each keeper
 * counts what it sealed itself, so with several nodes their counts are to be added.
 *
 * The count is written ahead into the state file, as keeper/ceiling.h does: after a crash it is too
 * high by JT_SEALCOUNT_STEP at most, and never too low. Only one generation is ever active, and
 * none twice, so there is one count.
 */
#ifndef JETON_KEEPER_SEALCOUNT_H
#define JETON_KEEPER_SEALCOUNT_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define JT_SEALCOUNT_STEP (UINT64_C(1) << 20)
#define JT_SEALCOUNT_WARN (UINT64_C(1) << 39)
#define JT_SEALCOUNT_MAX  (UINT64_C(1) << 40)

/* As the state file has it. */
struct jt_sealed_under {
    uint64_t generation; /* 0: none yet */
    uint64_t n;
};

/* Makes a count durable. */
typedef enum jt_err jt_sealcount_save_fn(void *arg, const struct jt_sealed_under *sealed);

struct jt_sealcount {
    struct jt_sealed_under sealed; /* what was sealed */
    struct jt_sealed_under saved;  /* as it is durable: the same, or ahead */
    uint64_t told;                 /* the log has a line for this bound */
    jt_sealcount_save_fn *save;
    void *arg;
};

void jt_sealcount_init(struct jt_sealcount *c, const struct jt_sealed_under *sealed,
                       jt_sealcount_save_fn *save, void *arg);

/* Counts `n` messages that are sealed next under a generation; durable when it returns. */
enum jt_err jt_sealcount_take(struct jt_sealcount *c, uint64_t generation, size_t n) JT_CHECKED;

#endif
