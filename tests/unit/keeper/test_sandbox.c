/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a keeper that somebody has taken over can no longer do, tried from inside: a child confines
 * itself as the keeper does and then tries. What the filter of system calls refuses kills it, so
 * that each such attempt has a child of its own. What only Landlock can refuse is skipped where the
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
#include <sys/mman.h>
#include <sys/socket.h>
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

/*
 * Runs `attempts` confined; its status as of waitpid. It ends with what `attempts` returns: 0, or
 * the number of the attempt that went wrong.
 */
static int run_confined(int (*attempts)(bool landlocked))
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
    return status;
}

static int confined(int (*attempts)(bool landlocked))
{
    int status = run_confined(attempts);
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

/* By Landlock. What the filter refuses, nobody survives. */
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

/* One thing that a keeper in somebody else's hand might try. */
struct attempt {
    const char *name;
    void (*make)(const char *path); /* of a file in the third directory */
};

static const struct attempt *present;

static int try_present(bool landlocked)
{
    (void)landlocked;
    char path[128];
    snprintf(path, sizeof path, "%s/file", p.other);
    present->make(path);
    return 1; /* still here */
}

static void each_kills(const struct attempt *attempts, size_t n)
{
    for (size_t i = 0; i < n && !jt_sandbox_is_weakened(); i++) {
        present = &attempts[i];
        int status = run_confined(try_present);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
            fail_msg("%s: status %#x", attempts[i].name, (unsigned)status);
        }
    }
}

/* An attempt: what is done with `path`, whatever comes of it. */
#define ATTEMPT(name, act)             \
    static void name(const char *path) \
    {                                  \
        (void)path;                    \
        long rc = (act);               \
        (void)rc;                      \
    }

ATTEMPT(open_by_path, open(path, O_RDONLY))
ATTEMPT(open_in_the_present_directory, openat(AT_FDCWD, "file", O_RDONLY))
ATTEMPT(open_below_another_descriptor, openat(p.other_fd, "file", O_RDONLY))
ATTEMPT(open_below_the_sockets_directory, openat(p.run_fd, "file", O_RDONLY))
ATTEMPT(remove_by_path, unlink(path))
ATTEMPT(remove_below_another_descriptor, unlinkat(p.other_fd, "file", 0))
ATTEMPT(remove_below_no_descriptor, unlinkat(AT_FDCWD, path, 0))
ATTEMPT(rename_by_path, rename(path, "/tmp/x"))
ATTEMPT(rename_out, renameat(p.keys_fd, "file", p.other_fd, "stolen"))
ATTEMPT(rename_in, renameat(p.other_fd, "file", p.keys_fd, "planted"))
ATTEMPT(rename_with_flags, syscall(SYS_renameat2, p.keys_fd, "file", AT_FDCWD, path, 0))
ATTEMPT(link_out, linkat(p.keys_fd, "file", p.other_fd, "stolen", 0))
ATTEMPT(link_to_the_sockets_directory, linkat(p.keys_fd, "file", p.run_fd, "stolen", 0))

#define NAMED(name) \
    {               \
#name, name \
    }

static void files_are_named_below_two_descriptors_only(void **state)
{
    (void)state;
    static const struct attempt attempts[] = {
        NAMED(open_by_path),
        NAMED(open_in_the_present_directory),
        NAMED(open_below_another_descriptor),
        NAMED(open_below_the_sockets_directory),
        NAMED(remove_by_path),
        NAMED(remove_below_another_descriptor),
        NAMED(remove_below_no_descriptor),
        NAMED(rename_by_path),
        NAMED(rename_out),
        NAMED(rename_in),
        NAMED(rename_with_flags),
        NAMED(link_out),
        NAMED(link_to_the_sockets_directory),
    };
    each_kills(attempts, sizeof attempts / sizeof attempts[0]);
}

ATTEMPT(make_a_socket, socket(AF_UNIX, SOCK_STREAM, 0))
ATTEMPT(run_a_program, execl(path, path, (char *)NULL))
ATTEMPT(fork_a_process, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
ATTEMPT(read_another_process, syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0))
ATTEMPT(change_identity, syscall(SYS_setuid, 0))
ATTEMPT(call_what_there_is_not, syscall(1000))
ATTEMPT(make_memory_executable,
        (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
ATTEMPT(duplicate_a_descriptor, dup(0))

static void an_unlisted_call_kills(void **state)
{
    (void)state;
    static const struct attempt attempts[] = {
        NAMED(make_a_socket),          NAMED(run_a_program),          NAMED(fork_a_process),
        NAMED(read_another_process),   NAMED(change_identity),        NAMED(call_what_there_is_not),
        NAMED(make_memory_executable), NAMED(duplicate_a_descriptor),
    };
    each_kills(attempts, sizeof attempts / sizeof attempts[0]);
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

ATTEMPT(signal_the_parent, syscall(SYS_tgkill, getppid(), getppid(), 0))
ATTEMPT(kill_the_parent, kill(getppid(), 0))
ATTEMPT(kill_itself, kill(getpid(), 0))

static int signal_itself(bool landlocked)
{
    (void)landlocked;
    return syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0) == 0 ? 0 : 1;
}

static void a_signal_goes_to_the_process_itself_only(void **state)
{
    (void)state;
    static const struct attempt attempts[] = {
        NAMED(signal_the_parent),
        NAMED(kill_the_parent),
        NAMED(kill_itself),
    };
    each_kills(attempts, sizeof attempts / sizeof attempts[0]);
    all_went_well(confined(signal_itself));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_serving_takes_is_left),
        TEST(files_are_named_below_two_descriptors_only),
        TEST(an_unlisted_call_kills),
        TEST(names_that_lead_out_of_the_directory_are_refused),
        TEST(a_signal_goes_to_the_process_itself_only),
    };
    return cmocka_run_group_tests_name("keeper/sandbox", tests, NULL, NULL);
}
