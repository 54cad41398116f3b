/* SPDX-License-Identifier: Apache-2.0 */
#include "model/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void ids_have_one_form(void **state)
{
    (void)state;
    assert_true(jt_client_id_valid("a"));
    assert_true(jt_client_id_valid("shop-1"));
    assert_true(jt_client_id_valid("abcdefghijklmnopqrstuvwxyz012345"));
    const char *const bad[] = { "",    "1a",  "-a",  "Shop",
                                "a_b", "a b", "a\n", "abcdefghijklmnopqrstuvwxyz0123456" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(jt_client_id_valid(bad[i]));
    }
}

static void every_permission_has_a_name(void **state)
{
    (void)state;
    uint32_t all = 0;
    for (size_t i = 0; i < JT_N_PERMISSIONS; i++) {
        assert_int_equal(all & jt_permission_names[i].bit, 0);
        all |= jt_permission_names[i].bit;
    }
    assert_int_equal(all, JT_MAY_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_have_one_form),
        cmocka_unit_test(every_permission_has_a_name),
    };
    return cmocka_run_group_tests_name("model/client", tests, NULL, NULL);
}
