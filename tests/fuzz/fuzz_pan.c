/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Card numbers. Every input is taken as text and as packed digits. What was taken comes back the
 * same; what was refused leaves nothing; each fault is the one that the text has. Of the ten
 * numbers that differ in the last digit one is good.
 */
#include "fuzz.h"

#include "pan/pan.h"

static enum jt_pan_fault fault_of(const char *text, size_t len)
{
    size_t n_digits = 0;
    for (size_t i = 0; i < len; i++) {
        n_digits += text[i] >= '0' && text[i] <= '9';
    }
    return len == 0                  ? JT_PAN_EMPTY
           : n_digits < len          ? JT_PAN_NOT_DIGITS
           : len < JT_PAN_MIN_DIGITS ? JT_PAN_TOO_SHORT
           : len > JT_PAN_MAX_DIGITS ? JT_PAN_TOO_LONG
                                     : JT_PAN_GOOD;
}

static void check_luhn(const char *text, size_t len)
{
    char digits[JT_PAN_MAX_DIGITS];
    struct jt_pan pan;
    int n_good = 0;
    memcpy(digits, text, len);
    for (char last = '0'; last <= '9'; last++) {
        digits[len - 1] = last;
        enum jt_pan_fault fault = jt_pan_parse(digits, len, true, &pan);
        MUST(fault == JT_PAN_GOOD || fault == JT_PAN_BAD_LUHN);
        MUST((fault == JT_PAN_GOOD) == jt_pan_luhn_ok(digits, len));
        n_good += fault == JT_PAN_GOOD;
    }
    MUST(n_good == 1);
}

static void as_text(const char *text, size_t len)
{
    struct jt_pan pan, checked;
    char back[JT_PAN_MAX_DIGITS + 1];
    enum jt_pan_fault fault = jt_pan_parse(text, len, false, &pan);
    MUST(fault == fault_of(text, len));
    MUST(strncmp(jt_pan_fault_name(fault), "pan-", 4) == 0);
    if (fault != JT_PAN_GOOD) {
        MUST(fuzz_zero(&pan, sizeof pan) && jt_pan_parse(text, len, true, &checked) == fault);
        return;
    }
    MUST(pan.n_digits == len && pan.packed_len == (len + 1) / 2);
    MUST(jt_pan_unpack(pan.packed, pan.packed_len, back) == JT_OK);
    MUST(fuzz_same(back, strlen(back), text, len));
    check_luhn(text, len);
}

static void as_packed(const uint8_t *packed, size_t len)
{
    struct jt_pan pan;
    char digits[JT_PAN_MAX_DIGITS + 1];
    memset(digits, 'x', sizeof digits);
    enum jt_err err = jt_pan_unpack(packed, len, digits);
    if (err == JT_OK) {
        MUST(jt_pan_parse(digits, strlen(digits), false, &pan) == JT_PAN_GOOD);
        MUST(fuzz_same(pan.packed, pan.packed_len, packed, len));
    } else {
        MUST(err == JT_ERR_DECRYPT && fuzz_zero(digits, sizeof digits));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len > 64) {
        return -1;
    }
    uint8_t *copy = fuzz_copy(data, len);
    as_text((const char *)copy, len);
    as_packed(copy, len);
    free(copy);
    return 0;
}
