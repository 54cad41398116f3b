/* SPDX-License-Identifier: Apache-2.0 */
/* The set row (model/set.h) in messages. */
#ifndef JETON_WIRE_SET_ROW_H
#define JETON_WIRE_SET_ROW_H

#include "base/buf.h"
#include "model/set.h"

/* Everything but the MAC: what it is computed over. */
void jt_set_row_body_encode(const struct jt_set_row *row, struct jt_buf *out);
void jt_set_row_encode(const struct jt_set_row *row, struct jt_buf *out);
/* leaves what follows unread */
enum jt_err jt_set_row_decode(struct jt_reader *in, struct jt_set_row *row) JT_CHECKED;

#endif
