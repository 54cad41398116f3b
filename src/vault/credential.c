/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/credential.h"

#include "base/base32.h"
#include "base/random.h"
#include "base/secmem.h"

#include <stdio.h>
#include <string.h>

#define PREFIX          "jck_"
#define PREFIX_LEN      (sizeof PREFIX - 1)
#define SECRET_TEXT_LEN JT_BASE32_LEN(JT_CLIENT_SECRET_LEN)

_Static_assert(JT_API_KEY_MAX == PREFIX_LEN + JT_CLIENT_ID_MAX + 1 + SECRET_TEXT_LEN,
               "length of an API key");

void jt_credential_new(const char *id, struct jt_credential *out)
{
    snprintf(out->id, sizeof out->id, "%s", id);
    jt_random_fill(out->secret, sizeof out->secret);
}

void jt_credential_format(const struct jt_credential *credential,
                          char out[static JT_API_KEY_MAX + 1])
{
    int n = snprintf(out, JT_API_KEY_MAX + 1, PREFIX "%s_", credential->id);
    jt_base32_encode(credential->secret, sizeof credential->secret, out + n);
}

enum jt_err jt_credential_parse(const char *text, struct jt_credential *out)
{
    *out = (struct jt_credential){ 0 };
    size_t len = strlen(text);
    /*
     * The id has no '_', so the secret is what follows the second one: its place is known from the
     * end.
     */
    if (len < PREFIX_LEN + 2 + SECRET_TEXT_LEN || len > JT_API_KEY_MAX ||
        memcmp(text, PREFIX, PREFIX_LEN) != 0) {
        return JT_ERR_INVALID;
    }
    size_t id_len = len - PREFIX_LEN - 1 - SECRET_TEXT_LEN;
    memcpy(out->id, text + PREFIX_LEN, id_len);
    if (text[PREFIX_LEN + id_len] != '_' || !jt_client_id_valid(out->id) ||
        jt_base32_decode(text + len - SECRET_TEXT_LEN, sizeof out->secret, out->secret) != JT_OK) {
        jt_wipe(out, sizeof *out);
        return JT_ERR_INVALID;
    }
    return JT_OK;
}
