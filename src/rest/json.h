/* Request bodies: strict JSON objects. Jansson parses; every block it frees is wiped, because bodies carry PANs. */
#ifndef JETON_REST_JSON_H
#define JETON_REST_JSON_H

#include "rest/problem.h"

#include <jansson.h>

#include <stddef.h>

/* Makes Jansson wipe what it frees. Call once, before threads start. */
void jt_json_init(void);

/*
 * Parses one JSON object: UTF-8, no duplicate members, nothing after it. NULL with *problem set when it is anything else. Free with
 * json_decref.
 */
json_t *jt_json_parse_object(const void *text, size_t len, enum jt_problem *problem);

/* Whether every member of `object` is among the NULL-terminated `names`. */
bool jt_json_only_members(json_t *object, const char *const *names);

#endif
