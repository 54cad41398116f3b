/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/passphrase.h"

#include "base/secmem.h"
#include "crypto/siv.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define KEY_LEN    64
#define LOG_N_MAX  20
#define R_MAX      8
#define P_MAX      4
#define MEMORY_MAX (UINT64_C(2) << 30)

_Static_assert(JT_PASSPHRASE_SEALED_LEN == JT_SIV_TAG_LEN + JT_PASSPHRASE_SECRET_LEN, "SIV");

static enum jt_err derive(const struct jt_passphrase *ph, uint8_t key[static KEY_LEN])
{
    const struct jt_passphrase_cost *c = &ph->cost;
    if (c->log_n < 1 || c->log_n > LOG_N_MAX || c->r < 1 || c->r > R_MAX || c->p < 1 ||
        c->p > P_MAX) {
        return JT_ERR_LIMIT;
    }
    uint64_t n = UINT64_C(1) << c->log_n, memory = MEMORY_MAX;
    uint32_t r = c->r, p = c->p;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
    EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)ph->bytes, ph->len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)ph->salt,
                                          JT_PASSPHRASE_SALT_LEN),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
        OSSL_PARAM_construct_end(),
    };
    enum jt_err err =
        ctx != NULL && EVP_KDF_derive(ctx, key, KEY_LEN, params) == 1 ? JT_OK : JT_ERR_CRYPTO;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return err;
}

/* The SIV context of the passphrase. */
static enum jt_err siv_of(const struct jt_passphrase *passphrase, struct jt_siv **siv)
{
    *siv = NULL;
    uint8_t *key = jt_secmem_alloc(KEY_LEN);
    enum jt_err err = key == NULL ? JT_ERR_NOMEM : derive(passphrase, key);
    if (err == JT_OK) {
        err = jt_siv_new(key, KEY_LEN, siv);
    }
    jt_secmem_free(key, KEY_LEN);
    return err;
}

enum jt_err jt_passphrase_seal(const struct jt_passphrase *passphrase, const void *header,
                               size_t header_len,
                               const uint8_t secret[static JT_PASSPHRASE_SECRET_LEN],
                               uint8_t out[static JT_PASSPHRASE_SEALED_LEN])
{
    struct jt_siv *siv;
    const struct jt_bytes ad = { header, header_len };
    enum jt_err err = siv_of(passphrase, &siv);
    if (err == JT_OK) {
        err = jt_siv_seal(siv, &ad, 1, secret, JT_PASSPHRASE_SECRET_LEN, out);
    }
    jt_siv_free(siv);
    return err;
}

enum jt_err jt_passphrase_open(const struct jt_passphrase *passphrase, const void *header,
                               size_t header_len,
                               const uint8_t sealed[static JT_PASSPHRASE_SEALED_LEN],
                               uint8_t out[static JT_PASSPHRASE_SECRET_LEN])
{
    struct jt_siv *siv;
    const struct jt_bytes ad = { header, header_len };
    enum jt_err err = siv_of(passphrase, &siv);
    if (err == JT_OK) {
        err = jt_siv_open(siv, &ad, 1, sealed, JT_PASSPHRASE_SEALED_LEN, out);
    }
    if (err != JT_OK) {
        jt_wipe(out, JT_PASSPHRASE_SECRET_LEN);
    }
    jt_siv_free(siv);
    return err;
}
