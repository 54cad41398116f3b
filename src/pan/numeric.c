/* SPDX-License-Identifier: Apache-2.0 */
#include "pan/numeric.h"

#include "base/secmem.h"

#include <string.h>

/* The byte of a form. */
enum { LEADING_MASK = 3, LEADING_0 = 1, LEADING_6 = 2, LEADING_8 = 3 };
enum { LAST_4 = 4, LUHN_VALID = 8, GUARDED = 16 };
#define KNOWN_BITS (LEADING_MASK | LAST_4 | LUHN_VALID | GUARDED)

#define OWN_MIN 2 /* digits of a token that are not kept */
/* One draw in four is thrown away at most; so many in a row are a source that is broken. */
#define DRAWS_MAX 1000

bool jt_numeric_form_valid(const struct jt_numeric_form *form)
{
    return (form->leading == 0 || form->leading == 6 || form->leading == 8) &&
           (form->last == 0 || form->last == 4);
}

uint8_t jt_numeric_form_encode(const struct jt_numeric_form *form)
{
    uint8_t leading = form->leading == 0 ? LEADING_0 : form->leading == 6 ? LEADING_6 : LEADING_8;
    return (uint8_t)(leading | (form->last > 0 ? LAST_4 : 0) | (form->luhn_valid ? LUHN_VALID : 0) |
                     (form->guarded ? GUARDED : 0));
}

bool jt_numeric_form_decode(uint8_t code, struct jt_numeric_form *out)
{
    static const uint8_t leading[] = { 0, [LEADING_0] = 0, [LEADING_6] = 6, [LEADING_8] = 8 };
    *out = (struct jt_numeric_form){ .leading = leading[code & LEADING_MASK],
                                     .last = (code & LAST_4) != 0 ? 4 : 0,
                                     .luhn_valid = (code & LUHN_VALID) != 0,
                                     .guarded = (code & GUARDED) != 0 };
    return (code & ~KNOWN_BITS) == 0 && (code & LEADING_MASK) != 0;
}

/* The digits that are the token's own: from *first up to below *end, none where *end is no more. */
static void own_digits(const struct jt_numeric_form *form, size_t n, size_t *first, size_t *end)
{
    *first = form->leading == 0 ? 1 : form->leading; /* the 9 is neither kept nor free */
    *end = n - form->last;
}

bool jt_numeric_fits(const struct jt_numeric_form *form, size_t n_digits)
{
    size_t first, end;
    if (n_digits < JT_PAN_MIN_DIGITS || n_digits > JT_PAN_MAX_DIGITS) {
        return false;
    }
    own_digits(form, n_digits, &first, &end);
    return end >= first + OWN_MIN;
}

uint64_t jt_numeric_space(const struct jt_numeric_form *form, size_t n_digits)
{
    size_t first, end;
    if (!jt_numeric_fits(form, n_digits)) {
        return 0;
    }
    own_digits(form, n_digits, &first, &end);
    /* Whatever the others are, one value of a digit makes the check digit right, nine make it
     * wrong.
     */
    uint64_t space = form->luhn_valid ? 1 : 9;
    for (size_t i = first + 1; i < end; i++) {
        space *= 10;
    }
    return space;
}

/* A digit, each as likely: of a byte's 256 values 250 count. */
static enum jt_err draw(struct jt_numeric_source *source, char *digit)
{
    uint8_t byte;
    do {
        if (source->n_left == 0) {
            enum jt_err err = source->fill(source->bytes, sizeof source->bytes);
            if (err != JT_OK) {
                return err;
            }
            source->n_left = sizeof source->bytes;
        }
        byte = source->bytes[--source->n_left];
    } while (byte >= 250);
    *digit = (char)('0' + byte % 10);
    return JT_OK;
}

/* One draw of all digits that are the token's own. */
static enum jt_err draw_all(const struct jt_numeric_form *form, size_t n,
                            struct jt_numeric_source *source, char *text)
{
    size_t first, end;
    own_digits(form, n, &first, &end);
    for (size_t i = first; i < end; i++) {
        enum jt_err err = draw(source, &text[i]);
        if (err != JT_OK) {
            return err;
        }
    }
    /* The last of them is no choice where the check digit is to be right. */
    for (char d = '0'; form->luhn_valid && !jt_pan_luhn_ok(text, n); d++) {
        text[end - 1] = d;
    }
    return JT_OK;
}

static enum jt_err mint(const struct jt_numeric_form *form, const char *pan, size_t n,
                        struct jt_numeric_source *source, char *text)
{
    memcpy(text, pan, n + 1);
    text[0] = form->leading == 0 ? '9' : pan[0];
    for (int i = 0; i < DRAWS_MAX; i++) {
        enum jt_err err = draw_all(form, n, source, text);
        if (err != JT_OK) {
            return err;
        }
        if (jt_pan_luhn_ok(text, n) == form->luhn_valid && memcmp(text, pan, n) != 0) {
            return JT_OK;
        }
    }
    return JT_ERR_CRYPTO;
}

enum jt_err jt_numeric_mint(const struct jt_numeric_form *form, const uint8_t *pan, size_t pan_len,
                            struct jt_numeric_source *source, struct jt_pan *out)
{
    char digits[JT_PAN_MAX_DIGITS + 1], text[JT_PAN_MAX_DIGITS + 1];
    *out = (struct jt_pan){ 0 };
    enum jt_err err = jt_pan_unpack(pan, pan_len, digits);
    if (err != JT_OK || !jt_numeric_fits(form, strlen(digits))) {
        err = JT_ERR_TOKEN_SPACE;
        goto out;
    }
    err = mint(form, digits, strlen(digits), source, text);
    if (err == JT_OK && jt_pan_parse(text, strlen(text), false, out) != JT_PAN_GOOD) {
        err = JT_ERR_IMPOSSIBLE;
    }
out:
    jt_wipe(digits, sizeof digits);
    jt_wipe(text, sizeof text); /* of a draw that was thrown away it may be the number itself */
    return err;
}

bool jt_numeric_has_form(const struct jt_numeric_form *form, const uint8_t *digits, size_t len)
{
    char text[JT_PAN_MAX_DIGITS + 1];
    bool good = jt_pan_unpack(digits, len, text) == JT_OK && jt_numeric_fits(form, strlen(text)) &&
                (form->leading > 0 || text[0] == '9') &&
                jt_pan_luhn_ok(text, strlen(text)) == form->luhn_valid;
    jt_wipe(text, sizeof text); /* it may be a card number, sent where a token belongs */
    return good;
}

void jt_numeric_to_token(const uint8_t *digits, size_t len, uint8_t token[static JT_TOKEN_LEN])
{
    memset(token, 0, JT_TOKEN_LEN);
    memcpy(token, digits, len);
    token[JT_TOKEN_LEN - 1] = (uint8_t)len;
}

enum jt_err jt_numeric_of_token(const uint8_t token[static JT_TOKEN_LEN], struct jt_pan *digits)
{
    static const uint8_t zeroes[JT_TOKEN_LEN];
    size_t len = token[JT_TOKEN_LEN - 1];
    *digits = (struct jt_pan){ 0 };
    if (len < JT_PAN_MIN_PACKED || len > JT_PAN_MAX_PACKED ||
        memcmp(token + len, zeroes, JT_TOKEN_LEN - 1 - len) != 0) {
        return JT_ERR_INVALID;
    }
    memcpy(digits->packed, token, len);
    digits->packed_len = (uint8_t)len;
    digits->n_digits = (uint8_t)(2 * len - ((token[len - 1] & 0xf) == 0xf));
    return JT_OK;
}

enum jt_err jt_numeric_token_parse(const char *text, size_t len, uint8_t token[static JT_TOKEN_LEN])
{
    struct jt_pan pan;
    enum jt_pan_fault fault = jt_pan_parse(text, len, false, &pan);
    jt_numeric_to_token(pan.packed, pan.packed_len, token);
    jt_wipe(&pan, sizeof pan); /* it may be a card number, sent where a token belongs */
    return fault == JT_PAN_GOOD ? JT_OK : JT_ERR_INVALID;
}

void jt_numeric_token_format(const uint8_t token[static JT_TOKEN_LEN],
                             char out[static JT_PAN_MAX_DIGITS + 1])
{
    struct jt_pan digits;
    if (jt_numeric_of_token(token, &digits) != JT_OK ||
        jt_pan_unpack(digits.packed, digits.packed_len, out) != JT_OK) {
        out[0] = '\0';
    }
}
