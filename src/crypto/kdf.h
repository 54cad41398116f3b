/*
 * Key derivation: NIST SP 800-108r1, counter mode, PRF CMAC-AES-256, with the r1 key-control mitigation K(0) (section 4.1 there:
 * CMAC PRFs), so that whoever chooses the fixed input cannot steer the derived key.
 *
 * The fixed input is label || 0x00 || context || [L]32. All labels stand in keys/labels.def, each with its context layout; a
 * test proves that no two roles can produce the same input.
 */
#ifndef JETON_CRYPTO_KDF_H
#define JETON_CRYPTO_KDF_H

#include "base/err.h"
#include "crypto/bytes.h"

#include <stdint.h>

#define JT_KDF_KEY_LEN 32

/* The roles of keys/labels.def. */
enum jt_kdf_role {
#define JT_LABEL(role, text, context) JT_KDF_##role,
#include "keys/labels.def"
#undef JT_LABEL
    JT_KDF_N_ROLES
};

/* The label of a role; static storage. */
const char *jt_kdf_label(enum jt_kdf_role role);

/*
 * Derives `out_len` bytes (at most 255 blocks) from `key` for a role. `context` must have the length that labels.def states for the
 * role, else JT_ERR_INVALID. On failure `out` is wiped.
 */
enum jt_err jt_kdf_derive(const uint8_t key[static JT_KDF_KEY_LEN], enum jt_kdf_role role, const void *context, size_t context_len,
                          uint8_t *out, size_t out_len) JT_CHECKED;

#endif
