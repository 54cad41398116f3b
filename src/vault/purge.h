/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removes cards whose date is over, once their grace has passed too: in small batches by the index,
 * each a transaction under the ring rule with its audit rows. A background duty (vault/duty.h).
 * Nobody can get at such a card any more; that its row goes is for who wants the data gone, and for
 * the room. Every front may run it: none waits for a card that another has.
 */
#ifndef JETON_VAULT_PURGE_H
#define JETON_VAULT_PURGE_H

#include "vault/vault.h"

struct jt_purge;

enum jt_err jt_purge_start(struct jt_vault *vault, struct jt_purge **out) JT_CHECKED;

/* NULL is accepted. */
void jt_purge_stop(struct jt_purge *p);

#endif
