/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front door of one event loop: it owns the clients' sockets, reads every request head
 * strictly (http/head.h), takes the body as it arrives and counts it, and writes the answers out,
 * those of one connection in the order of their requests.
 *
 * Answers are written by libmicrohttpd, through socket pairs (http/upstream.c): when one is
 * ready, libmicrohttpd is given a head of the door's own making and finds the finished answer for
 * it. So it never sees what could be read in two ways, answers nothing by itself, never waits,
 * and needs memory for the answers of one moment, not for every client.
 *
 * What the door answers itself (a bad head, a spent budget, a time-out) is one well-formed
 * response with a body, and the connection ends after it. The texts are the owner's: the
 * door knows no route, no client and no problem table.
 *
 * Call order of one request: begin() when its head is complete; the owner opens its charge there,
 * and calls jt_door_take_body or jt_door_give_up_body at once or later from the loop, when it
 * knows whether the body is wanted; until then the body stays in the socket. Then body() for each
 * piece, complete() after the last, and jt_door_answer once the answer is ready. libmicrohttpd's
 * handler finds the request by jt_upstream_take.
 *
 * Who owns it: the owner, until jt_door_answer. Where the connection is gone before that,
 * charge.conn is NULL: the owner frees the request when it would have called the door. In the
 * midst of a body, and after jt_door_answer, the door frees it with drop(), until
 * jt_upstream_take.
 *
 * Limits: connections in all and of one address, upstreams, bytes of bodies in all, of one client
 * and of one address, bytes of unfinished heads, and a deadline for each step. When room is short
 * the connection that has waited longest without a request is closed, those that never had a good
 * key first.
 *
 * Everything happens in the loop's thread, except that struct jt_door_shared is one for all
 * loops.
 */
#ifndef JETON_HTTP_DOOR_H
#define JETON_HTTP_DOOR_H

#include "base/buf.h"
#include "base/loop.h"
#include "base/notice.h"
#include "http/accounts.h"
#include "http/answer.h"
#include "http/head.h"

#include <stdatomic.h>
#include <stdbool.h>

struct jt_conn;
struct jt_door;
struct jt_tls_server;
struct jt_upstream;

/* Why the door answers by itself. */
enum jt_refusal {
    JT_REFUSE_MALFORMED,
    JT_REFUSE_TARGET_LONG,
    JT_REFUSE_HEAD_LARGE,
    JT_REFUSE_VERSION,
    JT_REFUSE_CODING,
    JT_REFUSE_EXPECTATION,
    JT_REFUSE_MISDIRECTED,
    JT_REFUSE_PLAIN,      /* plain HTTP where TLS is spoken */
    JT_REFUSE_BODY_LARGE, /* only when it comes in chunks: else the head has said it */
    JT_REFUSE_TIMEOUT,
    JT_REFUSE_BUDGET, /* a client or an address holds more than its share */
    JT_REFUSE_MEMORY, /* all bodies together are too much */
    JT_REFUSE_BROKEN, /* a fault of ours */
};

/* What happened at the doors since the start, as the API shows it. */
#define JT_DOOR_COUNTERS(X)   \
    X(connections_accepted)   \
    X(connections_refused)    \
    X(connections_evicted)    \
    X(requests_malformed)     \
    X(requests_timed_out)     \
    X(requests_over_budget)   \
    X(requests_out_of_memory) \
    X(tls_hellos)             \
    X(tls_handshakes)         \
    X(tls_failures)           \
    X(logins_refused)         \
    X(logins_without_certificate)

/* One for all doors of the process; zeroed by its owner, then `limit` set. */
struct jt_door_shared {
#define JT_DOOR_COUNTER(name) _Atomic uint64_t name;
    JT_DOOR_COUNTERS(JT_DOOR_COUNTER)
#undef JT_DOOR_COUNTER
    _Atomic int64_t n_open;
    _Atomic int64_t refused_ms; /* when a connection was last refused for lack of room; 0: never */
    int64_t limit;              /* connections of all doors together */
};

/* Whether connections are being refused for lack of room: one was within the last seconds. */
bool jt_door_full(const struct jt_door_shared *shared);

/*
 * What the door knows of a request. The owner's structure begins with it and belongs to the
 * owner; bytes of the body are counted here as they arrive, until jt_charge_release.
 */
struct jt_charge {
    struct jt_door *door;
    struct jt_conn *conn; /* that waits for the answer; NULL: nobody does */
    struct jt_account *address, *client;
    size_t bytes, max_bytes; /* of the body so far; that it may have */
};

/* Binds a new request, whose body may have `max_bytes`, to its connection; in begin(). */
void jt_charge_open(struct jt_charge *charge, struct jt_conn *c, size_t max_bytes);
/* Gives back what the request's body had taken. For the owner, when it frees the request. */
void jt_charge_release(struct jt_charge *charge);

struct jt_door_ops {
    /*
     * A good head. The slices are valid during the call. False: out of memory, and there is no
     * request.
     */
    bool (*begin)(void *arg, struct jt_conn *conn, const struct jt_head *head);
    void (*body)(void *arg, struct jt_charge *request, const char *p, size_t len);
    void (*complete)(void *arg, struct jt_charge *request);
    void (*drop)(void *arg, struct jt_charge *request);
    /*
     * Hands one end of a socket pair to libmicrohttpd, whose connection shall carry `upstream`.
     * The end is taken over, also on failure.
     */
    bool (*attach)(void *arg, int fd, struct jt_upstream *upstream);
    /* Fills an empty answer, with a body. */
    void (*refuse)(void *arg, enum jt_refusal why, struct jt_http_answer *out);
};

/* Limits of one door. */
struct jt_door_conf {
    const char *hosts; /* permitted host names, comma-separated; empty: all */
    size_t max_connections, max_per_address, max_upstreams;
    /*
     * Deadlines, which no byte puts off: for the first byte of a request to come, for its head from
     * then on, and for its body and then again for its answer to be fetched.
     */
    int idle_ms, head_ms, request_ms;
};

/* A listening socket, and what is spoken on it: TLS with that, or (NULL) plain HTTP. */
struct jt_door_socket {
    int fd;
    struct jt_tls_server *tls;
};

/* How many listening sockets one door may have. */
#define JT_DOOR_SOCKETS_MAX 16

struct jt_door_listener {
    struct jt_watch watch;
    struct jt_door *door;
    struct jt_tls_server *tls;
};

struct jt_door_list {
    struct jt_conn *first, *last;
};

struct jt_door {
    struct jt_loop *loop;
    struct jt_door_conf conf;
    struct jt_door_shared *shared;
    const struct jt_door_ops *ops;
    void *arg;
    struct jt_door_listener listeners[JT_DOOR_SOCKETS_MAX];
    size_t n_listeners;
    struct jt_accounts addresses, clients;
    /* without a request, longest waiting first; with one */
    struct jt_door_list strangers, known, busy;
    struct jt_conn *queue, *queue_last; /* wait for an upstream */
    struct jt_conn *dead;               /* freed after the round */
    struct jt_upstream *idle;           /* upstreams without a request */
    struct jt_upstream *asked; /* those whose answer libmicrohttpd writes when it runs next */
    size_t n_connections, n_upstreams;
    size_t held;       /* bytes of unfinished heads */
    size_t body_bytes; /* of all charges */
    bool began;        /* a request has come; for the owner to reset */
    bool fed;          /* libmicrohttpd has something to do */
    bool draining;     /* connections end after their next answer */
    char *scratch;
};

/* Takes over the `n` listening sockets, also on failure. */
enum jt_err jt_door_init(struct jt_door *door, struct jt_loop *loop,
                         const struct jt_door_socket *sockets, size_t n,
                         const struct jt_door_conf *conf, struct jt_door_shared *shared,
                         const struct jt_door_ops *ops, void *arg) JT_CHECKED;

/* Connections end after their next answer, which says so; everything is served as before. */
void jt_door_drain(struct jt_door *door);
/*
 * No new connection but those that wait for it already; idle ones that have sent nothing end now,
 * others after their answer.
 */
void jt_door_stop(struct jt_door *door);
/* Whether a request is under way or an answer on its way. */
bool jt_door_is_busy(const struct jt_door *door);

/* Each second: deadlines. After each round: frees what has ended. */
void jt_door_tick(struct jt_door *door);
void jt_door_after_round(struct jt_door *door);

/* Passes on the answers that libmicrohttpd has just written. */
void jt_door_flush(struct jt_door *door);

/*
 * Ends all connections. libmicrohttpd's ends of the socket pairs remain until it closes them:
 * stop it between jt_door_close and jt_door_clear. Both are harmless on zeroes.
 */
void jt_door_close(struct jt_door *door);
void jt_door_clear(struct jt_door *door);

/*
 * The verdict on a request, whose charge.conn is not NULL: its body is wanted, and `client`
 * (NULL: anybody) pays for it. May call body(), complete() and drop().
 */
void jt_door_take_body(struct jt_charge *request, const char *client);
/*
 * Or not: the answer is known already, and the connection ends after it where the rest of the
 * body would be long.
 */
void jt_door_give_up_body(struct jt_charge *request);

/*
 * The answer is ready, and charge.conn is not NULL. Not from within begin(), body() or
 * complete().
 */
void jt_door_answer(struct jt_charge *request);

/*
 * The request whose head libmicrohttpd has just read, once; NULL: there is none, and something is
 * wrong.
 */
struct jt_charge *jt_upstream_take(struct jt_upstream *u);
/* libmicrohttpd has closed its end. */
void jt_upstream_closed(struct jt_upstream *u);

/* The address of the client, for log lines. */
#define JT_PEER_TEXT 48
void jt_charge_peer(const struct jt_charge *charge, char out[JT_PEER_TEXT]);

#endif
