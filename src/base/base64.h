/* SPDX-License-Identifier: Apache-2.0 */
/* Standard base64 with padding (RFC 4648 section 4): how bytes travel in JSON. */
#ifndef JETON_BASE_BASE64_H
#define JETON_BASE_BASE64_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Characters, without NUL, for `len` bytes. */
#define JT_BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Writes JT_BASE64_LEN(len) characters and a NUL. */
void jt_base64_encode(const void *in, size_t len, char *out);

/*
 * Reads `len` characters into at most `max` bytes; *out_len receives how many. JT_ERR_INVALID
 * unless canonical: whole groups of four, padding at the end only, and no bit set that no byte has.
 */
enum jt_err jt_base64_decode(const char *in, size_t len, uint8_t *out, size_t max,
                             size_t *out_len) JT_CHECKED;

#endif
