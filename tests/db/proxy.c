/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/db/proxy.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, path, strlen(path) + 1);
    return address;
}

static int connect_upstream(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        abort();
    }
    return fd;
}

bool fx_proxy_send(int to, const unsigned char *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t sent = send(to, bytes + at, n - at, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += (size_t)sent;
    }
    return true;
}

/* False when the connection is over. */
static bool forward(struct fx_proxy *proxy, int from, int to, bool to_server)
{
    unsigned char buffer[16384];
    ssize_t n = read(from, buffer, sizeof buffer);
    return n > 0 && proxy->pass(proxy, to, buffer, (size_t)n, to_server);
}

static void serve_one(struct fx_proxy *proxy, int client)
{
    int server = connect_upstream(proxy->upstream);
    bool open = true;
    while (open) {
        struct pollfd fds[] = { { .fd = client, .events = POLLIN },
                                { .fd = server, .events = POLLIN } };
        if (poll(fds, 2, -1) < 0) {
            abort();
        }
        if (fds[0].revents != 0) {
            open = forward(proxy, client, server, true);
        }
        if (open && fds[1].revents != 0) {
            open = forward(proxy, server, client, false);
        }
    }
    close(client);
    close(server);
}

static void *serve(void *arg)
{
    struct fx_proxy *proxy = arg;
    for (;;) {
        int client = accept(proxy->listener, NULL, NULL);
        if (client < 0) {
            return NULL;
        }
        serve_one(proxy, client);
    }
}

void fx_proxy_start(struct fx_proxy *proxy, PGconn *plain)
{
    memcpy(proxy->directory, "/tmp/jeton-proxy.XXXXXX", sizeof "/tmp/jeton-proxy.XXXXXX");
    assert_non_null(mkdtemp(proxy->directory));
    (void)snprintf(proxy->path, sizeof proxy->path, "%s/.s.PGSQL.5432", proxy->directory);
    (void)snprintf(proxy->upstream, sizeof proxy->upstream, "%.80s/.s.PGSQL.%.5s", PQhost(plain),
                   PQport(plain));
    (void)snprintf(proxy->conninfo, sizeof proxy->conninfo, "host=%s port=5432 dbname=%s user=%s",
                   proxy->directory, PQdb(plain), PQuser(plain));
    struct sockaddr_un address = address_of(proxy->path);
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(proxy->listener >= 0);
    assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(proxy->listener, 4), 0);
    assert_int_equal(pthread_create(&proxy->thread, NULL, serve, proxy), 0);
}

void fx_proxy_close(struct fx_proxy *proxy)
{
    (void)shutdown(proxy->listener, SHUT_RDWR);
}

void fx_proxy_stop(struct fx_proxy *proxy)
{
    fx_proxy_close(proxy);
    assert_int_equal(pthread_join(proxy->thread, NULL), 0);
    close(proxy->listener);
    (void)unlink(proxy->path);
    (void)rmdir(proxy->directory);
}
