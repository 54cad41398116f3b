/* SPDX-License-Identifier: Apache-2.0 */
/* Enterprise COBOL for z/OS, Language Reference, "PICTURE clause". */
#include "batch/picture.h"

#include "batch/datum.h"
#include "batch/record.h"

#include <ctype.h>
#include <string.h>

/* How often which kinds of symbols stand in a picture. */
struct counts {
    uint64_t text, digits, wide, edited;
    unsigned n_signs, n_points;
    bool scaled_zeroes, behind_point;
};

/* "(16)" behind a symbol: that number, or 1. 0: it cannot be read. */
static uint32_t repetition(const char **p, const char *end)
{
    uint32_t n = 0;
    if (*p == end || **p != '(') {
        return 1;
    }
    const char *close = memchr(*p, ')', (size_t)(end - *p));
    if (close == NULL || close - *p < 2 || close - *p > 9) {
        return 0;
    }
    for (const char *digit = *p + 1; digit < close; digit++) {
        if (!isdigit((unsigned char)*digit)) {
            return 0;
        }
        n = n * 10 + (uint32_t)(*digit - '0');
    }
    *p = close + 1;
    return n;
}

static bool count_symbol(char symbol, uint32_t n, struct counts *c)
{
    switch (symbol) {
    case 'X':
    case 'A': c->text += n; return true;
    case '9':
        c->digits += n;
        c->behind_point |= c->n_points > 0;
        return true;
    case 'N':
    case 'G': c->wide += n; return true;
    case 'S': c->n_signs += n; return c->n_signs == 1 && c->digits == 0;
    case 'V': c->n_points += n; return c->n_points == 1;
    case 'P': c->scaled_zeroes = true; return true;
    default: break;
    }
    if (symbol != '\0' && strchr("Z*+-,./B0$E", symbol) != NULL) {
        c->edited += n;
        return true;
    }
    return false;
}

static const char *conclude(const struct counts *c, struct jt_picture *out)
{
    uint64_t size = c->text + c->digits + c->wide + c->edited;
    bool number_signs = c->n_signs > 0 || c->n_points > 0 || c->scaled_zeroes;
    if (size == 0 || size > JT_RECORD_MAX) {
        return size == 0 ? "it has no characters" : "it is longer than a record may be";
    }
    *out = (struct jt_picture){ .size = (uint32_t)size,
                                .is_signed = c->n_signs > 0,
                                .scaled = c->behind_point || c->scaled_zeroes };
    if (c->edited > 0) {
        out->kind = JT_PICTURE_EDITED;
        return NULL;
    }
    if (c->text > 0 || c->wide > 0) {
        out->kind = c->wide > 0 ? JT_PICTURE_WIDE : JT_PICTURE_TEXT;
        return number_signs || (c->wide > 0 && c->wide != size)
                   ? "it mixes characters that do not go together"
                   : NULL;
    }
    out->kind = JT_PICTURE_NUMBER;
    if (size > JT_DATUM_MAX_DIGITS) {
        return "a number has 31 digits at most";
    }
    out->digits = (uint8_t)size;
    return NULL;
}

const char *jt_picture_parse(const char *text, size_t len, struct jt_picture *out)
{
    const char *p = text, *end = text + len;
    struct counts c = { 0 };
    *out = (struct jt_picture){ 0 };
    while (p < end) {
        char symbol = (char)toupper((unsigned char)*p++);
        char next = p < end ? (char)toupper((unsigned char)*p) : '\0';
        if ((symbol == 'C' && next == 'R') || (symbol == 'D' && next == 'B')) {
            c.edited += 2;
            p++;
            continue;
        }
        uint32_t n = repetition(&p, end);
        if (n == 0) {
            return "in parentheses stands a number from 1 on";
        }
        if (!count_symbol(symbol, n, &c)) {
            return "it has a character that cannot stand there";
        }
    }
    return conclude(&c, out);
}
