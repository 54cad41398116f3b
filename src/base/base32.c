/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base32.h"

#include "base/secmem.h"

static const char alphabet[32] = "0123456789abcdefghjkmnpqrstvwxyz";

void jt_base32_encode(const void *in, size_t len, char *out)
{
    const uint8_t *p = in;
    uint32_t acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        acc = acc << 8 | p[i];
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            *out++ = alphabet[acc >> bits & 31];
        }
    }
    if (bits > 0) {
        *out++ = alphabet[acc << (5 - bits) & 31];
    }
    *out = '\0';
}

/* All ones where `lo` <= `c` <= `hi`, else 0. */
static uint32_t mask_of(int c, int lo, int hi)
{
    return ((uint32_t)((c - lo) | (hi - c)) >> 31) - 1;
}

/*
 * The value of a character; -1: it has none. By arithmetic, not by table or branch: what is looked
 * up would depend on the credential's characters.
 */
static int char_value(char c)
{
    static const struct {
        /* of a run of the alphabet: the characters, and the value of the first */
        char lo, hi, first;
    } runs[] = { { '0', '9', 0 },  { 'a', 'h', 10 }, { 'j', 'k', 18 },
                 { 'm', 'n', 20 }, { 'p', 't', 22 }, { 'v', 'z', 27 } };
    uint32_t v = UINT32_MAX;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        uint32_t hit = mask_of(c, runs[i].lo, runs[i].hi);
        v = (v & ~hit) | ((uint32_t)(c - runs[i].lo + runs[i].first) & hit);
    }
    return (int)v;
}

enum jt_err jt_base32_decode(const char *in, size_t len, uint8_t *out)
{
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t n = 0;
    int bad = 0;
    for (size_t i = 0; i < JT_BASE32_LEN(len); i++) {
        int v = char_value(in[i]);
        bad |= v < 0;
        acc = acc << 5 | (uint32_t)(v & 31);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            if (n < len) {
                out[n++] = (uint8_t)(acc >> bits);
            }
        }
        if (bad && in[i] == '\0') {
            break; /* never read past the end of a short string */
        }
    }
    bad |= (acc & ((1u << bits) - 1)) != 0;
    bad |= n != len;
    if (bad) {
        jt_wipe(out, len);
        return JT_ERR_INVALID;
    }
    return JT_OK;
}
