/* SPDX-License-Identifier: Apache-2.0 */
#include "model/generation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void states_have_names(void **state)
{
    (void)state;
    assert_string_equal(jt_generation_state_name(JT_GENERATION_FUTURE), "future");
    assert_string_equal(jt_generation_state_name(JT_GENERATION_ACTIVE), "active");
    assert_string_equal(jt_generation_state_name(JT_GENERATION_DRAINING), "draining");
    assert_string_equal(jt_generation_state_name(JT_GENERATION_RETIRED), "retired");
    assert_string_equal(jt_generation_state_name(JT_GENERATION_DESTROYED), "destroyed");
    assert_string_equal(jt_generation_state_name((enum jt_generation_state)0), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_have_names),
    };
    return cmocka_run_group_tests_name("model/generation", tests, NULL, NULL);
}
