/* SPDX-License-Identifier: Apache-2.0 */
/* base/base32.h: canonical text both ways, and every way to be non-canonical refused. */
#include "base/base32.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void known_values(void **state)
{
    (void)state;
    /*
     * By hand from Crockford's alphabet: 0x00 = 00000 000(00); 0xff = 11111 111(00); "foobar" as in
     * RFC 4648 with this alphabet.
     */
    static const struct {
        const char *bytes;
        size_t len;
        const char *text;
    } cases[] = {
        { "", 0, "" },
        { "\0", 1, "00" },
        { "\xff", 1, "zw" },
        { "f", 1, "cr" },
        { "fo", 2, "csqg" },
        { "foo", 3, "csqpy" },
        { "foob", 4, "csqpyrg" },
        { "fooba", 5, "csqpyrk1" },
        { "foobar", 6, "csqpyrk1e8" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[32];
        uint8_t back[8] = { 0 };
        jt_base32_encode(cases[i].bytes, cases[i].len, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(strlen(text), JT_BASE32_LEN(cases[i].len));
        assert_int_equal(jt_base32_decode(text, cases[i].len, back), JT_OK);
        assert_memory_equal(back, cases[i].bytes, cases[i].len);
    }
}

static void random_bytes_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[40], back[40];
        char text[JT_BASE32_LEN(40) + 1];
        size_t len = (size_t)i % 41;
        jt_random_fill(bytes, sizeof bytes);
        jt_base32_encode(bytes, len, text);
        assert_int_equal(strlen(text), JT_BASE32_LEN(len));
        assert_int_equal(jt_base32_decode(text, len, back), JT_OK);
        assert_memory_equal(back, bytes, len);
    }
}

/* Every text of two characters is either refused or the one text of its byte. */
static void one_value_has_one_text(void **state)
{
    (void)state;
    int accepted = 0;
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            char text[3] = { (char)a, (char)b, '\0' }, again[3];
            uint8_t byte = 0x55;
            if (jt_base32_decode(text, 1, &byte) == JT_OK) {
                jt_base32_encode(&byte, 1, again);
                assert_memory_equal(again, text, 3);
                accepted++;
            } else {
                assert_int_equal(byte, 0);
            }
        }
    }
    assert_int_equal(accepted, 256);
}

static void refusals_zero_the_output(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "00000000000000000000000001", /* padding bits set */
        "0000000000000000000000000Z",
        "0000000000000000000000000i",
        "0000000000000000000000000l",
        "0000000000000000000000000o",
        "0000000000000000000000000u",
        "0000000000000-000000000000",
        "000000000000000000000000 0",
        "0",
        "",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t out[16];
        memset(out, 0xaa, sizeof out);
        assert_int_equal(jt_base32_decode(bad[i], sizeof out, out), JT_ERR_INVALID);
        for (size_t k = 0; k < sizeof out; k++) {
            assert_int_equal(out[k], 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(random_bytes_come_back),
        cmocka_unit_test(one_value_has_one_text),
        cmocka_unit_test(refusals_zero_the_output),
    };
    return cmocka_run_group_tests_name("base/base32", tests, NULL, NULL);
}
