/* SPDX-License-Identifier: Apache-2.0 */
/* Short texts inside messages: u8 length and that many bytes, none of them NUL. */
#ifndef JETON_WIRE_TEXT_H
#define JETON_WIRE_TEXT_H

#include "base/buf.h"

/*
 * `max` is the longest text, at most 255: `text` has room for max + 1 characters and what lies
 * beyond is not sent.
 */
void jt_wire_text_encode(const char *text, size_t max, struct jt_buf *out);

/* Marks `in` bad and empties `text` when it is longer than `max` or holds a NUL. */
void jt_wire_text_decode(struct jt_reader *in, size_t max, char *text);

/* One bit or several in a byte: marks `in` bad when a bit outside `known` is set. */
uint8_t jt_wire_flags_decode(struct jt_reader *in, uint8_t known);

#endif
