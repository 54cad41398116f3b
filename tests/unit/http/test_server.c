/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server with an owner that is no API: it calls begin, start and free in their order, sends
 * what it is given, and knows nothing else of its owner.
 */
#include "http/server.h"

#include "base/container.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_BODY 100

struct fake {
    struct jt_exchange http;
    char path[32];
};

struct world {
    struct jt_loop *loop;
    struct jt_server server;
    struct jt_door_shared shared;
    int n_begun, n_started, n_freed;
    struct fake *late; /* will be answered when what gathered is begun */
    struct jt_watch client;
    char received[4096];
    size_t n_received;
    bool hang_up; /* the client goes when its request is there */
};

static struct world w;

static void answer(struct fake *f, int status, const char *text)
{
    struct jt_http_answer *out = &f->http.answer;
    out->status = status;
    out->media_type = "text/plain";
    out->name = "X-Path";
    out->value = f->path;
    jt_buf_put(&out->body, text, strlen(text));
    jt_buf_put(&out->body, f->http.body.data, f->http.body.len);
    jt_exchange_answered(&f->http);
}

static bool begin(void *arg, struct jt_conn *conn, const struct jt_head *head)
{
    assert_ptr_equal(arg, &w);
    struct fake *f = calloc(1, sizeof *f);
    assert_non_null(f);
    w.n_begun++;
    jt_exchange_open(&f->http, conn, MAX_BODY);
    snprintf(f->path, sizeof f->path, "%.*s", (int)head->path.len, head->path.p);
    if (strcmp(f->path, "/early") == 0) {
        answer(f, 403, "early");
    }
    jt_exchange_admit(&f->http, NULL);
    return true;
}

static void start(struct jt_exchange *x)
{
    struct fake *f = jt_container_of(x, struct fake, http);
    w.n_started++;
    if (strcmp(f->path, "/late") == 0) {
        w.late = f;
    } else {
        answer(f, 200, "got ");
    }
    if (w.hang_up) {
        jt_loop_unwatch(w.loop, &w.client);
        close(w.client.fd);
    }
}

static void free_exchange(struct jt_exchange *x)
{
    struct fake *f = jt_container_of(x, struct fake, http);
    w.n_freed++;
    jt_exchange_clear(x);
    free(f);
    if (w.hang_up) {
        jt_loop_stop(w.loop);
    }
}

static void refuse(void *arg, enum jt_refusal why, struct jt_http_answer *out)
{
    assert_ptr_equal(arg, &w);
    assert_int_equal(why, JT_REFUSE_MALFORMED);
    out->status = 400;
    out->media_type = "text/odd";
    out->name = "X-Why";
    out->value = "malformed";
    jt_buf_put(&out->body, "no", 2);
}

static void gathered(void *arg)
{
    assert_ptr_equal(arg, &w);
    struct fake *f = w.late;
    w.late = NULL;
    if (f != NULL) {
        answer(f, 200, "late ");
    }
}

static const struct jt_server_ops ops = { begin, start, free_exchange, refuse, gathered };

static void on_answer(void *arg, uint32_t events)
{
    (void)arg;
    (void)events;
    ssize_t n = recv(w.client.fd, w.received + w.n_received, sizeof w.received - 1 - w.n_received,
                     MSG_DONTWAIT);
    if (n > 0) {
        w.n_received += (size_t)n;
    } else if (n == 0) {
        jt_loop_unwatch(w.loop, &w.client);
        close(w.client.fd);
        jt_loop_stop(w.loop);
    }
}

static int listening(struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *address =
        (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)address, len) == 0 && listen(fd, 4) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
    return fd;
}

/* Sends `request` and serves until the server has closed; what came is in w.received. */
static const char *exchange(const char *request, bool hang_up)
{
    const struct jt_door_conf conf = {
        .hosts = "",
        .max_connections = 16,
        .max_per_address = 16,
        .max_upstreams = 4,
        .idle_ms = 60000,
        .head_ms = 60000,
        .request_ms = 60000,
    };
    struct sockaddr_in address;
    w = (struct world){ .hang_up = hang_up };
    w.shared.limit = 16;
    assert_int_equal(jt_loop_new(&w.loop), JT_OK);
    int listener = listening(&address), client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(jt_server_init(&w.server, w.loop, &(struct jt_door_socket){ .fd = listener },
                                    1, &conf, &w.shared, &ops, &w),
                     JT_OK);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(client, request, strlen(request), MSG_NOSIGNAL),
                     (ssize_t)strlen(request));
    w.client = (struct jt_watch){ .fn = on_answer, .fd = client, .events = EPOLLIN };
    assert_int_equal(jt_loop_watch(w.loop, &w.client), JT_OK);
    assert_int_equal(jt_loop_run(w.loop), JT_OK);
    jt_server_clear(&w.server);
    jt_loop_free(w.loop);
    assert_int_equal(w.n_begun, w.n_freed);
    return w.received;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no %s in %s", part, text);
    }
}

static void a_body_comes_before_its_answer(void **state)
{
    (void)state;
    const char *got = exchange("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                               "Connection: close\r\n\r\nbody",
                               false);
    assert_int_equal(w.n_started, 1);
    has(got, "HTTP/1.1 200 ");
    has(got, "\r\nContent-Type: text/plain\r\n");
    has(got, "\r\nCache-Control: no-store\r\n");
    has(got, "\r\nX-Path: /x\r\n");
    has(got, "\r\n\r\ngot body\n");
}

static void an_answer_may_come_when_what_gathered_was_done(void **state)
{
    (void)state;
    has(exchange("GET /late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false),
        "\r\n\r\nlate \n");
}

static void one_that_is_answered_early_is_never_started(void **state)
{
    (void)state;
    const char *got = exchange("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                               "Connection: close\r\n\r\nbody",
                               false);
    assert_int_equal(w.n_started, 0);
    has(got, "HTTP/1.1 403 ");
    has(got, "\r\n\r\nearly\n");
}

static void a_head_has_no_body_in_its_answer(void **state)
{
    (void)state;
    const char *got = exchange("HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false);
    has(got, "\r\nContent-Length: 5\r\n");
    assert_string_equal(got + strlen(got) - 4, "\r\n\r\n");
}

static void a_refusal_says_what_its_owner_says(void **state)
{
    (void)state;
    const char *got = exchange("GET /x HTTP/1.1\nHost: a\r\n\r\n", false);
    assert_int_equal(w.n_begun, 0);
    has(got, "HTTP/1.1 400 ");
    has(got, "\r\nContent-Type: text/odd\r\n");
    has(got, "\r\nX-Why: malformed\r\n");
    has(got, "\r\n\r\nno\n");
}

static void an_exchange_outlives_its_client_until_it_is_answered(void **state)
{
    (void)state;
    exchange("GET /late HTTP/1.1\r\nHost: a\r\n\r\n", true);
    assert_int_equal(w.n_freed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_comes_before_its_answer),
        cmocka_unit_test(an_answer_may_come_when_what_gathered_was_done),
        cmocka_unit_test(one_that_is_answered_early_is_never_started),
        cmocka_unit_test(a_head_has_no_body_in_its_answer),
        cmocka_unit_test(a_refusal_says_what_its_owner_says),
        cmocka_unit_test(an_exchange_outlives_its_client_until_it_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
