/* SPDX-License-Identifier: Apache-2.0 */
/* The digits of a numeric token (model/digits.h) inside messages: u8 length, and the bytes. */
#ifndef JETON_WIRE_DIGITS_H
#define JETON_WIRE_DIGITS_H

#include "base/buf.h"
#include "model/digits.h"

#define JT_DIGITS_WIRE_LEN(digits) (1u + (digits)->packed_len)

/* Writes them to `p`, where there is room; returns what follows. */
uint8_t *jt_digits_encode(const struct jt_digits *digits, uint8_t *p);

/* Whether they are digits is not looked at; `in` turns bad when their length is none that is. */
void jt_digits_decode(struct jt_reader *in, struct jt_digits *digits);

#endif
