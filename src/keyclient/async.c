/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The asynchronous use: a state machine over one socket, driven by the loop.
 *
 * Calls wait in one queue, in the order in which they were made, whether their request went out or
 * failed at once, so that callbacks come in that order too. Callbacks run only from the loop: from
 * the socket's event, from the tick, or from the kick (an eventfd that wakes the loop for calls
 * that have failed already).
 */
#include "keyclient/internal.h"

#include "base/clock.h"
#include "base/histogram.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TICK_MS        50
#define FIRST_RETRY_MS 50
#define LAST_RETRY_MS  1000
#define READS_PER_TURN 8
/* bytes of requests that wait for the socket; more means that the keeper does not keep up */
#define MAX_BACKLOG (32u << 20)

enum jt_err jt_kc_may_send(const struct jt_keyclient *kc, size_t n)
{
    if (n > JT_WIRE_MAX_ITEMS) {
        return JT_ERR_LIMIT;
    }
    return kc->state == JT_KC_READY && kc->out.len - kc->sent <= MAX_BACKLOG ? JT_OK
                                                                             : JT_ERR_KEEPER_AWAY;
}

void jt_kc_call_queue(struct jt_keyclient *kc, struct jt_kc_call *call, enum jt_err err)
{
    call->failed = err;
    call->began_us = kc->us == NULL ? 0 : jt_clock_us();
    call->deadline_ms = jt_clock_ms() + kc->timeout_ms;
    if (kc->last != NULL) {
        kc->last->next = call;
    } else {
        kc->first = call;
    }
    kc->last = call;
    kc->n_calls++;
    if (err == JT_OK) {
        /*
         * Sent after this round together with what else is made in it, or at the socket's next
         * event when that is over or there is none. (Asking for the event costs two system calls,
         * which most calls are spared.)
         */
        uint64_t round = jt_loop_round(kc->loop);
        if (round == 0 || round == kc->flushed_round) {
            jt_loop_set_events(kc->loop, &kc->watch, EPOLLIN | EPOLLOUT);
        }
    } else {
        uint64_t one = 1;
        /* fails only when a kick is pending already */
        ssize_t n = write(kc->kick.fd, &one, sizeof one);
        (void)n;
    }
}

void jt_keyclient_measure(struct jt_keyclient *kc, struct jt_histogram *us)
{
    kc->us = us;
}

static struct jt_kc_call *pop(struct jt_keyclient *kc)
{
    struct jt_kc_call *call = kc->first;
    kc->first = call->next;
    if (kc->first == NULL) {
        kc->last = NULL;
    }
    kc->n_calls--;
    return call;
}

/*
 * Answers the failed calls at the head of the queue; those that callbacks add meanwhile have their
 * turn in a later round.
 */
static void settle(struct jt_keyclient *kc)
{
    for (size_t left = kc->n_calls; left > 0 && kc->first != NULL && kc->first->failed != JT_OK;
         left--) {
        struct jt_kc_call *call = pop(kc);
        (void)call->answer(call, call->failed, NULL);
        free(call);
    }
}

/*
 * Closes; `err` goes to the call whose turn it was, JT_ERR_KEEPER_AWAY to all others, and the
 * connection is tried again after a pause.
 */
static void disconnect(struct jt_keyclient *kc, enum jt_err err)
{
    jt_kc_drop(kc);
    (void)jt_fault_set(kc->fault, err, "%s: the connection was lost", kc->address.sun_path);
    kc->retry_at_ms = jt_clock_ms() + kc->retry_after_ms;
    kc->retry_after_ms =
        kc->retry_after_ms * 2 < LAST_RETRY_MS ? kc->retry_after_ms * 2 : LAST_RETRY_MS;
    for (struct jt_kc_call *call = kc->first; call != NULL; call = call->next) {
        if (call->failed == JT_OK) {
            call->failed = err;
            err = JT_ERR_KEEPER_AWAY;
        }
    }
    settle(kc);
}

static void try_connect(struct jt_keyclient *kc)
{
    kc->watch.fd = jt_kc_connect(kc);
    enum jt_err err = kc->watch.fd >= 0 ? jt_kc_put_hello(&kc->out) : JT_ERR_KEEPER_AWAY;
    if (err == JT_OK) {
        kc->watch.events = EPOLLIN | EPOLLOUT;
        err = jt_loop_watch(kc->loop, &kc->watch);
    }
    if (err != JT_OK) {
        disconnect(kc, JT_ERR_KEEPER_AWAY);
        return;
    }
    kc->state = JT_KC_GREETING;
    kc->greeting_deadline_ms = jt_clock_ms() + kc->timeout_ms;
}

static enum jt_err take_reply(struct jt_keyclient *kc, const struct jt_frame *frame)
{
    if (kc->state == JT_KC_GREETING) {
        enum jt_err greeted = jt_kc_take_hello(kc, frame);
        kc->retry_after_ms = greeted == JT_OK ? FIRST_RETRY_MS : kc->retry_after_ms;
        return greeted;
    }
    settle(kc); /* calls that never went out do not wait for a reply */
    enum jt_err status;
    struct jt_reader payload;
    if (kc->first == NULL || kc->first->failed != JT_OK) {
        return JT_ERR_PROTOCOL; /* nobody asked */
    }
    enum jt_err err = jt_kc_open_reply(frame, kc->first->verb, &status, &payload);
    if (err != JT_OK) {
        return err;
    }
    struct jt_kc_call *call = pop(kc);
    if (kc->us != NULL) {
        jt_histogram_note(kc->us, &jt_bounds_us, (uint64_t)(jt_clock_us() - call->began_us));
    }
    err = call->answer(call, status, &payload);
    free(call);
    return status == JT_OK ? err : JT_OK;
}

static enum jt_err take_replies(struct jt_keyclient *kc)
{
    size_t at = 0;
    enum jt_err err = JT_OK;
    while (err == JT_OK) {
        struct jt_frame frame;
        size_t used;
        err = jt_frame_next(kc->in.data + at, kc->in.len - at, &frame, &used);
        if (err != JT_OK || used == 0) {
            break;
        }
        err = take_reply(kc, &frame);
        at += used;
    }
    jt_buf_consume(&kc->in, at);
    settle(kc); /* the calls behind the last reply may be such that wait for none */
    return err;
}

static enum jt_err flush(struct jt_keyclient *kc)
{
    enum jt_err err = jt_kc_send_some(kc);
    if (err == JT_OK) {
        jt_loop_set_events(kc->loop, &kc->watch, kc->out.len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
    return err;
}

static void on_socket(void *arg, uint32_t events)
{
    struct jt_keyclient *kc = arg;
    enum jt_err err = JT_OK;
    /* readable, or an error that reading will tell */
    bool more = (events & ~(uint32_t)EPOLLOUT) != 0;
    for (int i = 0; i < READS_PER_TURN && err == JT_OK && more; i++) {
        size_t n;
        err = jt_kc_receive_some(kc, &n);
        more = n == JT_KC_READ_AT_ONCE;
        if (err == JT_OK && n > 0) {
            err = take_replies(kc);
        }
    }
    if (err == JT_OK) {
        err = flush(kc);
    }
    if (err != JT_OK) {
        disconnect(kc, err);
    }
}

static void on_kick(void *arg, uint32_t events)
{
    (void)events;
    struct jt_keyclient *kc = arg;
    uint64_t count;
    ssize_t n = read(kc->kick.fd, &count, sizeof count);
    (void)n;
    settle(kc);
}

static void on_after_round(void *arg, uint32_t events)
{
    (void)events;
    struct jt_keyclient *kc = arg;
    kc->flushed_round = jt_loop_round(kc->loop);
    if (kc->state != JT_KC_DOWN && kc->out.len > 0) {
        enum jt_err err = flush(kc);
        if (err != JT_OK) {
            disconnect(kc, err);
        }
    }
}

static void on_tick(void *arg, uint32_t events)
{
    (void)events;
    struct jt_keyclient *kc = arg;
    int64_t now = jt_clock_ms();
    if (kc->state == JT_KC_DOWN && now >= kc->retry_at_ms) {
        try_connect(kc);
    } else if (kc->state == JT_KC_GREETING && now > kc->greeting_deadline_ms) {
        disconnect(kc, JT_ERR_KEEPER_AWAY);
    } else if (kc->state == JT_KC_READY && kc->first != NULL && kc->first->failed == JT_OK &&
               now > kc->first->deadline_ms) {
        disconnect(kc, JT_ERR_KEEPER_AWAY);
    }
}

enum jt_err jt_kc_async_start(struct jt_keyclient *kc)
{
    kc->retry_after_ms = FIRST_RETRY_MS;
    kc->watch.fn = on_socket;
    kc->watch.arg = kc;
    kc->kick = (struct jt_watch){ .fn = on_kick, .arg = kc, .events = EPOLLIN };
    kc->kick.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum jt_err err = kc->kick.fd >= 0 ? jt_loop_watch(kc->loop, &kc->kick) : JT_ERR_IO;
    if (err == JT_OK) {
        err = jt_loop_every(kc->loop, TICK_MS, on_tick, kc);
    }
    if (err == JT_OK) {
        err = jt_loop_after_round(kc->loop, on_after_round, kc);
    }
    if (err == JT_OK) {
        try_connect(kc);
    }
    return err;
}

void jt_kc_async_stop(struct jt_keyclient *kc)
{
    jt_kc_drop(kc);
    while (kc->first != NULL) {
        struct jt_kc_call *call = pop(kc);
        (void)call->answer(call, JT_ERR_STOPPING, NULL);
        free(call);
    }
    int fd = kc->kick.fd;
    jt_loop_unwatch(kc->loop, &kc->kick);
    if (fd >= 0) {
        close(fd);
    }
}
