/* SPDX-License-Identifier: Apache-2.0 */
#include "model/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void names_are_printable_and_without_spaces(void **state)
{
    (void)state;
    assert_true(jt_node_name_valid("a"));
    assert_true(jt_node_name_valid("node-1.example:8443"));
    assert_false(jt_node_name_valid(""));
    assert_false(jt_node_name_valid("no de"));
    assert_false(jt_node_name_valid("tab\t"));
    assert_false(jt_node_name_valid("caf\xc3\xa9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_printable_and_without_spaces),
    };
    return cmocka_run_group_tests_name("model/node", tests, NULL, NULL);
}
