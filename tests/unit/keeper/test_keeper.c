/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jt_keeper_init and jt_keeper_make_root cut off at every step: the process killed, or one system
 * call failing. Whatever is left, the next run ends with a keeper that starts, and a master key
 * that was made is never made again.
 *
 * The system calls that change what is on disk are taken over here, to count them; the library is
 * linked into this program, so that its calls come here.
 */
#include "keeper/keeper.h"
#include "keeper/keydir.h"
#include "keeper_process.h"

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

static int steps_left = -1;   /* before the end; negative: no end */
static bool end_is_a_failure; /* else the process is killed */

/* Whether this step goes wrong. */
static bool step_fails(void)
{
    if (steps_left < 0 || steps_left-- > 0) {
        return false;
    }
    if (!end_is_a_failure) {
        (void)raise(SIGKILL);
    }
    errno = EIO;
    return true;
}

int mkdir(const char *path, mode_t mode)
{
    return step_fails() ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int fsync(int fd)
{
    return step_fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    return step_fails() ? -1 : (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return step_fails() ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int unlinkat(int fd, const char *name, int flags)
{
    return step_fails() ? -1 : (int)syscall(SYS_unlinkat, fd, name, flags);
}

static int setup(void **state)
{
    struct keeper *k = calloc(1, sizeof *k);
    assert_non_null(k);
    keeper_make(k, "development", "");
    *state = k;
    return 0;
}

static int teardown(void **state)
{
    keeper_remove(*state);
    free(*state);
    return 0;
}

static bool is_there(const struct keeper *k, const char *name)
{
    char path[160];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", k->keys, name);
    return stat(path, &st) == 0;
}

static void remove_file(const struct keeper *k, const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", k->keys, name);
    assert_int_equal(unlink(path), 0);
}

static struct jt_keeper *load(const struct keeper *k)
{
    struct jt_fault fault = { 0 };
    struct jt_keeper *keeper = NULL;
    if (jt_keeper_load(&(struct jt_keeper_source){ .directory = k->keys, .development = true },
                       &keeper, &fault) != JT_OK) {
        fail_msg("start: %s", fault.cause);
    }
    return keeper;
}

static enum jt_err init(const struct keeper *k)
{
    struct jt_fault fault = { 0 };
    return jt_keeper_init(k->keys, true, NULL, &fault);
}

/* The making of a service root, as RING_FIRST does it. */
static enum jt_err make_root(const struct keeper *k)
{
    struct jt_fault fault = { 0 };
    struct jt_keeper *keeper = NULL;
    enum jt_err err = jt_keeper_load(
        &(struct jt_keeper_source){ .directory = k->keys, .development = true }, &keeper, &fault);
    if (err == JT_OK && keeper->root == NULL) {
        err = jt_keeper_make_root(keeper);
    }
    jt_keeper_free(keeper);
    return err;
}

/*
 * What `jeton init` does: it makes a master key unless there is one, starts the keeper, and asks
 * for the first ring.
 */
static void next_run_succeeds(const struct keeper *k)
{
    bool had_master = is_there(k, JT_KEYDIR_MASTER);
    assert_int_equal(init(k), had_master ? JT_ERR_FILE_EXISTS : JT_OK);
    assert_int_equal(make_root(k), JT_OK);
    struct jt_keeper *keeper = load(k);
    assert_non_null(keeper->root);
    assert_int_equal(keeper->state.highest_epoch, 0);
    assert_int_equal(keeper->state.id_mark, 0);
    jt_keeper_free(keeper);
    static const char *const names[] = { JT_KEYDIR_MASTER ".new", JT_KEYDIR_ROOT ".new",
                                         JT_KEYDIR_STATE ".new" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_false(is_there(k, names[i]));
    }
}

/*
 * Runs `work` in a process that comes to its end, by a kill or a failure, after `steps` steps;
 * whether it got that far.
 */
static bool cut_off_after(const struct keeper *k, enum jt_err (*work)(const struct keeper *),
                          int steps)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        steps_left = steps;
        enum jt_err err = work(k);
        bool reached = steps_left < 0;
        _exit(reached ? 1 : err == JT_OK ? 0 : 2);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_not_equal(WEXITSTATUS(status), 2);
    return WEXITSTATUS(status) == 1;
}

static void clear_directory(const struct keeper *k)
{
    remove_file(k, JT_KEYDIR_MASTER);
    remove_file(k, JT_KEYDIR_ROOT);
    remove_file(k, JT_KEYDIR_STATE);
}

static void cut_off_init_everywhere(struct keeper *k)
{
    int steps = 0;
    while (cut_off_after(k, init, steps)) {
        next_run_succeeds(k);
        clear_directory(k);
        assert_int_equal(rmdir(k->keys), 0);
        steps++;
    }
    assert_true(steps >= 5); /* a directory, a file, their names, and a sync of each */
    next_run_succeeds(k);
}

/* A service root is there whole, with its state, or not at all. */
static void cut_off_first_root_everywhere(struct keeper *k)
{
    bool only_state_seen = false;
    int steps = 0;
    assert_int_equal(init(k), JT_OK);
    while (cut_off_after(k, make_root, steps)) {
        only_state_seen |= is_there(k, JT_KEYDIR_STATE) && !is_there(k, JT_KEYDIR_ROOT);
        assert_true(is_there(k, JT_KEYDIR_STATE) || !is_there(k, JT_KEYDIR_ROOT));
        next_run_succeeds(k);
        clear_directory(k);
        assert_int_equal(init(k), JT_OK);
        steps++;
    }
    assert_true(only_state_seen);
    assert_true(steps >= 6);
    next_run_succeeds(k);
}

static void a_kill_at_any_step_is_made_good_by_the_next_run(void **state)
{
    end_is_a_failure = false;
    cut_off_init_everywhere(*state);
}

static void a_failure_at_any_step_is_made_good_by_the_next_run(void **state)
{
    end_is_a_failure = true;
    cut_off_init_everywhere(*state);
}

static void a_kill_while_the_service_root_is_made_is_made_good(void **state)
{
    end_is_a_failure = false;
    cut_off_first_root_everywhere(*state);
}

static void a_failure_while_the_service_root_is_made_is_made_good(void **state)
{
    end_is_a_failure = true;
    cut_off_first_root_everywhere(*state);
}

static void put(const struct keeper *k, const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", k->keys, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* Through the real binary: half-written files, and a state file that is of no service root. */
static void what_is_left_without_a_master_key_is_replaced(void **state)
{
    struct keeper *k = *state;
    assert_int_equal(mkdir(k->keys, 0700), 0);
    put(k, "state.new", "JTK");
    put(k, "master.key.new", "");
    put(k, "state", "JTKSTATE of another service root");
    assert_int_equal(keeper_run(k, "--init"), 0);
    assert_int_equal(keeper_run(k, "--init"), 1);
    assert_non_null(strstr(k->output, "has a master key already"));
    assert_true(keeper_start(k));
    close(keeper_greet(k));
    assert_false(is_there(k, "state.new"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_kill_at_any_step_is_made_good_by_the_next_run, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_failure_at_any_step_is_made_good_by_the_next_run, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_kill_while_the_service_root_is_made_is_made_good, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_failure_while_the_service_root_is_made_is_made_good,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_left_without_a_master_key_is_replaced, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("keeper/keeper", tests, NULL, NULL);
}
