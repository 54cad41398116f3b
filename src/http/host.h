/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names as they stand in Host and in absolute targets: RFC 9110 section 7.2, RFC 3986
 * section 3.2.2.
 */
#ifndef JETON_HTTP_HOST_H
#define JETON_HTTP_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that somebody else owns. */
struct jt_slice {
    const char *p;
    size_t len;
};

/*
 * Whether `text` is a host with an optional port: a name of letters, digits, dots, dashes,
 * underscores and tildes, an IPv4 address, or an IPv6 address in brackets. Narrower than reg-name
 * on purpose: percent escapes and sub-delimiters name no host that resolves, and a comma would be
 * two hosts in one field. No userinfo, never empty.
 */
bool jt_host_valid(struct jt_slice text);

/*
 * Whether the valid host `text`, its port left out, is in the comma-separated `names`. An empty
 * list permits every host.
 */
bool jt_host_permitted(const char *names, struct jt_slice text);

/* Whether each entry of the list is a host without port; for the configuration. */
bool jt_host_list_valid(const char *names);

#endif
