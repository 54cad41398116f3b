/* SPDX-License-Identifier: Apache-2.0 */
/* base/base64.h against the vectors of RFC 4648 section 10, and every byte value. */
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void rfc_4648_vectors(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[16];
        jt_base64_encode(cases[i][0], strlen(cases[i][0]), text);
        assert_string_equal(text, cases[i][1]);
        assert_int_equal(strlen(text), JT_BASE64_LEN(strlen(cases[i][0])));
    }
}

static void all_sixty_four_characters(void **state)
{
    (void)state;
    uint8_t bytes[48];
    for (unsigned i = 0; i < 16; i++) { /* three bytes hold the four values 4i .. 4i+3 */
        unsigned v = (4 * i) << 18 | (4 * i + 1) << 12 | (4 * i + 2) << 6 | (4 * i + 3);
        bytes[3 * i] = (uint8_t)(v >> 16);
        bytes[3 * i + 1] = (uint8_t)(v >> 8);
        bytes[3 * i + 2] = (uint8_t)v;
    }
    char text[JT_BASE64_LEN(sizeof bytes) + 1];
    jt_base64_encode(bytes, sizeof bytes, text);
    assert_string_equal(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

static enum jt_err decode(const char *text, size_t max, uint8_t *out, size_t *n)
{
    return jt_base64_decode(text, strlen(text), out, max, n);
}

static void decoding_is_the_inverse(void **state)
{
    (void)state;
    uint8_t bytes[70] = { 0 }, back[70];
    char text[JT_BASE64_LEN(sizeof bytes) + 1];
    for (size_t len = 0; len <= sizeof bytes; len++) {
        for (size_t i = 0; i < len; i++) {
            bytes[i] = (uint8_t)(i * 37 + len * 11);
        }
        size_t n = 99;
        jt_base64_encode(bytes, len, text);
        assert_int_equal(decode(text, len, back, &n), JT_OK);
        assert_int_equal(n, len);
        assert_memory_equal(bytes, back, len);
        if (len > 0) {
            assert_int_equal(decode(text, len - 1, back, &n), JT_ERR_INVALID);
        }
    }
}

static void only_canonical_text_is_taken(void **state)
{
    (void)state;
    static const char *const bad[] = { "Zg",   "Zg=",   "Zg=a", "Z===",      "====",     "Zh==",
                                       "Zm9=", "Zm9v=", "Zm-v", "Zm9v\n",    "Zg==Zg==", " m9v",
                                       "Zm_v", "=m9v",  "Z=9v", "Zm9vZm9vA", "Zm9\x80" };
    uint8_t out[20];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t n = 99;
        assert_int_equal(decode(bad[i], sizeof out, out, &n), JT_ERR_INVALID);
        assert_int_equal(n, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_4648_vectors),
        cmocka_unit_test(all_sixty_four_characters),
        cmocka_unit_test(decoding_is_the_inverse),
        cmocka_unit_test(only_canonical_text_is_taken),
    };
    return cmocka_run_group_tests_name("base/base64", tests, NULL, NULL);
}
