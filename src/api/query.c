/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query.h"

#include "base/hex.h"

#include <string.h>

#define VALUE_MAX 256

static const struct jt_member *member_of(const struct jt_members *members, const char *name,
                                         size_t len)
{
    for (size_t i = 0; i < members->n; i++) {
        const char *known = members->all[i].name;
        if (strlen(known) == len && memcmp(known, name, len) == 0) {
            return &members->all[i];
        }
    }
    return NULL;
}

/* False: too long, a bad escape, or not printable ASCII. */
static bool decode(const char *p, size_t len, char out[static VALUE_MAX + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < len && n < VALUE_MAX; n++) {
        uint8_t byte = (uint8_t)p[i++];
        if (byte == '%') {
            char digits[3] = { 0 };
            if (len - i < 2) {
                return false;
            }
            memcpy(digits, p + i, 2);
            if (jt_hex_decode(digits, 1, &byte) != JT_OK) {
                return false;
            }
            i += 2;
        }
        if (byte < ' ' || byte > '~') {
            return false;
        }
        out[n] = (char)byte;
        out[n + 1] = '\0';
        if (n + 1 == VALUE_MAX && i < len) {
            return false;
        }
    }
    return true;
}

static bool take_pair(const char *p, size_t len, const struct jt_members *members, json_t *out)
{
    const char *equals = memchr(p, '=', len);
    size_t name_len = equals == NULL ? len : (size_t)(equals - p);
    const struct jt_member *member = member_of(members, p, name_len);
    char value[VALUE_MAX + 1] = "";
    if (equals == NULL || member == NULL || json_object_get(out, member->name) != NULL ||
        !decode(equals + 1, len - name_len - 1, value)) {
        return false;
    }
    return json_object_set_new(out, member->name, json_string(value)) == 0;
}

json_t *jt_query_read(struct jt_slice query, const struct jt_members *members)
{
    json_t *out = json_object();
    for (size_t at = 0; out != NULL && at <= query.len;) {
        const char *p = query.p + at;
        const char *end = memchr(p, '&', query.len - at);
        size_t len = end == NULL ? query.len - at : (size_t)(end - p);
        if (!take_pair(p, len, members, out)) {
            json_decref(out);
            return NULL;
        }
        at += len + 1;
    }
    return out;
}
