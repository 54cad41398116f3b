/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json.h"

#include "base/secmem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Jansson's own error does not tell memory that ran out from a text that is wrong. */
static _Thread_local bool ran_out;

static void *take(size_t size)
{
    void *p = malloc(size);
    ran_out = ran_out || p == NULL;
    return p;
}

void jt_json_init(void)
{
    json_set_alloc_funcs(take, jt_wipe_free);
    /*
     * Hash seeding reads the clock otherwise; a random seed keeps colliding member names from
     * costing quadratic time.
     */
    json_object_seed(0);
}

void jt_json_begin(void)
{
    ran_out = false;
}

bool jt_json_ran_out(void)
{
    return ran_out;
}

json_t *jt_json_parse_object(const void *text, size_t len, enum jt_problem_type *problem)
{
    json_error_t error; /* its text quotes the body: never passed on */
    jt_json_begin();
    json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (object == NULL || !json_is_object(object)) {
        json_decref(object);
        *problem = ran_out ? JT_PROBLEM_OUT_OF_MEMORY : JT_PROBLEM_MALFORMED_JSON;
        return NULL;
    }
    return object;
}

const char *jt_json_text(json_t *value)
{
    const char *text = json_string_value(value);
    return text != NULL && strlen(text) == json_string_length(value) ? text : NULL;
}

json_t *jt_json_text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}
