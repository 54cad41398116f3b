/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that no live generation accounts for: under key ids that are retired or were never used. An
 * honest service leaves none behind; somebody planted, restored or replayed them. They are looked
 * for when the node starts, after each retirement and before a key id is given to a new generation;
 * while there are any, whoever asks for such a card is told so, and their key ids are not used.
 */
#ifndef JETON_VAULT_STRAYS_H
#define JETON_VAULT_STRAYS_H

#include "vault/workers.h"

/*
 * Looks for them, by a skip scan over the key ids that cards have; notes what was found in the
 * vault and logs an alarm when that has changed. `used` (32 bytes, may be NULL) receives all key
 * ids that cards have: bit i%8 of byte i/8.
 */
enum jt_err jt_strays_look(struct jt_work_ctx *ctx, uint8_t *used) JT_CHECKED;

/* The key ids of stray rows as they were last noted, at most `max`; how many. Any thread. */
uint8_t jt_strays_known(const struct jt_vault *vault, uint8_t *key_ids, size_t max);

#endif
