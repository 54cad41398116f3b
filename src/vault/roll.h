/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a generation before it is active: it is made and acknowledged, or given up. Acts, on
 * a worker; making one may come again (jt_work_again). What follows is vault/activation.h and
 * vault/retirement.h.
 */
#ifndef JETON_VAULT_ROLL_H
#define JETON_VAULT_ROLL_H

#include "store/generations.h"
#include "vault/workers.h"

/* So many future generations may wait in line: each has a key id, of which there are 255. */
#define JT_ROLL_MAX_FUTURE 12

/*
 * Makes a key and stores the generation as future, with its date if `plan` is not NULL
 * (vault/plan.h; the MAC is added); from then on every node fetches the key and acknowledges it
 * (vault/delivery.h). JT_ERR_PLAN_ORDER; JT_ERR_TOO_MANY_FUTURE, before
 * a key is made: so many wait already; JT_ERR_NO_KEY_ID.
 */
enum jt_err jt_roll_create(struct jt_work_ctx *ctx, const struct jt_generation_plan *plan,
                           const char *actor, struct jt_generation_info *out) JT_CHECKED;

/*
 * Gives up a future generation: first its row says that it is destroyed, then the keeper erases the
 * key; so no moment and no crash leaves cards under a key that is gone. One whose row went before
 * and whose key may be left (something broke in between) is success: it is erased now, or by the
 * next jt_roll_create. Its number is never used again, its key id is free.
 * JT_ERR_NO_GENERATION; JT_ERR_WRONG_STATE: not future.
 */
enum jt_err jt_roll_abandon(struct jt_work_ctx *ctx, uint64_t number, const char *actor,
                            struct jt_generation_info *out) JT_CHECKED;

/*
 * Erases the keys of abandoned generations, where this node's keeper still has them: something
 * broke between row and key, or it was another node that gave them up, perhaps while this one was
 * away. A page of them: those with numbers below *below, the newest first; *below becomes where the
 * next page begins, 0 after the last one. The keeper decides by its own ring, so it is shown the
 * database's before.
 */
#define JT_ROLL_NEWEST INT64_MAX
enum jt_err jt_roll_erase(struct jt_work_ctx *ctx, uint64_t *below) JT_CHECKED;

/*
 * What there is to tell of a generation after a step that was taken: from the database, or else
 * from what is known.
 */
void jt_roll_read_after(struct jt_work_ctx *ctx, struct jt_generation_info *out,
                        enum jt_generation_state state);

#endif
