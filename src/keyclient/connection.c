/* SPDX-License-Identifier: Apache-2.0 */
#include "keyclient/internal.h"

#include "wire/hello.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEEP_BUFFER (1u << 20) /* larger ones are given back when they are empty */

int jt_kc_connect(struct jt_keyclient *kc)
{
    if (!kc->has_path) {
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* A Unix socket connects at once or not at all: EAGAIN means a full backlog. */
    bool connected =
        fd >= 0 && connect(fd, (const struct sockaddr *)&kc->address, sizeof kc->address) == 0;
    if (kc->fault == &kc->own) {
        jt_fault_clear(&kc->own);
    }
    if (!connected) {
        (void)jt_fault_set(kc->fault, JT_ERR_KEEPER_AWAY, "%s: %s", kc->address.sun_path,
                           strerror(errno));
    }
    if (fd >= 0 && !connected) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void jt_kc_drop(struct jt_keyclient *kc)
{
    int fd = kc->watch.fd;
    if (kc->loop != NULL) {
        jt_loop_unwatch(kc->loop, &kc->watch);
    }
    kc->watch.fd = -1;
    if (fd >= 0) {
        close(fd);
    }
    kc->state = JT_KC_DOWN;
    memset(kc->incarnation, 0, sizeof kc->incarnation);
    jt_buf_clear(&kc->in);
    jt_buf_clear(&kc->out);
    kc->sent = 0;
}

enum jt_err jt_kc_put_hello(struct jt_buf *out)
{
    size_t mark = jt_frame_begin_request(out, JT_VERB_HELLO);
    jt_hello_encode(JT_WIRE_VERSION, out);
    return jt_frame_end(out, mark);
}

enum jt_err jt_kc_open_reply(const struct jt_frame *frame, uint8_t verb, enum jt_err *status,
                             struct jt_reader *payload)
{
    *payload = jt_reader_init(frame->payload, frame->payload_len);
    *status = JT_ERR_PROTOCOL;
    if (frame->verb != verb) {
        return JT_ERR_PROTOCOL;
    }
    enum jt_err err = jt_wire_outcome_decode(payload, status);
    if (err == JT_OK && *status != JT_OK) {
        err = jt_wire_end(payload);
    }
    /* A keeper that finds us malformed closes the connection; so do we. */
    return err == JT_OK && *status != JT_ERR_PROTOCOL ? JT_OK : JT_ERR_PROTOCOL;
}

enum jt_err jt_kc_take_hello(struct jt_keyclient *kc, const struct jt_frame *frame)
{
    enum jt_err status;
    struct jt_reader payload;
    struct jt_hello_reply reply;
    enum jt_err err = jt_kc_open_reply(frame, JT_VERB_HELLO, &status, &payload);
    if (err == JT_OK) {
        err = status == JT_OK ? jt_hello_reply_decode(&payload, &reply) : JT_ERR_PROTOCOL;
    }
    if (err != JT_OK || reply.version != JT_WIRE_VERSION) {
        return JT_ERR_PROTOCOL;
    }
    memcpy(kc->incarnation, reply.incarnation, sizeof kc->incarnation);
    kc->max_frame = reply.max_frame < JT_WIRE_MAX_FRAME ? reply.max_frame : JT_WIRE_MAX_FRAME;
    kc->state = JT_KC_READY;
    return JT_OK;
}

enum jt_err jt_kc_send_some(struct jt_keyclient *kc)
{
    while (kc->sent < kc->out.len) {
        ssize_t n =
            send(kc->watch.fd, kc->out.data + kc->sent, kc->out.len - kc->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            return JT_ERR_KEEPER_AWAY;
        }
        if (n < 0) {
            /*
             * What has gone is dropped once it outweighs what is left, or a buffer that is never
             * quite empty would grow for ever.
             */
            if (kc->sent >= kc->out.len - kc->sent) {
                jt_buf_consume(&kc->out, kc->sent);
                kc->sent = 0;
            }
            return JT_OK;
        }
        kc->sent += (size_t)n;
    }
    kc->sent = 0;
    if (kc->out.cap > KEEP_BUFFER) {
        jt_buf_clear(&kc->out);
    } else {
        jt_buf_reset(&kc->out);
    }
    return JT_OK;
}

enum jt_err jt_kc_receive_some(struct jt_keyclient *kc, size_t *n)
{
    *n = 0;
    enum jt_err err = jt_buf_reserve(&kc->in, JT_KC_READ_AT_ONCE);
    if (err != JT_OK) {
        return err == JT_ERR_LIMIT ? JT_ERR_PROTOCOL : err;
    }
    ssize_t got;
    do {
        got = recv(kc->watch.fd, kc->in.data + kc->in.len, JT_KC_READ_AT_ONCE, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK ? JT_OK : JT_ERR_KEEPER_AWAY;
    }
    if (got == 0) {
        return JT_ERR_KEEPER_AWAY;
    }
    kc->in.len += (size_t)got;
    *n = (size_t)got;
    return JT_OK;
}
