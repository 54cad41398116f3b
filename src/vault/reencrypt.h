/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lazy re-encryption: rows that a read found under a draining generation are sealed under the
 * active one, behind the reply. A verb of a lane (vault/lane.h), whose requests are single rows.
 *
 * It is best effort by design: what does not fit the queue, loses its race or fails is dropped and
 * will be moved by the next read or by the retirement job. The row is changed by compare-and-swap
 * on its old envelope after the keeper call, never across it.
 */
#ifndef JETON_VAULT_REENCRYPT_H
#define JETON_VAULT_REENCRYPT_H

#include "store/cards.h"
#include "vault/lane.h"

extern const struct jt_lane_verb jt_verb_reencrypt;

/* Copies the row into the queue; drops it when that is full. */
void jt_reencrypt_offer(struct jt_lane *lane, const struct jt_card_row *card);

#endif
