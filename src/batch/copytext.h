/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a copybook without what is no code: sequence numbers, comments, directives. Each
 * character that is left knows its line and column.
 *
 * The fixed form has code in columns 8 to 72, and says in column 7 what a line is. The free form
 * has it anywhere. Which one it is, is told by look (jt_copytext_is_free), unless a directive says.
 */
#ifndef JETON_BATCH_COPYTEXT_H
#define JETON_BATCH_COPYTEXT_H

#include "base/buf.h"

#define JT_COPYBOOK_MAX (1u << 20) /* bytes */

struct jt_copytext_at {
    uint32_t line, column; /* from 1 */
};

struct jt_copytext {
    struct jt_buf code; /* lines end with LF; one that goes on in the next does not */
    struct jt_buf at;   /* a struct jt_copytext_at of each character */
};

/*
 * Whether a copybook is of free form. A directive ">>SOURCE FREE" (or FIXED) or
 * '$SET SOURCEFORMAT"FREE"' says so. Else it is where some line cannot be of the fixed form: what
 * stands in column 7 is none of " * / - D $", or a level number or a comment "*>" begins before it.
 */
bool jt_copytext_is_free(const char *text, size_t len);

/* Tabs go to the next column after a multiple of eight. JT_ERR_NOMEM. */
enum jt_err jt_copytext_take(const char *text, size_t len, struct jt_copytext *out) JT_CHECKED;
void jt_copytext_clear(struct jt_copytext *text);

#endif
