/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms of numbers: Enterprise COBOL for z/OS, Language Reference, "Computational items", and
 * Principles of Operation, "Decimal-number formats". Zones of ASCII are those that GnuCOBOL and
 * Micro Focus write, and those that come of an EBCDIC file that was translated as if it were text.
 */
#include "batch/datum_number.h"

#include "base/secmem.h"

#include <string.h>

#define NO_SIGN 0xff
#define DIGITS  32

/* The digits of a number without leading zeroes, and what its sign looks like. */
struct number {
    uint8_t digit[DIGITS];
    size_t n;
    uint8_t sign; /* zone, form of ASCII, nibble, or a character beside */
};

uint8_t jt_datum_most_digits(const struct jt_datum *d)
{
    static const uint8_t binary[] = { 0, 3, 5, 8, 10, 13, 15, 17, 20 };
    static const uint8_t binary_signed[] = { 0, 3, 5, 7, 10, 12, 15, 17, 19 };
    bool separate = d->sign == JT_SIGN_TRAILING_SEPARATE || d->sign == JT_SIGN_LEADING_SEPARATE;
    switch (d->kind) {
    case JT_DATUM_CHAR: return 0;
    case JT_DATUM_ZONED: return (uint8_t)(d->len - separate);
    case JT_DATUM_PACKED: return (uint8_t)(2 * d->len - 1);
    case JT_DATUM_BINARY: return d->is_signed ? binary_signed[d->len] : binary[d->len];
    }
    return 0;
}

/* Digits 0 to 9 with each zone of ASCII: none, negative, and of translated EBCDIC plus and minus.
 */
static const char ascii_zones[][11] = { "0123456789", "pqrstuvwxy", "{ABCDEFGHI", "}JKLMNOPQR" };

static bool unzone(const struct jt_codepage *cp, uint8_t byte, uint8_t *digit, uint8_t *zone)
{
    if (cp->ebcdic) {
        *digit = byte & 0x0f;
        *zone = byte >> 4;
        return *digit <= 9 && *zone >= 0x0a;
    }
    for (uint8_t form = 0; byte != 0 && form < 4; form++) {
        const char *found = strchr(ascii_zones[form], byte);
        if (found != NULL) {
            *digit = (uint8_t)(found - ascii_zones[form]);
            *zone = form;
            return true;
        }
    }
    return false;
}

static uint8_t plain_zone(const struct jt_codepage *cp)
{
    return cp->ebcdic ? 0x0f : 0;
}

static uint8_t with_zone(const struct jt_codepage *cp, uint8_t digit, uint8_t zone)
{
    return cp->ebcdic ? (uint8_t)(zone << 4 | digit) : (uint8_t)ascii_zones[zone][digit];
}

/* Where a zoned number's digits are, and which byte has the sign. */
struct zoned_shape {
    size_t first, n, sign_at;
    bool separate;
};

static struct zoned_shape shape_of(const struct jt_datum *d)
{
    switch (d->sign) {
    case JT_SIGN_LEADING: return (struct zoned_shape){ 0, d->len, 0, false };
    case JT_SIGN_LEADING_SEPARATE: return (struct zoned_shape){ 1, d->len - 1, 0, true };
    case JT_SIGN_TRAILING_SEPARATE: return (struct zoned_shape){ 0, d->len - 1, d->len - 1, true };
    case JT_SIGN_TRAILING: break;
    }
    return (struct zoned_shape){ 0, d->len, d->len - 1, false };
}

static void add_digit(struct number *number, uint8_t digit)
{
    if (number->n > 0 || digit != 0) {
        number->digit[number->n++] = digit;
    }
}

static bool take_zoned(const struct jt_datum *d, const struct jt_codepage *cp, const uint8_t *bytes,
                       struct number *out)
{
    struct zoned_shape shape = shape_of(d);
    for (size_t i = shape.first; i < shape.first + shape.n; i++) {
        uint8_t digit, zone;
        bool has_sign = !shape.separate && i == shape.sign_at;
        if (!unzone(cp, bytes[i], &digit, &zone) || (!has_sign && zone != plain_zone(cp))) {
            return false;
        }
        add_digit(out, digit);
        out->sign = has_sign ? zone : out->sign;
    }
    if (shape.separate) {
        out->sign = bytes[shape.sign_at];
        return out->sign == cp->byte['+'] || out->sign == cp->byte['-'];
    }
    return true;
}

static bool take_packed(const struct jt_datum *d, const uint8_t *bytes, struct number *out)
{
    for (size_t i = 0; i < 2 * (size_t)d->len - 1; i++) {
        uint8_t digit = i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 0x0f;
        if (digit > 9) {
            return false;
        }
        add_digit(out, digit);
    }
    out->sign = bytes[d->len - 1] & 0x0f;
    return out->sign >= 0x0a;
}

static bool take_binary(const struct jt_datum *d, const uint8_t *bytes, struct number *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < d->len; i++) {
        value = value << 8 | bytes[d->little_endian ? d->len - 1 - i : i];
    }
    if (d->is_signed && value >> (8 * d->len - 1) != 0) {
        return false;
    }
    uint8_t reversed[DIGITS];
    size_t n = 0;
    for (; value > 0; value /= 10) {
        reversed[n++] = (uint8_t)(value % 10);
    }
    while (n > 0) {
        add_digit(out, reversed[--n]);
    }
    jt_wipe(reversed, sizeof reversed);
    return true;
}

static enum jt_message take(const struct jt_datum *d, const struct jt_codepage *cp,
                            const uint8_t *bytes, struct number *out)
{
    *out = (struct number){ .sign = NO_SIGN };
    enum jt_message fault = JT_MSG_NONE;
    if (d->kind == JT_DATUM_ZONED) {
        fault = take_zoned(d, cp, bytes, out) ? JT_MSG_NONE : JT_MSG_ZONED_BAD;
    } else if (d->kind == JT_DATUM_PACKED) {
        fault = take_packed(d, bytes, out) ? JT_MSG_NONE : JT_MSG_PACKED_BAD;
    } else {
        fault = take_binary(d, bytes, out) ? JT_MSG_NONE : JT_MSG_BINARY_BAD;
    }
    return fault == JT_MSG_NONE && out->n > d->digits ? JT_MSG_DIGITS_MANY : fault;
}

enum jt_message jt_number_read(const struct jt_datum *d, const struct jt_codepage *cp,
                               const uint8_t *bytes, struct jt_buf *text)
{
    struct number number;
    enum jt_message fault = take(d, cp, bytes, &number);
    for (size_t i = 0; fault == JT_MSG_NONE && i < number.n; i++) {
        jt_buf_u8(text, (uint8_t)('0' + number.digit[i]));
    }
    jt_wipe(&number, sizeof number);
    return fault;
}

static void put_zoned(const struct jt_datum *d, const struct jt_codepage *cp,
                      const struct number *number, uint8_t *out)
{
    struct zoned_shape shape = shape_of(d);
    for (size_t i = 0; i < shape.n; i++) {
        uint8_t digit = i < shape.n - number->n ? 0 : number->digit[i - (shape.n - number->n)];
        bool has_sign = !shape.separate && shape.first + i == shape.sign_at;
        out[shape.first + i] = with_zone(cp, digit, has_sign ? number->sign : plain_zone(cp));
    }
    if (shape.separate) {
        out[shape.sign_at] = number->sign;
    }
}

static void put_packed(const struct jt_datum *d, const struct number *number, uint8_t *out)
{
    size_t n = 2 * (size_t)d->len - 1;
    memset(out, 0, d->len);
    for (size_t i = 0; i < number->n; i++) {
        size_t at = n - number->n + i;
        out[at / 2] |= (uint8_t)(at % 2 == 0 ? number->digit[i] << 4 : number->digit[i]);
    }
    out[d->len - 1] |= number->sign;
}

static bool put_binary(const struct jt_datum *d, const struct number *number, uint8_t *out)
{
    uint64_t most = UINT64_MAX >> (64 - 8 * d->len + d->is_signed);
    uint64_t value = 0;
    for (size_t i = 0; i < number->n; i++) {
        if (value > (most - number->digit[i]) / 10) {
            return false;
        }
        value = value * 10 + number->digit[i];
    }
    for (size_t i = 0; i < d->len; i++) {
        out[d->little_endian ? i : d->len - 1 - i] = (uint8_t)(value >> 8 * i);
    }
    jt_wipe(&value, sizeof value);
    return true;
}

static enum jt_err of_text(const struct jt_datum *d, const char *text, size_t len,
                           struct number *out)
{
    if (len == 0 || text[0] == '0') {
        return JT_ERR_INVALID;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return JT_ERR_INVALID;
        }
    }
    if (len > d->digits) {
        return JT_ERR_LIMIT;
    }
    for (out->n = 0; out->n < len; out->n++) {
        out->digit[out->n] = (uint8_t)(text[out->n] - '0');
    }
    return JT_OK;
}

enum jt_err jt_number_put(const struct jt_datum *d, const struct jt_codepage *cp,
                          const uint8_t *old, const char *text, size_t text_len, struct jt_buf *out)
{
    struct number number;
    enum jt_err err = take(d, cp, old, &number) == JT_MSG_NONE ? JT_OK : JT_ERR_INVALID;
    if (err == JT_OK) {
        err = of_text(d, text, text_len, &number);
    }
    uint8_t *bytes = err == JT_OK ? jt_buf_append(out, d->len) : NULL;
    if (err == JT_OK && bytes == NULL) {
        err = jt_buf_status(out);
    }
    if (err == JT_OK && d->kind == JT_DATUM_ZONED) {
        put_zoned(d, cp, &number, bytes);
    } else if (err == JT_OK && d->kind == JT_DATUM_PACKED) {
        put_packed(d, &number, bytes);
    } else if (err == JT_OK && !put_binary(d, &number, bytes)) {
        err = JT_ERR_LIMIT;
    }
    jt_wipe(&number, sizeof number);
    return err;
}
