/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Honey cards as a front has them (keeper/honey.h): operators mark cards, and whoever opens one
 * raises an alarm and sees nothing of it. Which cards are marked is nowhere in the front: the
 * keeper says so of each card that it opens.
 *
 * A request notes an alarm in memory, which costs no more than not to; a duty writes it to the log
 * and the audit trail within a second or so, and keeps it while the database is away. The same duty
 * shows the keeper the set that stands in the database, once a second. Where somebody has removed
 * or altered it, or put an older one back, there is an alarm, and the keeper's own is put back.
 */
#ifndef JETON_VAULT_MARKED_H
#define JETON_VAULT_MARKED_H

#include "vault/credential.h"
#include "vault/workers.h"
#include "wire/honey.h"

struct jt_marked;

enum jt_err jt_marked_start(struct jt_vault *vault, struct jt_marked **out) JT_CHECKED;
/* NULL is accepted. */
void jt_marked_stop(struct jt_marked *m);

/* A marked card was opened for this request. Any thread. */
void jt_marked_opened(struct jt_marked *m, const char *client, const struct jt_origin *origin,
                      uint32_t field, bool masked);

/*
 * Marks a card, or takes its mark away, on the word of an operator. JT_ERR_NO_FIELD,
 * JT_ERR_NO_TOKEN, JT_ERR_HONEY_THERE, JT_ERR_HONEY_FULL, JT_ERR_NO_HONEY, JT_ERR_NOT_OPERATOR.
 */
enum jt_err jt_marked_change(struct jt_work_ctx *ctx, const struct jt_credential *operator,
                             enum jt_honey_act act, const char *field,
                             const uint8_t token[static JT_TOKEN_LEN]) JT_CHECKED;

/* The marks, as the keeper has them. */
enum jt_err jt_marked_list(struct jt_work_ctx *ctx, const struct jt_credential *operator,
                           struct jt_honey_tokens * out) JT_CHECKED;

#endif
