/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define KEY_LEN 32

static const uint8_t wrap_key[JT_SIV_256_KEY_LEN] = { 4, 4 };
static const uint8_t key[KEY_LEN] = { 1, 2, 3 };
static const char header[] = "generation 3, key id 9";

static bool all_zero(const uint8_t *p, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= p[i];
    }
    return any == 0;
}

static void round_trip(void **state)
{
    (void)state;
    uint8_t wrapped[KEY_LEN + JT_WRAP_OVERHEAD];
    uint8_t opened[KEY_LEN];
    assert_int_equal(jt_wrap_seal(wrap_key, header, sizeof(header), key, sizeof(key), wrapped),
                     JT_OK);
    assert_int_equal(
        jt_wrap_open(wrap_key, header, sizeof(header), wrapped, sizeof(wrapped), opened), JT_OK);
    assert_memory_equal(opened, key, sizeof(key));
}

static void changed_file_header_or_wrap_key_is_refused(void **state)
{
    (void)state;
    uint8_t wrapped[KEY_LEN + JT_WRAP_OVERHEAD];
    uint8_t opened[KEY_LEN];
    char other_header[sizeof(header)];
    uint8_t other_key[sizeof(wrap_key)];
    assert_int_equal(jt_wrap_seal(wrap_key, header, sizeof(header), key, sizeof(key), wrapped),
                     JT_OK);
    for (size_t bit = 0; bit < 8 * sizeof(wrapped); bit++) {
        wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(opened, 0xee, sizeof(opened));
        assert_int_equal(
            jt_wrap_open(wrap_key, header, sizeof(header), wrapped, sizeof(wrapped), opened),
            JT_ERR_DECRYPT);
        assert_true(all_zero(opened, sizeof(opened)));
        wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t i = 0; i < sizeof(header); i++) {
        memcpy(other_header, header, sizeof(header));
        other_header[i] ^= 1;
        assert_int_equal(
            jt_wrap_open(wrap_key, other_header, sizeof(header), wrapped, sizeof(wrapped), opened),
            JT_ERR_DECRYPT);
    }
    for (size_t i = 0; i < sizeof(wrap_key); i++) {
        memcpy(other_key, wrap_key, sizeof(wrap_key));
        other_key[i] ^= 1;
        assert_int_equal(
            jt_wrap_open(other_key, header, sizeof(header), wrapped, sizeof(wrapped), opened),
            JT_ERR_DECRYPT);
    }
    assert_int_equal(
        jt_wrap_open(wrap_key, header, sizeof(header) - 1, wrapped, sizeof(wrapped), opened),
        JT_ERR_DECRYPT);
    for (size_t len = 0; len < sizeof(wrapped); len++) {
        assert_int_equal(jt_wrap_open(wrap_key, header, sizeof(header), wrapped, len, opened),
                         JT_ERR_DECRYPT);
    }
}

static void random_keys_differ(void **state)
{
    (void)state;
    uint8_t keys[64][KEY_LEN];
    for (size_t i = 0; i < 64; i++) {
        memset(keys[i], 0, sizeof(keys[i]));
        assert_int_equal(jt_wrap_random_key(keys[i], sizeof(keys[i])), JT_OK);
        assert_false(all_zero(keys[i], sizeof(keys[i]) / 2));
        assert_false(all_zero(keys[i] + KEY_LEN / 2, KEY_LEN / 2));
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(keys[i], keys[k], sizeof(keys[i]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(changed_file_header_or_wrap_key_is_refused),
        cmocka_unit_test(random_keys_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
