/* SPDX-License-Identifier: Apache-2.0 */
/* cli/input.h */
#include "cli/exit.h"
#include "cli/input.h"
#include "tests/unit/cli/directory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char text[] = "id,pan\n1,2\n";
#define LEN (sizeof text - 1)

static void open_it(struct jt_input *in)
{
    directory_write("in", text, 0600);
    assert_int_equal(jt_input_open(directory_path("in"), in), JT_EXIT_OK);
    assert_int_equal(jt_input_size(in), LEN);
}

static void what_stayed_as_it_was_is_good(void **state)
{
    (void)state;
    struct jt_input in;
    open_it(&in);
    assert_int_equal(jt_input_check_unchanged(&in, LEN), JT_EXIT_OK);
    assert_int_equal(chmod(directory_path("in"), 0400), 0); /* no change of what is in it */
    assert_int_equal(jt_input_check_unchanged(&in, LEN), JT_EXIT_OK);
    jt_input_close(&in);
    jt_input_close(&in);
}

static void a_short_read_is_told(void **state)
{
    (void)state;
    struct jt_input in;
    open_it(&in);
    assert_int_equal(jt_input_check_unchanged(&in, LEN - 1), JT_EXIT_FAILED);
    jt_input_close(&in);
}

static void each_change_is_told(void **state)
{
    (void)state;
    struct jt_input in;
    open_it(&in);
    assert_int_equal(truncate(directory_path("in"), 3), 0);
    assert_int_equal(jt_input_check_unchanged(&in, 3), JT_EXIT_FAILED);
    jt_input_close(&in);

    open_it(&in);
    assert_int_equal(truncate(directory_path("in"), LEN + 1), 0);
    assert_int_equal(jt_input_check_unchanged(&in, LEN), JT_EXIT_FAILED);
    jt_input_close(&in);

    open_it(&in);
    const struct timespec times[] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
    assert_int_equal(utimensat(AT_FDCWD, directory_path("in"), times, 0), 0);
    assert_int_equal(jt_input_check_unchanged(&in, LEN), JT_EXIT_FAILED);
    jt_input_close(&in);

    open_it(&in);
    directory_write("other", text, 0600);
    assert_int_equal(rename(directory_path("other"), directory_path("in")), 0);
    assert_int_equal(jt_input_check_unchanged(&in, LEN), JT_EXIT_FAILED);
    jt_input_close(&in);

    open_it(&in);
    assert_int_equal(unlink(directory_path("in")), 0);
    assert_int_equal(jt_input_check_unchanged(&in, LEN), JT_EXIT_FAILED);
    jt_input_close(&in);
}

static void what_is_no_regular_file_has_nothing_to_compare(void **state)
{
    (void)state;
    struct jt_input in;
    assert_int_equal(jt_input_open("/dev/null", &in), JT_EXIT_OK);
    assert_int_equal(jt_input_size(&in), 0);
    assert_int_equal(jt_input_check_unchanged(&in, 0), JT_EXIT_OK);
    jt_input_close(&in);
}

static void a_file_that_is_not_there_is_told(void **state)
{
    (void)state;
    struct jt_input in;
    assert_int_equal(jt_input_open(directory_path("none"), &in), JT_EXIT_FAILED);
    jt_input_close(&in);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, directory_make, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_stayed_as_it_was_is_good),
        TEST(a_short_read_is_told),
        TEST(each_change_is_told),
        TEST(what_is_no_regular_file_has_nothing_to_compare),
        TEST(a_file_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
