/* SPDX-License-Identifier: Apache-2.0 */
/* What a PICTURE says of an item: which characters, how many, and of a number its digits. */
#ifndef JETON_BATCH_PICTURE_H
#define JETON_BATCH_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum jt_picture_kind {
    JT_PICTURE_TEXT,   /* X and A, 9 among them */
    JT_PICTURE_NUMBER, /* 9 S V P */
    JT_PICTURE_WIDE,   /* N and G: two bytes a character */
    JT_PICTURE_EDITED, /* for people to read: only its length is known here */
};

struct jt_picture {
    enum jt_picture_kind kind;
    uint32_t size;  /* characters; of numbers without sign and point */
    uint8_t digits; /* of numbers, at most JT_DATUM_MAX_DIGITS */
    bool is_signed;
    bool scaled; /* digits behind a decimal point, or zeroes that are not stored */
};

/* NULL, or why it cannot be read. */
const char *jt_picture_parse(const char *text, size_t len, struct jt_picture *out);

#endif
