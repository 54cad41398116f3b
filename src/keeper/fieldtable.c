/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/fieldtable.h"

#include "pan/rules.h"

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

/*
 * Tokens whose check digit is wrong are no cards of a field that takes right ones only, so none of
 * them needs to be looked for among its cards, and no card among its tokens. Rules may change: from
 * then on both are looked for, and what was let in before collides with nothing.
 */
static bool is_guarded(const struct jt_field_spec *spec, const struct jt_numeric_form *form)
{
    struct jt_card_rules rules;
    return form->luhn_valid || spec->allow_bad_luhn ||
           jt_card_rules_decode(spec->rules, spec->rules_len, &rules) != JT_OK ||
           rules.n_exempt > 0;
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
    named->numeric =
        spec->token_form != 0 && jt_numeric_form_decode(spec->token_form, &named->form);
    named->guarded = named->numeric && is_guarded(spec, &named->form);
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
