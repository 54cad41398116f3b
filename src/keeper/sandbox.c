/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/sandbox.h"

#include "base/secmem.h"

#include <errno.h>
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
 * programs, new processes, other processes' memory, changing identity.
 */
static const int allowed[] = {
    /* event loop and sockets */
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(accept4),
    SCMP_SYS(getsockopt),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(close),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    /* key files and the state file; what names a file has rules of its own below */
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fsync),
    SCMP_SYS(lseek),
    SCMP_SYS(fcntl),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(munlock),
    /* time, random bytes, identity as read by libc and libcrypto */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getuid),
    SCMP_SYS(sysinfo),
    SCMP_SYS(sched_yield),
    SCMP_SYS(futex),
    SCMP_SYS(restart_syscall),
    /* signals and the end */
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* What nothing but an attacker in this process would ask for. */
static const int deadly[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(socket),
    SCMP_SYS(connect),
    SCMP_SYS(bpf),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
};

/* A descriptor argument: the kernel looks at its low half only. */
#define FD(n, fd) SCMP_CMP((n), SCMP_CMP_MASKED_EQ, 0xffffffffu, (scmp_datum_t)(uint32_t)(fd))

/* What names a file does so below a descriptor that was opened before. */
static int add_file_rules(scmp_filter_ctx filter, int keys_fd, int socket_dir_fd)
{
    int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, FD(0, keys_fd));
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(linkat), 2, FD(0, keys_fd),
                              FD(2, keys_fd));
    }
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(renameat), 2, FD(0, keys_fd),
                              FD(2, keys_fd));
    }
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(renameat2), 2, FD(0, keys_fd),
                              FD(2, keys_fd));
    }
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(unlinkat), 1, FD(0, keys_fd));
    }
    if (rc == 0 && socket_dir_fd >= 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(unlinkat), 1, FD(0, socket_dir_fd));
    }
    return rc;
}

/* Adds the rules; 0 or a negative error number of libseccomp. */
static int add_rules(scmp_filter_ctx filter, int keys_fd, int socket_dir_fd)
{
    int rc = 0;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0] && rc == 0; i++) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    }
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0] && rc == 0; i++) {
        rc = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
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
    /* abort() sends its signal to this process. */
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, FD(0, getpid()));
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
 *
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
    /*
     * EPERM for the rest: a libc that tries something new first falls back, as on an older kernel.
     *
     */
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
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
