/* SPDX-License-Identifier: Apache-2.0 */
/* pan/pan.h: parsing, packing and Luhn, by cases and by properties. */
#include "base/random.h"
#include "pan/pan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum jt_pan_fault parse(const char *text, struct jt_pan *out)
{
    return jt_pan_parse(text, strlen(text), true, out);
}

static void faults_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum jt_pan_fault fault;
        const char *name;
    } cases[] = {
        { "4111111111111111", JT_PAN_GOOD, "pan-good" },
        { "", JT_PAN_EMPTY, "pan-empty" },
        { "4111 1111 1111 1111", JT_PAN_NOT_DIGITS, "pan-not-digits" },
        { "4111-1111-1111-1111", JT_PAN_NOT_DIGITS, "pan-not-digits" },
        { "411111111111111l", JT_PAN_NOT_DIGITS, "pan-not-digits" },
        { " 4111111111111111", JT_PAN_NOT_DIGITS, "pan-not-digits" },
        { "+4111111111111111", JT_PAN_NOT_DIGITS, "pan-not-digits" },
        { "/411111111111111", JT_PAN_NOT_DIGITS, "pan-not-digits" },
        { ":411111111111111", JT_PAN_NOT_DIGITS, "pan-not-digits" },
        { "\xd9\xa4\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1", JT_PAN_NOT_DIGITS,
          "pan-not-digits" },
        /* what it is made of comes before its length */
        { "x", JT_PAN_NOT_DIGITS, "pan-not-digits" },
        { "0", JT_PAN_TOO_SHORT, "pan-too-short" },
        { "00000000000", JT_PAN_TOO_SHORT, "pan-too-short" },
        { "000000000000", JT_PAN_GOOD, "pan-good" },
        { "0000000000000000000", JT_PAN_GOOD, "pan-good" },
        { "00000000000000000000", JT_PAN_TOO_LONG, "pan-too-long" },
        { "4111111111111112", JT_PAN_BAD_LUHN, "pan-bad-luhn" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct jt_pan pan;
        enum jt_pan_fault fault = parse(cases[i].text, &pan);
        assert_int_equal(fault, cases[i].fault);
        assert_string_equal(jt_pan_fault_name(fault), cases[i].name);
        if (fault != JT_PAN_GOOD && fault != JT_PAN_BAD_LUHN) {
            assert_memory_equal(&pan, &(struct jt_pan){ 0 }, sizeof pan);
        }
    }
}

static void a_nul_is_no_end_but_a_bad_character(void **state)
{
    (void)state;
    struct jt_pan pan;
    assert_int_equal(jt_pan_parse("4111111111111111\0", 17, true, &pan), JT_PAN_NOT_DIGITS);
    assert_int_equal(jt_pan_parse("\0", 1, true, &pan), JT_PAN_NOT_DIGITS);
}

static void bad_luhn_is_only_told_when_asked_for(void **state)
{
    (void)state;
    struct jt_pan pan;
    assert_int_equal(jt_pan_parse("4111111111111112", 16, false, &pan), JT_PAN_GOOD);
    assert_int_equal(jt_pan_parse("4111111111111112", 16, true, &pan), JT_PAN_BAD_LUHN);
    assert_memory_equal(pan.packed, "\x41\x11\x11\x11\x11\x11\x11\x12", 8);
}

static void packed_form_of_odd_and_even_counts(void **state)
{
    (void)state;
    struct jt_pan pan;
    assert_int_equal(parse("4222222222222", &pan), JT_PAN_GOOD);
    assert_int_equal(pan.n_digits, 13);
    assert_int_equal(pan.packed_len, 7);
    assert_memory_equal(pan.packed, "\x42\x22\x22\x22\x22\x22\x2f", 7);
    assert_int_equal(parse("378282246310005", &pan), JT_PAN_GOOD);
    assert_memory_equal(pan.packed, "\x37\x82\x82\x24\x63\x10\x00\x5f", 8);
    assert_int_equal(parse("6205500000000000004", &pan), JT_PAN_GOOD);
    assert_int_equal(pan.packed_len, 10);
}

/* Any digits of any length go there and back. */
static void packing_and_unpacking_are_inverse(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint8_t random[JT_PAN_MAX_DIGITS];
        char digits[JT_PAN_MAX_DIGITS + 1], back[JT_PAN_MAX_DIGITS + 1];
        size_t len = JT_PAN_MIN_DIGITS + (size_t)i % 8;
        jt_random_fill(random, sizeof random);
        for (size_t k = 0; k < len; k++) {
            digits[k] = (char)('0' + random[k] % 10);
        }
        digits[len] = '\0';
        struct jt_pan pan;
        assert_int_equal(jt_pan_parse(digits, len, false, &pan), JT_PAN_GOOD);
        assert_int_equal(pan.n_digits, len);
        assert_int_equal(jt_pan_unpack(pan.packed, pan.packed_len, back), JT_OK);
        assert_true(strcmp(back, digits) == 0);
    }
}

/*
 * Whatever the bytes, unpacking either refuses and leaves no digit behind, or gives the text whose
 * packed form they are.
 */
static void unpacking_accepts_canonical_bytes_only(void **state)
{
    (void)state;
    int accepted = 0;
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[12];
        jt_random_fill(bytes, sizeof bytes);
        size_t len = bytes[11] % 12;
        /* mostly digits, or hardly any would be accepted */
        for (size_t k = 0; k < len && i % 4 != 0; k++) {
            bytes[k] =
                (uint8_t)((bytes[k] >> 4) % 10 << 4 | (bytes[k] & 15) % (k + 1 == len ? 16 : 10));
        }
        char text[JT_PAN_MAX_DIGITS + 1];
        memset(text, 'x', sizeof text);
        if (jt_pan_unpack(bytes, len, text) != JT_OK) {
            for (size_t k = 0; k < sizeof text; k++) {
                assert_int_equal(text[k], 0);
            }
            continue;
        }
        struct jt_pan pan;
        assert_int_equal(jt_pan_parse(text, strlen(text), false, &pan), JT_PAN_GOOD);
        assert_int_equal(pan.packed_len, len);
        assert_memory_equal(pan.packed, bytes, len);
        accepted++;
    }
    assert_true(accepted > 1000);
}

static void malformed_nibbles_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        { "", 0 },
        { "\x12\x34\x56\x78\x90", 5 },                          /* 10 digits */
        { "\x12\x34\x56\x78\x90\x1f", 6 },                      /* 11 digits */
        { "\x12\x34\x56\x78\x90\x12\x34\x56\x78\x90", 10 },     /* 20 digits */
        { "\x12\x34\x56\x78\x90\x12\x34\x56\x78\x9f\xff", 11 }, /* too many bytes */
        { "\x12\x34\x56\x78\x90\x12\x3a", 7 },
        { "\x12\x34\x56\x78\x90\x12\xff", 7 },
        { "\x12\x34\x5f\x78\x90\x12\x34", 7 }, /* F before the end */
        { "\xa2\x34\x56\x78\x90\x12\x34", 7 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[JT_PAN_MAX_DIGITS + 1];
        assert_int_equal(jt_pan_unpack((const uint8_t *)bad[i].bytes, bad[i].len, text),
                         JT_ERR_DECRYPT);
    }
}

/*
 * Luhn finds every single wrong digit and every swap of neighbours but 09 and 90 (ISO/IEC 7812-1
 * annex B).
 */
static void luhn_finds_typing_mistakes(void **state)
{
    (void)state;
    const char *good[] = { "4111111111111111", "4222222222222", "378282246310005",
                           "6205500000000000004", "79927398713" };
    for (size_t g = 0; g < sizeof good / sizeof good[0]; g++) {
        size_t n = strlen(good[g]);
        char digits[JT_PAN_MAX_DIGITS + 1];
        memcpy(digits, good[g], n + 1);
        assert_true(jt_pan_luhn_ok(digits, n));
        for (size_t i = 0; i < n; i++) {
            for (int by = 1; by < 10; by++) {
                digits[i] = (char)('0' + (good[g][i] - '0' + by) % 10);
                assert_false(jt_pan_luhn_ok(digits, n));
            }
            digits[i] = good[g][i];
        }
        for (size_t i = 0; i + 1 < n; i++) {
            bool blind = digits[i] == digits[i + 1] || abs(digits[i] - digits[i + 1]) == 9;
            char swapped[JT_PAN_MAX_DIGITS + 1];
            memcpy(swapped, digits, n + 1);
            swapped[i] = digits[i + 1];
            swapped[i + 1] = digits[i];
            assert_int_equal(jt_pan_luhn_ok(swapped, n), blind);
        }
    }
    assert_false(jt_pan_luhn_ok("", 0));
}

static void check_mask(const char *digits, bool eight, const char *expected)
{
    struct jt_pan pan;
    char out[JT_PAN_MAX_DIGITS + 1];
    size_t len;
    assert_int_equal(jt_pan_parse(digits, strlen(digits), false, &pan), JT_PAN_GOOD);
    assert_int_equal(jt_pan_mask(pan.packed, pan.packed_len, eight, out, &len), JT_OK);
    assert_string_equal(out, expected);
    assert_int_equal(len, strlen(digits));
}

/* Never more than eight and four digits, and never fewer than four are hidden. */
static void masks_hide_four_digits_at_least(void **state)
{
    (void)state;
    check_mask("4111111111111234", false, "411111******1234");
    check_mask("4111111111111234", true, "41111111****1234");
    check_mask("4111111111111111234", false, "411111*********1234");
    check_mask("4111111111111111234", true, "41111111*******1234");
    check_mask("378282246310005", false, "378282*****0005");
    check_mask("378282246310005", true, "378282*****0005"); /* 15 digits: six at most */
    check_mask("30569309025904", true, "305693****5904");
    check_mask("4222222222222", true, "42222****2222");
    check_mask("630400000123", false, "6304****0123");
    char out[JT_PAN_MAX_DIGITS + 1];
    size_t len = 1;
    static const uint8_t bad[8] = { 0x41, 0xa1 };
    assert_int_equal(jt_pan_mask(bad, sizeof bad, false, out, &len), JT_ERR_DECRYPT);
    assert_int_equal(len, 0);
    assert_int_equal(out[0], '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_by_name),
        cmocka_unit_test(a_nul_is_no_end_but_a_bad_character),
        cmocka_unit_test(bad_luhn_is_only_told_when_asked_for),
        cmocka_unit_test(packed_form_of_odd_and_even_counts),
        cmocka_unit_test(packing_and_unpacking_are_inverse),
        cmocka_unit_test(unpacking_accepts_canonical_bytes_only),
        cmocka_unit_test(malformed_nibbles_are_refused),
        cmocka_unit_test(luhn_finds_typing_mistakes),
        cmocka_unit_test(masks_hide_four_digits_at_least),
    };
    return cmocka_run_group_tests_name("pan/pan", tests, NULL, NULL);
}
