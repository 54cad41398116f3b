/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event loop that serves REST: the front door, a libmicrohttpd daemon in external-epoll mode
 * behind it, and the vault's lanes, run to completion in one thread. Servers share nothing but
 * struct jt_vault and the door's counters; the kernel spreads connections over their listening
 * sockets (SO_REUSEPORT).
 */
#ifndef JETON_REST_SERVER_H
#define JETON_REST_SERVER_H

#include "base/loop.h"
#include "http/door.h"
#include "vault/lanes.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>

struct jt_request;

struct jt_server {
    struct jt_vault *vault;
    struct jt_loop *loop;
    struct jt_lanes lanes;
    struct MHD_Daemon *daemon;
    struct jt_request *unasked, *unasked_last; /* whose key will be looked up when there is room */
    size_t n_asked;                            /* keys that are being looked up for requests */
    bool asking;                               /* one is just being handed over */
    bool put_off;                              /* and there was no room for it */
    struct jt_watch watch;                     /* libmicrohttpd's epoll descriptor */
    struct jt_door door;
    struct jt_upstream *attaching; /* whose connection libmicrohttpd is about to make */
    struct jt_request *answered, *answered_last; /* whose answers go out after this round */
    bool fetching;                               /* the lanes wait for what comes with this round */
    bool http_due;      /* libmicrohttpd has more to do: it runs again in the next round */
    atomic_bool stop;   /* asked from another thread */
    int64_t stop_by_ms; /* 0: not stopping; else answers close their connections */
    bool closed;        /* the lanes are gone: what still comes in is answered 503 */
};

/* Takes over the listening socket, also on failure. `index` counts the servers from 0. */
enum jt_err jt_server_init(struct jt_server *server, struct jt_vault *vault, int listen_fd,
                           int index, const struct jt_door_conf *conf,
                           struct jt_door_shared *shared) JT_CHECKED;

/*
 * Runs until jt_server_ask_stop and the requests under way have been answered, or five seconds
 * have passed.
 */
enum jt_err jt_server_run(struct jt_server *server) JT_CHECKED;

/* Any thread. */
void jt_server_ask_stop(struct jt_server *server);

/*
 * After the loop has ended and the workers have been stopped: answers what is left with 503 and
 * frees everything.
 */
void jt_server_clear(struct jt_server *server);

/* For requests: the answer of `r` is complete, and goes out after this round. */
void jt_server_answered(struct jt_server *server, struct jt_request *r);

#endif
