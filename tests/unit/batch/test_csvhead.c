/* SPDX-License-Identifier: Apache-2.0 */
/* batch/csvhead.h: headers that cannot be, by way of batch/source.h. */
#include "reading.h"

static struct jt_place_spec pan = { "pan" };
static struct jt_format_spec spec = { .kind = JT_FORMAT_CSV, .places = &pan, .n_places = 1 };

static void what_is_wrong_with_a_header_is_said(void **state)
{
    (void)state;
    struct jt_place_spec two[] = { { "pan" }, { "2" } };
    struct jt_format_spec same = { .kind = JT_FORMAT_CSV, .places = two, .n_places = 2 };
    assert_trouble(&spec, "id,card,\"a\nb\"\n", 14, JT_MSG_COLUMN_UNKNOWN,
                   "pan; there are: id, card, \"a?b\"");
    assert_trouble(&spec, "pan,x,pan\n", 10, JT_MSG_COLUMN_TWICE, "pan");
    assert_trouble(&same, "id,pan\n", 7, JT_MSG_COLUMN_SAME, "2");
    assert_trouble(&spec, "", 0, JT_MSG_HEADER_MISSING, "");
    assert_trouble(&spec, "\xef\xbb\xbf", 3, JT_MSG_HEADER_MISSING, "");
    assert_trouble(&spec, "\n\n", 2, JT_MSG_HEADER_MISSING, "");
    assert_trouble(&spec, "i\0d\0,\0p\0a\0n\0\n\0", 14, JT_MSG_COLUMN_UNKNOWN, "UTF-16");
    assert_trouble(&spec, "id,\"pan\n1,4\n", 12, JT_MSG_QUOTE_OPEN, "");
    /* A record that was taken for a header is not shown. */
    struct reading r;
    const char *record = "1,4111111111111111,x\n";
    assert_int_equal(reading_try(&r, &spec, record, strlen(record)), JT_ERR_INVALID);
    assert_non_null(strstr(r.trouble.detail, "looks like a record"));
    assert_null(strstr(r.trouble.detail, "4111"));
    reading_close(&r);
}

/* A column by its number is found in any line: a card number there would stay as it is. */
static void a_record_is_no_header(void **state)
{
    (void)state;
    struct jt_place_spec second = { "2" };
    struct jt_format_spec given = { .kind = JT_FORMAT_CSV, .places = &second, .n_places = 1 };
    static const char *const records[] = { "1,4111111111111111\n", "1;\"4111-1111-1111-1111\"\n",
                                           "1,jtk_959zb1c6h6qv3rc518ya07np8c\n" };
    struct reading r;
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        assert_trouble(&given, records[i], strlen(records[i]), JT_MSG_HEADER_IS_RECORD, "column 2");
    }
    given.no_header = true;
    reading_open(&r, &given, records[0], strlen(records[0]));
    reading_next(&r, JT_RECORD_DATA);
    reading_close(&r);
    given.no_header = false;
    reading_open(&r, &given, "4111111111111111,card 41111111111111\n", 37);
    reading_next(&r, JT_RECORD_PASSED);
    reading_close(&r);
    assert_trouble(&spec, "id,pan\r1,2\r", 11, JT_MSG_COLUMN_UNKNOWN, "CR alone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_a_header_is_said),
        cmocka_unit_test(a_record_is_no_header),
    };
    return cmocka_run_group_tests_name("batch/csvhead", tests, NULL, NULL);
}
