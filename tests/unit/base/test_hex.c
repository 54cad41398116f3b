/* SPDX-License-Identifier: Apache-2.0 */
/* base/hex.h */
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void every_byte_comes_back(void **state)
{
    (void)state;
    uint8_t bytes[256], back[256];
    char text[513];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
    }
    jt_hex_encode(bytes, sizeof bytes, text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102", 6);
    assert_string_equal(text + 506, "fdfeff");
    assert_int_equal(jt_hex_decode(text, sizeof back, back), JT_OK);
    assert_memory_equal(back, bytes, sizeof bytes);
}

static void upper_case_is_read_and_nothing_written_for_no_bytes(void **state)
{
    (void)state;
    uint8_t out[2];
    char empty[1] = { 'x' };
    assert_int_equal(jt_hex_decode("aBCd", 2, out), JT_OK);
    assert_memory_equal(out, "\xab\xcd", 2);
    jt_hex_encode(out, 0, empty);
    assert_string_equal(empty, "");
}

static void other_characters_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "0g", "g0", "/0", ":0", "@0", "`0", "G0", " 0", "0", "" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t out = 0xaa;
        assert_int_equal(jt_hex_decode(bad[i], 1, &out), JT_ERR_INVALID);
        assert_int_equal(out, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(upper_case_is_read_and_nothing_written_for_no_bytes),
        cmocka_unit_test(other_characters_are_refused),
    };
    return cmocka_run_group_tests_name("base/hex", tests, NULL, NULL);
}
