/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/session.h"

#include "tls/internal.h"

#include "base/secmem.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define KEY_BITS_MIN 112

_Static_assert(JT_TLS_RECORD_MAX == SSL3_RT_MAX_PLAIN_LENGTH, "a record's bound is the protocol's");

struct jt_tls_session {
    SSL *ssl;
    bool wants_out;
    bool over; /* after a fatal error nothing may be asked of it any more */
    unsigned long reason;
    bool looked; /* at the client's certificate */
    bool has_peer;
    struct jt_tls_peer peer;
};

struct jt_tls_session *jt_tls_session_new(struct jt_tls_server *server, int fd)
{
    struct jt_tls_session *s = calloc(1, sizeof *s);
    SSL *ssl = s == NULL ? NULL : jt_tls_server_accept(server);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        free(s);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_accept_state(ssl);
    s->ssl = ssl;
    return s;
}

void jt_tls_session_free(struct jt_tls_session *s)
{
    if (s != NULL) {
        SSL_free(s->ssl);
        free(s);
    }
}

/* What a call that did not succeed means, as errno; 0: the end of the stream. */
static int cause(struct jt_tls_session *s)
{
    int saved = errno;
    switch (SSL_get_error(s->ssl, 0)) {
    case SSL_ERROR_WANT_READ: return EAGAIN;
    case SSL_ERROR_WANT_WRITE: s->wants_out = true; return EAGAIN;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_SYSCALL: s->over = true; return saved == 0 || saved == EAGAIN ? EPROTO : saved;
    default: break;
    }
    s->over = true;
    s->reason = ERR_peek_error();
    ERR_clear_error();
    return ERR_GET_REASON(s->reason) == SSL_R_HTTP_REQUEST ? ENOMSG : EPROTO;
}

ssize_t jt_tls_read(struct jt_tls_session *s, void *p, size_t len)
{
    size_t got = 0;
    s->wants_out = false;
    if (s->over) {
        errno = EPROTO;
        return -1;
    }
    /* Never with less room than a record, of which OpenSSL would keep the rest. */
    while (len - got >= JT_TLS_RECORD_MAX) {
        size_t n = 0;
        errno = 0;
        if (SSL_read_ex(s->ssl, (char *)p + got, len - got, &n) == 1) {
            got += n;
            continue;
        }
        int why = cause(s);
        if (got == 0 && why != 0) {
            errno = why;
            return -1;
        }
        break;
    }
    return (ssize_t)got;
}

/* The next bytes to be written, as one piece of a record's length at most. */
struct piece {
    const char *p;
    size_t len;
};

static struct piece next_piece(const struct iovec *parts, int n_parts, size_t skip,
                               char room[static JT_TLS_RECORD_MAX])
{
    int i = 0;
    while (i < n_parts && skip >= parts[i].iov_len) {
        skip -= parts[i++].iov_len;
    }
    if (i == n_parts) {
        return (struct piece){ NULL, 0 };
    }
    size_t len = parts[i].iov_len - skip;
    const char *p = (const char *)parts[i].iov_base + skip;
    if (i == n_parts - 1 || len >= JT_TLS_RECORD_MAX) {
        return (struct piece){ p, len < JT_TLS_RECORD_MAX ? len : JT_TLS_RECORD_MAX };
    }
    size_t held = 0;
    for (; i < n_parts && held < JT_TLS_RECORD_MAX; i++, skip = 0) {
        len = parts[i].iov_len - skip;
        len = len < JT_TLS_RECORD_MAX - held ? len : JT_TLS_RECORD_MAX - held;
        memcpy(room + held, (const char *)parts[i].iov_base + skip, len);
        held += len;
    }
    return (struct piece){ room, held };
}

ssize_t jt_tls_write(struct jt_tls_session *s, const struct iovec *parts, int n_parts)
{
    char room[JT_TLS_RECORD_MAX];
    size_t done = 0, used = 0;
    int why = s->over ? EPROTO : 0;
    while (why == 0) {
        struct piece piece = next_piece(parts, n_parts, done, room);
        size_t n = 0;
        if (piece.len == 0) {
            break;
        }
        used = piece.p == room && piece.len > used ? piece.len : used;
        errno = 0;
        if (SSL_write_ex(s->ssl, piece.p, piece.len, &n) == 1) {
            done += n;
            continue;
        }
        why = cause(s);
        why = why == 0 ? EPROTO : why;
    }
    jt_wipe(room, used);
    if (done == 0 && why != 0) {
        errno = why;
        return -1;
    }
    return (ssize_t)done;
}

void jt_tls_end(struct jt_tls_session *s)
{
    if (!s->over && SSL_is_init_finished(s->ssl)) {
        (void)SSL_shutdown(s->ssl); /* the client's own end is not waited for */
        ERR_clear_error();
    }
    s->over = true;
    (void)shutdown(SSL_get_fd(s->ssl), SHUT_WR);
}

bool jt_tls_wants_out(const struct jt_tls_session *s)
{
    return s->wants_out;
}

bool jt_tls_established(const struct jt_tls_session *s)
{
    return SSL_is_init_finished(s->ssl);
}

static bool seconds_of(const ASN1_TIME *time, int64_t *out)
{
    struct tm tm;
    bool good = ASN1_TIME_to_tm(time, &tm) == 1;
    *out = good ? timegm(&tm) : 0;
    return good;
}

static bool look_at_peer(const SSL *ssl, struct jt_tls_peer *out)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == NULL) {
        return false;
    }
    unsigned len = 0;
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    return key != NULL && EVP_PKEY_get_security_bits(key) >= KEY_BITS_MIN &&
           X509_digest(certificate, EVP_sha256(), out->digest, &len) == 1 &&
           len == JT_TLS_DIGEST_LEN && seconds_of(X509_get0_notBefore(certificate), &out->from_s) &&
           seconds_of(X509_get0_notAfter(certificate), &out->until_s);
}

const struct jt_tls_peer *jt_tls_peer(struct jt_tls_session *s)
{
    if (!s->looked && SSL_is_init_finished(s->ssl)) {
        s->looked = true;
        s->has_peer = look_at_peer(s->ssl, &s->peer);
        ERR_clear_error();
    }
    return s->has_peer ? &s->peer : NULL;
}

void jt_tls_reason(const struct jt_tls_session *s, char out[JT_TLS_REASON_TEXT])
{
    const char *text = s->reason == 0 ? NULL : ERR_reason_error_string(s->reason);
    snprintf(out, JT_TLS_REASON_TEXT, "%s", text == NULL ? "the connection broke" : text);
}
