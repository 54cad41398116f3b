/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token key of one field: ids of rows to tokens and back.
 *
 * A token is one AES-256 block under the field's token key, which comes from the service root and
 * never changes: u64 id, u32 field id, u16 bucket (0: no field has any yet), u16 constant 0x4a54.
 * Ids ascend inside; tokens look random, so that a token does not tell when its card was stored.
 * Field and constant are what a made-up token, or one of another field, fails by: 64 bits with the
 * bucket, checked in constant time.
 *
 * AES alone is enough here because a message is exactly one block and no id is given out twice.
 *
 * One thread at a time for one struct jt_tokenkey.
 */
#ifndef JETON_CRYPTO_TOKENKEY_H
#define JETON_CRYPTO_TOKENKEY_H

#include "base/err.h"
#include "model/sizes.h"

#include <stddef.h>
#include <stdint.h>

#define JT_TOKENKEY_ROOT_LEN 32

struct jt_tokenkey;

/* Derives the field's key from the service root. */
enum jt_err jt_tokenkey_new(const uint8_t root[static JT_TOKENKEY_ROOT_LEN], uint32_t field,
                            struct jt_tokenkey **out) JT_CHECKED;
void jt_tokenkey_free(struct jt_tokenkey *tk);

/*
 * The tokens of `n` ids (any n, worked in chunks), each 1 to 2^63 - 1 (JT_ERR_INVALID otherwise).
 * On failure all tokens are wiped.
 */
enum jt_err jt_tokenkey_seal(struct jt_tokenkey *tk, const uint64_t *ids, size_t n,
                             uint8_t (*tokens)[JT_TOKEN_LEN]) JT_CHECKED;

/*
 * The ids of `n` tokens; 0 for what is no token of this field. JT_ERR_CRYPTO only when libcrypto
 * failed (all ids are 0 then).
 */
enum jt_err jt_tokenkey_open(struct jt_tokenkey *tk, const uint8_t (*tokens)[JT_TOKEN_LEN],
                             size_t n, uint64_t *ids) JT_CHECKED;

#endif
