/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP on one event loop: the front door, and behind it a libmicrohttpd daemon in external-epoll
 * mode, run to completion in the loop's thread. It knows no route: whoever answers requests is
 * behind struct jt_server_ops.
 *
 * Servers of several loops share nothing but the door's counters; the kernel spreads connections
 * over their listening sockets (SO_REUSEPORT).
 *
 * Call order: jt_server_init before the loop runs, and before anything else that has a hook after
 * its rounds, so that what gathered() sends goes out in the same round; jt_server_stop from the
 * loop, which then ends by itself; jt_server_clear after the loop has ended and everything that
 * could still answer has done so.
 */
#ifndef JETON_HTTP_SERVER_H
#define JETON_HTTP_SERVER_H

#include "base/loop.h"
#include "http/door.h"
#include "http/exchange.h"

#include <stdbool.h>

struct MHD_Daemon;

/* Whoever answers. `arg` is the server's. */
struct jt_server_ops {
    /*
     * A good head, whose slices are valid during the call: makes an exchange (http/exchange.h).
     * False: out of memory, and there is none.
     */
    bool (*begin)(void *arg, struct jt_conn *conn, const struct jt_head *head);
    /* The body is complete: answer it. */
    void (*start)(struct jt_exchange *x);
    void (*free)(struct jt_exchange *x);
    /* The answer to what no exchange was made of; into an empty one. */
    void (*refuse)(void *arg, enum jt_refusal why, struct jt_http_answer *out);
    /* What the requests of this round want done is to be begun. */
    void (*gathered)(void *arg);
};

struct jt_server {
    struct jt_loop *loop;
    const struct jt_server_ops *ops;
    void *arg;
    struct jt_door door;
    struct MHD_Daemon *daemon;
    struct jt_watch watch;         /* libmicrohttpd's epoll descriptor */
    struct jt_upstream *attaching; /* whose connection libmicrohttpd is about to make */
    struct jt_exchange *answered, *answered_last; /* whose answers go out after this round */
    bool fetching;      /* what gathered waits for what comes with this round */
    bool http_due;      /* libmicrohttpd has more to do: it runs again in the next round */
    int64_t stop_by_ms; /* 0: not stopping */
};

/* Takes over the `n` listening sockets, also on failure. */
enum jt_err jt_server_init(struct jt_server *server, struct jt_loop *loop,
                           const struct jt_door_socket *sockets, size_t n,
                           const struct jt_door_conf *conf, struct jt_door_shared *shared,
                           const struct jt_server_ops *ops, void *arg) JT_CHECKED;

/*
 * From the loop: goes on as before, but each connection ends after its next answer, which tells its
 * client so (Connection: close). Before jt_server_stop, or not at all.
 */
void jt_server_drain(struct jt_server *server);

/*
 * From the loop: takes no new connection, and stops the loop when the requests under way have been
 * answered, or five seconds have passed. Once is enough; more often is harmless.
 */
void jt_server_stop(struct jt_server *server);

/* Sends what is answered, and frees everything. Harmless on zeroes. */
void jt_server_clear(struct jt_server *server);

/* For http/exchange.c: the answer of `x` is complete, and goes out after this round. */
void jt_server_answered(struct jt_server *server, struct jt_exchange *x);
/* The server whose door it is. */
struct jt_server *jt_server_of(struct jt_door *door);

#endif
