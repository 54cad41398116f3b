/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/budget_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_list(const char *list, const char *json)
{
    json_t *budgets = jt_budget_list(list);
    char *text = json_dumps(budgets, JSON_COMPACT);
    assert_non_null(text);
    assert_string_equal(text, json);
    free(text);
    json_decref(budgets);
}

static void budgets_are_read(void **state)
{
    (void)state;
    assert_list("none", "[]");
    assert_list("detokenize=200/s", "[{\"operation\":\"detokenize\",\"per_second\":200}]");
    assert_list("detokenize=7/day,200/s,lookup=4294967295/day",
                "[{\"operation\":\"detokenize\",\"per_day\":7,\"per_second\":200},"
                "{\"operation\":\"lookup\",\"per_day\":4294967295}]");
}

static void what_has_another_form_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       ",",
                                       "200/s",
                                       "a",
                                       "a=",
                                       "=1/s",
                                       "a=1",
                                       "a=1/",
                                       "a=1/d",
                                       "a=/s",
                                       "a=0/s",
                                       "a=-1/s",
                                       "a=+1/s",
                                       "a= 1/s",
                                       "a=1/s,",
                                       ",a=1/s",
                                       "a=1/s,2/s",
                                       "a=1/s,,b=1/s",
                                       "a=1/s/day",
                                       "a=b=1/s",
                                       "a=4294967296/s",
                                       "a=99999999999999999999999/s",
                                       "none,a=1/s" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(jt_budget_list(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budgets_are_read),
        cmocka_unit_test(what_has_another_form_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
