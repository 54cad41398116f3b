/* SPDX-License-Identifier: Apache-2.0 */
#include "http/conn.h"

#include "base/clock.h"
#include "base/secmem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINGER_MS     5000
#define LINGER_BYTES  (64u << 20) /* a client that is told 413 goes on for a while */
#define DRAIN_AT_ONCE (1u << 20)
#define OUT_MAX       (JT_SCRATCH_LEN * 2)

void jt_conn_move(struct jt_conn *c, struct jt_door_list *list)
{
    if (c->list != NULL) {
        *(c->previous == NULL ? &c->list->first : &c->previous->next) = c->next;
        *(c->next == NULL ? &c->list->last : &c->next->previous) = c->previous;
    }
    c->list = list;
    c->next = NULL;
    c->previous = list == NULL ? NULL : list->last;
    if (list != NULL) {
        *(list->last == NULL ? &list->first : &list->last->next) = c;
        list->last = c;
    }
}

/* --- what is read and what is watched --- */

static bool wants_input(const struct jt_conn *c)
{
    switch (c->state) {
    case JT_CONN_HEAD:
    case JT_CONN_BODY:
    case JT_CONN_LINGER: return true;
    default: return false;
    }
}

/*
 * Input that nobody wants yet stays in the socket. It is unwatched only when it shows itself, so
 * that a client that sends one request at a time costs no call for it.
 */
static void watch_input(struct jt_conn *c)
{
    uint32_t out = c->out.len > 0 || c->stream.wants_out ? EPOLLOUT : 0;
    jt_loop_set_events(c->door->loop, &c->watch, out | (wants_input(c) ? EPOLLIN : 0));
}

static void release_in(struct jt_conn *c)
{
    c->door->held -= c->in.len;
    jt_buf_clear(&c->in);
}

static void leave_queue(struct jt_conn *c)
{
    struct jt_conn *before = NULL;
    for (struct jt_conn *q = c->door->queue; q != NULL; before = q, q = q->queue_next) {
        if (q == c) {
            *(before == NULL ? &c->door->queue : &before->queue_next) = c->queue_next;
            if (c->door->queue_last == c) {
                c->door->queue_last = before;
            }
            return;
        }
    }
}

void jt_conn_forget(struct jt_conn *c)
{
    struct jt_charge *request = c->request;
    c->request = NULL;
    if (request != NULL) {
        request->conn = NULL;
    }
    if (c->state == JT_CONN_QUEUED) {
        leave_queue(c);
    }
    if (c->state == JT_CONN_BODY || c->state == JT_CONN_QUEUED) {
        c->door->ops->drop(c->door->arg, request);
    }
    if (c->upstream != NULL) {
        jt_upstream_abandon(c->upstream);
        c->upstream = NULL;
    }
    c->reply_begun = false;
}

void jt_conn_close(struct jt_conn *c)
{
    if (c->state == JT_CONN_CLOSED) {
        return;
    }
    jt_loop_unwatch(c->door->loop, &c->watch);
    jt_conn_forget(c);
    c->state = JT_CONN_CLOSED;
    jt_stream_close(&c->stream);
    release_in(c);
    jt_buf_clear(&c->out);
    c->address->n_connections--;
    jt_accounts_put(&c->door->addresses, c->address);
    jt_conn_move(c, NULL);
    c->door->n_connections--;
    atomic_fetch_sub(&c->door->shared->n_open, 1);
    c->queue_next = c->door->dead; /* callers up the stack may still look at it */
    c->door->dead = c;
}

/* --- the end of an answer --- */

static void linger(struct jt_conn *c)
{
    /*
     * RFC 9112 section 9.6: closing over unread input would make the client's kernel throw the
     * answer away.
     */
    c->stream.kind->end(&c->stream);
    c->state = JT_CONN_LINGER;
    c->due_ms = jt_clock_ms() + LINGER_MS;
    c->drained = 0;
    release_in(c);
    jt_conn_move(c, &c->door->strangers);
    watch_input(c);
}

static void drain(struct jt_conn *c)
{
    /* tcp(7): with MSG_TRUNC the bytes are thrown away without being copied. */
    ssize_t n = recv(c->stream.fd, NULL, DRAIN_AT_ONCE, MSG_TRUNC);
    if (n > 0) {
        c->drained += (uint64_t)n;
    }
    if (n == 0 || (n < 0 && errno != EAGAIN) || c->drained > LINGER_BYTES) {
        jt_conn_close(c);
    }
}

static void finish(struct jt_conn *c)
{
    if (c->closing || c->door->draining) {
        linger(c);
        return;
    }
    c->state = JT_CONN_HEAD;
    c->due_ms = jt_clock_ms() + c->door->conf.idle_ms;
    jt_conn_move(c, c->known ? &c->door->known : &c->door->strangers);
    jt_conn_pump(c);
}

void jt_conn_answered(struct jt_conn *c)
{
    c->state = JT_CONN_ANSWERING;
    if (c->out.len == 0) {
        finish(c);
    }
}

bool jt_conn_write(struct jt_conn *c, const struct iovec *parts, int n_parts)
{
    ssize_t n = c->out.len > 0 ? 0 : c->stream.kind->write(&c->stream, parts, n_parts);
    if (n < 0 && errno != EAGAIN) {
        jt_conn_close(c);
        return false;
    }
    size_t skip = n < 0 ? 0 : (size_t)n;
    for (int i = 0; i < n_parts; i++) {
        size_t len = parts[i].iov_len, from = skip < len ? skip : len;
        skip -= from;
        jt_buf_put(&c->out, (const char *)parts[i].iov_base + from, len - from);
    }
    if (jt_buf_status(&c->out) != JT_OK) {
        jt_conn_close(c);
        return false;
    }
    if (c->out.len > 0) {
        watch_input(c);
    }
    return true;
}

void jt_conn_set_deadline(struct jt_conn *c)
{
    c->due_ms = jt_clock_ms() + c->door->conf.request_ms;
}

static void on_writable(struct jt_conn *c)
{
    struct iovec part = { c->out.data, c->out.len };
    if (c->out.len == 0) {
        watch_input(c); /* it was the stream that waited */
        return;
    }
    ssize_t n = c->stream.kind->write(&c->stream, &part, 1);
    if (n < 0 && errno != EAGAIN) {
        jt_conn_close(c);
        return;
    }
    if (n > 0) {
        jt_buf_consume(&c->out, (size_t)n);
    }
    if (c->out.len > 0) {
        return;
    }
    jt_buf_clear(&c->out);
    watch_input(c);
    if (c->state == JT_CONN_ANSWERING) {
        finish(c);
    } else if (c->upstream != NULL) {
        jt_upstream_read(c->upstream);
    }
}

/* --- input --- */

/*
 * What cannot be used yet is kept. The share of unfinished heads is small: who has waited longest
 * makes room.
 */
static void hold(struct jt_conn *c, const char *p, size_t len)
{
    if (c->in.len == 0 && c->state == JT_CONN_HEAD) {
        c->due_ms = jt_clock_ms() + c->door->conf.head_ms;
    }
    jt_buf_put(&c->in, p, len);
    c->door->held += len;
    if (jt_buf_status(&c->in) != JT_OK) {
        c->door->held -= len;
        jt_conn_close(c);
    }
}

static void take(struct jt_conn *c, const char *p, size_t len)
{
    if (c->in.len == 0) {
        size_t used = jt_conn_consume(c, p, len);
        if (used < len && c->state != JT_CONN_CLOSED) {
            hold(c, p + used, len - used);
        }
        return;
    }
    hold(c, p, len);
    if (c->state != JT_CONN_CLOSED) {
        jt_conn_pump(c);
    }
}

void jt_conn_pump(struct jt_conn *c)
{
    if (c->consuming || c->state == JT_CONN_CLOSED) {
        return;
    }
    size_t used = jt_conn_consume(c, (const char *)c->in.data, c->in.len);
    if (c->state == JT_CONN_CLOSED) {
        return;
    }
    used = used < c->in.len ? used : c->in.len;
    if (used > 0) {
        jt_buf_consume(&c->in, used);
        c->door->held -= used;
    }
    if (c->in.len == 0 && c->in.cap > 0) {
        jt_buf_clear(&c->in);
    }
    watch_input(c);
}

/* --- events --- */

static void on_end(struct jt_conn *c)
{
    if (c->state == JT_CONN_HEAD && c->in.len > 0) {
        jt_conn_refuse(c, JT_REFUSE_MALFORMED); /* half a head, and no more will come */
    } else {
        jt_conn_close(c);
    }
}

/* A handshake is counted once, however it went; from its end on the time of a request counts. */
static void note_handshake(struct jt_conn *c)
{
    if (!c->shook && c->stream.kind->established(&c->stream)) {
        c->shook = true;
        c->due_ms = jt_clock_ms() + c->door->conf.idle_ms;
        atomic_fetch_add_explicit(&c->door->shared->tls_handshakes, 1, memory_order_relaxed);
    }
}

static void count_failure(struct jt_conn *c)
{
    static struct jt_notice failed = { .what = "TLS handshakes failed" };
    char peer[JT_PEER_TEXT], why[JT_STREAM_REASON], detail[JT_PEER_TEXT + JT_STREAM_REASON + 4];
    if (!c->shook) {
        jt_account_peer(c->address, peer);
        c->stream.kind->reason(&c->stream, why);
        snprintf(detail, sizeof detail, "%s: %s", peer, why);
        atomic_fetch_add(&c->door->shared->tls_failures, 1);
        jt_notice(&failed, detail);
    }
}

static void on_readable(struct jt_conn *c)
{
    if (c->state == JT_CONN_LINGER) {
        drain(c);
        return;
    }
    if (!wants_input(c)) {
        watch_input(c);
        return;
    }
    char *scratch = c->door->scratch;
    size_t room = c->state == JT_CONN_BODY ? JT_SCRATCH_LEN : JT_HEAD_MAX;
    _Static_assert(JT_HEAD_MAX >= JT_STREAM_ROOM, "what every kind of stream demands");
    ssize_t n = c->stream.kind->read(&c->stream, scratch, room);
    note_handshake(c);
    if (n > 0) {
        take(c, scratch, (size_t)n);
        jt_wipe(scratch, (size_t)n);
        while (c->door->held > JT_HELD_MAX && jt_door_evict(c->door, NULL, c)) {
        }
    } else if (n == 0) {
        on_end(c);
    } else if (errno == ENOMSG) {
        jt_conn_refuse(c, JT_REFUSE_PLAIN);
    } else if (errno != EAGAIN) {
        count_failure(c);
        jt_conn_close(c);
    } else {
        watch_input(c);
    }
}

void jt_conn_read_last(struct jt_conn *c)
{
    if (c->state == JT_CONN_HEAD) {
        on_readable(c);
    }
    if (c->list != NULL && c->list != &c->door->busy) {
        jt_conn_close(c);
    }
}

static void on_client(void *arg, uint32_t events)
{
    struct jt_conn *c = arg;
    if (events & EPOLLOUT) {
        on_writable(c);
    }
    if (c->state != JT_CONN_CLOSED &&
        ((events & EPOLLIN) || ((events & EPOLLOUT) && c->stream.wants_out))) {
        on_readable(c);
    } else if (c->state != JT_CONN_CLOSED && (events & (EPOLLHUP | EPOLLERR))) {
        jt_conn_close(c);
    }
}

void jt_conn_expire(struct jt_conn *c, int64_t now_ms)
{
    if (now_ms < c->due_ms) {
        return;
    }
    switch (c->state) {
    case JT_CONN_HEAD:
        if (c->in.len > 0) {
            jt_conn_refuse(c, JT_REFUSE_TIMEOUT);
        } else {
            jt_conn_close(c);
        }
        break;
    case JT_CONN_BODY: jt_conn_refuse(c, JT_REFUSE_TIMEOUT); break;
    case JT_CONN_RELAY: /* the answer is not fetched */
    case JT_CONN_ANSWERING:
    case JT_CONN_LINGER: jt_conn_close(c); break;
    default: break; /* the service is at work, with deadlines of its own */
    }
}

struct jt_conn *jt_conn_new(struct jt_door *door, int fd, struct jt_tls_server *tls,
                            struct jt_account *address)
{
    struct jt_conn *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->door = door;
    if (!jt_stream_open(&c->stream, fd, tls)) {
        free(c);
        return NULL;
    }
    c->shook = tls == NULL;
    c->watch = (struct jt_watch){ .fn = on_client, .arg = c, .fd = fd, .events = EPOLLIN };
    if (jt_loop_watch(door->loop, &c->watch) != JT_OK) {
        c->stream.kind->release(&c->stream);
        free(c);
        return NULL;
    }
    c->address = address;
    c->due_ms = jt_clock_ms() + (c->shook ? door->conf.idle_ms : door->conf.head_ms);
    jt_buf_init(&c->in, 2 * JT_SCRATCH_LEN);
    jt_buf_init(&c->out, OUT_MAX);
    jt_conn_move(c, &door->strangers);
    return c;
}
