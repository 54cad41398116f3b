/* SPDX-License-Identifier: Apache-2.0 */
#include "pan/pan.h"

#include "base/secmem.h"

#include <string.h>

bool jt_pan_luhn_ok(const char *digits, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(digits[n - 1 - i] - '0');
        if (i % 2 == 1) {
            d *= 2;
            d = d > 9 ? d - 9 : d;
        }
        sum += d;
    }
    return n > 0 && sum % 10 == 0;
}

static void pack(const char *digits, size_t n, struct jt_pan *out)
{
    out->n_digits = (uint8_t)n;
    out->packed_len = (uint8_t)((n + 1) / 2);
    for (size_t i = 0; i < out->packed_len; i++) {
        uint8_t high = (uint8_t)(digits[2 * i] - '0');
        uint8_t low = 2 * i + 1 < n ? (uint8_t)(digits[2 * i + 1] - '0') : 0xf;
        out->packed[i] = (uint8_t)(high << 4 | low);
    }
}

enum jt_pan_fault jt_pan_parse(const char *text, size_t len, bool require_luhn, struct jt_pan *out)
{
    *out = (struct jt_pan){ 0 };
    if (len == 0) {
        return JT_PAN_EMPTY;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return JT_PAN_NOT_DIGITS;
        }
    }
    if (len < JT_PAN_MIN_DIGITS) {
        return JT_PAN_TOO_SHORT;
    }
    if (len > JT_PAN_MAX_DIGITS) {
        return JT_PAN_TOO_LONG;
    }
    pack(text, len, out);
    return require_luhn && !jt_pan_luhn_ok(text, len) ? JT_PAN_BAD_LUHN : JT_PAN_GOOD;
}

const char *jt_pan_fault_name(enum jt_pan_fault fault)
{
    switch (fault) {
    case JT_PAN_GOOD: return "pan-good";
    case JT_PAN_EMPTY: return "pan-empty";
    case JT_PAN_NOT_DIGITS: return "pan-not-digits";
    case JT_PAN_TOO_SHORT: return "pan-too-short";
    case JT_PAN_TOO_LONG: return "pan-too-long";
    case JT_PAN_BAD_LUHN: return "pan-bad-luhn";
    case JT_PAN_ALL_ZEROS: return "pan-all-zeros";
    case JT_PAN_LEADING_ZEROS: return "pan-leading-zeros";
    case JT_PAN_LENGTH_REFUSED: return "pan-length-refused";
    case JT_PAN_TEST_CARD: return "pan-test-card";
    }
    return "pan-malformed";
}

enum jt_err jt_pan_unpack(const uint8_t *packed, size_t packed_len, char *out)
{
    size_t n = 0;
    bool bad = packed_len > JT_PAN_MAX_PACKED;
    for (size_t i = 0; i < packed_len && !bad; i++) {
        uint8_t high = packed[i] >> 4;
        uint8_t low = packed[i] & 0xf;
        out[n++] = (char)('0' + high);
        bad = high > 9;
        if (low <= 9) {
            out[n++] = (char)('0' + low);
        } else if (low != 0xf || i + 1 != packed_len) {
            bad = true;
        }
    }
    if (bad || n < JT_PAN_MIN_DIGITS || n > JT_PAN_MAX_DIGITS) {
        jt_wipe(out, JT_PAN_MAX_DIGITS + 1);
        return JT_ERR_DECRYPT;
    }
    out[n] = '\0';
    return JT_OK;
}

#define SHOWN_LAST       4
#define HIDDEN_MIN       4
#define EIGHT_MIN_DIGITS 16

enum jt_err jt_pan_mask(const uint8_t *packed, size_t packed_len, bool eight, char *out,
                        size_t *len)
{
    *len = 0;
    enum jt_err err = jt_pan_unpack(packed, packed_len, out);
    if (err != JT_OK) {
        return err;
    }
    size_t n = strlen(out);
    size_t leading = eight && n >= EIGHT_MIN_DIGITS ? 8 : 6;
    size_t most = n - SHOWN_LAST - HIDDEN_MIN;
    leading = leading < most ? leading : most;
    for (size_t i = leading; i < n - SHOWN_LAST; i++) {
        out[i] = '*';
    }
    *len = n;
    return JT_OK;
}
