/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lower-case hexadecimal, for log lines, certificates and test vectors. Never for secrets: see
 * base32.h for credentials.
 */
#ifndef JETON_BASE_HEX_H
#define JETON_BASE_HEX_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Writes 2 * len digits and a NUL to `out`, which holds 2 * len + 1 characters. */
void jt_hex_encode(const void *in, size_t len, char *out);

/*
 * Reads exactly 2 * len digits of either case. JT_ERR_INVALID (out zeroed) when a character is no
 * digit.
 */
enum jt_err jt_hex_decode(const char *in, size_t len, uint8_t *out) JT_CHECKED;

#endif
