/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card rules of a field: what it takes as a card number, and as which one. They are bytes in
 * the field's row, covered by its MAC, in one form for one meaning (docs/data-format.md); no bytes
 * are the rules that every field had before there were any to choose.
 *
 * Rules say what comes in, and for how long. What is stored is never asked: a token gives its
 * number back whatever the rules are by then.
 */
#ifndef JETON_PAN_RULES_H
#define JETON_PAN_RULES_H

#include "base/err.h"
#include "model/sizes.h"
#include "pan/pan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a set of lengths, one bit each: 12 digits have the lowest. */
#define JT_LENGTH(n)          ((uint8_t)(1u << ((n)-JT_PAN_MIN_DIGITS)))
#define JT_LENGTHS(low, high) ((uint8_t)((2u << ((high)-12)) - (1u << ((low)-12))))
#define JT_LENGTHS_ALL        JT_LENGTHS(JT_PAN_MIN_DIGITS, JT_PAN_MAX_DIGITS)

/* Numbers that begin with these digits. */
struct jt_pan_prefix {
    uint8_t n_digits; /* 1 to JT_PREFIX_DIGITS */
    uint32_t value;   /* of them */
};
#define JT_PREFIX_DIGITS 8

/*
 * What becomes of leading zeros. They are stripped from numbers that were filled up to the width of
 * a column: what is left must have a length that its scheme has (pan/schemes.def).
 */
enum jt_leading_zeros { JT_ZEROS_KEEP = 0, JT_ZEROS_STRIP = 1, JT_ZEROS_REFUSE = 2 };

struct jt_card_rules {
    uint8_t lengths; /* those that are taken, of the number as it is stored; not 0 */
    uint8_t zeros;   /* enum jt_leading_zeros */
    bool refuse_all_zeros;
    bool refuse_test_cards;  /* pan/test_cards.def */
    bool normalise;          /* spaces and dashes are left out before anything else is looked at */
    uint32_t max_lifetime_s; /* of a card from when it comes; 0: none */
    uint8_t n_exempt;        /* the check digit of these numbers is not looked at */
    struct jt_pan_prefix
        exempt[JT_CARD_RULES_EXEMPT_MAX]; /* ascending as digits, none in another */
};

/* What a field does whose rules nobody chose. */
extern const struct jt_card_rules jt_card_rules_plain;

/* "62" and so on; false: these are not 1 to JT_PREFIX_DIGITS digits. */
bool jt_pan_prefix_parse(const char *text, size_t len, struct jt_pan_prefix *out);
/* The digits and a NUL. */
void jt_pan_prefix_format(const struct jt_pan_prefix *prefix,
                          char out[static JT_PREFIX_DIGITS + 1]);

/* Brings the exempted prefixes into order; false: one begins with another, or there are too many.
 */
bool jt_card_rules_sort(struct jt_card_rules *rules);

/* "keep", "strip", "refuse"; NULL for what is none of enum jt_leading_zeros. */
const char *jt_leading_zeros_name(uint8_t zeros);

/* Whether they can be encoded: values, counts and order as above. */
bool jt_card_rules_valid(const struct jt_card_rules *rules);

/* Writes the bytes of valid rules; returns how many. The plain ones have none. */
size_t jt_card_rules_encode(const struct jt_card_rules *rules,
                            uint8_t out[static JT_CARD_RULES_MAX]);

/* JT_ERR_FIELD_RULES unless the bytes are canonical; then *out is no rules, which take nothing. */
enum jt_err jt_card_rules_decode(const uint8_t *bytes, size_t len,
                                 struct jt_card_rules *out) JT_CHECKED;

/*
 * Takes a card number by the rules of its field: `len` characters (any bytes), and whether the
 * field looks at check digits at all. What is taken is the canonical number, so that a card has one
 * token however it was written; taking that again gives the same. *out is zeroed on every fault.
 * With the plain rules it is jt_pan_parse.
 */
enum jt_pan_fault jt_pan_take(const char *text, size_t len, const struct jt_card_rules *rules,
                              bool require_luhn, struct jt_pan *out);

#endif
