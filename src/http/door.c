/* SPDX-License-Identifier: Apache-2.0 */
#include "http/door.h"

#include "base/clock.h"
#include "http/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_BYTES   (256u << 20) /* of all bodies that one loop holds at a time */
#define CLIENT_BYTES (BODY_BYTES / 4)
/* A proxy on this machine is one address for all of its clients. */
#define ADDRESS_BYTES   (BODY_BYTES / 4 * 3)
#define ACCEPTS_A_ROUND 64
#define FULL_FOR_MS     5000

static struct jt_notice evicted = { .what = "idle connections were closed to make room" };
static struct jt_notice refused = { .what = "connections were refused for lack of room" };
static struct jt_notice over_budget = {
    .what = "requests were refused: a client or an address holds its share of body memory"
};
static struct jt_notice no_memory = { .what =
                                          "requests were refused: all memory for bodies is taken" };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

bool jt_door_full(const struct jt_door_shared *shared)
{
    int64_t at = atomic_load(&shared->refused_ms);
    return at != 0 && jt_clock_ms() - at < FULL_FOR_MS;
}

void jt_account_peer(const struct jt_account *address, char out[JT_PEER_TEXT])
{
    int family = address->name_len == sizeof(struct in_addr) ? AF_INET : AF_INET6;
    if (address->name_len == 0 || inet_ntop(family, address->name, out, JT_PEER_TEXT) == NULL) {
        (void)snprintf(out, JT_PEER_TEXT, "local");
    }
}

void jt_charge_peer(const struct jt_charge *charge, char out[JT_PEER_TEXT])
{
    jt_account_peer(charge->address, out);
}

/* --- what bodies hold --- */

static void add(struct jt_charge *charge, ssize_t len)
{
    charge->bytes += (size_t)len;
    charge->door->body_bytes += (size_t)len;
    charge->address->bytes += (size_t)len;
    if (charge->client != NULL) {
        charge->client->bytes += (size_t)len;
    }
}

bool jt_door_charge(struct jt_charge *charge, size_t len, enum jt_refusal *why)
{
    struct jt_door *door = charge->door;
    char peer[JT_PEER_TEXT];
    if ((charge->client != NULL && len > CLIENT_BYTES - charge->client->bytes) ||
        len > ADDRESS_BYTES - charge->address->bytes) {
        *why = JT_REFUSE_BUDGET;
        atomic_fetch_add(&door->shared->requests_over_budget, 1);
        jt_account_peer(charge->address, peer);
        jt_notice(&over_budget, peer);
        return false;
    }
    if (len > BODY_BYTES - door->body_bytes) {
        *why = JT_REFUSE_MEMORY;
        atomic_fetch_add(&door->shared->requests_out_of_memory, 1);
        jt_notice(&no_memory, NULL);
        return false;
    }
    add(charge, (ssize_t)len);
    return true;
}

void jt_charge_release(struct jt_charge *charge)
{
    add(charge, -(ssize_t)charge->bytes);
    jt_accounts_put(&charge->door->addresses, charge->address);
    jt_accounts_put(&charge->door->clients, charge->client);
    if (charge->conn != NULL) {
        charge->conn->request = NULL;
    }
    *charge = (struct jt_charge){ 0 };
}

/* --- connections --- */

bool jt_door_evict(struct jt_door *door, const struct jt_account *address,
                   const struct jt_conn *spared)
{
    struct jt_door_list *const lists[] = { &door->strangers, &door->known };
    for (size_t i = 0; i < 2; i++) {
        for (struct jt_conn *c = lists[i]->first; c != NULL; c = c->next) {
            if ((address == NULL || c->address == address) && c != spared) {
                char peer[JT_PEER_TEXT];
                jt_account_peer(c->address, peer);
                atomic_fetch_add(&door->shared->connections_evicted, 1);
                jt_notice(&evicted, peer);
                jt_conn_close(c);
                return true;
            }
        }
    }
    return false;
}

static struct jt_account *account_of(struct jt_door *door, const union address *peer)
{
    switch (peer->any.sa_family) {
    case AF_INET:
        return jt_accounts_get(&door->addresses, &peer->v4.sin_addr, sizeof peer->v4.sin_addr);
    case AF_INET6:
        return jt_accounts_get(&door->addresses, &peer->v6.sin6_addr, sizeof peer->v6.sin6_addr);
    default: return jt_accounts_get(&door->addresses, "", 0); /* a path would be of his choosing */
    }
}

/* Whether there is room for one more of this address, after another has gone if need be. */
static bool make_room(struct jt_door *door, const struct jt_account *address)
{
    if (address->n_connections >= door->conf.max_per_address &&
        !jt_door_evict(door, address, NULL)) {
        return false;
    }
    /* One in sixteen is kept free, so that the descriptors for something else never run out. */
    size_t nearly = door->conf.max_connections - door->conf.max_connections / 16;
    return door->n_connections < nearly || jt_door_evict(door, NULL, NULL) ||
           door->n_connections < door->conf.max_connections;
}

static void refuse(struct jt_door *door, int fd)
{
    atomic_fetch_add(&door->shared->connections_refused, 1);
    atomic_store(&door->shared->refused_ms, jt_clock_ms());
    jt_notice(&refused, NULL);
    close(fd);
}

static void welcome(struct jt_door *door, int fd, struct jt_tls_server *tls,
                    const union address *peer)
{
    int one = 1;
    struct jt_account *address = account_of(door, peer);
    struct jt_conn *c = NULL;
    if (address != NULL && make_room(door, address)) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* if it is TCP */
        c = jt_conn_new(door, fd, tls, address);
    }
    if (c == NULL) {
        jt_accounts_put(&door->addresses, address);
        refuse(door, fd);
        return;
    }
    address->n_connections++;
    door->n_connections++;
    atomic_fetch_add(&door->shared->n_open, 1);
    atomic_fetch_add_explicit(&door->shared->connections_accepted, 1, memory_order_relaxed);
}

static void on_listener(void *arg, uint32_t events)
{
    (void)events;
    struct jt_door_listener *listener = arg;
    struct jt_door *door = listener->door;
    for (int i = 0; i < ACCEPTS_A_ROUND; i++) {
        union address peer = { 0 };
        socklen_t len = sizeof peer;
        int fd = accept4(listener->watch.fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            welcome(door, fd, listener->tls, &peer);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* The next one waits in the kernel, and so do we: jt_door_tick looks again. */
            atomic_store(&door->shared->refused_ms, jt_clock_ms());
            jt_notice(&refused, strerror(errno));
            (void)jt_door_evict(door, NULL, NULL);
            jt_loop_set_events(door->loop, &listener->watch, 0);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

void jt_door_serve_queue(struct jt_door *door)
{
    while (door->queue != NULL) {
        struct jt_conn *c = door->queue;
        struct jt_upstream *u = jt_upstream_get(door);
        if (u == NULL) {
            return;
        }
        door->queue = c->queue_next;
        if (door->queue == NULL) {
            door->queue_last = NULL;
        }
        u->conn = c;
        c->upstream = u;
        jt_upstream_ask(c);
    }
}

/* --- the door as a whole --- */

static void close_listeners(struct jt_door *door)
{
    for (size_t i = 0; i < door->n_listeners; i++) {
        struct jt_watch *watch = &door->listeners[i].watch;
        int fd = watch->fd;
        if (fd >= 0) {
            jt_loop_unwatch(door->loop, watch);
            close(fd);
        }
    }
}

static enum jt_err watch_listeners(struct jt_door *door)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; err == JT_OK && i < door->n_listeners; i++) {
        err = jt_loop_watch(door->loop, &door->listeners[i].watch);
    }
    return err;
}

enum jt_err jt_door_init(struct jt_door *door, struct jt_loop *loop,
                         const struct jt_door_socket *sockets, size_t n,
                         const struct jt_door_conf *conf, struct jt_door_shared *shared,
                         const struct jt_door_ops *ops, void *arg)
{
    *door =
        (struct jt_door){ .loop = loop, .conf = *conf, .shared = shared, .ops = ops, .arg = arg };
    for (; door->n_listeners < n; door->n_listeners++) {
        struct jt_door_listener *listener = &door->listeners[door->n_listeners];
        *listener = (struct jt_door_listener){
            .watch = { .fn = on_listener,
                       .arg = listener,
                       .fd = sockets[door->n_listeners].fd,
                       .events = EPOLLIN },
            .door = door,
            .tls = sockets[door->n_listeners].tls,
        };
    }
    door->scratch = malloc(JT_SCRATCH_LEN);
    enum jt_err err = door->scratch == NULL ? JT_ERR_NOMEM : jt_accounts_init(&door->addresses);
    if (err == JT_OK) {
        err = jt_accounts_init(&door->clients);
    }
    if (err == JT_OK) {
        err = watch_listeners(door);
    }
    if (err != JT_OK) {
        close_listeners(door);
        jt_door_clear(door);
    }
    return err;
}

static void each(struct jt_door *door, void (*fn)(struct jt_conn *c, int64_t now_ms))
{
    struct jt_door_list *const lists[] = { &door->strangers, &door->known, &door->busy };
    int64_t now = jt_clock_ms();
    for (size_t i = 0; i < 3; i++) {
        struct jt_conn *next;
        for (struct jt_conn *c = lists[i]->first; c != NULL; c = next) {
            next = c->next;
            fn(c, now);
        }
    }
}

void jt_door_tick(struct jt_door *door)
{
    for (size_t i = 0; i < door->n_listeners; i++) {
        if (door->listeners[i].watch.fd >= 0) {
            jt_loop_set_events(door->loop, &door->listeners[i].watch, EPOLLIN);
        }
    }
    each(door, jt_conn_expire);
}

static void free_dead(struct jt_door *door)
{
    while (door->dead != NULL) {
        struct jt_conn *c = door->dead;
        door->dead = c->queue_next;
        free(c);
    }
}

void jt_door_after_round(struct jt_door *door)
{
    free_dead(door);
    jt_door_serve_queue(door); /* an upstream may have ended meanwhile */
}

static void read_last(struct jt_conn *c, int64_t now_ms)
{
    (void)now_ms;
    jt_conn_read_last(c);
}

static void close_any(struct jt_conn *c, int64_t now_ms)
{
    (void)now_ms;
    jt_conn_close(c);
}

void jt_door_drain(struct jt_door *door)
{
    door->draining = true;
}

/*
 * The kernel resets what waits at a listening socket, or is unread at a connection, when it is
 * closed: whoever sent a request before the end gets an answer all the same.
 */
void jt_door_stop(struct jt_door *door)
{
    jt_door_drain(door);
    for (size_t i = 0; i < door->n_listeners; i++) {
        if (door->listeners[i].watch.fd >= 0) {
            on_listener(&door->listeners[i], 0);
        }
    }
    close_listeners(door);
    each(door, read_last);
}

bool jt_door_is_busy(const struct jt_door *door)
{
    return door->busy.first != NULL;
}

void jt_door_close(struct jt_door *door)
{
    close_listeners(door);
    each(door, close_any);
    while (door->idle != NULL) {
        struct jt_upstream *u = door->idle;
        door->idle = u->next;
        jt_upstream_abandon(u);
    }
}

void jt_door_clear(struct jt_door *door)
{
    free_dead(door);
    jt_accounts_clear(&door->addresses);
    jt_accounts_clear(&door->clients);
    free(door->scratch);
    *door = (struct jt_door){ 0 };
}
