#include "keeper/server.h"

#include "base/log.h"
#include "base/loop.h"
#include "keeper/dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_AT_ONCE (64u << 10)
#define READS_A_TURN 8 /* then the other connections have theirs */
#define ENOUGH_OUTPUT (256u << 10) /* answer no further request before this is sent */
#define KEEP_BUFFER (1u << 20) /* larger ones are given back when they are empty */
#define IN_MAX (JT_FRAME_LENGTH_BYTES + JT_WIRE_MAX_FRAME + READ_AT_ONCE)
#define OUT_MAX (ENOUGH_OUTPUT + JT_FRAME_LENGTH_BYTES + JT_WIRE_MAX_FRAME + 64)

struct connection {
    struct jt_server *server; /* NULL: free place */
    struct jt_watch watch;
    struct jt_session session;
    struct jt_buf in, out;
    size_t sent; /* of out */
    bool closing; /* close once `out` is sent */
};

struct jt_server {
    struct jt_keeper *keeper;
    struct jt_listener *listener;
    struct jt_loop *loop;
    struct jt_watch accepting;
    struct jt_watch signals;
    struct connection connections[JT_SERVER_MAX_CONNECTIONS];
};

static void close_connection(struct connection *c)
{
    struct jt_server *s = c->server;
    int fd = c->watch.fd;
    jt_loop_unwatch(s->loop, &c->watch);
    close(fd);
    jt_buf_clear(&c->in);
    jt_buf_clear(&c->out);
    *c = (struct connection){ .watch.fd = -1 };
    if (s->listener == NULL) {
        jt_loop_stop(s->loop);
    }
}

/* Sends what it can. False when the connection is gone. */
static bool flush(struct connection *c)
{
    while (c->sent < c->out.len) {
        ssize_t n = send(c->watch.fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN || errno == EWOULDBLOCK;
        }
        c->sent += (size_t)n;
    }
    c->sent = 0;
    if (c->out.cap > KEEP_BUFFER) {
        jt_buf_clear(&c->out);
    } else {
        jt_buf_reset(&c->out);
    }
    return true;
}

/*
 * Answers whole frames until there is none, or enough output. *more: stopped for output. False when the stream cannot
 * be followed.
 */
static bool answer(struct connection *c, bool *more)
{
    size_t at = 0;
    bool good = true;
    *more = false;
    while (!c->closing) {
        struct jt_frame request;
        size_t used;
        if (jt_frame_next(c->in.data + at, c->in.len - at, &request, &used) != JT_OK) {
            jt_log(JT_LOG_WARNING, "a frame of impossible length: connection closed");
            good = false;
            break;
        }
        if (used == 0) {
            break;
        }
        if (c->out.len >= ENOUGH_OUTPUT) {
            *more = true;
            break;
        }
        enum jt_err err = jt_dispatch(c->server->keeper, &c->session, &request, &c->out);
        at += used;
        if (err == JT_ERR_PROTOCOL) {
            jt_log(JT_LOG_WARNING, "malformed request (verb %u): connection closed", request.verb);
            c->closing = true;
        } else if (err != JT_OK) {
            good = false;
            break;
        }
    }
    jt_buf_consume(&c->in, at);
    if (c->in.len == 0 && c->in.cap > KEEP_BUFFER) {
        jt_buf_clear(&c->in);
    }
    return good;
}

/*
 * Sends what waits, then answers and sends until input or socket is exhausted. False when the connection is to be
 * closed now.
 */
static bool drain(struct connection *c)
{
    bool more = true;
    if (!flush(c)) {
        return false;
    }
    while (more && c->out.len == 0) {
        bool good = answer(c, &more);
        if (!flush(c) || !good) {
            return false;
        }
    }
    /* Output that is left means a full socket: nothing more is answered before it has gone, and nothing is closed. */
    return c->out.len > 0 || !c->closing;
}

enum reading { READ_SOME, READ_DRY, READ_END };

static enum reading read_some(struct connection *c)
{
    if (jt_buf_reserve(&c->in, READ_AT_ONCE) != JT_OK) {
        return READ_END;
    }
    ssize_t n;
    do {
        n = recv(c->watch.fd, c->in.data + c->in.len, READ_AT_ONCE, 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK ? READ_DRY : READ_END;
    }
    c->in.len += (size_t)n;
    return n > 0 ? READ_SOME : READ_END;
}

static void on_connection(void *arg, uint32_t events)
{
    (void)events;
    struct connection *c = arg;
    bool alive = drain(c);
    enum reading r = READ_SOME;
    for (int i = 0; i < READS_A_TURN && alive && r == READ_SOME && c->out.len == 0; i++) {
        r = read_some(c);
        alive = r != READ_END && drain(c);
    }
    if (!alive) {
        close_connection(c);
        return;
    }
    jt_loop_set_events(c->server->loop, &c->watch, c->out.len > 0 ? EPOLLOUT : EPOLLIN);
}

static struct connection *free_place(struct jt_server *s)
{
    for (size_t i = 0; i < JT_SERVER_MAX_CONNECTIONS; i++) {
        if (s->connections[i].server == NULL) {
            return &s->connections[i];
        }
    }
    return NULL;
}

enum jt_err jt_server_adopt(struct jt_server *s, int fd)
{
    struct connection *c = free_place(s);
    if (c == NULL) {
        return JT_ERR_LIMIT;
    }
    *c = (struct connection){ .server = s, .watch = { .fn = on_connection, .arg = c, .fd = fd, .events = EPOLLIN } };
    jt_buf_init(&c->in, IN_MAX);
    jt_buf_init(&c->out, OUT_MAX);
    enum jt_err err = jt_loop_watch(s->loop, &c->watch);
    if (err != JT_OK) {
        *c = (struct connection){ .watch.fd = -1 };
    }
    return err;
}

static void on_accept(void *arg, uint32_t events)
{
    (void)events;
    struct jt_server *s = arg;
    int fd = accept4(s->accepting.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    uid_t uid;
    if (!jt_listener_peer_allowed(s->listener, fd, &uid)) {
        jt_log(JT_LOG_WARNING, "refused a connection by uid %ld", (long)uid);
        close(fd);
    } else if (jt_server_adopt(s, fd) != JT_OK) {
        jt_log(JT_LOG_WARNING, "too many connections: one more refused");
        close(fd);
    }
}

static void on_signal(void *arg, uint32_t events)
{
    (void)events;
    struct jt_server *s = arg;
    struct signalfd_siginfo info;
    if (read(s->signals.fd, &info, sizeof info) == (ssize_t)sizeof info) {
        jt_loop_stop(s->loop);
    }
}

static enum jt_err watch_signals(struct jt_server *s)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        return JT_ERR_IO;
    }
    s->signals = (struct jt_watch){ .fn = on_signal, .arg = s, .events = EPOLLIN };
    s->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals.fd >= 0 ? jt_loop_watch(s->loop, &s->signals) : JT_ERR_IO;
}

enum jt_err jt_server_new(struct jt_keeper *keeper, struct jt_listener *listener, struct jt_server **out)
{
    *out = NULL;
    struct jt_server *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return JT_ERR_NOMEM;
    }
    s->keeper = keeper;
    s->listener = listener;
    s->accepting.fd = -1;
    s->signals.fd = -1;
    enum jt_err err = jt_loop_new(&s->loop);
    if (err == JT_OK) {
        err = watch_signals(s);
    }
    if (err == JT_OK && listener != NULL) {
        s->accepting = (struct jt_watch){ .fn = on_accept, .arg = s, .fd = listener->fd, .events = EPOLLIN };
        err = jt_loop_watch(s->loop, &s->accepting);
    }
    if (err != JT_OK) {
        jt_server_free(s);
        return err;
    }
    *out = s;
    return JT_OK;
}

void jt_server_free(struct jt_server *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < JT_SERVER_MAX_CONNECTIONS; i++) {
        if (s->connections[i].server != NULL) {
            close_connection(&s->connections[i]);
        }
    }
    if (s->signals.fd >= 0) {
        close(s->signals.fd);
    }
    jt_loop_free(s->loop);
    free(s);
}

enum jt_err jt_server_run(struct jt_server *s)
{
    return jt_loop_run(s->loop);
}
