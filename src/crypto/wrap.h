/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wrapping keys for files: AES-256-SIV under the wrap key of the master key, the file's whole
 * header as associated data. Also where new keys come from: OpenSSL's private random generator.
 */
#ifndef JETON_CRYPTO_WRAP_H
#define JETON_CRYPTO_WRAP_H

#include "base/err.h"
#include "crypto/siv.h"

#include <stdint.h>

#define JT_WRAP_OVERHEAD JT_SIV_TAG_LEN

/* `out` receives key_len + JT_WRAP_OVERHEAD bytes. */
enum jt_err jt_wrap_seal(const uint8_t wrap_key[static JT_SIV_256_KEY_LEN], const void *header,
                         size_t header_len, const uint8_t *key, size_t key_len,
                         uint8_t *out) JT_CHECKED;

/*
 * `out` receives in_len - JT_WRAP_OVERHEAD bytes; JT_ERR_DECRYPT and wiped when header, key or
 * contents do not agree.
 */
enum jt_err jt_wrap_open(const uint8_t wrap_key[static JT_SIV_256_KEY_LEN], const void *header,
                         size_t header_len, const uint8_t *in, size_t in_len,
                         uint8_t *out) JT_CHECKED;

/* Fresh key bytes (RAND_priv_bytes). JT_ERR_CRYPTO when the generator has failed. */
enum jt_err jt_wrap_random_key(uint8_t *out, size_t len) JT_CHECKED;

#endif
