/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer as its owner gives it: a status, a few fields of the head, and a body. All other
 * fields of the head are the same for every answer, and are put there in this folder.
 */
#ifndef JETON_HTTP_ANSWER_H
#define JETON_HTTP_ANSWER_H

#include "base/buf.h"

#define JT_REQUEST_ID_TEXT 33 /* 32 hex digits and NUL */

struct jt_http_field {
    const char *name, *value;
};

struct jt_http_answer {
    int status;                /* 0: there is none yet */
    const char *cache_control; /* static storage; NULL: no-store */
    const char *media_type;    /* of the body, static storage; NULL: the answer has no body */
    const char *name, *value;  /* one more field of the head; NULL: none. They live as long as it */
    const struct jt_http_field *more; /* and n_more others, which live as long; not of refusals */
    size_t n_more;
    char request_id[JT_REQUEST_ID_TEXT]; /* X-Request-Id; empty: none */
    struct jt_buf body;                  /* may be secret: wiped with the answer */
};

#endif
