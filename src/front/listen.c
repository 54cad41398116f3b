/* SPDX-License-Identifier: Apache-2.0 */
#include "front/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool parse(const char *text, int port, union address *out, socklen_t *len)
{
    *out = (union address){ 0 };
    if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons((uint16_t)port);
        *len = sizeof out->v4;
        return ntohl(out->v4.sin_addr.s_addr) >> 24 == 127;
    }
    if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons((uint16_t)port);
        *len = sizeof out->v6;
        return IN6_IS_ADDR_LOOPBACK(&out->v6.sin6_addr);
    }
    return false;
}

static int open_socket(const union address *address, socklen_t len, bool share)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        (!share || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0) &&
        bind(fd, &address->any, len) == 0) {
        return fd;
    }
    int saved = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = saved;
    return -1;
}

static int port_of(int fd)
{
    union address bound;
    socklen_t len = sizeof bound;
    if (getsockname(fd, &bound.any, &len) != 0) {
        return -1;
    }
    return ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
}

/*
 * A port that another process of this user shares out (SO_REUSEPORT) would be shared with it in
 * silence, and half of the requests would go there: a bind without sharing meets it. The socket is
 * let go again before the shared ones are opened.
 */
static bool is_free(const union address *address, socklen_t len)
{
    int fd = open_socket(address, len, false);
    bool free_now = fd >= 0 && listen(fd, 1) == 0;
    int saved = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = saved;
    return free_now;
}

enum jt_err jt_listen(const char *text, int port, int *fds, int n, int *chosen,
                      struct jt_fault *fault)
{
    union address address;
    socklen_t len;
    if (!parse(text, port, &address, &len)) {
        return jt_fault_set(fault, JT_ERR_INVALID,
                            "listen = %s: only a numeric loopback address is served without TLS",
                            text);
    }
    int opened = 0;
    *chosen = port;
    bool good = port == 0 || is_free(&address, len);
    while (good && opened < n) {
        fds[opened] = open_socket(&address, len, true);
        good = fds[opened] >= 0;
        opened += good;
        if (good && opened == 1) {
            *chosen = port_of(fds[0]);
            (void)parse(text, *chosen, &address, &len);
        }
        good = good && listen(fds[opened - 1], BACKLOG) == 0;
    }
    if (good) {
        return JT_OK;
    }
    int saved = errno;
    while (opened > 0) {
        close(fds[--opened]);
    }
    return jt_fault_set(fault, saved == EADDRINUSE ? JT_ERR_IN_USE : JT_ERR_IO,
                        "cannot listen on %s port %d: %s", text, port, strerror(saved));
}
