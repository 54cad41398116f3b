/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json.h"

#include "base/secmem.h"

#include <stdlib.h>
#include <string.h>

void jt_json_init(void)
{
    json_set_alloc_funcs(malloc, jt_wipe_free);
    /*
     * Hash seeding reads the clock otherwise; a random seed keeps colliding member names from
     * costing quadratic time.
     */
    json_object_seed(0);
}

json_t *jt_json_parse_object(const void *text, size_t len, enum jt_problem_type *problem)
{
    json_error_t error; /* its text quotes the body: never passed on */
    json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (object == NULL || !json_is_object(object)) {
        json_decref(object);
        *problem = JT_PROBLEM_MALFORMED_JSON;
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
