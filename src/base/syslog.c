/* SPDX-License-Identifier: Apache-2.0 */
#include "base/syslog.h"

#include "base/clock.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PRIORITY 109 /* facility 13, "log audit"; severity 5, "notice" */
#define HOST_MAX 255
#define PORT_MAX 5

struct jt_syslog {
    char host[HOST_MAX + 1], port[PORT_MAX + 1];
    const char *application, *kind;
    char self[HOST_MAX + 1]; /* HOSTNAME */
    int fd;                  /* -1: there is no connection */
};

/* Host and port of "host:port" or "[host]:port". False: it is neither. */
static bool split(const char *address, char host[static HOST_MAX + 1],
                  char port[static PORT_MAX + 1])
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL) {
        return false;
    }
    const char *begin = address, *end = colon;
    if (*begin == '[' && end > begin + 1 && end[-1] == ']') {
        begin++;
        end--;
    } else if (memchr(begin, ':', (size_t)(end - begin)) != NULL) {
        return false;
    }
    size_t host_len = (size_t)(end - begin), port_len = strlen(colon + 1);
    long number = strtol(colon + 1, NULL, 10);
    if (host_len == 0 || host_len > HOST_MAX || port_len == 0 || port_len > PORT_MAX ||
        strspn(colon + 1, "0123456789") != port_len || number < 1 || number > 65535 ||
        strcspn(address, " \t/@") != strlen(address)) {
        return false;
    }
    memcpy(host, begin, host_len);
    host[host_len] = '\0';
    memcpy(port, colon + 1, port_len + 1);
    return true;
}

const char *jt_syslog_check(const char *address)
{
    char host[HOST_MAX + 1], port[PORT_MAX + 1];
    return split(address, host, port) ? NULL
                                      : "must be HOST:PORT, with brackets around an IPv6 address";
}

enum jt_err jt_syslog_new(const char *address, const char *application, const char *kind,
                          struct jt_syslog **out)
{
    struct jt_syslog *s = calloc(1, sizeof *s);
    *out = s;
    if (s == NULL) {
        return JT_ERR_NOMEM;
    }
    s->fd = -1;
    s->application = application;
    s->kind = kind;
    if (!split(address, s->host, s->port)) {
        jt_syslog_free(s);
        *out = NULL;
        return JT_ERR_INVALID;
    }
    if (gethostname(s->self, sizeof s->self - 1) != 0 || s->self[0] == '\0') {
        (void)snprintf(s->self, sizeof s->self, "-"); /* RFC 5424 section 6.2.4: NILVALUE */
    }
    return JT_OK;
}

static void disconnect(struct jt_syslog *s)
{
    if (s->fd >= 0) {
        close(s->fd);
    }
    s->fd = -1;
}

void jt_syslog_free(struct jt_syslog *s)
{
    if (s != NULL) {
        disconnect(s);
        free(s);
    }
}

static bool await(int fd, short events, int64_t end_ms)
{
    struct pollfd p = { .fd = fd, .events = events };
    int64_t left_ms;
    int n = 0;
    while ((left_ms = end_ms - jt_clock_ms()) > 0 && (n = poll(&p, 1, (int)left_ms)) < 0 &&
           errno == EINTR) {
    }
    if (n == 0) {
        errno = ETIMEDOUT;
    }
    return n > 0;
}

/* A connection, or -1 and errno. */
static int connect_to(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0) {
        return -1;
    }
    int failed = connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
    socklen_t len = sizeof failed;
    if (failed == EINPROGRESS) {
        failed = await(fd, POLLOUT, jt_clock_ms() + JT_SYSLOG_TIMEOUT_MS) &&
                         getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0
                     ? failed
                     : errno;
    }
    if (failed != 0) {
        close(fd);
        errno = failed;
        return -1;
    }
    return fd;
}

/* A collector sends nothing: whatever can be read is the end. */
static bool stands(const struct jt_syslog *s)
{
    struct pollfd p = { .fd = s->fd, .events = POLLIN };
    return s->fd >= 0 && poll(&p, 1, 0) == 0;
}

enum jt_err jt_syslog_connect(struct jt_syslog *s, bool *fresh, struct jt_fault *fault)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *found = NULL;
    *fresh = !stands(s);
    if (!*fresh) {
        return JT_OK;
    }
    disconnect(s);
    int failed = getaddrinfo(s->host, s->port, &hints, &found);
    if (failed != 0) {
        return jt_fault_set(fault, JT_ERR_IO, "%s", gai_strerror(failed));
    }
    for (const struct addrinfo *a = found; a != NULL && s->fd < 0; a = a->ai_next) {
        s->fd = connect_to(a);
    }
    freeaddrinfo(found);
    return s->fd >= 0 ? JT_OK : jt_fault_set(fault, JT_ERR_IO, "%s", strerror(errno));
}

static bool send_all(int fd, const char *p, size_t len)
{
    int64_t end_ms = jt_clock_ms() + JT_SYSLOG_TIMEOUT_MS;
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        } else if (n < 0 && errno != EINTR && errno != EAGAIN) {
            return false;
        } else if (!await(fd, POLLOUT, end_ms)) {
            return false;
        }
    }
    return true;
}

enum jt_err jt_syslog_say(struct jt_syslog *s, const char *line, struct jt_fault *fault)
{
    char at[JT_TIMESTAMP_LEN], message[JT_SYSLOG_TEXT_MAX + HOST_MAX + 128];
    char framed[sizeof message + 8];
    jt_clock_timestamp(at);
    int len = snprintf(message, sizeof message, "<%d>1 %s %s %s %ld %s - %.*s", PRIORITY, at,
                       s->self, s->application, (long)getpid(), s->kind, JT_SYSLOG_TEXT_MAX, line);
    len = snprintf(framed, sizeof framed, "%d %s", len, message);
    if (s->fd < 0 || !send_all(s->fd, framed, (size_t)len)) {
        enum jt_err err =
            jt_fault_set(fault, JT_ERR_IO, "%s", s->fd < 0 ? "not connected" : strerror(errno));
        disconnect(s);
        return err;
    }
    return JT_OK;
}
