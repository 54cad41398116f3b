/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key directory by itself: what may lie in it and what may not, what is said of that,
 * left-overs of a crash, and an erasure of which any step fails.
 */
#include "failing.h"
#include "keeper/keydir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BYTES "what nobody else may read"

static char parent[64], keys[80];
static int dir_fd;
static struct jt_keydir listing;

static int setup(void **state)
{
    (void)state;
    struct jt_fault fault = { 0 };
    (void)snprintf(parent, sizeof parent, "/tmp/jeton-keydir-XXXXXX");
    assert_non_null(mkdtemp(parent));
    (void)snprintf(keys, sizeof keys, "%s/keys", parent);
    assert_int_equal(jt_keydir_make(keys, &fault), JT_OK);
    assert_int_equal(jt_keydir_open(keys, &dir_fd, &fault), JT_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[120];
    close(dir_fd);
    (void)snprintf(command, sizeof command, "rm -r %s", parent);
    return system(command);
}

static void put(const char *name)
{
    assert_int_equal(jt_keydir_write_new(dir_fd, name, BYTES, strlen(BYTES)), JT_OK);
}

static bool is_there(const char *name)
{
    struct stat st;
    return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void path_of(const char *name, char out[static 200])
{
    (void)snprintf(out, 200, "%s/%s", keys, name);
}

/* Neither the start nor the watch takes it, and both say what it is. */
static void refused(const char *told)
{
    struct jt_fault at_start = { 0 }, later = { 0 };
    assert_int_equal(jt_keydir_list(dir_fd, &listing, &at_start), JT_ERR_FILE_UNSAFE);
    assert_non_null(strstr(at_start.cause, told));
    assert_int_equal(jt_keydir_look(dir_fd, &listing, &later), JT_ERR_FILE_UNSAFE);
    assert_non_null(strstr(later.cause, told));
}

static void what_is_no_regular_file_is_called_what_it_is(void **state)
{
    (void)state;
    char path[200];
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    path_of(JT_KEYDIR_MASTER, path);
    assert_int_equal(mkdir(path, 0700), 0);
    refused("is a directory, must be a regular file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("elsewhere", path), 0);
    refused("is a symbolic link");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    refused("is a fifo");
    assert_int_equal(unlink(path), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(strlen(path) < sizeof at.sun_path);
    memcpy(at.sun_path, path, strlen(path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    refused("is a socket");
    close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(jt_keydir_list(dir_fd, &listing, &(struct jt_fault){ 0 }), JT_OK);
}

static void what_others_can_read_or_name_is_refused(void **state)
{
    (void)state;
    char path[200], other[200];
    path_of(JT_KEYDIR_STATE, path);
    put(JT_KEYDIR_STATE);
    assert_int_equal(chmod(path, 0640), 0);
    refused("is open to group or others (mode 0640");
    assert_int_equal(chmod(path, 0600), 0);
    (void)snprintf(other, sizeof other, "%s/other", parent);
    assert_int_equal(link(path, other), 0);
    refused("has 2 names");
    assert_int_equal(unlink(other), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
        refused("belongs to uid 12345");
        assert_int_equal(chown(path, 0, (gid_t)-1), 0);
    }
    put("generation-01.key"); /* one number has one name */
    refused("does not belong in the keeper's directory");
    assert_int_equal(unlinkat(dir_fd, "generation-01.key", 0), 0);
    put("generation-0.used");
    refused("does not belong");
}

/* Read one by one they are told by their looks as well. */
static void a_file_that_is_not_safe_is_not_read(void **state)
{
    (void)state;
    char path[200];
    struct jt_buf out;
    struct jt_fault fault = { 0 };
    path_of(JT_KEYDIR_ROOT, path);
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_int_equal(jt_keydir_read(dir_fd, JT_KEYDIR_ROOT, 100, &out, &fault), JT_ERR_FILE_UNSAFE);
    assert_non_null(strstr(fault.cause, "is a symbolic link"));
    jt_buf_clear(&out);
    assert_int_equal(unlink(path), 0);
    put(JT_KEYDIR_ROOT);
    assert_int_equal(chmod(path, 0644), 0);
    fault = (struct jt_fault){ 0 };
    assert_int_equal(jt_keydir_read(dir_fd, JT_KEYDIR_ROOT, 100, &out, &fault), JT_ERR_FILE_UNSAFE);
    assert_non_null(strstr(fault.cause, "mode 0644"));
    assert_int_equal(out.len, 0);
    jt_buf_clear(&out);
    assert_int_equal(chmod(path, 0600), 0);
    fault = (struct jt_fault){ 0 };
    assert_int_equal(jt_keydir_read(dir_fd, JT_KEYDIR_ROOT, 4, &out, &fault), JT_ERR_FILE_ALTERED);
    jt_buf_clear(&out);
    assert_int_equal(jt_keydir_read(dir_fd, JT_KEYDIR_HONEY, 4, &out, &fault), JT_ERR_NO_FILE);
    jt_buf_clear(&out);
    assert_int_equal(jt_keydir_read(dir_fd, JT_KEYDIR_ROOT, 100, &out, &fault), JT_OK);
    assert_memory_equal(out.data, BYTES, out.len);
    jt_buf_clear(&out);
}

static const char *const known[] = { JT_KEYDIR_MASTER,     JT_KEYDIR_ROOT,
                                     JT_KEYDIR_STATE,      JT_KEYDIR_HONEY,
                                     JT_KEYDIR_CUSTODIANS, JT_KEYDIR_DESTRUCTIONS,
                                     JT_KEYDIR_ROTATION,   "generation-7.key",
                                     "generation-7.used" };

static void left_overs_go_at_a_start_and_stay_otherwise(void **state)
{
    (void)state;
    const size_t n = sizeof known / sizeof known[0];
    char name[JT_KEYDIR_NAME_LEN + 4];
    struct jt_fault fault = { 0 };
    for (size_t i = 0; i < n; i++) {
        put(known[i]);
        (void)snprintf(name, sizeof name, "%s.new", known[i]);
        put(name);
    }
    assert_int_equal(jt_keydir_look(dir_fd, &listing, &fault), JT_OK);
    assert_true(is_there(JT_KEYDIR_HONEY ".new"));
    assert_int_equal(jt_keydir_list(dir_fd, &listing, &fault), JT_OK);
    assert_true(listing.master && listing.root && listing.state && listing.honey &&
                listing.rotation && listing.n_generations == 1 && listing.n_marks == 1);
    assert_true(listing.generations[0] == 7 && listing.marks[0] == 7);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "%s.new", known[i]);
        assert_true(is_there(known[i]) && !is_there(name));
    }
}

/* What only looks like one stays, and is refused. */
static void no_foreign_file_is_taken_for_a_left_over(void **state)
{
    (void)state;
    char path[200], longest[JT_KEYDIR_NAME_LEN + 20];
    const char *const names[] = { ".new", "x.new", "master.key.newer", "generation-x.key.new" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        put(names[i]);
        refused("does not belong");
        assert_true(is_there(names[i]));
        assert_int_equal(unlinkat(dir_fd, names[i], 0), 0);
    }
    memset(longest, 'x', sizeof longest);
    memcpy(longest + sizeof longest - 5, ".new", 5);
    put(longest);
    refused("does not belong");
    assert_int_equal(unlinkat(dir_fd, longest, 0), 0);
    /* nor one of the right name that a keeper would not have made */
    path_of(JT_KEYDIR_STATE ".new", path);
    struct jt_fault fault = { 0 };
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(jt_keydir_list(dir_fd, &listing, &fault), JT_ERR_FILE_UNSAFE);
    assert_int_equal(rmdir(path), 0);
    put(JT_KEYDIR_STATE ".new");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(jt_keydir_list(dir_fd, &listing, &fault), JT_ERR_FILE_UNSAFE);
    assert_int_equal(chmod(path, 0600), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
        assert_int_equal(jt_keydir_list(dir_fd, &listing, &fault), JT_ERR_FILE_UNSAFE);
    }
    assert_true(is_there(JT_KEYDIR_STATE ".new"));
}

static void more_keys_than_there_can_be_are_refused(void **state)
{
    (void)state;
    char name[JT_KEYDIR_NAME_LEN];
    void (*const make[])(uint64_t, char[static JT_KEYDIR_NAME_LEN]) = { jt_keydir_generation_name,
                                                                        jt_keydir_mark_name };
    for (size_t i = 0; i < 2; i++) {
        for (uint64_t n = 1; n <= JT_KEYDIR_MAX_GENERATIONS; n++) {
            make[i](n, name);
            put(name);
        }
        assert_int_equal(jt_keydir_list(dir_fd, &listing, &(struct jt_fault){ 0 }), JT_OK);
        make[i](JT_KEYDIR_MAX_GENERATIONS + 1, name);
        put(name);
        refused("does not belong");
        assert_int_equal(unlinkat(dir_fd, name, 0), 0);
    }
    assert_int_equal(listing.n_generations, JT_KEYDIR_MAX_GENERATIONS);
}

static void a_directory_that_is_not_private_is_not_opened(void **state)
{
    (void)state;
    struct jt_fault fault = { 0 };
    int fd, again;
    char path[200];
    assert_int_equal(jt_keydir_open(keys, &fd, &fault), JT_ERR_IN_USE);
    close(dir_fd);
    assert_int_equal(chmod(keys, 0750), 0);
    assert_int_equal(jt_keydir_open(keys, &fd, &fault), JT_ERR_FILE_UNSAFE);
    assert_int_equal(chmod(keys, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/link", parent);
    assert_int_equal(symlink(keys, path), 0);
    assert_int_equal(jt_keydir_open(path, &fd, &fault), JT_ERR_FILE_UNSAFE);
    (void)snprintf(path, sizeof path, "%s/none", parent);
    assert_int_equal(jt_keydir_open(path, &fd, &fault), JT_ERR_IO);
    assert_int_equal(fd, -1);
    assert_int_equal(jt_keydir_open(keys, &dir_fd, &fault), JT_OK);
    /* nor taken for the same one when it was moved away, or opened to others */
    assert_int_equal(jt_keydir_same(keys, dir_fd, &fault), JT_OK);
    assert_int_equal(chmod(keys, 0710), 0);
    assert_int_equal(jt_keydir_same(keys, dir_fd, &fault), JT_ERR_IO);
    assert_int_equal(chmod(keys, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(keys, 12345, (gid_t)-1), 0);
        assert_int_equal(jt_keydir_same(keys, dir_fd, &fault), JT_ERR_IO);
        assert_int_equal(chown(keys, 0, (gid_t)-1), 0);
    }
    assert_int_equal(rename(keys, path), 0);
    assert_int_equal(jt_keydir_same(keys, dir_fd, &fault), JT_ERR_IO);
    assert_int_equal(mkdir(keys, 0700), 0);
    assert_int_equal(jt_keydir_same(keys, dir_fd, &fault), JT_ERR_IO);
    again = open(keys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(jt_keydir_same(keys, again, &fault), JT_OK);
    close(again);
}

/* Made anew each time; what is there already is no error. */
static void a_directory_is_made_or_it_is_said_what_failed(void **state)
{
    (void)state;
    char path[200];
    for (int number = 0; number < FAILING_MANY; number++) {
        struct jt_fault fault = { 0 };
        (void)snprintf(path, sizeof path, "%s/made-%d", parent, number);
        failing_from(number);
        enum jt_err err = jt_keydir_make(path, &fault);
        const char *failed = failing_end();
        if (failed == NULL) {
            assert_int_equal(err, JT_OK);
            assert_true(number >= 3);
            break;
        }
        assert_int_equal(err, JT_ERR_IO);
        assert_non_null(strstr(fault.cause, path));
        assert_int_equal(jt_keydir_make(path, &fault), JT_OK);
    }
    struct jt_fault fault = { 0 };
    (void)snprintf(path, sizeof path, "%s/none/made", parent);
    assert_int_equal(jt_keydir_make(path, &fault), JT_ERR_IO);
}

/* Whatever step fails, the bytes are gone in the end. */
static void an_erasure_that_failed_is_ended_by_the_next(void **state)
{
    (void)state;
    static const char large[4000] = "what is longer than what is overwritten at once";
    for (int number = 0; number < FAILING_MANY; number++) {
        assert_int_equal(jt_keydir_write_new(dir_fd, "generation-7.key", large, sizeof large),
                         JT_OK);
        failing_from(number);
        enum jt_err err = jt_keydir_erase(dir_fd, "generation-7.key");
        const char *failed = failing_end();
        if (failed == NULL) {
            assert_int_equal(err, JT_OK);
            assert_true(number > 6);
            assert_false(is_there("generation-7.key") || is_there("generation-7.key.new"));
            return;
        }
        if (err != JT_OK) {
            assert_int_equal(err, JT_ERR_IO);
            err = jt_keydir_erase(dir_fd, "generation-7.key");
            assert_true(err == JT_OK || err == JT_ERR_NO_FILE);
        }
        assert_false(is_there("generation-7.key") || is_there("generation-7.key.new"));
        assert_int_equal(jt_keydir_erase(dir_fd, "generation-7.key"), JT_ERR_NO_FILE);
    }
    fail_msg("no end");
}

/* That it is gone is said only when the directory says so on the disk as well. */
static void gone_and_not_synced_is_not_gone(void **state)
{
    (void)state;
    const char *failed = "";
    for (int number = 0; failed != NULL; number++) {
        failing_from(number);
        enum jt_err err = jt_keydir_erase(dir_fd, "generation-7.key");
        failed = failing_end();
        assert_int_equal(err, failed == NULL ? JT_ERR_NO_FILE : JT_ERR_IO);
    }
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(what_is_no_regular_file_is_called_what_it_is),
        HERE(what_others_can_read_or_name_is_refused),
        HERE(a_file_that_is_not_safe_is_not_read),
        HERE(left_overs_go_at_a_start_and_stay_otherwise),
        HERE(no_foreign_file_is_taken_for_a_left_over),
        HERE(more_keys_than_there_can_be_are_refused),
        HERE(a_directory_that_is_not_private_is_not_opened),
        HERE(a_directory_is_made_or_it_is_said_what_failed),
        HERE(an_erasure_that_failed_is_ended_by_the_next),
        HERE(gone_and_not_synced_is_not_gone),
    };
    return cmocka_run_group_tests_name("keeper/keydir", tests, NULL, NULL);
}
