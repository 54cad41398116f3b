/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API keys as text: "jck_", client id, "_", 32 random bytes in base32 (52 characters).
 */
#ifndef JETON_VAULT_CREDENTIAL_H
#define JETON_VAULT_CREDENTIAL_H

#include "base/err.h"
#include "model/client.h"

#define JT_API_KEY_MAX (4 + JT_CLIENT_ID_MAX + 1 + 52) /* characters without NUL */

/* Holds a secret: wiped by its owner. */
struct jt_credential {
    char id[JT_CLIENT_ID_MAX + 1];
    uint8_t secret[JT_CLIENT_SECRET_LEN];
};

/* A fresh secret for the client `id`, which must be valid. */
void jt_credential_new(const char *id, struct jt_credential *out);

/* Writes at most JT_API_KEY_MAX characters and a NUL. */
void jt_credential_format(const struct jt_credential *credential,
                          char out[static JT_API_KEY_MAX + 1]);

/* JT_ERR_INVALID unless `text` is the canonical text of an API key; *out is wiped then. */
enum jt_err jt_credential_parse(const char *text, struct jt_credential *out) JT_CHECKED;

#endif
