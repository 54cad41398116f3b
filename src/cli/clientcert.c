/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/clientcert.h"

#include "base/base64.h"
#include "base/file.h"
#include "base/hex.h"
#include "crypto/digest.h"

#include <fcntl.h>
#include <string.h>

#define FILE_MAX (1u << 20)
#define DER_MAX  65536

_Static_assert(JT_SHA256_LEN == JT_CERT_DIGEST_LEN, "a certificate's digest is SHA-256");

/* Whether the word is a digest, which is written to `out` in its one form. */
static bool is_digest(const char *word, char out[static JT_CLIENTCERT_TEXT])
{
    uint8_t digest[JT_CERT_DIGEST_LEN];
    char digits[JT_CLIENTCERT_TEXT] = "";
    size_t n = 0;
    bool colons = strlen(word) == JT_CERT_DIGEST_LEN * 3 - 1;
    for (size_t i = 0; word[i] != '\0'; i++) {
        if (colons && i % 3 == 2) {
            if (word[i] != ':') {
                return false;
            }
        } else if (n < JT_CERT_DIGEST_LEN * 2) {
            digits[n++] = word[i];
        } else {
            return false;
        }
    }
    if (n != JT_CERT_DIGEST_LEN * 2 || jt_hex_decode(digits, sizeof digest, digest) != JT_OK) {
        return false;
    }
    jt_hex_encode(digest, sizeof digest, out);
    return true;
}

/* The DER of the first certificate: RFC 7468 section 5. */
static enum jt_err read_pem(char *pem, uint8_t der[static DER_MAX], size_t *der_len)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    char *p = strstr(pem, begin);
    char *stop = p == NULL ? NULL : strstr(p, end);
    if (stop == NULL) {
        return JT_ERR_INVALID;
    }
    size_t n = 0;
    for (p += sizeof begin - 1; p < stop; p++) {
        if (strchr(" \t\r\n", *p) == NULL) {
            pem[n++] = *p; /* over what was read already */
        }
    }
    return n == 0 ? JT_ERR_INVALID : jt_base64_decode(pem, n, der, DER_MAX, der_len);
}

enum jt_err jt_clientcert_digest(const char *word, char out[static JT_CLIENTCERT_TEXT])
{
    uint8_t der[DER_MAX], digest[JT_SHA256_LEN];
    size_t der_len = 0;
    struct jt_buf pem;
    if (is_digest(word, out)) {
        return JT_OK;
    }
    jt_buf_init(&pem, FILE_MAX);
    enum jt_err err = jt_file_read(AT_FDCWD, word, false, &pem);
    if (err == JT_OK) {
        jt_buf_u8(&pem, 0); /* so that it is text */
        err = jt_buf_status(&pem);
    }
    if (err == JT_OK) {
        err = read_pem((char *)pem.data, der, &der_len);
    }
    if (err == JT_OK) {
        err = jt_sha256(der, der_len, digest);
    }
    if (err == JT_OK) {
        jt_hex_encode(digest, sizeof digest, out);
    }
    jt_buf_clear(&pem); /* where the private key may stand as well: it is wiped */
    return err;
}
