/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcrypto or memory failing at every place in turn: the error must come out, nothing of a key or
 * plaintext may stay in an output, and nothing may leak (the sanitizers watch that). The functions
 * below stand before the real ones by the linker's --wrap.
 */
#include "crypto/fieldkey.h"
#include "crypto/kdf.h"
#include "crypto/tokenkey.h"
#include "crypto/wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#define NEVER        (-1)
#define N            200 /* records: more than one chunk */
#define PLAIN_LEN    24
#define ENVELOPE_LEN (JT_ENVELOPE_OVERHEAD + PLAIN_LEN)

static int fail_at = NEVER;
static int n_calls;

static bool fails_now(void)
{
    return n_calls++ == fail_at;
}

int __real_EVP_EncryptUpdate(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len,
                             const unsigned char *in, int in_len);
int __wrap_EVP_EncryptUpdate(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len,
                             const unsigned char *in, int in_len);
int __real_EVP_EncryptInit_ex(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, ENGINE *impl,
                              const unsigned char *key, const unsigned char *iv);
int __wrap_EVP_EncryptInit_ex(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, ENGINE *impl,
                              const unsigned char *key, const unsigned char *iv);
int __real_EVP_DecryptUpdate(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len,
                             const unsigned char *in, int in_len);
int __wrap_EVP_DecryptUpdate(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len,
                             const unsigned char *in, int in_len);
int __real_EVP_DecryptInit_ex(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, ENGINE *impl,
                              const unsigned char *key, const unsigned char *iv);
int __wrap_EVP_DecryptInit_ex(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, ENGINE *impl,
                              const unsigned char *key, const unsigned char *iv);
EVP_CIPHER_CTX *__real_EVP_CIPHER_CTX_new(void);
EVP_CIPHER_CTX *__wrap_EVP_CIPHER_CTX_new(void);
int __real_RAND_priv_bytes(unsigned char *out, int len);
int __wrap_RAND_priv_bytes(unsigned char *out, int len);
void *__real_jt_secmem_alloc(size_t len);
void *__wrap_jt_secmem_alloc(size_t len);

int __wrap_EVP_EncryptUpdate(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len,
                             const unsigned char *in, int in_len)
{
    return fails_now() ? 0 : __real_EVP_EncryptUpdate(ctx, out, out_len, in, in_len);
}

int __wrap_EVP_EncryptInit_ex(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, ENGINE *impl,
                              const unsigned char *key, const unsigned char *iv)
{
    return fails_now() ? 0 : __real_EVP_EncryptInit_ex(ctx, cipher, impl, key, iv);
}

int __wrap_EVP_DecryptUpdate(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len,
                             const unsigned char *in, int in_len)
{
    return fails_now() ? 0 : __real_EVP_DecryptUpdate(ctx, out, out_len, in, in_len);
}

int __wrap_EVP_DecryptInit_ex(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, ENGINE *impl,
                              const unsigned char *key, const unsigned char *iv)
{
    return fails_now() ? 0 : __real_EVP_DecryptInit_ex(ctx, cipher, impl, key, iv);
}

EVP_CIPHER_CTX *__wrap_EVP_CIPHER_CTX_new(void)
{
    return fails_now() ? NULL : __real_EVP_CIPHER_CTX_new();
}

int __wrap_RAND_priv_bytes(unsigned char *out, int len)
{
    return fails_now() ? 0 : __real_RAND_priv_bytes(out, len);
}

void *__wrap_jt_secmem_alloc(size_t len)
{
    return fails_now() ? NULL : __real_jt_secmem_alloc(len);
}

static const uint8_t some_key[JT_SIV_256_KEY_LEN] = { 1, 2, 3 };
static uint8_t plain[N][PLAIN_LEN];
static uint8_t envelopes[N][ENVELOPE_LEN];
static uint8_t outputs[N][ENVELOPE_LEN];
static uint8_t macs[N][JT_CMAC_LEN];

static bool all_zero(const void *p, size_t len)
{
    const uint8_t *bytes = p;
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

static struct jt_fieldkey *fieldkey(void)
{
    struct jt_fieldkey *fk = NULL;
    fail_at = NEVER;
    assert_int_equal(jt_fieldkey_new(some_key, 1, 2, 3, &fk), JT_OK);
    return fk;
}

/*
 * Runs `step` with its first, second, third ... fallible call failing, until it is through; returns
 * at how many it failed.
 */
static int at_every_call(enum jt_err (*step)(void *), void *arg, void (*check)(enum jt_err))
{
    enum jt_err err = JT_ERR_CRYPTO;
    int n = 0;
    for (; err != JT_OK; n++) {
        assert_true(n < 1000);
        fail_at = n;
        n_calls = 0;
        memset(outputs, 0xee, sizeof(outputs));
        memset(macs, 0xee, sizeof(macs));
        err = step(arg);
        check(err);
    }
    fail_at = NEVER;
    return n - 1;
}

static enum jt_err seal_all(void *fk)
{
    struct jt_siv_record records[N];
    for (size_t i = 0; i < N; i++) {
        records[i] =
            (struct jt_siv_record){ .in = plain[i], .in_len = PLAIN_LEN, .out = outputs[i] };
        jt_fieldkey_bind(&records[i], plain[i], plain[i]);
    }
    enum jt_err err = jt_fieldkey_seal(fk, records, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(records[i].err, err);
    }
    return err;
}

static enum jt_err open_all(void *fk)
{
    struct jt_siv_record records[N];
    for (size_t i = 0; i < N; i++) {
        records[i] =
            (struct jt_siv_record){ .in = envelopes[i], .in_len = ENVELOPE_LEN, .out = outputs[i] };
        jt_fieldkey_bind(&records[i], plain[i], plain[i]);
    }
    enum jt_err err = jt_fieldkey_open(fk, records, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(records[i].err, err);
    }
    return err;
}

static enum jt_err fingerprint_all(void *fk)
{
    struct jt_cmac_record records[N];
    for (size_t i = 0; i < N; i++) {
        records[i] = (struct jt_cmac_record){ plain[i], PLAIN_LEN, macs[i] };
    }
    return jt_fieldkey_fingerprint(fk, records, N);
}

static void check_sealed(enum jt_err err)
{
    assert_true(err == JT_OK || err == JT_ERR_CRYPTO);
    assert_int_equal(all_zero(outputs, sizeof(outputs)), err != JT_OK);
}

static void check_opened(enum jt_err err)
{
    assert_true(err == JT_OK || err == JT_ERR_CRYPTO);
    for (size_t i = 0; i < N; i++) {
        if (err == JT_OK) {
            assert_memory_equal(outputs[i], plain[i], PLAIN_LEN);
        } else {
            assert_true(all_zero(outputs[i], PLAIN_LEN));
        }
    }
}

static void check_fingerprints(enum jt_err err)
{
    assert_true(err == JT_OK || err == JT_ERR_CRYPTO);
    assert_int_equal(all_zero(macs, sizeof(macs)), err != JT_OK);
}

static void batches_leave_nothing_when_libcrypto_fails(void **state)
{
    (void)state;
    struct jt_fieldkey *fk = fieldkey();
    for (size_t i = 0; i < N; i++) {
        memset(plain[i], (int)i + 1, PLAIN_LEN);
    }
    /* two chunks: row-id 1 step, fingerprint 1, plaintext 2, then the keystream in 1 or 2 calls */
    assert_in_range(at_every_call(seal_all, fk, check_sealed), 10, 12);
    memcpy(envelopes, outputs, sizeof(envelopes));
    assert_in_range(at_every_call(open_all, fk, check_opened), 10, 12);
    assert_int_equal(at_every_call(fingerprint_all, fk, check_fingerprints), 4);
    jt_fieldkey_free(fk);
}

static enum jt_err single_seal_and_open(void *siv)
{
    static const struct jt_bytes ad[] = { { "a", 1 }, { "b", 1 } };
    uint8_t *sealed = outputs[0];
    uint8_t *opened = outputs[2];
    enum jt_err err = jt_siv_seal(siv, ad, 2, plain[0], PLAIN_LEN, sealed);
    if (err != JT_OK) {
        assert_true(all_zero(sealed, JT_SIV_TAG_LEN + PLAIN_LEN));
        return err;
    }
    err = jt_siv_open(siv, ad, 2, sealed, JT_SIV_TAG_LEN + PLAIN_LEN, opened);
    assert_int_equal(all_zero(opened, PLAIN_LEN), err != JT_OK);
    return err;
}

static void check_crypto(enum jt_err err)
{
    assert_true(err == JT_OK || err == JT_ERR_CRYPTO);
}

static void single_calls_leave_nothing_when_libcrypto_fails(void **state)
{
    (void)state;
    struct jt_siv *siv = NULL;
    fail_at = NEVER;
    memset(plain[0], 1, PLAIN_LEN);
    assert_int_equal(jt_siv_new(some_key, sizeof(some_key), &siv), JT_OK);
    assert_int_equal(at_every_call(single_seal_and_open, siv, check_crypto), 10);
    jt_siv_free(siv);
}

static enum jt_err header_of(void *siv)
{
    enum jt_err err = jt_siv_header(siv, plain[0], 16, macs[0]);
    assert_int_equal(all_zero(macs[0], JT_SIV_TAG_LEN), err != JT_OK);
    return err;
}

static void header_leaves_nothing_when_libcrypto_fails(void **state)
{
    (void)state;
    struct jt_siv *siv = NULL;
    fail_at = NEVER;
    assert_int_equal(jt_siv_new(some_key, sizeof(some_key), &siv), JT_OK);
    assert_int_equal(at_every_call(header_of, siv, check_crypto), 1);
    jt_siv_free(siv);
}

static uint64_t ids[N];

static enum jt_err tokens_and_back(void *tk)
{
    static uint8_t tokens[N][JT_TOKEN_LEN];
    uint64_t back[N];
    memset(tokens, 0xee, sizeof(tokens));
    memset(back, 0xee, sizeof(back));
    enum jt_err err = jt_tokenkey_seal(tk, ids, N, tokens);
    if (err != JT_OK) {
        assert_true(all_zero(tokens, sizeof(tokens)));
        return err;
    }
    err = jt_tokenkey_open(tk, (const uint8_t(*)[JT_TOKEN_LEN])tokens, N, back);
    assert_int_equal(all_zero(back, sizeof(back)), err != JT_OK);
    return err;
}

static void tokens_leave_nothing_when_libcrypto_fails(void **state)
{
    (void)state;
    struct jt_tokenkey *tk = NULL;
    fail_at = NEVER;
    for (size_t i = 0; i < N; i++) {
        ids[i] = i + 1;
    }
    assert_int_equal(jt_tokenkey_new(some_key, 3, &tk), JT_OK);
    assert_int_equal(at_every_call(tokens_and_back, tk, check_crypto), 4);
    jt_tokenkey_free(tk);
}

static void check_any(enum jt_err err)
{
    assert_true(err == JT_OK || err == JT_ERR_CRYPTO || err == JT_ERR_NOMEM);
}

static enum jt_err make_fieldkey(void *arg)
{
    (void)arg;
    struct jt_fieldkey *fk = (struct jt_fieldkey *)(uintptr_t)1;
    enum jt_err err = jt_fieldkey_new(some_key, 1, 2, 3, &fk);
    assert_true((fk == NULL) == (err != JT_OK));
    jt_fieldkey_free(fk);
    return err;
}

static enum jt_err make_tokenkey(void *arg)
{
    (void)arg;
    struct jt_tokenkey *tk = (struct jt_tokenkey *)(uintptr_t)1;
    enum jt_err err = jt_tokenkey_new(some_key, 3, &tk);
    assert_true((tk == NULL) == (err != JT_OK));
    jt_tokenkey_free(tk);
    return err;
}

static enum jt_err derive(void *arg)
{
    (void)arg;
    enum jt_err err = jt_kdf_derive(some_key, JT_KDF_WRAP, NULL, 0, macs[0], 64);
    assert_int_equal(all_zero(macs[0], 64), err != JT_OK);
    return err;
}

static enum jt_err wrap_and_unwrap(void *arg)
{
    (void)arg;
    uint8_t *wrapped = outputs[0];
    uint8_t *opened = outputs[1];
    enum jt_err err = jt_wrap_seal(some_key, "h", 1, plain[0], 16, wrapped);
    if (err == JT_OK) {
        err = jt_wrap_open(some_key, "h", 1, wrapped, 16 + JT_WRAP_OVERHEAD, opened);
        assert_int_equal(all_zero(opened, 16), err != JT_OK);
    }
    return err;
}

static enum jt_err random_key(void *arg)
{
    (void)arg;
    enum jt_err err = jt_wrap_random_key(macs[0], 32);
    assert_int_equal(all_zero(macs[0], 32), err != JT_OK);
    return err;
}

static void keys_are_made_whole_or_not_at_all(void **state)
{
    (void)state;
    memset(plain[0], 1, PLAIN_LEN);
    assert_true(at_every_call(make_fieldkey, NULL, check_any) > 30);
    assert_true(at_every_call(make_tokenkey, NULL, check_any) > 12);
    assert_true(at_every_call(derive, NULL, check_any) > 8);
    assert_true(at_every_call(wrap_and_unwrap, NULL, check_any) > 15);
    assert_int_equal(at_every_call(random_key, NULL, check_any), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_leave_nothing_when_libcrypto_fails),
        cmocka_unit_test(single_calls_leave_nothing_when_libcrypto_fails),
        cmocka_unit_test(header_leaves_nothing_when_libcrypto_fails),
        cmocka_unit_test(tokens_leave_nothing_when_libcrypto_fails),
        cmocka_unit_test(keys_are_made_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
