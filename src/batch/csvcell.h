/* SPDX-License-Identifier: Apache-2.0 */
/* One cell of a CSV record: its text, and another text in its place. */
#ifndef JETON_BATCH_CSVCELL_H
#define JETON_BATCH_CSVCELL_H

#include "base/buf.h"

/*
 * The text of a cell without its quotes. *text points into the cell, or, where quotes are doubled,
 * to what was appended to `room`, in which `len` bytes must be free: its status is not looked at.
 */
void jt_csvcell_read(const char *cell, size_t len, struct jt_buf *room, const char **text,
                     size_t *text_len);

/*
 * Appends the cell that has `text` in place of what `old` has: quoted if that is. JT_ERR_INVALID
 * where it would have to be quoted and is not, so that the old text could not come back as it was.
 */
enum jt_err jt_csvcell_put(const char *old, size_t old_len, char delimiter, const char *text,
                           size_t len, struct jt_buf *out) JT_CHECKED;

#endif
