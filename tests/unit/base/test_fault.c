/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void the_first_failure_is_kept(void **state)
{
    (void)state;
    struct jt_fault f = { 0 };
    jt_fault_about(&f, "generation %d", 7);
    assert_int_equal(jt_fault_set(&f, JT_ERR_NO_FILE, "generation-7.key"), JT_ERR_NO_FILE);
    assert_int_equal(jt_fault_set(&f, JT_ERR_KEY_MISSING, "later"), JT_ERR_KEY_MISSING);
    assert_int_equal(f.err, JT_ERR_NO_FILE);
    assert_string_equal(f.cause, "generation-7.key");
    jt_fault_about(&f, "something else");
    assert_string_equal(f.subject, "generation 7");
}

static void success_is_no_failure(void **state)
{
    (void)state;
    struct jt_fault f = { 0 };
    assert_int_equal(jt_fault_set(&f, JT_OK, "nothing"), JT_OK);
    assert_int_equal(f.err, JT_OK);
    assert_string_equal(f.cause, "");
}

static void who_handles_a_failure_forgets_it_and_keeps_the_subject(void **state)
{
    (void)state;
    struct jt_fault f = { 0 };
    jt_fault_about(&f, "client x");
    (void)jt_fault_raise(&f, JT_ERR_NO_CLIENT);
    jt_fault_clear(&f);
    assert_int_equal(f.err, JT_OK);
    assert_string_equal(f.subject, "client x");
    assert_int_equal(jt_fault_raise(&f, JT_ERR_DB_AWAY), JT_ERR_DB_AWAY);
    assert_int_equal(f.err, JT_ERR_DB_AWAY);
}

static void a_failure_without_an_owner_is_passed_on(void **state)
{
    (void)state;
    assert_int_equal(jt_fault_set(NULL, JT_ERR_IO, "x"), JT_ERR_IO);
}

static void the_line_names_subject_reason_cause_and_place(void **state)
{
    (void)state;
    struct jt_fault f = { 0 };
    char line[JT_FAULT_LINE_LEN];
    jt_fault_about(&f, "generation 7");
    (void)jt_fault_note(&f, JT_ERR_IO, "../elsewhere/src/keeper/genfile.c:12", "two\nlines");
    assert_string_equal(jt_fault_line(&f, JT_ERR_IO, line),
                        "generation 7: a system call failed: two lines (keeper/genfile.c:12)");
    (void)jt_fault_line(&f, JT_ERR_NOMEM, line);
    assert_string_equal(line, "generation 7: out of memory: a system call failed: two lines "
                              "(keeper/genfile.c:12)");
}

static void the_line_of_nothing_noted_is_the_reason(void **state)
{
    (void)state;
    const struct jt_fault f = { 0 };
    char line[JT_FAULT_LINE_LEN];
    assert_string_equal(jt_fault_line(&f, JT_ERR_NOMEM, line), "out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_failure_is_kept),
        cmocka_unit_test(success_is_no_failure),
        cmocka_unit_test(who_handles_a_failure_forgets_it_and_keeps_the_subject),
        cmocka_unit_test(a_failure_without_an_owner_is_passed_on),
        cmocka_unit_test(the_line_names_subject_reason_cause_and_place),
        cmocka_unit_test(the_line_of_nothing_noted_is_the_reason),
    };
    return cmocka_run_group_tests_name("base/fault", tests, NULL, NULL);
}
