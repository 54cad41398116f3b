/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aes.h"

#include <openssl/evp.h>

static enum jt_err init(struct jt_aes *aes, const uint8_t *key, size_t key_len, bool encrypting)
{
    aes->ctx = NULL;
    if (key_len != 16 && key_len != 32) {
        return JT_ERR_INVALID;
    }
    const EVP_CIPHER *cipher = key_len == 32 ? EVP_aes_256_ecb() : EVP_aes_128_ecb();
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL) {
        return JT_ERR_NOMEM;
    }
    int keyed = encrypting ? EVP_EncryptInit_ex(ctx, cipher, NULL, key, NULL)
                           : EVP_DecryptInit_ex(ctx, cipher, NULL, key, NULL);
    if (keyed != 1 || EVP_CIPHER_CTX_set_padding(ctx, 0) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return JT_ERR_CRYPTO;
    }
    aes->ctx = ctx;
    return JT_OK;
}

enum jt_err jt_aes_init(struct jt_aes *aes, const uint8_t *key, size_t key_len)
{
    return init(aes, key, key_len, true);
}

enum jt_err jt_aes_init_decrypting(struct jt_aes *aes, const uint8_t *key, size_t key_len)
{
    return init(aes, key, key_len, false);
}

void jt_aes_clear(struct jt_aes *aes)
{
    EVP_CIPHER_CTX_free(aes->ctx);
    aes->ctx = NULL;
}

typedef int update_fn(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len,
                      const unsigned char *in, int in_len);

static enum jt_err work(struct jt_aes *aes, struct jt_block *blocks, size_t n, update_fn *update)
{
    if (n > JT_AES_MAX_BLOCKS) {
        return JT_ERR_LIMIT;
    }
    if (n == 0) {
        return JT_OK;
    }
    uint8_t *bytes = (uint8_t *)blocks;
    int len = (int)(n * JT_BLOCK_LEN);
    int written = 0;
    /*
     * Without padding every whole block comes out at once, so Final, which would have nothing to
     * add, is not called.
     */
    if (update(aes->ctx, bytes, &written, bytes, len) != 1 || written != len) {
        return JT_ERR_CRYPTO;
    }
    return JT_OK;
}

enum jt_err jt_aes_encrypt(struct jt_aes *aes, struct jt_block *blocks, size_t n)
{
    return work(aes, blocks, n, EVP_EncryptUpdate);
}

enum jt_err jt_aes_decrypt(struct jt_aes *aes, struct jt_block *blocks, size_t n)
{
    return work(aes, blocks, n, EVP_DecryptUpdate);
}
