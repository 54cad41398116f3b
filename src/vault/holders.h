/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has the service root and the keys durably, as a background duty that looks every ten seconds
 * and when there is news: nodes whose rows are a keeper's, by different keepers, and backups whose
 * receipts are. For operators: a service root in one place only is told in the log, by the status
 * and in metrics, because nothing can bring it back. A guard it is not: what an activation needs is
 * looked at there (vault/activation.h).
 */
#ifndef JETON_VAULT_HOLDERS_H
#define JETON_VAULT_HOLDERS_H

#include "vault/vault.h"

enum jt_err jt_holders_start(struct jt_vault *vault, struct jt_holders **out) JT_CHECKED;
/* NULL is accepted. */
void jt_holders_stop(struct jt_holders *h);

/* Something was recorded: the next look comes now. Any thread; nothing where no duty runs. */
void jt_holders_nudge(struct jt_vault *vault);

#endif
