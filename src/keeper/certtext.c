/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/certtext.h"

#include "base/hex.h"
#include "crypto/sign.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

_Static_assert(JT_CERTIFICATE_SIGNATURE_LEN == JT_SIGN_LEN, "Ed25519");
_Static_assert(JT_CERTIFICATE_PUBLIC_KEY_LEN == JT_SIGN_PUBLIC_LEN, "Ed25519");

bool jt_certtext_fact_good(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < 0x20 || *p > 0x7e) {
            return false;
        }
    }
    return text[0] != '\0';
}

void jt_certtext_add(char *text, size_t max, size_t *len, const char *format, ...)
{
    va_list args;
    if (*len > max) {
        return;
    }
    va_start(args, format);
    int n = vsnprintf(text + *len, max + 1 - *len, format, args);
    va_end(args);
    *len += n < 0 ? max + 1 : (size_t)n;
}

int jt_certtext_value(const struct jt_certificate *c, const char *name, const char **value)
{
    char line[40];
    (void)snprintf(line, sizeof line, "\n%s: ", name);
    const char *at = strstr(c->text, line);
    *value = at == NULL ? "-" : at + strlen(line);
    return at == NULL ? 1 : (int)strcspn(*value, "\n");
}

enum jt_err jt_certtext_sign(const struct jt_keeper *k, struct jt_certificate *c)
{
    memcpy(c->public_key, k->root->sign_public, sizeof c->public_key);
    return jt_sign(k->root->sign_seed, c->text, c->text_len, c->signature);
}

size_t jt_certtext_head(const struct jt_keeper *k, const char *kind, uint64_t generation,
                        uint8_t key_id, const uint8_t check_value[static JT_CHECK_VALUE_LEN],
                        char out[static JT_CERTTEXT_HEAD_MAX])
{
    char hex[2 * JT_CHECK_VALUE_LEN + 1];
    jt_hex_encode(check_value, JT_CHECK_VALUE_LEN, hex);
    int n = snprintf(out, JT_CERTTEXT_HEAD_MAX,
                     "%s\n"
                     "environment: %s\n"
                     "generation: %" PRIu64 "\n"
                     "key-id: %u\n"
                     "check-value: %s\n",
                     kind, k->development ? "development" : "production", generation, key_id, hex);
    return (size_t)n;
}

enum jt_err jt_certtext_check(const struct jt_keeper *k, const char *kind, uint64_t generation,
                              uint8_t key_id, const uint8_t check_value[static JT_CHECK_VALUE_LEN],
                              const struct jt_certificate *certificate, bool *good)
{
    char head[JT_CERTTEXT_HEAD_MAX];
    size_t len = jt_certtext_head(k, kind, generation, key_id, check_value, head);
    *good = false;
    if (certificate->text_len < len || memcmp(certificate->text, head, len) != 0) {
        return JT_OK;
    }
    enum jt_err err = jt_sign_verify(k->root->sign_public, certificate->text, certificate->text_len,
                                     certificate->signature);
    *good = err == JT_OK;
    return err == JT_ERR_BAD_SIGNATURE ? JT_OK : err;
}
