/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch/source.h over records of fixed form: F and VB, places by offset, EBCDIC as a mainframe
 * writes it.
 */
#include "reading.h"

#include "base/random.h"

#include <stdio.h>

static struct jt_place_spec place = { "2:16:char" };
static struct jt_format_spec fixed = { .kind = JT_FORMAT_RECORDS,
                                       .places = &place,
                                       .n_places = 1,
                                       .recfm = JT_RECFM_FB,
                                       .lrecl = 20,
                                       .codepage = "IBM037" };

static void records_of_one_length(void **state)
{
    (void)state;
    uint8_t input[40];
    struct reading r;
    size_t len = unhex("c1c2 f4f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1 c3c4"
                       "c1c2 f3f7f8f2f8f2f2f4f6f3f1f0f0f0f540 c3c4",
                       input, sizeof input);
    reading_open(&r, &fixed, input, len);
    assert_string_equal(jt_format_describe(r.format, 0), "bytes 2 to 17, char");
    assert_int_equal(jt_format_room(r.format, 0).max_len, 16);
    const struct jt_record *record = reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "4111111111111111");
    assert_int_equal(record->values[0].at, 2);
    assert_int_equal(record->end, 20);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "378282246310005");
    assert_int_equal(record->number, 2);
    assert_int_equal(record->line, 2);
    reading_end(&r);
    reading_close(&r);
}

static void half_a_record_at_the_end_is_told_with_its_place(void **state)
{
    (void)state;
    uint8_t input[25];
    struct reading r;
    memset(input, 0xf1, sizeof input);
    reading_open(&r, &fixed, input, sizeof input);
    reading_next(&r, JT_RECORD_DATA);
    assert_int_equal(jt_source_next(r.source, &r.record, &r.trouble), JT_ERR_INVALID);
    assert_int_equal(r.trouble.message, JT_MSG_RECORD_PART);
    assert_non_null(strstr(r.trouble.detail, "record 2, at byte 20: 5 bytes of 20"));
    reading_close(&r);
}

static void variable_records_are_cut_by_their_rdw(void **state)
{
    (void)state;
    struct jt_place_spec at = { "1:3:ZD" };
    struct jt_format_spec vb = fixed;
    vb.recfm = JT_RECFM_VB;
    vb.lrecl = 0;
    vb.places = &at;
    uint8_t input[64];
    struct reading r;
    size_t len = unhex("00080000 c1f0f1f2 000a0000 c2f3f4f5c3c4 00060000 c1f1 00040000", input,
                       sizeof input);
    reading_open(&r, &vb, input, len);
    const struct jt_record *record = reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "12");
    assert_int_equal(record->values[0].at, 5);
    assert_int_equal(record->raw_len, 8);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "345");
    reading_next(&r, JT_RECORD_FAULTY);
    assert_int_equal(record->fault, JT_MSG_RECORD_SHORT);
    assert_int_equal(record->raw_len, 6);
    reading_next(&r, JT_RECORD_FAULTY);
    assert_int_equal(record->end, len);
    reading_end(&r);
    reading_close(&r);
}

static void a_bad_rdw_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *detail;
    } bad[] = {
        { "00050000c1 00000000", "record 2, at byte 5: its length of 0 is less" },
        { "00030000", "record 1, at byte 0: its length of 3 is less" },
        { "00060100c1c2", "record 1, at byte 0: its length of 6 is of a spanned record" },
        { "00160000", "its length of 22 is more than LRECL" },
        { "000a0000c1", "record 1, at byte 0: 5 bytes of 10" },
        { "00050000c1 0005", "record 2, at byte 5: 2 bytes of 4" },
    };
    struct jt_place_spec at = { "0:1:CH" };
    struct jt_format_spec vb = fixed;
    vb.recfm = JT_RECFM_VB;
    vb.places = &at;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t input[64];
        struct reading r;
        size_t len = unhex(bad[i].hex, input, sizeof input);
        enum jt_err err;
        reading_open(&r, &vb, input, len);
        while ((err = jt_source_next(r.source, &r.record, &r.trouble)) == JT_OK) {
        }
        assert_int_equal(err, JT_ERR_INVALID);
        if (strstr(r.trouble.detail, bad[i].detail) == NULL) {
            fail_msg("%s", r.trouble.detail);
        }
        reading_close(&r);
    }
}

static void a_value_that_cannot_be_read_spoils_itself_only(void **state)
{
    (void)state;
    struct jt_place_spec places[] = { { "0:3:PD" }, { "3:2:binary" }, { "5:2:char" } };
    struct jt_format_spec three = fixed;
    three.places = places;
    three.n_places = 3;
    three.lrecl = 7;
    uint8_t input[7];
    struct reading r;
    unhex("12345e 000c f1f2", input, sizeof input);
    reading_open(&r, &three, input, 7);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "12345");
    assert_value(&r, 1, "12");
    assert_value(&r, 2, "12");
    assert_true(jt_format_room(r.format, 0).digits_only);
    assert_int_equal(jt_format_room(r.format, 0).max_len, 5);
    reading_close(&r);
    input[0] = 0xff;
    reading_open(&r, &three, input, 7);
    assert_int_equal(reading_next(&r, JT_RECORD_DATA)->values[0].fault, JT_MSG_PACKED_BAD);
    assert_value(&r, 1, "12");
    reading_close(&r);
}

static void what_is_wrong_with_places_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *where;
        enum jt_message message;
        const char *detail;
    } bad[] = {
        { "5:16:char", JT_MSG_PLACE_OUTSIDE, "bytes 5 to 20, of a record of 20" },
        { "1048576:1:char", JT_MSG_PLACE_OUTSIDE, "" },
        { "99999999:1:char", JT_MSG_PLACE_BAD, "OFFSET" },
        { "1:0:char", JT_MSG_PLACE_BAD, "1 to" },
        { "1:17:packed", JT_MSG_PLACE_BAD, "1 to 16" },
        { "1:9:BI", JT_MSG_PLACE_BAD, "1 to 8" },
        { "1:2:text", JT_MSG_PLACE_BAD, "TYPE" },
        { "-1:2:char", JT_MSG_PLACE_BAD, "OFFSET" },
        { "1:2", JT_MSG_PLACE_BAD, "" },
        { ":", JT_MSG_PLACE_BAD, "" },
    };
    struct jt_place_spec at, two[] = { { "0:4:CH" }, { "3:2:CH" } };
    struct jt_format_spec one = fixed;
    one.places = &at;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        at.where = bad[i].where;
        assert_trouble(&one, "", 0, bad[i].message, bad[i].detail);
    }
    one.places = two;
    one.n_places = 2;
    assert_trouble(&one, "", 0, JT_MSG_PLACES_OVERLAP, "");
    one = fixed;
    one.lrecl = 0;
    assert_trouble(&one, "", 0, JT_MSG_LRECL_MISSING, "");
    one.lrecl = JT_RECORD_MAX + 1;
    assert_trouble(&one, "", 0, JT_MSG_LRECL_BAD, "");
    one.recfm = JT_RECFM_VB;
    one.lrecl = 32761;
    assert_trouble(&one, "", 0, JT_MSG_LRECL_BAD, "32760");
    one = fixed;
    one.codepage = NULL;
    assert_trouble(&one, "", 0, JT_MSG_CODEPAGE_MISSING, "");
    one.codepage = "IBM930";
    assert_trouble(&one, "", 0, JT_MSG_CODEPAGE_WIDE, "");
}

static void a_reject_has_its_trailer_in_the_code_page(void **state)
{
    (void)state;
    static const char trailer[] =
        "JET2012W bad-zoned-decimal                                                     .";
    struct reading r;
    struct jt_buf out;
    jt_buf_init(&out, 1000);
    reading_open(&r, &fixed, "", 0);
    assert_int_equal(
        jt_format_put_reject(r.format, (const uint8_t *)"12345678901234567890", 20, trailer, &out),
        JT_OK);
    assert_int_equal(out.len, 100);
    assert_memory_equal(out.data + 18, "90\xd1\xc5\xe3\xf2", 6);
    assert_int_equal(out.data[99], 0x4b);
    reading_close(&r);
    jt_buf_reset(&out);
    struct jt_format_spec vb = fixed;
    vb.recfm = JT_RECFM_VB;
    vb.lrecl = 100;
    reading_open(&r, &vb, "", 0);
    assert_int_equal(
        jt_format_put_reject(r.format, (const uint8_t *)"\0\6\0\0ab", 6, trailer, &out), JT_OK);
    assert_int_equal(out.len, 86);
    assert_memory_equal(out.data, "\0\x56\0\0ab\xd1", 7);
    reading_close(&r);
    jt_buf_clear(&out);
}

/* Another number of as many digits, by which it comes back when it is done again. */
static void turn_digits(const char *text, size_t len, char out[static 64])
{
    (void)snprintf(out, 64, "%.*s", (int)len, text);
    for (size_t i = 0; i < len; i++) {
        out[i] = out[i] >= '1' && out[i] <= '9' ? (char)('1' + '9' - out[i]) : out[i];
    }
}

static void replacing_back_gives_the_same_file(void **state)
{
    (void)state;
    struct jt_place_spec places[] = {
        { "0:8:char" }, { "9:5:zoned" }, { "14:4:packed" }, { "18:2:binary" }
    };
    struct jt_format_spec all = fixed;
    all.places = places;
    all.n_places = 4;
    all.lrecl = 21;
    uint8_t input[21 * 50];
    for (int round = 0; round < 200; round++) {
        jt_random_fill(input, sizeof input);
        for (size_t at = 0; at < sizeof input; at += 21) {
            uint8_t *p = input + at;
            for (size_t i = 0; i < 14; i++) {
                p[i] = p[i] % 4 == 0 ? 0x40 : (uint8_t)(0xf0 | p[i] % 10);
            }
            p[13] = (uint8_t)((0xa0 + (p[13] << 4)) | (p[13] & 7));
            for (size_t i = 14; i < 18; i++) {
                p[i] = (uint8_t)((p[i] >> 4) % 10 << 4 | ((p[i] & 15) % (i == 17 ? 16 : 10)));
            }
            p[18] = p[19] % 9 ? 0 : p[18] & 3; /* so that it stays below 65536 */
        }
        struct jt_buf out, again;
        jt_buf_init(&out, sizeof input);
        jt_buf_init(&again, sizeof input);
        reading_piece = (size_t)round % 50;
        reading_replace(&all, input, sizeof input, turn_digits, &out);
        assert_int_equal(out.len, sizeof input);
        assert_memory_not_equal(out.data, input, sizeof input);
        reading_replace(&all, out.data, out.len, turn_digits, &again);
        assert_memory_equal(again.data, input, sizeof input);
        jt_buf_clear(&out);
        jt_buf_clear(&again);
    }
    reading_piece = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_one_length),
        cmocka_unit_test(half_a_record_at_the_end_is_told_with_its_place),
        cmocka_unit_test(variable_records_are_cut_by_their_rdw),
        cmocka_unit_test(a_bad_rdw_is_told_with_its_place),
        cmocka_unit_test(a_value_that_cannot_be_read_spoils_itself_only),
        cmocka_unit_test(what_is_wrong_with_places_is_said),
        cmocka_unit_test(a_reject_has_its_trailer_in_the_code_page),
        cmocka_unit_test(replacing_back_gives_the_same_file),
    };
    return cmocka_run_group_tests_name("batch/source: records", tests, NULL, NULL);
}
