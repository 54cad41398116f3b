/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of a write-off: cards that are noted as stuck, of which the keeper keeps those that it
 * can neither open nor mend.
 */
#ifndef JETON_VAULT_WRITEOFF_LIST_H
#define JETON_VAULT_WRITEOFF_LIST_H

#include "model/generation.h"
#include "vault/workers.h"

/*
 * Makes one of a draining generation, as many cards as a request takes, and stores it with its
 * request in the place of one that waits. JT_ERR_NOTHING_STUCK, JT_ERR_WRITE_OFFS_FULL,
 * JT_ERR_NO_CUSTODIANS.
 */
enum jt_err jt_writeoff_list_stuck(struct jt_work_ctx *ctx, const struct jt_generation_row *row,
                                   const char *actor) JT_CHECKED;

#endif
