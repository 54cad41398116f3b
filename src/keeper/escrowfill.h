/* SPDX-License-Identifier: Apache-2.0 */
/* What a keeper puts into an escrow file: all that it holds, and what must not be forgotten. */
#ifndef JETON_KEEPER_ESCROWFILL_H
#define JETON_KEEPER_ESCROWFILL_H

#include "keeper/escrow.h"
#include "keeper/keeper.h"

/* Into `escrow`, which is in secret memory and empty. */
void jt_escrow_fill(const struct jt_keeper *k, struct jt_escrow *escrow);

/* Whether the file has every key that is held, as it is held, and no other. */
bool jt_escrow_has_all(const struct jt_keeper *k, const struct jt_escrow *escrow);

#endif
