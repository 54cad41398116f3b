/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items of a copybook by name, as COBOL has it: "CARD-NO", "CARD-NO OF DETAIL-REC", "CARD-NO(3)",
 * "CARD-NO(2, 3) IN T".
 */
#ifndef JETON_BATCH_COPYNAME_H
#define JETON_BATCH_COPYNAME_H

#include "batch/copybook.h"

#define JT_ITEM_DIMENSIONS 7

struct jt_item_ref {
    int item;
    size_t n_subscripts;                     /* none, or one a dimension */
    uint32_t subscripts[JT_ITEM_DIMENSIONS]; /* from 1 */
};

/* How many tables an item is in, itself included. */
size_t jt_copyname_dimensions(const struct jt_copybook *book, int item);

/*
 * The item that a name means, in the record `within`, or in any (JT_NO_ITEM). JT_ERR_INVALID with
 * *trouble, which lists what could be meant.
 */
enum jt_err jt_copyname_find(const struct jt_copybook *book, const char *name, int within,
                             struct jt_item_ref *out, struct jt_trouble *trouble) JT_CHECKED;

#endif
