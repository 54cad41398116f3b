/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/csv.h: the grammar of RFC 4180 at every chunk boundary, bytes kept as they are, memory
 * bounded.
 */
#include "cli/csv.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static int file_of(const void *text, size_t len)
{
    int fd = memfd_create("csv", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void open_text(struct jt_csv *csv, const char *text)
{
    jt_csv_init(csv, file_of(text, strlen(text)));
}

static void close_text(struct jt_csv *csv)
{
    close(csv->fd);
    jt_csv_clear(csv);
}

static void assert_value(const struct jt_csv_record *r, const char *expected)
{
    struct jt_buf value;
    jt_buf_init(&value, 1000);
    jt_csv_unquote(r->raw + r->field_at, r->field_len, &value);
    assert_int_equal(value.len, strlen(expected));
    assert_true(value.len == 0 || memcmp(value.data, expected, value.len) == 0);
    jt_buf_clear(&value);
}

static void next(struct jt_csv *csv, struct jt_csv_record *r, size_t n_fields, const char *value)
{
    assert_int_equal(jt_csv_next(csv, r), JT_OK);
    assert_int_equal(r->n_fields, n_fields);
    assert_false(r->malformed);
    assert_value(r, value);
}

static void fields_and_line_ends(void **state)
{
    (void)state;
    struct jt_csv csv;
    struct jt_csv_record r;
    open_text(&csv, "a,b,c\r\n1,2,3\n,,\r\nx,\"y\",z\n4,5,6");
    csv.column = 1;
    next(&csv, &r, 3, "b");
    assert_int_equal(r.raw_len, 7);
    next(&csv, &r, 3, "2");
    assert_int_equal(r.line, 2);
    next(&csv, &r, 3, "");
    next(&csv, &r, 3, "y");
    next(&csv, &r, 3, "5");
    assert_int_equal(r.line, 5);
    assert_int_equal(r.raw_len, 5);
    assert_int_equal(jt_csv_next(&csv, &r), JT_ERR_NO_RECORD);
    assert_int_equal(jt_csv_next(&csv, &r), JT_ERR_NO_RECORD);
    assert_int_equal(csv.consumed, strlen("a,b,c\r\n1,2,3\n,,\r\nx,\"y\",z\n4,5,6"));
    close_text(&csv);
}

static void the_last_field_and_the_only_field(void **state)
{
    (void)state;
    struct jt_csv csv;
    struct jt_csv_record r;
    open_text(&csv, "a,b\r\nc,d\n\n\r\ne,\nf,g\r");
    csv.column = 1;
    next(&csv, &r, 2, "b");
    next(&csv, &r, 2, "d");
    csv.column = 0;
    next(&csv, &r, 1, ""); /* an empty line is a record of one empty field */
    next(&csv, &r, 1, "");
    csv.column = 1;
    next(&csv, &r, 2, "");
    next(&csv, &r, 2, "g");
    close_text(&csv);
    open_text(&csv, "");
    assert_int_equal(jt_csv_next(&csv, &r), JT_ERR_NO_RECORD);
    close_text(&csv);
}

static void quoted_fields_hold_anything(void **state)
{
    (void)state;
    struct jt_csv csv;
    struct jt_csv_record r;
    open_text(&csv, "\"a,\"\"b\"\"\r\nc\",d\n\"\",x\r\n\"\"\"\",y\nz,5\" disk\n\"q\"\r\n\"end\"");
    csv.column = 0;
    next(&csv, &r, 2, "a,\"b\"\r\nc");
    next(&csv, &r, 2, "");
    assert_int_equal(r.line, 3); /* the line end inside the quotes counts */
    next(&csv, &r, 2, "\"");
    csv.column = 1;
    next(&csv, &r, 2, "5\" disk");
    csv.column = 0;
    next(&csv, &r, 1, "q");
    next(&csv, &r, 1, "end");
    close_text(&csv);
}

static void bad_quoting_is_told_and_the_next_record_is_fine(void **state)
{
    (void)state;
    struct jt_csv csv;
    struct jt_csv_record r;
    open_text(&csv, "\"a\"x,1\n\"b\"\r\"c\",2\nd,3\n");
    csv.column = 1;
    assert_int_equal(jt_csv_next(&csv, &r), JT_OK);
    assert_true(r.malformed);
    assert_int_equal(jt_csv_next(&csv, &r), JT_OK);
    assert_true(r.malformed);
    next(&csv, &r, 2, "3");
    assert_int_equal(jt_csv_next(&csv, &r), JT_ERR_NO_RECORD);
    close_text(&csv);
}

static void a_quote_never_closed_is_an_error_of_the_file(void **state)
{
    (void)state;
    struct jt_csv csv;
    struct jt_csv_record r;
    open_text(&csv, "a,1\n\"b\nc\",\"never closed\n5,6\n7,8\n");
    csv.column = 1;
    next(&csv, &r, 2, "1");
    for (int again = 0; again < 2; again++) {
        assert_int_equal(jt_csv_next(&csv, &r), JT_ERR_INVALID);
        assert_int_equal(csv.open_quote_line, 3); /* of the field; its record begins in line 2 */
    }
    close_text(&csv);
    open_text(&csv, "a\n\"");
    next(&csv, &r, 1, "");
    assert_int_equal(jt_csv_next(&csv, &r), JT_ERR_INVALID);
    assert_int_equal(csv.open_quote_line, 2);
    close_text(&csv);
}

static void columns_are_found_by_name(void **state)
{
    (void)state;
    struct jt_csv csv;
    struct jt_csv_record r;
    open_text(&csv, "\xef\xbb\xbf\"id\",\"p\"\"an\",amount,id2,id2\r\n1,2,3,4,5\n");
    assert_int_equal(jt_csv_next(&csv, &r), JT_OK);
    assert_int_equal(jt_csv_find_column(&csv, &r, "nothing"), JT_ERR_NO_COLUMN);
    assert_int_equal(jt_csv_find_column(&csv, &r, "id2"), JT_ERR_COLUMN_TWICE);
    assert_int_equal(jt_csv_find_column(&csv, &r, "id"), JT_OK);
    assert_int_equal(csv.column, 0);
    assert_int_equal(jt_csv_find_column(&csv, &r, "amount"), JT_OK);
    assert_int_equal(csv.column, 2);
    assert_int_equal(jt_csv_find_column(&csv, &r, "p\"an"), JT_OK);
    assert_int_equal(csv.column, 1);
    next(&csv, &r, 5, "2");
    close_text(&csv);
}

static void a_byte_order_mark_is_before_the_first_quote(void **state)
{
    (void)state;
    struct jt_csv csv;
    struct jt_csv_record r;
    open_text(&csv, "\xef\xbb\xbf\"name,\r\nfirst\",pan\r\n\"a,b\",2\n");
    assert_int_equal(jt_csv_next(&csv, &r), JT_OK);
    assert_int_equal(r.n_fields, 2);
    assert_int_equal(r.raw_len, 23);
    assert_int_equal(jt_csv_find_column(&csv, &r, "name,\r\nfirst"), JT_OK);
    assert_int_equal(csv.column, 0);
    assert_int_equal(jt_csv_find_column(&csv, &r, "pan"), JT_OK);
    assert_int_equal(csv.column, 1);
    next(&csv, &r, 2, "2");
    assert_int_equal(r.line, 3);
    close_text(&csv);
    /* Inside the file it is data. */
    open_text(&csv, "x\n\xef\xbb\xbf\"a\n");
    csv.column = 0;
    next(&csv, &r, 1, "x");
    next(&csv, &r, 1, "\xef\xbb\xbf\"a");
    close_text(&csv);
}

static void a_record_without_end_is_bounded(void **state)
{
    (void)state;
    size_t len = JT_CSV_RECORD_MAX + 10;
    char *text = malloc(len);
    assert_non_null(text);
    struct jt_csv csv;
    struct jt_csv_record r;
    for (int quoted = 0; quoted < 2; quoted++) {
        memset(text, 'x', len);
        memcpy(text, quoted ? "a\n\"" : "a\nb", 3);
        jt_csv_init(&csv, file_of(text, len));
        assert_int_equal(jt_csv_next(&csv, &r), JT_OK);
        assert_int_equal(jt_csv_next(&csv, &r), JT_ERR_LIMIT);
        assert_int_equal(csv.line, 2);
        assert_true(csv.window.cap <= JT_CSV_RECORD_MAX + 65536);
        close_text(&csv);
    }
    memset(text, 'x', len);
    text[JT_CSV_RECORD_MAX - 1] = '\n';
    jt_csv_init(&csv, file_of(text, JT_CSV_RECORD_MAX));
    assert_int_equal(jt_csv_next(&csv, &r), JT_OK);
    assert_int_equal(r.raw_len, JT_CSV_RECORD_MAX);
    close_text(&csv);
    free(text);
}

static void a_failing_read_is_told(void **state)
{
    (void)state;
    struct jt_csv csv;
    struct jt_csv_record r;
    jt_csv_init(&csv, -1);
    assert_int_equal(jt_csv_next(&csv, &r), JT_ERR_IO);
    jt_csv_clear(&csv);
}

/*
 * Puts what the parser makes of the text into `told`. The first `split` bytes stand in its window
 * already, as after a read that ended there.
 */
static void read_in_parts(const char *text, size_t len, size_t split, struct jt_buf *told)
{
    struct jt_csv csv;
    struct jt_csv_record r;
    jt_csv_init(&csv, file_of(text + split, len - split));
    csv.column = 1;
    jt_buf_put(&csv.window, text, split);
    enum jt_err err = JT_OK;
    while ((err = jt_csv_next(&csv, &r)) == JT_OK) {
        jt_buf_u64(told, r.line);
        jt_buf_u8(told, r.malformed);
        jt_buf_u32(told, (uint32_t)r.n_fields);
        if (r.n_fields > 1) {
            jt_buf_put(told, r.raw + r.field_at, r.field_len);
        }
        jt_buf_put(told, r.raw, r.raw_len);
    }
    jt_buf_u8(told, (uint8_t)err);
    jt_buf_u64(told, csv.open_quote_line);
    close_text(&csv);
}

static void where_a_read_ends_makes_no_difference(void **state)
{
    (void)state;
    static const char letters[] = "a,\"\r\nb";
    for (int round = 0; round < 3000; round++) {
        uint8_t random[16];
        char text[16];
        jt_random_fill(random, sizeof random);
        size_t len = 1 + random[15] % 14;
        for (size_t i = 0; i < len; i++) {
            text[i] = letters[random[i] % (sizeof letters - 1)];
        }
        struct jt_buf whole;
        jt_buf_init(&whole, 10000);
        read_in_parts(text, len, len, &whole);
        for (size_t split = 0; split < len; split += 1 + random[14] % 3) {
            struct jt_buf parts;
            jt_buf_init(&parts, 10000);
            read_in_parts(text, len, split, &parts);
            assert_int_equal(parts.len, whole.len);
            assert_true(whole.len == 0 || memcmp(parts.data, whole.data, whole.len) == 0);
            jt_buf_clear(&parts);
        }
        jt_buf_clear(&whole);
    }
}

/*
 * Every byte of the input is in exactly one record, whatever the input; but for those from the
 * record with a quote never closed on.
 */
static void records_are_the_whole_file(void **state)
{
    (void)state;
    static const char letters[] = "a,\"\r\n";
    for (int round = 0; round < 3000; round++) {
        uint8_t random[64];
        char text[64];
        jt_random_fill(random, sizeof random);
        for (size_t i = 0; i < sizeof text; i++) {
            text[i] = letters[random[i] % (sizeof letters - 1)];
        }
        struct jt_csv csv;
        struct jt_csv_record r;
        jt_csv_init(&csv, file_of(text, sizeof text));
        csv.column = 0;
        size_t at = 0;
        enum jt_err err = JT_OK;
        while ((err = jt_csv_next(&csv, &r)) == JT_OK) {
            assert_memory_equal(r.raw, text + at, r.raw_len);
            assert_true(r.n_fields > 0 && r.field_at + r.field_len <= r.raw_len);
            at += r.raw_len;
        }
        assert_true(err == JT_ERR_NO_RECORD ? at == sizeof text
                                            : err == JT_ERR_INVALID && at < sizeof text);
        close_text(&csv);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_and_line_ends),
        cmocka_unit_test(the_last_field_and_the_only_field),
        cmocka_unit_test(quoted_fields_hold_anything),
        cmocka_unit_test(bad_quoting_is_told_and_the_next_record_is_fine),
        cmocka_unit_test(a_quote_never_closed_is_an_error_of_the_file),
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(a_byte_order_mark_is_before_the_first_quote),
        cmocka_unit_test(a_record_without_end_is_bounded),
        cmocka_unit_test(a_failing_read_is_told),
        cmocka_unit_test(where_a_read_ends_makes_no_difference),
        cmocka_unit_test(records_are_the_whole_file),
    };
    return cmocka_run_group_tests_name("cli/csv", tests, NULL, NULL);
}
