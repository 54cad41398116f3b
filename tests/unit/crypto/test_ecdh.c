/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ecdh.h"

#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Section 5.2: each result is the next scalar, and each scalar the next u. */
static void iterate(const struct vector *v)
{
    uint8_t k[32] = { 9 }, u[32] = { 9 }, out[32];
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(jt_ecdh_shared(k, u, out), JT_OK);
        memcpy(u, k, sizeof u);
        memcpy(k, out, sizeof k);
        if (i == 0) {
            assert_memory_equal(k, vector_get(v, "once").p, sizeof k);
        }
    }
    assert_memory_equal(k, vector_get(v, "thousand").p, sizeof k);
}

static void rfc_7748_vectors(void **state)
{
    (void)state;
    struct vector_file f = vector_file_open("x25519_rfc7748.txt");
    struct vector v;
    uint8_t out[32];
    size_t n = 0;
    for (; vector_next(&f, &v); n++) {
        if (vector_has(&v, "thousand")) {
            iterate(&v);
            continue;
        }
        struct jt_bytes scalar = vector_get(&v, "scalar");
        assert_int_equal(jt_ecdh_shared(scalar.p, vector_get(&v, "u").p, out), JT_OK);
        assert_memory_equal(out, vector_get(&v, "shared").p, sizeof out);
        if (vector_has(&v, "public")) {
            assert_int_equal(jt_ecdh_public(scalar.p, out), JT_OK);
            assert_memory_equal(out, vector_get(&v, "public").p, sizeof out);
        }
    }
    vector_file_close(&f);
    assert_int_equal(n, 5);
}

/* All points of order 1, 2, 4 and 8, also as numbers that are not reduced. */
static void points_of_low_order_are_refused(void **state)
{
    (void)state;
    uint8_t points[7][32] = {
        { 0 },
        { 1 },
        { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
          0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
          0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
        { 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
          0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
          0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57 },
    };
    for (size_t i = 4; i < 7; i++) { /* p - 1, p and p + 1, of p = 2^255 - 19 */
        memset(points[i], 0xff, 32);
        points[i][0] = (uint8_t)(0xec + i - 4);
        points[i][31] = 0x7f;
    }
    uint8_t private_key[32], public_key[32], out[32];
    static const uint8_t zero[32];
    assert_int_equal(jt_ecdh_generate(private_key, public_key), JT_OK);
    for (size_t i = 0; i < 7; i++) {
        memset(out, 0xee, sizeof out);
        assert_int_equal(jt_ecdh_shared(private_key, points[i], out), JT_ERR_INVALID);
        assert_memory_equal(out, zero, sizeof out);
        points[i][31] |= 0x80; /* the top bit does not count */
        assert_int_equal(jt_ecdh_shared(private_key, points[i], out), JT_ERR_INVALID);
    }
}

static void two_sides_agree_and_no_pair_comes_twice(void **state)
{
    (void)state;
    uint8_t a[32], a_public[32], b[32], b_public[32], ab[32], ba[32];
    assert_int_equal(jt_ecdh_generate(a, a_public), JT_OK);
    assert_int_equal(jt_ecdh_generate(b, b_public), JT_OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(jt_ecdh_shared(a, b_public, ab), JT_OK);
    assert_int_equal(jt_ecdh_shared(b, a_public, ba), JT_OK);
    assert_memory_equal(ab, ba, sizeof ab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_7748_vectors),
        cmocka_unit_test(points_of_low_order_are_refused),
        cmocka_unit_test(two_sides_agree_and_no_pair_comes_twice),
    };
    return cmocka_run_group_tests_name("crypto/ecdh", tests, NULL, NULL);
}
