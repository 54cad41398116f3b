/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lazy re-encryption: rows that a read found under a draining generation are sealed under the
 * active one, behind the reply. One re-encrypter an event loop.
 *
 * It is best effort by design: what does not fit the queue, loses its race or fails is dropped and
 * will be moved by the next read or by the retirement job. The row is changed by compare-and-swap
 * on its old envelope after the keeper call, never across it.
 */
#ifndef JETON_VAULT_REENCRYPT_H
#define JETON_VAULT_REENCRYPT_H

#include "base/loop.h"
#include "keyclient/keyclient.h"
#include "store/cards.h"
#include "vault/vault.h"

struct jt_reencrypter;

enum jt_err jt_reencrypter_new(struct jt_vault *vault, struct jt_loop *loop,
                               struct jt_keyclient *keeper, uint16_t writer,
                               struct jt_reencrypter **out) JT_CHECKED;
void jt_reencrypter_free(struct jt_reencrypter *r);

/* Copies the row into the queue; drops it when that is full. */
void jt_reencrypter_offer(struct jt_reencrypter *r, const struct jt_card_row *card);

/* Starts the next batch if idle: called after each round of the loop, after the replies. */
void jt_reencrypter_pump(struct jt_reencrypter *r);

#endif
