/* SPDX-License-Identifier: Apache-2.0 */
#include "front/cell.h"

#include "base/landlock.h"
#include "base/log.h"
#include "base/sanitized.h"
#include "front/listen.h"
#include "vault/dbfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

/* --- files --- */

/* Of the system: libraries, names and addresses, time zones, certificates of others. */
static const char *const of_the_system[] = {
    "/etc",
    "/usr",
    "/lib",
    "/lib64",
    "/sys/devices/system/cpu",
    "/dev/urandom",
    "/dev/null",
    "/dev/random",
    "/proc/sys/vm/overcommit_memory",
};

/* The keeper's: its directory, and files that open its master key. */
#define N_SECRETS 3

struct opening {
    struct jt_landlock rules;
    char *secrets[N_SECRETS]; /* resolved; NULL where there is none */
    int why;                  /* errno of what failed; 0: nothing did */
};

/* What lies there stays open for the process, and so it is told. */
static void tell_overlap(const struct opening *o, const char *path)
{
    char *real = realpath(path, NULL);
    size_t len = real != NULL ? strlen(real) : 0;
    for (size_t i = 0; i < N_SECRETS && len > 0; i++) {
        const char *secret = o->secrets[i];
        if (secret != NULL && strncmp(secret, real, len) == 0 && (secret[len] == '/' || len == 1)) {
            jt_log(JT_LOG_WARNING,
                   "%s stays open to jetond, and the keeper's %s lies below it: put that elsewhere",
                   real, secret);
        }
    }
    free(real);
}

/* What there is not, is not needed. */
static void open_place(struct opening *o, const char *path, uint64_t rights)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (!jt_landlock_allow(&o->rules, fd, rights)) {
        o->why = errno;
    }
    close(fd);
    tell_overlap(o, path);
}

/* The directory of a file, where another may take its place. */
static void open_around(struct opening *o, const char *path, uint64_t rights)
{
    const char *slash = strrchr(path, '/');
    if (path[0] == '\0') {
        return;
    }
    char *directory = slash == NULL   ? strdup(".")
                      : slash == path ? strdup("/")
                                      : strndup(path, (size_t)(slash - path));
    if (directory == NULL) {
        o->why = ENOMEM;
        return;
    }
    open_place(o, directory, rights);
    free(directory);
}

/* A file that is read, by its name and where symbolic links lead. */
static void open_to_read(struct opening *o, const char *path)
{
    char *real = path[0] != '\0' ? realpath(path, NULL) : NULL;
    open_around(o, path, JT_LANDLOCK_READ);
    if (real != NULL) {
        open_around(o, real, JT_LANDLOCK_READ);
    }
    free(real);
}

static void open_of_libpq(void *arg, const char *path)
{
    open_place(arg, path, JT_LANDLOCK_READ);
}

/* The directories of listening Unix sockets; a list that is wrong is told of when it is opened. */
static void open_sockets(struct opening *o, const char *list)
{
    struct jt_places *places = calloc(1, sizeof *places);
    struct jt_fault fault = { .err = JT_OK };
    if (places == NULL) {
        o->why = ENOMEM;
        return;
    }
    enum jt_err err = jt_places_add(places, "", list, 0, true, true, &fault);
    for (size_t i = 0; err == JT_OK && i < places->n; i++) {
        const char *path = jt_place_path(&places->all[i]);
        if (path != NULL) {
            open_around(o, path, LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE);
        }
    }
    free(places);
}

static enum jt_err open_all(struct opening *o, const struct jt_conf *conf)
{
    for (size_t i = 0; i < sizeof of_the_system / sizeof of_the_system[0]; i++) {
        open_place(o, of_the_system[i], JT_LANDLOCK_READ);
    }
    /* whose text may lie elsewhere, and be replaced */
    open_to_read(o, "/etc/resolv.conf");
    open_to_read(o, conf->front_tls_certificate);
    open_to_read(o, conf->front_tls_key);
    open_to_read(o, conf->front_client_ca_file);
    const char *const written[] = { conf->front_port_file, conf->front_tls_port_file,
                                    conf->front_metrics_port_file, conf->audit_heads_file };
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        open_around(o, written[i], JT_LANDLOCK_WRITE);
    }
    open_sockets(o, conf->front_listen);
    open_sockets(o, conf->front_tls_listen);
    enum jt_err err = jt_vault_db_files(conf, open_of_libpq, o);
    errno = o->why;
    return err == JT_OK && o->why != 0 ? JT_ERR_IO : err;
}

enum jt_err jt_cell_close_files(const struct jt_conf *conf, struct jt_fault *fault)
{
    struct opening o = { .why = 0 };
    if (JT_SANITIZED) {
        jt_log(JT_LOG_WARNING, "built with a sanitizer: nothing is confined; not for use");
        return JT_OK;
    }
    if (!jt_landlock_begin(&o.rules)) {
        if (!jt_landlock_is_absent()) {
            return jt_fault_set(fault, JT_ERR_IO, "cannot confine the process to its files: %s",
                                strerror(errno));
        }
        jt_log(JT_LOG_WARNING, "this kernel has no Landlock: only the owner and mode of files keep "
                               "jetond from those of the keeper");
        return JT_OK;
    }
    const char *const secrets[N_SECRETS] = { conf->keeper_directory, conf->keeper_passphrase_file,
                                             conf->keeper_pkcs11_pin_file };
    for (size_t i = 0; i < N_SECRETS; i++) {
        o.secrets[i] =
            secrets[i] != NULL && secrets[i][0] != '\0' ? realpath(secrets[i], NULL) : NULL;
    }
    enum jt_err err = open_all(&o, conf);
    if (err == JT_OK && !jt_landlock_confine(&o.rules)) {
        err = JT_ERR_IO;
    }
    if (err == JT_ERR_IO) {
        jt_fault_set(fault, err, "cannot confine the process to its files: %s", strerror(errno));
    } else if (err != JT_OK) {
        jt_fault_set(fault, err, "conninfo in [database]");
    }
    jt_landlock_end(&o.rules);
    for (size_t i = 0; i < N_SECRETS; i++) {
        free(o.secrets[i]);
    }
    return err;
}

/* --- system calls --- */

#define CALL(name) SCMP_SYS(name)

static const int allowed[] = {
    /* event loops */
    CALL(epoll_wait),
    CALL(epoll_pwait),
    CALL(epoll_ctl),
    CALL(epoll_create1),
    CALL(eventfd2),
    CALL(timerfd_create),
    CALL(timerfd_settime),
    CALL(poll),
    CALL(ppoll),
    CALL(select),
    CALL(pselect6),
    /* sockets: those that listen are open already */
    CALL(accept4),
    CALL(accept),
    CALL(connect),
    CALL(getsockname),
    CALL(getpeername),
    CALL(getsockopt),
    CALL(setsockopt),
    CALL(sendto),
    CALL(recvfrom),
    CALL(sendmsg),
    CALL(recvmsg),
    CALL(sendmmsg),
    CALL(recvmmsg),
    CALL(shutdown),
    CALL(socketpair),
    CALL(pipe2),
    /* files, which Landlock looks at */
    CALL(read),
    CALL(readv),
    CALL(pread64),
    CALL(write),
    CALL(writev),
    CALL(close),
    CALL(open),
    CALL(openat),
    CALL(stat),
    CALL(lstat),
    CALL(fstat),
    CALL(newfstatat),
    CALL(statx),
    CALL(access),
    CALL(faccessat),
    CALL(faccessat2),
    CALL(readlink),
    CALL(readlinkat),
    CALL(lseek),
    CALL(getdents64),
    CALL(getcwd),
    CALL(fcntl),
    CALL(ioctl),
    CALL(fsync),
    CALL(fdatasync),
    CALL(rename),
    CALL(renameat),
    CALL(unlink),
    CALL(unlinkat),
    /* memory and threads */
    CALL(brk),
    CALL(munmap),
    CALL(mremap),
    CALL(madvise),
    CALL(mlock),
    CALL(mlock2),
    CALL(munlock),
    CALL(futex),
    CALL(set_robust_list),
    CALL(rseq),
    CALL(sched_yield),
    CALL(sched_getaffinity),
    CALL(membarrier),
    CALL(exit),
    CALL(exit_group),
    CALL(restart_syscall),
    /* signals */
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigreturn),
    CALL(rt_sigtimedwait),
    CALL(sigaltstack),
    /* time, random bytes, identity */
    CALL(clock_gettime),
    CALL(clock_getres),
    CALL(clock_nanosleep),
    CALL(nanosleep),
    CALL(gettimeofday),
    CALL(time),
    CALL(getrandom),
    CALL(getpid),
    CALL(gettid),
    CALL(getuid),
    CALL(geteuid),
    CALL(getgid),
    CALL(getegid),
    CALL(getrusage),
    CALL(sysinfo),
    CALL(uname),
};

/* What only somebody makes who runs code of their own here. */
static const int hostile[] = {
    CALL(execve),
    CALL(execveat),
    CALL(fork),
    CALL(vfork),
    CALL(ptrace),
    CALL(process_vm_readv),
    CALL(process_vm_writev),
    CALL(pidfd_getfd),
    CALL(pidfd_open),
    CALL(setuid),
    CALL(setgid),
    CALL(setreuid),
    CALL(setregid),
    CALL(setresuid),
    CALL(setresgid),
    CALL(setgroups),
    CALL(setfsuid),
    CALL(setfsgid),
    CALL(capset),
    CALL(mount),
    CALL(umount2),
    CALL(pivot_root),
    CALL(chroot),
    CALL(setns),
    CALL(unshare),
    CALL(bpf),
    CALL(perf_event_open),
    CALL(userfaultfd),
    CALL(io_uring_setup),
    CALL(personality),
    CALL(init_module),
    CALL(finit_module),
    CALL(kexec_load),
    CALL(memfd_create),
};

/* An argument that is an int: the kernel looks at its low half only. */
#define INT_IS(n, value) \
    SCMP_CMP((n), SCMP_CMP_MASKED_EQ, 0xffffffffu, (scmp_datum_t)(uint32_t)(value))
#define NO_BIT(n, bit) SCMP_CMP((n), SCMP_CMP_MASKED_EQ, (scmp_datum_t)(bit), 0)

/* A rule on one argument. */
struct ruled {
    int number;
    uint32_t action;
    struct scmp_arg_cmp argument;
};

/* Adds the rules; 0 or a negative error number of libseccomp. */
static int add_rules(scmp_filter_ctx filter)
{
    const struct ruled ruled[] = {
        { CALL(socket), SCMP_ACT_ALLOW, INT_IS(0, AF_UNIX) },
        { CALL(socket), SCMP_ACT_ALLOW, INT_IS(0, AF_INET) },
        { CALL(socket), SCMP_ACT_ALLOW, INT_IS(0, AF_INET6) },
        { CALL(socket), SCMP_ACT_ALLOW, INT_IS(0, AF_NETLINK) }, /* getaddrinfo */
        /* modules of the name service are loaded when a name is looked up */
        { CALL(mmap), SCMP_ACT_ALLOW, NO_BIT(2, PROT_EXEC) },
        { CALL(mmap), SCMP_ACT_ALLOW, NO_BIT(2, PROT_WRITE) },
        { CALL(mprotect), SCMP_ACT_ALLOW, NO_BIT(2, PROT_EXEC) },
        { CALL(clone), SCMP_ACT_ALLOW,
          SCMP_CMP(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD) },
        { CALL(clone), SCMP_ACT_KILL_PROCESS, NO_BIT(0, CLONE_THREAD) },
        { CALL(kill), SCMP_ACT_ALLOW, INT_IS(0, getpid()) },
        { CALL(tgkill), SCMP_ACT_ALLOW, INT_IS(0, getpid()) },
        { CALL(prctl), SCMP_ACT_ALLOW, INT_IS(0, PR_SET_NAME) },
        { CALL(prlimit64), SCMP_ACT_ALLOW, SCMP_CMP(2, SCMP_CMP_EQ, 0, 0) }, /* asks */
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0] && rc == 0; i++) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    }
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0] && rc == 0; i++) {
        rc = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, hostile[i], 0);
    }
    for (size_t i = 0; i < sizeof ruled / sizeof ruled[0] && rc == 0; i++) {
        rc = seccomp_rule_add(filter, ruled[i].action, ruled[i].number, 1, ruled[i].argument);
    }
    /* its flags lie in memory, where no filter sees them: libc takes clone then */
    return rc == 0 ? seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0) : rc;
}

enum jt_err jt_cell_close_calls(struct jt_fault *fault)
{
    if (JT_SANITIZED) {
        return JT_OK;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc = filter != NULL ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) : -ENOMEM;
    if (rc == 0) {
        rc = add_rules(filter);
    }
    if (rc == 0) {
        rc = seccomp_load(filter);
    }
    seccomp_release(filter);
    return rc == 0
               ? JT_OK
               : jt_fault_set(fault, JT_ERR_IO, "cannot filter system calls: %s", strerror(-rc));
}
