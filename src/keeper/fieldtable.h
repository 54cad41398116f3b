/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields that authentic rows have named to this keeper since its start. Keys are derived for
 * these only: a caller that makes up field ids costs a look-up each, not a derivation.
 */
#ifndef JETON_KEEPER_FIELDTABLE_H
#define JETON_KEEPER_FIELDTABLE_H

#include "base/err.h"
#include "wire/set_row.h"

#include <stddef.h>

struct jt_fieldtable {
    bool complete; /* a whole set of fields was verified: what is not here does not exist */
    size_t n;
    uint32_t ids[JT_SET_MAX_FIELDS]; /* ascending */
};

bool jt_fieldtable_has(const struct jt_fieldtable *t, uint32_t id);

/* JT_ERR_LIMIT when it is full. */
enum jt_err jt_fieldtable_add(struct jt_fieldtable *t, uint32_t id) JT_CHECKED;
void jt_fieldtable_remove(struct jt_fieldtable *t, uint32_t id);

/*
 * What a batch says of an item whose field is not there: that it must be named first, or `unknown`.
 */
enum jt_err jt_fieldtable_check(const struct jt_fieldtable *t, uint32_t id,
                                enum jt_err unknown) JT_CHECKED;

#endif
