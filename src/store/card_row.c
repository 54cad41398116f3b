/* SPDX-License-Identifier: Apache-2.0 */
#include "store/card_row.h"

#include <string.h>

void jt_card_row_read(struct jt_row *row, int column, struct jt_card_row *out)
{
    out->field = jt_row_u31(row, column);
    out->id = jt_row_u63(row, column + 1);
    jt_row_uuid(row, column + 2, out->fingerprint);
    size_t len;
    const uint8_t *envelope = jt_row_bytes(row, column + 3, sizeof out->envelope, &len);
    if (envelope == NULL || len == 0) {
        row->bad = true;
        out->envelope_len = 0;
        return;
    }
    memcpy(out->envelope, envelope, len);
    out->envelope_len = (uint16_t)len;
}
