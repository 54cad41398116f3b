/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/subprocess.h"

#include "cli/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void find_program(const struct jt_program *program, char out[static PATH_MAX])
{
    char in_sbin[64];
    const char *named = getenv(program->variable);
    (void)snprintf(in_sbin, sizeof in_sbin, "../sbin/%s", program->name);
    if (named != NULL && *named != '\0') {
        snprintf(out, PATH_MAX, "%s", named);
    } else if (!beside_us(program->name, out) && !beside_us(in_sbin, out)) {
        snprintf(out, PATH_MAX, "%s", program->name);
    }
}

pid_t jt_subprocess_start(const struct jt_program *program, char *const arguments[], int fd)
{
    char path[PATH_MAX];
    find_program(program, path);
    pid_t pid = fork();
    if (pid == 0) {
        if (fd >= 0 && fcntl(fd, F_SETFD, 0) != 0) {
            _exit(EXIT_NO_PROGRAM);
        }
        signal(SIGPIPE, SIG_DFL); /* ours is ignored, and that would be inherited */
        execvp(path, arguments);
        dprintf(STDERR_FILENO, "jeton: cannot run %s: %s\n", path, strerror(errno));
        _exit(EXIT_NO_PROGRAM);
    }
    if (pid < 0) {
        jt_complain("cannot start %s: %s", program->name, strerror(errno));
    }
    return pid;
}

int jt_subprocess_wait(pid_t pid)
{
    int status;
    pid_t got;
    do {
        got = waitpid(pid, &status, 0);
    } while (got < 0 && errno == EINTR);
    return got == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
