/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/client/answers.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 8
#define MAX_REQUEST     65536

struct connection {
    int fd; /* -1: none */
    size_t len;
    char request[MAX_REQUEST];
};

struct answers {
    int listening, stop, port, status;
    const char *body;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int taken, open;
    char last[MAX_REQUEST];
    struct connection connections[MAX_CONNECTIONS];
};

static void must(int good)
{
    if (!good) {
        abort();
    }
}

static void count(struct answers *a, int taken, int open)
{
    pthread_mutex_lock(&a->lock);
    a->taken += taken;
    a->open += open;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

static void answer(struct answers *a, struct connection *c, const char *body)
{
    char head[200];
    pthread_mutex_lock(&a->lock);
    snprintf(a->last, sizeof a->last, "%s", body);
    pthread_mutex_unlock(&a->lock);
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d Said\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n",
                     a->status, strlen(a->body));
    must(send(c->fd, head, (size_t)n, MSG_NOSIGNAL) == n);
    must(send(c->fd, a->body, strlen(a->body), MSG_NOSIGNAL) == (ssize_t)strlen(a->body));
    c->len = 0;
}

static void hear(struct answers *a, struct connection *c)
{
    ssize_t n = recv(c->fd, c->request + c->len, sizeof c->request - 1 - c->len, 0);
    if (n <= 0) {
        close(c->fd);
        c->fd = -1;
        count(a, 0, -1);
        return;
    }
    c->len += (size_t)n;
    c->request[c->len] = '\0';
    const char *end = strstr(c->request, "\r\n\r\n"),
               *length = strcasestr(c->request, "content-length:");
    size_t want = length == NULL ? 0 : strtoul(length + 15, NULL, 10);
    if (end != NULL && c->len >= (size_t)(end + 4 - c->request) + want) {
        answer(a, c, end + 4);
    }
}

static void take(struct answers *a)
{
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        struct connection *c = &a->connections[i];
        if (c->fd < 0) {
            c->fd = accept4(a->listening, NULL, NULL, SOCK_CLOEXEC);
            must(c->fd >= 0);
            c->len = 0;
            count(a, 1, 1);
            return;
        }
    }
    abort();
}

static void *serve(void *arg)
{
    struct answers *a = arg;
    for (;;) {
        struct pollfd ready[2 + MAX_CONNECTIONS] = { { .fd = a->stop, .events = POLLIN },
                                                     { .fd = a->listening, .events = POLLIN } };
        for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
            ready[2 + i] = (struct pollfd){ .fd = a->connections[i].fd, .events = POLLIN };
        }
        must(poll(ready, 2 + MAX_CONNECTIONS, -1) > 0);
        if (ready[0].revents != 0) {
            return NULL;
        }
        for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
            if (ready[2 + i].revents != 0) {
                hear(a, &a->connections[i]);
            }
        }
        if (ready[1].revents != 0) {
            take(a);
        }
    }
}

struct answers *answers_begin(int status, const char *body)
{
    struct answers *a = calloc(1, sizeof *a);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    must(a != NULL);
    a->status = status;
    a->body = body;
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        a->connections[i].fd = -1;
    }
    a->stop = eventfd(0, EFD_CLOEXEC);
    a->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(a->listening, (struct sockaddr *)&at, len) == 0 && listen(a->listening, 8) == 0 &&
         getsockname(a->listening, (struct sockaddr *)&at, &len) == 0);
    a->port = ntohs(at.sin_port);
    must(pthread_mutex_init(&a->lock, NULL) == 0 && pthread_cond_init(&a->changed, NULL) == 0 &&
         pthread_create(&a->thread, NULL, serve, a) == 0);
    return a;
}

void answers_end(struct answers *a)
{
    must(eventfd_write(a->stop, 1) == 0 && pthread_join(a->thread, NULL) == 0);
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        if (a->connections[i].fd >= 0) {
            close(a->connections[i].fd);
        }
    }
    close(a->listening);
    close(a->stop);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

int answers_port(const struct answers *a)
{
    return a->port;
}

int answers_taken(struct answers *a)
{
    pthread_mutex_lock(&a->lock);
    int taken = a->taken;
    pthread_mutex_unlock(&a->lock);
    return taken;
}

void answers_wait_open(struct answers *a, int n)
{
    pthread_mutex_lock(&a->lock);
    while (a->open != n) {
        pthread_cond_wait(&a->changed, &a->lock);
    }
    pthread_mutex_unlock(&a->lock);
}

void answers_last(struct answers *a, char *out, size_t size)
{
    pthread_mutex_lock(&a->lock);
    snprintf(out, size, "%s", a->last);
    pthread_mutex_unlock(&a->lock);
}
