/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of the ring's row. */
#ifndef JETON_STORE_RING_COLUMNS_H
#define JETON_STORE_RING_COLUMNS_H

#include "model/ring.h"
#include "store/columns.h"

#define JT_RING_ROW(FIRST, NEXT, t) \
    FIRST(U63, t "epoch", epoch)    \
    NEXT(BYTES, t "body", body)     \
    NEXT(FIXED, t "mac", mac)

#define JT_RING_COLUMNS JT_COLUMNS(JT_RING_ROW, "")

/* store/ring.c */
void jt_ring_row_read(struct jt_row *row, int column, struct jt_ring_row *out);

#endif
