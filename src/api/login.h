/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: the API key of a request's head, looked up, and what it may do.
 */
#ifndef JETON_API_LOGIN_H
#define JETON_API_LOGIN_H

#include "base/err.h"
#include "http/host.h"

#include <stdbool.h>
#include <stddef.h>

struct jt_credential;
struct jt_request;

/* The keys that are being looked up for the requests of one loop. */
struct jt_logins {
    struct jt_request *unasked, *unasked_last; /* will be looked up when there is room */
    size_t n_asked;
    bool asking;  /* one is just being handed over */
    bool put_off; /* and there was no room for it */
};

/* The API key in the value of an Authorization field. JT_ERR_BAD_CREDENTIAL: there is none. */
enum jt_err jt_login_read(struct jt_slice authorization, struct jt_credential *out) JT_CHECKED;

/*
 * Looks up r->credential, now or later; then r->client is set or the request is answered, and in
 * either case admitted. The request may be gone when it returns.
 */
void jt_login_ask(struct jt_request *r);

/* Answers that no good key was given, counts it, and tells the log of whom. */
void jt_login_refuse(struct jt_request *r);

#endif
