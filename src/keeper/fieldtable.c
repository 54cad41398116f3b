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
        if (t->fields[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct jt_named_field *jt_fieldtable_find(const struct jt_fieldtable *t, uint32_t id)
{
    size_t at = place_of(t, id);
    return at < t->n && t->fields[at].id == id ? &t->fields[at] : NULL;
}

const struct jt_named_field *jt_fieldtable_find_enabled(const struct jt_fieldtable *t, uint32_t id)
{
    const struct jt_named_field *field = jt_fieldtable_find(t, id);
    return field != NULL && !field->disabled ? field : NULL;
}

enum jt_err jt_fieldtable_add(struct jt_fieldtable *t, const struct jt_field_row *row)
{
    const struct jt_field_spec *spec = &row->spec;
    size_t at = place_of(t, spec->id);
    if (at == t->n || t->fields[at].id != spec->id) {
        if (t->n == JT_SET_MAX_FIELDS) {
            return JT_ERR_SET_FULL;
        }
        memmove(t->fields + at + 1, t->fields + at, (t->n - at) * sizeof t->fields[0]);
        t->n++;
    } else if (t->fields[at].revision > row->revision) {
        return JT_OK;
    }
    t->fields[at] = (struct jt_named_field){ .id = spec->id,
                                             .kind = spec->kind,
                                             .dedup = spec->dedup,
                                             .mask_eight = spec->mask_eight,
                                             .revision = row->revision,
                                             .disabled = row->state != JT_ROW_ACTIVE };
    struct jt_named_field *named = &t->fields[at];
    if (spec->token_form != 0) {
        named->numeric = jt_numeric_form_decode(spec->token_form, &named->form);
        /* a form that a later version made: this one neither makes nor reads such tokens */
        named->disabled = named->disabled || !named->numeric;
    }
    return JT_OK;
}

void jt_fieldtable_clear(struct jt_fieldtable *t)
{
    *t = (struct jt_fieldtable){ .n = 0 };
}

enum jt_err jt_fieldtable_check(const struct jt_fieldtable *t, uint32_t id, enum jt_err unknown)
{
    if (jt_fieldtable_find(t, id) != NULL) {
        return JT_OK;
    }
    return t->complete ? unknown : JT_ERR_NO_FIELDS;
}
