/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-SIV, deterministic authenticated encryption (RFC 5297), over OpenSSL's AES.
 *
 * Call order: jt_siv_new once for each key, then any number of seal and open calls, then
 * jt_siv_free. A struct jt_siv may be used by one thread at a time. The output of sealing is V ||
 * C: the 16-byte synthetic IV, which is also the tag, then the ciphertext, as long as the
 * plaintext.
 *
 * Every RFC 5297 case is handled, the empty plaintext and the empty list of components included
 * (OpenSSL 3.0's own AES-SIV cannot encrypt an empty plaintext and has checked forged ones wrongly:
 * CVE-2023-2975).
 *
 * The many-record calls run records side by side: each CBC-MAC step of S2V over N records is one
 * AES-ECB call of N blocks. They give the same bytes as the single calls, for associated data of
 * one header common to all and up to JT_SIV_RECORD_AD components of each record's own. The CMAC of
 * an empty component depends on the key only, and is computed once.
 *
 * What is not checked: that a (key, associated data, plaintext) triple is fresh, since SIV is
 * deterministic by design; and how many messages one key has seen, which RFC 5297 section 6 bounds.
 */
#ifndef JETON_CRYPTO_SIV_H
#define JETON_CRYPTO_SIV_H

#include "base/err.h"
#include "crypto/bytes.h"

#include <stdint.h>

#define JT_SIV_TAG_LEN        16
#define JT_SIV_256_KEY_LEN    64 /* AES-256-SIV: S2V half first, CTR half second */
#define JT_SIV_128_KEY_LEN    32
#define JT_SIV_MAX_COMPONENTS 126 /* of associated data: RFC 5297 section 7 */

struct jt_siv;

/* `key_len` is JT_SIV_256_KEY_LEN or JT_SIV_128_KEY_LEN, else JT_ERR_INVALID. The key is copied. */
enum jt_err jt_siv_new(const uint8_t *key, size_t key_len, struct jt_siv **out) JT_CHECKED;
void jt_siv_free(struct jt_siv *siv);

/*
 * RFC 5297 section 2.6. `out` holds JT_SIV_TAG_LEN + in_len bytes and does not overlap `in`.
 * JT_ERR_LIMIT for more than JT_SIV_MAX_COMPONENTS components.
 */
enum jt_err jt_siv_seal(struct jt_siv *siv, const struct jt_bytes *ad, size_t n_ad,
                        const uint8_t *in, size_t in_len, uint8_t *out) JT_CHECKED;

/*
 * RFC 5297 section 2.7. `in_len` counts the tag; `out` holds in_len - JT_SIV_TAG_LEN bytes and does
 * not overlap `in`. Any refusal is JT_ERR_DECRYPT, with `out` wiped.
 */
enum jt_err jt_siv_open(struct jt_siv *siv, const struct jt_bytes *ad, size_t n_ad,
                        const uint8_t *in, size_t in_len, uint8_t *out) JT_CHECKED;

/*
 * The decryption alone, without the verification that makes it a plaintext: `out` may be anything.
 * For a caller who does not know the associated data, computes what it could be from `out`, and
 * then believes jt_siv_open only. Nothing of `out` may be told to anybody before that. Lengths and
 * JT_ERR_DECRYPT as there.
 */
enum jt_err jt_siv_candidate(struct jt_siv *siv, const uint8_t *in, size_t in_len,
                             uint8_t *out) JT_CHECKED;

#define JT_SIV_RECORD_AD 3

/*
 * One record of a many-record call. `in`, `out`, lengths as in the single calls; `err` is set by
 * the call.
 */
struct jt_siv_record {
    struct jt_bytes ad[JT_SIV_RECORD_AD]; /* the components after the header, in their order */
    size_t n_ad;                          /* at most JT_SIV_RECORD_AD */
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;
    enum jt_err err;
};

/*
 * Prepares the part of S2V that depends on the header only: `header_mac` is cached by the caller
 * for each header (the envelope header of one generation and field).
 */
enum jt_err jt_siv_header(struct jt_siv *siv, const uint8_t *header, size_t header_len,
                          uint8_t header_mac[static JT_SIV_TAG_LEN]) JT_CHECKED;

/*
 * Seals `n` records (any n, worked in chunks) with associated data (header, each record's
 * components). The return value is JT_OK unless libcrypto failed as a whole (JT_ERR_CRYPTO, all
 * outputs wiped).
 */
enum jt_err jt_siv_seal_many(struct jt_siv *siv, const uint8_t header_mac[static JT_SIV_TAG_LEN],
                             struct jt_siv_record *records, size_t n) JT_CHECKED;

/*
 * Opens likewise. A record that is refused has err = JT_ERR_DECRYPT and a wiped output; its
 * neighbours are not touched by that.
 */
enum jt_err jt_siv_open_many(struct jt_siv *siv, const uint8_t header_mac[static JT_SIV_TAG_LEN],
                             struct jt_siv_record *records, size_t n) JT_CHECKED;

#endif
