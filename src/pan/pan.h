/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Card numbers (PANs): parse, pack, unpack, Luhn, mask.
 *
 * A PAN is 12 to 19 decimal digits (ISO/IEC 7812-1), digits only. Its packed form
 * (docs/data-format.md) is BCD: two digits in each byte, the first digit in the high nibble, the
 * last nibble F when the count is odd; so 6 to 10 bytes. Any other nibble is refused.
 *
 * A struct jt_pan holds a card number in the clear: its owner wipes it (jt_wipe) when done.
 */
#ifndef JETON_PAN_PAN_H
#define JETON_PAN_PAN_H

#include "base/err.h"
#include "model/sizes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JT_PAN_MIN_DIGITS 12
#define JT_PAN_MAX_DIGITS 19

struct jt_pan {
    uint8_t n_digits;
    uint8_t packed_len;
    uint8_t packed[JT_PAN_MAX_PACKED];
};

/* Why a text is not a card number; up to JT_PAN_BAD_LUHN the order is that of the checks. */
enum jt_pan_fault {
    JT_PAN_GOOD = 0,
    JT_PAN_EMPTY,
    JT_PAN_NOT_DIGITS, /* any character but 0-9: spaces and dashes too */
    JT_PAN_TOO_SHORT,
    JT_PAN_TOO_LONG,
    JT_PAN_BAD_LUHN, /* reported only when luhn is required; *out is filled all the same */
    /* told by the rules of a field only: pan/rules.h */
    JT_PAN_ALL_ZEROS,
    JT_PAN_LEADING_ZEROS,  /* refused; or, where they are stripped, what is left is no card's */
    JT_PAN_LENGTH_REFUSED, /* 12 to 19, but none that the field takes */
    JT_PAN_TEST_CARD,
};

/*
 * Parses `len` characters (any bytes, NUL included). On a fault other than JT_PAN_BAD_LUHN *out is
 * zeroed.
 */
enum jt_pan_fault jt_pan_parse(const char *text, size_t len, bool require_luhn, struct jt_pan *out);

/*
 * The stable name of a fault as the last part of its problem type: "pan-not-digits" and so on;
 * static storage.
 */
const char *jt_pan_fault_name(enum jt_pan_fault fault);

/*
 * Unpacks BCD to digits and a NUL. `out` holds JT_PAN_MAX_DIGITS + 1 characters. JT_ERR_DECRYPT for
 * any malformed nibble or length: it is called on opened envelopes, and all failures to decrypt
 * look the same.
 */
enum jt_err jt_pan_unpack(const uint8_t *packed, size_t packed_len, char *out) JT_CHECKED;

/*
 * The masked form of a packed number: leading and last digits, and a star for each one between, of
 * which there are *len characters and a NUL. `out` holds JT_PAN_MAX_DIGITS + 1.
 *
 * Six leading digits are shown, or eight where `eight` is set and the number has 16 digits or more;
 * and the last four. Four digits at least stay hidden: of a number of 12 or 13 digits fewer leading
 * ones are shown. (PCI DSS 4.0 requirement 3.4.1 and the PCI SSC's FAQ 1091 allow no more; with two
 * hidden digits, one of them a check digit, a thief would have ten to try.)
 *
 * JT_ERR_DECRYPT as jt_pan_unpack.
 */
enum jt_err jt_pan_mask(const uint8_t *packed, size_t packed_len, bool eight, char *out,
                        size_t *len) JT_CHECKED;

/* Whether the last of `n` digits is the Luhn check digit of the others (ISO/IEC 7812-1 annex B). */
bool jt_pan_luhn_ok(const char *digits, size_t n);

#endif
