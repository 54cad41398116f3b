/* SPDX-License-Identifier: Apache-2.0 */
#include "http/stream.h"

#include <sys/socket.h>

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

const struct jt_stream_kind jt_stream_plain = { plain_read, plain_write, plain_end };
