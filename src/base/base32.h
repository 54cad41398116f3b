/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crockford base32, lower case, canonical form only: the text of tokens and API keys.
 *
 * Most significant bit first; the last character is padded with zero bits. Decoding refuses upper
 * case, the look-alikes (i, l, o) that Crockford's alphabet would forgive, separators and non-zero
 * padding bits: one value has one text. Source: D. Crockford, "Base 32" (the alphabet); the
 * strictness is ours.
 */
#ifndef JETON_BASE_BASE32_H
#define JETON_BASE_BASE32_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Characters, without NUL, for `len` bytes: 26 for 16 bytes, 52 for 32. */
#define JT_BASE32_LEN(len) (((len)*8 + 4) / 5)

/* Writes JT_BASE32_LEN(len) characters and a NUL. */
void jt_base32_encode(const void *in, size_t len, char *out);

/*
 * Reads JT_BASE32_LEN(len) characters into `len` bytes. JT_ERR_INVALID (out zeroed) unless
 * canonical.
 */
enum jt_err jt_base32_decode(const char *in, size_t len, uint8_t *out) JT_CHECKED;

#endif
