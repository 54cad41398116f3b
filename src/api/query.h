/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query of an address as an object of texts, for operations that take their members from there
 * (RFC 3986 section 3.4: name=value, separated by "&"; %XX is a byte; "+" is itself).
 */
#ifndef JETON_API_QUERY_H
#define JETON_API_QUERY_H

#include "api/problem.h"
#include "http/host.h"

#include <jansson.h>

/*
 * NULL and the problem: malformed, a name twice, a text that is not UTF-8 or holds a NUL, or out of
 * memory. Without a query (p is NULL): an empty object.
 */
json_t *jt_query_parse(struct jt_slice query, enum jt_problem_type *problem);

#endif
