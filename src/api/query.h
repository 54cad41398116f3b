/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query of a GET whose operation takes one: its parameters are the members of the operation's
 * table (api/members.h), and are read as if they stood in a body.
 */
#ifndef JETON_API_QUERY_H
#define JETON_API_QUERY_H

#include "api/members.h"
#include "http/host.h"

/*
 * An object of texts: "name=value", separated by "&", each name one of the table's and there once,
 * values percent-encoded (RFC 3986 section 2.1) and of printable ASCII. NULL: it is not that.
 */
json_t *jt_query_read(struct jt_slice query, const struct jt_members *members);

#endif
