/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shares of a secret of 32 bytes, of which any k give it back and fewer tell nothing: A. Shamir,
 * "How to share a secret" (1979), byte by byte over GF(2^8) with the polynomial of AES (FIPS 197
 * section 4.2). Each share is as long as the secret. A share's place x is 1 to 255 and no secret.
 *
 * Neither branch nor index depends on a secret: products are made by shifts and masks.
 *
 * What is not checked: whether the shares belong to one secret. Wrong ones give wrong bytes, and
 * the caller finds out (keeper/masterfile.h does by each share's digest, and by what the secret
 * opens).
 */
#ifndef JETON_CRYPTO_SHARES_H
#define JETON_CRYPTO_SHARES_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define JT_SHARE_LEN  32
#define JT_SHARES_MAX 16

struct jt_share {
    uint8_t x;
    uint8_t y[JT_SHARE_LEN];
};

/*
 * Makes n shares with the places 1 to n, any k of which give the secret. 2 <= k <= n <=
 * JT_SHARES_MAX, or JT_ERR_LIMIT. JT_ERR_CRYPTO, JT_ERR_NOMEM; the shares are wiped on failure.
 */
enum jt_err jt_shares_split(const uint8_t secret[static JT_SHARE_LEN], size_t k, size_t n,
                            struct jt_share *out) JT_CHECKED;

/*
 * What these k shares give, of which none comes twice. JT_ERR_LIMIT for fewer than 2, more than
 * JT_SHARES_MAX, a place of 0 or one that comes twice.
 */
enum jt_err jt_shares_join(const struct jt_share *shares, size_t k,
                           uint8_t out[static JT_SHARE_LEN]) JT_CHECKED;

#endif
