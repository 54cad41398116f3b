/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query.h"

#include <string.h>

#define TEXT_MAX 256 /* bytes of a name or a value, decoded */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool decode(struct jt_slice in, char out[static TEXT_MAX + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++, n++) {
        int byte = (unsigned char)in.p[i];
        if (byte == '%') {
            int high = i + 2 < in.len ? hex_digit(in.p[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(in.p[i + 2]) : -1;
            byte = low >= 0 ? high * 16 + low : 0;
            i += 2;
        }
        if (byte == 0 || n == TEXT_MAX) {
            return false;
        }
        out[n] = (char)byte;
    }
    out[n] = '\0';
    return true;
}

static bool take(json_t *object, struct jt_slice pair)
{
    char name[TEXT_MAX + 1], value[TEXT_MAX + 1] = "";
    const char *sign = memchr(pair.p, '=', pair.len);
    struct jt_slice left = { pair.p, sign == NULL ? pair.len : (size_t)(sign - pair.p) };
    struct jt_slice right = { pair.p + left.len + 1, sign == NULL ? 0 : pair.len - left.len - 1 };
    if (left.len == 0 || !decode(left, name) || (sign != NULL && !decode(right, value)) ||
        json_object_get(object, name) != NULL) {
        return false;
    }
    return json_object_set_new(object, name, json_string(value)) == 0;
}

json_t *jt_query_parse(struct jt_slice query, enum jt_problem_type *problem)
{
    json_t *object = json_object();
    *problem = object == NULL ? JT_PROBLEM_OUT_OF_MEMORY : JT_PROBLEM_NONE;
    while (*problem == JT_PROBLEM_NONE && query.len > 0) {
        const char *end = memchr(query.p, '&', query.len);
        struct jt_slice pair = { query.p, end == NULL ? query.len : (size_t)(end - query.p) };
        if (!take(object, pair)) {
            *problem = JT_PROBLEM_MALFORMED_REQUEST;
        }
        size_t used = pair.len + (end != NULL);
        query = (struct jt_slice){ query.p + used, query.len - used };
    }
    if (*problem != JT_PROBLEM_NONE) {
        json_decref(object);
        object = NULL;
    }
    return object;
}
