/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes of what is stored and sent, each in this one place: docs/data-format.md says what the bytes
 * are. `_LEN` is an exact number of bytes, `_MAX` of a text is characters without NUL. What follows
 * from an algorithm (a CMAC, a SIV tag) has its name in src/crypto, which asserts that it fits.
 */
#ifndef JETON_MODEL_SIZES_H
#define JETON_MODEL_SIZES_H

/* Cards. */
#define JT_KEY_ID_LEN        1
#define JT_ROW_ID_LEN        8 /* an id as bytes; its value is 1 to 2^63 - 1 */
#define JT_TOKEN_LEN         16
#define JT_TOK_LEN           16 /* by which a numeric token is found */
#define JT_TOK_CLASS_LEN     6  /* of it, shared by all tokens that keep the same digits */
#define JT_FINGERPRINT_LEN   16
#define JT_PLAINTEXT_MAX     4096 /* bytes under one envelope, of any kind of field */
#define JT_PAN_MIN_PACKED    6    /* 12 digits */
#define JT_PAN_MAX_PACKED    10   /* 19 digits */
#define JT_ENVELOPE_OVERHEAD (JT_KEY_ID_LEN + 16) /* key id and SIV tag */
#define JT_PAN_ENVELOPE_MIN  (JT_ENVELOPE_OVERHEAD + JT_PAN_MIN_PACKED)
#define JT_PAN_ENVELOPE_MAX  (JT_ENVELOPE_OVERHEAD + JT_PAN_MAX_PACKED)

/* The bounds of table card's envelopes, with slack for later formats. */
#define JT_CARD_ENVELOPE_MIN (JT_ENVELOPE_OVERHEAD + 1)
#define JT_CARD_ENVELOPE_MAX 64

/* Envelopes that applications keep: what names the row that they belong to, and its keyed name. */
#define JT_HELD_ROW_ID_MAX 255
#define JT_HELD_TAG_LEN    8

/* RFC 3339 UTC text and NUL. */
#define JT_TIME_LEN 32

/* Rows in the database that a keeper vouches for. */
#define JT_ONCE_DIGEST_LEN   32 /* SHA-256 of a request that is done once */
#define JT_ROW_MAC_LEN       16
#define JT_CHECK_VALUE_LEN   8
#define JT_INCARNATION_LEN   16
#define JT_CHALLENGE_LEN     16
#define JT_NODE_NAME_MAX     63
#define JT_FIELD_NAME_MAX    64
#define JT_CLIENT_ID_MAX     32
#define JT_CLIENT_SECRET_LEN 32

/* The card rules of a field as bytes (pan/rules.h). */
#define JT_CARD_RULES_EXEMPT_MAX 16
#define JT_CARD_RULES_MAX        (5 + JT_CARD_RULES_EXEMPT_MAX * 5 + 4)
/* The longest that a field can have as the maximum lifetime of its cards: a hundred years. */
#define JT_LIFETIME_MAX_S UINT32_C(3155760000)

/* The text that names a column of an application's (model/appcolumn.h). */
#define JT_APP_COLUMN_MAX 255

/* How long a secret may be good beside its successor. */
#define JT_CLIENT_OVERLAP_MAX_S (30 * 86400)

#define JT_ACTOR_MAX      64
#define JT_SET_NONCE_LEN  16
#define JT_SET_DIGEST_LEN 16

/* The audit trail. */
#define JT_AUDIT_DIGEST_LEN 32
#define JT_REQUEST_ID_LEN   16
#define JT_SOURCE_MAX       16 /* an IPv6 address */

#endif
