/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.h: durable small files, in a directory of the test's own. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/jeton-test-file-XXXXXX";
static int dir_fd;

static int make_directory(void **state)
{
    (void)state;
    memcpy(directory + sizeof directory - 7, "XXXXXX", 6);
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir_fd >= 0 ? 0 : -1;
}

static int n_entries(void)
{
    int n = 0;
    DIR *d = opendir(directory);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    }
    closedir(d);
    return n;
}

static int remove_directory(void **state)
{
    (void)state;
    DIR *d = opendir(directory);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        (void)unlinkat(dir_fd, e->d_name, 0);
    }
    closedir(d);
    close(dir_fd);
    return rmdir(directory);
}

static void assert_holds(const char *name, const char *contents)
{
    struct jt_buf b;
    jt_buf_init(&b, 10000);
    assert_int_equal(jt_file_read(dir_fd, name, true, &b), JT_OK);
    assert_int_equal(b.len, strlen(contents));
    assert_true(b.len == 0 || memcmp(b.data, contents, b.len) == 0);
    jt_buf_clear(&b);
}

static void a_new_file_is_private_and_alone(void **state)
{
    (void)state;
    mode_t old = umask(0);
    assert_int_equal(jt_file_write_new(dir_fd, "key", "contents", 8), JT_OK);
    umask(old);
    struct stat st;
    assert_int_equal(fstatat(dir_fd, "key", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(n_entries(), 1);
    assert_holds("key", "contents");
}

static void an_existing_file_is_never_overwritten(void **state)
{
    (void)state;
    assert_int_equal(jt_file_write_new(dir_fd, "key", "first", 5), JT_OK);
    assert_int_equal(jt_file_write_new(dir_fd, "key", "second", 6), JT_ERR_FILE_EXISTS);
    assert_int_equal(symlinkat("nowhere", dir_fd, "dangling"), 0);
    assert_int_equal(jt_file_write_new(dir_fd, "dangling", "x", 1), JT_ERR_FILE_EXISTS);
    assert_holds("key", "first");
    assert_int_equal(n_entries(), 2);
}

static void a_failure_leaves_nothing_behind(void **state)
{
    (void)state;
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    errno = 0;
    assert_int_equal(jt_file_write_new(dir_fd, name, "x", 1), JT_ERR_IO);
    assert_int_equal(errno, ENAMETOOLONG);
    assert_int_equal(jt_file_replace(dir_fd, name, "x", 1), JT_ERR_IO);
    assert_int_equal(mkdirat(dir_fd, "sub", 0700), 0);
    /* rename(2) refuses a directory */
    assert_int_equal(jt_file_replace(dir_fd, "sub", "x", 1), JT_ERR_IO);
    assert_int_equal(n_entries(), 1);
    assert_int_equal(unlinkat(dir_fd, "sub", AT_REMOVEDIR), 0);
}

static void what_a_crash_left_is_cleared_away(void **state)
{
    (void)state;
    assert_int_equal(jt_file_write_new(dir_fd, "key.new", "half", 4), JT_OK);
    assert_int_equal(jt_file_write_new(dir_fd, "key", "whole", 5), JT_OK);
    assert_holds("key", "whole");
    /*
     * A crash between link and unlink: both names are one file, which clearing away must not empty.
     */
    assert_int_equal(linkat(dir_fd, "key", dir_fd, "key.new", 0), 0);
    assert_int_equal(jt_file_write_new(dir_fd, "key", "other", 5), JT_ERR_FILE_EXISTS);
    assert_holds("key", "whole");
    assert_int_equal(linkat(dir_fd, "key", dir_fd, "key.new", 0), 0);
    assert_int_equal(jt_file_replace(dir_fd, "key", "new", 3), JT_OK);
    assert_holds("key", "new");
    assert_int_equal(n_entries(), 1);
}

static void replacing(void **state)
{
    (void)state;
    assert_int_equal(jt_file_replace(dir_fd, "state", "one", 3), JT_OK);
    assert_holds("state", "one");
    assert_int_equal(jt_file_replace(dir_fd, "state", "another", 7), JT_OK);
    assert_holds("state", "another");
    assert_int_equal(jt_file_replace(dir_fd, "state", NULL, 0), JT_OK);
    assert_holds("state", "");
    assert_int_equal(n_entries(), 1);
}

static void contents_larger_than_one_read(void **state)
{
    (void)state;
    char big[9999];
    memset(big, 'b', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_int_equal(jt_file_write_new(dir_fd, "big", big, sizeof big - 1), JT_OK);
    assert_holds("big", big);
    struct jt_buf b;
    jt_buf_init(&b, sizeof big - 2);
    assert_int_equal(jt_file_read(dir_fd, "big", true, &b), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

static void reading_refuses_what_is_not_a_private_file(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 100);
    assert_int_equal(jt_file_read(dir_fd, "missing", true, &b), JT_ERR_NO_FILE);
    assert_int_equal(jt_file_write_new(dir_fd, "key", "k", 1), JT_OK);
    static const mode_t loose[] = { 0640, 0604, 0620, 0602, 0610, 0601 };
    for (size_t i = 0; i < sizeof loose / sizeof loose[0]; i++) {
        assert_int_equal(fchmodat(dir_fd, "key", loose[i], 0), 0);
        assert_int_equal(jt_file_read(dir_fd, "key", true, &b), JT_ERR_FILE_UNSAFE);
    }
    assert_int_equal(jt_file_read(dir_fd, "key", false, &b), JT_OK);
    assert_int_equal(symlinkat("key", dir_fd, "link"), 0);
    assert_int_equal(jt_file_read(dir_fd, "link", false, &b), JT_ERR_IO);
    assert_int_equal(mkfifoat(dir_fd, "fifo", 0600), 0);
    assert_int_equal(jt_file_read(dir_fd, "fifo", true, &b),
                     JT_ERR_FILE_UNSAFE); /* and does not hang */
    assert_int_equal(jt_file_read(dir_fd, ".", false, &b), JT_ERR_FILE_UNSAFE);
    jt_buf_clear(&b);
}

static void reading_appends(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 100);
    jt_buf_put(&b, "before ", 7);
    assert_int_equal(jt_file_write_new(dir_fd, "tail", "after", 5), JT_OK);
    assert_int_equal(jt_file_read(dir_fd, "tail", true, &b), JT_OK);
    assert_int_equal(b.len, 12);
    assert_memory_equal(b.data, "before after", 12);
    jt_buf_clear(&b);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_new_file_is_private_and_alone),
        IN_DIRECTORY(an_existing_file_is_never_overwritten),
        IN_DIRECTORY(a_failure_leaves_nothing_behind),
        IN_DIRECTORY(what_a_crash_left_is_cleared_away),
        IN_DIRECTORY(replacing),
        IN_DIRECTORY(contents_larger_than_one_read),
        IN_DIRECTORY(reading_refuses_what_is_not_a_private_file),
        IN_DIRECTORY(reading_appends),
    };
    return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
