/* SPDX-License-Identifier: Apache-2.0 */
#include "model/field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void names_have_one_form(void **state)
{
    (void)state;
    assert_true(jt_field_name_valid("cards.pan"));
    assert_true(jt_field_name_valid("a_b-c9"));
    const char *const bad[] = { "", "9a", ".a", "Cards", "a/b", "a b" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(jt_field_name_valid(bad[i]));
    }
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(jt_field_kind_name(JT_FIELD_PAN), "pan");
    assert_string_equal(jt_field_kind_name(JT_FIELD_BYTES), "bytes");
    assert_string_equal(jt_field_kind_name((enum jt_field_kind)0), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_one_form),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests_name("model/field", tests, NULL, NULL);
}
