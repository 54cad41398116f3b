/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a copybook's code, one after another. */
#ifndef JETON_BATCH_COPYWORD_H
#define JETON_BATCH_COPYWORD_H

#include "batch/copytext.h"

enum jt_copyword_kind {
    JT_COPYWORD_WORD,    /* a name, a number, a picture: whatever stands between blanks */
    JT_COPYWORD_LITERAL, /* in quotes */
    JT_COPYWORD_PERIOD,  /* the end of an entry */
    JT_COPYWORD_OPEN,    /* a literal that is not closed */
    JT_COPYWORD_END,
};

struct jt_copyword {
    enum jt_copyword_kind kind;
    const char *text; /* of words; in the copybook's text */
    size_t len;
    uint32_t line, column;
};

struct jt_copywords {
    const struct jt_copytext *text;
    size_t i; /* the next character */
};

struct jt_copyword jt_copyword_next(struct jt_copywords *w);

/* Whether it is a word, in whatever case. */
bool jt_copyword_is(const struct jt_copyword *word, const char *upper);

#endif
