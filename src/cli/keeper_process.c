/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keeper_process.h"

#include "cli/exit.h"
#include "cli/subprocess.h"

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

#define PROGRAM        "jeton-keeper"
#define END_TIMEOUT_MS 5000

static const struct jt_program program = { "jeton-keeper", "JETON_KEEPER" };

int jt_keeper_process_init(const char *config)
{
    char name[] = PROGRAM, option[] = "--config", init[] = "--init";
    char *copy = strdup(config);
    if (copy == NULL) {
        jt_complain("out of memory");
        return JT_EXIT_FAILED;
    }
    char *arguments[] = { name, option, copy, init, NULL };
    pid_t pid = jt_subprocess_start(&program, arguments, -1);
    free(copy);
    if (pid < 0) {
        return JT_EXIT_FAILED;
    }
    int status = jt_subprocess_wait(pid);
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
        out->pid = jt_subprocess_start(&program, arguments, ends[1]);
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
    (void)jt_subprocess_wait(keeper->pid);
    keeper->pid = -1;
}
