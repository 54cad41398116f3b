/* SPDX-License-Identifier: Apache-2.0 */
/* Verb FIELD_MAKE, and the row of a field in it. */
#ifndef JETON_WIRE_FIELD_H
#define JETON_WIRE_FIELD_H

#include "base/buf.h"
#include "model/field.h"
#include "wire/set_row.h"

/* Both decoders leave what follows unread. */
void jt_field_spec_encode(const struct jt_field_spec *spec, struct jt_buf *out);
enum jt_err jt_field_spec_decode(struct jt_reader *in, struct jt_field_spec *spec) JT_CHECKED;
void jt_field_row_encode(const struct jt_field_row *row, struct jt_buf *out);
enum jt_err jt_field_row_decode(struct jt_reader *in, struct jt_field_row *row) JT_CHECKED;

/* The request of FIELD_MAKE, and its reply: whole messages. */
void jt_field_make_encode(const struct jt_field_spec *spec, const struct jt_set_row *set,
                          struct jt_buf *out);
enum jt_err jt_field_make_decode(struct jt_reader *in, struct jt_field_spec *spec,
                                 struct jt_set_row *set) JT_CHECKED;
void jt_field_change_encode(const struct jt_field_change *change, struct jt_buf *out);
enum jt_err jt_field_change_decode(struct jt_reader *in, struct jt_field_change *change) JT_CHECKED;

#endif
