/* SPDX-License-Identifier: Apache-2.0 */
#include "http/stream.h"

#include "tls/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- plain --- */

static ssize_t plain_read(struct jt_stream *s, void *p, size_t len)
{
    return recv(s->fd, p, len, 0);
}

static ssize_t plain_write(struct jt_stream *s, const struct iovec *parts, int n_parts)
{
    struct msghdr message = { .msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)n_parts };
    return sendmsg(s->fd, &message, MSG_NOSIGNAL);
}

static void plain_end(struct jt_stream *s)
{
    (void)shutdown(s->fd, SHUT_WR);
}

static void plain_release(struct jt_stream *s)
{
    (void)s;
}

static bool plain_established(const struct jt_stream *s)
{
    (void)s;
    return true;
}

static void plain_reason(const struct jt_stream *s, char out[JT_STREAM_REASON])
{
    (void)s;
    snprintf(out, JT_STREAM_REASON, "the connection broke");
}

static bool plain_peer(const struct jt_stream *s, struct jt_stream_peer *out)
{
    (void)s;
    (void)out;
    return false;
}

static const struct jt_stream_kind plain = {
    .read = plain_read,
    .write = plain_write,
    .end = plain_end,
    .release = plain_release,
    .established = plain_established,
    .reason = plain_reason,
    .peer = plain_peer,
};

/* --- TLS --- */

_Static_assert(JT_STREAM_ROOM >= JT_TLS_RECORD_MAX, "a read has room for a record");
_Static_assert(JT_STREAM_DIGEST == JT_TLS_DIGEST_LEN, "digest of a certificate");
_Static_assert(JT_STREAM_REASON == JT_TLS_REASON_TEXT, "text of a reason");

static void tls_release(struct jt_stream *s)
{
    jt_tls_session_free(s->state);
    s->state = NULL;
}

static ssize_t tls_read(struct jt_stream *s, void *p, size_t len)
{
    ssize_t n = jt_tls_read(s->state, p, len);
    int why = errno;
    s->wants_out = jt_tls_wants_out(s->state);
    if (n < 0 && why == ENOMSG) {
        tls_release(s);
        s->kind = &plain;
    }
    errno = why;
    return n;
}

static ssize_t tls_write(struct jt_stream *s, const struct iovec *parts, int n_parts)
{
    return jt_tls_write(s->state, parts, n_parts);
}

static void tls_end(struct jt_stream *s)
{
    jt_tls_end(s->state);
}

static bool tls_established(const struct jt_stream *s)
{
    return jt_tls_established(s->state);
}

static void tls_reason(const struct jt_stream *s, char out[JT_STREAM_REASON])
{
    jt_tls_reason(s->state, out);
}

static bool tls_peer(const struct jt_stream *s, struct jt_stream_peer *out)
{
    const struct jt_tls_peer *peer = jt_tls_peer(s->state);
    if (peer != NULL) {
        memcpy(out->digest, peer->digest, sizeof out->digest);
        out->from_s = peer->from_s;
        out->until_s = peer->until_s;
    }
    return peer != NULL;
}

static const struct jt_stream_kind with_tls = {
    .read = tls_read,
    .write = tls_write,
    .end = tls_end,
    .release = tls_release,
    .established = tls_established,
    .reason = tls_reason,
    .peer = tls_peer,
};

/* --- either --- */

bool jt_stream_open(struct jt_stream *s, int fd, struct jt_tls_server *tls)
{
    *s = (struct jt_stream){ .kind = &plain, .fd = fd };
    if (tls == NULL) {
        return true;
    }
    s->state = jt_tls_session_new(tls, fd);
    s->kind = &with_tls;
    return s->state != NULL;
}

void jt_stream_close(struct jt_stream *s)
{
    s->kind->release(s);
    close(s->fd);
}
