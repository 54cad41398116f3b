/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES over many blocks at once: the one primitive under CMAC and SIV, taken from OpenSSL (EVP, ECB
 * mode, no padding).
 *
 * ECB is used as a block function only, never as a mode: every block that goes in has been chained
 * (CBC-MAC), is a counter, or is a message of exactly one block that never repeats (a token). One
 * call with N blocks lets OpenSSL keep the processor's AES units full, which a chain of calls with
 * one block each cannot.
 *
 * The key schedule lives in OpenSSL's heap, which wipes it when the context is freed.
 */
#ifndef JETON_CRYPTO_AES_H
#define JETON_CRYPTO_AES_H

#include "base/err.h"
#include "crypto/block.h"

struct evp_cipher_ctx_st;

struct jt_aes {
    struct evp_cipher_ctx_st *ctx;
};

/*
 * A context does one direction: jt_aes_init is for jt_aes_encrypt, jt_aes_init_decrypting for
 * jt_aes_decrypt. `key_len` is 16 or 32, else JT_ERR_INVALID. JT_ERR_CRYPTO when libcrypto fails;
 * then there is nothing to clear.
 */
enum jt_err jt_aes_init(struct jt_aes *aes, const uint8_t *key, size_t key_len) JT_CHECKED;
enum jt_err jt_aes_init_decrypting(struct jt_aes *aes, const uint8_t *key,
                                   size_t key_len) JT_CHECKED;
void jt_aes_clear(struct jt_aes *aes);

#define JT_AES_MAX_BLOCKS 4096

/* Works `n` blocks in place; JT_ERR_LIMIT for more than JT_AES_MAX_BLOCKS. */
enum jt_err jt_aes_encrypt(struct jt_aes *aes, struct jt_block *blocks, size_t n) JT_CHECKED;
enum jt_err jt_aes_decrypt(struct jt_aes *aes, struct jt_block *blocks, size_t n) JT_CHECKED;

#endif
