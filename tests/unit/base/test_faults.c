/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation and system call of src/base failing in turn: the error comes out, nothing leaks
 * (the sanitizers watch that), and a small file is there whole or not at all. The functions below
 * stand before the real ones by the linker's --wrap.
 */
#include "base/buf.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define NEVER (-1)

static int fail_at = NEVER;
static int n_calls;

/* Counts the call; sets errno when it is the one to fail. */
static bool fails_now(int error)
{
    if (n_calls++ != fail_at) {
        return false;
    }
    errno = error;
    return true;
}

/* Starts over, with call number `at` to fail. */
static void fail_call(int at)
{
    fail_at = at;
    n_calls = 0;
}

/* Whether the call to fail was reached; nothing fails any more. */
static bool has_failed(void)
{
    bool reached = fail_at != NEVER && n_calls > fail_at;
    fail_at = NEVER;
    return reached;
}

#define WRAP(type, name, params, arguments, error, failure)          \
    type __real_##name params;                                       \
    type __wrap_##name params;                                       \
    type __wrap_##name params                                        \
    {                                                                \
        return fails_now(error) ? failure : __real_##name arguments; \
    }

WRAP(void *, malloc, (size_t n), (n), ENOMEM, NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), ENOMEM, NULL)
WRAP(char *, strdup, (const char *s), (s), ENOMEM, NULL)
WRAP(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), EIO, -1)
WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), ENOSPC, -1)
WRAP(int, fsync, (int fd), (fd), EIO, -1)
WRAP(int, linkat, (int a, const char *b, int c, const char *d, int e), (a, b, c, d, e), EMLINK, -1)
WRAP(int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d), EIO, -1)
WRAP(int, epoll_create1, (int flags), (flags), EMFILE, -1)
WRAP(int, eventfd, (unsigned n, int flags), (n, flags), EMFILE, -1)
WRAP(int, epoll_ctl, (int a, int b, int c, struct epoll_event *d), (a, b, c, d), ENOSPC, -1)

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    /* as in the kernel, the descriptor is gone even when close fails */
    int result = __real_close(fd);
    return fails_now(EIO) ? -1 : result;
}

int __real_openat(int dir_fd, const char *name, int flags, ...);
int __wrap_openat(int dir_fd, const char *name, int flags, ...);
int __wrap_openat(int dir_fd, const char *name, int flags, ...)
{
    return fails_now(EMFILE) ? -1 : __real_openat(dir_fd, name, flags, 0600);
}

static char directory[] = "/tmp/jeton-test-faults-XXXXXX";
static int dir_fd;

static int make_directory(void **state)
{
    (void)state;
    memcpy(directory + sizeof directory - 7, "XXXXXX", 6);
    dir_fd = mkdtemp(directory) == NULL ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir_fd >= 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    close(dir_fd);
    return rmdir(directory);
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

static bool holds(const char *expected)
{
    struct jt_buf b;
    jt_buf_init(&b, 100);
    assert_int_equal(jt_file_read(dir_fd, "name", true, &b), JT_OK);
    bool same = b.len == strlen(expected) && memcmp(b.data, expected, b.len) == 0;
    jt_buf_clear(&b);
    return same;
}

static void a_new_file_is_there_whole_or_not_at_all(void **state)
{
    (void)state;
    int failures = 0;
    for (int at = 0;; at++) {
        fail_call(at);
        enum jt_err err = jt_file_write_new(dir_fd, "name", "contents", 8);
        if (!has_failed()) {
            assert_int_equal(err, JT_OK);
            break;
        }
        if (err == JT_OK) { /* a failing close after reading back changes nothing */
            assert_true(holds("contents"));
            assert_int_equal(unlinkat(dir_fd, "name", 0), 0);
            continue;
        }
        failures++;
        assert_int_equal(n_entries(), 0);
    }
    assert_true(failures >= 9);
    assert_int_equal(unlinkat(dir_fd, "name", 0), 0);
}

static void a_replaced_file_has_old_or_new_contents(void **state)
{
    (void)state;
    int kept = 0;
    for (int at = 0;; at++) {
        fail_call(NEVER);
        assert_int_equal(jt_file_replace(dir_fd, "name", "old", 3), JT_OK);
        fail_call(at);
        enum jt_err err = jt_file_replace(dir_fd, "name", "new", 3);
        bool failed = has_failed();
        assert_int_equal(n_entries(), 1);
        kept += holds("old");
        assert_true(holds("new") || (err != JT_OK && holds("old")));
        if (!failed) {
            break;
        }
    }
    assert_true(kept >= 4); /* open, write, sync, close, rename */
    assert_int_equal(unlinkat(dir_fd, "name", 0), 0);
}

static void reading_fails_without_leaving_a_descriptor(void **state)
{
    (void)state;
    assert_int_equal(jt_file_write_new(dir_fd, "name", "contents", 8), JT_OK);
    int before = dup(dir_fd);
    close(before);
    for (int at = 0;; at++) {
        struct jt_buf b;
        jt_buf_init(&b, 100);
        fail_call(at);
        enum jt_err err = jt_file_read(dir_fd, "name", true, &b);
        bool failed = has_failed();
        jt_buf_clear(&b);
        if (!failed) {
            assert_int_equal(err, JT_OK);
            break;
        }
        int after = dup(dir_fd);
        close(after);
        assert_int_equal(after, before);
    }
    assert_int_equal(unlinkat(dir_fd, "name", 0), 0);
}

static void a_buffer_that_cannot_grow_keeps_what_it_has(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_buf_put(&b, "kept", 4);
    fail_call(0);
    assert_null(jt_buf_append(&b, 500));
    assert_true(has_failed());
    assert_int_equal(jt_buf_status(&b), JT_ERR_NOMEM);
    jt_buf_u8(&b, 1); /* the first failure stays the one that is told */
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "kept", 4);
    assert_int_equal(jt_buf_status(&b), JT_ERR_NOMEM);
    jt_buf_clear(&b);
    fail_call(0);
    assert_int_equal(jt_buf_reserve(&b, 1), JT_ERR_NOMEM);
    assert_true(has_failed());
}

static void a_loop_that_cannot_be_made_leaves_nothing(void **state)
{
    (void)state;
    int failures = 0;
    for (int at = 0;; at++) {
        struct jt_loop *loop;
        fail_call(at);
        enum jt_err err = jt_loop_new(&loop);
        bool failed = has_failed();
        if (!failed) {
            assert_int_equal(err, JT_OK);
            jt_loop_free(loop);
            break;
        }
        assert_null(loop);
        assert_int_equal(err, at == 0 ? JT_ERR_NOMEM : JT_ERR_IO);
        failures++;
    }
    assert_int_equal(failures, 4);
}

static void configuration_without_memory_is_an_error(void **state)
{
    (void)state;
    static const struct jt_conf_option options[] = {
        { "conninfo", JT_CONF_TEXT, 0, "default", 1, 20, "of the file", NULL },
        { "other", JT_CONF_TEXT, sizeof(char *), "kept", 1, 20, "of the table", NULL },
    };
    static const struct jt_conf_table database = { "database", "where", options, 2 };
    const struct jt_conf_table *table = &database;
    char path[100], message[300];
    assert_int_equal(jt_file_write_new(dir_fd, "name", "[database]\nconninfo = x\n", 24), JT_OK);
    snprintf(path, sizeof path, "%s/name", directory);
    int failures = 0;
    for (int at = 0;; at++) {
        char *values[2] = { NULL, NULL };
        message[0] = '\0';
        fail_call(at);
        enum jt_err err = jt_conf_read(path, &table, 1, values, message, sizeof message);
        if (!has_failed()) {
            assert_int_equal(err, JT_OK);
            assert_string_equal(values[0], "x");
            assert_string_equal(values[1], "kept");
            jt_conf_free_texts(&table, 1, values);
            break;
        }
        assert_int_equal(err, JT_ERR_NOMEM);
        assert_non_null(strstr(message, "out of memory"));
        assert_null(values[0]);
        failures++;
    }
    assert_true(failures >= 3); /* each text option's default, and the value in the file */
    assert_int_equal(unlinkat(dir_fd, "name", 0), 0);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_new_file_is_there_whole_or_not_at_all),
        IN_DIRECTORY(a_replaced_file_has_old_or_new_contents),
        IN_DIRECTORY(reading_fails_without_leaving_a_descriptor),
        cmocka_unit_test(a_buffer_that_cannot_grow_keeps_what_it_has),
        cmocka_unit_test(a_loop_that_cannot_be_made_leaves_nothing),
        IN_DIRECTORY(configuration_without_memory_is_an_error),
    };
    return cmocka_run_group_tests_name("base/faults", tests, NULL, NULL);
}
