/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an answer as libmicrohttpd writes it, read so that the answer can be passed on and
 * its end be known: RFC 9112 sections 4 and 6.3. Our own process wrote it, so what is not as
 * expected is a fault of ours, never passed on.
 */
#ifndef JETON_HTTP_REPLY_H
#define JETON_HTTP_REPLY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jt_reply_head {
    int status;
    size_t line_len;   /* of the status line with its CRLF: where a field can be put in */
    size_t head_len;   /* with the empty line */
    uint64_t body_len; /* bytes that follow; 0 after HEAD, for 204 and for 304 */
    bool close;        /* the writer ends its connection after it */
};

/*
 * JT_OK; JT_ERR_NO_HEAD: the head is not complete yet; JT_ERR_PROTOCOL. `to_head`: it answers a
 * HEAD.
 */
enum jt_err jt_reply_parse(const char *p, size_t len, bool to_head,
                           struct jt_reply_head *out) JT_CHECKED;

#endif
