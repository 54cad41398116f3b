/* SPDX-License-Identifier: Apache-2.0 */
/* batch/source.h over JSON lines: values by path, every other byte as it was. */
#include "reading.h"

#include "base/random.h"

#include <stdio.h>

static struct jt_place_spec place;
static struct jt_format_spec spec = { .kind = JT_FORMAT_JSON, .places = &place, .n_places = 1 };

/* One line, one path: its values with bars between; "!" is a fault and "-" blank. */
static const struct {
    const char *path, *line, *values;
} vectors[] = {
    { "pan", "{\"pan\":\"4111111111111111\"}", "4111111111111111|" },
    { "pan", " { \"a\" : [1,{\"pan\":\"2\"}] , \"pan\" : \"4\" } ", "4|" },
    { "pan", "{\"pan\":4111111111111111111}", "4111111111111111111|" },
    { "pan", "{\"pan\":\"\\u0034\\/\\\"\\n\\ud83d\\ude00\"}", "4/\"\n\xf0\x9f\x98\x80|" },
    { "pan", "{\"p\\u0061n\":\"4\"}", "4|" },
    { "pan", "{\"pan\":null}", "-|" },
    { "pan", "{\"pan\":\"\"}", "-|" },
    { "pan", "{\"a\":1}", "-|" },
    { "pan", "{}", "-|" },
    { "pan", "{\"pan\":4.5}", "!|" },
    { "pan", "{\"pan\":-4}", "!|" },
    { "pan", "{\"pan\":4e5}", "!|" },
    { "pan", "{\"pan\":true}", "!|" },
    { "pan", "{\"pan\":[\"4\"]}", "!|" },
    { "pan", "{\"pan\":{\"pan\":\"4\"}}", "!|" },
    { "pan", "[]", "!|" },
    { "card.pan", "{\"card\":{\"x\":\"}\\\\\\\"{\",\"pan\":\"4\"}}", "4|" },
    { "card.pan", "{\"card\":null}", "-|" },
    { "card.pan", "{\"card\":\"4\"}", "!|" },
    { "cards[1].pan", "{\"cards\":[{\"pan\":\"4\"},{\"pan\":\"5\"}]}", "5|" },
    { "cards[2].pan", "{\"cards\":[{\"pan\":\"4\"},{\"pan\":\"5\"}]}", "-|" },
    { "cards[*].pan", "{\"cards\":[{\"pan\":\"4\"},{},{\"pan\":\"5\"}]}", "4|-|5|" },
    { "cards[*].pan", "{\"cards\":[]}", "" },
    { "cards[*].pan", "{\"cards\":{}}", "!|" },
    { "[*]", "[\"4\",\"5\"]", "4|5|" },
    { "/cards/0/pan", "{\"cards\":[{\"pan\":\"4\"}]}", "4|" },
    { "/cards/0/pan", "{\"cards\":{\"0\":{\"pan\":\"4\"}}}", "4|" },
    { "/a~1b", "{\"a/b\":\"4\"}", "4|" },
    { "cards[0]", "{\"cards\":{\"0\":\"4\"}}", "!|" },
};

static void values_are_found_by_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct reading r;
        char told[200] = "";
        place.where = vectors[i].path;
        reading_open(&r, &spec, vectors[i].line, strlen(vectors[i].line));
        const struct jt_record *record = reading_next(&r, JT_RECORD_DATA);
        for (size_t v = 0; v < record->n_values; v++) {
            const struct jt_record_value *value = &record->values[v];
            assert_true(value->at + value->len <= record->raw_len);
            (void)snprintf(told + strlen(told), sizeof told - strlen(told), "%.*s|",
                           value->fault != JT_MSG_NONE ? 1
                           : value->text_len == 0      ? 1
                                                       : (int)value->text_len,
                           value->fault != JT_MSG_NONE ? "!"
                           : value->text_len == 0      ? "-"
                                                       : value->text);
        }
        if (strcmp(told, vectors[i].values) != 0) {
            fail_msg("%s of %s: %s", vectors[i].path, vectors[i].line, told);
        }
        reading_end(&r);
        reading_close(&r);
    }
}

static void several_paths_in_the_order_of_the_line(void **state)
{
    (void)state;
    struct jt_place_spec places[] = { { "z" }, { "a" }, { "none" } };
    struct jt_format_spec many = { .kind = JT_FORMAT_JSON, .places = places, .n_places = 3 };
    struct reading r;
    const char *line = "{\"a\":\"4\",\"z\":\"5\"}";
    reading_open(&r, &many, line, strlen(line));
    const struct jt_record *record = reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "4");
    assert_value(&r, 1, "5");
    assert_value(&r, 2, "");
    assert_int_equal(record->values[0].place, 1);
    assert_int_equal(record->values[1].place, 0);
    reading_close(&r);
    places[0].where = "/a";
    reading_open(&r, &many, line, strlen(line));
    assert_int_equal(reading_next(&r, JT_RECORD_FAULTY)->fault, JT_MSG_VALUES_MEET);
    reading_close(&r);
}

static void faulty_and_blank_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum jt_message fault; /* JT_MSG_NONE: passes */
    } lines[] = {
        { "\n", JT_MSG_NONE },
        { " \t\r\n", JT_MSG_NONE },
        { "x\n", JT_MSG_JSON_BAD },
        { "{\"pan\":\"4\"\n", JT_MSG_JSON_BAD },
        { "{\"pan\":\"4\"}}\n", JT_MSG_JSON_BAD },
        { "{\"pan\":\"\xff\"}\n", JT_MSG_JSON_BAD },
        { "{\"pan\":\"\\ud800\"}\n", JT_MSG_JSON_BAD },
        { "\"4\"\n", JT_MSG_JSON_BAD },
        { "{\"pan\":\"4\",\"p\\u0061n\":\"5\"}\n", JT_MSG_JSON_TWICE },
        { "{\"a\":[{\"b\":1,\"b\":2}],\"pan\":\"4\"}\n", JT_MSG_JSON_TWICE },
    };
    place.where = "pan";
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct reading r;
        char text[200];
        (void)snprintf(text, sizeof text, "%s{\"pan\":\"5\"}", lines[i].line);
        reading_open(&r, &spec, text, strlen(text));
        const struct jt_record *record =
            reading_next(&r, lines[i].fault == JT_MSG_NONE ? JT_RECORD_PASSED : JT_RECORD_FAULTY);
        assert_int_equal(record->fault, lines[i].fault);
        assert_int_equal(record->n_values, 0);
        assert_int_equal(record->number, lines[i].fault != JT_MSG_NONE);
        reading_next(&r, JT_RECORD_DATA);
        assert_value(&r, 0, "5");
        reading_close(&r);
    }
}

static void too_many_values_reject_the_record(void **state)
{
    (void)state;
    char line[1000] = "[0";
    place.where = "[*]";
    for (int n = 2; n <= JT_RECORD_MAX_VALUES + 1; n++) {
        struct reading r;
        strncat(line, ",1", sizeof line - strlen(line) - 1);
        char closed[1003];
        (void)snprintf(closed, sizeof closed, "%s]", line);
        reading_open(&r, &spec, closed, strlen(closed));
        bool fits = n <= JT_RECORD_MAX_VALUES;
        const struct jt_record *record = reading_next(&r, fits ? JT_RECORD_DATA : JT_RECORD_FAULTY);
        assert_int_equal(record->n_values, fits ? n : 0);
        assert_int_equal(record->fault, fits ? JT_MSG_NONE : JT_MSG_VALUES_MANY);
        reading_close(&r);
    }
}

static void turn_digits(const char *text, size_t len, char out[static 64])
{
    (void)snprintf(out, 64, "%.*s", (int)len, text);
    for (size_t i = 0; i < len; i++) {
        out[i] = out[i] >= '1' && out[i] <= '9' ? (char)('1' + '9' - out[i]) : out[i];
    }
}

static void every_other_byte_stays(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf { \"pan\" : \"41\" , \"x\":\"\\u0041\" }\r\n\n"
                               "{\"pan\":37}\n{\"pan\":null}\n{\"pan\":\"a\\\"\xc3\xa9\"}";
    static const char expected[] = "\xef\xbb\xbf { \"pan\" : \"69\" , \"x\":\"\\u0041\" }\r\n\n"
                                   "{\"pan\":73}\n{\"pan\":null}\n{\"pan\":\"a\\\"\xc3\xa9\"}";
    struct jt_buf out, again;
    place.where = "pan";
    jt_buf_init(&out, 1000);
    jt_buf_init(&again, 1000);
    reading_replace(&spec, text, sizeof text - 1, turn_digits, &out);
    assert_int_equal(out.len, sizeof expected - 1);
    assert_memory_equal(out.data, expected, out.len);
    reading_replace(&spec, out.data, out.len, turn_digits, &again);
    assert_int_equal(again.len, sizeof text - 1);
    assert_memory_equal(again.data, text, again.len);
    jt_buf_clear(&out);
    jt_buf_clear(&again);
}

static void utf16_lines(void **state)
{
    (void)state;
    uint8_t text[100];
    struct reading r;
    const char *line = "\xfe{\"pan\":\"4\"}";
    size_t len = 2;
    memcpy(text, "\xff\xfe", 2);
    for (const char *p = line + 1; *p != '\0'; p++) {
        text[len++] = (uint8_t)*p;
        text[len++] = 0;
    }
    place.where = "pan";
    reading_open(&r, &spec, text, len);
    assert_int_equal(reading_next(&r, JT_RECORD_DATA)->end, len);
    assert_value(&r, 0, "4");
    reading_close(&r);
}

static void a_new_value_is_of_the_same_kind(void **state)
{
    (void)state;
    static const struct {
        const char *old, *text, *expected; /* NULL: refused */
    } puts[] = {
        { "\"4\"", "tok", "\"tok\"" }, { "\"4\"", "a\"\\\n", "\"a\\\"\\\\\\u000a\"" },
        { "4", "99", "99" },           { "4", "099", NULL },
        { "4", "9a", NULL },           { "4", "", NULL },
        { "null", "4", NULL },         { "", "4", NULL },
    };
    struct reading r;
    place.where = "pan";
    reading_open(&r, &spec, "", 0);
    for (size_t i = 0; i < sizeof puts / sizeof puts[0]; i++) {
        struct jt_buf out;
        jt_buf_init(&out, 100);
        enum jt_err err =
            jt_format_put(r.format, 0, (const uint8_t *)puts[i].old, strlen(puts[i].old),
                          puts[i].text, strlen(puts[i].text), &out);
        assert_int_equal(err, puts[i].expected != NULL ? JT_OK : JT_ERR_INVALID);
        assert_int_equal(out.len, puts[i].expected != NULL ? strlen(puts[i].expected) : 0);
        assert_true(out.len == 0 || memcmp(out.data, puts[i].expected, out.len) == 0);
        jt_buf_clear(&out);
    }
    reading_close(&r);
}

static void long_lines_are_spilled(void **state)
{
    (void)state;
    static const char trailer[] =
        "JET2002W record-too-long                                                       .";
    size_t len = 2 * JT_RECORD_MAX;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, '"', len);
    memcpy(text + len - 12, "\n{\"pan\":\"4\"}", 12);
    struct reading r;
    struct jt_buf out;
    bool done = false;
    uint64_t end = 0;
    place.where = "pan";
    jt_buf_init(&out, 4 * JT_RECORD_MAX);
    reading_open(&r, &spec, text, len);
    reading_next(&r, JT_RECORD_TOO_LONG);
    while (!done) {
        assert_int_equal(jt_source_spill(r.source, trailer, &out, &done, &end, &r.trouble), JT_OK);
    }
    assert_int_equal(out.len, len - 11 + 80);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "4");
    jt_buf_clear(&out);
    reading_close(&r);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_by_path),
        cmocka_unit_test(several_paths_in_the_order_of_the_line),
        cmocka_unit_test(faulty_and_blank_lines),
        cmocka_unit_test(too_many_values_reject_the_record),
        cmocka_unit_test(every_other_byte_stays),
        cmocka_unit_test(utf16_lines),
        cmocka_unit_test(a_new_value_is_of_the_same_kind),
        cmocka_unit_test(long_lines_are_spilled),
    };
    return cmocka_run_group_tests_name("batch/source: JSON lines", tests, NULL, NULL);
}
