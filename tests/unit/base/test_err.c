/* SPDX-License-Identifier: Apache-2.0 */
/* base/err.h: every code has a phrase of its own. */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void phrases_differ(void **state)
{
    (void)state;
    for (int a = JT_OK; a <= JT_ERR_PROTOCOL; a++) {
        assert_string_not_equal(jt_err_str((enum jt_err)a), "unknown error");
        for (int b = JT_OK; b < a; b++) {
            assert_string_not_equal(jt_err_str((enum jt_err)a), jt_err_str((enum jt_err)b));
        }
    }
}

static void a_code_from_nowhere_has_one_too(void **state)
{
    (void)state;
    assert_string_equal(jt_err_str((enum jt_err)1000), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phrases_differ),
        cmocka_unit_test(a_code_from_nowhere_has_one_too),
    };
    return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
