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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_have_one_form),
    };
    return cmocka_run_group_tests_name("model/client", tests, NULL, NULL);
}
