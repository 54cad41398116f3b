/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/text.h"

#include <string.h>

void jt_wire_text_encode(const char *text, size_t max, struct jt_buf *out)
{
    size_t len = strnlen(text, max);
    jt_buf_u8(out, (uint8_t)len);
    jt_buf_put(out, text, len);
}

void jt_wire_text_decode(struct jt_reader *in, size_t max, char *text)
{
    memset(text, 0, max + 1);
    size_t len = jt_reader_u8(in);
    const uint8_t *p = jt_reader_bytes(in, len);
    if (p == NULL || len > max || memchr(p, '\0', len) != NULL) {
        in->bad = true;
        return;
    }
    memcpy(text, p, len);
}

uint8_t jt_wire_flags_decode(struct jt_reader *in, uint8_t known)
{
    uint8_t flags = jt_reader_u8(in);
    if ((flags & ~known) != 0) {
        in->bad = true;
        return 0;
    }
    return flags;
}
