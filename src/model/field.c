/* SPDX-License-Identifier: Apache-2.0 */
#include "model/field.h"

#include <string.h>

bool jt_field_name_valid(const char *name)
{
    size_t n = strnlen(name, JT_FIELD_NAME_MAX + 1);
    if (n == 0 || n > JT_FIELD_NAME_MAX || name[0] < 'a' || name[0] > 'z') {
        return false;
    }
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

const char *jt_field_kind_name(enum jt_field_kind kind)
{
    switch (kind) {
    case JT_FIELD_PAN: return "pan";
    case JT_FIELD_BYTES: return "bytes";
    }
    return "unknown";
}
