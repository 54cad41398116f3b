/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/server.h"

#include "base/clock.h"
#include "base/loop.h"
#include "base/notice.h"
#include "keeper/dispatch.h"
#include "keeper/rewrap.h"
#include "keeper/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_AT_ONCE   (64u << 10)
#define READS_PER_TURN 8            /* then the other connections have theirs */
#define ENOUGH_OUTPUT  (256u << 10) /* answer no further request before this is sent */
#define KEEP_BUFFER    (1u << 20)   /* larger ones are given back when they are empty */
#define IN_MAX         (JT_FRAME_LENGTH_BYTES + JT_WIRE_MAX_FRAME + READ_AT_ONCE)
#define TICK_MS        250
#define OUT_MAX        (ENOUGH_OUTPUT + JT_FRAME_LENGTH_BYTES + JT_WIRE_MAX_FRAME + 64)

struct connection {
    struct jt_keeper_server *server; /* NULL: free place */
    struct jt_watch watch;
    struct jt_session session;
    struct jt_buf in, out;
    size_t sent;  /* of out */
    bool closing; /* close once `out` is sent */
    bool waiting; /* has more requests than its turn had time for */
    int64_t accepted_ms;
    int64_t turn_over_ms;
    bool answered;           /* something in this turn */
    int64_t half_since_ms;   /* `in` begins with a frame that is not whole; 0: it does not */
    int64_t unsent_since_ms; /* the peer has read nothing of `out`; 0: there is nothing to read */
};

struct jt_keeper_server {
    struct jt_keeper *keeper;
    struct jt_listener *listener;
    struct jt_supervisor *supervisor; /* NULL: nobody */
    struct jt_loop *loop;
    struct jt_watch accepting;
    struct jt_watch signals;
    uint64_t n_accepted; /* connections, ever */
    bool resting;        /* no descriptors: the listener is not watched */
    struct connection connections[JT_SERVER_MAX_CONNECTIONS];
};

static void tell_refused(const char *why, long uid)
{
    static struct jt_notice refused = { .what = "connections were refused" };
    char detail[100];
    (void)snprintf(detail, sizeof detail, "%s (uid %ld)", why, uid);
    jt_notice(&refused, detail);
}

static void tell_malformed(const char *what, const char *name)
{
    static struct jt_notice malformed = { .what = "connections were closed" };
    char detail[100];
    (void)snprintf(detail, sizeof detail, "%s (%s)", what, name);
    jt_notice(&malformed, detail);
}

static void tell_late(const char *what)
{
    static struct jt_notice late = { .what = "connections were closed" };
    jt_notice(&late, what);
}

static void watch_listener(struct jt_keeper_server *s, bool on)
{
    s->resting = !on;
    if (s->listener != NULL) {
        jt_loop_set_events(s->loop, &s->accepting, on ? EPOLLIN : 0);
    }
}

static void close_connection(struct connection *c)
{
    struct jt_keeper_server *s = c->server;
    int fd = c->watch.fd;
    jt_rewrap_closed(s->keeper, c->session.number);
    jt_loop_unwatch(s->loop, &c->watch);
    close(fd);
    jt_buf_clear(&c->in);
    jt_buf_clear(&c->out);
    *c = (struct connection){ .watch.fd = -1 };
    if (s->listener == NULL) {
        jt_loop_stop(s->loop);
    }
    if (s->resting) {
        watch_listener(s, true); /* a descriptor has come free */
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
        c->unsent_since_ms = 0;
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
 * Answers whole frames until there is none, or enough output, or its turn is over (c->waiting).
 * *more: stopped for output. False when the stream cannot be followed.
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
            tell_malformed("a frame of impossible length", "no verb");
            good = false;
            break;
        }
        if (used == 0) {
            break;
        }
        if (c->answered && jt_clock_ms() >= c->turn_over_ms) {
            c->waiting = true;
            jt_loop_wake(c->server->loop);
            break;
        }
        if (c->out.len >= ENOUGH_OUTPUT) {
            *more = true;
            break;
        }
        enum jt_err err = jt_dispatch(c->server->keeper, &c->session, &request, &c->out);
        at += used;
        c->answered = true;
        if (err == JT_ERR_PROTOCOL) {
            tell_malformed("malformed request", jt_verb_name(request.verb));
            c->closing = true;
        } else if (err != JT_OK) {
            good = false;
            break;
        }
    }
    jt_buf_consume(&c->in, at);
    bool half = c->in.len > 0 && !*more && !c->waiting;
    c->half_since_ms = !half                              ? 0
                       : at == 0 && c->half_since_ms != 0 ? c->half_since_ms
                                                          : jt_clock_ms();
    if (c->in.len == 0 && c->in.cap > KEEP_BUFFER) {
        jt_buf_clear(&c->in);
    }
    return good;
}

/*
 * Sends what waits, then answers and sends until input or socket is exhausted. False when the
 * connection is to be closed now.
 */
static bool drain(struct connection *c)
{
    bool more = true;
    if (!flush(c)) {
        return false;
    }
    while (more && c->out.len == 0 && !c->waiting) {
        bool good = answer(c, &more);
        if (!flush(c) || !good) {
            return false;
        }
    }
    /*
     * Output that is left means a full socket: nothing more is answered before it has gone, and
     * nothing is closed.
     */
    return c->out.len > 0 || !c->closing;
}

enum reading { READ_SOME, READ_DRY, READ_END };

static size_t held(const struct jt_keeper_server *s)
{
    size_t sum = 0;
    for (size_t i = 0; i < JT_SERVER_MAX_CONNECTIONS; i++) {
        sum += s->connections[i].server != NULL
                   ? s->connections[i].in.cap + s->connections[i].out.cap
                   : 0;
    }
    return sum;
}

/*
 * Since when a connection has kept the keeper waiting for the rest of a frame, or for reading a
 * reply; 0: it has not.
 */
static int64_t stuck_since(const struct connection *c)
{
    return c->half_since_ms != 0 ? c->half_since_ms : c->unsent_since_ms;
}

/*
 * The connection, other than `c`, that has been stuck for the longest time; NULL when there is
 * none.
 */
static struct connection *oldest_stuck(struct jt_keeper_server *s, const struct connection *c)
{
    struct connection *oldest = NULL;
    for (size_t i = 0; i < JT_SERVER_MAX_CONNECTIONS; i++) {
        struct connection *other = &s->connections[i];
        if (other != c && other->server != NULL && stuck_since(other) != 0 &&
            (oldest == NULL || stuck_since(other) < stuck_since(oldest))) {
            oldest = other;
        }
    }
    return oldest;
}

/*
 * Room for one more reading, within what all may hold together. A buffer grows to twice its size at
 * most.
 */
static bool make_room(struct connection *c)
{
    struct jt_keeper_server *s = c->server;
    if (c->in.cap - c->in.len < READ_AT_ONCE) {
        size_t growth = c->in.cap > 2 * READ_AT_ONCE ? c->in.cap : 2 * READ_AT_ONCE;
        while (held(s) + growth > JT_SERVER_MAX_HELD) {
            struct connection *other = oldest_stuck(s, c);
            tell_late("half frames and unread replies hold all the memory that there is for them");
            if (other == NULL) {
                return false;
            }
            close_connection(other);
        }
    }
    return jt_buf_reserve(&c->in, READ_AT_ONCE) == JT_OK;
}

static enum reading read_some(struct connection *c)
{
    if (!make_room(c)) {
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
    c->waiting = false;
    c->answered = false;
    c->turn_over_ms = jt_clock_ms() + JT_SERVER_TURN_MS;
    bool alive = drain(c);
    enum reading r = READ_SOME;
    for (int i = 0; i < READS_PER_TURN && alive && r == READ_SOME && c->out.len == 0 && !c->waiting;
         i++) {
        r = read_some(c);
        alive = r != READ_END && drain(c);
    }
    jt_honey_tell(&c->server->keeper->honey); /* the replies are out */
    if (!alive) {
        close_connection(c);
        return;
    }
    c->unsent_since_ms = c->out.len == 0           ? 0
                         : c->unsent_since_ms != 0 ? c->unsent_since_ms
                                                   : jt_clock_ms();
    jt_loop_set_events(c->server->loop, &c->watch,
                       c->out.len > 0 ? EPOLLOUT
                       : c->waiting   ? 0
                                      : EPOLLIN);
}

/*
 * The next turn of those that had not enough time in their last one; everybody else has had theirs
 * in between.
 */
static void on_wake(void *arg, uint32_t events)
{
    (void)events;
    struct jt_keeper_server *s = arg;
    for (size_t i = 0; i < JT_SERVER_MAX_CONNECTIONS; i++) {
        if (s->connections[i].server != NULL && s->connections[i].waiting) {
            on_connection(&s->connections[i], 0);
        }
    }
}

static struct connection *free_place(struct jt_keeper_server *s)
{
    for (size_t i = 0; i < JT_SERVER_MAX_CONNECTIONS; i++) {
        if (s->connections[i].server == NULL) {
            return &s->connections[i];
        }
    }
    return NULL;
}

/*
 * Takes the place of the connection that has been silent since it came for the longest time; NULL:
 * all have spoken.
 */
static struct connection *take_place(struct jt_keeper_server *s)
{
    struct connection *oldest = NULL;
    for (size_t i = 0; i < JT_SERVER_MAX_CONNECTIONS; i++) {
        struct connection *c = &s->connections[i];
        if (!c->session.greeted && (oldest == NULL || c->accepted_ms < oldest->accepted_ms)) {
            oldest = c;
        }
    }
    if (oldest != NULL) {
        tell_late("all places are taken, and this one has said no hello");
        close_connection(oldest);
    }
    return oldest;
}

/* Closes what has kept the keeper waiting for too long. */
static void on_tick(void *arg, uint32_t events)
{
    (void)events;
    struct jt_keeper_server *s = arg;
    int64_t now = jt_clock_ms();
    jt_honey_tell(&s->keeper->honey);
    if (s->supervisor != NULL) {
        jt_supervisor_alive(s->supervisor, now);
    }
    for (size_t i = 0; i < JT_SERVER_MAX_CONNECTIONS; i++) {
        struct connection *c = &s->connections[i];
        if (c->server == NULL) {
            continue;
        }
        if (!c->session.greeted && !c->closing && now - c->accepted_ms > JT_SERVER_HELLO_MS) {
            tell_late("no hello in time");
            close_connection(c);
        } else if (c->half_since_ms != 0 && now - c->half_since_ms > JT_SERVER_FRAME_MS) {
            tell_late("half a frame, and the rest did not come in time");
            close_connection(c);
        } else if (c->unsent_since_ms != 0 && now - c->unsent_since_ms > JT_SERVER_REPLY_MS) {
            tell_late("a reply was not read in time");
            close_connection(c);
        }
    }
    if (s->resting) {
        watch_listener(s, true);
    }
}

enum jt_err jt_keeper_server_adopt(struct jt_keeper_server *s, int fd, bool of_owner)
{
    struct connection *c = free_place(s);
    if (c == NULL) {
        c = take_place(s);
    }
    if (c == NULL) {
        return JT_ERR_LIMIT;
    }
    *c = (struct connection){
        .server = s,
        .watch = { .fn = on_connection, .arg = c, .fd = fd, .events = EPOLLIN },
        .session = { .number = ++s->n_accepted, .of_owner = of_owner },
        .accepted_ms = jt_clock_ms()
    };
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
    struct jt_keeper_server *s = arg;
    int fd = accept4(s->accepting.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        bool gone = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
        if (!gone) {
            tell_refused(strerror(errno), -1);
            watch_listener(s, false); /* it would be ready again at once, and again */
        }
        return;
    }
    uid_t uid;
    if (!jt_listener_peer_allowed(s->listener, fd, &uid)) {
        tell_refused("neither the keeper's user nor the front's", (long)uid);
        close(fd);
    } else if (jt_keeper_server_adopt(s, fd, uid == geteuid() || uid == 0) != JT_OK) {
        tell_refused("too many connections", (long)uid);
        close(fd);
    }
}

static void on_signal(void *arg, uint32_t events)
{
    (void)events;
    struct jt_keeper_server *s = arg;
    struct signalfd_siginfo info;
    if (read(s->signals.fd, &info, sizeof info) == (ssize_t)sizeof info) {
        jt_loop_stop(s->loop);
    }
}

static enum jt_err watch_signals(struct jt_keeper_server *s)
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

enum jt_err jt_keeper_server_new(struct jt_keeper *keeper, struct jt_listener *listener,
                                 struct jt_keeper_server **out)
{
    *out = NULL;
    struct jt_keeper_server *s = calloc(1, sizeof *s);
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
    if (err == JT_OK) {
        jt_loop_on_wake(s->loop, on_wake, s);
        err = jt_loop_every(s->loop, TICK_MS, on_tick, s);
    }
    if (err == JT_OK && listener != NULL) {
        s->accepting =
            (struct jt_watch){ .fn = on_accept, .arg = s, .fd = listener->fd, .events = EPOLLIN };
        err = jt_loop_watch(s->loop, &s->accepting);
    }
    if (err != JT_OK) {
        jt_keeper_server_free(s);
        return err;
    }
    *out = s;
    return JT_OK;
}

void jt_keeper_server_free(struct jt_keeper_server *s)
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

void jt_keeper_server_supervised(struct jt_keeper_server *s, struct jt_supervisor *by)
{
    s->supervisor = by;
}

enum jt_err jt_keeper_server_run(struct jt_keeper_server *s)
{
    return jt_loop_run(s->loop);
}
