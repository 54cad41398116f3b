/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keeper_process.h"

#include "cli/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM         "jeton-keeper"
#define END_TIMEOUT_MS  5000
#define EXIT_NO_PROGRAM 127 /* as shells have it */

/* Whether the program stands at `relative` from the directory of this binary; writes its path. */
static bool beside_us(const char *relative, char out[static PATH_MAX])
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0) {
        return false;
    }
    self[len] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL) {
        return false;
    }
    slash[1] = '\0';
    int n = snprintf(out, PATH_MAX, "%s%s", self, relative);
    return n > 0 && n < PATH_MAX && access(out, X_OK) == 0;
}

static void find_program(char out[static PATH_MAX])
{
    const char *named = getenv("JETON_KEEPER");
    if (named != NULL && *named != '\0') {
        snprintf(out, PATH_MAX, "%s", named);
    } else if (!beside_us(PROGRAM, out) && !beside_us("../sbin/" PROGRAM, out)) {
        snprintf(out, PATH_MAX, "%s", PROGRAM);
    }
}

/*
 * Starts the program; `fd` is the one descriptor above standard error that it inherits, -1: none.
 * The pid, or -1.
 */
static pid_t spawn(char *const arguments[], int fd)
{
    char program[PATH_MAX];
    find_program(program);
    pid_t pid = fork();
    if (pid == 0) {
        if (fd >= 0 && fcntl(fd, F_SETFD, 0) != 0) {
            _exit(EXIT_NO_PROGRAM);
        }
        signal(SIGPIPE, SIG_DFL); /* ours is ignored, and that would be inherited */
        execvp(program, arguments);
        dprintf(STDERR_FILENO, "jeton: cannot run %s: %s\n", program, strerror(errno));
        _exit(EXIT_NO_PROGRAM);
    }
    if (pid < 0) {
        jt_complain("cannot start " PROGRAM ": %s", strerror(errno));
    }
    return pid;
}

static int wait_for(pid_t pid)
{
    int status;
    pid_t got;
    do {
        got = waitpid(pid, &status, 0);
    } while (got < 0 && errno == EINTR);
    return got == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int jt_keeper_process_init(const char *config)
{
    char name[] = PROGRAM, option[] = "--config", init[] = "--init";
    char *copy = strdup(config);
    if (copy == NULL) {
        jt_complain("out of memory");
        return JT_EXIT_FAILED;
    }
    char *arguments[] = { name, option, copy, init, NULL };
    pid_t pid = spawn(arguments, -1);
    free(copy);
    if (pid < 0) {
        return JT_EXIT_FAILED;
    }
    int status = wait_for(pid);
    if (status == 0) {
        return JT_EXIT_OK;
    }
    jt_complain(PROGRAM " --init failed");
    return status == JT_EXIT_CONFIG ? JT_EXIT_CONFIG : JT_EXIT_FAILED;
}

int jt_keeper_process_start(const char *config, enum jt_keeper_purpose purpose,
                            struct jt_keeper_process *out)
{
    *out = (struct jt_keeper_process){ .pid = -1, .fd = -1 };
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        jt_complain("cannot make a socket: %s", strerror(errno));
        return JT_EXIT_FAILED;
    }
    char name[] = PROGRAM, option[] = "--config", fd_option[] = "--fd", number[16],
         ceremony[] = "--ceremony";
    snprintf(number, sizeof number, "%d", ends[1]);
    char *copy = strdup(config);
    if (copy != NULL) {
        char *arguments[] = { name,   option,
                              copy,   fd_option,
                              number, purpose == JT_KEEPER_FOR_CEREMONY ? ceremony : NULL,
                              NULL };
        out->pid = spawn(arguments, ends[1]);
        free(copy);
    } else {
        jt_complain("out of memory");
    }
    close(ends[1]);
    if (out->pid < 0) {
        close(ends[0]);
        return JT_EXIT_FAILED;
    }
    out->fd = ends[0];
    return JT_EXIT_OK;
}

void jt_keeper_process_stop(struct jt_keeper_process *keeper)
{
    if (keeper->fd >= 0) {
        close(keeper->fd);
        keeper->fd = -1;
    }
    if (keeper->pid < 0) {
        return;
    }
    int pidfd = pidfd_open(keeper->pid, 0);
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };
    if (pidfd >= 0 && poll(&ended, 1, END_TIMEOUT_MS) == 0) {
        (void)kill(keeper->pid, SIGKILL);
    }
    if (pidfd >= 0) {
        close(pidfd);
    }
    (void)wait_for(keeper->pid);
    keeper->pid = -1;
}
