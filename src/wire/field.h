/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs FIELD_MAKE and FIELD_CHANGE, and the row of a field in them. */
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

/* The request of FIELD_CHANGE: the row and the set as they are, and what the row shall become. */
struct jt_field_alter {
    struct jt_field_change was;
    struct jt_field_spec spec; /* only its rules and its column may differ from the row's */
    uint8_t state;             /* enum jt_standing */
};
void jt_field_alter_encode(const struct jt_field_alter *alter, struct jt_buf *out);
enum jt_err jt_field_alter_decode(struct jt_reader *in, struct jt_field_alter *alter) JT_CHECKED;

/* The reply of both. */
void jt_field_change_encode(const struct jt_field_change *change, struct jt_buf *out);
enum jt_err jt_field_change_decode(struct jt_reader *in, struct jt_field_change *change) JT_CHECKED;

#endif
