/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How numeric tokens are found: by their tok, a CMAC under a permanent key of the field
 * (docs/data-format.md). The database is asked for that and never for digits, because whoever sends
 * a token may as well have sent a card number.
 *
 *     tok = first 6 bytes of CMAC(01 || u8 digits || kept leading digits || kept last digits)
 *        || first 10 bytes of CMAC(02 || packed digits)
 *
 * so that the tokens which can collide with each other lie side by side in the index and can be
 * counted.
 */
#ifndef JETON_KEEPER_NUMERIC_H
#define JETON_KEEPER_NUMERIC_H

#include "crypto/cmac.h"
#include "pan/numeric.h"

/* What one tok is computed over. */
struct jt_numeric_message {
    uint8_t class[2 + JT_PAN_MAX_DIGITS];
    uint8_t class_len;
    uint8_t whole[1 + JT_PAN_MAX_PACKED];
    uint8_t whole_len;
    uint8_t class_mac[JT_CMAC_LEN], whole_mac[JT_CMAC_LEN];
};

/* Sets what the tok of packed digits, or of a card number as if it were a token, is over. */
enum jt_err jt_numeric_message(const struct jt_numeric_form *form, const uint8_t *packed,
                               size_t packed_len, struct jt_numeric_message *out) JT_CHECKED;

/* Computes the MACs of `n` messages; `cmac` has room for `n` records, which are the caller's. */
enum jt_err jt_numeric_macs(struct jt_cmac *key, struct jt_numeric_message *messages,
                            struct jt_cmac_record *records, size_t n) JT_CHECKED;

/* The tok of a message that has its MACs. */
void jt_numeric_tok(const struct jt_numeric_message *message, uint8_t out[static JT_TOK_LEN]);

#endif
