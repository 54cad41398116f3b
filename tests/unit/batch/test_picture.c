/* SPDX-License-Identifier: Apache-2.0 */
/* batch/picture.h: what stands behind PIC. */
#include "batch/picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void pictures_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum jt_picture_kind kind;
        uint32_t size;
        bool is_signed, scaled;
    } pictures[] = {
        { "X", JT_PICTURE_TEXT, 1, false, false },
        { "x(16)", JT_PICTURE_TEXT, 16, false, false },
        { "XX(3)A", JT_PICTURE_TEXT, 5, false, false },
        { "X(4)99", JT_PICTURE_TEXT, 6, false, false },
        { "9(16)", JT_PICTURE_NUMBER, 16, false, false },
        { "9(0016)", JT_PICTURE_NUMBER, 16, false, false },
        { "S9(7)V99", JT_PICTURE_NUMBER, 9, true, true },
        { "S9(7)V", JT_PICTURE_NUMBER, 7, true, false },
        { "999PP", JT_PICTURE_NUMBER, 3, false, true },
        { "VPP9(2)", JT_PICTURE_NUMBER, 2, false, true },
        { "9(31)", JT_PICTURE_NUMBER, 31, false, false },
        { "N(5)", JT_PICTURE_WIDE, 5, false, false },
        { "Z(5)9.99", JT_PICTURE_EDITED, 9, false, false },
        { "$$,$$9.99CR", JT_PICTURE_EDITED, 11, false, false },
        { "9(4)B99/99", JT_PICTURE_EDITED, 10, false, false },
        { "-9(3)DB", JT_PICTURE_EDITED, 6, false, false },
    };
    for (size_t i = 0; i < sizeof pictures / sizeof pictures[0]; i++) {
        struct jt_picture p;
        const char *why = jt_picture_parse(pictures[i].text, strlen(pictures[i].text), &p);
        if (why != NULL) {
            fail_msg("%s: %s", pictures[i].text, why);
        }
        assert_int_equal(p.kind, pictures[i].kind);
        assert_int_equal(p.size, pictures[i].size);
        assert_int_equal(p.is_signed, pictures[i].is_signed);
        assert_int_equal(p.scaled, pictures[i].scaled);
        assert_int_equal(p.digits, p.kind == JT_PICTURE_NUMBER ? p.size : 0);
    }
}

static void what_is_no_picture(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",      "Q",          "X(",    "X()", "X(0)",  "X(a)",  "X(2",
        "9(32)", "S",          "9S9",   "SS9", "9V9V9", "SX",    "XN",
        "XV",    "X(1048577)", "V",     "PP",  "9(",    "9(-1)", "X(99999999)(2)",
        "U(3)",  "C9",         "X(2))",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct jt_picture p;
        if (jt_picture_parse(bad[i], strlen(bad[i]), &p) == NULL) {
            fail_msg("%s", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_read),
        cmocka_unit_test(what_is_no_picture),
    };
    return cmocka_run_group_tests_name("batch/picture", tests, NULL, NULL);
}
