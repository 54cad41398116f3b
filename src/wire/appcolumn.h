/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs COLUMN_COUNT and COLUMN_CHECK: how many envelopes stand under a generation in a column of
 * an application's, as somebody counted it who may; and whether a count is a keeper's form of one.
 *
 * The number is the counter's word. What the keeper vouches for is that this number was said of
 * this column and this generation at this epoch, while the generation drained or was retired. A
 * draining generation seals nothing any more, so that a zero which is put back later says no less
 * than it did.
 */
#ifndef JETON_WIRE_APPCOLUMN_H
#define JETON_WIRE_APPCOLUMN_H

#include "model/appcolumn.h"
#include "wire/field.h"
#include "wire/generation.h"

/* The request of COLUMN_COUNT. */
struct jt_column_counted {
    struct jt_field_row field; /* with a column */
    struct jt_generation_row generation;
    uint64_t epoch; /* of the ring when it was counted: the keeper's */
    uint64_t envelopes;
};
void jt_column_counted_encode(const struct jt_column_counted *counted, struct jt_buf *out);
enum jt_err jt_column_counted_decode(struct jt_reader *in,
                                     struct jt_column_counted *counted) JT_CHECKED;

/* The reply of COLUMN_COUNT, and the request of COLUMN_CHECK. */
void jt_column_count_encode(const struct jt_column_count *count, struct jt_buf *out);
enum jt_err jt_column_count_decode(struct jt_reader *in, struct jt_column_count *count) JT_CHECKED;

/* What its MAC is over. */
void jt_column_count_body(const struct jt_column_count *count, struct jt_buf *out);

#endif
