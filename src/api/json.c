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

bool jt_json_only_members(json_t *object, const char *const *names)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        const char *const *name = names;
        while (*name != NULL && strcmp(*name, key) != 0) {
            name++;
        }
        if (*name == NULL) {
            return false;
        }
    }
    return true;
}

bool jt_json_reason(json_t *value, size_t room, char *out)
{
    const char *text = jt_json_text(value);
    size_t len = text == NULL ? 0 : strlen(text);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    if (len == 0 || len >= room) {
        return false;
    }
    memcpy(out, text, len + 1);
    return true;
}
