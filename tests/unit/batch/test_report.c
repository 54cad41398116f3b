/* SPDX-License-Identifier: Apache-2.0 */
/* batch/report.h: pages, widths, and everything that an operator needs to balance a job. */
#include "batch/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct jt_checkpoint job;
static struct jt_buf out, messages;
static struct jt_report_facts facts;

static int set_up(void **state)
{
    (void)state;
    static const struct jt_report_pair files[] = { { "INFILE", "in.csv" }, { "CHECKPT", NULL } };
    static const struct jt_report_pair places[] = { { "place 1", "column 2: pan" } };
    static const char *const fields[] = { "pan" };
    jt_buf_init(&out, JT_REPORT_MAX);
    jt_buf_init(&messages, 100000);
    jt_checkpoint_begin(&job, 1764201600);
    job.tally = (struct jt_tally){
        .n_read = 1234567, .n_written = 1234560, .n_rejected = 7, .n_fields = 1
    };
    job.tally.reasons[JT_MSG_BLANK] = 7;
    job.tally.fields[0] = (struct jt_tally_field){ .n_replaced = 1234560, .total_in = 42 };
    facts = (struct jt_report_facts){ .verb = "tokenize",
                                      .version = "1.2",
                                      .job = &job,
                                      .files = files,
                                      .n_files = 2,
                                      .places = places,
                                      .n_places = 1,
                                      .fields = fields,
                                      .values_in = "card numbers",
                                      .values_out = "tokens",
                                      .makes_tokens = true,
                                      .messages = &messages,
                                      .began_s = 1764201600,
                                      .ended_s = 1764201660,
                                      .run_ms = 60000,
                                      .n_run_records = 1200000,
                                      .checkpoints_ms = 1250,
                                      .exit_code = 4 };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jt_buf_clear(&out);
    jt_buf_clear(&messages);
    return 0;
}

static void assert_has(const char *text)
{
    assert_non_null(memmem(out.data, out.len, text, strlen(text)));
}

static void it_has_what_balances_a_job(void **state)
{
    (void)state;
    assert_int_equal(jt_report_render(&facts, &out), JT_OK);
    assert_has(job.job);
    assert_has("2025-11-27 00:00:00");
    assert_has("2025-11-27 00:01:00 UTC   PAGE     1\n");
    assert_has("  read                                                1,234,567\n");
    assert_has("  rejected                                                    7\n");
    assert_has("  JET2201W  blank                                             7  the value is");
    assert_has("000000000000042  card numbers\n");
    assert_has(" 20000 records a second");
    assert_has("  time spent on them                 1.250 s of this run\n");
    assert_has("  INFILE                             in.csv\n");
    assert_null(memmem(out.data, out.len, "CHECKPT", 7)); /* there is none */
    assert_has("  exit code                          4\n");
}

static void it_tells_of_new_tokens_what_is_known(void **state)
{
    (void)state;
    static const char untold[] = "  Which tokens are new the service tells only to a client that";
    struct jt_tally_field *field = &job.tally.fields[0];
    assert_int_equal(jt_report_render(&facts, &out), JT_OK);
    assert_has(untold);
    assert_null(memmem(out.data, out.len, "new tokens", 10));
    assert_null(memmem(out.data, out.len, "generation", 10));

    field->news = JT_NEWS_ASKED;
    field->n_new = 1234000;
    field->n_known = 560;
    field->first_generation = 3;
    field->last_generation = 4;
    jt_buf_reset(&out);
    assert_int_equal(jt_report_render(&facts, &out), JT_OK);
    assert_has("  new tokens                                          1,234,000\n");
    assert_has("  existing tokens                                           560\n");
    assert_has("  active key generation, at first                             3\n");
    assert_has("  active key generation, at the end                           4\n");
    assert_null(memmem(out.data, out.len, untold, strlen(untold)));
    assert_null(memmem(out.data, out.len, "rejected records", 16));
    assert_null(memmem(out.data, out.len, "asked for again", 15));

    /* Told of a part only, with doubts, and with tokens that stand in no output. */
    field->n_new = 1000000;
    field->n_new_rejected = 2;
    job.n_doubtful = 4200;
    jt_buf_reset(&out);
    assert_int_equal(jt_report_render(&facts, &out), JT_OK);
    assert_has("  new tokens                                          1,000,000\n");
    assert_has("  replaced, and not told which                          234,000\n");
    assert_has("  new tokens of records rejected                              2\n");
    assert_has(untold);
    assert_has("  Up to 4,200 records were asked for again after a restart: existing tokens");
    facts.makes_tokens = false;
    jt_buf_reset(&out);
    assert_int_equal(jt_report_render(&facts, &out), JT_OK);
    assert_null(memmem(out.data, out.len, untold, strlen(untold)));
}

static void a_job_without_values_has_no_new_tokens_where_it_would_be_told(void **state)
{
    (void)state;
    job.tally.fields[0] = (struct jt_tally_field){ .news = JT_NEWS_EACH };
    assert_int_equal(jt_report_render(&facts, &out), JT_OK);
    assert_has("  new tokens                                                  0\n");
    assert_has("  existing tokens                                             0\n");
}

static void lines_and_pages_have_their_size(void **state)
{
    (void)state;
    char message[400];
    memset(message, 'm', sizeof message - 1);
    message[sizeof message - 1] = '\n';
    for (int i = 0; i < 100; i++) {
        jt_buf_put(&messages, message, sizeof message);
        jt_buf_put(&messages, "JET0001I \x1b[2J\n", 14);
    }
    assert_int_equal(jt_report_render(&facts, &out), JT_OK);
    size_t width = 0, lines = 0, pages = 1, n_m = 0;
    for (size_t i = 0; i < out.len; i++) {
        width = out.data[i] == '\n' ? 0 : width + (out.data[i] != '\f');
        lines = out.data[i] == '\f' ? 0 : lines + (out.data[i] == '\n');
        pages += out.data[i] == '\f';
        n_m += out.data[i] == 'm';
        assert_true(width <= JT_REPORT_WIDTH);
        assert_true(lines <= JT_REPORT_PAGE_LINES);
        assert_true(out.data[i] == '\n' || out.data[i] == '\f' ||
                    (out.data[i] >= 0x20 && out.data[i] < 0x7f));
    }
    assert_true(pages >= 100 * 5 / JT_REPORT_PAGE_LINES);
    assert_true(n_m >= 100 * (sizeof message - 1)); /* a long message takes several lines */
    assert_has("JET0001I ?[2J\n");
    assert_has("PAGE     2\n");
}

static void it_says_when_records_do_not_balance(void **state)
{
    (void)state;
    job.tally.n_read++;
    assert_int_equal(jt_report_render(&facts, &out), JT_OK);
    assert_has("  read = written + passed + rejected                         NO\n");
}

static void numbers_have_commas(void **state)
{
    (void)state;
    char text[JT_REPORT_NUMBER_LEN];
    jt_report_number(0, text);
    assert_string_equal(text, "0");
    jt_report_number(999, text);
    assert_string_equal(text, "999");
    jt_report_number(UINT64_MAX, text);
    assert_string_equal(text, "18,446,744,073,709,551,615");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_has_what_balances_a_job),
        TEST(it_tells_of_new_tokens_what_is_known),
        TEST(a_job_without_values_has_no_new_tokens_where_it_would_be_told),
        TEST(lines_and_pages_have_their_size),
        TEST(it_says_when_records_do_not_balance),
        TEST(numbers_have_commas),
    };
    return cmocka_run_group_tests_name("batch/report", tests, NULL, NULL);
}
