/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcrypto or memory failing at every place in turn beneath the known-answer tests, which go
 * through every primitive: no failure may pass for a good answer. Then libcrypto that says it has
 * done its work and has written less. And what the known-answer tests do not go through:
 * passphrases, shares, fresh keys. The functions below stand before the real ones by the linker's
 * --wrap.
 */
#include "crypto/digest.h"
#include "crypto/ecdh.h"
#include "crypto/fieldkey.h"
#include "crypto/passphrase.h"
#include "crypto/selftest.h"
#include "crypto/shares.h"
#include "crypto/sign.h"
#include "crypto/wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#define NEVER (-1)
#define MANY  20000 /* more calls than there are in a run */

/* --- what fails --- */

static int fail_at = NEVER, n_calls;   /* a call that fails */
static int short_at = NEVER, n_writes; /* one that writes less than it should, and says so */
static const char *failed;

static bool fails(const char *name)
{
    if (n_calls++ != fail_at) {
        return false;
    }
    failed = name;
    return true;
}

/* What is told of the length that was written. */
static size_t told(const char *name, size_t len)
{
    if (n_writes++ != short_at) {
        return len;
    }
    failed = name;
    return len - 1;
}

#define WRAP(type, name, bad, parameters, arguments)           \
    type __real_##name parameters;                             \
    type __wrap_##name parameters;                             \
    type __wrap_##name parameters                              \
    {                                                          \
        return fails(#name) ? (bad) : __real_##name arguments; \
    }

#define WRAP_WRITING(type, name, len, parameters, arguments) \
    int __real_##name parameters;                            \
    int __wrap_##name parameters;                            \
    int __wrap_##name parameters                             \
    {                                                        \
        if (fails(#name)) {                                  \
            return 0;                                        \
        }                                                    \
        int done = __real_##name arguments;                  \
        if (done == 1 && (len) != NULL) {                    \
            *(len) = (type)told(#name, (size_t) * (len));    \
        }                                                    \
        return done;                                         \
    }

/* clang-format off: a line for each */
WRAP(void *, jt_secmem_alloc, NULL, (size_t n), (n))
WRAP(void *, malloc, NULL, (size_t n), (n))
WRAP(void *, calloc, NULL, (size_t n, size_t size), (n, size))
WRAP(int, RAND_priv_bytes, 0, (unsigned char *p, int n), (p, n))
WRAP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, NULL, (void), ())
WRAP(int, EVP_CIPHER_CTX_set_padding, 0, (EVP_CIPHER_CTX * c, int pad), (c, pad))
WRAP(int, EVP_EncryptInit_ex, 0,
     (EVP_CIPHER_CTX * c, const EVP_CIPHER *a, ENGINE *e, const unsigned char *k,
      const unsigned char *iv),
     (c, a, e, k, iv))
WRAP(int, EVP_DecryptInit_ex, 0,
     (EVP_CIPHER_CTX * c, const EVP_CIPHER *a, ENGINE *e, const unsigned char *k,
      const unsigned char *iv),
     (c, a, e, k, iv))
WRAP_WRITING(int, EVP_EncryptUpdate, out_len,
             (EVP_CIPHER_CTX * c, unsigned char *out, int *out_len, const unsigned char *in,
              int len),
             (c, out, out_len, in, len))
WRAP_WRITING(int, EVP_DecryptUpdate, out_len,
             (EVP_CIPHER_CTX * c, unsigned char *out, int *out_len, const unsigned char *in,
              int len),
             (c, out, out_len, in, len))
WRAP_WRITING(unsigned, EVP_Digest, out_len,
             (const void *p, size_t n, unsigned char *out, unsigned *out_len, const EVP_MD *md,
              ENGINE *e),
             (p, n, out, out_len, md, e))
WRAP(EVP_KDF *, EVP_KDF_fetch, NULL, (OSSL_LIB_CTX * c, const char *a, const char *p), (c, a, p))
WRAP(EVP_KDF_CTX *, EVP_KDF_CTX_new, NULL, (EVP_KDF * kdf), (kdf))
WRAP(int, EVP_KDF_derive, 0,
     (EVP_KDF_CTX * c, unsigned char *key, size_t n, const OSSL_PARAM params[]),
     (c, key, n, params))
WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, NULL, (void), ())
WRAP(EVP_PKEY_CTX *, EVP_PKEY_CTX_new, NULL, (EVP_PKEY * k, ENGINE *e), (k, e))
WRAP(EVP_PKEY *, EVP_PKEY_new_raw_private_key, NULL,
     (int type, ENGINE *e, const unsigned char *key, size_t n), (type, e, key, n))
WRAP(EVP_PKEY *, EVP_PKEY_new_raw_public_key, NULL,
     (int type, ENGINE *e, const unsigned char *key, size_t n), (type, e, key, n))
WRAP_WRITING(size_t, EVP_PKEY_get_raw_public_key, out_len,
             (const EVP_PKEY *k, unsigned char *out, size_t *out_len), (k, out, out_len))
WRAP(int, EVP_PKEY_derive_init, 0, (EVP_PKEY_CTX * c), (c))
WRAP(int, EVP_PKEY_derive_set_peer, 0, (EVP_PKEY_CTX * c, EVP_PKEY *peer), (c, peer))
WRAP_WRITING(size_t, EVP_PKEY_derive, out_len,
             (EVP_PKEY_CTX * c, unsigned char *out, size_t *out_len), (c, out, out_len))
WRAP(int, EVP_DigestSignInit, 0,
     (EVP_MD_CTX * c, EVP_PKEY_CTX **p, const EVP_MD *md, ENGINE *e, EVP_PKEY *k), (c, p, md, e, k))
WRAP_WRITING(size_t, EVP_DigestSign, out_len,
             (EVP_MD_CTX * c, unsigned char *out, size_t *out_len, const unsigned char *p,
              size_t len),
             (c, out, out_len, p, len))
WRAP(int, EVP_DigestVerifyInit, 0,
     (EVP_MD_CTX * c, EVP_PKEY_CTX **p, const EVP_MD *md, ENGINE *e, EVP_PKEY *k), (c, p, md, e, k))
WRAP(int, EVP_DigestVerify, 0,
     (EVP_MD_CTX * c, const unsigned char *s, size_t n, const unsigned char *p, size_t len),
     (c, s, n, p, len))
/* clang-format on */

/* --- runs --- */

typedef enum jt_err run_fn(void);

/* Each call of the run, in turn, fails (or lies about its length): it never succeeds. How many. */
static int never_good(run_fn *run, int *at)
{
    int n = 0;
    for (; n < MANY; n++) {
        failed = NULL;
        n_calls = n_writes = 0;
        *at = n;
        enum jt_err err = run();
        *at = NEVER;
        if (failed == NULL) {
            assert_int_equal(err, JT_OK);
            return n;
        }
        if (err == JT_OK) {
            fail_msg("call %d, %s, failed, and all is well", n, failed);
        }
    }
    fail_msg("no end");
    return n;
}

static void no_failure_passes_for_a_good_answer(run_fn *run, int least)
{
    assert_true(never_good(run, &fail_at) >= least);
}

static void no_short_answer_passes_for_a_good_one(run_fn *run, int least)
{
    assert_true(never_good(run, &short_at) >= least);
}

/*
 * The known-answer tests hold that a point of low order and a false signature are refused, once
 * each. Whatever fails in the last step with them is a refusal too.
 */
static int n_refusals;

static enum jt_err known_answers(void)
{
    const char *which;
    enum jt_err err = jt_crypto_selftest(&which);
    bool refusal = failed != NULL && (strcmp(failed, "EVP_PKEY_derive") == 0 ||
                                      strcmp(failed, "EVP_DigestVerify") == 0);
    assert_int_equal(which == NULL, err == JT_OK);
    if (err != JT_OK || !refusal) {
        return err;
    }
    n_refusals++;
    return JT_ERR_CRYPTO;
}

static void beneath_the_known_answer_tests(void **state)
{
    (void)state;
    no_failure_passes_for_a_good_answer(known_answers, 100);
    assert_int_equal(n_refusals, 2);
    no_short_answer_passes_for_a_good_one(known_answers, 50);
    assert_int_equal(n_refusals, 2);
}

static bool all_zero(const void *p, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= ((const uint8_t *)p)[i];
    }
    return any == 0;
}

static const uint8_t secret[JT_PASSPHRASE_SECRET_LEN] = "thirty-two bytes that are secret";

static enum jt_err passphrase(void)
{
    static const uint8_t salt[JT_PASSPHRASE_SALT_LEN] = { 1, 2, 3 };
    const struct jt_passphrase ph = {
        .bytes = "a phrase", .len = 8, .cost = { 1, 1, 1 }, .salt = salt
    };
    uint8_t sealed[JT_PASSPHRASE_SEALED_LEN], back[JT_PASSPHRASE_SECRET_LEN];
    memset(sealed, 0xee, sizeof sealed);
    memset(back, 0xee, sizeof back);
    enum jt_err err = jt_passphrase_seal(&ph, "h", 1, secret, sealed);
    if (err == JT_OK) {
        err = jt_passphrase_open(&ph, "h", 1, sealed, back);
        assert_int_equal(memcmp(back, secret, sizeof back) == 0, err == JT_OK);
        assert_int_equal(all_zero(back, sizeof back), err != JT_OK);
    } else {
        assert_true(sealed[0] == 0xee || all_zero(sealed, sizeof sealed));
    }
    return err;
}

static void beneath_a_passphrase(void **state)
{
    (void)state;
    no_failure_passes_for_a_good_answer(passphrase, 10);
}

static enum jt_err shares(void)
{
    struct jt_share all[3];
    uint8_t back[JT_SHARE_LEN];
    memset(all, 0xee, sizeof all);
    enum jt_err err = jt_shares_split(secret, 2, 3, all);
    if (err == JT_OK) {
        err = jt_shares_join(all + 1, 2, back);
        assert_memory_equal(back, secret, sizeof back);
    } else if (err != JT_ERR_NOMEM) { /* before which nothing was written */
        assert_true(all_zero(all, sizeof all));
    }
    return err;
}

static void beneath_shares(void **state)
{
    (void)state;
    no_failure_passes_for_a_good_answer(shares, 2);
    struct jt_share all[3];
    uint8_t back[JT_SHARE_LEN];
    assert_int_equal(jt_shares_split(secret, 2, JT_SHARES_MAX + 1, all), JT_ERR_LIMIT);
    assert_int_equal(jt_shares_split(secret, 2, 3, all), JT_OK);
    assert_int_equal(jt_shares_join(all, 1, back), JT_ERR_LIMIT);
    assert_int_equal(jt_shares_join(all, JT_SHARES_MAX + 1, back), JT_ERR_LIMIT);
}

/* Two make a key each and agree; one signs. */
static enum jt_err pairs(void)
{
    uint8_t private_key[2][JT_ECDH_PRIVATE_LEN], public_key[2][JT_ECDH_PUBLIC_LEN];
    uint8_t shared[2][JT_ECDH_SHARED_LEN], digest[JT_SHA256_LEN];
    uint8_t signature[JT_SIGN_LEN], verifying[JT_SIGN_PUBLIC_LEN];
    enum jt_err err = JT_OK;
    for (int i = 0; i < 2 && err == JT_OK; i++) {
        memset(private_key[i], 0xee, sizeof private_key[i]);
        memset(public_key[i], 0xee, sizeof public_key[i]);
        err = jt_ecdh_generate(private_key[i], public_key[i]);
        assert_int_equal(all_zero(private_key[i], sizeof private_key[i]), err != JT_OK);
        assert_int_equal(all_zero(public_key[i], sizeof public_key[i]), err != JT_OK);
    }
    for (int i = 0; i < 2 && err == JT_OK; i++) {
        memset(shared[i], 0xee, sizeof shared[i]);
        err = jt_ecdh_shared(private_key[i], public_key[1 - i], shared[i]);
        assert_int_equal(all_zero(shared[i], sizeof shared[i]), err != JT_OK);
    }
    if (err == JT_OK) {
        assert_memory_equal(shared[0], shared[1], sizeof shared[0]);
        err = jt_sha256(shared[0], sizeof shared[0], digest);
    }
    if (err == JT_OK) {
        err = jt_sign_public(secret, verifying);
    }
    if (err == JT_OK) {
        err = jt_sign(secret, digest, sizeof digest, signature);
    }
    return err == JT_OK ? jt_sign_verify(verifying, digest, sizeof digest, signature) : err;
}

static void beneath_pairs_of_keys(void **state)
{
    (void)state;
    no_failure_passes_for_a_good_answer(pairs, 20);
    no_short_answer_passes_for_a_good_one(pairs, 6);
}

/* What has no form of a record is refused before libcrypto has it. */
static void records_out_of_form_are_refused(void **state)
{
    (void)state;
    static const uint8_t key[JT_SIV_256_KEY_LEN] = { 1 };
    uint8_t envelope[JT_ENVELOPE_OVERHEAD + JT_PLAINTEXT_MAX + 1] = { 3 };
    uint8_t out[sizeof envelope];
    struct jt_fieldkey *fk;
    assert_int_equal(jt_fieldkey_new(key, 1, 2, 3, &fk), JT_OK);
    struct jt_siv_record r = { .in = envelope, .in_len = 4, .out = out };
    jt_fieldkey_bind_held(&r, envelope, JT_HELD_ROW_ID_MAX + 1);
    assert_int_equal(jt_fieldkey_seal(fk, &r, 1), JT_OK);
    assert_int_equal(r.err, JT_ERR_INVALID);
    jt_fieldkey_bind_held(&r, envelope, 0);
    assert_int_equal(jt_fieldkey_seal(fk, &r, 1), JT_OK);
    assert_int_equal(r.err, JT_ERR_INVALID);
    jt_fieldkey_bind_held(&r, envelope, 4);
    r.in_len = sizeof envelope;
    assert_int_equal(jt_fieldkey_open(fk, &r, 1), JT_OK);
    assert_int_equal(r.err, JT_ERR_DECRYPT);
    assert_int_equal(jt_fieldkey_candidate(fk, envelope, JT_ENVELOPE_OVERHEAD, out),
                     JT_ERR_DECRYPT);
    assert_int_equal(jt_fieldkey_candidate(fk, envelope, sizeof envelope, out), JT_ERR_DECRYPT);
    jt_fieldkey_free(fk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beneath_the_known_answer_tests),
        cmocka_unit_test(beneath_a_passphrase),
        cmocka_unit_test(beneath_shares),
        cmocka_unit_test(beneath_pairs_of_keys),
        cmocka_unit_test(records_out_of_form_are_refused),
    };
    return cmocka_run_group_tests_name("crypto/selftest_faults", tests, NULL, NULL);
}
