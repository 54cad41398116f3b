/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access log: a line for each request that was answered, where access_log in [front] says so.
 * What the client sent is not in it, neither path nor query nor method: the route's own words stand
 * for them, since a card number or a token can be in any of them.
 */
#ifndef JETON_API_ACCESS_H
#define JETON_API_ACCESS_H

#include "api/request.h"

/* `r` is answered with `code`; it took `us` microseconds. */
void jt_access_note(const struct jt_request *r, int code, uint64_t us);

#endif
