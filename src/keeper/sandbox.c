/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/sandbox.h"

#include "base/landlock.h"
#include "base/sanitized.h"
#include "base/secmem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <seccomp.h>

bool jt_sandbox_is_weakened(void)
{
    return JT_SANITIZED;
}

enum jt_err jt_sandbox_harden(struct jt_fault *fault)
{
    const struct rlimit no_core = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &no_core) != 0 ||
        (!JT_SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return jt_fault_set(fault, JT_ERR_IO, "cannot harden the process: %s", strerror(errno));
    }
    return JT_OK;
}

/* What a busy keeper may grow to: frames in and out of many connections, the keyring, libcrypto. */
#define LOCKABLE_BYTES (256u << 20)

enum jt_err jt_sandbox_lock_memory(bool development, bool *locked, struct jt_fault *fault)
{
    *locked = jt_secmem_lock_process(LOCKABLE_BYTES);
    if (*locked || development) {
        return JT_OK;
    }
    return jt_fault_set(
        fault, JT_ERR_UNPROTECTED,
        "cannot lock memory: %s; raise the limit (LimitMEMLOCK=infinity, ulimit -l)",
        strerror(errno));
}

/*
 * What serving takes: the sockets that are open already and new ones from accept, the files in its
 * directory, memory, time, random bytes, and dying. Not: making sockets, connecting, running
 * programs, new processes, other processes' memory, changing identity. Any other call kills the
 * process, as does one of the list with arguments that it must not have.
 *
 * tests/unit/keeper/test_sandbox_calls.c runs the keeper through all that it does and compares with
 * this list, both ways: what stands here is used, or says why it stands here all the same.
 */
#define USED(name)                         \
    {                                      \
        SCMP_SYS(name), #name, false, NULL \
    }
#define SPARE(name, why)                  \
    {                                     \
        SCMP_SYS(name), #name, false, why \
    }
#define RULED(name)                       \
    {                                     \
        SCMP_SYS(name), #name, true, NULL \
    }
#define RULED_SPARE(name, why)           \
    {                                    \
        SCMP_SYS(name), #name, true, why \
    }

static const struct jt_sandbox_call calls[] = {
    /* event loop and sockets */
    USED(epoll_wait),
    SPARE(epoll_pwait, "what epoll_wait is on other machines"),
    USED(epoll_ctl),
    USED(accept4),
    USED(getsockopt),
    USED(recvfrom),
    USED(sendto),
    USED(read),
    USED(write),
    USED(close),
    /* key files and the state file */
    SPARE(fstat, "what newfstatat is with other libcs"),
    USED(newfstatat),
    USED(fsync),
    RULED(openat),
    RULED(linkat),
    RULED(renameat),
    RULED_SPARE(renameat2, "what renameat is on other machines"),
    RULED(unlinkat),
    /* the directory's listing */
    USED(getdents64),
    USED(lseek),
    RULED(fcntl),
    /* memory, never executable */
    USED(brk),
    RULED(mmap),
    USED(munmap),
    SPARE(mremap, "realloc of large blocks, by libcrypto"),
    USED(madvise),
    RULED_SPARE(mprotect, "malloc of libc, in memory other than its first"),
    USED(mlock),
    SPARE(munlock, "what may be given back of locked memory"),
    /* time, random bytes, identity as read by libc and libcrypto */
    SPARE(clock_gettime, "where the kernel does not let the clock be read without a call"),
    SPARE(gettimeofday, "as clock_gettime"),
    SPARE(time, "as clock_gettime"),
    USED(getrandom),
    USED(getpid),
    SPARE(gettid, "abort() of other libcs"),
    USED(geteuid),
    SPARE(sysinfo, "qsort of libc sizes its memory by it"),
    USED(futex),
    SPARE(restart_syscall, "the kernel itself goes on with a call after a stop"),
    /* signals and the end; abort() sends its signal to this process only */
    USED(rt_sigprocmask),
    SPARE(rt_sigaction, "abort(), were SIGABRT ignored"),
    RULED(tgkill),
    USED(writev),
    USED(exit_group),
};

const struct jt_sandbox_call *jt_sandbox_calls(size_t *n)
{
    *n = sizeof calls / sizeof calls[0];
    return calls;
}

/* An argument that is an int: the kernel looks at its low half only. */
#define INT_IS(n, value) \
    SCMP_CMP((n), SCMP_CMP_MASKED_EQ, 0xffffffffu, (scmp_datum_t)(uint32_t)(value))

/*
 * What names a file does so by a descriptor that was opened before. An absolute name or ".." still
 * leads out of it: that is left to Landlock (keeper/sandbox.h).
 */
static int add_file_rules(scmp_filter_ctx filter, int keys_fd, int socket_dir_fd)
{
    int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, INT_IS(0, keys_fd));
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(linkat), 2, INT_IS(0, keys_fd),
                              INT_IS(2, keys_fd));
    }
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(renameat), 2, INT_IS(0, keys_fd),
                              INT_IS(2, keys_fd));
    }
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(renameat2), 2, INT_IS(0, keys_fd),
                              INT_IS(2, keys_fd));
    }
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(unlinkat), 1, INT_IS(0, keys_fd));
    }
    if (rc == 0 && socket_dir_fd >= 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(unlinkat), 1,
                              INT_IS(0, socket_dir_fd));
    }
    return rc;
}

/* Adds the rules; 0 or a negative error number of libseccomp. */
static int add_rules(scmp_filter_ctx filter, int keys_fd, int socket_dir_fd)
{
    int rc = 0;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0] && rc == 0; i++) {
        if (!calls[i].ruled) {
            rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i].number, 0);
        }
    }
    /* Memory that is never executable. */
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    }
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    }
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, INT_IS(1, F_GETFL));
    }
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 2, INT_IS(1, F_SETFD),
                              INT_IS(2, FD_CLOEXEC));
    }
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, INT_IS(0, getpid()));
    }
    return rc == 0 ? add_file_rules(filter, keys_fd, socket_dir_fd) : rc;
}

/* False with errno. */
static bool landlock(int keys_fd, int socket_dir_fd)
{
    struct jt_landlock l;
    bool good = jt_landlock_begin(&l) &&
                jt_landlock_allow(&l, keys_fd,
                                  JT_LANDLOCK_READ | (JT_LANDLOCK_WRITE & ~JT_LANDLOCK_TRUNCATE)) &&
                (socket_dir_fd < 0 ||
                 jt_landlock_allow(&l, socket_dir_fd, LANDLOCK_ACCESS_FS_REMOVE_FILE)) &&
                jt_landlock_confine(&l);
    jt_landlock_end(&l);
    return good;
}

enum jt_err jt_sandbox_confine(int keys_fd, int socket_dir_fd, bool *landlocked,
                               struct jt_fault *fault)
{
    *landlocked = false;
    if (JT_SANITIZED) {
        return JT_OK;
    }
    *landlocked = landlock(keys_fd, socket_dir_fd);
    if (!*landlocked && !jt_landlock_is_absent()) {
        return jt_fault_set(fault, JT_ERR_IO, "cannot confine the process to its directories: %s",
                            strerror(errno));
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int rc = filter != NULL ? add_rules(filter, keys_fd, socket_dir_fd) : -ENOMEM;
    if (rc == 0) {
        rc = seccomp_load(filter);
    }
    seccomp_release(filter);
    if (rc != 0) {
        return jt_fault_set(fault, JT_ERR_IO, "cannot filter system calls: %s", strerror(-rc));
    }
    return JT_OK;
}
