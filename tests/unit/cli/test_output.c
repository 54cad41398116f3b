/* SPDX-License-Identifier: Apache-2.0 */
/* cli/output.h */
#include "cli/exit.h"
#include "cli/output.h"
#include "tests/unit/cli/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void put(struct jt_output *o, const char *text)
{
    struct jt_buf data;
    jt_buf_init(&data, 1000);
    jt_buf_put(&data, text, strlen(text));
    assert_int_equal(jt_output_write(o, &data), JT_EXIT_OK);
    assert_int_equal(data.len, 0);
    jt_buf_clear(&data);
}

static void a_file_appears_whole_and_private(void **state)
{
    (void)state;
    struct jt_output o;
    mode_t mode, old = umask(0);
    assert_int_equal(jt_output_open(directory_path("out"), &o), JT_EXIT_OK);
    umask(old);
    put(&o, "one\n");
    put(&o, "");
    put(&o, "two\n");
    assert_int_equal(access(directory_path("out"), F_OK), -1);
    assert_string_equal(directory_read("out.part", &mode), "one\ntwo\n");
    assert_int_equal(mode, 0600);
    assert_int_equal(jt_output_commit(&o), JT_EXIT_OK);
    assert_string_equal(directory_read("out", &mode), "one\ntwo\n");
    assert_int_equal(mode, 0600);
    assert_int_equal(directory_n_entries(), 1);
    jt_output_abandon(&o);
    assert_int_equal(directory_n_entries(), 1);
}

static void an_abandoned_file_leaves_nothing_and_what_was_there(void **state)
{
    (void)state;
    struct jt_output o;
    directory_write("out", "old", 0644);
    assert_int_equal(jt_output_open(directory_path("out"), &o), JT_EXIT_OK);
    put(&o, "new");
    jt_output_abandon(&o);
    jt_output_abandon(&o);
    assert_string_equal(directory_read("out", NULL), "old");
    assert_int_equal(directory_n_entries(), 1);
}

static void a_leftover_is_written_over_and_made_private(void **state)
{
    (void)state;
    struct jt_output o;
    mode_t mode;
    directory_write("out.part", "something longer from a run that was killed", 0644);
    assert_int_equal(jt_output_open(directory_path("out"), &o), JT_EXIT_OK);
    put(&o, "new");
    assert_int_equal(jt_output_commit(&o), JT_EXIT_OK);
    assert_string_equal(directory_read("out", &mode), "new");
    assert_int_equal(mode, 0600);
}

static void a_file_that_another_command_writes_is_refused(void **state)
{
    (void)state;
    struct jt_output first, second;
    assert_int_equal(jt_output_open(directory_path("out"), &first), JT_EXIT_OK);
    put(&first, "first");
    assert_int_equal(jt_output_open(directory_path("out"), &second), JT_EXIT_FAILED);
    assert_int_equal(jt_output_commit(&first), JT_EXIT_OK);
    assert_string_equal(directory_read("out", NULL), "first");
    assert_int_equal(jt_output_open(directory_path("out"), &second), JT_EXIT_OK);
    jt_output_abandon(&second);
}

static void other_peoples_files_are_not_written_through(void **state)
{
    (void)state;
    struct jt_output o;
    directory_write("precious", "data", 0644);
    assert_int_equal(symlink(directory_path("precious"), directory_path("out.part")), 0);
    assert_int_equal(jt_output_open(directory_path("out"), &o), JT_EXIT_FAILED);
    assert_int_equal(unlink(directory_path("out.part")), 0);
    assert_int_equal(link(directory_path("precious"), directory_path("out.part")), 0);
    assert_int_equal(jt_output_open(directory_path("out"), &o), JT_EXIT_FAILED);
    assert_string_equal(directory_read("precious", NULL), "data");
    assert_int_equal(jt_output_open(directory_path("no/such"), &o), JT_EXIT_FAILED);
}

/* A rename would put a file in its place. */
static void only_an_ordinary_file_is_replaced(void **state)
{
    (void)state;
    struct jt_output o;
    directory_write("target", "data", 0644);
    assert_int_equal(mkdir(directory_path("directory"), 0700), 0);
    assert_int_equal(mkfifo(directory_path("fifo"), 0600), 0);
    assert_int_equal(symlink(directory_path("target"), directory_path("link")), 0);
    assert_int_equal(symlink("/dev/null", directory_path("null")), 0);
    static const char *const names[] = {
        "directory", "directory/", "new/", "fifo", "link", "null"
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(jt_output_check(directory_path(names[i])), JT_EXIT_FAILED);
        assert_int_equal(jt_output_open(directory_path(names[i]), &o), JT_EXIT_FAILED);
    }
    assert_int_equal(jt_output_check("/dev/null"), JT_EXIT_FAILED);
    assert_int_equal(jt_output_check(""), JT_EXIT_FAILED);
    assert_int_equal(jt_output_check(directory_path("no/such")), JT_EXIT_FAILED);
    assert_int_equal(jt_output_check(directory_path("target")), JT_EXIT_OK);
    assert_int_equal(jt_output_check(directory_path("new")), JT_EXIT_OK);
    assert_int_equal(jt_output_check("-"), JT_EXIT_OK);
    assert_int_equal(directory_n_entries(), 5);
}

/* It would be private to him. */
static void what_another_owner_left_is_refused(void **state)
{
    (void)state;
    struct jt_output o;
    directory_write("out.part", "", 0666);
    if (chown(directory_path("out.part"), 65534, 65534) != 0) {
        skip(); /* not root: there can be no such file that is not refused anyway */
    }
    assert_int_equal(jt_output_open(directory_path("out"), &o), JT_EXIT_FAILED);
}

static void what_another_run_left_is_gone_on_with(void **state)
{
    (void)state;
    struct jt_output o;
    directory_write("out.part", "settled, and half a rec", 0600);
    assert_int_equal(jt_output_take(directory_path("out"), &o), JT_EXIT_OK);
    assert_int_equal(jt_output_cut(&o, 7), JT_EXIT_OK);
    put(&o, " and more");
    assert_int_equal(jt_output_sync(&o), JT_EXIT_OK);
    jt_output_leave(&o);
    assert_string_equal(directory_read("out.part", NULL), "settled and more");
    assert_int_equal(jt_output_take(directory_path("out"), &o), JT_EXIT_OK);
    assert_int_equal(jt_output_cut(&o, 100), JT_EXIT_FAILED); /* there is less */
    jt_output_abandon(&o);
    assert_string_equal(directory_read("out.part", NULL), "settled and more");
}

static void what_is_not_taken_over_stays_and_what_was_made_goes(void **state)
{
    (void)state;
    struct jt_output o;
    directory_write("out.part", "", 0600);
    assert_int_equal(jt_output_take(directory_path("out"), &o), JT_EXIT_OK);
    jt_output_abandon(&o);
    assert_int_equal(directory_n_entries(), 1);
    assert_int_equal(jt_output_take(directory_path("other"), &o), JT_EXIT_OK);
    assert_int_equal(directory_n_entries(), 2);
    jt_output_abandon(&o);
    assert_int_equal(directory_n_entries(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, directory_make, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_appears_whole_and_private),
        TEST(an_abandoned_file_leaves_nothing_and_what_was_there),
        TEST(a_leftover_is_written_over_and_made_private),
        TEST(a_file_that_another_command_writes_is_refused),
        TEST(other_peoples_files_are_not_written_through),
        TEST(only_an_ordinary_file_is_replaced),
        TEST(what_another_owner_left_is_refused),
        TEST(what_another_run_left_is_gone_on_with),
        TEST(what_is_not_taken_over_stays_and_what_was_made_goes),
    };
    return cmocka_run_group_tests_name("cli/output", tests, NULL, NULL);
}
