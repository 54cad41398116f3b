/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/siv.h"

#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t some_key[JT_SIV_256_KEY_LEN] = { 1, 2, 3 };

static bool all_zero(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    return true;
}

static void check_case(const struct vector *v)
{
    struct jt_bytes key = vector_get(v, "key");
    struct jt_bytes plain = vector_get(v, "plain");
    struct jt_bytes want = vector_get(v, "sealed");
    struct jt_bytes ad[VECTOR_ENTRIES_MAX];
    size_t n_ad = vector_all(v, "ad", ad);
    uint8_t sealed[JT_SIV_TAG_LEN + VECTOR_BYTES_MAX];
    uint8_t opened[VECTOR_BYTES_MAX];
    struct jt_siv *siv = NULL;

    assert_int_equal(jt_siv_new(key.p, key.len, &siv), JT_OK);
    assert_int_equal(want.len, JT_SIV_TAG_LEN + plain.len);
    assert_int_equal(jt_siv_seal(siv, ad, n_ad, plain.p, plain.len, sealed), JT_OK);
    assert_memory_equal(sealed, want.p, want.len);
    assert_int_equal(jt_siv_open(siv, ad, n_ad, sealed, want.len, opened), JT_OK);
    assert_memory_equal(opened, plain.p, plain.len);

    /* Each bit of V || C matters, and a refusal leaves nothing behind. */
    for (size_t bit = 0; bit < 8 * want.len; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(opened, 0xee, sizeof(opened));
        assert_int_equal(jt_siv_open(siv, ad, n_ad, sealed, want.len, opened), JT_ERR_DECRYPT);
        assert_true(all_zero(opened, plain.len));
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    jt_siv_free(siv);
}

static void check_file(const char *name, size_t n_expected)
{
    struct vector_file f = vector_file_open(name);
    struct vector v;
    size_t n = 0;
    for (; vector_next(&f, &v); n++) {
        check_case(&v);
    }
    vector_file_close(&f);
    assert_int_equal(n, n_expected);
}

static void rfc_5297_vectors(void **state)
{
    (void)state;
    check_file("siv_rfc5297.txt", 2);
}

static void openssl_vectors(void **state)
{
    (void)state;
    check_file("siv_openssl.txt", 5);
}

static void wycheproof_vectors(void **state)
{
    (void)state;
    check_file("siv_wycheproof.txt", 24);
}

static void key_lengths_other_than_32_and_64_are_refused(void **state)
{
    (void)state;
    static const size_t lengths[] = { 0, 16, 31, 33, 48, 63 };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct jt_siv *siv = (struct jt_siv *)(uintptr_t)1;
        assert_int_equal(jt_siv_new(some_key, lengths[i], &siv), JT_ERR_INVALID);
        assert_null(siv);
    }
    jt_siv_free(NULL);
}

static void components_up_to_126(void **state)
{
    (void)state;
    static const uint8_t plain[] = { 1, 2, 3 };
    uint8_t sealed[JT_SIV_TAG_LEN + sizeof(plain)];
    uint8_t other[JT_SIV_TAG_LEN + sizeof(plain)];
    uint8_t opened[sizeof(plain)];
    uint8_t bytes[JT_SIV_MAX_COMPONENTS + 1];
    struct jt_bytes ad[JT_SIV_MAX_COMPONENTS + 1];
    for (size_t i = 0; i < sizeof(ad) / sizeof(ad[0]); i++) {
        bytes[i] = (uint8_t)i;
        ad[i] = (struct jt_bytes){ &bytes[i], i % 2 };
    }
    struct jt_siv *siv = NULL;
    assert_int_equal(jt_siv_new(some_key, sizeof(some_key), &siv), JT_OK);
    for (size_t n = 0; n <= JT_SIV_MAX_COMPONENTS; n++) {
        assert_int_equal(jt_siv_seal(siv, ad, n, plain, sizeof(plain), sealed), JT_OK);
        assert_int_equal(jt_siv_open(siv, ad, n, sealed, sizeof(sealed), opened), JT_OK);
        assert_memory_equal(opened, plain, sizeof(plain));
        if (n > 0) {
            assert_int_equal(jt_siv_seal(siv, ad, n - 1, plain, sizeof(plain), other), JT_OK);
            assert_memory_not_equal(sealed, other, sizeof(sealed));
            assert_int_equal(jt_siv_open(siv, ad, n - 1, sealed, sizeof(sealed), opened),
                             JT_ERR_DECRYPT);
        }
    }
    assert_int_equal(jt_siv_seal(siv, ad, JT_SIV_MAX_COMPONENTS + 1, plain, sizeof(plain), sealed),
                     JT_ERR_LIMIT);
    assert_int_equal(
        jt_siv_open(siv, ad, JT_SIV_MAX_COMPONENTS + 1, sealed, sizeof(sealed), opened),
        JT_ERR_LIMIT);
    jt_siv_free(siv);
}

static void shorter_than_a_tag_is_refused(void **state)
{
    (void)state;
    uint8_t in[JT_SIV_TAG_LEN] = { 0 };
    uint8_t out[1] = { 0xee };
    struct jt_siv *siv = NULL;
    assert_int_equal(jt_siv_new(some_key, sizeof(some_key), &siv), JT_OK);
    for (size_t len = 0; len < sizeof(in); len++) {
        assert_int_equal(jt_siv_open(siv, NULL, 0, in, len, out), JT_ERR_DECRYPT);
    }
    assert_int_equal(out[0], 0xee);
    jt_siv_free(siv);
}

/* It needs no associated data and verifies nothing: opening does. */
static void a_candidate_is_what_opening_would_give(void **state)
{
    (void)state;
    struct jt_siv *siv;
    const uint8_t text[25] = "candidate of 25 bytes...";
    const struct jt_bytes ad[] = { { some_key, 5 } };
    uint8_t sealed[JT_SIV_TAG_LEN + sizeof text], out[sizeof text];
    assert_int_equal(jt_siv_new(some_key, sizeof some_key, &siv), JT_OK);
    assert_int_equal(jt_siv_seal(siv, ad, 1, text, sizeof text, sealed), JT_OK);
    assert_int_equal(jt_siv_candidate(siv, sealed, sizeof sealed, out), JT_OK);
    assert_memory_equal(out, text, sizeof text);
    sealed[JT_SIV_TAG_LEN] ^= 1;
    assert_int_equal(jt_siv_candidate(siv, sealed, sizeof sealed, out), JT_OK);
    assert_int_equal(out[0], text[0] ^ 1);
    assert_int_equal(jt_siv_open(siv, ad, 1, sealed, sizeof sealed, out), JT_ERR_DECRYPT);
    assert_int_equal(jt_siv_candidate(siv, sealed, JT_SIV_TAG_LEN - 1, out), JT_ERR_DECRYPT);
    jt_siv_free(siv);
}

static void empty_plaintext_round_trip(void **state)
{
    (void)state;
    static const struct jt_bytes ad[] = { { "header", 6 }, { NULL, 0 } };
    uint8_t sealed[JT_SIV_TAG_LEN];
    uint8_t forged[JT_SIV_TAG_LEN] = { 0 };
    struct jt_siv *siv = NULL;
    assert_int_equal(jt_siv_new(some_key, sizeof(some_key), &siv), JT_OK);
    for (size_t n_ad = 0; n_ad <= 2; n_ad++) {
        assert_int_equal(jt_siv_seal(siv, ad, n_ad, NULL, 0, sealed), JT_OK);
        assert_int_equal(jt_siv_open(siv, ad, n_ad, sealed, sizeof(sealed), NULL), JT_OK);
        /* OpenSSL 3.0 has taken any tag for an empty plaintext (CVE-2023-2975). */
        assert_int_equal(jt_siv_open(siv, ad, n_ad, forged, sizeof(forged), NULL), JT_ERR_DECRYPT);
        assert_int_equal(jt_siv_open(siv, ad, n_ad, sealed, sizeof(sealed), NULL), JT_OK);
    }
    jt_siv_free(siv);
}

/*
 * Records of a many-record call, each with its own buffers, so that a sanitizer sees every step
 * outside them.
 */
struct batch {
    size_t n;
    struct jt_siv_record *seal;
    struct jt_siv_record *open;
};

static uint8_t *filled(size_t len, size_t seed)
{
    uint8_t *p = malloc(len > 0 ? len : 1);
    assert_non_null(p);
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)(seed * 131 + i * 7 + (seed + i) / 251);
    }
    return p;
}

static struct batch batch_new(size_t n, size_t (*row_len)(size_t), size_t (*plain_len)(size_t))
{
    struct batch b = { n, calloc(n, sizeof(*b.seal)), calloc(n, sizeof(*b.open)) };
    assert_non_null(b.seal);
    assert_non_null(b.open);
    for (size_t i = 0; i < n; i++) {
        size_t len = plain_len(i);
        struct jt_siv_record *r = &b.seal[i];
        *r = (struct jt_siv_record){ .n_ad = i % 4 == 0 ? JT_SIV_RECORD_AD : i % 4,
                                     .in = filled(len, i + 1),
                                     .in_len = len,
                                     .out = filled(JT_SIV_TAG_LEN + len, 0),
                                     .err = JT_ERR_IO };
        for (size_t k = 0; k < r->n_ad; k++) {
            size_t ad_len = k == 0 ? row_len(i) : k == 1 ? 16 : i % 3 * 9;
            r->ad[k] = (struct jt_bytes){ filled(ad_len, i + k), ad_len };
        }
        b.open[i] = *r;
        b.open[i].in = r->out;
        b.open[i].in_len = JT_SIV_TAG_LEN + len;
        b.open[i].out = filled(len, 2);
    }
    return b;
}

static void batch_free(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        for (size_t k = 0; k < b->seal[i].n_ad; k++) {
            free((void *)(uintptr_t)b->seal[i].ad[k].p);
        }
        free((void *)(uintptr_t)b->seal[i].in);
        free(b->seal[i].out);
        free(b->open[i].out);
    }
    free(b->seal);
    free(b->open);
}

static const uint8_t header[] = "a header of any length";

/*
 * Seals as many and as single, compares, opens as many, compares, then refuses every third record.
 */
static void check_batch(size_t key_len, struct batch *b)
{
    uint8_t mac[JT_SIV_TAG_LEN];
    struct jt_siv *siv = NULL;
    assert_int_equal(jt_siv_new(some_key, key_len, &siv), JT_OK);
    assert_int_equal(jt_siv_header(siv, header, sizeof(header), mac), JT_OK);
    assert_int_equal(jt_siv_seal_many(siv, mac, b->seal, b->n), JT_OK);
    for (size_t i = 0; i < b->n; i++) {
        struct jt_siv_record *r = &b->seal[i];
        const struct jt_bytes ad[] = { { header, sizeof(header) }, r->ad[0], r->ad[1], r->ad[2] };
        uint8_t *single = filled(JT_SIV_TAG_LEN + r->in_len, 3);
        assert_int_equal(r->err, JT_OK);
        assert_int_equal(jt_siv_seal(siv, ad, 1 + r->n_ad, r->in, r->in_len, single), JT_OK);
        assert_memory_equal(r->out, single, JT_SIV_TAG_LEN + r->in_len);
        free(single);
    }
    assert_int_equal(jt_siv_open_many(siv, mac, b->open, b->n), JT_OK);
    for (size_t i = 0; i < b->n; i++) {
        assert_int_equal(b->open[i].err, JT_OK);
        assert_memory_equal(b->open[i].out, b->seal[i].in, b->seal[i].in_len);
    }
    for (size_t i = 0; i < b->n; i += 3) {
        b->seal[i].out[i % b->open[i].in_len] ^= 0x10;
    }
    assert_int_equal(jt_siv_open_many(siv, mac, b->open, b->n), JT_OK);
    for (size_t i = 0; i < b->n; i++) {
        if (i % 3 == 0) {
            assert_int_equal(b->open[i].err, JT_ERR_DECRYPT);
            assert_true(all_zero(b->open[i].out, b->seal[i].in_len));
        } else {
            assert_int_equal(b->open[i].err, JT_OK);
            assert_memory_equal(b->open[i].out, b->seal[i].in, b->seal[i].in_len);
        }
    }
    jt_siv_free(siv);
    batch_free(b);
}

static size_t rows_of_16(size_t i)
{
    (void)i;
    return 16;
}

static size_t rows_of_any_length(size_t i)
{
    return i % 256;
}

static size_t packed_pans(size_t i)
{
    return 6 + i % 5;
}

static size_t short_and_long(size_t i)
{
    return i % 97 == 96 ? 4096 - i % 18 : i % 67;
}

static void many_agree_with_single_for_packed_pans(void **state)
{
    (void)state;
    /* around the sizes at which a chunk is full */
    static const size_t sizes[] = { 0, 1, 2, 127, 128, 129, 255, 256, 257, 1000 };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct batch b = batch_new(sizes[i], rows_of_16, packed_pans);
        check_batch(JT_SIV_256_KEY_LEN, &b);
    }
}

static void many_agree_with_single_for_mixed_lengths(void **state)
{
    (void)state;
    struct batch b = batch_new(1024, rows_of_any_length, short_and_long);
    check_batch(JT_SIV_256_KEY_LEN, &b);
    b = batch_new(1024, rows_of_any_length, short_and_long);
    check_batch(JT_SIV_128_KEY_LEN, &b);
}

static void many_refuses_short_records_beside_good_ones(void **state)
{
    (void)state;
    struct batch b = batch_new(300, rows_of_16, packed_pans);
    uint8_t mac[JT_SIV_TAG_LEN];
    struct jt_siv *siv = NULL;
    assert_int_equal(jt_siv_new(some_key, sizeof(some_key), &siv), JT_OK);
    assert_int_equal(jt_siv_header(siv, header, sizeof(header), mac), JT_OK);
    assert_int_equal(jt_siv_seal_many(siv, mac, b.seal, b.n), JT_OK);
    for (size_t i = 0; i < b.n; i += 2) {
        b.open[i].in_len = i % JT_SIV_TAG_LEN;
    }
    assert_int_equal(jt_siv_open_many(siv, mac, b.open, b.n), JT_OK);
    for (size_t i = 0; i < b.n; i++) {
        assert_int_equal(b.open[i].err, i % 2 == 0 ? JT_ERR_DECRYPT : JT_OK);
    }
    jt_siv_free(siv);
    batch_free(&b);
}

static void many_swapped_rows_and_headers_are_refused(void **state)
{
    (void)state;
    struct batch b = batch_new(4, rows_of_16, packed_pans);
    uint8_t mac[JT_SIV_TAG_LEN];
    uint8_t other_mac[JT_SIV_TAG_LEN];
    struct jt_siv *siv = NULL;
    assert_int_equal(jt_siv_new(some_key, sizeof(some_key), &siv), JT_OK);
    assert_int_equal(jt_siv_header(siv, header, sizeof(header), mac), JT_OK);
    assert_int_equal(jt_siv_header(siv, header, sizeof(header) - 1, other_mac), JT_OK);
    assert_int_equal(jt_siv_seal_many(siv, mac, b.seal, b.n), JT_OK);
    assert_int_equal(jt_siv_open_many(siv, other_mac, b.open, b.n), JT_OK);
    for (size_t i = 0; i < b.n; i++) {
        assert_int_equal(b.open[i].err, JT_ERR_DECRYPT);
    }
    struct jt_bytes row = b.open[0].ad[0];
    b.open[0].ad[0] = b.open[1].ad[0];
    b.open[1].ad[0] = row;
    assert_int_equal(jt_siv_open_many(siv, mac, b.open, b.n), JT_OK);
    assert_int_equal(b.open[0].err, JT_ERR_DECRYPT);
    assert_int_equal(b.open[1].err, JT_ERR_DECRYPT);
    assert_int_equal(b.open[2].err, JT_OK);
    /* Neither may a component be left out, nor an empty one be added. */
    b.open[2].n_ad--;
    b.open[3].n_ad--;
    assert_int_equal(jt_siv_open_many(siv, mac, b.open, b.n), JT_OK);
    assert_int_equal(b.open[2].err, JT_ERR_DECRYPT);
    assert_int_equal(b.open[3].err, JT_ERR_DECRYPT);
    b.open[2].ad[2] = (struct jt_bytes){ NULL, 0 };
    b.open[2].n_ad = 3;
    assert_int_equal(jt_siv_open_many(siv, mac, b.open, b.n), JT_OK);
    assert_int_equal(b.open[2].err, JT_ERR_DECRYPT);
    jt_siv_free(siv);
    batch_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_5297_vectors),
        cmocka_unit_test(openssl_vectors),
        cmocka_unit_test(wycheproof_vectors),
        cmocka_unit_test(key_lengths_other_than_32_and_64_are_refused),
        cmocka_unit_test(components_up_to_126),
        cmocka_unit_test(shorter_than_a_tag_is_refused),
        cmocka_unit_test(a_candidate_is_what_opening_would_give),
        cmocka_unit_test(empty_plaintext_round_trip),
        cmocka_unit_test(many_agree_with_single_for_packed_pans),
        cmocka_unit_test(many_agree_with_single_for_mixed_lengths),
        cmocka_unit_test(many_refuses_short_records_beside_good_ones),
        cmocka_unit_test(many_swapped_rows_and_headers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
