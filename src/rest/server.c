#include "rest/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "rest/request.h"
#include "rest/strict.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 2000 /* a loop */
#define IDLE_TIMEOUT_S 60 /* libmicrohttpd's: of inactivity only */
/* One byte a second would live for ever by the above: no request may take longer than this to arrive, nor its answer to be fetched. */
#define REQUEST_TIMEOUT_MS 65000
#define STOP_PATIENCE_MS 5000
#define RUNS_A_TURN 4
#define POOL_LEN (16 * 1024) /* a connection's memory in libmicrohttpd: bounds a head, and is cleared for each request */

/* One TCP connection. */
struct jt_connection {
    struct jt_connection *next, *previous;
    struct MHD_Connection *mhd;
    int64_t since_ms; /* when it came, or its present request began or was answered */
    bool working; /* a request of it is suspended */
};

static struct jt_connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

static void touch(struct MHD_Connection *mhd)
{
    struct jt_connection *c = connection_of(mhd);
    if (c != NULL) {
        c->since_ms = jt_clock_ms();
    }
}

/* What the target check found, before there is a request to note it in (libmicrohttpd would leak one if the client left now). */
static char target_good, target_bad;

static void *on_target(void *arg, const char *target, struct MHD_Connection *connection)
{
    (void)arg;
    touch(connection);
    return jt_strict_target_ok(target) ? &target_good : &target_bad;
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
    struct jt_server *server = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct jt_connection *c = calloc(1, sizeof *c);
        *context = c;
        if (c != NULL) {
            c->mhd = mhd;
            c->since_ms = jt_clock_ms();
            c->next = server->connections;
            if (c->next != NULL) {
                c->next->previous = c;
            }
            server->connections = c;
        }
        return;
    }
    struct jt_connection *c = *context;
    if (c == NULL) {
        return;
    }
    *(c->previous == NULL ? &server->connections : &c->previous->next) = c->next;
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    free(c);
    *context = NULL;
}

static void suspend(struct jt_server *server, struct jt_request *r)
{
    struct jt_connection *c = connection_of(r->connection);
    if (c != NULL) {
        c->working = true;
    }
    r->suspended = true;
    server->n_suspended++;
    MHD_suspend_connection(r->connection);
}

void jt_server_resume(struct jt_server *server, struct MHD_Connection *connection)
{
    struct jt_connection *c = connection_of(connection);
    if (c != NULL) {
        c->working = false;
        c->since_ms = jt_clock_ms();
    }
    server->n_suspended--;
    server->resumed = true;
    MHD_resume_connection(connection);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_len, void **context)
{
    (void)version;
    struct jt_server *server = arg;
    if (*context == &target_good || *context == &target_bad) {
        struct jt_request *r = jt_request_new(server, connection, method, path, *context == &target_good);
        *context = r;
        if (r != NULL && jt_request_refuses_body(r)) {
            jt_request_start(r);
            return jt_request_send(r);
        }
        return r == NULL ? MHD_NO : MHD_YES;
    }
    struct jt_request *r = *context;
    if (*upload_len > 0) {
        jt_request_body(r, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    if (!r->started) {
        jt_request_start(r);
        if (r->status == 0) {
            suspend(server, r);
            return MHD_YES;
        }
    }
    return r->status == 0 ? MHD_YES : jt_request_send(r);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code)
{
    (void)arg;
    (void)code;
    if (*context != NULL && *context != &target_good && *context != &target_bad) {
        jt_request_free(*context);
    }
    *context = NULL;
    touch(connection);
}

/*
 * Lets libmicrohttpd read, call handlers and write. A client that sends without end always leaves it something to do, so its turn is bounded:
 * what is left waits until keeper, database and timers have had theirs.
 */
static void run_http(struct jt_server *server)
{
    server->http_due = true;
    for (int i = 0; i < RUNS_A_TURN && server->http_due; i++) {
        MHD_UNSIGNED_LONG_LONG timeout;
        server->resumed = false;
        MHD_run(server->daemon);
        server->http_due = server->resumed || (MHD_get_timeout(server->daemon, &timeout) == MHD_YES && timeout == 0);
    }
    if (server->http_due) {
        jt_loop_wake(server->loop);
    }
}

static void on_http(void *arg, uint32_t events)
{
    (void)events;
    run_http(arg);
}

/* After each round: answers that have become ready go out, then what has gathered goes to the lanes. */
static void after_round(void *arg, uint32_t events)
{
    (void)events;
    struct jt_server *server = arg;
    if (server->resumed) {
        run_http(server);
    }
    jt_lanes_pump(&server->lanes);
    if (server->resumed) {
        run_http(server); /* a lane that is down answers at once */
    }
    if (server->stop_by_ms != 0 && (server->n_suspended == 0 || jt_clock_ms() >= server->stop_by_ms)) {
        jt_loop_stop(server->loop);
    }
}

static void on_wake(void *arg, uint32_t events)
{
    struct jt_server *server = arg;
    jt_inbox_drain(&server->lanes.inbox, events);
    if (server->http_due) {
        run_http(server);
    }
    if (atomic_load(&server->stop) && server->stop_by_ms == 0) {
        int fd = MHD_quiesce_daemon(server->daemon);
        if (fd >= 0) {
            close(fd);
        }
        server->stop_by_ms = jt_clock_ms() + STOP_PATIENCE_MS;
    }
}

static void on_second(void *arg, uint32_t events)
{
    (void)events;
    struct jt_server *server = arg;
    int64_t now = jt_clock_ms();
    for (struct jt_connection *c = server->connections; c != NULL; c = c->next) {
        if (!c->working && now - c->since_ms > REQUEST_TIMEOUT_MS) {
            const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
            if (info != NULL) {
                (void)shutdown(info->connect_fd, SHUT_RDWR);
            }
        }
    }
    run_http(server);
}

static enum jt_err start_daemon(struct jt_server *server, int listen_fd)
{
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, server,
        MHD_OPTION_LISTEN_SOCKET, listen_fd,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_LEN,
        MHD_OPTION_END);
    if (server->daemon == NULL) {
        return JT_ERR_IO;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        return JT_ERR_IO;
    }
    server->watch = (struct jt_watch){ .fn = on_http, .arg = server, .fd = info->epoll_fd, .events = EPOLLIN };
    return jt_loop_watch(server->loop, &server->watch);
}

enum jt_err jt_server_init(struct jt_server *server, struct jt_vault *vault, int listen_fd, int index)
{
    *server = (struct jt_server){ .vault = vault };
    server->watch.fd = -1;
    enum jt_err err = jt_loop_new(&server->loop);
    if (err == JT_OK) {
        jt_loop_on_wake(server->loop, on_wake, server);
        /* Before the lanes' own hooks, so that what the pump asks of the keeper is sent in the same round. */
        err = jt_loop_after_round(server->loop, after_round, server);
    }
    if (err == JT_OK) {
        err = jt_lanes_init(&server->lanes, vault, server->loop, index);
    }
    if (err != JT_OK) {
        close(listen_fd);
        jt_server_clear(server);
        return err;
    }
    err = start_daemon(server, listen_fd);
    if (err == JT_OK) {
        err = jt_loop_every(server->loop, 1000, on_second, server);
    }
    if (err != JT_OK) {
        jt_server_clear(server);
    }
    return err;
}

enum jt_err jt_server_run(struct jt_server *server)
{
    return jt_loop_run(server->loop);
}

void jt_server_ask_stop(struct jt_server *server)
{
    atomic_store(&server->stop, true);
    jt_loop_wake(server->loop);
}

void jt_server_clear(struct jt_server *server)
{
    server->closed = true;
    jt_lanes_clear(&server->lanes); /* answers whatever still waits */
    if (server->daemon != NULL) {
        /* libmicrohttpd aborts the process if a connection is still suspended when it stops. */
        run_http(server);
        jt_loop_unwatch(server->loop, &server->watch);
        MHD_stop_daemon(server->daemon);
        server->daemon = NULL;
    }
    jt_loop_free(server->loop);
    server->loop = NULL;
}
