/* SPDX-License-Identifier: Apache-2.0 */
/* The synchronous use: one request, one reply, within a time-out. */
#include "keyclient/internal.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/* Waits for `events` (or an error) until the deadline. */
static enum jt_err wait_for(const struct jt_keyclient *kc, short events)
{
    for (;;) {
        int64_t left = kc->deadline_ms - jt_clock_ms();
        if (left <= 0) {
            return JT_ERR_KEEPER_AWAY;
        }
        struct pollfd p = { .fd = kc->watch.fd, .events = events };
        int n = poll(&p, 1, (int)left);
        if (n > 0) {
            return JT_OK;
        }
        if (n < 0 && errno != EINTR) {
            return JT_ERR_KEEPER_AWAY;
        }
    }
}

static enum jt_err send_all(struct jt_keyclient *kc)
{
    enum jt_err err = jt_kc_send_some(kc);
    while (err == JT_OK && kc->out.len > 0) {
        err = wait_for(kc, POLLOUT);
        if (err == JT_OK) {
            err = jt_kc_send_some(kc);
        }
    }
    return err;
}

/* The next frame, which stays in `in`. */
static enum jt_err receive_frame(struct jt_keyclient *kc, struct jt_frame *frame)
{
    jt_buf_reset(&kc->in);
    for (;;) {
        size_t used;
        size_t n;
        enum jt_err err = jt_frame_next(kc->in.data, kc->in.len, frame, &used);
        if (err != JT_OK || used > 0) {
            /* one reply to each request, and no more */
            return err != JT_OK || used == kc->in.len ? err : JT_ERR_PROTOCOL;
        }
        err = wait_for(kc, POLLIN);
        if (err == JT_OK) {
            err = jt_kc_receive_some(kc, &n);
        }
        if (err != JT_OK) {
            return err;
        }
    }
}

/* Whether the keeper has closed an idle connection, or said something that nobody asked for. */
static bool idle_connection_gone(const struct jt_keyclient *kc)
{
    char byte;
    ssize_t n = recv(kc->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

enum jt_err jt_kc_ensure(struct jt_keyclient *kc)
{
    if (kc->state == JT_KC_READY && idle_connection_gone(kc)) {
        jt_kc_drop(kc);
    }
    if (kc->state == JT_KC_READY) {
        return JT_OK;
    }
    if (kc->watch.fd < 0) {
        kc->watch.fd = jt_kc_connect(kc);
    }
    enum jt_err err = kc->watch.fd >= 0 ? jt_kc_put_hello(&kc->out) : JT_ERR_KEEPER_AWAY;
    if (err == JT_OK) {
        err = send_all(kc);
    }
    struct jt_frame frame;
    if (err == JT_OK) {
        err = receive_frame(kc, &frame);
    }
    if (err == JT_OK) {
        err = jt_kc_take_hello(kc, &frame);
    }
    if (err != JT_OK) {
        jt_kc_drop(kc);
    }
    return err;
}

struct jt_buf *jt_keyclient_begin(struct jt_keyclient *kc, enum jt_verb verb)
{
    jt_buf_reset(&kc->in);
    kc->deadline_ms = jt_clock_ms() + kc->timeout_ms;
    kc->ensured = jt_kc_ensure(kc); /* told by jt_keyclient_exchange */
    kc->mark = jt_frame_begin_request(&kc->out, verb);
    return &kc->out;
}

enum jt_err jt_keyclient_exchange(struct jt_keyclient *kc, struct jt_reader *payload)
{
    size_t mark = kc->mark;
    uint8_t verb = 0;
    enum jt_err err = jt_frame_end(&kc->out, mark);
    if (err == JT_OK) {
        verb = kc->out.data[mark + JT_FRAME_LENGTH_BYTES];
        err = kc->ensured;
    }
    if (err == JT_OK && kc->out.len - mark - JT_FRAME_LENGTH_BYTES > kc->max_frame) {
        err = JT_ERR_LIMIT;
    }
    if (err != JT_OK) {
        jt_frame_cancel(&kc->out, mark);
        return err;
    }
    struct jt_frame frame;
    enum jt_err status = JT_ERR_PROTOCOL;
    err = send_all(kc);
    if (err == JT_OK) {
        err = receive_frame(kc, &frame);
    }
    if (err == JT_OK) {
        err = jt_kc_open_reply(&frame, verb, &status, payload);
    }
    if (err != JT_OK) {
        jt_kc_drop(kc);
        return jt_fault_raise(kc->fault, err);
    }
    return status == JT_OK
               ? JT_OK
               : jt_fault_set(kc->fault, status, "the keeper refuses %s", jt_verb_name(verb));
}

enum jt_err jt_keyclient_decoded(struct jt_keyclient *kc, enum jt_err err,
                                 const struct jt_reader *payload)
{
    if (err != JT_OK || !jt_reader_done(payload)) {
        jt_kc_drop(kc);
        return JT_ERR_PROTOCOL;
    }
    return JT_OK;
}

enum jt_err jt_keyclient_answer_nothing(struct jt_keyclient *kc)
{
    struct jt_reader payload;
    enum jt_err err = jt_keyclient_exchange(kc, &payload);
    return err == JT_OK ? jt_keyclient_decoded(kc, JT_OK, &payload) : err;
}
