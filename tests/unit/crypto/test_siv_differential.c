/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random cases against OpenSSL's own AES-256-SIV and AES-128-SIV: what we seal is what it seals,
 * what it seals we open, and what was tampered with both refuse.
 *
 * OpenSSL 3.0's AES-SIV is used around its known faults: no empty plaintexts, a new key
 * before each message, a new context for each opening, no EVP_CTRL_SET_SPEED.
 */
#include "crypto/siv.h"

#include "cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#define PLAIN_MAX 4096
#define AD_MAX    300
#define MANY_MAX  300

struct message {
    uint8_t key[JT_SIV_256_KEY_LEN];
    size_t key_len;
    uint8_t ad_bytes[JT_SIV_MAX_COMPONENTS][AD_MAX];
    struct jt_bytes ad[JT_SIV_MAX_COMPONENTS];
    size_t n_ad;
    uint8_t plain[PLAIN_MAX];
    size_t plain_len;
};

static EVP_CIPHER *siv_256;
static EVP_CIPHER *siv_128;
static EVP_CIPHER_CTX *seal_ctx[2];

static const EVP_CIPHER *evp_cipher(size_t key_len)
{
    return key_len == JT_SIV_256_KEY_LEN ? siv_256 : siv_128;
}

/*
 * A context keeps the cipher it was first given, so each key length has its own; the key is set
 * anew for every message.
 */
static void evp_seal(const uint8_t *key, size_t key_len, const struct jt_bytes *ad, size_t n_ad,
                     const uint8_t *plain, size_t len, uint8_t *sealed)
{
    EVP_CIPHER_CTX *ctx = seal_ctx[key_len == JT_SIV_256_KEY_LEN];
    int written = 0;
    bool good = EVP_EncryptInit_ex2(ctx, evp_cipher(key_len), key, NULL, NULL) == 1;
    for (size_t i = 0; i < n_ad && good; i++) {
        good = EVP_EncryptUpdate(ctx, NULL, &written, ad[i].p, (int)ad[i].len) == 1;
    }
    good = good &&
           EVP_EncryptUpdate(ctx, sealed + JT_SIV_TAG_LEN, &written, plain, (int)len) == 1 &&
           written == (int)len &&
           EVP_EncryptFinal_ex(ctx, sealed + JT_SIV_TAG_LEN + len, &written) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, JT_SIV_TAG_LEN, sealed) == 1;
    assert_true(good);
}

static bool evp_opens(const uint8_t *key, size_t key_len, const struct jt_bytes *ad, size_t n_ad,
                      const uint8_t *sealed, size_t len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t opened[PLAIN_MAX];
    uint8_t tag[JT_SIV_TAG_LEN];
    int written = 0;
    memcpy(tag, sealed, sizeof(tag));
    bool good = ctx != NULL &&
                EVP_DecryptInit_ex2(ctx, evp_cipher(key_len), key, NULL, NULL) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, JT_SIV_TAG_LEN, tag) == 1;
    assert_true(good);
    for (size_t i = 0; i < n_ad; i++) {
        assert_int_equal(EVP_DecryptUpdate(ctx, NULL, &written, ad[i].p, (int)ad[i].len), 1);
    }
    int len_in = (int)(len - JT_SIV_TAG_LEN);
    good = EVP_DecryptUpdate(ctx, opened, &written, sealed + JT_SIV_TAG_LEN, len_in) == 1 &&
           EVP_DecryptFinal_ex(ctx, opened, &written) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return good;
}

static void key_random(struct cases *c, struct message *m)
{
    m->key_len = cases_below(c, 4) == 0 ? JT_SIV_128_KEY_LEN : JT_SIV_256_KEY_LEN;
    cases_fill(c, m->key, m->key_len);
}

/* Mostly the lengths and numbers that the vault has, sometimes everything else. */
static void message_random(struct cases *c, struct message *m)
{
    size_t shape = cases_below(c, 16);
    m->n_ad = shape == 0 ? cases_below(c, JT_SIV_MAX_COMPONENTS + 1) : cases_below(c, 4);
    for (size_t i = 0; i < m->n_ad; i++) {
        size_t len = cases_below(c, cases_below(c, 8) == 0 ? AD_MAX : 40);
        cases_fill(c, m->ad_bytes[i], len);
        m->ad[i] = (struct jt_bytes){ m->ad_bytes[i], len };
    }
    m->plain_len = 1 + cases_below(c, shape == 1 ? PLAIN_MAX : 70);
    cases_fill(c, m->plain, m->plain_len);
}

static bool all_zero(const uint8_t *p, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= p[i];
    }
    return any == 0;
}

/*
 * One bit of the sealed bytes, of the key's S2V half or of a component, or one component fewer. Not
 * of the CTR half: one time in 256 a foreign keystream gives a one-byte plaintext back as it was,
 * and then there is nothing to refuse.
 */
static void tamper(struct cases *c, struct message *m, uint8_t *sealed, size_t len)
{
    uint8_t bit = (uint8_t)(1 << cases_below(c, 8));
    size_t where = cases_below(c, 8);
    size_t i = m->n_ad > 0 ? cases_below(c, m->n_ad) : 0;
    if (where == 0) {
        m->key[cases_below(c, m->key_len / 2)] ^= bit;
    } else if (where == 1 && m->n_ad > 0 && m->ad[i].len > 0) {
        m->ad_bytes[i][cases_below(c, m->ad[i].len)] ^= bit;
    } else if (where == 2 && m->n_ad > 0) {
        m->n_ad--;
    } else {
        sealed[cases_below(c, len)] ^= bit;
    }
}

/* What both have sealed is tampered with, then refused by both. */
static void check_tampered(struct cases *c, struct message *m, uint8_t *sealed, uint8_t *opened)
{
    size_t len = JT_SIV_TAG_LEN + m->plain_len;
    struct jt_siv *siv = NULL;
    assert_true(evp_opens(m->key, m->key_len, m->ad, m->n_ad, sealed, len));
    tamper(c, m, sealed, len);
    assert_int_equal(jt_siv_new(m->key, m->key_len, &siv), JT_OK);
    assert_int_equal(jt_siv_open(siv, m->ad, m->n_ad, sealed, len, opened), JT_ERR_DECRYPT);
    assert_true(all_zero(opened, m->plain_len));
    assert_false(evp_opens(m->key, m->key_len, m->ad, m->n_ad, sealed, len));
    jt_siv_free(siv);
}

#define MESSAGES_A_KEY 8

static void single_calls_agree_with_openssl(void **state)
{
    (void)state;
    static struct message m;
    static uint8_t ours[JT_SIV_TAG_LEN + PLAIN_MAX];
    static uint8_t theirs[JT_SIV_TAG_LEN + PLAIN_MAX];
    static uint8_t opened[PLAIN_MAX];
    struct cases c = cases_start(300000);
    for (size_t n = 0; n < c.n; n += MESSAGES_A_KEY) {
        struct jt_siv *siv = NULL;
        key_random(&c, &m);
        assert_int_equal(jt_siv_new(m.key, m.key_len, &siv), JT_OK);
        for (size_t i = 0; i < MESSAGES_A_KEY; i++) {
            message_random(&c, &m);
            size_t len = JT_SIV_TAG_LEN + m.plain_len;
            assert_int_equal(jt_siv_seal(siv, m.ad, m.n_ad, m.plain, m.plain_len, ours), JT_OK);
            evp_seal(m.key, m.key_len, m.ad, m.n_ad, m.plain, m.plain_len, theirs);
            assert_memory_equal(ours, theirs, len);
            assert_int_equal(jt_siv_open(siv, m.ad, m.n_ad, theirs, len, opened), JT_OK);
            assert_memory_equal(opened, m.plain, m.plain_len);
        }
        jt_siv_free(siv);
        check_tampered(&c, &m, ours, opened);
    }
}

/* A call of the many-record kind: one key and header, records of their own lengths. */
struct many {
    uint8_t key[JT_SIV_256_KEY_LEN];
    uint8_t header[AD_MAX];
    size_t header_len;
    uint8_t ad[MANY_MAX][JT_SIV_RECORD_AD][255];
    uint8_t plain[MANY_MAX][PLAIN_MAX];
    uint8_t sealed[MANY_MAX][JT_SIV_TAG_LEN + PLAIN_MAX];
    uint8_t opened[MANY_MAX][PLAIN_MAX];
    struct jt_siv_record seal[MANY_MAX];
    struct jt_siv_record open[MANY_MAX];
    size_t n;
};

static void many_random(struct cases *c, struct many *m)
{
    bool uniform =
        cases_below(c, 2) ==
        0; /* as the vault's batches are: row-id, fingerprint, an empty component, packed PANs */
    cases_fill(c, m->key, sizeof(m->key));
    m->header_len = cases_below(c, 4) == 0 ? cases_below(c, AD_MAX) : 16;
    cases_fill(c, m->header, m->header_len);
    m->n = 1 + cases_below(c, MANY_MAX);
    for (size_t i = 0; i < m->n; i++) {
        size_t len = uniform                   ? 6 + cases_below(c, 5)
                     : cases_below(c, 64) == 0 ? cases_below(c, PLAIN_MAX + 1)
                                               : cases_below(c, 70);
        cases_fill(c, m->plain[i], len);
        struct jt_siv_record *r = &m->seal[i];
        *r = (struct jt_siv_record){
            .in = m->plain[i], .in_len = len, .out = m->sealed[i], .err = JT_ERR_IO
        };
        r->n_ad = uniform ? JT_SIV_RECORD_AD : cases_below(c, JT_SIV_RECORD_AD + 1);
        for (size_t k = 0; k < r->n_ad; k++) {
            static const size_t as_stored[JT_SIV_RECORD_AD] = { 8, 16, 0 };
            r->ad[k] =
                (struct jt_bytes){ m->ad[i][k], uniform ? as_stored[k] : cases_below(c, 256) };
            cases_fill(c, m->ad[i][k], r->ad[k].len);
        }
        m->open[i] = *r;
        m->open[i].in = m->sealed[i];
        m->open[i].in_len = JT_SIV_TAG_LEN + len;
        m->open[i].out = m->opened[i];
    }
}

static void many_check_sealed(struct many *m, struct jt_siv *siv)
{
    uint8_t want[JT_SIV_TAG_LEN + PLAIN_MAX];
    for (size_t i = 0; i < m->n; i++) {
        const struct jt_siv_record *r = &m->seal[i];
        const struct jt_bytes ad[] = { { m->header, m->header_len }, r->ad[0], r->ad[1], r->ad[2] };
        if (r->in_len > 0) {
            evp_seal(m->key, sizeof(m->key), ad, 1 + r->n_ad, r->in, r->in_len, want);
        } else {
            assert_int_equal(jt_siv_seal(siv, ad, 1 + r->n_ad, r->in, 0, want), JT_OK);
        }
        assert_int_equal(r->err, JT_OK);
        assert_memory_equal(r->out, want, JT_SIV_TAG_LEN + r->in_len);
    }
}

static void many_calls_agree_with_openssl(void **state)
{
    (void)state;
    static bool tampered[MANY_MAX];
    struct many *m = calloc(1, sizeof(*m));
    struct cases c = cases_start(300000);
    assert_non_null(m);
    for (size_t done = 0; done < c.n; done += m->n) {
        uint8_t header_mac[JT_SIV_TAG_LEN];
        struct jt_siv *siv = NULL;
        many_random(&c, m);
        assert_int_equal(jt_siv_new(m->key, sizeof(m->key), &siv), JT_OK);
        assert_int_equal(jt_siv_header(siv, m->header, m->header_len, header_mac), JT_OK);
        assert_int_equal(jt_siv_seal_many(siv, header_mac, m->seal, m->n), JT_OK);
        many_check_sealed(m, siv);
        for (size_t i = 0; i < m->n; i++) {
            tampered[i] = cases_below(&c, 4) == 0;
            if (tampered[i]) {
                m->sealed[i][cases_below(&c, m->open[i].in_len)] ^=
                    (uint8_t)(1 << cases_below(&c, 8));
            }
        }
        assert_int_equal(jt_siv_open_many(siv, header_mac, m->open, m->n), JT_OK);
        for (size_t i = 0; i < m->n; i++) {
            assert_int_equal(m->open[i].err, tampered[i] ? JT_ERR_DECRYPT : JT_OK);
            if (tampered[i]) {
                assert_true(all_zero(m->opened[i], m->seal[i].in_len));
            } else {
                assert_memory_equal(m->opened[i], m->plain[i], m->seal[i].in_len);
            }
        }
        jt_siv_free(siv);
    }
    free(m);
}

static int set_up(void **state)
{
    (void)state;
    siv_256 = EVP_CIPHER_fetch(NULL, "AES-256-SIV", NULL);
    siv_128 = EVP_CIPHER_fetch(NULL, "AES-128-SIV", NULL);
    seal_ctx[0] = EVP_CIPHER_CTX_new();
    seal_ctx[1] = EVP_CIPHER_CTX_new();
    return siv_256 != NULL && siv_128 != NULL && seal_ctx[0] != NULL && seal_ctx[1] != NULL ? 0
                                                                                            : -1;
}

static int tear_down(void **state)
{
    (void)state;
    EVP_CIPHER_CTX_free(seal_ctx[0]);
    EVP_CIPHER_CTX_free(seal_ctx[1]);
    EVP_CIPHER_free(siv_256);
    EVP_CIPHER_free(siv_128);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_calls_agree_with_openssl),
        cmocka_unit_test(many_calls_agree_with_openssl),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
