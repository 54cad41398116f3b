/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include <openssl/evp.h>
#include <string.h>

enum jt_err jt_sha256(const void *in, size_t len, uint8_t out[static JT_SHA256_LEN])
{
    unsigned int written = 0;
    if (EVP_Digest(in, len, out, &written, EVP_sha256(), NULL) != 1 || written != JT_SHA256_LEN) {
        memset(out, 0, JT_SHA256_LEN);
        return JT_ERR_CRYPTO;
    }
    return JT_OK;
}
