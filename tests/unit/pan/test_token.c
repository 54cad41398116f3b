/* SPDX-License-Identifier: Apache-2.0 */
/* pan/token.h */
#include "base/random.h"
#include "pan/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void text_of_known_bytes(void **state)
{
    (void)state;
    char text[JT_TOKEN_TEXT_LEN + 1];
    jt_token_format((const uint8_t *)"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", text);
    assert_string_equal(text, "jtk_00000000000000000000000000");
    jt_token_format(
        (const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", text);
    assert_string_equal(text, "jtk_zzzzzzzzzzzzzzzzzzzzzzzzzw");
}

static void tokens_come_back_from_their_text(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++) {
        uint8_t token[JT_TOKEN_LEN], back[JT_TOKEN_LEN];
        char text[JT_TOKEN_TEXT_LEN + 1];
        jt_random_fill(token, sizeof token);
        jt_token_format(token, text);
        assert_int_equal(strlen(text), JT_TOKEN_TEXT_LEN);
        assert_int_equal(jt_token_parse(text, JT_TOKEN_TEXT_LEN, back), JT_OK);
        assert_memory_equal(back, token, sizeof token);
    }
}

/*
 * Every change of one character gives another token or none: never the same token under a second
 * name.
 */
static void one_token_has_one_text(void **state)
{
    (void)state;
    uint8_t token[JT_TOKEN_LEN], other[JT_TOKEN_LEN];
    char text[JT_TOKEN_TEXT_LEN + 1];
    jt_random_fill(token, sizeof token);
    jt_token_format(token, text);
    for (size_t i = 0; i < JT_TOKEN_TEXT_LEN; i++) {
        char original = text[i];
        for (int c = 0; c < 256; c++) {
            text[i] = (char)c;
            if ((char)c != original && jt_token_parse(text, JT_TOKEN_TEXT_LEN, other) == JT_OK) {
                assert_memory_not_equal(other, token, sizeof token);
            }
        }
        text[i] = original;
    }
}

static void malformed_texts_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "jtk_",
        "jtk_0000000000000000000000000",
        "jtk_000000000000000000000000000",
        "JTK_00000000000000000000000000",
        "jck_00000000000000000000000000",
        "jtk-00000000000000000000000000",
        "jtk_0000000000000000000000000A",
        "jtk_00000000000000000000000001",
        " jtk_0000000000000000000000000",
        "4111111111111111",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t out[JT_TOKEN_LEN];
        memset(out, 0xaa, sizeof out);
        assert_int_equal(jt_token_parse(bad[i], strlen(bad[i]), out), JT_ERR_INVALID);
        assert_memory_equal(out, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", sizeof out);
    }
    uint8_t out[JT_TOKEN_LEN];
    assert_int_equal(jt_token_parse("jtk_000000000000\0000000000000000", JT_TOKEN_TEXT_LEN, out),
                     JT_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_known_bytes),
        cmocka_unit_test(tokens_come_back_from_their_text),
        cmocka_unit_test(one_token_has_one_text),
        cmocka_unit_test(malformed_texts_are_refused),
    };
    return cmocka_run_group_tests_name("pan/token", tests, NULL, NULL);
}
