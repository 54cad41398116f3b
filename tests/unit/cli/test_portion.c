/* SPDX-License-Identifier: Apache-2.0 */
/* cli/portion.h: records to requests, replies to records, records to files; hostile replies. */
#include "cli/portion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(token)             "{\"status\":200,\"token\":\"" token "\"}"
#define PROBLEM(status, name) "{\"status\":" status ",\"type\":\"urn:jeton:problem:" name "\"}"
#define RESULTS(items)        "{\"results\":[" items "]}"

static struct jt_format *format;
static struct jt_portion_rules rules;
static struct jt_portion portion;
static struct jt_tally tally;
static struct jt_buf out, rejects;
static const uint8_t fields[] = { 0, 1 };
static uint8_t news[2]; /* enum jt_tally_news, of each field */

/* One place in column 1, or one more of another field in column 2. */
static void begin(const struct jt_direction *direction, size_t n_places, bool blank_passes,
                  bool tokens_pass)
{
    static const struct jt_place_spec places[] = { { "1" }, { "2" } };
    const struct jt_format_spec spec = { .kind = JT_FORMAT_CSV,
                                         .places = places,
                                         .n_places = n_places,
                                         .delimiter = ",",
                                         .no_header = true };
    struct jt_trouble trouble;
    jt_portion_clear(&portion);
    jt_format_free(format);
    assert_int_equal(jt_format_open(&spec, &format, &trouble), JT_OK);
    rules = (struct jt_portion_rules){ .direction = direction,
                                       .format = format,
                                       .field_of_place = fields,
                                       .n_fields = n_places,
                                       .blank_passes = blank_passes,
                                       .tokens_pass = tokens_pass,
                                       .news = news,
                                       .max_records = 10 };
    tally = (struct jt_tally){ .n_fields = n_places };
    assert_int_equal(jt_portion_init(&portion, &rules), JT_OK);
}

static int set_up(void **state)
{
    (void)state;
    jt_buf_init(&out, 100000);
    jt_buf_init(&rejects, 100000);
    memset(news, JT_NEWS_NONE, sizeof news);
    begin(&jt_direction_tokenize, 1, false, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jt_portion_clear(&portion);
    jt_format_free(format);
    format = NULL;
    jt_buf_clear(&out);
    jt_buf_clear(&rejects);
    return 0;
}

/* Adds the records of a text, as far as there is room. Whether something must be asked. */
static bool add(const char *text)
{
    int fd = memfd_create("csv", MFD_CLOEXEC);
    struct jt_record_source *source;
    struct jt_trouble trouble;
    struct jt_record record;
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(jt_source_open(format, fd, &source), JT_OK);
    assert_int_equal(jt_source_begin(source, &trouble), JT_OK);
    while (jt_portion_has_room(&portion) && jt_source_next(source, &record, &trouble) == JT_OK) {
        assert_int_equal(jt_portion_add(&portion, &record), JT_OK);
    }
    jt_source_free(source);
    close(fd);
    return jt_portion_begin(&portion);
}

static void assert_holds(const struct jt_buf *b, const char *expected)
{
    assert_int_equal(b->len, strlen(expected));
    assert_true(b->len == 0 || memcmp(b->data, expected, b->len) == 0);
}

static void assert_request(const char *expected)
{
    assert_int_equal(jt_portion_make_request(&portion), JT_OK);
    assert_holds(&portion.request, expected);
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

/* Asks and applies the reply. */
static void answer(const char *reply)
{
    assert_int_equal(jt_portion_make_request(&portion), JT_OK);
    assert_int_equal(apply(reply), JT_OK);
}

/* Writes out; the rejects must be these records, each with its message id. */
static void assert_written(const char *expected, const char *expected_rejects)
{
    char ids[400] = "";
    size_t len = 0;
    struct jt_prefix prefix;
    jt_prefix_init(&prefix);
    assert_int_equal(jt_portion_digest(&portion, &prefix, &tally), JT_OK);
    assert_int_equal(jt_prefix_close(&prefix), JT_OK);
    jt_prefix_clear(&prefix);
    assert_int_equal(jt_portion_write(&portion, &out, &rejects, &tally), JT_OK);
    assert_holds(&out, expected);
    for (size_t at = 0; at + 8 <= rejects.len; at++) {
        const char *text = (const char *)rejects.data + at;
        if (memcmp(text, "JET2", 4) == 0 && text[7] == 'W') {
            int number = 0;
            assert_int_equal(sscanf(text + 8, "%d", &number), 1);
            len += (size_t)snprintf(ids + len, sizeof ids - len, "%d:%.7s ", number, text);
        }
    }
    assert_string_equal(ids, expected_rejects);
    assert_int_equal(jt_tally_balance(&tally), JT_MSG_NONE);
}

static void a_column_is_replaced_and_nothing_else(void **state)
{
    (void)state;
    assert_true(add("4111111111111111,\"a,\"\"b\"\r\n\"5555555555554444\",c\n378282246310005,d"));
    assert_request("{\"items\":[{\"pan\":\"4111111111111111\"},{\"pan\":"
                   "\"5555555555554444\"},{\"pan\":\"378282246310005\"}]}");
    assert_int_equal(apply(RESULTS(OK("jtk_1") "," OK("jtk_2") "," OK("jtk_3"))), JT_OK);
    assert_int_equal(portion.n_pending, 0);
    assert_false(jt_portion_advance(&portion));
    assert_written("jtk_1,\"a,\"\"b\"\r\n\"jtk_2\",c\njtk_3,d", "");
    assert_int_equal(tally.n_written, 3);
    assert_int_equal(tally.fields[0].n_replaced, 3);
}

static void rejected_records_have_a_trailer_of_80_characters(void **state)
{
    (void)state;
    assert_true(add("4111111111111112,x\r\n4111111111111111,y\n4222222222222,z\n"));
    answer(RESULTS(
        PROBLEM("422", "pan-bad-luhn") "," OK("jtk_1") "," PROBLEM("500", "undecryptable")));
    assert_written("jtk_1,y\n", "1:JET2215 3:JET2233 ");
    const char *first = "4111111111111112,xJET2215W          1 the card number has a wrong check "
                        "digit";
    assert_memory_equal(rejects.data, first, strlen(first));
    assert_memory_equal(rejects.data + strlen("4111111111111112,x") + 80, "\r\n", 2);
    assert_int_equal(tally.reasons[JT_MSG_PAN_BAD_LUHN], 1);
}

static void what_stores_is_repeated_as_it_was(void **state)
{
    (void)state;
    const char *all = "{\"items\":[{\"pan\":\"411111111111\"},{\"pan\":\"422222222222\"},{\"pan\":"
                      "\"433333333333\"}]}";
    assert_true(add("411111111111\n422222222222\n433333333333\n"));
    assert_request(all);
    assert_int_equal(apply(RESULTS("{\"status\":503}," OK("b") ",{\"status\":429}")), JT_OK);
    assert_int_equal(portion.n_pending, 2);
    assert_request(all);
    assert_int_equal(apply(RESULTS(OK("a") "," OK("b") "," OK("c"))), JT_OK);
    assert_int_equal(portion.n_pending, 0);
    assert_written("a\nb\nc\n", "");
}

static void what_only_reads_is_asked_for_what_is_left(void **state)
{
    (void)state;
    begin(&jt_direction_detokenize, 1, false, false);
    assert_true(add("jtk_a\njtk_b\n"));
    answer(RESULTS("{\"status\":200,\"pan\":\"4111111111111111\"},{\"status\":503}"));
    assert_request("{\"items\":[{\"token\":\"jtk_b\"}]}");
    assert_int_equal(apply(RESULTS("{\"status\":200,\"pan\":\"5555555555554444\"}")), JT_OK);
    assert_written("4111111111111111\n5555555555554444\n", "");
}

static void what_a_guess_brake_holds_is_a_reject(void **state)
{
    (void)state;
    assert_true(add("411111111111\n422222222222\n433333333333\n"));
    answer(RESULTS(PROBLEM("429", "guess-brake") "," OK("b") "," PROBLEM("429", "opening-rate")));
    assert_int_equal(portion.n_pending, 1); /* the last one, which passes soon */
    answer(RESULTS(PROBLEM("429", "guess-brake") "," OK("b") "," OK("c")));
    assert_written("b\nc\n", "1:JET2224 ");
}

static void what_json_cannot_hold_is_refused_without_asking(void **state)
{
    (void)state;
    char text[400] = "4111\x01"
                     "1111,x\n\"a\nb\",x\n,x\n\"q\"\"\\\",x\n";
    memset(text + strlen(text), '1', 150);
    strncat(text, ",x\n", 4);
    assert_true(add(text));
    assert_int_equal(portion.n_pending, 1);
    assert_request("{\"items\":[{\"pan\":\"q\\\"\\\\\"}]}");
    assert_int_equal(apply(RESULTS(PROBLEM("422", "pan-not-digits"))), JT_OK);
    assert_written("", "1:JET2212 2:JET2212 3:JET2201 4:JET2212 5:JET2214 ");
}

static void blanks_pass_where_they_may(void **state)
{
    (void)state;
    begin(&jt_direction_tokenize, 1, true, false);
    assert_true(add(",x\n411111111111,y\n"));
    answer(RESULTS(OK("t")));
    assert_written(",x\nt,y\n", "");
    assert_int_equal(tally.n_passed, 1);
    assert_int_equal(tally.fields[0].n_blank, 1);
}

static void two_fields_are_two_steps_and_one_bad_value_rejects_the_record(void **state)
{
    (void)state;
    begin(&jt_direction_tokenize, 2, false, false);
    assert_true(add("411111111111,422222222222\n433333333333,444444444444\n"));
    assert_int_equal(jt_portion_field(&portion), 0);
    answer(RESULTS(OK("a") "," PROBLEM("422", "pan-bad-luhn")));
    assert_true(jt_portion_advance(&portion));
    assert_int_equal(jt_portion_field(&portion), 1);
    /* The second is sent all the same: a request is made of the records alone. */
    assert_request("{\"items\":[{\"pan\":\"422222222222\"},{\"pan\":\"444444444444\"}]}");
    assert_int_equal(apply(RESULTS(OK("b") "," OK("d"))), JT_OK);
    assert_false(jt_portion_advance(&portion));
    assert_written("a,b\n", "2:JET2215 ");
}

static void values_that_are_tokens_already_pass_where_they_may(void **state)
{
    (void)state;
    const char *opaque = "jtk_00000000000000000000000001";
    char text[200];
    begin(&jt_direction_tokenize, 1, false, true);
    snprintf(text, sizeof text, "411111111111\n%s\n922222222222\n933333333333\nno\n", opaque);
    assert_true(add(text));
    assert_request("{\"items\":[{\"pan\":\"411111111111\"},{\"pan\":\"922222222222\"},{\"pan\":"
                   "\"933333333333\"},{\"pan\":\"no\"}]}");
    assert_int_equal(apply(RESULTS(OK("t") "," PROBLEM("422", "pan-bad-luhn") "," PROBLEM(
                         "422", "pan-is-token") "," PROBLEM("422", "pan-not-digits"))),
                     JT_OK);
    assert_true(jt_portion_advance(&portion));
    assert_true(jt_portion_asks(&portion));
    assert_request("{\"masked\":true,\"items\":[{\"token\":\"jtk_00000000000000000000000001\"},{"
                   "\"token\":\"922222222222\"},{\"token\":\"933333333333\"}]}");
    assert_int_equal(apply(RESULTS("{\"status\":200,\"masked_pan\":\"4\"}," PROBLEM(
                         "404", "token-unknown") ",{\"status\":200,\"masked_pan\":\"4\"}")),
                     JT_OK);
    snprintf(text, sizeof text, "t\n%s\n933333333333\n", opaque);
    /* What is no token either keeps the reason for which it is no card. */
    assert_written(text, "3:JET2215 5:JET2212 ");
    assert_int_equal(tally.n_passed, 2);
    assert_int_equal(tally.fields[0].n_tokens, 2);
}

#define NEW(token)   "{\"status\":200,\"token\":\"" token "\",\"new\":true}"
#define KNOWN(token) "{\"status\":200,\"token\":\"" token "\",\"new\":false}"

static void new_tokens_are_asked_for_and_counted(void **state)
{
    (void)state;
    news[0] = JT_NEWS_ASKED;
    begin(&jt_direction_tokenize, 2, false, false);
    news[1] = JT_NEWS_EACH;
    assert_true(add("1,2\n3,4\n5,6\n"));
    assert_request("{\"tell_new\":true,\"items\":[{\"pan\":\"1\"},{\"pan\":\"3\"},{\"pan\":"
                   "\"5\"}]}");
    assert_int_equal(apply(RESULTS(NEW("a") "," KNOWN("b") "," NEW("c"))), JT_OK);
    assert_true(jt_portion_advance(&portion));
    assert_request("{\"items\":[{\"pan\":\"2\"},{\"pan\":\"4\"},{\"pan\":\"6\"}]}");
    assert_int_equal(apply(RESULTS(OK("d") "," OK("e") "," PROBLEM("422", "pan-too-short"))),
                     JT_OK);
    assert_written("a,d\nb,e\n", "3:JET2213 ");
    const struct jt_tally_field *f = tally.fields;
    assert_true(f[0].n_replaced == 2 && f[0].n_new == 1 && f[0].n_known == 1);
    assert_true(f[1].n_replaced == 2 && f[1].n_new == 2 && f[1].n_known == 0);
    /* It was made, and stands in no output. */
    assert_true(f[0].n_new_rejected == 1 && f[1].n_new_rejected == 0);
}

static void what_was_asked_must_be_told(void **state)
{
    (void)state;
    static const char *const wrong[] = { OK("a"), "{\"status\":200,\"token\":\"a\",\"new\":1}" };
    news[0] = JT_NEWS_ASKED;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char reply[100];
        begin(&jt_direction_tokenize, 1, false, false);
        assert_true(add("1\n"));
        assert_int_equal(jt_portion_make_request(&portion), JT_OK);
        snprintf(reply, sizeof reply, RESULTS("%s"), wrong[i]);
        assert_int_equal(apply(reply), JT_ERR_PROTOCOL);
    }
}

static void what_is_asked_about_is_not_told_to_be_new(void **state)
{
    (void)state;
    news[0] = JT_NEWS_ASKED;
    begin(&jt_direction_tokenize, 1, false, true);
    assert_true(add("jtk_00000000000000000000000001\n"));
    assert_true(jt_portion_asks(&portion));
    assert_request("{\"masked\":true,\"items\":[{\"token\":\"jtk_00000000000000000000000001\"}]}");
    assert_int_equal(apply(RESULTS("{\"status\":200,\"masked_pan\":\"4\"}")), JT_OK);
    assert_written("jtk_00000000000000000000000001\n", "");
    assert_true(tally.fields[0].n_new == 0 && tally.fields[0].n_known == 0);
}

static void cards_are_masked_here(void **state)
{
    (void)state;
    begin(&jt_direction_mask_cards, 1, false, false);
    assert_false(add("4111111111111111,x\n4111-1111,y\n"));
    assert_written("411111******1111,x\n", "2:JET2212 ");
    assert_int_equal(tally.fields[0].total_out, 4111111111);
    assert_int_equal(tally.fields[0].total_kept, 4111111111);
}

static void masked_numbers_are_asked_for_and_taken_as_they_come(void **state)
{
    (void)state;
    begin(&jt_direction_mask, 1, false, false);
    assert_true(add("jtk_a\njtk_b\n"));
    assert_request("{\"masked\":true,\"items\":[{\"token\":\"jtk_a\"},{\"token\":\"jtk_b\"}]}");
    assert_int_equal(apply(RESULTS("{\"status\":200,\"masked_pan\":\"41111111****1111\"},"
                                   "{\"status\":200,\"masked_pan\":\"555555******4444\"}")),
                     JT_OK);
    assert_written("41111111****1111\n555555******4444\n", "");
    begin(&jt_direction_mask, 1, false, false);
    assert_true(add("jtk_a\n"));
    assert_int_equal(jt_portion_make_request(&portion), JT_OK);
    assert_int_equal(apply(RESULTS("{\"status\":200,\"pan\":\"5555555555554444\"}")),
                     JT_ERR_PROTOCOL);
    begin(&jt_direction_detokenize, 1, false, false);
    assert_true(add("jtk_a\n"));
    assert_int_equal(jt_portion_make_request(&portion), JT_OK);
    assert_int_equal(apply(RESULTS("{\"status\":200,\"masked_pan\":\"411111******1111\"}")),
                     JT_ERR_PROTOCOL);
    assert_true(portion.masked_only);
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
        assert_true(add("4111111111111111\n"));
        assert_int_equal(jt_portion_make_request(&portion), JT_OK);
        assert_int_equal(apply(bad[i]), JT_ERR_PROTOCOL);
    }
}

static void a_card_number_is_digits(void **state)
{
    (void)state;
    begin(&jt_direction_detokenize, 1, false, false);
    assert_true(add("jtk_1\n\x7f\n"));
    assert_request("{\"items\":[{\"token\":\"jtk_1\"}]}");
    assert_int_equal(apply(RESULTS("{\"status\":200,\"pan\":\"4111-1111-1111\"}")),
                     JT_ERR_PROTOCOL);
    assert_int_equal(apply(RESULTS("{\"status\":200,\"pan\":\"4111111111111111\"}")), JT_OK);
    assert_written("4111111111111111\n", "2:JET2230 ");
}

static void unknown_reasons_are_one(void **state)
{
    (void)state;
    assert_true(add("4111111111111111\n4111111111111111\n4111111111111111\n"));
    answer(RESULTS("{\"status\":422,\"type\":\"urn:x:re,a\\n\"},{\"status\":422},"
                   "{\"status\":422,\"type\":\"urn:jeton:problem:of-tomorrow\"}"));
    assert_written("", "1:JET2200 2:JET2200 3:JET2200 ");
}

static void a_portion_is_bounded_in_records(void **state)
{
    (void)state;
    assert_true(add("1\n\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"));
    assert_int_equal(portion.n_counted, 10);
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
        TEST(rejected_records_have_a_trailer_of_80_characters),
        TEST(what_stores_is_repeated_as_it_was),
        TEST(what_only_reads_is_asked_for_what_is_left),
        TEST(what_a_guess_brake_holds_is_a_reject),
        TEST(what_json_cannot_hold_is_refused_without_asking),
        TEST(blanks_pass_where_they_may),
        TEST(two_fields_are_two_steps_and_one_bad_value_rejects_the_record),
        TEST(values_that_are_tokens_already_pass_where_they_may),
        TEST(new_tokens_are_asked_for_and_counted),
        TEST(what_was_asked_must_be_told),
        TEST(what_is_asked_about_is_not_told_to_be_new),
        TEST(cards_are_masked_here),
        TEST(masked_numbers_are_asked_for_and_taken_as_they_come),
        TEST(replies_that_do_not_fit_are_refused),
        TEST(a_card_number_is_digits),
        TEST(unknown_reasons_are_one),
        TEST(a_portion_is_bounded_in_records),
    };
    return cmocka_run_group_tests_name("cli/portion", tests, NULL, NULL);
}
