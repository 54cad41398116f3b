/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keeper that is killed before any system call of a rotation that changes a file, or for which
 * any of them fails, leaves a directory that is wholly under the old master key or wholly under the
 * new one.
 *
 * The calls are wrapped by the linker. A rotation that is to be cut off runs in a process of its
 * own; what opens the new master key comes back through shared memory.
 */
#include "rotating.h"

#include "keeper/keydir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLED 77
#define MANY   10000 /* more calls than any rotation has */

/* --- calls that change files --- */

enum mode { COUNT, KILL, FAIL, FAIL_FROM };

static enum mode mode;
static unsigned n_calls, at_call; /* 0: never */

/* Whether the call that comes is to fail. */
static bool comes(void)
{
    n_calls++;
    if (at_call == 0 || n_calls < at_call || (mode != FAIL_FROM && n_calls > at_call)) {
        return false;
    }
    if (mode == KILL) {
        _exit(KILLED);
    }
    errno = ENOSPC;
    return mode != COUNT;
}

ssize_t __real_write(int fd, const void *p, size_t len);
ssize_t __wrap_write(int fd, const void *p, size_t len);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags);
int __real_openat(int fd, const char *name, int flags, ...);
int __wrap_openat(int fd, const char *name, int flags, ...);

/* What is killed or fails in it has written half. */
ssize_t __wrap_write(int fd, const void *p, size_t len)
{
    if (at_call != 0 && n_calls + 1 == at_call) {
        ssize_t n = __real_write(fd, p, len / 2);
        (void)n;
    }
    return comes() ? -1 : __real_write(fd, p, len);
}

int __wrap_fsync(int fd)
{
    return comes() ? -1 : __real_fsync(fd);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return comes() ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

int __wrap_unlinkat(int fd, const char *name, int flags)
{
    return comes() ? -1 : __real_unlinkat(fd, name, flags);
}

int __wrap_openat(int fd, const char *name, int flags, ...)
{
    if ((flags & O_CREAT) == 0) {
        return (flags & O_ACCMODE) != O_RDONLY && comes() ? -1 : __real_openat(fd, name, flags);
    }
    return comes() ? -1 : __real_openat(fd, name, flags, 0600);
}

/* --- cut off anywhere --- */

/* What a process that was killed has left behind in memory. */
struct left {
    struct rotating_opener next;
    bool made;       /* the shares are there */
    enum jt_err end; /* of CEREMONY_END */
    bool good;       /* the directory, when it was looked at afterwards */
    unsigned n_calls;
};

/* A rotation to other shares, in a process of its own. Its exit status. */
static int rotate_apart(struct inside *in, const struct rotating_opener *present, enum mode how,
                        unsigned at, struct left *left)
{
    jt_keeper_free(in->k);
    in->k = NULL;
    *left = (struct left){ .made = false };
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        rotating_open(in, present);
        if (rotating_begin(in, present) != JT_OK) {
            _exit(1);
        }
        rotating_make_shares(in, &left->next);
        left->made = true;
        mode = how;
        at_call = at;
        n_calls = 0;
        left->end = rotating_ask(in, JT_VERB_CEREMONY_END);
        left->n_calls = n_calls;
        at_call = 0;
        in->k->dir_checked_ms = 0;
        in->k->dir_good = true;
        struct jt_reader reply;
        left->good = inside_ask(in, JT_VERB_STATUS, &reply) == JT_OK && in->k->dir_good;
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && left->made);
    return WEXITSTATUS(status);
}

/* A start that is killed before its call number `at`; whether it was. */
static bool killed_in_start(struct inside *in, unsigned at)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        mode = KILL;
        at_call = at;
        n_calls = 0;
        rotating_load(in);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == KILLED;
}

/* Everything is under one of them, and nothing under the other. True: under the next one. */
static bool settle(struct inside *in, struct rotating_opener *present,
                   const struct rotating_opener *next, const struct rotating_known *known)
{
    rotating_load(in);
    assert_false(rotating_is_there(in, JT_KEYDIR_ROTATION) ||
                 rotating_is_there(in, JT_KEYDIR_ROTATION ".new"));
    bool over = rotating_give(in, JT_VERB_UNSEAL, JT_UNSEAL_SHARE, present->text[0]) != JT_OK;
    const struct rotating_opener old = *present;
    if (over) {
        *present = *next;
    }
    assert_int_equal(
        rotating_give(in, JT_VERB_UNSEAL, JT_UNSEAL_SHARE, over ? old.text[0] : next->text[0]),
        JT_ERR_SHARE_OTHER);
    rotating_open(in, present);
    rotating_check(in, known);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    return over;
}

/* From a passphrase to shares, which cost nothing to open. */
static void begin_shares(struct inside *in, struct rotating_opener *present,
                         struct rotating_known *known)
{
    rotating_remember(in, known);
    assert_int_equal(rotating_begin(in, &rotating_by_phrase), JT_OK);
    rotating_make_shares(in, present);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_OK);
}

static struct left *new_left(void)
{
    struct left *left =
        mmap(NULL, sizeof *left, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(left != MAP_FAILED);
    return left;
}

static void killed_at_any_step_it_is_the_old_one_or_the_new_one(void **state)
{
    struct inside *in = *state;
    struct rotating_opener present;
    struct rotating_known known;
    struct left *left = new_left();
    unsigned n_old = 0, n_new = 0, at = 1, n_starts = 0;
    begin_shares(in, &present, &known);
    for (;; at++) {
        int status = rotate_apart(in, &present, KILL, at, left);
        /* and the start that ends it is killed as well, again and again */
        for (unsigned m = 1; rotating_is_there(in, JT_KEYDIR_ROTATION) && killed_in_start(in, m);
             m++) {
            n_starts++;
        }
        bool over = settle(in, &present, &left->next, &known);
        n_new += over;
        n_old += !over;
        if (status == 0) {
            assert_true(over && left->end == JT_OK);
            break;
        }
        assert_int_equal(status, KILLED);
    }
    print_message("killed %u times: %u times the old one, %u times the new one; %u starts\n",
                  at - 1, n_old, n_new, n_starts);
    assert_true(n_old > 3 && n_new > 20 && n_starts > 20);
    munmap(left, sizeof *left);
}

static void whatever_fails_it_is_the_old_one_or_the_new_one(void **state)
{
    struct inside *in = *state;
    struct rotating_opener present;
    struct rotating_known known;
    struct left *left = new_left();
    const enum mode modes[] = { FAIL, FAIL_FROM };
    begin_shares(in, &present, &known);
    for (size_t i = 0; i < 2; i++) {
        unsigned n_refused = 0, at = 1;
        bool failed = true;
        for (; failed && at < MANY; at++) {
            assert_int_equal(rotate_apart(in, &present, modes[i], at, left), 0);
            failed = left->n_calls >= at;
            /* whatever failed went well the next time: the keeper that serves has ended it */
            assert_true(left->good);
            n_refused += left->end != JT_OK;
            bool over = settle(in, &present, &left->next, &known);
            assert_true(over || left->end != JT_OK);
        }
        print_message("%s: %u calls failed, %u rotations were refused\n",
                      modes[i] == FAIL ? "one alone" : "all from one on", at - 2, n_refused);
        assert_true(n_refused > 3);
    }
    munmap(left, sizeof *left);
}

static int teardown(void **state)
{
    at_call = 0;
    return inside_teardown(state);
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, rotating_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(killed_at_any_step_it_is_the_old_one_or_the_new_one),
        HERE(whatever_fails_it_is_the_old_one_or_the_new_one),
    };
    return cmocka_run_group_tests_name("keeper/rotation_cut", tests, NULL, NULL);
}
