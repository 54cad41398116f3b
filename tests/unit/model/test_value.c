/* SPDX-License-Identifier: Apache-2.0 */
#include "model/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_pan_is_6_to_10_bytes(void **state)
{
    (void)state;
    for (size_t len = 0; len < 20; len++) {
        assert_int_equal(jt_value_len_valid(JT_FIELD_PAN, len), len >= 6 && len <= 10);
    }
}

static void no_other_kind_has_values(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 256; kind++) {
        assert_int_equal(jt_value_len_valid((uint8_t)kind, 8),
                         kind == JT_FIELD_PAN || kind == JT_FIELD_BYTES);
    }
    assert_true(jt_value_len_valid(JT_FIELD_BYTES, 1));
    assert_true(jt_value_len_valid(JT_FIELD_BYTES, 4096));
    assert_false(jt_value_len_valid(JT_FIELD_BYTES, 0));
    assert_false(jt_value_len_valid(JT_FIELD_BYTES, 4097));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pan_is_6_to_10_bytes),
        cmocka_unit_test(no_other_kind_has_values),
    };
    return cmocka_run_group_tests_name("model/value", tests, NULL, NULL);
}
