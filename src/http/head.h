/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP/1 request, read strictly: RFC 9112 sections 2 to 6. What two programs on
 * one connection could read in two ways is refused here, before anybody acts on it.
 *
 * Two steps. jt_head_scan looks for the end of the head as bytes arrive, each byte once, and
 * refuses at once what can never become good: a line that ends in LF alone, a CR by itself, a
 * NUL, a head that is too long, a TLS hello. jt_head_parse takes the complete head apart. Both
 * are pure: no memory, no state but the caller's.
 */
#ifndef JETON_HTTP_HEAD_H
#define JETON_HTTP_HEAD_H

#include "http/host.h"

#include <stdint.h>

#define JT_HEAD_MAX        16384 /* bytes of a head, request line and empty line included */
#define JT_HEAD_LINE_MAX   8192  /* of its first line without CRLF; RFC 9112 section 3: 8000 */
#define JT_HEAD_FIELDS_MAX 100

enum jt_head_fault {
    JT_HEAD_GOOD,
    JT_HEAD_MORE,        /* the end has not come yet */
    JT_HEAD_MALFORMED,   /* 400 */
    JT_HEAD_LINE_LONG,   /* 414 */
    JT_HEAD_LARGE,       /* 431 */
    JT_HEAD_VERSION,     /* 505 */
    JT_HEAD_CODING,      /* 501: a transfer coding that is well formed and unknown */
    JT_HEAD_EXPECTATION, /* 417 */
    JT_HEAD_TLS,         /* no HTTP: somebody speaks TLS to a plain port */
};

/* Slices point into the head that was parsed. */
struct jt_head {
    struct jt_slice method;
    struct jt_slice path;  /* begins with a slash, or is "*" */
    struct jt_slice query; /* without its question mark; p is NULL when there is none */
    /* of an absolute target, else of Host; p is NULL in HTTP/1.0 without one */
    struct jt_slice host;
    /* p is NULL when absent; of several fields the last one, where several may be sent */
    struct jt_slice authorization, content_type, if_none_match, forwarded_for;
    struct jt_slice idempotency_key; /* once at most */
    struct jt_slice traceparent;     /* the same, and when there are several */
    uint64_t content_length;         /* 0 when absent; UINT64_MAX for anything larger */
    bool chunked;
    bool http10;
    bool close; /* the client asks for the end of the connection, or is of HTTP/1.0 */
    bool expects_continue;
    bool encoded; /* Content-Encoding names a coding */
};

/*
 * Looks for the empty line in `p`, from *scanned on, which it moves forward: start with 0.
 * JT_HEAD_GOOD and *head_len, which counts the empty line; JT_HEAD_MORE; or a fault. Empty lines
 * before the head are the caller's to skip.
 */
enum jt_head_fault jt_head_scan(const char *p, size_t len, size_t *scanned, size_t *head_len);

/* RFC 9110 section 5.6.2: whether `c` may stand in a method or in the name of a field. */
bool jt_head_is_token_char(char c);

/* `p` is one complete head as jt_head_scan found it. JT_HEAD_GOOD or a fault. */
enum jt_head_fault jt_head_parse(const char *p, size_t len, struct jt_head *out);

#endif
