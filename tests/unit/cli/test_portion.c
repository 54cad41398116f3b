/* SPDX-License-Identifier: Apache-2.0 */
/* cli/portion.h: rows to a request, a reply to rows, rows to files; hostile replies refused. */
#include "cli/portion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static struct jt_reasons reasons;
static struct jt_portion portion;
static struct jt_buf out, rejects;
static uint64_t n_accepted;

static int set_up(void **state)
{
    (void)state;
    memset(&reasons, 0, sizeof reasons);
    n_accepted = 0;
    jt_buf_init(&out, 100000);
    jt_buf_init(&rejects, 100000);
    return jt_portion_init(&portion, &jt_direction_tokenize, &reasons, 10);
}

static int tear_down(void **state)
{
    (void)state;
    jt_portion_clear(&portion);
    jt_buf_clear(&out);
    jt_buf_clear(&rejects);
    return 0;
}

/* Adds the records of a CSV text without header; `column` is the wanted one. */
static void add(const char *text, size_t column, size_t n_columns)
{
    int fd = memfd_create("csv", MFD_CLOEXEC);
    struct jt_csv csv;
    struct jt_csv_record r;
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    jt_csv_init(&csv, fd);
    csv.column = column;
    while (jt_portion_has_room(&portion) && jt_csv_next(&csv, &r) == JT_OK) {
        assert_int_equal(jt_portion_add(&portion, &r, n_columns), JT_OK);
    }
    jt_csv_clear(&csv);
    close(fd);
}

static void assert_holds(const struct jt_buf *b, const char *expected)
{
    assert_int_equal(b->len, strlen(expected));
    assert_true(b->len == 0 || memcmp(b->data, expected, b->len) == 0);
}

static enum jt_err apply(const char *reply)
{
    struct jt_buf body;
    jt_buf_init(&body, 100000);
    jt_buf_put(&body, reply, strlen(reply));
    enum jt_err err = jt_portion_apply(&portion, &body);
    jt_buf_clear(&body);
    return err;
}

static void write_out(void)
{
    assert_int_equal(jt_portion_write(&portion, &out, &rejects, &n_accepted), JT_OK);
}

static void a_column_is_replaced_and_nothing_else(void **state)
{
    (void)state;
    add("1,4111111111111111,\"a,\"\"b\"\r\n2,\"5555555555554444\",c\n3,378282246310005,d", 1, 3);
    assert_int_equal(jt_portion_make_request(&portion), JT_OK);
    assert_holds(&portion.request, "{\"items\":[{\"pan\":\"4111111111111111\"},{\"pan\":"
                                   "\"5555555555554444\"},{\"pan\":\"378282246310005\"}]}");
    assert_int_equal(apply("{\"results\":[{\"status\":200,\"token\":\"jtk_1\"},{\"status\":200,"
                           "\"token\":\"jtk_2\"},"
                           "{\"status\":200,\"token\":\"jtk_3\"}]}"),
                     JT_OK);
    assert_int_equal(portion.n_pending, 0);
    write_out();
    assert_holds(&out, "1,jtk_1,\"a,\"\"b\"\r\n2,jtk_2,c\n3,jtk_3,d");
    assert_holds(&rejects, "");
    assert_int_equal(n_accepted, 3);
}

static void rejected_rows_tell_line_and_reason_and_never_the_value(void **state)
{
    (void)state;
    add("4111111111111112\n4111111111111111\n\n", 0, 1);
    assert_int_equal(jt_portion_make_request(&portion), JT_OK);
    assert_int_equal(apply("{\"results\":[{\"status\":422,\"type\":\"urn:jeton:problem:pan-bad-"
                           "luhn\",\"title\":\"t\"},"
                           "{\"status\":200,\"token\":\"jtk_1\"},{\"status\":500,\"type\":\"urn:"
                           "jeton:problem:undecryptable\"}]}"),
                     JT_OK);
    write_out();
    assert_holds(&out, "jtk_1\n");
    assert_holds(&rejects, "1,pan-bad-luhn\n3,undecryptable\n");
    assert_int_equal(reasons.n, 2);
    assert_int_equal(reasons.counts[0], 1);
}

static void unavailable_rows_stay_and_are_asked_again(void **state)
{
    (void)state;
    add("411111111111\n422222222222\n433333333333\n", 0, 1);
    assert_int_equal(jt_portion_make_request(&portion), JT_OK);
    assert_int_equal(
        apply("{\"results\":[{\"status\":503},{\"status\":200,\"token\":\"b\"},{\"status\":429}]}"),
        JT_OK);
    assert_int_equal(portion.n_pending, 2);
    assert_int_equal(jt_portion_make_request(&portion), JT_OK);
    assert_holds(&portion.request,
                 "{\"items\":[{\"pan\":\"411111111111\"},{\"pan\":\"433333333333\"}]}");
    assert_int_equal(
        apply("{\"results\":[{\"status\":200,\"token\":\"a\"},{\"status\":200,\"token\":\"c\"}]}"),
        JT_OK);
    write_out();
    assert_holds(&out, "a\nb\nc\n");
}

static void what_a_guess_brake_holds_is_a_reject(void **state)
{
    (void)state;
    add("411111111111\n422222222222\n433333333333\n", 0, 1);
    assert_int_equal(jt_portion_make_request(&portion), JT_OK);
    assert_int_equal(
        apply("{\"results\":[{\"status\":429,\"type\":\"urn:jeton:problem:guess-brake\"},"
              "{\"status\":200,\"token\":\"b\"},"
              "{\"status\":429,\"type\":\"urn:jeton:problem:opening-rate\"}]}"),
        JT_OK);
    assert_int_equal(portion.n_pending, 1); /* the last one, which passes soon */
    assert_int_equal(apply("{\"results\":[{\"status\":200,\"token\":\"c\"}]}"), JT_OK);
    write_out();
    assert_holds(&out, "b\nc\n");
    assert_holds(&rejects, "1,guess-brake\n");
}

static void what_json_cannot_hold_is_refused_without_asking(void **state)
{
    (void)state;
    char text[400] = "4111\x01"
                     "1111,x\n\xff\xfe,x\n\"a\nb\",x\n,x\n\"q\"\"\\\",x\n";
    memset(text + strlen(text), '1', 150);
    strncat(text, ",x\n", 4);
    add(text, 0, 2);
    assert_int_equal(portion.n_rows, 6);
    assert_int_equal(portion.n_pending, 2);
    assert_int_equal(jt_portion_make_request(&portion), JT_OK);
    assert_holds(&portion.request, "{\"items\":[{\"pan\":\"\"},{\"pan\":\"q\\\"\\\\\"}]}");
    assert_int_equal(
        apply("{\"results\":[{\"status\":422,\"type\":\"urn:jeton:problem:pan-empty\"},"
              "{\"status\":422,\"type\":\"urn:jeton:problem:pan-not-digits\"}]}"),
        JT_OK);
    write_out();
    assert_holds(&rejects, "1,pan-not-digits\n2,pan-not-digits\n3,pan-not-digits\n5,pan-empty\n6,"
                           "pan-not-digits\n7,pan-too-long\n");
}

static void a_nul_is_refused_without_asking(void **state)
{
    (void)state;
    const struct jt_csv_record record = {
        .raw = "4111\0001\n", .raw_len = 7, .line = 9, .n_fields = 1, .field_len = 6
    };
    assert_int_equal(jt_portion_add(&portion, &record, 1), JT_OK);
    assert_int_equal(portion.n_pending, 0);
    write_out();
    assert_holds(&rejects, "9,pan-not-digits\n");
}

static void rows_that_are_no_proper_csv(void **state)
{
    (void)state;
    add("1,2\n1,2,3\n1\n\"a\"b,2\n", 1, 2);
    assert_int_equal(portion.n_pending, 1);
    assert_int_equal(jt_portion_make_request(&portion), JT_OK);
    assert_int_equal(apply("{\"results\":[{\"status\":200,\"token\":\"t\"}]}"), JT_OK);
    write_out();
    assert_holds(&out, "1,t\n");
    assert_holds(&rejects, "2,csv-field-count\n3,csv-field-count\n4,csv-malformed\n");
}

static void replies_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "nonsense",
        "{\"results\":{}}",
        "{\"results\":[]}",
        "{\"results\":[{\"status\":200,\"token\":\"a\"},{\"status\":200}]}",
        "{\"results\":[1]}",
        "{\"results\":[{\"status\":\"200\",\"token\":\"a\"}]}",
        "{\"results\":[{\"status\":200}]}",
        "{\"results\":[{\"status\":200,\"token\":7}]}",
        "{\"results\":[{\"status\":200,\"token\":\"\"}]}",
        "{\"results\":[{\"status\":200,\"token\":\"a,b\"}]}",
        "{\"results\":[{\"status\":200,\"token\":\"a\\nb\"}]}",
        "{\"results\":[{\"status\":200,\"token\":\"=a\"}]}",
        "{\"results\":[{\"status\":0}]}",
        "{\"results\":[{\"status\":100000}]}",
        "{\"results\":[{\"status\":200,\"status\":200,\"token\":\"a\"}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        jt_portion_reset(&portion);
        add("4111111111111111\n", 0, 1);
        assert_int_equal(apply(bad[i]), JT_ERR_PROTOCOL);
    }
}

static void a_card_number_is_digits(void **state)
{
    (void)state;
    jt_portion_clear(&portion);
    assert_int_equal(jt_portion_init(&portion, &jt_direction_detokenize, &reasons, 10), JT_OK);
    add("jtk_1\n\x7f\n", 0, 1);
    assert_int_equal(jt_portion_make_request(&portion), JT_OK);
    assert_holds(&portion.request, "{\"items\":[{\"token\":\"jtk_1\"}]}");
    assert_int_equal(apply("{\"results\":[{\"status\":200,\"pan\":\"4111-1111-1111\"}]}"),
                     JT_ERR_PROTOCOL);
    assert_int_equal(apply("{\"results\":[{\"status\":200,\"pan\":\"4111111111111111\"}]}"), JT_OK);
    write_out();
    assert_holds(&out, "4111111111111111\n");
    assert_holds(&rejects, "2,token-malformed\n");
}

static void reasons_are_cleaned_and_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        char reply[200];
        jt_portion_reset(&portion);
        add("4111111111111111\n", 0, 1);
        snprintf(reply, sizeof reply,
                 "{\"results\":[{\"status\":422,\"type\":\"urn:x:re,a\\n%d-%s\"}]}", i,
                 "long-long-long-long-long-long-long-long-long");
        assert_int_equal(apply(reply), JT_OK);
        write_out();
    }
    assert_int_equal(reasons.n, JT_MAX_REASONS);
    assert_memory_equal(rejects.data, "1,rea0-long-long", 16);
    assert_int_equal(strlen(reasons.names[0]), JT_REASON_LEN - 1);
    jt_portion_reset(&portion);
    add("4111111111111111\n", 0, 1);
    assert_int_equal(apply("{\"results\":[{\"status\":422}]}"), JT_OK);
}

static void a_batch_is_bounded(void **state)
{
    (void)state;
    add("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", 0, 1);
    assert_int_equal(portion.n_rows, 10);
    assert_false(jt_portion_has_room(&portion));
    jt_portion_reset(&portion);
    assert_true(jt_portion_has_room(&portion));
    assert_int_equal(portion.raw.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_column_is_replaced_and_nothing_else),
        TEST(rejected_rows_tell_line_and_reason_and_never_the_value),
        TEST(unavailable_rows_stay_and_are_asked_again),
        TEST(what_a_guess_brake_holds_is_a_reject),
        TEST(what_json_cannot_hold_is_refused_without_asking),
        TEST(a_nul_is_refused_without_asking),
        TEST(rows_that_are_no_proper_csv),
        TEST(replies_that_do_not_fit_are_refused),
        TEST(a_card_number_is_digits),
        TEST(reasons_are_cleaned_and_bounded),
        TEST(a_batch_is_bounded),
    };
    return cmocka_run_group_tests_name("cli/portion", tests, NULL, NULL);
}
