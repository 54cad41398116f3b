/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custodians (model/custodian.h) on their way between keepers: the database has every version of
 * their set, and each front shows its keeper what it does not know yet. What keepers do not take is
 * an alarm, and what is gone is put back.
 */
#ifndef JETON_VAULT_CUSTODY_H
#define JETON_VAULT_CUSTODY_H

#include "model/custodian.h"
#include "vault/workers.h"

/*
 * Brings keeper and database together, and fills *set with the one that the keeper goes by: version
 * 0 where there is none.
 */
enum jt_err jt_custody_keep_up(struct jt_work_ctx *ctx, struct jt_custodian_set *set) JT_CHECKED;

/*
 * Stores the set that comes after the present one, and has the keeper go on with it: the first one
 * by a keeper of one command, without approvals; later ones approved by two of the present.
 * JT_ERR_NOT_LOCAL, JT_ERR_CUSTODIANS_THERE, JT_ERR_NOT_APPROVED, JT_ERR_INVALID;
 * JT_ERR_CUSTODIANS_MOVED: somebody else was first.
 */
enum jt_err jt_custody_change(struct jt_work_ctx *ctx, const struct jt_custodian_set *set,
                              const struct jt_approvals *approvals, const char *actor,
                              struct jt_custodian_set *out) JT_CHECKED;

#endif
