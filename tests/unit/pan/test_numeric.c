/* SPDX-License-Identifier: Apache-2.0 */
/* Numeric tokens: their forms, how many there are, and that all are as likely. */
#include "pan/numeric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* xorshift64*: the same draws in every run. */
static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static enum jt_err fill(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        seed ^= seed >> 12;
        seed ^= seed << 25;
        seed ^= seed >> 27;
        out[i] = (uint8_t)(seed * UINT64_C(0x2545f4914f6cdd1d) >> 56);
    }
    return JT_OK;
}

static const struct jt_numeric_form forms[] = {
    { 0, 0, false, false }, { 0, 4, false, false }, { 6, 0, false, false }, { 6, 4, false, false },
    { 8, 0, false, false }, { 8, 4, false, false }, { 0, 0, true, false },  { 0, 4, true, false },
    { 6, 0, true, false },  { 6, 4, true, false },  { 8, 0, true, false },  { 8, 4, true, false },
};
#define N_FORMS (sizeof forms / sizeof forms[0])

static struct jt_pan pan_of(const char *text)
{
    struct jt_pan pan;
    assert_int_equal(jt_pan_parse(text, strlen(text), false, &pan), JT_PAN_GOOD);
    return pan;
}

/* A number of `n` digits with a right check digit. */
static void make_pan(size_t n, unsigned variant, char out[static JT_PAN_MAX_DIGITS + 1])
{
    for (size_t i = 0; i < n; i++) {
        out[i] = (char)('0' + (4 + 7 * i + variant * (i + 1)) % 10);
    }
    out[n] = '\0';
    while (!jt_pan_luhn_ok(out, n)) {
        out[n - 1] = (char)('0' + (out[n - 1] - '0' + 1) % 10);
    }
}

static void mint(const struct jt_numeric_form *form, const char *pan, char *token)
{
    static struct jt_numeric_source source = { .fill = fill };
    const struct jt_pan packed = pan_of(pan);
    struct jt_pan digits;
    assert_int_equal(jt_numeric_mint(form, packed.packed, packed.packed_len, &source, &digits),
                     JT_OK);
    assert_true(jt_numeric_has_form(form, digits.packed, digits.packed_len));
    assert_int_equal(jt_pan_unpack(digits.packed, digits.packed_len, token), JT_OK);
}

static void forms_have_a_byte_each_and_it_is_not_nought(void **state)
{
    (void)state;
    struct jt_numeric_form back;
    unsigned n_known = 0;
    for (size_t i = 0; i < N_FORMS; i++) {
        uint8_t code = jt_numeric_form_encode(&forms[i]);
        assert_true(code != 0 && jt_numeric_form_valid(&forms[i]));
        assert_true(jt_numeric_form_decode(code, &back));
        assert_true(back.leading == forms[i].leading && back.last == forms[i].last &&
                    back.luhn_valid == forms[i].luhn_valid);
    }
    for (unsigned code = 0; code < 256; code++) {
        if (jt_numeric_form_decode((uint8_t)code, &back)) {
            n_known++;
            assert_int_equal(jt_numeric_form_encode(&back), code);
        }
    }
    assert_int_equal(n_known, 2 * N_FORMS); /* each guarded or not */
    assert_false(jt_numeric_form_decode(0, &back));
    assert_false(jt_numeric_form_valid(&(struct jt_numeric_form){ .leading = 7 }));
    assert_false(jt_numeric_form_valid(&(struct jt_numeric_form){ .last = 3 }));
}

static void tokens_keep_what_they_should_and_nothing_else(void **state)
{
    (void)state;
    char pan[JT_PAN_MAX_DIGITS + 1], token[JT_PAN_MAX_DIGITS + 1];
    for (size_t f = 0; f < N_FORMS; f++) {
        const struct jt_numeric_form *form = &forms[f];
        for (size_t n = JT_PAN_MIN_DIGITS; n <= JT_PAN_MAX_DIGITS; n++) {
            for (unsigned i = 0; jt_numeric_fits(form, n) && i < 200; i++) {
                make_pan(n, i, pan);
                mint(form, pan, token);
                assert_int_equal(strlen(token), n);
                assert_memory_equal(token, form->leading > 0 ? pan : "9",
                                    form->leading > 0 ? form->leading : 1);
                assert_memory_equal(token + n - form->last, pan + n - form->last, form->last);
                assert_int_equal(jt_pan_luhn_ok(token, n), form->luhn_valid);
                assert_string_not_equal(token, pan);
            }
        }
    }
}

/*
 * A field that takes right check digits only needs no look whether a token is a card: none of them
 * has one.
 */
static void a_failing_token_is_no_card_of_a_field_that_looks_at_check_digits(void **state)
{
    (void)state;
    char pan[JT_PAN_MAX_DIGITS + 1], token[JT_PAN_MAX_DIGITS + 1];
    struct jt_pan ignored;
    for (unsigned i = 0; i < 2000; i++) {
        make_pan(12 + i % 8, i, pan);
        mint(&forms[i % 2], pan, token);
        assert_int_equal(jt_pan_parse(token, strlen(token), true, &ignored), JT_PAN_BAD_LUHN);
    }
}

static void what_is_too_small_is_refused(void **state)
{
    (void)state;
    static struct jt_numeric_source source = { .fill = fill };
    struct jt_pan digits;
    char text[JT_PAN_MAX_DIGITS + 1];
    static const struct {
        struct jt_numeric_form form;
        size_t n_digits;
        uint64_t space;
    } cases[] = {
        { { 8, 4, false, false }, 12, 0 },
        { { 8, 4, false, false },
          13,
          0 }, /* the one digit that is left follows from the check digit */
        { { 8, 4, true, false }, 13, 0 },
        { { 8, 4, true, false }, 14, 10 },
        { { 8, 4, false, false }, 14, 90 },
        { { 6, 4, true, false }, 12, 10 },
        { { 6, 4, false, false }, 16, 900000 },
        { { 8, 4, false, false }, 16, 9000 },
        { { 8, 4, true, false }, 19, 1000000 },
        { { 0, 4, true, false }, 12, 1000000 },
        { { 0, 0, true, false }, 19, UINT64_C(100000000000000000) },
        { { 0, 0, false, false }, 19, UINT64_C(900000000000000000) },
        { { 0, 0, false, false }, 11, 0 },
        { { 0, 0, false, false }, 20, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = cases[i].n_digits;
        assert_true(jt_numeric_space(&cases[i].form, n) == cases[i].space);
        assert_int_equal(jt_numeric_fits(&cases[i].form, n), cases[i].space > 0);
        if (cases[i].space == 0 && n >= JT_PAN_MIN_DIGITS && n <= JT_PAN_MAX_DIGITS) {
            make_pan(n, 1, text);
            const struct jt_pan pan = pan_of(text);
            assert_int_equal(
                jt_numeric_mint(&cases[i].form, pan.packed, pan.packed_len, &source, &digits),
                JT_ERR_TOKEN_SPACE);
            assert_int_equal(digits.packed_len, 0);
        }
    }
    assert_int_equal(jt_numeric_mint(&forms[3], (const uint8_t *)"\x41\x1a", 2, &source, &digits),
                     JT_ERR_TOKEN_SPACE);
}

/* Every token of a small space is drawn, and about as often: within six deviations. */
static void check_even(const struct jt_numeric_form *form, const char *pan)
{
    enum { DRAWS = 40000 };
    static unsigned seen[100000];
    size_t n = strlen(pan), first = form->leading, n_own = n - form->leading - form->last;
    char token[JT_PAN_MAX_DIGITS + 1];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < DRAWS; i++) {
        mint(form, pan, token);
        char own[8] = { 0 };
        memcpy(own, token + first, n_own);
        seen[strtoul(own, NULL, 10)]++;
    }
    uint64_t n_tokens = 0, space = jt_numeric_space(form, n);
    bool counts_itself = jt_pan_luhn_ok(pan, n) == form->luhn_valid;
    double expected = (double)DRAWS / (double)(space - counts_itself);
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        n_tokens += seen[i] > 0;
        if (seen[i] > 0) {
            double off = (double)seen[i] - expected;
            assert_true(off * off < 36 * expected);
        }
    }
    assert_int_equal(n_tokens, space - counts_itself);
}

static void every_token_is_as_likely(void **state)
{
    (void)state;
    char pan[JT_PAN_MAX_DIGITS + 1];
    make_pan(12, 3, pan);
    check_even(&(struct jt_numeric_form){ 6, 4, true, false }, pan);
    check_even(&(struct jt_numeric_form){ 6, 4, false, false }, pan);
    make_pan(14, 5, pan);
    check_even(&(struct jt_numeric_form){ 8, 4, true, false }, pan);
    check_even(&(struct jt_numeric_form){ 8, 4, false, false }, pan);
    make_pan(13, 5, pan);
    check_even(&(struct jt_numeric_form){ 6, 4, true, false }, pan);
    pan[12] = (char)('0' + (pan[12] - '0' + 1) % 10); /* its own check digit is wrong */
    check_even(&(struct jt_numeric_form){ 6, 4, true, false }, pan);
    check_even(&(struct jt_numeric_form){ 6, 4, false, false }, pan);
}

static enum jt_err fail_to_fill(uint8_t *out, size_t len)
{
    (void)out;
    (void)len;
    return JT_ERR_CRYPTO;
}

/* 255 is never a digit: a source that gives nothing else would be asked for ever. */
static enum jt_err fill_with_nothing_of_use(uint8_t *out, size_t len)
{
    static int calls;
    memset(out, 0xff, len);
    return ++calls < 10 ? JT_OK : JT_ERR_CRYPTO;
}

static enum jt_err fill_with_zeroes(uint8_t *out, size_t len)
{
    memset(out, 0, len);
    return JT_OK;
}

static void a_source_that_is_broken_gives_no_token(void **state)
{
    (void)state;
    enum jt_err (*const broken[])(uint8_t *, size_t) = { fail_to_fill, fill_with_nothing_of_use,
                                                         fill_with_zeroes };
    const struct jt_numeric_form form = { 6, 4, true, false };
    const struct jt_pan pan = pan_of("400000000002"); /* what zeroes give is the number itself */
    for (size_t i = 0; i < 3; i++) {
        struct jt_numeric_source source = { .fill = broken[i] };
        struct jt_pan digits;
        assert_int_equal(jt_numeric_mint(&form, pan.packed, pan.packed_len, &source, &digits),
                         JT_ERR_CRYPTO);
        assert_int_equal(digits.packed_len, 0);
    }
}

static void tokens_travel_as_text_and_bytes(void **state)
{
    (void)state;
    uint8_t token[JT_TOKEN_LEN];
    char text[JT_PAN_MAX_DIGITS + 1];
    struct jt_pan digits;
    static const char *const good[] = { "123456789012", "1234567890123", "9999999999999999",
                                        "0000000000000000000" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(jt_numeric_token_parse(good[i], strlen(good[i]), token), JT_OK);
        jt_numeric_token_format(token, text);
        assert_string_equal(text, good[i]);
        for (size_t at = 0; at < JT_TOKEN_LEN; at++) {
            uint8_t other[JT_TOKEN_LEN];
            memcpy(other, token, sizeof other);
            other[at] ^= 0x20;
            /* either other bytes, or none that a token has */
            if (jt_numeric_of_token(other, &digits) == JT_OK) {
                uint8_t again[JT_TOKEN_LEN];
                jt_numeric_to_token(digits.packed, digits.packed_len, again);
                assert_memory_equal(again, other, sizeof again);
            }
        }
    }
    static const char *const bad[] = { "", "12345678901", "12345678901234567890", "1234 567890123",
                                       "jtk_00000000000000000000000000" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(jt_numeric_token_parse(bad[i], strlen(bad[i]), token), JT_ERR_INVALID);
        jt_numeric_token_format(token, text);
        assert_string_equal(text, "");
    }
    memset(token, 0x11, sizeof token);
    assert_int_equal(jt_numeric_of_token(token, &digits), JT_ERR_INVALID);
}

static void what_has_not_the_form_was_never_issued(void **state)
{
    (void)state;
    static const struct {
        struct jt_numeric_form form;
        const char *digits;
        bool good;
    } cases[] = {
        { { 6, 4, false, false }, "4111111111111111", false },
        { { 6, 4, true, false }, "4111111111111111", true },
        { { 6, 4, false, false }, "4111111111111112", true },
        { { 0, 4, false, false }, "4111111111111112", false },
        { { 0, 4, false, false }, "9111111111111111", true },
        { { 8, 4, true, false }, "4222222222222", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct jt_pan pan = pan_of(cases[i].digits);
        assert_int_equal(jt_numeric_has_form(&cases[i].form, pan.packed, pan.packed_len),
                         cases[i].good);
    }
    static const uint8_t no_digits[8] = { 0xaa };
    assert_false(jt_numeric_has_form(&forms[3], no_digits, sizeof no_digits));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_have_a_byte_each_and_it_is_not_nought),
        cmocka_unit_test(tokens_keep_what_they_should_and_nothing_else),
        cmocka_unit_test(a_failing_token_is_no_card_of_a_field_that_looks_at_check_digits),
        cmocka_unit_test(what_is_too_small_is_refused),
        cmocka_unit_test(every_token_is_as_likely),
        cmocka_unit_test(a_source_that_is_broken_gives_no_token),
        cmocka_unit_test(tokens_travel_as_text_and_bytes),
        cmocka_unit_test(what_has_not_the_form_was_never_issued),
    };
    return cmocka_run_group_tests_name("pan/numeric", tests, NULL, NULL);
}
