/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ecdh.h"

#include "base/secmem.h"
#include "crypto/wrap.h"

#include <openssl/evp.h>

enum jt_err jt_ecdh_public(const uint8_t private_key[static JT_ECDH_PRIVATE_LEN],
                           uint8_t out[static JT_ECDH_PUBLIC_LEN])
{
    size_t len = JT_ECDH_PUBLIC_LEN;
    enum jt_err err = JT_ERR_CRYPTO;
    EVP_PKEY *key =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, JT_ECDH_PRIVATE_LEN);
    if (key != NULL && EVP_PKEY_get_raw_public_key(key, out, &len) == 1 &&
        len == JT_ECDH_PUBLIC_LEN) {
        err = JT_OK;
    } else {
        jt_wipe(out, JT_ECDH_PUBLIC_LEN);
    }
    EVP_PKEY_free(key);
    return err;
}

enum jt_err jt_ecdh_generate(uint8_t private_key[static JT_ECDH_PRIVATE_LEN],
                             uint8_t public_key[static JT_ECDH_PUBLIC_LEN])
{
    enum jt_err err = jt_wrap_random_key(private_key, JT_ECDH_PRIVATE_LEN);
    if (err == JT_OK) {
        err = jt_ecdh_public(private_key, public_key);
    } else {
        jt_wipe(public_key, JT_ECDH_PUBLIC_LEN);
    }
    if (err != JT_OK) {
        jt_wipe(private_key, JT_ECDH_PRIVATE_LEN);
    }
    return err;
}

enum jt_err jt_ecdh_shared(const uint8_t private_key[static JT_ECDH_PRIVATE_LEN],
                           const uint8_t peer[static JT_ECDH_PUBLIC_LEN],
                           uint8_t out[static JT_ECDH_SHARED_LEN])
{
    static const uint8_t zero[JT_ECDH_SHARED_LEN];
    size_t len = JT_ECDH_SHARED_LEN;
    enum jt_err err = JT_ERR_CRYPTO;
    EVP_PKEY *ours =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, JT_ECDH_PRIVATE_LEN);
    EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, JT_ECDH_PUBLIC_LEN);
    EVP_PKEY_CTX *ctx = ours != NULL ? EVP_PKEY_CTX_new(ours, NULL) : NULL;
    if (ctx != NULL && theirs != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
        EVP_PKEY_derive_set_peer(ctx, theirs) == 1) {
        /* OpenSSL refuses a result of all zero itself; nothing else can fail from here on. */
        bool done = EVP_PKEY_derive(ctx, out, &len) == 1 && len == JT_ECDH_SHARED_LEN;
        err = done && !jt_equal_ct(out, zero, sizeof zero) ? JT_OK : JT_ERR_INVALID;
    }
    if (err != JT_OK) {
        jt_wipe(out, JT_ECDH_SHARED_LEN);
    }
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(theirs);
    EVP_PKEY_free(ours);
    return err;
}
