/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/supervisor.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PARTS 3 /* of its patience: so often it is told */

/* A path, or, behind an @, a name in the abstract namespace (unix(7)). */
static int connect_to(const char *name)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    size_t len = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof at.sun_path) {
        return -1;
    }
    memcpy(at.sun_path, name, len);
    at.sun_path[0] = name[0] == '@' ? '\0' : '/';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, size) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void jt_supervisor_open(struct jt_supervisor *s)
{
    const char *name = getenv("NOTIFY_SOCKET");
    const char *patience = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
    *s = (struct jt_supervisor){ .fd = name == NULL ? -1 : connect_to(name) };
    if (patience != NULL && (whose == NULL || atol(whose) == (long)getpid())) {
        s->every_ms = atoll(patience) / 1000 / PARTS;
    }
}

void jt_supervisor_close(struct jt_supervisor *s)
{
    if (s->fd >= 0) {
        close(s->fd);
    }
    s->fd = -1;
}

static void tell(const struct jt_supervisor *s, const char *what)
{
    if (s->fd >= 0) {
        ssize_t n = send(s->fd, what, strlen(what), MSG_NOSIGNAL);
        (void)n; /* who does not listen is not told */
    }
}

void jt_supervisor_ready(struct jt_supervisor *s)
{
    tell(s, "READY=1");
}

void jt_supervisor_stopping(struct jt_supervisor *s)
{
    tell(s, "STOPPING=1");
}

void jt_supervisor_alive(struct jt_supervisor *s, int64_t now_ms)
{
    if (s->every_ms > 0 && now_ms - s->told_ms >= s->every_ms) {
        s->told_ms = now_ms;
        tell(s, "WATCHDOG=1");
    }
}
