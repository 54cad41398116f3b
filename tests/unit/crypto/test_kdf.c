/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/kdf.h"

#include "base/buf.h"
#include "cases.h"
#include "crypto/cmac.h"
#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

static const uint8_t some_key[JT_KDF_KEY_LEN] = { 9, 8, 7 };

static void sp_800_108_vectors(void **state)
{
    (void)state;
    struct vector_file f = vector_file_open("kdf_sp800_108.txt");
    struct vector v;
    size_t n = 0;
    for (; vector_next(&f, &v); n++) {
        struct jt_bytes key = vector_get(&v, "key");
        struct jt_bytes fixed = vector_get(&v, "fixed");
        struct jt_bytes want = vector_get(&v, "out");
        uint8_t out[VECTOR_BYTES_MAX];
        assert_int_equal(key.len, JT_KDF_KEY_LEN);
        assert_int_equal(jt_kdf_counter(key.p, &fixed, 1, out, want.len), JT_OK);
        assert_memory_equal(out, want.p, want.len);
    }
    vector_file_close(&f);
    assert_int_equal(n, 8);
}

/*
 * Stored data depends on every derived key: what the second implementation printed must come out
 * for ever.
 */
static void roles_give_their_frozen_keys(void **state)
{
    (void)state;
    struct vector_file f = vector_file_open("frozen.txt");
    struct vector v;
    bool seen[JT_KDF_N_ROLES] = { false };
    while (vector_next(&f, &v)) {
        if (!vector_has(&v, "role")) {
            continue;
        }
        struct jt_bytes label = vector_get(&v, "role");
        struct jt_bytes context = vector_get(&v, "context");
        struct jt_bytes want = vector_get(&v, "out");
        uint8_t out[VECTOR_BYTES_MAX];
        for (int role = 0; role < JT_KDF_N_ROLES; role++) {
            if (strlen(jt_kdf_label(role)) == label.len &&
                memcmp(jt_kdf_label(role), label.p, label.len) == 0) {
                seen[role] = true;
                assert_int_equal(jt_kdf_derive(vector_get(&v, "key").p, role, context.p,
                                               context.len, out, want.len),
                                 JT_OK);
                assert_memory_equal(out, want.p, want.len);
            }
        }
    }
    vector_file_close(&f);
    for (int role = 0; role < JT_KDF_N_ROLES; role++) {
        if (!seen[role]) {
            fail_msg("frozen.txt has no key of the role %s", jt_kdf_label(role));
        }
    }
}

/*
 * KBKDF of OpenSSL, CMAC, counter mode, over a whole fixed input: no length and no separator of its
 * own.
 */
static void openssl_kbkdf(EVP_KDF_CTX *ctx, const uint8_t *key, uint8_t *fixed, size_t fixed_len,
                          uint8_t *out, size_t out_len)
{
    char mode[] = "counter";
    char mac[] = "CMAC";
    char cipher[] = "AES-256-CBC";
    int no = 0;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key,
                                          JT_KDF_KEY_LEN),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, fixed, fixed_len),
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_KBKDF_USE_L, &no),
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_KBKDF_USE_SEPARATOR, &no),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF_CTX_reset(ctx);
    assert_int_equal(EVP_KDF_derive(ctx, out, out_len, params), 1);
}

/* label || 0x00 || context || [L]32 by hand. */
static size_t fixed_input(enum jt_kdf_role role, const uint8_t *context, size_t out_len,
                          uint8_t *out)
{
    size_t len = strlen(jt_kdf_label(role));
    memcpy(out, jt_kdf_label(role), len);
    out[len++] = 0;
    if (jt_kdf_context_len(role) > 0) {
        memcpy(out + len, context, jt_kdf_context_len(role));
    }
    len += jt_kdf_context_len(role);
    jt_put_u32(out + len, (uint32_t)(8 * out_len));
    return len + 4;
}

static void derive_agrees_with_openssl(void **state)
{
    (void)state;
    struct cases c = cases_start(5000);
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    assert_non_null(ctx);
    for (size_t n = 0; n < c.n; n++) {
        enum jt_kdf_role role = (enum jt_kdf_role)(n % JT_KDF_N_ROLES);
        uint8_t key[JT_KDF_KEY_LEN];
        uint8_t context[64];
        uint8_t fixed[256];
        uint8_t ours[200];
        uint8_t theirs[200];
        size_t out_len = 1 + cases_below(&c, sizeof(ours));
        struct jt_cmac *cmac = NULL;
        cases_fill(&c, key, sizeof(key));
        cases_fill(&c, context, sizeof(context));
        size_t fixed_len = fixed_input(role, context, out_len, fixed);
        assert_int_equal(jt_cmac_new(key, &cmac), JT_OK);
        assert_int_equal(
            jt_cmac_compute(cmac, &(struct jt_bytes){ fixed, fixed_len }, 1, fixed + fixed_len),
            JT_OK);
        openssl_kbkdf(ctx, key, fixed, fixed_len + JT_CMAC_LEN, theirs, out_len);
        assert_int_equal(jt_kdf_derive(key, role, context, jt_kdf_context_len(role), ours, out_len),
                         JT_OK);
        assert_memory_equal(ours, theirs, out_len);
        jt_cmac_free(cmac);
    }
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static bool label_is_well_formed(const char *label)
{
    static const char prefix[] = "jeton/v1/";
    return strncmp(label, prefix, sizeof(prefix) - 1) == 0 && strlen(label) >= sizeof(prefix) &&
           strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789/-") == strlen(label);
}

/*
 * The proof that no two roles produce one KDF input, whatever their contexts and output lengths.
 *
 * The CMAC inputs of a role are label || 00 || context || [L]32 for K(0) and [i]32 || label || 00
 * || context || [L]32
 * || K(0) for K(i).
 * (1) No label contains 00, so the first 00 of the first form ends its label: two equal inputs of
 * that form have equal labels. After the same counter, the same holds for the second form. (2) No
 * two labels are equal; hence two equal inputs are of one role, and since its context has one fixed
 * length, of one context and L. (3) An input of the first form begins with 'j', one of the second
 * with 00 (i is at most 255): the forms never meet. What is left to check is what the steps assume:
 * the labels' bytes, their being different, the first byte and the bound on i.
 */
static void no_two_roles_share_an_input(void **state)
{
    (void)state;
    assert_true(JT_KDF_OUT_MAX / JT_CMAC_LEN <= 255);
    for (int a = 0; a < JT_KDF_N_ROLES; a++) {
        assert_true(label_is_well_formed(jt_kdf_label(a)));
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(jt_kdf_label(a), jt_kdf_label(b));
        }
    }
}

/*
 * The same seen from outside: one key, every role, contexts made to collide, all the answers
 * different.
 */
static void roles_give_different_keys(void **state)
{
    (void)state;
    static const uint8_t context[64] = { 0 };
    uint8_t out[JT_KDF_N_ROLES][32];
    for (int a = 0; a < JT_KDF_N_ROLES; a++) {
        assert_int_equal(
            jt_kdf_derive(some_key, a, context, jt_kdf_context_len(a), out[a], sizeof(out[a])),
            JT_OK);
        for (int b = 0; b < a; b++) {
            assert_memory_not_equal(out[a], out[b], sizeof(out[a]));
        }
    }
    /* L is part of the input: a longer key does not begin with the shorter one. */
    uint8_t longer[64];
    assert_int_equal(jt_kdf_derive(some_key, JT_KDF_WRAP, NULL, 0, longer, sizeof(longer)), JT_OK);
    assert_memory_not_equal(longer, out[JT_KDF_WRAP], sizeof(out[0]));
}

static bool all_zero(const uint8_t *p, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= p[i];
    }
    return any == 0;
}

static void wrong_context_and_output_lengths_are_refused(void **state)
{
    (void)state;
    static const uint8_t context[65] = { 1 };
    uint8_t out[JT_KDF_OUT_MAX + 1];
    for (int role = 0; role < JT_KDF_N_ROLES; role++) {
        for (size_t len = 0; len <= sizeof(context); len++) {
            memset(out, 0xee, sizeof(out));
            enum jt_err want = len == jt_kdf_context_len(role) ? JT_OK : JT_ERR_INVALID;
            assert_int_equal(jt_kdf_derive(some_key, role, context, len, out, 32), want);
            assert_int_equal(all_zero(out, 32), want != JT_OK);
        }
    }
    assert_int_equal(jt_kdf_derive(some_key, JT_KDF_N_ROLES, NULL, 0, out, 32), JT_ERR_INVALID);
    assert_int_equal(jt_kdf_derive(some_key, JT_KDF_WRAP, NULL, 0, out, 0), JT_ERR_INVALID);
    assert_int_equal(jt_kdf_derive(some_key, JT_KDF_WRAP, NULL, 0, out, JT_KDF_OUT_MAX), JT_OK);
    assert_int_equal(jt_kdf_derive(some_key, JT_KDF_WRAP, NULL, 0, out, JT_KDF_OUT_MAX + 1),
                     JT_ERR_INVALID);
    assert_true(all_zero(out, sizeof(out)));
    const struct jt_bytes part = { context, 1 };
    assert_int_equal(jt_kdf_counter(some_key, &part, 1, out, 0), JT_ERR_INVALID);
    assert_int_equal(jt_kdf_counter(some_key, &part, 1, out, JT_KDF_OUT_MAX + 1), JT_ERR_INVALID);
    assert_int_equal(jt_kdf_counter(some_key, &part, JT_KDF_PARTS_MAX + 1, out, 32),
                     JT_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sp_800_108_vectors),
        cmocka_unit_test(roles_give_their_frozen_keys),
        cmocka_unit_test(derive_agrees_with_openssl),
        cmocka_unit_test(no_two_roles_share_an_input),
        cmocka_unit_test(roles_give_different_keys),
        cmocka_unit_test(wrong_context_and_output_lengths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
