/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/fieldtable.h"

#include <string.h>

/* The place of the first id that is not below `id`. */
static size_t place_of(const struct jt_fieldtable *t, uint32_t id)
{
    size_t low = 0;
    size_t high = t->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->ids[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool jt_fieldtable_has(const struct jt_fieldtable *t, uint32_t id)
{
    size_t at = place_of(t, id);
    return at < t->n && t->ids[at] == id;
}

enum jt_err jt_fieldtable_add(struct jt_fieldtable *t, uint32_t id)
{
    size_t at = place_of(t, id);
    if (at < t->n && t->ids[at] == id) {
        return JT_OK;
    }
    if (t->n == JT_SET_MAX_FIELDS) {
        return JT_ERR_SET_FULL;
    }
    memmove(t->ids + at + 1, t->ids + at, (t->n - at) * sizeof t->ids[0]);
    t->ids[at] = id;
    t->n++;
    return JT_OK;
}

void jt_fieldtable_remove(struct jt_fieldtable *t, uint32_t id)
{
    size_t at = place_of(t, id);
    if (at < t->n && t->ids[at] == id) {
        t->n--;
        memmove(t->ids + at, t->ids + at + 1, (t->n - at) * sizeof t->ids[0]);
    }
}

enum jt_err jt_fieldtable_check(const struct jt_fieldtable *t, uint32_t id, enum jt_err unknown)
{
    if (jt_fieldtable_has(t, id)) {
        return JT_OK;
    }
    return t->complete ? unknown : JT_ERR_NO_FIELDS;
}
