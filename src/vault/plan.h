/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline of future generations: each may have a date from which on it is to be active, by the
 * database's clock. The duty takes the lowest whose date is reached and activates it, on whichever
 * node comes first; where it cannot, the log and the generation's `waits_for` say why.
 *
 * Future generations become active in the order of their numbers. So dates ascend with the numbers,
 * and one without a date stands behind all that have one.
 */
#ifndef JETON_VAULT_PLAN_H
#define JETON_VAULT_PLAN_H

#include "store/generations.h"
#include "vault/workers.h"

/*
 * Acts, on a worker. Gives a future generation its date, with the reason why one durable holder of
 * its key is enough ("": it is not); adopt_at_us 0 takes the date away. JT_ERR_NO_GENERATION;
 * JT_ERR_WRONG_STATE; JT_ERR_PLAN_ORDER.
 */
enum jt_err jt_plan_set(struct jt_work_ctx *ctx, uint64_t number,
                        const struct jt_generation_plan *plan, const char *actor,
                        struct jt_generation_info *out) JT_CHECKED;

/* The plan with the MAC of a keeper; `row` is the future generation's. */
enum jt_err jt_plan_seal(struct jt_work_ctx *ctx, const struct jt_generation_row *row,
                         const struct jt_generation_plan *plan,
                         struct jt_generation_plan *out) JT_CHECKED;

/* JT_ERR_PLAN_FORGED: the date or the reason in the row has not the MAC of a keeper. */
enum jt_err jt_plan_check(struct jt_work_ctx *ctx,
                          const struct jt_generation_info *info) JT_CHECKED;

/* The duty. */
struct jt_planner;
enum jt_err jt_planner_start(struct jt_vault *vault, struct jt_planner **out) JT_CHECKED;
void jt_planner_stop(struct jt_planner *p);

#endif
