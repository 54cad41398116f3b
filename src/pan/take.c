/* SPDX-License-Identifier: Apache-2.0 */
/* Card numbers by the rules of their field: pan/rules.h. */
#include "base/must.h"
#include "base/secmem.h"
#include "pan/rules.h"

#define TEXT_MAX 32 /* digits of what is stripped: more than any column of card numbers has */

static const uint64_t test_cards[] = {
#define JT_TEST_CARD(number) number##u,
#include "pan/test_cards.def"
#undef JT_TEST_CARD
};

static const struct {
    uint32_t low, high;
    uint8_t lengths;
} schemes[] = {
#define JT_SCHEME(low, high, lengths) { low, high, lengths },
#include "pan/schemes.def"
#undef JT_SCHEME
};

/* The value of the first `n` digits; 19 are below 2^64. */
static uint64_t value_of(const char *digits, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value = value * 10 + (uint64_t)(digits[i] - '0');
    }
    return value;
}

/* Zeros in front of it do not hide it. */
static bool is_test_card(const char *digits, size_t n)
{
    uint64_t value = value_of(digits, n);
    size_t low = 0, high = sizeof test_cards / sizeof test_cards[0];
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (test_cards[middle] == value) {
            return true;
        }
        if (test_cards[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

static bool has_length_of_its_scheme(const char *digits, size_t n)
{
    uint64_t first = value_of(digits, 6);
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (first >= schemes[i].low && first <= schemes[i].high) {
            return (schemes[i].lengths & JT_LENGTH(n)) != 0;
        }
    }
    return true;
}

static bool is_exempt(const char *digits, const struct jt_card_rules *rules)
{
    bool found = false;
    for (size_t i = 0; i < rules->n_exempt && !found; i++) {
        const struct jt_pan_prefix *p = &rules->exempt[i];
        found = value_of(digits, p->n_digits) == p->value;
    }
    return found;
}

/*
 * Copies what is neither space nor dash. The count goes on where there is no more room, so that
 * what is too long is seen to be.
 */
static enum jt_pan_fault leave_out(const char *text, size_t len, char out[static TEXT_MAX],
                                   size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == ' ' || text[i] == '-') {
            continue;
        }
        if (text[i] < '0' || text[i] > '9') {
            return JT_PAN_NOT_DIGITS;
        }
        if (*n < TEXT_MAX) {
            out[*n] = text[i];
        }
        (*n)++;
    }
    return *n > TEXT_MAX ? JT_PAN_TOO_LONG : JT_PAN_GOOD;
}

static size_t count_zeros(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && text[n] == '0') {
        n++;
    }
    return n;
}

/* Of a number that is one by its form. */
static enum jt_pan_fault check(const char *digits, size_t n, bool stripped,
                               const struct jt_card_rules *rules, bool require_luhn)
{
    jt_must(n >= JT_PAN_MIN_DIGITS && n <= JT_PAN_MAX_DIGITS); /* jt_pan_parse has seen to it */
    if ((rules->zeros == JT_ZEROS_REFUSE && digits[0] == '0') ||
        (stripped && !has_length_of_its_scheme(digits, n))) {
        return JT_PAN_LEADING_ZEROS;
    }
    if ((rules->lengths & JT_LENGTH(n)) == 0) {
        return JT_PAN_LENGTH_REFUSED;
    }
    if (require_luhn && !jt_pan_luhn_ok(digits, n) && !is_exempt(digits, rules)) {
        return JT_PAN_BAD_LUHN;
    }
    return rules->refuse_test_cards && is_test_card(digits, n) ? JT_PAN_TEST_CARD : JT_PAN_GOOD;
}

static enum jt_pan_fault take(const char *text, size_t len, const struct jt_card_rules *rules,
                              bool require_luhn, struct jt_pan *out)
{
    bool strip = rules->zeros == JT_ZEROS_STRIP && len <= TEXT_MAX;
    size_t zeros = strip || rules->refuse_all_zeros ? count_zeros(text, len) : 0;
    if (zeros > 0 && zeros == len) {
        return JT_PAN_ALL_ZEROS;
    }
    size_t left_out = strip ? zeros : 0;
    text += left_out;
    len -= left_out;
    enum jt_pan_fault fault = jt_pan_parse(text, len, false, out);
    return fault == JT_PAN_GOOD ? check(text, len, left_out > 0, rules, require_luhn) : fault;
}

enum jt_pan_fault jt_pan_take(const char *text, size_t len, const struct jt_card_rules *rules,
                              bool require_luhn, struct jt_pan *out)
{
    char digits[TEXT_MAX];
    size_t n = len;
    enum jt_pan_fault fault = JT_PAN_GOOD;
    *out = (struct jt_pan){ 0 };
    if (rules->normalise) {
        fault = leave_out(text, len, digits, &n);
    }
    if (fault == JT_PAN_GOOD) {
        fault = take(rules->normalise ? digits : text, n, rules, require_luhn, out);
    }
    if (rules->normalise) {
        jt_wipe(digits, sizeof digits);
    }
    if (fault != JT_PAN_GOOD) {
        jt_wipe(out, sizeof *out);
    }
    return fault;
}
