/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stddef.h>

struct reason {
    const char *name, *text;
    uint8_t class;
};

static const struct reason reasons[JT_ERR_MAX + 1] = {
    [JT_OK] = { "OK", "success", JT_CLASS_DONE },
#define JT_REASON(number, id, class, problem, text) [number] = { #id, text, JT_CLASS_##class },
#include "base/reasons.def"
#undef JT_REASON
};

static const struct reason *find(enum jt_err err)
{
    static const struct reason unknown = { "UNKNOWN", "unknown reason", JT_CLASS_GIVE_UP };
    bool known = (unsigned)err <= JT_ERR_MAX && reasons[err].name != NULL;
    return known ? &reasons[err] : &unknown;
}

enum jt_class jt_err_class(enum jt_err err)
{
    return find(err)->class;
}

bool jt_err_known(uint8_t number)
{
    return reasons[number].name != NULL;
}

const char *jt_err_str(enum jt_err err)
{
    return find(err)->text;
}

const char *jt_err_name(enum jt_err err)
{
    return find(err)->name;
}
