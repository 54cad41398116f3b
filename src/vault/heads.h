/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heads of the audit chains, told outside of the database once a minute and at the end: in the
 * log, and in [audit] heads_file. Whoever has them can tell that rows were cut off the end of a
 * chain, and, without any key, that those before were changed (docs/operating.md).
 *
 * A line is stable, for programs:
 *
 *     audit-heads 1 NODE START MICROSECONDS CONNECTION:LINK:HEAD:RUNNING ...
 *
 * A background duty (vault/duty.h).
 */
#ifndef JETON_VAULT_HEADS_H
#define JETON_VAULT_HEADS_H

#include "vault/vault.h"

struct jt_heads;

enum jt_err jt_heads_start(struct jt_vault *vault, struct jt_heads **out) JT_CHECKED;

/* Tells what is left to tell; no chain is added to any more. NULL is accepted. */
void jt_heads_stop(struct jt_heads *h);

#endif
