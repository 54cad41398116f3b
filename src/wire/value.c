/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/value.h"

#include <string.h>

uint8_t *jt_value_encode(const struct jt_value *value, uint8_t *p)
{
    *p++ = value->kind;
    jt_put_u16(p, value->len);
    p += 2;
    if (value->len > 0) {
        memcpy(p, value->bytes, value->len);
    }
    return p + value->len;
}

void jt_value_decode(struct jt_reader *in, struct jt_value *value)
{
    value->kind = jt_reader_u8(in);
    value->len = jt_reader_u16(in);
    value->bytes = jt_reader_bytes(in, value->len);
}
