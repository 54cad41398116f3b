/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single characters of UTF-8. Halves of surrogate pairs, which UTF-16 may hold alone, are taken as
 * characters of three bytes, so that whatever was read can be written back; whoever must not let
 * them pass looks for them himself.
 */
#ifndef JETON_BATCH_UTF8_H
#define JETON_BATCH_UTF8_H

#include "base/buf.h"

void jt_utf8_put(struct jt_buf *out, uint32_t c);

/*
 * The character at `text`, of which there are `len` bytes, at least one; *used tells how many it
 * has. UINT32_MAX, and one byte used, where it is not UTF-8.
 */
uint32_t jt_utf8_get(const char *text, size_t len, size_t *used);

#endif
