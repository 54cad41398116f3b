/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server.h"

#include "base/clock.h"
#include "base/container.h"
#include "base/notice.h"

#include <microhttpd.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define STOP_PATIENCE_MS 5000
#define RUNS_PER_TURN    4
/* a connection's memory in libmicrohttpd, which clears it for each request */
#define POOL_LEN        (4 * 1024)
#define SPARE_UPSTREAMS 64 /* those that the door has given up and libmicrohttpd still closes */

/* --- what the door asks --- */

struct jt_server *jt_server_of(struct jt_door *door)
{
    return jt_container_of(door, struct jt_server, door);
}

static struct jt_exchange *exchange_of(struct jt_charge *request)
{
    return jt_container_of(request, struct jt_exchange, charge);
}

static bool begin(void *arg, struct jt_conn *conn, const struct jt_head *head)
{
    struct jt_server *server = arg;
    return server->ops->begin(server->arg, conn, head);
}

static void body(void *arg, struct jt_charge *request, const char *p, size_t len)
{
    (void)arg;
    jt_buf_put(&exchange_of(request)->body, p, len);
}

static void complete(void *arg, struct jt_charge *request)
{
    struct jt_server *server = arg;
    server->ops->start(exchange_of(request));
}

static void drop(void *arg, struct jt_charge *request)
{
    struct jt_server *server = arg;
    server->ops->free(exchange_of(request));
}

static bool attach(void *arg, int fd, struct jt_upstream *upstream)
{
    struct jt_server *server = arg;
    struct sockaddr peer = { .sa_family = AF_UNIX };
    server->attaching = upstream;
    enum MHD_Result result = MHD_add_connection(server->daemon, fd, &peer, sizeof peer.sa_family);
    server->attaching = NULL;
    return result == MHD_YES;
}

static void refuse(void *arg, enum jt_refusal why, struct jt_http_answer *out)
{
    struct jt_server *server = arg;
    server->ops->refuse(server->arg, why, out);
}

static const struct jt_door_ops door_ops = { begin, body, complete, drop, attach, refuse };

/* --- what libmicrohttpd calls --- */

static struct jt_upstream *upstream_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    (void)mhd;
    struct jt_server *server = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = server->attaching; /* MHD_add_connection calls this before it returns */
        server->attaching = NULL;
    } else if (*context != NULL) {
        jt_upstream_closed(*context);
        *context = NULL;
    }
}

/*
 * Its own messages hold what strangers sent; the format alone says what was wrong. At each answer
 * it says that TCP's options cannot be set on a socket pair, which is so and does not matter.
 */
static void on_message(void *arg, const char *format, va_list args)
{
    static const char *const of_tcp[] = { "Setting %s option", "Failed to push the data" };
    static struct jt_notice message = { .what = "libmicrohttpd" };
    (void)arg;
    (void)args;
    for (size_t i = 0; i < sizeof of_tcp / sizeof of_tcp[0]; i++) {
        if (strncmp(format, of_tcp[i], strlen(of_tcp[i])) == 0) {
            return;
        }
    }
    jt_notice(&message, format);
}

/*
 * Called twice for each request, as libmicrohttpd wants it: only the second time may it be
 * answered.
 */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **context)
{
    (void)arg;
    (void)path;
    (void)method;
    (void)version;
    (void)upload;
    (void)upload_len;
    if (*context != NULL) {
        return jt_exchange_send(*context, connection) ? MHD_YES : MHD_NO;
    }
    struct jt_upstream *upstream = upstream_of(connection);
    struct jt_charge *request = upstream == NULL ? NULL : jt_upstream_take(upstream);
    *context = request == NULL ? NULL : exchange_of(request);
    return request == NULL ? MHD_NO : MHD_YES;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct jt_server *server = arg;
    (void)connection;
    (void)code;
    if (*context != NULL) {
        server->ops->free(*context);
        *context = NULL;
    }
}

/*
 * Lets libmicrohttpd read and write; its turn is bounded: what is left waits until keeper,
 * database and timers have had theirs.
 */
static void run_http(struct jt_server *server)
{
    server->http_due = true;
    for (int i = 0; i < RUNS_PER_TURN && server->http_due; i++) {
        MHD_UNSIGNED_LONG_LONG timeout;
        server->door.fed = false;
        MHD_run(server->daemon);
        jt_door_flush(&server->door);
        bool more = MHD_get_timeout(server->daemon, &timeout) == MHD_YES && timeout == 0;
        server->http_due = more || server->door.fed;
    }
    if (server->http_due) {
        jt_loop_again(server->loop);
    }
}

static void on_http(void *arg, uint32_t events)
{
    (void)events;
    run_http(arg);
}

void jt_server_answered(struct jt_server *server, struct jt_exchange *x)
{
    x->next = NULL;
    *(server->answered == NULL ? &server->answered : &server->answered_last->next) = x;
    server->answered_last = x;
}

/*
 * Later than the answer itself, because the handler that gave it may still be looking at its
 * request.
 */
static bool send_answers(struct jt_server *server)
{
    bool any = server->answered != NULL;
    while (server->answered != NULL) {
        struct jt_exchange *x = server->answered;
        server->answered = x->next;
        if (x->charge.conn == NULL) {
            server->ops->free(x); /* nobody waits for it any more */
        } else {
            jt_door_answer(&x->charge);
        }
    }
    if (server->door.fed || server->http_due) {
        run_http(server);
    }
    return any;
}

/*
 * After each round: answers that have become ready go out, then what has gathered is
 * begun. Who got an answer often has the next request ready by the time that all are out, so those
 * are fetched first: batches are nearly twice as large. Once in a row, because answers that are
 * ready at once could put it off for ever.
 */
static void after_round(void *arg, uint32_t events)
{
    (void)events;
    struct jt_server *server = arg;
    server->fetching = send_answers(server) && !server->fetching;
    if (server->fetching) {
        jt_loop_again(server->loop);
    } else {
        server->ops->gathered(server->arg);
        server->door.began = false;
        (void)send_answers(server); /* what failed at once */
        if (server->door.began) {
            jt_loop_again(server->loop); /* a pipelined request, which gathered() has not seen */
        }
    }
    jt_door_after_round(&server->door);
    bool over = !jt_door_is_busy(&server->door) || jt_clock_ms() >= server->stop_by_ms;
    if (server->stop_by_ms != 0 && over) {
        jt_loop_stop(server->loop);
    }
}

static void on_second(void *arg, uint32_t events)
{
    (void)events;
    struct jt_server *server = arg;
    jt_door_tick(&server->door);
    run_http(server);
}

/*
 * Deadlines are the door's: libmicrohttpd has none, and could not tell a slow client from a busy
 * service.
 */
static enum jt_err start_daemon(struct jt_server *server, size_t max_upstreams)
{
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_request,
        server, MHD_OPTION_EXTERNAL_LOGGER, on_message, server, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(max_upstreams + SPARE_UPSTREAMS),
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_LEN, MHD_OPTION_END);
    if (server->daemon == NULL) {
        return JT_ERR_IO;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        return JT_ERR_IO;
    }
    server->watch =
        (struct jt_watch){ .fn = on_http, .arg = server, .fd = info->epoll_fd, .events = EPOLLIN };
    return jt_loop_watch(server->loop, &server->watch);
}

enum jt_err jt_server_init(struct jt_server *server, struct jt_loop *loop,
                           const struct jt_door_socket *sockets, size_t n,
                           const struct jt_door_conf *conf, struct jt_door_shared *shared,
                           const struct jt_server_ops *ops, void *arg)
{
    *server = (struct jt_server){ .loop = loop, .ops = ops, .arg = arg };
    server->watch.fd = -1;
    enum jt_err err = jt_loop_after_round(loop, after_round, server);
    if (err != JT_OK) {
        for (size_t i = 0; i < n; i++) {
            close(sockets[i].fd);
        }
        return err;
    }
    err = jt_door_init(&server->door, loop, sockets, n, conf, shared, &door_ops, server);
    if (err == JT_OK) {
        err = start_daemon(server, conf->max_upstreams);
    }
    if (err == JT_OK) {
        err = jt_loop_every(loop, 1000, on_second, server);
    }
    if (err != JT_OK) {
        jt_server_clear(server);
    }
    return err;
}

void jt_server_drain(struct jt_server *server)
{
    jt_door_drain(&server->door);
}

void jt_server_stop(struct jt_server *server)
{
    if (server->stop_by_ms == 0) {
        jt_door_stop(&server->door);
        server->stop_by_ms = jt_clock_ms() + STOP_PATIENCE_MS;
    }
}

void jt_server_clear(struct jt_server *server)
{
    if (server->daemon != NULL) {
        (void)send_answers(server);
        jt_door_close(&server->door);
        run_http(server);
        jt_loop_unwatch(server->loop, &server->watch);
        MHD_stop_daemon(server->daemon);
        server->daemon = NULL;
    } else {
        jt_door_close(&server->door);
    }
    (void)send_answers(server); /* frees those whose connection has just gone */
    jt_door_clear(&server->door);
}
