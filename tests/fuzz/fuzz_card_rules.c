/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Card rules and what they take. An input is whether check digits are looked at, the length of the
 * rules' bytes, these bytes, and a text. Rules that are taken encode to the same bytes. A number
 * that is taken is the digits of the text, but for zeros in front where they are stripped; it is
 * what its rules say, and is taken as the same when it comes again. A refusal leaves nothing.
 */
#include "fuzz.h"

#include "pan/rules.h"

static bool read_rules(const uint8_t *bytes, size_t len, struct jt_card_rules *rules)
{
    uint8_t again[JT_CARD_RULES_MAX];
    if (jt_card_rules_decode(bytes, len, rules) != JT_OK) {
        MUST(len > 0 && fuzz_zero(rules, sizeof *rules));
        return false;
    }
    struct jt_card_rules sorted = *rules;
    MUST(jt_card_rules_valid(rules) && jt_card_rules_sort(&sorted));
    MUST(fuzz_same(again, jt_card_rules_encode(&sorted, again), bytes, len));
    for (size_t i = 0; i < rules->n_exempt; i++) {
        char digits[JT_PREFIX_DIGITS + 1];
        struct jt_pan_prefix back;
        jt_pan_prefix_format(&rules->exempt[i], digits);
        MUST(jt_pan_prefix_parse(digits, strlen(digits), &back));
        MUST(back.value == rules->exempt[i].value && back.n_digits == rules->exempt[i].n_digits);
    }
    return true;
}

static bool is_exempt(const char *digits, const struct jt_card_rules *rules)
{
    bool found = false;
    for (size_t i = 0; i < rules->n_exempt; i++) {
        char prefix[JT_PREFIX_DIGITS + 1];
        jt_pan_prefix_format(&rules->exempt[i], prefix);
        found |= strncmp(digits, prefix, strlen(prefix)) == 0;
    }
    return found;
}

/* The number is the end of the text's digits, and what stands before it may be left out. */
static void check_origin(const char *text, size_t len, const struct jt_card_rules *rules,
                         const char *number, size_t n)
{
    size_t at = n;
    for (size_t i = len; i > 0; i--) {
        char c = text[i - 1];
        if (c == ' ' || c == '-') {
            MUST(rules->normalise);
        } else if (at > 0) {
            MUST(c == number[--at]);
        } else {
            MUST(c == '0' && rules->zeros == JT_ZEROS_STRIP);
        }
    }
    MUST(at == 0);
}

static void check_taken(const struct jt_pan *pan, const char *text, size_t len,
                        const struct jt_card_rules *rules, bool luhn)
{
    char digits[JT_PAN_MAX_DIGITS + 1];
    struct jt_pan again;
    MUST(jt_pan_unpack(pan->packed, pan->packed_len, digits) == JT_OK);
    size_t n = strlen(digits);
    check_origin(text, len, rules, digits, n);
    MUST((rules->lengths & JT_LENGTH(n)) != 0);
    MUST(rules->zeros == JT_ZEROS_KEEP || digits[0] != '0');
    MUST(!rules->refuse_all_zeros || strspn(digits, "0") < n);
    MUST(!luhn || jt_pan_luhn_ok(digits, n) || is_exempt(digits, rules));
    MUST(jt_pan_take(digits, n, rules, luhn, &again) == JT_PAN_GOOD);
    MUST(memcmp(&again, pan, sizeof again) == 0);
}

static void take(const char *text, size_t len, const struct jt_card_rules *rules, bool luhn)
{
    struct jt_pan pan, plain;
    enum jt_pan_fault fault = jt_pan_take(text, len, rules, luhn, &pan);
    MUST(strncmp(jt_pan_fault_name(fault), "pan-", 4) == 0);
    if (fault == JT_PAN_GOOD) {
        check_taken(&pan, text, len, rules, luhn);
    } else {
        MUST(fuzz_zero(&pan, sizeof pan));
    }
    fault = jt_pan_take(text, len, &jt_card_rules_plain, luhn, &pan);
    MUST(fault == jt_pan_parse(text, len, luhn, &plain));
    MUST(fault != JT_PAN_GOOD || memcmp(&pan, &plain, sizeof pan) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2 || len > 200 || data[1] > len - 2) {
        return -1;
    }
    struct jt_card_rules rules;
    uint8_t *bytes = fuzz_copy(data + 2, data[1]);
    char *text = fuzz_copy(data + 2 + data[1], len - 2 - data[1]);
    if (read_rules(bytes, data[1], &rules)) {
        take(text, len - 2 - data[1], &rules, (data[0] & 1) != 0);
    }
    free(bytes);
    free(text);
    return 0;
}
