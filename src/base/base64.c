/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

void jt_base64_encode(const void *in, size_t len, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = in;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v =
            (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
        *out++ = alphabet[v >> 18];
        *out++ = alphabet[v >> 12 & 63];
        *out++ = n > 1 ? alphabet[v >> 6 & 63] : '=';
        *out++ = n > 2 ? alphabet[v & 63] : '=';
    }
    *out = '\0';
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four characters, `n_pad` of them padding, to 3 - n_pad bytes. */
static bool decode_group(const char *in, size_t n_pad, uint8_t *out)
{
    uint32_t v = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i < 4 - n_pad ? value_of(in[i]) : in[i] == '=' ? 0 : -1;
        if (digit < 0) {
            return false;
        }
        v = v << 6 | (uint32_t)digit;
    }
    for (size_t i = 0; i < 3 - n_pad; i++) {
        out[i] = (uint8_t)(v >> (16 - 8 * i));
    }
    return n_pad == 0 || (v & (n_pad == 1 ? 0xffu : 0xffffu)) == 0;
}

enum jt_err jt_base64_decode(const char *in, size_t len, uint8_t *out, size_t max, size_t *out_len)
{
    *out_len = 0;
    if (len % 4 != 0) {
        return JT_ERR_INVALID;
    }
    size_t n_pad = len == 0 || in[len - 1] != '=' ? 0 : in[len - 2] == '=' ? 2 : 1;
    size_t n = len / 4 * 3 - n_pad;
    if (n > max) {
        return JT_ERR_INVALID;
    }
    for (size_t i = 0; i < len; i += 4) {
        if (!decode_group(in + i, i + 4 == len ? n_pad : 0, out + i / 4 * 3)) {
            return JT_ERR_INVALID;
        }
    }
    *out_len = n;
    return JT_OK;
}
