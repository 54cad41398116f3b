/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMAC with AES-256 (NIST SP 800-38B): message authentication for rows, states, fingerprints and
 * the key derivation.
 */
#ifndef JETON_CRYPTO_CMAC_H
#define JETON_CRYPTO_CMAC_H

#include "base/err.h"
#include "crypto/bytes.h"

#include <stdint.h>

#define JT_CMAC_LEN     16
#define JT_CMAC_KEY_LEN 32

struct jt_cmac;

enum jt_err jt_cmac_new(const uint8_t key[static JT_CMAC_KEY_LEN], struct jt_cmac **out) JT_CHECKED;
void jt_cmac_free(struct jt_cmac *cmac);

/* The MAC of the concatenation of `parts`. One thread at a time for one struct jt_cmac. */
enum jt_err jt_cmac_compute(struct jt_cmac *cmac, const struct jt_bytes *parts, size_t n_parts,
                            uint8_t out[static JT_CMAC_LEN]) JT_CHECKED;

/* One message of a many-message call. */
struct jt_cmac_record {
    const uint8_t *in;
    size_t in_len;
    uint8_t *out; /* JT_CMAC_LEN bytes */
};

/*
 * The same MACs for `n` messages side by side: one AES-ECB call a step. JT_ERR_CRYPTO only when
 * libcrypto fails.
 */
enum jt_err jt_cmac_many(struct jt_cmac *cmac, struct jt_cmac_record *records, size_t n) JT_CHECKED;

#endif
