/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a value stands in the bytes of a record: as characters, or as a number in one of COBOL's
 * forms.
 *
 * Reading drops padding, and putting gives it back, so that a value that is replaced and then
 * replaced back leaves the same bytes. Padding of characters is blanks or X'00' before or behind;
 * that of numbers is zeroes before. A number that is zero, and bytes that are all blank or all
 * X'00', hold no value: they are blank.
 *
 * The sign of a number is kept as it stands (as an overpunched zone, a nibble, a character beside)
 * and is no part of the value. Digits behind a decimal point are no business of this file.
 */
#ifndef JETON_BATCH_DATUM_H
#define JETON_BATCH_DATUM_H

#include "batch/codepage.h"

enum jt_datum_kind {
    JT_DATUM_CHAR,
    JT_DATUM_ZONED,
    JT_DATUM_PACKED,
    JT_DATUM_BINARY,
};

enum jt_datum_sign {
    JT_SIGN_TRAILING, /* in the zone of the last digit; also where there is none */
    JT_SIGN_LEADING,
    JT_SIGN_TRAILING_SEPARATE,
    JT_SIGN_LEADING_SEPARATE,
};

#define JT_DATUM_MAX_DIGITS 31 /* of zoned and packed numbers */

struct jt_datum {
    enum jt_datum_kind kind;
    enum jt_datum_sign sign; /* zoned */
    uint32_t len;            /* bytes; of binary numbers 1 to 8 */
    uint8_t digits;          /* of numbers: as many as may stand there */
    bool is_signed;          /* binary: the first bit is the sign */
    bool little_endian;      /* binary */
};

/* As many digits as fit into a number's bytes. */
uint8_t jt_datum_most_digits(const struct jt_datum *d);

/*
 * Appends the value to `text` as UTF-8; nothing where it is blank. Not JT_MSG_NONE: why it cannot
 * be read, and nothing was appended. `text` must have room for 3 * len bytes and as many digits as
 * a number may have: its status is not looked at.
 */
enum jt_message jt_datum_read(const struct jt_datum *d, const struct jt_codepage *cp,
                              const uint8_t *bytes, struct jt_buf *text) JT_CHECKED;

/*
 * Appends the len bytes that hold `text` in place of the value in `old`. JT_ERR_LIMIT: there is no
 * room, or padding could not be told from the value afterwards; JT_ERR_INVALID: it has characters
 * that cannot stand there (a number takes digits, of which the first is not 0), or `old` cannot be
 * read. A part may have been appended then.
 */
enum jt_err jt_datum_put(const struct jt_datum *d, const struct jt_codepage *cp, const uint8_t *old,
                         const char *text, size_t text_len, struct jt_buf *out) JT_CHECKED;

#endif
