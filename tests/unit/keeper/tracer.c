/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_CALLS 1024

static volatile pid_t traced;

static void pass_on(int number)
{
    (void)kill(traced, number);
}

static void give_up(const char *what)
{
    fprintf(stderr, "tracer: %s: %s\n", what, strerror(errno));
    exit(99);
}

struct watch {
    int list;
    bool filtered;  /* its filter stands */
    bool filtering; /* the call under way sets it up */
    uint64_t last;  /* call */
    bool seen[MAX_CALLS];
};

/* Where it stands at the beginning or the end of a call. */
static void look(struct watch *w, pid_t pid)
{
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) {
        return;
    }
    if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
        w->filtered = w->filtered || (w->filtering && info.exit.rval == 0);
        return;
    }
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY) {
        return;
    }
    w->last = info.entry.nr;
    /* the mode that sets up a filter is 1 of seccomp(2); others ask what the kernel can */
    w->filtering =
        info.entry.nr == SYS_seccomp && info.entry.args[0] == 1 && info.entry.args[2] != 0;
    if (w->filtered && w->last < MAX_CALLS && !w->seen[w->last]) {
        w->seen[w->last] = true;
        dprintf(w->list, "%u\n", (unsigned)w->last);
    }
}

_Noreturn static void end_as(struct watch *w, int status)
{
    if (WIFEXITED(status)) {
        exit(WEXITSTATUS(status));
    }
    if (WTERMSIG(status) == SIGSYS) {
        dprintf(w->list, "killed %u\n", (unsigned)w->last);
    }
    (void)signal(WTERMSIG(status), SIG_DFL);
    (void)raise(WTERMSIG(status));
    exit(98);
}

void tracer_run(const char *program, char **argv, const char *list)
{
    struct watch w = { .list = open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) };
    if (w.list < 0) {
        give_up(list);
    }
    traced = fork();
    if (traced == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            give_up("PTRACE_TRACEME");
        }
        execv(program, argv);
        give_up(program);
    }
    (void)signal(SIGTERM, pass_on);
    (void)signal(SIGINT, pass_on);
    int status;
    bool begun = false;
    for (;;) {
        while (waitpid(traced, &status, 0) < 0) {
            if (errno != EINTR) {
                give_up("waitpid");
            }
        }
        if (!WIFSTOPPED(status)) {
            end_as(&w, status);
        }
        int number = WSTOPSIG(status);
        if (!begun) { /* it stands at the end of its execve */
            begun = true;
            number = 0;
            if (ptrace(PTRACE_SETOPTIONS, traced, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) {
                give_up("PTRACE_SETOPTIONS");
            }
        } else if (number == (SIGTRAP | 0x80)) {
            look(&w, traced);
            number = 0;
        }
        if (ptrace(PTRACE_SYSCALL, traced, 0, number) != 0 && errno != ESRCH) {
            give_up("PTRACE_SYSCALL");
        }
    }
}
