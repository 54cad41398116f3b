/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key derivation: NIST SP 800-108r1, counter mode, PRF CMAC-AES-256, with the r1 key-control
 * mitigation K(0) (section 4.1 there: CMAC PRFs), so that whoever chooses the fixed input cannot
 * steer the derived key:
 *
 *   K(0) = CMAC(K_IN, fixed)
 *   K(i) = CMAC(K_IN, [i]32 || fixed || K(0)), i = 1, 2, ...
 *
 * The fixed input is label || 0x00 || context || [L]32, L in bits. All labels stand in
 * keys/labels.def, each with its context length; a test proves that no two roles can produce the
 * same input.
 */
#ifndef JETON_CRYPTO_KDF_H
#define JETON_CRYPTO_KDF_H

#include "base/err.h"
#include "crypto/bytes.h"
#include "crypto/cmac.h"

#include <stdint.h>

#define JT_KDF_KEY_LEN   32
#define JT_KDF_OUT_MAX   (255 * JT_CMAC_LEN)
#define JT_KDF_PARTS_MAX 8

/* The roles of keys/labels.def. */
enum jt_kdf_role {
#define JT_LABEL(role, text, context) JT_KDF_##role,
#include "keys/labels.def"
#undef JT_LABEL
    JT_KDF_N_ROLES
};

/* The label of a role; static storage. */
const char *jt_kdf_label(enum jt_kdf_role role);

/* The length of a role's context in bytes. */
size_t jt_kdf_context_len(enum jt_kdf_role role);

/*
 * Derives `out_len` bytes (at most 255 blocks) from `key` for a role. `context` must have the
 * length that labels.def states for the role, else JT_ERR_INVALID. On failure `out` is wiped.
 */
enum jt_err jt_kdf_derive(const uint8_t key[static JT_KDF_KEY_LEN], enum jt_kdf_role role,
                          const void *context, size_t context_len, uint8_t *out,
                          size_t out_len) JT_CHECKED;

/*
 * The counter mode alone, K(i) = CMAC(key, [i]32 || fixed), over whatever fixed input is given as
 * at most JT_KDF_PARTS_MAX parts: the form without K(0), which is what NIST's published vectors
 * exercise. Not for deriving keys: use jt_kdf_derive. JT_ERR_INVALID for an out_len of 0 or above
 * JT_KDF_OUT_MAX. On failure `out` is wiped.
 */
enum jt_err jt_kdf_counter(const uint8_t key[static JT_KDF_KEY_LEN], const struct jt_bytes *fixed,
                           size_t n_fixed, uint8_t *out, size_t out_len) JT_CHECKED;

#endif
