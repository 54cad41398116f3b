/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/wrap.h"

#include "base/secmem.h"

#include <limits.h>
#include <openssl/rand.h>

enum jt_err jt_wrap_seal(const uint8_t wrap_key[static JT_SIV_256_KEY_LEN], const void *header,
                         size_t header_len, const uint8_t *key, size_t key_len, uint8_t *out)
{
    struct jt_siv *siv = NULL;
    enum jt_err err = jt_siv_new(wrap_key, JT_SIV_256_KEY_LEN, &siv);
    if (err == JT_OK) {
        err = jt_siv_seal(siv, &(struct jt_bytes){ header, header_len }, 1, key, key_len, out);
    }
    jt_siv_free(siv);
    return err;
}

enum jt_err jt_wrap_open(const uint8_t wrap_key[static JT_SIV_256_KEY_LEN], const void *header,
                         size_t header_len, const uint8_t *in, size_t in_len, uint8_t *out)
{
    struct jt_siv *siv = NULL;
    enum jt_err err = jt_siv_new(wrap_key, JT_SIV_256_KEY_LEN, &siv);
    if (err == JT_OK) {
        err = jt_siv_open(siv, &(struct jt_bytes){ header, header_len }, 1, in, in_len, out);
    } else if (in_len > JT_WRAP_OVERHEAD) {
        jt_wipe(out, in_len - JT_WRAP_OVERHEAD);
    }
    jt_siv_free(siv);
    return err;
}

enum jt_err jt_wrap_random_key(uint8_t *out, size_t len)
{
    if (len > INT_MAX || RAND_priv_bytes(out, (int)len) != 1) {
        jt_wipe(out, len);
        return JT_ERR_CRYPTO;
    }
    return JT_OK;
}
