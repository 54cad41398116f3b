/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256, for remembering a credential that was checked without keeping the credential. Never for
 * PANs: those need a key.
 */
#ifndef JETON_CRYPTO_DIGEST_H
#define JETON_CRYPTO_DIGEST_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define JT_SHA256_LEN 32

enum jt_err jt_sha256(const void *in, size_t len, uint8_t out[static JT_SHA256_LEN]) JT_CHECKED;

#endif
