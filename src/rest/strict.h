/*
 * Checks that libmicrohttpd does not make, strict mode or not: it takes two Content-Length, Host or Authorization headers, Content-Length
 * beside Transfer-Encoding, white space before the colon, NUL in a header value, decodes escaped slashes and cuts a path at %00. Each of these lets two programs
 * on one connection disagree about what was asked, so each is refused here.
 *
 * Some of it libmicrohttpd has eaten by the time it can be asked: a bare LF as line end, NUL in a value, folded lines, spaces beyond one. What it parsed,
 * written out again in the one usual way ("Name: value" and CRLF), must therefore be as long as what was received.
 */
#ifndef JETON_REST_STRICT_H
#define JETON_REST_STRICT_H

#include "rest/problem.h"

#include <microhttpd.h>
#include <stdbool.h>

/* Whether the target as sent is a plain absolute path: no escapes, no query, no fragment, visible ASCII only. */
bool jt_strict_target_ok(const char *raw_target);

/* JT_PROBLEM_NONE and the length of the body that was announced, or what is wrong with the request line and the headers. */
enum jt_problem jt_strict_headers(struct MHD_Connection *connection, const char *method, const char *path, uint64_t max_body,
                                  size_t *body_len);

/* Whether Content-Type is application/json, with no parameter but charset=utf-8. */
bool jt_strict_content_type_json(struct MHD_Connection *connection);

#endif
