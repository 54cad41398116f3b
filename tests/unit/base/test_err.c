/* SPDX-License-Identifier: Apache-2.0 */
/* base/err.h: every reason has a number, a name and a phrase of its own. */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void each_reason_has_a_name_a_phrase_and_a_class_of_its_own(void **state)
{
    (void)state;
    for (int a = JT_OK; a <= JT_ERR_MAX; a++) {
        if (!jt_err_known((uint8_t)a)) {
            assert_string_equal(jt_err_name((enum jt_err)a), "UNKNOWN");
            continue;
        }
        assert_int_equal(jt_err_class((enum jt_err)a) == JT_CLASS_DONE, a == JT_OK);
        for (int b = JT_OK; b < a; b++) {
            assert_string_not_equal(jt_err_name((enum jt_err)a), jt_err_name((enum jt_err)b));
            assert_string_not_equal(jt_err_str((enum jt_err)a), jt_err_str((enum jt_err)b));
        }
    }
}

static void a_number_from_nowhere_is_given_up(void **state)
{
    (void)state;
    assert_string_equal(jt_err_str((enum jt_err)1000), "unknown reason");
    assert_int_equal(jt_err_class((enum jt_err)1000), JT_CLASS_GIVE_UP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_has_a_name_a_phrase_and_a_class_of_its_own),
        cmocka_unit_test(a_number_from_nowhere_is_given_up),
    };
    return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
