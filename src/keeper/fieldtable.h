/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields that authentic rows have named to this keeper since its start, and what the
 * keeper must know of them. Keys are derived for these only: a caller that makes up field ids costs
 * a look-up each, not a derivation. And whether equal cards of a field are linked is the field's
 * own word, never that of whoever asks.
 */
#ifndef JETON_KEEPER_FIELDTABLE_H
#define JETON_KEEPER_FIELDTABLE_H

#include "base/err.h"
#include "model/field.h"
#include "pan/numeric.h"
#include "wire/set_row.h"

#include <stddef.h>

struct jt_named_field {
    uint32_t id;
    uint8_t kind; /* enum jt_field_kind */
    bool dedup;
    bool mask_eight;
    bool numeric; /* has numeric tokens, of this form */
    struct jt_numeric_form form;
    uint64_t revision;
    bool disabled; /* its cards can be moved to another generation, and nothing else */
};

struct jt_fieldtable {
    bool complete; /* a whole set of fields was verified: what is not here does not exist */
    size_t n;
    struct jt_named_field fields[JT_SET_MAX_FIELDS]; /* ascending by id */
};

/* NULL: it was not named. Valid until the table changes. */
const struct jt_named_field *jt_fieldtable_find(const struct jt_fieldtable *t, uint32_t id);

/* The same for a field that is not disabled. */
const struct jt_named_field *jt_fieldtable_find_enabled(const struct jt_fieldtable *t, uint32_t id);

/*
 * Names a field, or again, as its row has it now. An older row than the one that named it changes
 * nothing: it may be authentic, and put back by somebody whom its rules suited better. One that is
 * disabled stays: or its cards would keep their generation from retiring. JT_ERR_SET_FULL when
 * there is no place.
 */
enum jt_err jt_fieldtable_add(struct jt_fieldtable *t, const struct jt_field_row *row) JT_CHECKED;

/* Names none: what an older set names counts from here on. */
void jt_fieldtable_clear(struct jt_fieldtable *t);

/*
 * What a batch says of an item's field: JT_OK where it was named, JT_ERR_NO_FIELDS where it may yet
 * be, else `unknown`.
 */
enum jt_err jt_fieldtable_check(const struct jt_fieldtable *t, uint32_t id,
                                enum jt_err unknown) JT_CHECKED;

#endif
