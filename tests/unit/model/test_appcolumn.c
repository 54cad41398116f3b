/* SPDX-License-Identifier: Apache-2.0 */
#include "model/appcolumn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void names_have_one_form(void **state)
{
    (void)state;
    const char *const good[] = { "a", "_x", "Pan$2", "customer_card" };
    const char *const bad[] = { "",     "9a",  "$a",  "a b",         "a.b",
                                "a\"b", "a-b", "a\n", "caf\303\251", "a'b" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(jt_appcolumn_name_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(jt_appcolumn_name_valid(bad[i]));
    }
    char longest[JT_APP_NAME_MAX + 2];
    memset(longest, 'n', sizeof longest);
    longest[JT_APP_NAME_MAX] = '\0';
    assert_true(jt_appcolumn_name_valid(longest));
    longest[JT_APP_NAME_MAX] = 'n';
    longest[JT_APP_NAME_MAX + 1] = '\0';
    assert_false(jt_appcolumn_name_valid(longest));
    assert_true(jt_appcolumn_table_valid("public.customer"));
    const char *const tables[] = { "customer", "public.", ".customer", "a.b.c", "a .b" };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        assert_false(jt_appcolumn_table_valid(tables[i]));
    }
}

static void its_text_comes_back(void **state)
{
    (void)state;
    static const char text[] = "shop public.customer id pan pan_envelope";
    struct jt_appcolumn c;
    char again[JT_APP_COLUMN_MAX + 1];
    assert_true(jt_appcolumn_parse(text, &c));
    assert_string_equal(c.database, "shop");
    assert_string_equal(c.schema, "public");
    assert_string_equal(c.table, "customer");
    assert_string_equal(c.key, "id");
    assert_string_equal(c.value, "pan");
    assert_string_equal(c.envelope, "pan_envelope");
    assert_true(jt_appcolumn_format(&c, again));
    assert_string_equal(again, text);
}

static void other_texts_are_none(void **state)
{
    (void)state;
    const char *const bad[] = {
        "",
        "shop",
        "shop public.customer id pan",
        "shop public.customer id pan pan_envelope ",
        " shop public.customer id pan pan_envelope",
        "shop  public.customer id pan pan_envelope",
        "shop customer id pan pan_envelope",
        "shop public.customer id pan pan.envelope",
        "shop public.customer id pan pan_envelope more",
        "shop public.customer id pan pan", /* the envelope over the card number */
        "shop public.customer id id pan_envelope",
        "shop public.customer id pan id",
    };
    struct jt_appcolumn c;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(jt_appcolumn_parse(bad[i], &c));
    }
    assert_true(jt_appcolumn_parse("a b.c d e f", &c));
    memset(c.database, 'd', JT_APP_NAME_MAX);
    memset(c.schema, 's', JT_APP_NAME_MAX);
    memset(c.table, 't', JT_APP_NAME_MAX);
    memset(c.key, 'k', JT_APP_NAME_MAX);
    char out[JT_APP_COLUMN_MAX + 1];
    assert_false(jt_appcolumn_format(&c, out)); /* each name is good, and all are too long */
    c.key[1] = '\0';
    assert_true(jt_appcolumn_format(&c, out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_one_form),
        cmocka_unit_test(its_text_comes_back),
        cmocka_unit_test(other_texts_are_none),
    };
    return cmocka_run_group_tests_name("model/appcolumn", tests, NULL, NULL);
}
