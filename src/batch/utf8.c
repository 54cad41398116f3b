/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/utf8.h"

void jt_utf8_put(struct jt_buf *out, uint32_t c)
{
    if (c < 0x80) {
        jt_buf_u8(out, (uint8_t)c);
        return;
    }
    uint8_t bytes[4];
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = n - 1; i > 0; i--) {
        bytes[i] = (uint8_t)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    bytes[0] = (uint8_t)(leads[n] | c);
    jt_buf_put(out, bytes, n);
}

/* RFC 3629 section 3: how many bytes a character has, by its first. 0: no first byte. */
static size_t length_of(uint8_t lead)
{
    return lead < 0x80   ? 1
           : lead < 0xc2 ? 0
           : lead < 0xe0 ? 2
           : lead < 0xf0 ? 3
           : lead < 0xf5 ? 4
                         : 0;
}

uint32_t jt_utf8_get(const char *text, size_t len, size_t *used)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const uint8_t *p = (const uint8_t *)text;
    size_t n = length_of(p[0]);
    *used = 1;
    if (n == 0 || n > len) {
        return UINT32_MAX;
    }
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return UINT32_MAX;
        }
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff) {
        return UINT32_MAX;
    }
    *used = n;
    return c;
}
