/* SPDX-License-Identifier: Apache-2.0 */
#include "store/card_row.h"

static JT_COLUMNS_READER(read_row, JT_CARD_ROW, struct jt_card_row);

void jt_card_row_read(struct jt_row *row, int column, struct jt_card_row *out)
{
    read_row(row, column, out);
    row->bad = row->bad || out->envelope_len == 0;
}
