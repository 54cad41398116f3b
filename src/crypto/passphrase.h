/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret of 32 bytes under a passphrase, for files that people keep: scrypt (RFC 7914) makes an
 * AES-SIV key of the passphrase, and the file's header is associated data of what it seals. The
 * cost stands in the header, so that later files may have another.
 *
 * With the cost of today one attempt takes some 0.4 seconds and 128 MiB.
 */
#ifndef JETON_CRYPTO_PASSPHRASE_H
#define JETON_CRYPTO_PASSPHRASE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define JT_PASSPHRASE_SALT_LEN   16
#define JT_PASSPHRASE_SECRET_LEN 32
#define JT_PASSPHRASE_SEALED_LEN (16 + JT_PASSPHRASE_SECRET_LEN)

struct jt_passphrase_cost {
    uint8_t log_n, r, p;
};

#define JT_PASSPHRASE_COST ((struct jt_passphrase_cost){ .log_n = 17, .r = 8, .p = 1 })

struct jt_passphrase {
    const void *bytes;
    size_t len;
    struct jt_passphrase_cost cost;
    const uint8_t *salt; /* JT_PASSPHRASE_SALT_LEN */
};

/* JT_ERR_CRYPTO, JT_ERR_NOMEM; JT_ERR_LIMIT for a cost that no file of ours has. */
enum jt_err jt_passphrase_seal(const struct jt_passphrase *passphrase, const void *header,
                               size_t header_len,
                               const uint8_t secret[static JT_PASSPHRASE_SECRET_LEN],
                               uint8_t out[static JT_PASSPHRASE_SEALED_LEN]) JT_CHECKED;

/* JT_ERR_DECRYPT: another passphrase, or the file was altered. `out` is wiped on failure. */
enum jt_err jt_passphrase_open(const struct jt_passphrase *passphrase, const void *header,
                               size_t header_len,
                               const uint8_t sealed[static JT_PASSPHRASE_SEALED_LEN],
                               uint8_t out[static JT_PASSPHRASE_SECRET_LEN]) JT_CHECKED;

#endif
