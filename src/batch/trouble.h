/* SPDX-License-Identifier: Apache-2.0 */
/* How a struct jt_trouble is filled in, and which texts of a file may be told in it. */
#ifndef JETON_BATCH_TROUBLE_H
#define JETON_BATCH_TROUBLE_H

#include "base/buf.h"
#include "batch/message.h"

/* Always JT_ERR_INVALID. What does not fit into the detail is cut. */
enum jt_err jt_trouble_set(struct jt_trouble *trouble, enum jt_message message, uint64_t line,
                           uint64_t column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/*
 * A name that a file gives, as it may be shown: at most 40 bytes, control characters as question
 * marks. A header may be a record that somebody took for one: where a name has seven digits or
 * more, they are shown as "(digits)".
 */
#define JT_SHOWN_LEN 48
void jt_trouble_show(const char *name, size_t len, char out[static JT_SHOWN_LEN]);

/*
 * Appends such a name to a list in `detail`, behind a comma. Where it is full, "..." ends the list,
 * and nothing more is added.
 */
void jt_trouble_list(char *detail, size_t size, const char *name, size_t len);

#endif
