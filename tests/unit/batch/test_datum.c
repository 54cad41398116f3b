/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch/datum.h: each form of a value in bytes, as text and back; what cannot be undone is not
 * done.
 */
#include "batch/datum.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_codepage ebcdic, ascii;

static int open_pages(void **state)
{
    (void)state;
    struct jt_trouble trouble;
    return jt_codepage_open("IBM037", &ebcdic, &trouble) == JT_OK &&
                   jt_codepage_open("ASCII", &ascii, &trouble) == JT_OK
               ? 0
               : -1;
}

#define CHAR     JT_DATUM_CHAR, JT_SIGN_TRAILING, 0
#define ZONED    JT_DATUM_ZONED, JT_SIGN_TRAILING, 0
#define LEADING  JT_DATUM_ZONED, JT_SIGN_LEADING, 0
#define BESIDE   JT_DATUM_ZONED, JT_SIGN_TRAILING_SEPARATE, 0
#define BEFORE   JT_DATUM_ZONED, JT_SIGN_LEADING_SEPARATE, 0
#define PACKED   JT_DATUM_PACKED, JT_SIGN_TRAILING, 0
#define PACKED16 JT_DATUM_PACKED, JT_SIGN_TRAILING, 16
#define BINARY   JT_DATUM_BINARY, JT_SIGN_TRAILING, 0
#define BINARY16 JT_DATUM_BINARY, JT_SIGN_TRAILING, 16

/* Bytes, their value, what takes its place, and the bytes then. */
static const struct vector {
    bool ascii;
    enum jt_datum_kind kind;
    enum jt_datum_sign sign;
    uint8_t digits; /* 0: as many as fit */
    const char *bytes, *value, *other, *other_bytes;
} vectors[] = {
    /* characters: EBCDIC, with padding behind, before, of X'00', none, and on both sides */
    { 0, CHAR, "f4f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1", "4111111111111111", "9999999999999991",
      "f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f1" },
    { 0, CHAR, "f3f7f8f2f8f2f2f4f6f3f1f0f0f0f540", "378282246310005", "912345678901234",
      "f9f1f2f3f4f5f6f7f8f9f0f1f2f3f440" },
    { 0, CHAR, "f1f24040", "12", "x", "a7404040" },
    { 0, CHAR, "f1f24040", "12", "123", "f1f2f340" },
    { 0, CHAR, "f1f24040", "12", "1234", "f1f2f3f4" },
    { 0, CHAR, "4040f1f2", "12", "9", "404040f9" },
    { 0, CHAR, "4040f1f2", "12", "345", "40f3f4f5" },
    { 0, CHAR, "f1f20000", "12", "345", "f3f4f500" },
    { 0, CHAR, "40f1f240", "12", "3", "40f34040" },
    { 0, CHAR, "40f1f24040", "12", "345", "40f3f4f540" },
    { 1, CHAR, "3132332020", "123", "4567", "3435363720" },
    { 1, CHAR, "31203220", "1 2", "3", "33202020" },
    /* zoned: unsigned, with signs, EBCDIC and ASCII */
    { 0, ZONED, "f0f0f1f2", "12", "345", "f0f3f4f5" },
    { 0, ZONED, "f0f0f1c2", "12", "345", "f0f3f4c5" },
    { 0, ZONED, "f0f0f1d2", "12", "3", "f0f0f0d3" },
    { 0, LEADING, "d0f0f1f2", "12", "3456", "d3f4f5f6" },
    { 0, BESIDE, "f0f1f24e", "12", "345", "f3f4f54e" },
    { 0, BEFORE, "60f0f1f2", "12", "345", "60f3f4f5" },
    { 1, ZONED, "30303132", "12", "345", "30333435" },
    { 1, ZONED, "30303172", "12", "345", "30333475" },
    { 1, ZONED, "30303142", "12", "340", "3033347b" },
    { 1, ZONED, "3030317d", "10", "345", "3033344e" },
    { 1, BEFORE, "2b303132", "12", "9", "2b303039" },
    /* packed: odd and even, with every sign */
    { 0, PACKED, "00012c", "12", "34567", "34567c" },
    { 0, PACKED, "00012d", "12", "3", "00003d" },
    { 0, PACKED, "04111111111111111f", "4111111111111111", "9123456789012345",
      "09123456789012345f" },
    { 0, PACKED16, "04111111111111111c", "4111111111111111", "9", "00000000000000009c" },
    { 1, PACKED,
      "0378282246310005"
      "0c",
      "3782822463100050", "1", "00000000000000001c" },
    /* binary: big-endian */
    { 0, BINARY, "000c", "12", "65535", "ffff" },
    { 0, BINARY, "0000000c", "12", "4294967295", "ffffffff" },
    { 0, BINARY16, "000e9b08a568f1c7", "4111111111111111", "9999999999999999", "002386f26fc0ffff" },
    { 0, BINARY, "000000000000000c", "12", "18446744073709551615", "ffffffffffffffff" },
};

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
    return len;
}

static struct jt_datum datum_of(const struct vector *v)
{
    struct jt_datum d = { .kind = v->kind,
                          .sign = v->sign,
                          .len = (uint32_t)(strlen(v->bytes) / 2),
                          .digits = v->digits };
    d.digits = d.digits == 0 ? jt_datum_most_digits(&d) : d.digits;
    return d;
}

static void check_value(const struct jt_datum *d, const struct jt_codepage *cp,
                        const uint8_t *bytes, const char *expected)
{
    struct jt_buf text;
    jt_buf_init(&text, 1000);
    assert_int_equal(jt_datum_read(d, cp, bytes, &text), JT_MSG_NONE);
    assert_int_equal(text.len, strlen(expected));
    assert_true(text.len == 0 || memcmp(text.data, expected, text.len) == 0);
    jt_buf_clear(&text);
}

static void check_put(const struct jt_datum *d, const struct jt_codepage *cp, const uint8_t *old,
                      const char *text, const uint8_t *expected)
{
    struct jt_buf out;
    jt_buf_init(&out, 1000);
    assert_int_equal(jt_datum_put(d, cp, old, text, strlen(text), &out), JT_OK);
    assert_int_equal(out.len, d->len);
    assert_memory_equal(out.data, expected, out.len);
    jt_buf_clear(&out);
}

static void each_form_is_read_replaced_and_replaced_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct vector *v = &vectors[i];
        const struct jt_codepage *cp = v->ascii ? &ascii : &ebcdic;
        struct jt_datum d = datum_of(v);
        uint8_t bytes[32], other[32];
        assert_int_equal(unhex(v->bytes, bytes), unhex(v->other_bytes, other));
        check_value(&d, cp, bytes, v->value);
        check_put(&d, cp, bytes, v->value, bytes);
        check_put(&d, cp, bytes, v->other, other);
        check_value(&d, cp, other, v->other);
        check_put(&d, cp, other, v->value, bytes);
    }
}

static void little_endian_and_signed_binaries(void **state)
{
    (void)state;
    struct jt_datum d = { .kind = JT_DATUM_BINARY, .len = 2, .digits = 5, .little_endian = true };
    check_value(&d, &ascii, (const uint8_t *)"\x0c\x01", "268");
    check_put(&d, &ascii, (const uint8_t *)"\x0c\x01", "513", (const uint8_t *)"\x01\x02");
    struct jt_buf out;
    jt_buf_init(&out, 100);
    d.is_signed = true;
    assert_int_equal(jt_datum_read(&d, &ascii, (const uint8_t *)"\x00\x80", &out),
                     JT_MSG_BINARY_BAD);
    assert_int_equal(jt_datum_put(&d, &ascii, (const uint8_t *)"\x01\x00", "32768", 5, &out),
                     JT_ERR_LIMIT);
    jt_buf_reset(&out);
    assert_int_equal(jt_datum_put(&d, &ascii, (const uint8_t *)"\x01\x00", "32767", 5, &out),
                     JT_OK);
    assert_memory_equal(out.data, "\xff\x7f", 2);
    jt_buf_clear(&out);
}

static void blanks_zeroes_and_low_values_hold_nothing(void **state)
{
    (void)state;
    static const struct vector blank[] = {
        { 0, CHAR, "40404040", "", "", "" },  { 0, CHAR, "00000000", "", "", "" },
        { 0, CHAR, "40004000", "", "", "" },  { 0, ZONED, "f0f0f0f0", "", "", "" },
        { 0, ZONED, "40404040", "", "", "" }, { 0, ZONED, "f0f0f0c0", "", "", "" },
        { 0, ZONED, "00000000", "", "", "" }, { 1, BESIDE, "20202020", "", "", "" },
        { 0, PACKED, "00000c", "", "", "" },  { 0, PACKED, "404040", "", "", "" },
        { 0, PACKED, "000000", "", "", "" },  { 0, BINARY, "00000000", "", "", "" },
    };
    for (size_t i = 0; i < sizeof blank / sizeof blank[0]; i++) {
        struct jt_datum d = datum_of(&blank[i]);
        uint8_t bytes[32];
        unhex(blank[i].bytes, bytes);
        check_value(&d, blank[i].ascii ? &ascii : &ebcdic, bytes, "");
    }
}

static void what_is_no_number_is_told(void **state)
{
    (void)state;
    static const struct {
        struct vector v;
        enum jt_message fault;
    } bad[] = {
        { { 0, ZONED, "f0f1c1f2", "", "", "" }, JT_MSG_ZONED_BAD }, /* a sign in the middle */
        { { 0, ZONED, "f0f1fa", "", "", "" }, JT_MSG_ZONED_BAD },
        { { 0, ZONED, "40f1f2", "", "", "" }, JT_MSG_ZONED_BAD },
        { { 0, ZONED, "303132", "", "", "" }, JT_MSG_ZONED_BAD }, /* ASCII in an EBCDIC file */
        { { 0, LEADING, "f1f2c3", "", "", "" }, JT_MSG_ZONED_BAD },
        { { 0, BESIDE, "f1f2f3", "", "", "" }, JT_MSG_ZONED_BAD },
        { { 1, ZONED, "30313a", "", "", "" }, JT_MSG_ZONED_BAD },
        { { 1, ZONED, "3031ff", "", "", "" }, JT_MSG_ZONED_BAD },
        { { 0, PACKED, "00a12c", "", "", "" }, JT_MSG_PACKED_BAD },
        { { 0, PACKED, "000123", "", "", "" }, JT_MSG_PACKED_BAD }, /* no sign */
        { { 0, PACKED16, "14111111111111111c", "", "", "" }, JT_MSG_DIGITS_MANY },
        { { 0, BINARY16, "ffffffffffffffff", "", "", "" }, JT_MSG_DIGITS_MANY },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct jt_datum d = datum_of(&bad[i].v);
        uint8_t bytes[32];
        struct jt_buf out;
        jt_buf_init(&out, 1000);
        unhex(bad[i].v.bytes, bytes);
        const struct jt_codepage *cp = bad[i].v.ascii ? &ascii : &ebcdic;
        assert_int_equal(jt_datum_read(&d, cp, bytes, &out), bad[i].fault);
        assert_int_equal(out.len, 0);
        assert_int_equal(jt_datum_put(&d, cp, bytes, "1", 1, &out), JT_ERR_INVALID);
        jt_buf_clear(&out);
    }
    struct jt_datum d = { .kind = JT_DATUM_CHAR, .len = 2 };
    struct jt_buf out;
    jt_buf_init(&out, 1000);
    assert_int_equal(jt_datum_read(&d, &ascii, (const uint8_t *)"a\x80", &out), JT_MSG_CHAR_BAD);
    assert_int_equal(out.len, 0);
    jt_buf_clear(&out);
}

static void what_does_not_fit_or_could_not_come_back_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct vector v;
        enum jt_err err;
    } refused[] = {
        { { 0, CHAR, "f1f240", "", "1234", "" }, JT_ERR_LIMIT },
        { { 0, CHAR, "f1f200", "", "123", "" }, JT_ERR_LIMIT },     /* blank or X'00', then? */
        { { 0, CHAR, "40f1f2", "", "123", "" }, JT_ERR_LIMIT },     /* before or behind, then? */
        { { 0, CHAR, "40f1f240", "", "123", "" }, JT_ERR_LIMIT },   /* the same */
        { { 0, CHAR, "f1f2004040", "", "123", "" }, JT_ERR_LIMIT }, /* a blank would come back */
        { { 0, CHAR, "f1f24040", "", "1 ", "" }, JT_ERR_INVALID },
        { { 1, CHAR, "31322020", "", "\xc3\xa9", "" }, JT_ERR_INVALID },
        { { 0, ZONED, "f0f1", "", "123", "" }, JT_ERR_LIMIT },
        { { 0, ZONED, "f0f1", "", "01", "" }, JT_ERR_INVALID },
        { { 0, ZONED, "f0f1", "", "", "" }, JT_ERR_INVALID },
        { { 0, ZONED, "f0f1", "", "a", "" }, JT_ERR_INVALID },
        { { 0, PACKED16, "04111111111111111c", "", "12345678901234567", "" }, JT_ERR_LIMIT },
        { { 0, BINARY, "0001", "", "65536", "" }, JT_ERR_LIMIT },
        { { 0, BINARY, "0000000000000001", "", "18446744073709551616", "" }, JT_ERR_LIMIT },
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const struct vector *v = &refused[i].v;
        struct jt_datum d = datum_of(v);
        uint8_t bytes[32];
        struct jt_buf out;
        jt_buf_init(&out, 1000);
        unhex(v->bytes, bytes);
        assert_int_equal(
            jt_datum_put(&d, v->ascii ? &ascii : &ebcdic, bytes, v->other, strlen(v->other), &out),
            refused[i].err);
        jt_buf_clear(&out);
    }
}

/* Whatever padding is around a value: a change that is made can be undone. */
static void padding_of_any_kind_comes_back(void **state)
{
    (void)state;
    unsigned n_put = 0;
    for (int round = 0; round < 20000; round++) {
        uint8_t random[40], bytes[12];
        struct jt_datum d = { .kind = JT_DATUM_CHAR, .len = 12 };
        jt_random_fill(random, sizeof random);
        for (size_t i = 0; i < d.len; i++) {
            bytes[i] = random[i] % 3 == 0 ? 0x40 : random[i] % 3 == 1 ? 0 : 0xf1;
        }
        memset(bytes + random[12] % 6, 0xf1, 1 + random[13] % 6);
        size_t text_len = 1 + random[14] % d.len;
        struct jt_buf value, out, again;
        jt_buf_init(&value, 100);
        jt_buf_init(&out, 100);
        jt_buf_init(&again, 100);
        assert_int_equal(jt_datum_read(&d, &ebcdic, bytes, &value), JT_MSG_NONE);
        enum jt_err err = jt_datum_put(&d, &ebcdic, bytes, "999999999999", text_len, &out);
        assert_true(err == JT_OK || (err == JT_ERR_LIMIT && text_len > value.len));
        if (err == JT_OK) {
            n_put++;
            assert_int_equal(out.len, d.len);
            assert_int_equal(
                jt_datum_put(&d, &ebcdic, out.data, (char *)value.data, value.len, &again), JT_OK);
            assert_memory_equal(again.data, bytes, d.len);
        }
        jt_buf_clear(&value);
        jt_buf_clear(&out);
        jt_buf_clear(&again);
    }
    assert_true(n_put > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_is_read_replaced_and_replaced_back),
        cmocka_unit_test(little_endian_and_signed_binaries),
        cmocka_unit_test(blanks_zeroes_and_low_values_hold_nothing),
        cmocka_unit_test(what_is_no_number_is_told),
        cmocka_unit_test(what_does_not_fit_or_could_not_come_back_is_refused),
        cmocka_unit_test(padding_of_any_kind_comes_back),
    };
    return cmocka_run_group_tests_name("batch/datum", tests, open_pages, NULL);
}
