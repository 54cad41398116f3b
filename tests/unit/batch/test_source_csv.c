/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch/source.h over CSV: delimiters and columns found, values replaced, every other byte as it
 * was, whatever pieces the input comes in.
 */
#include "reading.h"

#include "base/random.h"

#include <stdio.h>

static struct jt_place_spec pan = { "pan" };
static struct jt_format_spec spec = { .kind = JT_FORMAT_CSV, .places = &pan, .n_places = 1 };

static void open_text(struct reading *r, const char *text)
{
    reading_open(r, &spec, text, strlen(text));
}

static void rows_and_their_values(void **state)
{
    (void)state;
    struct reading r;
    const char *text = "id,pan,amount\r\n1,4111111111111111,5\n2,\"5555555555554444\",\"6,5\"\r\n"
                       "\"a\nb\",\"x\"\"y\",3\n4,,\n5,6,7";
    open_text(&r, text);
    assert_string_equal(jt_format_describe(r.format, 0), "column 2, pan");
    const struct jt_record *record = reading_next(&r, JT_RECORD_PASSED);
    assert_int_equal(record->number, 0);
    assert_int_equal(record->line, 1);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "4111111111111111");
    assert_int_equal(record->number, 1);
    assert_int_equal(record->values[0].at, 2);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "5555555555554444");
    assert_int_equal(record->values[0].len, 18);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "x\"y");
    assert_int_equal(record->line, 4);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "");
    assert_int_equal(record->line, 6);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "6");
    assert_int_equal(record->number, 5);
    assert_int_equal(record->end, strlen(text));
    reading_end(&r);
    reading_end(&r);
    reading_close(&r);
}

static void the_delimiter_is_told_from_the_header(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "id,pan\n1,4\n",
        "id;pan\n1;4\n",
        "id\tpan\n1\t4\n",
        "id|pan\n1|4\n",
        "pan\n4\n",
        /* more commas, but only the semicolon makes the column */
        "\"a,b,c\";pan\n1;4\n",
        "a,b,c;pan\n1;4\n",
        /* Excel's line wins */
        "sep=;\r\nid;pan\r\n1;4\n",
        "sep=^\nid^pan\n1^4\n",
        "\xef\xbb\xbfsep=|\nid|pan\n1|4\n",
        "\n\nsep=,\n\nid,pan\n\n1,4\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct reading r;
        open_text(&r, texts[i]);
        do {
            assert_int_equal(jt_source_next(r.source, &r.record, &r.trouble), JT_OK);
        } while (r.record.kind == JT_RECORD_PASSED);
        assert_int_equal(r.record.kind, JT_RECORD_DATA);
        assert_int_equal(r.record.number, 1);
        assert_value(&r, 0, "4");
        reading_end(&r);
        reading_close(&r);
    }
}

static void sep_wins_over_the_option_and_the_option_over_the_header(void **state)
{
    (void)state;
    struct jt_format_spec given = spec;
    struct reading r;
    given.delimiter = ";";
    reading_open(&r, &given, "sep=,\nid,pan\n1,4\n", 17);
    reading_next(&r, JT_RECORD_PASSED);
    reading_next(&r, JT_RECORD_PASSED);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "4");
    reading_close(&r);
    assert_trouble(&given, "id,pan\n", 7, JT_MSG_COLUMN_UNKNOWN, "with , as delimiter");
    given.delimiter = "tab";
    reading_open(&r, &given, "id\tpan\n1,2\t4\n", 13);
    reading_next(&r, JT_RECORD_PASSED);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "4");
    reading_close(&r);
    static const char *const bad[] = { "", ",,", "\"", "\n", "\xc3\xa9", "comma" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        given.delimiter = bad[i];
        assert_trouble(&given, "", 0, JT_MSG_DELIMITER_BAD, "");
    }
}

static void columns_by_name_and_number_and_several(void **state)
{
    (void)state;
    struct jt_place_spec places[] = { { "4" }, { "b\"c" }, { "1" } };
    struct jt_format_spec many = { .kind = JT_FORMAT_CSV, .places = places, .n_places = 3 };
    struct reading r;
    /* The column called 4 is the first. */
    const char *text = "4,\"b\"\"c\",x,y\n1,2,3,4\n";
    places[2].where = "3";
    reading_open(&r, &many, text, strlen(text));
    reading_next(&r, JT_RECORD_PASSED);
    const struct jt_record *record = reading_next(&r, JT_RECORD_DATA);
    assert_int_equal(record->n_values, 3);
    assert_value(&r, 0, "1");
    assert_value(&r, 1, "2");
    assert_value(&r, 2, "3");
    assert_int_equal(record->values[1].place, 1);
    reading_close(&r);
    places[0].where = "y";
    places[2].where = "1";
    reading_open(&r, &many, text, strlen(text));
    reading_next(&r, JT_RECORD_PASSED);
    reading_next(&r, JT_RECORD_DATA);
    assert_int_equal(record->values[0].place, 2);
    assert_int_equal(record->values[2].place, 0);
    assert_value(&r, 2, "4");
    reading_close(&r);
}

static void without_a_header_columns_have_numbers(void **state)
{
    (void)state;
    struct jt_place_spec second = { "2" };
    struct jt_format_spec bare = {
        .kind = JT_FORMAT_CSV, .places = &second, .n_places = 1, .no_header = true
    };
    struct reading r;
    reading_open(&r, &bare, "1;4\n2;5\n", 8);
    assert_string_equal(jt_format_describe(r.format, 0), "column 2");
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "4");
    reading_next(&r, JT_RECORD_DATA);
    reading_end(&r);
    reading_close(&r);
    reading_open(&r, &bare, "", 0);
    reading_end(&r);
    reading_close(&r);
    second.where = "3";
    assert_trouble(&bare, "1;4\n", 4, JT_MSG_COLUMN_UNKNOWN, "1 to 2");
    second.where = "pan";
    assert_trouble(&bare, "pan;4\n", 6, JT_MSG_COLUMN_UNKNOWN, "columns have numbers");
}

static void faulty_rows_and_blank_lines(void **state)
{
    (void)state;
    struct reading r;
    const char *text = "id,pan\n1\n\r\n1,2,3\n\"1\"x,4\n1,\"2\"\r,\n\n1,5\n\n\r\n";
    open_text(&r, text);
    const struct jt_record *record = reading_next(&r, JT_RECORD_PASSED);
    reading_next(&r, JT_RECORD_FAULTY);
    assert_int_equal(record->fault, JT_MSG_COLUMN_COUNT);
    assert_int_equal(record->number, 1);
    assert_int_equal(record->raw_len, 2);
    reading_next(&r, JT_RECORD_PASSED);
    assert_int_equal(record->number, 0);
    reading_next(&r, JT_RECORD_FAULTY);
    reading_next(&r, JT_RECORD_FAULTY);
    assert_int_equal(record->fault, JT_MSG_QUOTE_TEXT);
    reading_next(&r, JT_RECORD_FAULTY);
    reading_next(&r, JT_RECORD_PASSED);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "5");
    assert_int_equal(record->number, 5);
    assert_int_equal(record->line, 8);
    reading_next(&r, JT_RECORD_PASSED);
    reading_next(&r, JT_RECORD_PASSED);
    reading_end(&r);
    reading_close(&r);
}

static void a_quote_never_closed_tells_its_line(void **state)
{
    (void)state;
    struct reading r;
    open_text(&r, "id,pan\n1,2\n\"b\nc\",\"never closed\n5,6\n");
    reading_next(&r, JT_RECORD_PASSED);
    reading_next(&r, JT_RECORD_DATA);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(jt_source_next(r.source, &r.record, &r.trouble), JT_ERR_INVALID);
        assert_int_equal(r.trouble.message, JT_MSG_QUOTE_OPEN);
        assert_int_equal(r.trouble.line, 4);
    }
    reading_close(&r);
}

static void mark_text(const char *text, size_t len, char out[static 64])
{
    (void)snprintf(out, 64, "<%.*s>", (int)len, text);
}

static void unmark_text(const char *text, size_t len, char out[static 64])
{
    assert_true(len >= 2);
    (void)snprintf(out, 64, "%.*s", (int)len - 2, text + 1);
}

static void assert_replaced(const void *input, size_t len, const void *expected,
                            size_t expected_len)
{
    struct jt_buf out, again;
    jt_buf_init(&out, 100000);
    jt_buf_init(&again, 100000);
    reading_replace(&spec, input, len, mark_text, &out);
    assert_int_equal(out.len, expected_len);
    assert_memory_equal(out.data, expected, expected_len);
    reading_replace(&spec, out.data, out.len, unmark_text, &again);
    assert_int_equal(again.len, len);
    assert_memory_equal(again.data, input, len);
    jt_buf_clear(&out);
    jt_buf_clear(&again);
}

static void every_other_byte_stays(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf\"id\" ;pan\r\n1;4\n2;\"5\"\n\n3;\"a\"\"b\"\r\n;;\n7;8";
    static const char expected[] =
        "\xef\xbb\xbf\"id\" ;pan\r\n1;<4>\n2;\"<5>\"\n\n3;\"<a\"\"b>\"\r\n;;\n7;<8>";
    assert_replaced(text, sizeof text - 1, expected, sizeof expected - 1);
}

/* Pairs, halves of pairs that stand alone, and a mark inside. */
static void utf16_goes_there_and_back(void **state)
{
    (void)state;
    static const uint16_t text[] = { 0xfeff, 'i', 'd',  ',',    'p',    'a',    'n',    '\r', '\n',
                                     0x20ac, ',', '4',  '\n',   0xd83d, 0xde00, 0xd83d, ',',  '"',
                                     '5',    '"', '\n', 0xdc00, 0xfeff, ',',    0xe9,   '\n' };
    static const uint16_t expected[] = { 0xfeff, 'i',    'd',    ',', 'p', 'a',  'n',  '\r',
                                         '\n',   0x20ac, ',',    '<', '4', '>',  '\n', 0xd83d,
                                         0xde00, 0xd83d, ',',    '"', '<', '5',  '>',  '"',
                                         '\n',   0xdc00, 0xfeff, ',', '<', 0xe9, '>',  '\n' };
    for (reading_piece = 0; reading_piece < 4; reading_piece++) {
        uint16_t swapped[64], swapped_expected[64];
        assert_replaced(text, sizeof text, expected, sizeof expected);
        for (size_t i = 0; i < sizeof text / 2; i++) {
            swapped[i] = (uint16_t)(text[i] << 8 | text[i] >> 8);
        }
        for (size_t i = 0; i < sizeof expected / 2; i++) {
            swapped_expected[i] = (uint16_t)(expected[i] << 8 | expected[i] >> 8);
        }
        assert_replaced(swapped, sizeof text, swapped_expected, sizeof expected);
    }
    reading_piece = 0;
    struct reading r;
    reading_open(&r, &spec, text, 2 * 15);
    reading_close(&r);
    assert_trouble(&spec, text, 2 * 7 + 1, JT_MSG_UTF16_ODD, "");
}

static void a_new_value_that_would_need_quotes_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "a,b", "\"a", "a\nb", "a\r" };
    struct reading r;
    struct jt_buf out;
    jt_buf_init(&out, 100);
    open_text(&r, "id,pan\n");
    jt_buf_put(&out, "x", 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(
            jt_format_put(r.format, 0, (const uint8_t *)"4", 1, bad[i], strlen(bad[i]), &out),
            JT_ERR_INVALID);
        assert_int_equal(out.len, 1);
    }
    assert_int_equal(jt_format_put(r.format, 0, (const uint8_t *)"\"4\"", 3, "a,\"b", 4, &out),
                     JT_OK);
    assert_memory_equal(out.data, "x\"a,\"\"b\"", out.len);
    out.max = out.len;
    assert_int_equal(jt_format_put(r.format, 0, (const uint8_t *)"4", 1, "5", 1, &out),
                     JT_ERR_LIMIT);
    assert_int_equal(jt_buf_status(&out), JT_OK);
    jt_buf_clear(&out);
    reading_close(&r);
}

static const char trailer[] =
    "JET2002W record-too-long                                                       .";

static void a_reject_has_its_trailer_inside_the_line(void **state)
{
    (void)state;
    struct reading r;
    struct jt_buf out;
    jt_buf_init(&out, 1000);
    open_text(&r, "id,pan\n");
    assert_int_equal(jt_format_put_reject(r.format, (const uint8_t *)"1,2\r\n", 5, trailer, &out),
                     JT_OK);
    assert_int_equal(jt_format_put_reject(r.format, (const uint8_t *)"3", 1, trailer, &out), JT_OK);
    assert_int_equal(out.len, 5 + 80 + 1 + 80);
    assert_memory_equal(out.data, "1,2JET2002W", 11);
    assert_memory_equal(out.data + 83, "\r\n3JET", 6);
    jt_buf_clear(&out);
    reading_close(&r);
}

/* The long record is given in pieces, and what comes behind it is read. */
static void check_long(const char *head, size_t fill, const char *tail, size_t n_lines)
{
    static const char before[] = "id,pan\n1,2\n", behind[] = "3,4\n";
    size_t long_len = strlen(head) + fill + strlen(tail);
    size_t len = sizeof before - 1 + long_len + sizeof behind - 1;
    char *text = malloc(len + 1);
    assert_non_null(text);
    memcpy(text, before, sizeof before);
    memcpy(text + sizeof before - 1, head, strlen(head));
    memset(text + sizeof before - 1 + strlen(head), 'x', fill);
    (void)snprintf(text + sizeof before - 1 + strlen(head) + fill, strlen(tail) + sizeof behind,
                   "%s%s", tail, behind);
    struct reading r;
    struct jt_buf out;
    jt_buf_init(&out, 8 * JT_RECORD_MAX);
    reading_open(&r, &spec, text, len);
    reading_next(&r, JT_RECORD_PASSED);
    reading_next(&r, JT_RECORD_DATA);
    const struct jt_record *record = reading_next(&r, JT_RECORD_TOO_LONG);
    assert_int_equal(record->fault, JT_MSG_RECORD_LONG);
    assert_int_equal(record->number, 2);
    assert_int_equal(record->line, 3);
    bool done = false;
    uint64_t end = 0;
    while (!done) {
        size_t had = out.len;
        assert_int_equal(jt_source_spill(r.source, trailer, &out, &done, &end, &r.trouble), JT_OK);
        assert_true(out.len - had <= 65536 + 82);
    }
    size_t tail_len = strlen(tail);
    size_t line_end = tail_len >= 2 && strcmp(tail + tail_len - 2, "\r\n") == 0 ? 2 : 1;
    const char *raw = text + sizeof before - 1;
    assert_int_equal(end, sizeof before - 1 + long_len);
    assert_int_equal(out.len, long_len + 80);
    assert_memory_equal(out.data, raw, long_len - line_end);
    assert_memory_equal(out.data + long_len - line_end, trailer, 80);
    assert_memory_equal(out.data + out.len - line_end, raw + long_len - line_end, line_end);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "4");
    assert_int_equal(record->line, 3 + n_lines);
    assert_int_equal(record->end, len);
    reading_end(&r);
    reading_close(&r);
    jt_buf_clear(&out);
    free(text);
}

static void records_of_many_megabytes_are_spilled(void **state)
{
    (void)state;
    static const size_t pieces[] = { 0, 1000, 65537 };
    for (size_t i = 0; i < 3; i++) {
        reading_piece = pieces[i];
        check_long("5,", JT_RECORD_MAX - 2, "\n", 1);
        check_long("5,", JT_RECORD_MAX, "\r\n", 1);
        check_long("5,", 5 * JT_RECORD_MAX + 77, "\r\n", 1);
        check_long("5,\"a\nb\"\"", 3 * JT_RECORD_MAX, "\n\n,\"\r\n", 4);
    }
    reading_piece = 0;
}

static void the_longest_record_is_read(void **state)
{
    (void)state;
    size_t len = 7 + JT_RECORD_MAX;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'x', len);
    memcpy(text, "id,pan\n1,", 9);
    text[len - 1] = '\n';
    struct reading r;
    reading_open(&r, &spec, text, len);
    reading_next(&r, JT_RECORD_PASSED);
    assert_int_equal(reading_next(&r, JT_RECORD_DATA)->raw_len, JT_RECORD_MAX);
    reading_end(&r);
    reading_close(&r);
    free(text);
}

static void a_long_record_with_an_open_quote_ends_the_file(void **state)
{
    (void)state;
    size_t len = 3 * JT_RECORD_MAX;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, '\n', len);
    memcpy(text, "id,pan\n1,\"", 10);
    struct reading r;
    struct jt_buf out;
    bool done = false;
    uint64_t end;
    enum jt_err err = JT_OK;
    jt_buf_init(&out, 8 * JT_RECORD_MAX);
    reading_open(&r, &spec, text, len);
    reading_next(&r, JT_RECORD_PASSED);
    reading_next(&r, JT_RECORD_TOO_LONG);
    while (err == JT_OK) {
        err = jt_source_spill(r.source, trailer, &out, &done, &end, &r.trouble);
        assert_false(done);
    }
    assert_int_equal(err, JT_ERR_INVALID);
    assert_int_equal(r.trouble.message, JT_MSG_QUOTE_OPEN);
    assert_int_equal(r.trouble.line, 2);
    jt_buf_clear(&out);
    reading_close(&r);
    free(text);
}

static void utf16_is_spilled_by_whole_characters(void **state)
{
    (void)state;
    size_t n = 3 * JT_RECORD_MAX / 4;
    uint16_t *text = malloc(2 * (n + 10));
    assert_non_null(text);
    static const uint16_t head[] = { 0xfeff, 'p', 'a', 'n', '\n' };
    memcpy(text, head, sizeof head);
    for (size_t i = 0; i < n; i++) {
        text[5 + i] = i % 3 == 0 ? 'a' : 0x20ac;
    }
    struct reading r;
    struct jt_buf part, out;
    bool done = false;
    uint64_t end = 0;
    jt_buf_init(&part, 70000);
    jt_buf_init(&out, 8 * JT_RECORD_MAX);
    reading_open(&r, &spec, text, 2 * (n + 5));
    reading_next(&r, JT_RECORD_PASSED);
    reading_next(&r, JT_RECORD_TOO_LONG);
    while (!done) {
        assert_int_equal(jt_source_spill(r.source, trailer, &part, &done, &end, &r.trouble), JT_OK);
        assert_int_equal(jt_source_put(r.source, part.data, part.len, &out), JT_OK);
        jt_buf_reset(&part);
    }
    assert_int_equal(end, 2 * (n + 5));
    assert_int_equal(out.len, 2 * (n + 80));
    assert_memory_equal(out.data, text + 5, 2 * n);
    jt_buf_clear(&part);
    jt_buf_clear(&out);
    reading_close(&r);
    free(text);
}

/* What came out of an input: of each record all that must be the same again. */
static void list(const char *text, size_t len, struct jt_buf *told)
{
    struct reading r;
    enum jt_err err = reading_try(&r, &spec, text, len);
    while (err == JT_OK) {
        do {
            err = jt_source_next(r.source, &r.record, &r.trouble);
        } while (err == JT_ERR_IO);
        if (err != JT_OK) {
            break;
        }
        const struct jt_record *record = &r.record;
        jt_buf_u8(told, record->kind);
        jt_buf_put(told, record->raw, record->raw_len);
        jt_buf_u64(told, record->number);
        jt_buf_u64(told, record->line);
        jt_buf_u64(told, record->end);
        jt_buf_u64(told, record->fault);
        for (size_t i = 0; i < record->n_values; i++) {
            jt_buf_u64(told, record->values[i].at);
            jt_buf_u64(told, record->values[i].len);
            jt_buf_put(told, record->values[i].text, record->values[i].text_len);
        }
    }
    jt_buf_u8(told, (uint8_t)err);
    jt_buf_u64(told, err == JT_ERR_INVALID ? r.trouble.line : 0);
    reading_close(&r);
}

static void where_a_read_ends_makes_no_difference(void **state)
{
    (void)state;
    static const char letters[] = ",,\"\"\r\n\n;b";
    for (int round = 0; round < 3000; round++) {
        uint8_t random[24];
        char text[32] = "id,pan\n";
        size_t len = 7;
        jt_random_fill(random, sizeof random);
        for (size_t i = 0; i < random[23] % 23u; i++) {
            text[len++] = letters[random[i] % (sizeof letters - 1)];
        }
        struct jt_buf whole, parts;
        jt_buf_init(&whole, 10000);
        jt_buf_init(&parts, 10000);
        reading_piece = 0;
        list(text, len, &whole);
        reading_piece = 1 + random[22] % 5;
        reading_interruptions = random[21] % 5;
        list(text, len, &parts);
        assert_int_equal(parts.len, whole.len);
        assert_memory_equal(parts.data, whole.data, whole.len);
        jt_buf_clear(&whole);
        jt_buf_clear(&parts);
    }
    reading_piece = reading_interruptions = 0;
}

/* Random files: replacing and replacing back gives the same bytes. */
static void replacing_back_gives_the_same_file(void **state)
{
    (void)state;
    static const char *const cells[] = { "",         "4",        "\"\"",      "\"5\"", "\"a,b\"",
                                         "\"\"\"\"", "\"x\ny\"", "plain 5\"", " ",     "\xc3\xa9" };
    static const char *const ends[] = { "\n", "\r\n", "\n\n", "\n\r\n" };
    for (int round = 0; round < 500; round++) {
        uint8_t random[64];
        char text[1024];
        jt_random_fill(random, sizeof random);
        int len = snprintf(text, sizeof text, "%sid,pan,x%s", random[0] % 2 ? "\xef\xbb\xbf" : "",
                           ends[random[1] % 4]);
        for (size_t i = 2; i + 4 <= 2 + 4u * (random[2] % 15u); i += 4) {
            len += snprintf(text + len, sizeof text - (size_t)len, "%s,%s,%s%s",
                            cells[random[i] % 10], cells[random[i + 1] % 10],
                            cells[random[i + 2] % 10], ends[random[i + 3] % 4]);
        }
        struct jt_buf out, again;
        jt_buf_init(&out, 10000);
        jt_buf_init(&again, 10000);
        reading_replace(&spec, text, (size_t)len, mark_text, &out);
        reading_replace(&spec, out.data, out.len, unmark_text, &again);
        assert_int_equal(again.len, len);
        assert_memory_equal(again.data, text, again.len);
        jt_buf_clear(&out);
        jt_buf_clear(&again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_their_values),
        cmocka_unit_test(the_delimiter_is_told_from_the_header),
        cmocka_unit_test(sep_wins_over_the_option_and_the_option_over_the_header),
        cmocka_unit_test(columns_by_name_and_number_and_several),
        cmocka_unit_test(without_a_header_columns_have_numbers),
        cmocka_unit_test(faulty_rows_and_blank_lines),
        cmocka_unit_test(a_quote_never_closed_tells_its_line),
        cmocka_unit_test(every_other_byte_stays),
        cmocka_unit_test(utf16_goes_there_and_back),
        cmocka_unit_test(a_new_value_that_would_need_quotes_is_refused),
        cmocka_unit_test(a_reject_has_its_trailer_inside_the_line),
        cmocka_unit_test(records_of_many_megabytes_are_spilled),
        cmocka_unit_test(the_longest_record_is_read),
        cmocka_unit_test(a_long_record_with_an_open_quote_ends_the_file),
        cmocka_unit_test(utf16_is_spilled_by_whole_characters),
        cmocka_unit_test(where_a_read_ends_makes_no_difference),
        cmocka_unit_test(replacing_back_gives_the_same_file),
    };
    return cmocka_run_group_tests_name("batch/source: CSV", tests, NULL, NULL);
}
