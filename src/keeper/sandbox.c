/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/sandbox.h"

#include "base/secmem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

#include <seccomp.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WEAKENED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define WEAKENED true
#endif
#endif
#ifndef WEAKENED
#define WEAKENED false
#endif

bool jt_sandbox_is_weakened(void)
{
    return WEAKENED;
}

enum jt_err jt_sandbox_harden(struct jt_fault *fault)
{
    const struct rlimit no_core = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &no_core) != 0 ||
        (!WEAKENED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) ||
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
    SPARE(getdents64, "a keeper that is unsealed lists its directory"),
    SPARE(lseek, "the same"),
    RULED_SPARE(fcntl, "the same"),
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

/*
 * Everything about files that a kernel's Landlock can refuse: what is not named here stays allowed.
 * Later versions know more than the headers may.
 */
static uint64_t landlock_rights(int version)
{
    uint64_t rights = (UINT64_C(1) << 13) - 1;      /* version 1: execute up to make_sym */
    rights |= version >= 2 ? UINT64_C(1) << 13 : 0; /* refer: to another directory */
    rights |= version >= 3 ? UINT64_C(1) << 14 : 0; /* truncate */
    return rights;
}

/* Lets `rights` be used below the directory. */
static bool landlock_allow(int ruleset, int fd, uint64_t rights)
{
    struct landlock_path_beneath_attr beneath = { .allowed_access = rights, .parent_fd = fd };
    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0;
}

/*
 * False with errno: ENOSYS or EOPNOTSUPP where the kernel has no Landlock, or has it switched off.
 */
static bool landlock(int keys_fd, int socket_dir_fd)
{
    int version =
        (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        return false;
    }
    struct landlock_ruleset_attr attr = { .handled_access_fs = landlock_rights(version) };
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (ruleset < 0) {
        return false;
    }
    bool good = landlock_allow(ruleset, keys_fd,
                               LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                   LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                   LANDLOCK_ACCESS_FS_REMOVE_FILE);
    good = good && (socket_dir_fd < 0 ||
                    landlock_allow(ruleset, socket_dir_fd, LANDLOCK_ACCESS_FS_REMOVE_FILE));
    good = good && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    int saved = errno;
    close(ruleset);
    errno = saved;
    return good;
}

enum jt_err jt_sandbox_confine(int keys_fd, int socket_dir_fd, bool *landlocked,
                               struct jt_fault *fault)
{
    *landlocked = false;
    if (WEAKENED) {
        return JT_OK;
    }
    *landlocked = landlock(keys_fd, socket_dir_fd);
    if (!*landlocked && errno != ENOSYS && errno != EOPNOTSUPP) {
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
