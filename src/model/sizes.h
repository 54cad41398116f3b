/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes of what is stored and sent, each in this one place: docs/data-format.md says what the bytes
 * are. `_LEN` is an exact number of bytes, `_MAX` of a text is characters without NUL. What follows
 * from an algorithm (a CMAC, a SIV tag) has its name in src/crypto, which asserts that it fits.
 */
#ifndef JETON_MODEL_SIZES_H
#define JETON_MODEL_SIZES_H

/* Rows in the database that a keeper vouches for. */
#define JT_ROW_MAC_LEN       16
#define JT_CHECK_VALUE_LEN   8
#define JT_INCARNATION_LEN   16
#define JT_CHALLENGE_LEN     16
#define JT_NODE_NAME_MAX     63
#define JT_FIELD_NAME_MAX    64
#define JT_CLIENT_ID_MAX     32
#define JT_CLIENT_SECRET_LEN 32
#define JT_ACTOR_MAX         64
#define JT_SET_NONCE_LEN     16
#define JT_SET_DIGEST_LEN    16

#endif
