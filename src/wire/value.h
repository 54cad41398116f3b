/* SPDX-License-Identifier: Apache-2.0 */
/* A value (model/value.h) inside messages: u8 kind, u16 length, and that many bytes. */
#ifndef JETON_WIRE_VALUE_H
#define JETON_WIRE_VALUE_H

#include "base/buf.h"
#include "model/value.h"

#define JT_VALUE_HEAD_LEN (1 + 2)

/* Writes it to `p`, where there is room for its head and bytes; returns what follows. */
uint8_t *jt_value_encode(const struct jt_value *value, uint8_t *p);

/* The bytes stay inside the frame. Whether kind and length go together is not looked at. */
void jt_value_decode(struct jt_reader *in, struct jt_value *value);

#endif
