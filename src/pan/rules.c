/* SPDX-License-Identifier: Apache-2.0 */
#include "pan/rules.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#define FORMAT 1

/* A rule that was added later has a flag that is 0 without it: rows from before keep their bytes.
 */
enum { ALL_ZEROS = 1 << 0, TEST_CARDS = 1 << 1, NORMALISE = 1 << 2, MAX_LIFETIME = 1 << 3 };
#define KNOWN_FLAGS (ALL_ZEROS | TEST_CARDS | NORMALISE | MAX_LIFETIME)

const struct jt_card_rules jt_card_rules_plain = { .lengths = JT_LENGTHS_ALL };

/* --- prefixes --- */

bool jt_pan_prefix_parse(const char *text, size_t len, struct jt_pan_prefix *out)
{
    *out = (struct jt_pan_prefix){ .n_digits = (uint8_t)len };
    bool good = len >= 1 && len <= JT_PREFIX_DIGITS;
    for (size_t i = 0; i < len && good; i++) {
        good = text[i] >= '0' && text[i] <= '9';
        out->value = out->value * 10 + (uint32_t)(text[i] - '0');
    }
    return good;
}

void jt_pan_prefix_format(const struct jt_pan_prefix *prefix, char out[static JT_PREFIX_DIGITS + 1])
{
    uint32_t value = prefix->value;
    out[prefix->n_digits] = '\0';
    for (size_t i = prefix->n_digits; i > 0; i--, value /= 10) {
        out[i - 1] = (char)('0' + value % 10);
    }
}

/* The numbers of a prefix, by their first JT_PREFIX_DIGITS digits: from *low up to below *end. */
static void span(const struct jt_pan_prefix *prefix, uint32_t *low, uint32_t *end)
{
    uint32_t width = 1;
    for (size_t i = prefix->n_digits; i < JT_PREFIX_DIGITS; i++) {
        width *= 10;
    }
    *low = prefix->value * width;
    *end = *low + width;
}

static bool prefix_valid(const struct jt_pan_prefix *prefix)
{
    uint32_t most = 1;
    for (size_t i = 0; i < prefix->n_digits && i < JT_PREFIX_DIGITS; i++) {
        most *= 10;
    }
    return prefix->n_digits >= 1 && prefix->n_digits <= JT_PREFIX_DIGITS && prefix->value < most;
}

static int by_span(const void *a, const void *b)
{
    uint32_t low, other, ignored;
    span(a, &low, &ignored);
    span(b, &other, &ignored);
    return low < other ? -1 : low > other;
}

static bool in_order(const struct jt_card_rules *rules)
{
    uint32_t low, end = 0;
    if (rules->n_exempt > JT_CARD_RULES_EXEMPT_MAX) {
        return false;
    }
    for (size_t i = 0; i < rules->n_exempt; i++) {
        uint32_t before = end;
        if (!prefix_valid(&rules->exempt[i])) {
            return false;
        }
        span(&rules->exempt[i], &low, &end);
        if (low < before) {
            return false;
        }
    }
    return true;
}

bool jt_card_rules_sort(struct jt_card_rules *rules)
{
    if (rules->n_exempt > JT_CARD_RULES_EXEMPT_MAX) {
        return false;
    }
    qsort(rules->exempt, rules->n_exempt, sizeof rules->exempt[0], by_span);
    return in_order(rules);
}

const char *jt_leading_zeros_name(uint8_t zeros)
{
    static const char *const names[] = {
        [JT_ZEROS_KEEP] = "keep", [JT_ZEROS_STRIP] = "strip", [JT_ZEROS_REFUSE] = "refuse"
    };
    return zeros < sizeof names / sizeof names[0] ? names[zeros] : NULL;
}

/* --- bytes --- */

bool jt_card_rules_valid(const struct jt_card_rules *rules)
{
    return rules->lengths != 0 && rules->zeros <= JT_ZEROS_REFUSE &&
           rules->max_lifetime_s <= JT_LIFETIME_MAX_S && in_order(rules);
}

static bool is_plain(const struct jt_card_rules *r)
{
    return r->lengths == JT_LENGTHS_ALL && r->zeros == JT_ZEROS_KEEP && !r->refuse_all_zeros &&
           !r->refuse_test_cards && !r->normalise && r->n_exempt == 0 && r->max_lifetime_s == 0;
}

size_t jt_card_rules_encode(const struct jt_card_rules *rules,
                            uint8_t out[static JT_CARD_RULES_MAX])
{
    uint8_t *p = out;
    if (is_plain(rules)) {
        return 0;
    }
    *p++ = FORMAT;
    *p++ = rules->lengths;
    *p++ = rules->zeros;
    *p++ =
        (uint8_t)((rules->refuse_all_zeros ? ALL_ZEROS : 0) |
                  (rules->refuse_test_cards ? TEST_CARDS : 0) | (rules->normalise ? NORMALISE : 0) |
                  (rules->max_lifetime_s != 0 ? MAX_LIFETIME : 0));
    *p++ = rules->n_exempt;
    for (size_t i = 0; i < rules->n_exempt; i++, p += 5) {
        p[0] = rules->exempt[i].n_digits;
        jt_put_u32(p + 1, rules->exempt[i].value);
    }
    if (rules->max_lifetime_s != 0) {
        jt_put_u32(p, rules->max_lifetime_s);
        p += 4;
    }
    return (size_t)(p - out);
}

/* Leaves the rest of *out alone when a count is too large; false: not a form that is known. */
static bool read_rules(struct jt_reader *in, struct jt_card_rules *out)
{
    uint8_t format = jt_reader_u8(in);
    out->lengths = jt_reader_u8(in);
    out->zeros = jt_reader_u8(in);
    uint8_t flags = jt_reader_u8(in);
    out->refuse_all_zeros = (flags & ALL_ZEROS) != 0;
    out->refuse_test_cards = (flags & TEST_CARDS) != 0;
    out->normalise = (flags & NORMALISE) != 0;
    out->n_exempt = jt_reader_u8(in);
    for (size_t i = 0; i < out->n_exempt && i < JT_CARD_RULES_EXEMPT_MAX; i++) {
        out->exempt[i].n_digits = jt_reader_u8(in);
        out->exempt[i].value = jt_reader_u32(in);
    }
    bool ends = (flags & MAX_LIFETIME) != 0;
    out->max_lifetime_s = ends ? jt_reader_u32(in) : 0;
    return format == FORMAT && (flags & ~KNOWN_FLAGS) == 0 && ends == (out->max_lifetime_s != 0);
}

enum jt_err jt_card_rules_decode(const uint8_t *bytes, size_t len, struct jt_card_rules *out)
{
    if (len == 0) {
        *out = jt_card_rules_plain;
        return JT_OK;
    }
    memset(out, 0, sizeof *out);
    struct jt_reader in = jt_reader_init(bytes, len);
    bool known = read_rules(&in, out);
    if (!known || !jt_reader_done(&in) || !jt_card_rules_valid(out) || is_plain(out)) {
        memset(out, 0, sizeof *out);
        return JT_ERR_FIELD_RULES;
    }
    return JT_OK;
}
