/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: 16 bytes that stand for a card number.
 *
 * An opaque token is the id of the card's row, encrypted by a keeper: to everybody else 16 random
 * bytes. As text it is "jtk_" and 26 characters of lower-case Crockford base32, canonical form
 * only.
 */
#ifndef JETON_PAN_TOKEN_H
#define JETON_PAN_TOKEN_H

#include "base/err.h"
#include "model/sizes.h"

#include <stddef.h>
#include <stdint.h>

#define JT_TOKEN_TEXT_LEN 30 /* without NUL */

/* Writes JT_TOKEN_TEXT_LEN characters and a NUL. */
void jt_token_format(const uint8_t token[static JT_TOKEN_LEN],
                     char out[static JT_TOKEN_TEXT_LEN + 1]);

/* JT_ERR_INVALID unless `text` (len characters) is the canonical text of a token. */
enum jt_err jt_token_parse(const char *text, size_t len,
                           uint8_t out[static JT_TOKEN_LEN]) JT_CHECKED;

#endif
