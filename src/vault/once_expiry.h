/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forgets requests whose 24 hours are over, in small pieces by the index. A background duty
 * (vault/duty.h). Every front may run it: none waits for what another removes.
 */
#ifndef JETON_VAULT_ONCE_EXPIRY_H
#define JETON_VAULT_ONCE_EXPIRY_H

#include "vault/vault.h"

struct jt_once_expiry;

enum jt_err jt_once_expiry_start(struct jt_vault *vault, struct jt_once_expiry **out) JT_CHECKED;

/* NULL is accepted. */
void jt_once_expiry_stop(struct jt_once_expiry *e);

#endif
