/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/masterfile.h"

#include "base/base32.h"
#include "base/secmem.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "crypto/wrap.h"
#include "model/ring.h"

#include <ctype.h>
#include <string.h>

#define FORMAT        2
#define SHARE_VERSION 1
#define GROUP         5
#define CHECKSUM_LEN  4

static const char magic[8] = { 'J', 'T', 'M', 'A', 'S', 'T', 'E', 'R' };
static const char share_prefix[] = "jks_";

/* --- the file --- */

static void header_encode(const struct jt_masterfile *f, struct jt_buf *out)
{
    jt_buf_put(out, magic, sizeof magic);
    jt_buf_u8(out, FORMAT);
    jt_buf_u8(out, f->development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION);
    jt_buf_u8(out, f->method);
    jt_buf_u8(out, 0);
    jt_buf_put(out, f->check_value, sizeof f->check_value);
    if (f->method == JT_MASTER_PASSPHRASE) {
        jt_buf_u8(out, f->cost.log_n);
        jt_buf_u8(out, f->cost.r);
        jt_buf_u8(out, f->cost.p);
        jt_buf_put(out, f->salt, sizeof f->salt);
    } else if (f->method == JT_MASTER_PKCS11) {
        jt_pkcs11box_encode(&f->box, out);
    } else {
        jt_buf_u8(out, f->k);
        jt_buf_u8(out, f->n);
        jt_buf_put(out, f->set, sizeof f->set);
        jt_buf_put(out, f->digests, (size_t)f->n * JT_SHARE_DIGEST_LEN);
    }
}

void jt_masterfile_encode(const struct jt_masterfile *f, struct jt_buf *out)
{
    header_encode(f, out);
    jt_buf_put(out, f->sealed, sizeof f->sealed);
}

bool jt_masterfile_is(const struct jt_buf *in)
{
    return in->len > sizeof magic && memcmp(in->data, magic, sizeof magic) == 0 &&
           in->data[sizeof magic] == FORMAT;
}

enum jt_err jt_masterfile_decode(const struct jt_buf *in, struct jt_masterfile *f)
{
    struct jt_reader r = jt_reader_init(in->data, in->len);
    *f = (struct jt_masterfile){ 0 };
    if (!jt_masterfile_is(in)) {
        return JT_ERR_FILE_ALTERED;
    }
    (void)jt_reader_bytes(&r, sizeof magic + 1);
    uint8_t environment = jt_reader_u8(&r);
    f->development = environment == JT_ENVIRONMENT_DEVELOPMENT;
    f->method = jt_reader_u8(&r);
    uint8_t zero = jt_reader_u8(&r);
    jt_reader_copy(&r, f->check_value, sizeof f->check_value);
    if (f->method == JT_MASTER_PASSPHRASE) {
        f->cost.log_n = jt_reader_u8(&r);
        f->cost.r = jt_reader_u8(&r);
        f->cost.p = jt_reader_u8(&r);
        jt_reader_copy(&r, f->salt, sizeof f->salt);
    } else if (f->method == JT_MASTER_SHARES) {
        f->k = jt_reader_u8(&r);
        f->n = jt_reader_u8(&r);
        jt_reader_copy(&r, f->set, sizeof f->set);
        if (f->k < 2 || f->k > f->n || f->n > JT_SHARES_MAX) {
            return JT_ERR_FILE_ALTERED;
        }
        jt_reader_copy(&r, f->digests[0], (size_t)f->n * JT_SHARE_DIGEST_LEN);
    } else if (f->method == JT_MASTER_PKCS11) {
        jt_pkcs11box_decode(&r, &f->box);
    } else {
        return JT_ERR_FILE_ALTERED;
    }
    jt_reader_copy(&r, f->sealed, sizeof f->sealed);
    bool known =
        environment == JT_ENVIRONMENT_DEVELOPMENT || environment == JT_ENVIRONMENT_PRODUCTION;
    return jt_reader_done(&r) && known && zero == 0 ? JT_OK : JT_ERR_FILE_ALTERED;
}

static enum jt_err header_of(const struct jt_masterfile *f, struct jt_buf *out)
{
    jt_buf_init(out, JT_MASTERFILE_MAX);
    header_encode(f, out);
    return jt_buf_status(out);
}

/* --- passphrases --- */

static struct jt_passphrase passphrase_of(const struct jt_masterfile *f, const char *phrase)
{
    return (struct jt_passphrase){ phrase, strlen(phrase), f->cost, f->salt };
}

enum jt_err jt_masterfile_seal_phrase(struct jt_masterfile *f, const char *phrase,
                                      const uint8_t key[static JT_MASTER_KEY_LEN])
{
    size_t len = strlen(phrase);
    if (len < JT_MASTER_PHRASE_MIN || len > JT_MASTER_PHRASE_MAX) {
        return JT_ERR_INVALID;
    }
    f->method = JT_MASTER_PASSPHRASE;
    f->cost = JT_PASSPHRASE_COST;
    enum jt_err err = jt_wrap_random_key(f->salt, sizeof f->salt);
    struct jt_buf header;
    enum jt_err made = header_of(f, &header);
    err = err == JT_OK ? made : err;
    if (err == JT_OK) {
        const struct jt_passphrase p = passphrase_of(f, phrase);
        err = jt_passphrase_seal(&p, header.data, header.len, key, f->sealed);
    }
    jt_buf_clear(&header);
    return err;
}

enum jt_err jt_masterfile_open_phrase(const struct jt_masterfile *f, const char *phrase,
                                      uint8_t key[static JT_MASTER_KEY_LEN])
{
    struct jt_buf header;
    enum jt_err err = header_of(f, &header);
    if (err == JT_OK) {
        const struct jt_passphrase p = passphrase_of(f, phrase);
        err = jt_passphrase_open(&p, header.data, header.len, f->sealed, key);
    }
    jt_buf_clear(&header);
    return err == JT_ERR_LIMIT ? JT_ERR_DECRYPT : err;
}

/* --- shares --- */

/* SHA-256 of what names the use, and bytes that may be a secret. */
static enum jt_err digest(const char *use, const void *bytes, size_t len,
                          uint8_t out[static JT_SHA256_LEN])
{
    uint8_t in[16 + JT_SHARE_BYTES] = { 0 };
    memcpy(in, use, strnlen(use, 16)); /* the rest stays zero */
    memcpy(in + 16, bytes, len);
    enum jt_err err = jt_sha256(in, 16 + len, out);
    jt_wipe(in, sizeof in);
    return err;
}

static enum jt_err share_digest(const struct jt_masterfile *f, const struct jt_share *share,
                                uint8_t out[static JT_SHARE_DIGEST_LEN])
{
    uint8_t in[JT_SHARE_SET_LEN + 1 + JT_SHARE_LEN];
    memcpy(in, f->set, JT_SHARE_SET_LEN);
    in[JT_SHARE_SET_LEN] = share->x;
    memcpy(in + JT_SHARE_SET_LEN + 1, share->y, JT_SHARE_LEN);
    enum jt_err err = digest("jeton share", in, sizeof in, out);
    jt_wipe(in, sizeof in);
    return err;
}

/* Seals or opens the key under what the shares give, or the token. */
static enum jt_err under_secret(const struct jt_masterfile *f,
                                const uint8_t secret[static JT_SHARE_LEN], bool opens,
                                const uint8_t *in, uint8_t *out)
{
    uint8_t *wrap_key = jt_secmem_alloc(JT_SIV_256_KEY_LEN);
    struct jt_buf header;
    enum jt_err err = header_of(f, &header);
    err = wrap_key == NULL ? JT_ERR_NOMEM : err;
    if (err == JT_OK) {
        err = jt_kdf_derive(secret, f->method == JT_MASTER_PKCS11 ? JT_KDF_PKCS11 : JT_KDF_SHARES,
                            NULL, 0, wrap_key, JT_SIV_256_KEY_LEN);
    }
    if (err == JT_OK) {
        err = opens ? jt_wrap_open(wrap_key, header.data, header.len, in, JT_PASSPHRASE_SEALED_LEN,
                                   out)
                    : jt_wrap_seal(wrap_key, header.data, header.len, in, JT_MASTER_KEY_LEN, out);
    }
    jt_buf_clear(&header);
    jt_secmem_free(wrap_key, JT_SIV_256_KEY_LEN);
    return err;
}

enum jt_err jt_masterfile_seal_shares(struct jt_masterfile *f, size_t k, size_t n,
                                      const uint8_t key[static JT_MASTER_KEY_LEN],
                                      struct jt_share *shares)
{
    uint8_t *secret = jt_secmem_alloc(JT_SHARE_LEN);
    enum jt_err err = secret == NULL ? JT_ERR_NOMEM : jt_wrap_random_key(secret, JT_SHARE_LEN);
    if (err == JT_OK) {
        err = jt_wrap_random_key(f->set, sizeof f->set);
    }
    if (err == JT_OK) {
        err = jt_shares_split(secret, k, n, shares);
    }
    if (err == JT_OK) {
        f->method = JT_MASTER_SHARES;
        f->k = (uint8_t)k;
        f->n = (uint8_t)n;
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        err = share_digest(f, &shares[i], f->digests[i]);
    }
    if (err == JT_OK) {
        err = under_secret(f, secret, false, key, f->sealed);
    }
    jt_secmem_free(secret, JT_SHARE_LEN);
    return err;
}

enum jt_err jt_masterfile_open_shares(const struct jt_masterfile *f, const struct jt_share *shares,
                                      uint8_t key[static JT_MASTER_KEY_LEN])
{
    uint8_t *secret = jt_secmem_alloc(JT_SHARE_LEN);
    enum jt_err err = secret == NULL ? JT_ERR_NOMEM : jt_shares_join(shares, f->k, secret);
    if (err == JT_OK) {
        err = under_secret(f, secret, true, f->sealed, key);
    }
    jt_secmem_free(secret, JT_SHARE_LEN);
    return err;
}

/* --- hardware tokens --- */

static enum jt_err by_pkcs11(const struct jt_masterfile *f, const char *text, bool opens,
                             const uint8_t *in, uint8_t *out)
{
    uint8_t *secret = jt_secmem_alloc(JT_PKCS11_SECRET_LEN);
    enum jt_err err = secret == NULL ? JT_ERR_NOMEM : JT_OK;
    if (err == JT_OK) {
        err = strlen(text) != JT_BASE32_LEN(JT_PKCS11_SECRET_LEN)
                  ? JT_ERR_INVALID
                  : jt_base32_decode(text, JT_PKCS11_SECRET_LEN, secret);
    }
    if (err == JT_OK) {
        err = under_secret(f, secret, opens, in, out);
    }
    jt_secmem_free(secret, JT_PKCS11_SECRET_LEN);
    return err;
}

enum jt_err jt_masterfile_seal_pkcs11(struct jt_masterfile *f, const char *secret,
                                      const uint8_t key[static JT_MASTER_KEY_LEN])
{
    f->method = JT_MASTER_PKCS11;
    return by_pkcs11(f, secret, false, key, f->sealed);
}

enum jt_err jt_masterfile_open_pkcs11(const struct jt_masterfile *f, const char *secret,
                                      uint8_t key[static JT_MASTER_KEY_LEN])
{
    return by_pkcs11(f, secret, true, f->sealed, key);
}

/* --- shares as text --- */

enum jt_err jt_share_format(const struct jt_masterfile *f, const struct jt_share *share,
                            char out[static JT_SHARE_TEXT_MAX + 1])
{
    uint8_t bytes[JT_SHARE_BYTES], sum[JT_SHA256_LEN];
    char text[JT_BASE32_LEN(JT_SHARE_BYTES) + 1];
    const size_t sum_at = sizeof bytes - CHECKSUM_LEN;
    bytes[0] = SHARE_VERSION;
    memcpy(bytes + 1, f->set, JT_SHARE_SET_LEN);
    bytes[1 + JT_SHARE_SET_LEN] = f->k;
    bytes[2 + JT_SHARE_SET_LEN] = share->x;
    memcpy(bytes + 3 + JT_SHARE_SET_LEN, share->y, JT_SHARE_LEN);
    enum jt_err err = digest("jeton share text", bytes, sum_at, sum);
    memcpy(bytes + sum_at, sum, CHECKSUM_LEN);
    jt_base32_encode(bytes, sizeof bytes, text);
    char *p = out;
    memcpy(p, share_prefix, sizeof share_prefix - 1);
    p += sizeof share_prefix - 1;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (i > 0 && i % GROUP == 0) {
            *p++ = '-';
        }
        *p++ = text[i];
    }
    *p = '\0';
    jt_wipe(bytes, sizeof bytes);
    jt_wipe(text, sizeof text);
    jt_wipe(sum, sizeof sum);
    return err;
}

/* Without what separates, in small letters. False: it cannot be a share. */
static bool bare(const char *text, char out[static JT_BASE32_LEN(JT_SHARE_BYTES) + 1])
{
    size_t n = 0, at = 0;
    while (isspace((unsigned char)*text)) {
        text++;
    }
    for (; share_prefix[at] != '\0'; at++, text++) {
        if (tolower((unsigned char)*text) != share_prefix[at]) {
            return false;
        }
    }
    for (; *text != '\0'; text++) {
        if (*text == '-' || isspace((unsigned char)*text)) {
            continue;
        }
        if (n == JT_BASE32_LEN(JT_SHARE_BYTES)) {
            return false;
        }
        out[n++] = (char)tolower((unsigned char)*text);
    }
    out[n] = '\0';
    return n == JT_BASE32_LEN(JT_SHARE_BYTES);
}

enum jt_err jt_share_parse(const struct jt_masterfile *f, const char *text, struct jt_share *share)
{
    char letters[JT_BASE32_LEN(JT_SHARE_BYTES) + 1] = "";
    uint8_t bytes[JT_SHARE_BYTES] = { 0 }, sum[JT_SHA256_LEN], found[JT_SHARE_DIGEST_LEN];
    const size_t sum_at = sizeof bytes - CHECKSUM_LEN;
    *share = (struct jt_share){ 0 };
    enum jt_err err =
        bare(text, letters) ? jt_base32_decode(letters, sizeof bytes, bytes) : JT_ERR_INVALID;
    if (err == JT_OK) {
        err = digest("jeton share text", bytes, sum_at, sum);
    }
    if (err == JT_OK &&
        (bytes[0] != SHARE_VERSION || !jt_equal_ct(sum, bytes + sum_at, CHECKSUM_LEN))) {
        err = JT_ERR_INVALID;
    }
    err = err == JT_ERR_INVALID ? JT_ERR_NOT_SHARE : err;
    if (err == JT_OK) {
        share->x = bytes[2 + JT_SHARE_SET_LEN];
        memcpy(share->y, bytes + 3 + JT_SHARE_SET_LEN, JT_SHARE_LEN);
        err = memcmp(bytes + 1, f->set, JT_SHARE_SET_LEN) == 0 && share->x > 0 && share->x <= f->n
                  ? share_digest(f, share, found)
                  : JT_ERR_SHARE_OTHER;
    }
    if (err == JT_OK && !jt_equal_ct(found, f->digests[share->x - 1], sizeof found)) {
        err = JT_ERR_SHARE_OTHER;
    }
    if (err != JT_OK) {
        jt_wipe(share, sizeof *share);
    }
    jt_wipe(letters, sizeof letters);
    jt_wipe(bytes, sizeof bytes);
    return err;
}
