/* SPDX-License-Identifier: Apache-2.0 */
/* batch/codepage.h: tables made of iconv, both ways; what is no single-byte code page is refused.
 */
#include "batch/codepage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void ebcdic_and_ascii_are_told_by_their_digits(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool ebcdic;
        uint8_t space, zero, plus;
    } pages[] = {
        { "IBM037", true, 0x40, 0xf0, 0x4e },  { "IBM1047", true, 0x40, 0xf0, 0x4e },
        { "IBM1140", true, 0x40, 0xf0, 0x4e }, { "IBM273", true, 0x40, 0xf0, 0x4e },
        { "ASCII", false, 0x20, 0x30, 0x2b },  { "ISO-8859-15", false, 0x20, 0x30, 0x2b },
        { "IBM850", false, 0x20, 0x30, 0x2b },
    };
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        struct jt_codepage cp;
        struct jt_trouble trouble;
        assert_int_equal(jt_codepage_open(pages[i].name, &cp, &trouble), JT_OK);
        assert_int_equal(cp.ebcdic, pages[i].ebcdic);
        assert_int_equal(cp.space, pages[i].space);
        assert_int_equal(cp.byte['0'], pages[i].zero);
        assert_int_equal(cp.byte['+'], pages[i].plus);
    }
}

static void what_is_no_code_page_of_single_bytes_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum jt_message message;
    } pages[] = {
        { "UTF-8", JT_MSG_CODEPAGE_WIDE },
        { "UTF-16", JT_MSG_CODEPAGE_WIDE },
        { "IBM930", JT_MSG_CODEPAGE_WIDE },
        { "IBM939", JT_MSG_CODEPAGE_WIDE },
        { "SHIFT_JIS", JT_MSG_CODEPAGE_WIDE },
        { "ISO-2022-JP", JT_MSG_CODEPAGE_WIDE },
        { "UTF-7", JT_MSG_CODEPAGE_WIDE },
        { "GB18030", JT_MSG_CODEPAGE_WIDE },
        { "nonsense", JT_MSG_CODEPAGE_UNKNOWN },
        { "", JT_MSG_CODEPAGE_UNKNOWN },
        { "IBM037//IGNORE", JT_MSG_CODEPAGE_UNKNOWN },
    };
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        struct jt_codepage cp;
        struct jt_trouble trouble;
        assert_int_equal(jt_codepage_open(pages[i].name, &cp, &trouble), JT_ERR_INVALID);
        assert_string_equal(jt_message_id(trouble.message), jt_message_id(pages[i].message));
        assert_true(pages[i].message != JT_MSG_CODEPAGE_UNKNOWN ||
                    strstr(trouble.detail, "iconv -l") != NULL);
    }
}

static void every_character_goes_there_and_back(void **state)
{
    (void)state;
    static const char *const names[] = { "IBM037", "IBM1047", "IBM1140", "IBM500", "ISO-8859-1" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct jt_codepage cp;
        struct jt_trouble trouble;
        struct jt_buf text, bytes;
        assert_int_equal(jt_codepage_open(names[i], &cp, &trouble), JT_OK);
        jt_buf_init(&text, 1000);
        jt_buf_init(&bytes, 256);
        uint8_t all[256];
        for (unsigned b = 0; b < 256; b++) {
            all[b] = (uint8_t)b;
        }
        assert_int_equal(jt_codepage_decode(&cp, all, 256, &text), JT_OK);
        assert_int_equal(jt_codepage_encode(&cp, (char *)text.data, text.len, &bytes), JT_OK);
        assert_int_equal(bytes.len, 256);
        assert_memory_equal(bytes.data, all, 256);
        jt_buf_clear(&text);
        jt_buf_clear(&bytes);
    }
}

static void what_has_no_character_is_an_error(void **state)
{
    (void)state;
    struct jt_codepage cp;
    struct jt_trouble trouble;
    struct jt_buf out;
    jt_buf_init(&out, 100);
    assert_int_equal(jt_codepage_open("ASCII", &cp, &trouble), JT_OK);
    assert_int_equal(jt_codepage_decode(&cp, (const uint8_t *)"a\x80", 2, &out), JT_ERR_INVALID);
    assert_int_equal(jt_codepage_encode(&cp, "\xc3\xa9", 2, &out), JT_ERR_INVALID);
    assert_int_equal(jt_codepage_encode(&cp, "\xff", 1, &out), JT_ERR_INVALID);
    assert_int_equal(jt_codepage_encode(&cp, "\xc3", 1, &out), JT_ERR_INVALID);
    jt_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ebcdic_and_ascii_are_told_by_their_digits),
        cmocka_unit_test(what_is_no_code_page_of_single_bytes_is_refused),
        cmocka_unit_test(every_character_goes_there_and_back),
        cmocka_unit_test(what_has_no_character_is_an_error),
    };
    return cmocka_run_group_tests_name("batch/codepage", tests, NULL, NULL);
}
