/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a jetond that somebody has taken over can no longer do, tried from inside: a child closes
 * its cell as jetond does and then tries. What only Landlock can refuse is skipped where the kernel
 * has none, and said so.
 */
#include "front/cell.h"

#include "base/landlock.h"
#include "base/log.h"
#include "base/sanitized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Directories of the test: the keeper's keys, certificates, what jetond writes, and another. */
static struct {
    char dir[64];
    char keys[80], key_file[96], tls[80], certificate[96], out[80], heads[96], other[80];
} p;

static void make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static int setup(void **state)
{
    (void)state;
    snprintf(p.dir, sizeof p.dir, "/tmp/jeton-cell-test-XXXXXX");
    assert_non_null(mkdtemp(p.dir));
    snprintf(p.keys, sizeof p.keys, "%s/keys", p.dir);
    snprintf(p.key_file, sizeof p.key_file, "%s/master.key", p.keys);
    snprintf(p.tls, sizeof p.tls, "%s/tls", p.dir);
    snprintf(p.certificate, sizeof p.certificate, "%s/jeton.pem", p.tls);
    snprintf(p.out, sizeof p.out, "%s/out", p.dir);
    snprintf(p.heads, sizeof p.heads, "%s/heads", p.out);
    snprintf(p.other, sizeof p.other, "%s/other", p.dir);
    const char *const dirs[] = { p.keys, p.tls, p.out, p.other };
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
        assert_int_equal(mkdir(dirs[i], 0700), 0);
    }
    make_file(p.key_file);
    make_file(p.certificate);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", p.dir);
    return system(command);
}

static bool has_landlock(void)
{
    struct jt_landlock l;
    bool has = jt_landlock_begin(&l);
    jt_landlock_end(&l);
    return has;
}

enum { NOT_CONFINED = 98 };

static char nothing[] = "", conninfo[] = "host=/nowhere dbname=x";

/* In a child, confined: its status as of waitpid. `attempts` returns 0 or the line that failed. */
static int run_confined(int (*attempts)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct jt_fault fault = { .err = JT_OK };
        struct jt_conf conf = { .keeper_directory = p.keys,
                                .front_listen = nothing,
                                .front_tls_listen = nothing,
                                .front_tls_certificate = p.certificate,
                                .front_tls_key = nothing,
                                .front_client_ca_file = nothing,
                                .front_port_file = nothing,
                                .front_tls_port_file = nothing,
                                .front_metrics_port_file = nothing,
                                .audit_heads_file = p.heads,
                                .database_conninfo = conninfo };
        if (jt_cell_close_files(&conf, &fault) != JT_OK || jt_cell_close_calls(&fault) != JT_OK) {
            _exit(NOT_CONFINED);
        }
        _exit(attempts());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void all_is_so(int (*attempts)(void))
{
    if (JT_SANITIZED) {
        skip();
    }
    int status = run_confined(attempts);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define NEED(condition)            \
    do {                           \
        if (!(condition)) {        \
            return __LINE__ % 255; \
        }                          \
    } while (0)

/* --- what is left --- */

static void *end(void *arg)
{
    return arg;
}

static int serve(void)
{
    struct addrinfo *found = NULL;
    pthread_t thread;
    NEED(pthread_create(&thread, NULL, end, NULL) == 0 && pthread_join(thread, NULL) == 0);
    NEED(getaddrinfo("localhost", "5432", NULL, &found) == 0);
    freeaddrinfo(found);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in nobody = { .sin_family = AF_INET, .sin_port = htons(1) };
    nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    NEED(fd >= 0);
    NEED(connect(fd, (struct sockaddr *)&nobody, sizeof nobody) == -1 && errno == ECONNREFUSED);
    NEED(open("/etc/hosts", O_RDONLY) >= 0 || errno == ENOENT);
    NEED(open(p.certificate, O_RDONLY) >= 0);
    /* the certificate is renewed, and the file of the heads is moved away by who rotates logs */
    int heads = open(p.heads, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0640);
    NEED(heads >= 0 && write(heads, "x", 1) == 1);
    NEED(kill(getpid(), 0) == 0);
    char *block = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(block != MAP_FAILED && munmap(block, 4096) == 0);
    return 0;
}

static void what_serving_takes_is_left(void **state)
{
    (void)state;
    all_is_so(serve);
}

/* --- files --- */

static bool no_access(long rc)
{
    return rc < 0 && (errno == EACCES || errno == EXDEV);
}

static int reach_for_keys(void)
{
    char path[128];
    NEED(no_access(open(p.key_file, O_RDONLY)));
    NEED(no_access(open(p.keys, O_RDONLY | O_DIRECTORY)));
    NEED(no_access(open(p.key_file, O_WRONLY | O_TRUNC)));
    NEED(no_access(unlink(p.key_file)));
    NEED(no_access(rename(p.key_file, p.heads)));
    snprintf(path, sizeof path, "%s/../keys/master.key", p.tls);
    NEED(no_access(open(path, O_RDONLY)));
    /* through what it may write: a name for the file there opens it no more than its own */
    NEED(link(p.key_file, p.heads) < 0 && symlink(p.key_file, p.heads) < 0);
    snprintf(path, sizeof path, "%s/made", p.other);
    NEED(no_access(open(path, O_WRONLY | O_CREAT, 0600)));
    /* what it reads it cannot change */
    NEED(no_access(open(p.certificate, O_WRONLY)) && no_access(unlink(p.certificate)));
    NEED(no_access(open("/etc/jeton-made", O_WRONLY | O_CREAT, 0600)));
    NEED(no_access(open("/proc/self/mem", O_RDWR)) && no_access(open("/proc/1/environ", O_RDONLY)));
    return 0;
}

static void key_files_are_out_of_reach(void **state)
{
    (void)state;
    if (!has_landlock()) {
        print_message("this kernel has no Landlock: what only it can refuse was not tried\n");
        skip();
    }
    all_is_so(reach_for_keys);
}

/* --- system calls --- */

static bool refused(long rc)
{
    return rc < 0 && errno == EPERM;
}

static int call_what_serving_does_not(void)
{
    struct rlimit cores = { RLIM_INFINITY, RLIM_INFINITY };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in any = { .sin_family = AF_INET };
    NEED(refused(bind(fd, (struct sockaddr *)&any, sizeof any)) && refused(listen(fd, 1)));
    NEED(refused(socket(AF_PACKET, SOCK_RAW, 0)) && refused(socket(AF_VSOCK, SOCK_STREAM, 0)));
    NEED(refused(kill(getppid(), 0)) && refused(kill(-1, 0)));
    NEED(refused(syscall(SYS_tgkill, getppid(), getppid(), 0)));
    NEED(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
         MAP_FAILED);
    char *block = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(block != MAP_FAILED && refused(mprotect(block, 4096, PROT_READ | PROT_EXEC)));
    NEED(refused(setrlimit(RLIMIT_CORE, &cores)));
    NEED(refused(prctl(PR_SET_DUMPABLE, 1)));
    NEED(refused(chmod(p.certificate, 0666)) && refused(truncate(p.certificate, 0)));
    NEED(refused(syscall(SYS_keyctl, 0, 0, 0, 0, 0)) && refused(syscall(SYS_shmget, 1, 1, 0)));
    return 0;
}

static void other_calls_are_refused(void **state)
{
    (void)state;
    all_is_so(call_what_serving_does_not);
}

#define ATTEMPT(name, act)      \
    static int name(void)       \
    {                           \
        long rc = (long)(act);  \
        return rc == 0 ? 0 : 1; \
    }

ATTEMPT(run_a_program, execl("/bin/true", "true", (char *)NULL))
ATTEMPT(fork_a_process, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
ATTEMPT(trace_a_process, syscall(SYS_ptrace, 16, getppid(), 0, 0))
ATTEMPT(read_a_process, syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0))
ATTEMPT(write_a_process, syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0))
ATTEMPT(change_identity, syscall(SYS_setuid, 0))
ATTEMPT(make_a_namespace, syscall(SYS_unshare, 0x10000000))
ATTEMPT(mount_something, syscall(SYS_mount, "x", "/tmp", "tmpfs", 0, NULL))
ATTEMPT(ask_past_the_filter, syscall(SYS_io_uring_setup, 1, NULL))
ATTEMPT(load_a_bpf_program, syscall(SYS_bpf, 0, NULL, 0))

#define NAMED(name) \
    {               \
#name, name \
    }

static void what_only_an_attacker_calls_kills(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int (*make)(void);
    } attempts[] = {
        NAMED(run_a_program),      NAMED(fork_a_process),  NAMED(trace_a_process),
        NAMED(read_a_process),     NAMED(write_a_process), NAMED(change_identity),
        NAMED(make_a_namespace),   NAMED(mount_something), NAMED(ask_past_the_filter),
        NAMED(load_a_bpf_program),
    };
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0] && !JT_SANITIZED; i++) {
        int status = run_confined(attempts[i].make);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
            fail_msg("%s: status %#x", attempts[i].name, (unsigned)status);
        }
    }
}

/* The filter is closed when all threads run: it must be closed for them too. */
static pthread_barrier_t closed;
static long its_answer;

static void *try_from_a_thread(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&closed);
    its_answer = kill(getppid(), 0) < 0 ? errno : 0;
    return NULL;
}

static void threads_that_run_already_are_in_it(void **state)
{
    (void)state;
    if (JT_SANITIZED) {
        skip();
    }
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct jt_fault fault = { .err = JT_OK };
        pthread_t thread;
        if (pthread_barrier_init(&closed, NULL, 2) != 0 ||
            pthread_create(&thread, NULL, try_from_a_thread, NULL) != 0 ||
            jt_cell_close_calls(&fault) != JT_OK) {
            _exit(NOT_CONFINED);
        }
        pthread_barrier_wait(&closed);
        pthread_join(thread, NULL);
        _exit(its_answer == EPERM ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_serving_takes_is_left),
        TEST(key_files_are_out_of_reach),
        TEST(other_calls_are_refused),
        TEST(what_only_an_attacker_calls_kills),
        TEST(threads_that_run_already_are_in_it),
    };
    jt_log_init("test_cell", JT_LOG_INFO);
    return cmocka_run_group_tests_name("front/cell", tests, NULL, NULL);
}
