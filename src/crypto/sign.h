/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 signatures (RFC 8032) for certificates: proofs that people and later programs check with
 * the public key alone.
 */
#ifndef JETON_CRYPTO_SIGN_H
#define JETON_CRYPTO_SIGN_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define JT_SIGN_SEED_LEN   32
#define JT_SIGN_PUBLIC_LEN 32
#define JT_SIGN_LEN        64

enum jt_err jt_sign_public(const uint8_t seed[static JT_SIGN_SEED_LEN],
                           uint8_t out[static JT_SIGN_PUBLIC_LEN]) JT_CHECKED;

enum jt_err jt_sign(const uint8_t seed[static JT_SIGN_SEED_LEN], const void *message, size_t len,
                    uint8_t out[static JT_SIGN_LEN]) JT_CHECKED;

/* JT_OK, or JT_ERR_BAD_SIGNATURE when the signature is not good. */
enum jt_err jt_sign_verify(const uint8_t public_key[static JT_SIGN_PUBLIC_LEN], const void *message,
                           size_t len, const uint8_t signature[static JT_SIGN_LEN]) JT_CHECKED;

#endif
