/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client's TLS connection over a non-blocking socket. The handshake happens within the first
 * reads.
 *
 * What a read leaves is in the socket, never in here: a read is given room for a whole record, so
 * that whoever watches the socket misses nothing.
 */
#ifndef JETON_TLS_SESSION_H
#define JETON_TLS_SESSION_H

#include "tls/server.h"

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#define JT_TLS_RECORD_MAX  16384 /* bytes of plaintext: RFC 8446 section 5.1 */
#define JT_TLS_DIGEST_LEN  32    /* SHA-256 of a certificate in DER */
#define JT_TLS_REASON_TEXT 80

struct jt_tls_session;

/* `fd` stays the caller's, and open until the session is freed. NULL: out of memory. */
struct jt_tls_session *jt_tls_session_new(struct jt_tls_server *server, int fd);
void jt_tls_session_free(struct jt_tls_session *s);

/*
 * Reads into `p`, which has room for JT_TLS_RECORD_MAX at least. 0: the client has ended. -1 with
 * EAGAIN (later; see jt_tls_wants_out), ENOMSG (it speaks plain HTTP: nothing of TLS was sent, so
 * that it may be told in kind) or EPROTO (the session is over).
 */
ssize_t jt_tls_read(struct jt_tls_session *s, void *p, size_t len);

/*
 * As writev(2), with -1 and EAGAIN or EPROTO. After EAGAIN, or less than all, the next call begins
 * with the bytes that were not taken.
 */
ssize_t jt_tls_write(struct jt_tls_session *s, const struct iovec *parts, int n_parts);

/* Says that nothing more will be written. */
void jt_tls_end(struct jt_tls_session *s);

/* Whether the last read waits for the socket to become writable. */
bool jt_tls_wants_out(const struct jt_tls_session *s);

/* Whether the handshake is done. */
bool jt_tls_established(const struct jt_tls_session *s);

/* The client's own certificate, whose key it has proven to have. */
struct jt_tls_peer {
    uint8_t digest[JT_TLS_DIGEST_LEN];
    int64_t from_s, until_s; /* when it is good, in seconds since 1970 */
};

/*
 * After the handshake; NULL: it has shown none, or one whose key is weaker than 112 bits (SP 800-57
 * part 1, table 2). It is looked at once, and lives as long as the session.
 */
const struct jt_tls_peer *jt_tls_peer(struct jt_tls_session *s);

/* Why the session is over, in OpenSSL's words. */
void jt_tls_reason(const struct jt_tls_session *s, char out[JT_TLS_REASON_TEXT]);

#endif
