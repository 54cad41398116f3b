/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a keeper that somebody has taken over can no longer do, tried from inside: a child confines
 * itself as the keeper does and then tries. What only Landlock can refuse is skipped where the
 * kernel has none, and said so.
 */
#include "keeper/sandbox.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Directories of the test: keys, the socket's, and one that is nobody's business. */
struct place {
    char dir[64];
    char keys[80], run[80], other[80];
    int keys_fd, run_fd, other_fd;
};

static struct place p;

static void make_file(const char *dir, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static int setup(void **state)
{
    (void)state;
    snprintf(p.dir, sizeof p.dir, "/tmp/jeton-sandbox-test-XXXXXX");
    assert_non_null(mkdtemp(p.dir));
    snprintf(p.keys, sizeof p.keys, "%s/keys", p.dir);
    snprintf(p.run, sizeof p.run, "%s/run", p.dir);
    snprintf(p.other, sizeof p.other, "%s/other", p.dir);
    const char *const dirs[] = { p.keys, p.run, p.other };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(mkdir(dirs[i], 0700), 0);
        make_file(dirs[i], "file");
    }
    p.keys_fd = open(p.keys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    p.run_fd = open(p.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    p.other_fd = open(p.other, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(p.keys_fd >= 0 && p.run_fd >= 0 && p.other_fd >= 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    close(p.keys_fd);
    close(p.run_fd);
    close(p.other_fd);
    snprintf(command, sizeof command, "rm -rf '%s'", p.dir);
    return system(command);
}

enum { CONFINED_ALL = 0, NO_LANDLOCK = 99, NOT_CONFINED = 98, WEAK = 97 };

/* Runs `attempts` confined; what it returns: 0, or the number of the attempt that went wrong. */
static int confined(int (*attempts)(bool landlocked))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct jt_fault fault = { 0 };
        bool landlocked = false;
        if (jt_sandbox_harden(&fault) != JT_OK ||
            jt_sandbox_confine(p.keys_fd, p.run_fd, &landlocked, &fault) != JT_OK) {
            _exit(NOT_CONFINED);
        }
        if (jt_sandbox_is_weakened()) {
            _exit(WEAK);
        }
        int bad = attempts(landlocked);
        _exit(bad != 0 ? bad : landlocked ? CONFINED_ALL : NO_LANDLOCK);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void all_went_well(int code)
{
    if (code == WEAK) {
        print_message("built with a sanitizer: nothing is confined\n");
        skip();
    }
    if (code == NO_LANDLOCK) {
        print_message("this kernel has no Landlock: what only it can refuse was not tried\n");
        return;
    }
    assert_int_equal(code, CONFINED_ALL);
}

static bool refused(long rc)
{
    return rc < 0 && (errno == EPERM || errno == EACCES || errno == EXDEV);
}

static int serve(bool landlocked)
{
    (void)landlocked;
    uint8_t data[2] = "ab";
    struct jt_buf back;
    jt_buf_init(&back, 100);
    if (jt_file_write_new(p.keys_fd, "new", data, sizeof data) != JT_OK) {
        return 1;
    }
    if (jt_file_replace(p.keys_fd, "new", data, sizeof data) != JT_OK) {
        return 2;
    }
    if (jt_file_read(p.keys_fd, "new", true, &back) != JT_OK || back.len != 2) {
        return 3;
    }
    if (renameat(p.keys_fd, "new", p.keys_fd, "newer") != 0 ||
        unlinkat(p.keys_fd, "newer", 0) != 0) {
        return 4;
    }
    struct stat st;
    if (lstat(p.keys, &st) != 0 || fstatat(p.run_fd, "file", &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return 5;
    }
    return unlinkat(p.run_fd, "file", 0) == 0 ? 0 : 6;
}

static void what_serving_takes_is_left(void **state)
{
    (void)state;
    all_went_well(confined(serve));
}

static int by_path_or_other_descriptor(bool landlocked)
{
    (void)landlocked;
    char path[128];
    snprintf(path, sizeof path, "%s/file", p.other);
    if (!refused(open(path, O_RDONLY)) || !refused(openat(AT_FDCWD, "file", O_RDONLY))) {
        return 1;
    }
    if (!refused(openat(p.other_fd, "file", O_RDONLY)) ||
        !refused(openat(p.run_fd, "file", O_RDONLY))) {
        return 2;
    }
    if (!refused(unlink(path)) || !refused(unlinkat(p.other_fd, "file", 0)) ||
        !refused(unlinkat(AT_FDCWD, path, 0))) {
        return 3;
    }
    if (!refused(rename(path, "/tmp/x")) ||
        !refused(renameat(p.keys_fd, "file", p.other_fd, "stolen")) ||
        !refused(renameat(p.other_fd, "file", p.keys_fd, "planted"))) {
        return 4;
    }
    if (!refused(linkat(p.keys_fd, "file", p.other_fd, "stolen", 0)) ||
        !refused(linkat(p.keys_fd, "file", p.run_fd, "stolen", 0))) {
        return 5;
    }
    return syscall(SYS_renameat2, p.keys_fd, "file", AT_FDCWD, path, 0) < 0 && errno == EPERM ? 0
                                                                                              : 6;
}

static void files_are_named_below_two_descriptors_only(void **state)
{
    (void)state;
    all_went_well(confined(by_path_or_other_descriptor));
}

static int out_of_the_directory(bool landlocked)
{
    char path[128];
    if (!landlocked) {
        return 0;
    }
    snprintf(path, sizeof path, "%s/file", p.other);
    if (!refused(openat(p.keys_fd, path, O_RDONLY)) ||
        !refused(openat(p.keys_fd, "../other/file", O_RDONLY))) {
        return 1;
    }
    if (!refused(openat(p.keys_fd, "../other/made", O_WRONLY | O_CREAT, 0600))) {
        return 2;
    }
    if (!refused(unlinkat(p.keys_fd, "../other/file", 0)) ||
        !refused(unlinkat(p.run_fd, path, 0))) {
        return 3;
    }
    if (!refused(renameat(p.keys_fd, "file", p.keys_fd, "../other/stolen")) ||
        !refused(linkat(p.keys_fd, "file", p.keys_fd, "../other/stolen", 0))) {
        return 4;
    }
    return refused(openat(p.keys_fd, "../run/planted", O_WRONLY | O_CREAT, 0600)) ? 0 : 5;
}

static void names_that_lead_out_of_the_directory_are_refused(void **state)
{
    (void)state;
    all_went_well(confined(out_of_the_directory));
}

static int signals(bool landlocked)
{
    (void)landlocked;
    if (!refused(syscall(SYS_tgkill, getppid(), getppid(), 0)) || !refused(kill(getppid(), 0)) ||
        !refused(kill(getpid(), 0))) {
        return 1;
    }
    return syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0) == 0 ? 0 : 2;
}

static void a_signal_goes_to_the_process_itself_only(void **state)
{
    (void)state;
    all_went_well(confined(signals));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_serving_takes_is_left),
        TEST(files_are_named_below_two_descriptors_only),
        TEST(names_that_lead_out_of_the_directory_are_refused),
        TEST(a_signal_goes_to_the_process_itself_only),
    };
    return cmocka_run_group_tests_name("keeper/sandbox", tests, NULL, NULL);
}
