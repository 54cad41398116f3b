/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's byte stream: a TCP socket now. TLS will be other functions behind the same three
 * calls, and nothing above them changes.
 *
 * All calls are for non-blocking sockets: -1 with EAGAIN means later.
 */
#ifndef JETON_HTTP_STREAM_H
#define JETON_HTTP_STREAM_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct jt_stream;

struct jt_stream_kind {
    ssize_t (*read)(struct jt_stream *s, void *p, size_t len);
    ssize_t (*write)(struct jt_stream *s, const struct iovec *parts, int n_parts);
    /* says that nothing more will be written: RFC 9112 section 9.6 */
    void (*end)(struct jt_stream *s);
};

struct jt_stream {
    const struct jt_stream_kind *kind;
    int fd;
    void *state; /* of the kind */
};

extern const struct jt_stream_kind jt_stream_plain;

#endif
