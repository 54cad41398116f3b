/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where items of a copybook are in one record: tables with DEPENDING ON have as many occurrences
 * there as the record says, and what stands behind them moves.
 */
#ifndef JETON_BATCH_LAYOUT_H
#define JETON_BATCH_LAYOUT_H

#include "batch/copyname.h"
#include "batch/datum.h"

struct jt_layout {
    const struct jt_copybook *book;
    const struct jt_codepage *codepage;
    const uint8_t *data; /* NULL: no record; tables are as large as they can be */
    size_t len;
    enum jt_message fault; /* a table's size cannot be read */
    bool known[JT_COPYBOOK_TABLES];
    uint32_t counts[JT_COPYBOOK_TABLES];
};

void jt_layout_start(struct jt_layout *l, const struct jt_copybook *book,
                     const struct jt_codepage *cp, const uint8_t *data, size_t len);

/*
 * Where an item's occurrences are, all or the one of its subscripts: *n of them, none where the
 * record has not so many. False: there are more than `room`. See l->fault.
 */
bool jt_layout_find(struct jt_layout *l, const struct jt_item_ref *ref, uint32_t *out, size_t room,
                    size_t *n);

/* How an item's value stands in its bytes. NULL, or why none can be read there. */
const char *jt_layout_datum(const struct jt_copybook *book, int index, const struct jt_codepage *cp,
                            struct jt_datum *out);

/* Whether the places of an item depend on what a record says. */
bool jt_layout_varies(const struct jt_copybook *book, int item);

#endif
