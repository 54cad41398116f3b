/* SPDX-License-Identifier: Apache-2.0 */
#include "model/set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_set_row_is_told_from_any_other(void **state)
{
    (void)state;
    struct jt_set_row a = { .kind = JT_SET_CLIENTS, .version = 3, .mac = { 1 } };
    struct jt_set_row b = a;
    assert_true(jt_set_row_same(&a, &b));
    b.mac[JT_ROW_MAC_LEN - 1] = 1;
    assert_false(jt_set_row_same(&a, &b));
    b = a;
    b.version = 4;
    assert_false(jt_set_row_same(&a, &b));
    b = a;
    b.kind = JT_SET_FIELDS;
    assert_false(jt_set_row_same(&a, &b));
}

static void there_are_two_kinds(void **state)
{
    (void)state;
    assert_true(jt_set_kind_valid(JT_SET_CLIENTS));
    assert_true(jt_set_kind_valid(JT_SET_FIELDS));
    assert_false(jt_set_kind_valid(0));
    assert_false(jt_set_kind_valid(3));
    struct jt_set_row empty = jt_set_row_empty(JT_SET_FIELDS);
    assert_int_equal(empty.kind, JT_SET_FIELDS);
    assert_int_equal(empty.version, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_row_is_told_from_any_other),
        cmocka_unit_test(there_are_two_kinds),
    };
    return cmocka_run_group_tests_name("model/set", tests, NULL, NULL);
}
