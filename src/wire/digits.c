/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/digits.h"

#include <string.h>

uint8_t *jt_digits_encode(const struct jt_digits *digits, uint8_t *p)
{
    *p++ = digits->packed_len;
    memcpy(p, digits->packed, digits->packed_len);
    return p + digits->packed_len;
}

void jt_digits_decode(struct jt_reader *in, struct jt_digits *digits)
{
    size_t len = jt_reader_u8(in);
    *digits = (struct jt_digits){ .packed_len = 0 };
    in->bad = in->bad || (len > 0 && len < JT_PAN_MIN_PACKED) || len > sizeof digits->packed;
    if (!in->bad) {
        digits->packed_len = (uint8_t)len;
        jt_reader_copy(in, digits->packed, len);
    }
}
