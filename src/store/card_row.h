/* SPDX-License-Identifier: Apache-2.0 */
/* A card's row in a server's reply, as the statements of statements.c answer it. */
#ifndef JETON_STORE_CARD_ROW_H
#define JETON_STORE_CARD_ROW_H

#include "store/cards.h"
#include "store/columns.h"
#include "store/row.h"

#define JT_CARD_ROW(FIRST, NEXT, t)                                  \
    FIRST(U31, t "field", field)                                     \
    NEXT(U63, t "id", id)                                            \
    NEXT(UUID, t "fp", fingerprint)                                  \
    NEXT(BYTES, t "envelope", envelope)                              \
    NEXT(TIME, t "expires_at", expires_us)                           \
    NEXT(BOOL, "coalesce(" t "expires_at <= now(), false)", expired) \
    NEXT(BYTES_OR_NONE, t "digits", digits.packed)

/*
 * Reads field, id, fingerprint, envelope, date, whether that is over, and digits from the column
 * on; `row` turns bad when they are not those of a card.
 */
void jt_card_row_read(struct jt_row *row, int column, struct jt_card_row *out);

#endif
