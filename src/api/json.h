/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request bodies: strict JSON objects. Jansson parses; every block it frees is wiped, because
 * bodies carry PANs.
 */
#ifndef JETON_API_JSON_H
#define JETON_API_JSON_H

#include "api/problem.h"

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>

/* Makes Jansson wipe what it frees. Call once, before threads start. */
void jt_json_init(void);

/*
 * Whether Jansson missed memory on this thread since jt_json_begin: what was made meanwhile may
 * lack a part without any sign of it, and must not be told as if it were whole.
 */
void jt_json_begin(void);
bool jt_json_ran_out(void);

/*
 * Parses one JSON object: UTF-8, no duplicate members, nothing after it. Strings may hold NUL, so
 * that one bad item does not make a whole batch malformed. NULL with *problem set when it is
 * anything else. Free with json_decref.
 */
json_t *jt_json_parse_object(const void *text, size_t len, enum jt_problem_type *problem);

/*
 * The text of a string without NUL inside, or NULL for anything else. For card numbers and tokens
 * use the length: any byte may occur.
 */
const char *jt_json_text(json_t *value);

/* The text, or null where it is empty: of what has not happened yet. */
json_t *jt_json_text_or_null(const char *text);

#endif
