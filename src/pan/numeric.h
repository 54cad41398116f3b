/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numeric tokens: digits only, as many as the card number has. The form is the field's and never
 * changes. Leading digits and the last four are the card number's where the form keeps them; a
 * token that keeps no leading digits begins with 9; all others are random. The check digit is
 * wrong, so that no token is taken for a card number, or right where the field's owner wants it so.
 *
 * Who finds a token again needs no more than its digits, so nothing here is secret but the card
 * number from which one is made.
 */
#ifndef JETON_PAN_NUMERIC_H
#define JETON_PAN_NUMERIC_H

#include "base/err.h"
#include "pan/pan.h"

struct jt_numeric_form {
    uint8_t leading; /* digits that are kept: 0, 6 or 8 */
    uint8_t last;    /* 0 or 4 */
    bool luhn_valid; /* the check digit is right */
    /* set by the keeper, for good: some card of the field could be a token, now or before */
    bool guarded;
};

/* The byte that stands for a form in a field's row (model/field.h): never 0, which is opaque. */
uint8_t jt_numeric_form_encode(const struct jt_numeric_form *form);
/* False: no form of this version. */
bool jt_numeric_form_decode(uint8_t code, struct jt_numeric_form *out);
/* Whether it is one that jt_numeric_form_encode takes. */
bool jt_numeric_form_valid(const struct jt_numeric_form *form);

/*
 * Whether numbers of so many digits can have tokens: two digits at least must be the token's own.
 * With one the card number could be computed from what the token keeps, by its check digit.
 */
bool jt_numeric_fits(const struct jt_numeric_form *form, size_t n_digits);

/*
 * How many tokens the numbers of so many digits that agree in what is kept have between them; 0:
 * none, it does not fit.
 */
uint64_t jt_numeric_space(const struct jt_numeric_form *form, size_t n_digits);

/* Random bytes, in portions; zero it first. */
struct jt_numeric_source {
    enum jt_err (*fill)(uint8_t *out, size_t len);
    size_t n_left;
    uint8_t bytes[256];
};

/*
 * Makes a token for a packed card number: each of the tokens that it can have is as likely as any
 * other, and it is not the number itself. JT_ERR_TOKEN_SPACE: it does not fit, or this is no card
 * number; JT_ERR_CRYPTO: the source failed.
 */
enum jt_err jt_numeric_mint(const struct jt_numeric_form *form, const uint8_t *pan, size_t pan_len,
                            struct jt_numeric_source *source, struct jt_pan *out) JT_CHECKED;

/* Whether packed digits have the form: what has not was never issued. */
bool jt_numeric_has_form(const struct jt_numeric_form *form, const uint8_t *digits, size_t len);

/*
 * A token's digits in the JT_TOKEN_LEN bytes in which every token travels inside the service: the
 * packed digits, zeroes, and in the last byte how many bytes the first are.
 */
void jt_numeric_to_token(const uint8_t *digits, size_t len, uint8_t token[static JT_TOKEN_LEN]);
enum jt_err jt_numeric_of_token(const uint8_t token[static JT_TOKEN_LEN],
                                struct jt_pan *digits) JT_CHECKED;

/* The same from and to text, which is the digits. JT_ERR_INVALID: not 12 to 19 digits. */
enum jt_err jt_numeric_token_parse(const char *text, size_t len,
                                   uint8_t token[static JT_TOKEN_LEN]) JT_CHECKED;
/* Writes the digits and a NUL; none where this is no numeric token. */
void jt_numeric_token_format(const uint8_t token[static JT_TOKEN_LEN],
                             char out[static JT_PAN_MAX_DIGITS + 1]);

#endif
