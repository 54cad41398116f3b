/* SPDX-License-Identifier: Apache-2.0 */
/* What SEAL does more for fields with numeric tokens. */
#ifndef JETON_KEEPER_SEAL_NUMERIC_H
#define JETON_KEEPER_SEAL_NUMERIC_H

#include "keeper/keeper.h"

/* What is wrong with a value of such a field. */
enum jt_err jt_seal_numeric_check(const struct jt_keeper *k, const struct jt_named_field *field,
                                  const struct jt_value *value) JT_CHECKED;

/*
 * Makes the tokens of the group's `n` cards: cards[i].digits, to which jt_batch_seal binds the
 * envelopes, their toks in tokens[at], and in a guarded field value_toks[at] and digit_fps[at].
 */
enum jt_err jt_seal_numeric(struct jt_keeper *k, const struct jt_named_field *field,
                            const struct jt_seal_reply *reply, size_t n) JT_CHECKED;

#endif
