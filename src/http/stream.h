/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's byte stream: a socket, plain or with TLS (tls/session.h). Nothing above knows which.
 *
 * All calls are for non-blocking sockets: -1 with EAGAIN means later.
 */
#ifndef JETON_HTTP_STREAM_H
#define JETON_HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define JT_STREAM_ROOM   16384 /* bytes that whoever reads has room for, at least */
#define JT_STREAM_REASON 80
#define JT_STREAM_DIGEST 32

/* The certificate of a client that has proven to own it. */
struct jt_stream_peer {
    uint8_t digest[JT_STREAM_DIGEST]; /* SHA-256 */
    int64_t from_s, until_s;          /* when it is good, in seconds since 1970 */
};

struct jt_stream;
struct jt_tls_server;

struct jt_stream_kind {
    /*
     * -1 with ENOMSG: the client speaks plain HTTP where TLS is due; from there on the stream is a
     * plain one, so that it can be told.
     */
    ssize_t (*read)(struct jt_stream *s, void *p, size_t len);
    ssize_t (*write)(struct jt_stream *s, const struct iovec *parts, int n_parts);
    /* says that nothing more will be written: RFC 9112 section 9.6 */
    void (*end)(struct jt_stream *s);
    /* lets go of what it has beside the socket */
    void (*release)(struct jt_stream *s);
    /* no handshake is under way */
    bool (*established)(const struct jt_stream *s);
    /* why it failed, for a log line */
    void (*reason)(const struct jt_stream *s, char out[JT_STREAM_REASON]);
    /* false: there is none, and *out is left alone */
    bool (*peer)(const struct jt_stream *s, struct jt_stream_peer *out);
};

struct jt_stream {
    const struct jt_stream_kind *kind;
    int fd;
    bool wants_out; /* a read waits for the socket to become writable */
    void *state;    /* of the kind */
};

/* Over `fd`: with TLS, or (NULL) plain. False: out of memory, and `fd` is still the caller's. */
bool jt_stream_open(struct jt_stream *s, int fd, struct jt_tls_server *tls);

/* Ends it and closes the socket. */
void jt_stream_close(struct jt_stream *s);

#endif
