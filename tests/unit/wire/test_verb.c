/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/verb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void verbs_have_their_names(void **state)
{
    (void)state;
    assert_string_equal(jt_verb_name(JT_VERB_HELLO), "HELLO");
    assert_string_equal(jt_verb_name(16), "RING_ACCEPT");
    assert_string_equal(jt_verb_name(JT_VERB_SET_ACCEPT), "SET_ACCEPT");
}

static void any_other_number_has_a_name_for_the_log(void **state)
{
    (void)state;
    assert_string_equal(jt_verb_name(0), "an unknown verb");
    assert_string_equal(jt_verb_name(255), "an unknown verb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbs_have_their_names),
        cmocka_unit_test(any_other_number_has_a_name_for_the_log),
    };
    return cmocka_run_group_tests_name("wire/verb", tests, NULL, NULL);
}
