/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/shares.c: any k give the secret back, and a field of the test's own agrees. */
#include "crypto/shares.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t secret[JT_SHARE_LEN] = "thirty-two bytes of a secret....";

/* GF(2^8) by powers of the generator 3, as it is not done in the code. */
static uint8_t powers[255], logs[256];

static void make_tables(void)
{
    uint8_t a = 1;
    for (int i = 0; i < 255; i++) {
        powers[i] = a;
        logs[a] = (uint8_t)i;
        a = (uint8_t)(a ^ (a << 1) ^ ((a & 0x80) != 0 ? 0x1b : 0));
    }
}

static uint8_t by_table(uint8_t a, uint8_t b)
{
    return a == 0 || b == 0 ? 0 : powers[(logs[a] + logs[b]) % 255];
}

static void any_k_of_n_give_the_secret(void **state)
{
    (void)state;
    for (size_t n = 2; n <= 7; n++) {
        for (size_t k = 2; k <= n; k++) {
            struct jt_share all[JT_SHARES_MAX];
            assert_int_equal(jt_shares_split(secret, k, n, all), JT_OK);
            for (unsigned set = 0; set < 1u << n; set++) {
                struct jt_share some[JT_SHARES_MAX];
                uint8_t out[JT_SHARE_LEN];
                size_t n_some = 0;
                for (size_t i = 0; i < n; i++) {
                    if ((set >> i & 1) != 0) {
                        some[n_some++] = all[i];
                    }
                }
                if (n_some < 2) {
                    assert_int_equal(jt_shares_join(some, n_some, out), JT_ERR_LIMIT);
                    continue;
                }
                assert_int_equal(jt_shares_join(some, n_some, out), JT_OK);
                bool same = memcmp(out, secret, sizeof out) == 0;
                assert_true(same == (n_some >= k));
            }
        }
    }
}

/* With two shares: secret = (y1 x2 + y2 x1) / (x1 + x2), by the tables, for every place. */
static void the_field_is_that_of_aes(void **state)
{
    (void)state;
    make_tables();
    assert_int_equal(by_table(0x57, 0x83), 0xc1); /* FIPS 197, 4.2 */
    for (unsigned x1 = 1; x1 < 256; x1++) {
        for (unsigned x2 = 1; x2 < 256; x2++) {
            struct jt_share two[2] = { { .x = (uint8_t)x1 }, { .x = (uint8_t)x2 } };
            uint8_t out[JT_SHARE_LEN];
            if (x1 == x2) {
                assert_int_equal(jt_shares_join(two, 2, out), JT_ERR_LIMIT);
                continue;
            }
            for (size_t b = 0; b < JT_SHARE_LEN; b++) {
                two[0].y[b] = (uint8_t)(7 * b + x1);
                two[1].y[b] = (uint8_t)(31 * b + x2);
            }
            assert_int_equal(jt_shares_join(two, 2, out), JT_OK);
            for (size_t b = 0; b < JT_SHARE_LEN; b++) {
                uint8_t sum = (uint8_t)(x1 ^ x2);
                uint8_t top =
                    by_table(two[0].y[b], (uint8_t)x2) ^ by_table(two[1].y[b], (uint8_t)x1);
                assert_int_equal(by_table(out[b], sum), top);
            }
        }
    }
}

static void shares_are_others_each_time_and_never_the_secret(void **state)
{
    (void)state;
    struct jt_share a[3], b[3];
    assert_int_equal(jt_shares_split(secret, 2, 3, a), JT_OK);
    assert_int_equal(jt_shares_split(secret, 2, 3, b), JT_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(a[i].x, i + 1);
        assert_memory_not_equal(a[i].y, b[i].y, JT_SHARE_LEN);
        assert_memory_not_equal(a[i].y, secret, JT_SHARE_LEN);
    }
}

static void numbers_out_of_bounds_are_refused(void **state)
{
    (void)state;
    struct jt_share out[JT_SHARES_MAX + 1] = { { 0 } };
    uint8_t joined[JT_SHARE_LEN];
    assert_int_equal(jt_shares_split(secret, 1, 3, out), JT_ERR_LIMIT);
    assert_int_equal(jt_shares_split(secret, 4, 3, out), JT_ERR_LIMIT);
    assert_int_equal(jt_shares_split(secret, 2, JT_SHARES_MAX + 1, out), JT_ERR_LIMIT);
    assert_int_equal(jt_shares_split(secret, JT_SHARES_MAX, JT_SHARES_MAX, out), JT_OK);
    assert_int_equal(jt_shares_join(out, JT_SHARES_MAX, joined), JT_OK);
    assert_memory_equal(joined, secret, sizeof joined);
    out[1].x = 0;
    assert_int_equal(jt_shares_join(out, 2, joined), JT_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_k_of_n_give_the_secret),
        cmocka_unit_test(the_field_is_that_of_aes),
        cmocka_unit_test(shares_are_others_each_time_and_never_the_secret),
        cmocka_unit_test(numbers_out_of_bounds_are_refused),
    };
    return cmocka_run_group_tests_name("crypto/shares", tests, NULL, NULL);
}
