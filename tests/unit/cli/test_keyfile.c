/* SPDX-License-Identifier: Apache-2.0 */
/* cli/keyfile.h */
#include "cli/exit.h"
#include "cli/keyfile.h"
#include "tests/unit/cli/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "jck_app-1_0000000000000000000000000000000000000000000000000000"

static void keys_are_read_with_or_without_line_end(void **state)
{
    (void)state;
    static const char *const good[] = { KEY, KEY "\n", KEY "\r\n" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char key[JT_API_KEY_MAX + 1];
        directory_write("key", good[i], 0600);
        assert_int_equal(jt_keyfile_read(directory_path("key"), key), JT_EXIT_OK);
        assert_string_equal(key, KEY);
    }
}

static void what_is_no_private_key_file_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",         "\n",       "jck_",
                                       KEY "x",    KEY " ",    KEY "\n" KEY,
                                       "jck_App_", "password", KEY "\n\nmore text after it" };
    char key[JT_API_KEY_MAX + 1];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        directory_write("key", bad[i], 0600);
        assert_int_equal(jt_keyfile_read(directory_path("key"), key), JT_EXIT_CONFIG);
    }
    directory_write("key", KEY, 0640);
    assert_int_equal(jt_keyfile_read(directory_path("key"), key), JT_EXIT_CONFIG);
    assert_int_equal(jt_keyfile_read(directory_path("missing"), key), JT_EXIT_CONFIG);
    assert_int_equal(symlink(directory_path("key"), directory_path("link")), 0);
    assert_int_equal(jt_keyfile_read(directory_path("link"), key), JT_EXIT_CONFIG);
}

static void a_key_is_stored_in_one_step(void **state)
{
    (void)state;
    mode_t mode;
    assert_int_equal(jt_keyfile_create(directory_path("new"), KEY), JT_EXIT_OK);
    assert_string_equal(directory_read("new", &mode), KEY "\n");
    assert_int_equal(mode, 0600);
    assert_int_equal(jt_keyfile_create(directory_path("new"), "jck_other"), JT_EXIT_FAILED);
    assert_string_equal(directory_read("new", NULL), KEY "\n");
    assert_int_equal(jt_keyfile_create(directory_path("no/such"), KEY), JT_EXIT_FAILED);
    assert_int_equal(directory_n_entries(), 1);
}

static void a_reserved_file_is_filled(void **state)
{
    (void)state;
    struct jt_keyfile file;
    mode_t mode;
    assert_int_equal(jt_keyfile_reserve(directory_path("new"), &file), JT_EXIT_OK);
    assert_string_equal(directory_read("new", &mode), "");
    assert_int_equal(mode, 0600);
    assert_int_equal(jt_keyfile_store(&file, KEY), JT_EXIT_OK);
    assert_string_equal(directory_read("new", &mode), KEY "\n");
    assert_int_equal(mode, 0600);
    assert_int_equal(directory_n_entries(), 1);
    jt_keyfile_abandon(&file); /* too late to remove it */
    assert_int_equal(directory_n_entries(), 1);
}

static void a_reservation_can_be_given_back(void **state)
{
    (void)state;
    struct jt_keyfile file;
    assert_int_equal(jt_keyfile_reserve(directory_path("new"), &file), JT_EXIT_OK);
    jt_keyfile_abandon(&file);
    assert_int_equal(directory_n_entries(), 0);
}

static void taken_names_and_missing_directories_fail_before_the_server_is_asked(void **state)
{
    (void)state;
    struct jt_keyfile file;
    directory_write("taken", "x", 0600);
    assert_int_equal(jt_keyfile_reserve(directory_path("taken"), &file), JT_EXIT_FAILED);
    assert_string_equal(directory_read("taken", NULL), "x");
    assert_int_equal(jt_keyfile_reserve(directory_path("no/such"), &file), JT_EXIT_FAILED);
    assert_int_equal(jt_keyfile_reserve(directory_path(""), &file), JT_EXIT_FAILED);
    assert_int_equal(directory_n_entries(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, directory_make, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_are_read_with_or_without_line_end),
        TEST(what_is_no_private_key_file_is_refused),
        TEST(a_key_is_stored_in_one_step),
        TEST(a_reserved_file_is_filled),
        TEST(a_reservation_can_be_given_back),
        TEST(taken_names_and_missing_directories_fail_before_the_server_is_asked),
    };
    return cmocka_run_group_tests_name("cli/keyfile", tests, NULL, NULL);
}
