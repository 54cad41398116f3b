/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node does by itself while its keeper refuses the database: once a second, as a part of the
 * membership, it tells other keepers what its own remembers, follows a recovery that was carried
 * out elsewhere, and carries out one that its keeper asked for and two custodians have approved.
 */
#ifndef JETON_VAULT_RECOVERER_H
#define JETON_VAULT_RECOVERER_H

#include "vault/workers.h"

/* *again: at once, or in a moment. What fails is tried again with the next heartbeat. */
void jt_recoverer_attend(struct jt_work_ctx *ctx, bool *again);

#endif
