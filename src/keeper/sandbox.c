#include "keeper/sandbox.h"

#include "base/secmem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <seccomp.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WEAKENED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer)
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

enum jt_err jt_sandbox_harden(struct jt_problem *problem)
{
    const struct rlimit no_core = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &no_core) != 0 || (!WEAKENED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        jt_problem_set(problem, "cannot harden the process: %s", strerror(errno));
        return JT_ERR_IO;
    }
    return JT_OK;
}

/* What a busy keeper may grow to: frames in and out of many connections, the keyring, libcrypto. */
#define LOCKABLE_BYTES (256u << 20)

enum jt_err jt_sandbox_lock_memory(bool development, bool *locked, struct jt_problem *problem)
{
    *locked = jt_secmem_lock_process(LOCKABLE_BYTES);
    if (*locked || development) {
        return JT_OK;
    }
    jt_problem_set(problem, "cannot lock memory: %s; raise the limit (LimitMEMLOCK=infinity, ulimit -l)", strerror(errno));
    return JT_ERR_DENIED;
}

/*
 * What serving takes: the sockets that are open already and new ones from accept, the files in its directory, memory,
 * time, random bytes, and dying. Not: making sockets, connecting, running programs, new processes, other processes'
 * memory, changing identity.
 */
static const int allowed[] = {
    /* event loop and sockets */
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(accept4), SCMP_SYS(getsockopt), SCMP_SYS(recvfrom),
    SCMP_SYS(sendto), SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close), SCMP_SYS(poll), SCMP_SYS(ppoll),
    /* key files and the state file, the socket's own name at the end */
    SCMP_SYS(openat), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(linkat), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename),
    SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(fsync), SCMP_SYS(lseek), SCMP_SYS(fcntl),
    /* memory */
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(mlock), SCMP_SYS(munlock),
    /* time, random bytes, identity as read by libc and libcrypto */
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid),
    SCMP_SYS(geteuid), SCMP_SYS(getuid), SCMP_SYS(sysinfo), SCMP_SYS(sched_yield), SCMP_SYS(futex), SCMP_SYS(restart_syscall),
    /* signals and the end */
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(tgkill), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* What nothing but an attacker in this process would ask for. */
static const int deadly[] = {
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
    SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bpf), SCMP_SYS(fork), SCMP_SYS(vfork),
};

/* Adds the rules; 0 or a negative error number of libseccomp. */
static int add_rules(scmp_filter_ctx filter)
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
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    }
    if (rc == 0) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    }
    return rc;
}

enum jt_err jt_sandbox_filter(struct jt_problem *problem)
{
    if (WEAKENED) {
        return JT_OK;
    }
    /* EPERM for the rest: a libc that tries something new first falls back, as on an older kernel. */
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc = filter != NULL ? add_rules(filter) : -ENOMEM;
    if (rc == 0) {
        rc = seccomp_load(filter);
    }
    seccomp_release(filter);
    if (rc != 0) {
        jt_problem_set(problem, "cannot filter system calls: %s", strerror(-rc));
        return JT_ERR_IO;
    }
    return JT_OK;
}
