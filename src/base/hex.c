/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

#include <string.h>

void jt_hex_encode(const void *in, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = in;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = '\0';
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

enum jt_err jt_hex_decode(const char *in, size_t len, uint8_t *out)
{
    for (size_t i = 0; i < len; i++) {
        int high = digit_value(in[2 * i]);
        int low = high < 0 ? -1 : digit_value(in[2 * i + 1]);
        if (low < 0) {
            memset(out, 0, len);
            return JT_ERR_INVALID;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return JT_OK;
}
