/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of a copybook: a level number, a name, and clauses up to the period. */
#ifndef JETON_BATCH_COPYENTRY_H
#define JETON_BATCH_COPYENTRY_H

#include "batch/copybook.h"
#include "batch/copyword.h"

struct jt_copyentry {
    struct jt_copywords words;
    struct jt_copyword word;      /* the next one */
    struct jt_item item;          /* what was said; its place in the tree is the caller's */
    struct jt_copyword redefines; /* the name behind REDEFINES; len 0: none */
    bool skipped;                 /* of level 66, 78 or 88 */
    struct jt_trouble *trouble;
};

/* Reads the first word. */
void jt_copyentry_start(struct jt_copyentry *e, const struct jt_copytext *text,
                        struct jt_trouble *trouble);

/* The next entry. JT_ERR_NO_RECORD at the end; JT_ERR_INVALID with *trouble. */
enum jt_err jt_copyentry_next(struct jt_copyentry *e) JT_CHECKED;

#endif
