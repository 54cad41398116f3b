/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sign.h"

#include "base/secmem.h"

#include <openssl/evp.h>

enum jt_err jt_sign_public(const uint8_t seed[static JT_SIGN_SEED_LEN],
                           uint8_t out[static JT_SIGN_PUBLIC_LEN])
{
    size_t len = JT_SIGN_PUBLIC_LEN;
    enum jt_err err = JT_ERR_CRYPTO;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, JT_SIGN_SEED_LEN);
    if (key != NULL && EVP_PKEY_get_raw_public_key(key, out, &len) == 1 &&
        len == JT_SIGN_PUBLIC_LEN) {
        err = JT_OK;
    } else {
        jt_wipe(out, JT_SIGN_PUBLIC_LEN);
    }
    EVP_PKEY_free(key);
    return err;
}

enum jt_err jt_sign(const uint8_t seed[static JT_SIGN_SEED_LEN], const void *message, size_t len,
                    uint8_t out[static JT_SIGN_LEN])
{
    size_t out_len = JT_SIGN_LEN;
    enum jt_err err = JT_ERR_CRYPTO;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, JT_SIGN_SEED_LEN);
    if (ctx != NULL && key != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
        EVP_DigestSign(ctx, out, &out_len, message, len) == 1 && out_len == JT_SIGN_LEN) {
        err = JT_OK;
    } else {
        jt_wipe(out, JT_SIGN_LEN);
    }
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return err;
}

enum jt_err jt_sign_verify(const uint8_t public_key[static JT_SIGN_PUBLIC_LEN], const void *message,
                           size_t len, const uint8_t signature[static JT_SIGN_LEN])
{
    enum jt_err err = JT_ERR_CRYPTO;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, JT_SIGN_PUBLIC_LEN);
    if (ctx != NULL && key != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1) {
        /* 0 and negative values alike: nothing but 1 says that the signature is good. */
        err = EVP_DigestVerify(ctx, signature, JT_SIGN_LEN, message, len) == 1
                  ? JT_OK
                  : JT_ERR_BAD_SIGNATURE;
    }
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return err;
}
