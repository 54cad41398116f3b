/* SPDX-License-Identifier: Apache-2.0 */
/* The text format, to the byte; promtool reads a whole scrape in the end-to-end tests. */
#include "api/promtext.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void is(struct jt_buf *out, const char *expected)
{
    jt_buf_u8(out, 0);
    assert_int_equal(jt_buf_status(out), JT_OK);
    assert_string_equal((const char *)out->data, expected);
    jt_buf_clear(out);
}

static void families_and_samples(void **state)
{
    (void)state;
    struct jt_buf out;
    jt_buf_init(&out, 1000);
    jt_prom_gauge(&out, "jeton_x", "What x is.", 7);
    jt_prom_counter(&out, "jeton_y_total", "Ys.", UINT64_MAX);
    jt_prom_family(&out, "jeton_z", "gauge", "Zs.");
    jt_prom_sample(&out, "jeton_z", "a=\"b\",c=\"d\"", 0);
    jt_prom_seconds(&out, "jeton_z", "a=\"e\"", 1000001);
    is(&out, "# HELP jeton_x What x is.\n# TYPE jeton_x gauge\njeton_x 7\n"
             "# HELP jeton_y_total Ys.\n# TYPE jeton_y_total counter\n"
             "jeton_y_total 18446744073709551615\n"
             "# HELP jeton_z Zs.\n# TYPE jeton_z gauge\n"
             "jeton_z{a=\"b\",c=\"d\"} 0\njeton_z{a=\"e\"} 1.000001\n");
}

static void buckets_count_what_is_below(void **state)
{
    (void)state;
    static const struct jt_bounds bounds = { 2, { 500, 1000000 } };
    struct jt_histogram h = { 0 };
    struct jt_buf out;
    jt_histogram_note(&h, &bounds, 400);
    jt_histogram_note(&h, &bounds, 600);
    jt_histogram_note(&h, &bounds, 2000000);
    jt_buf_init(&out, 1000);
    jt_prom_histogram(&out, "t", "", &h, &bounds, true);
    jt_prom_histogram(&out, "n", "o=\"p\"", &h, &bounds, false);
    is(&out, "t_bucket{le=\"0.0005\"} 1\nt_bucket{le=\"1\"} 2\nt_bucket{le=\"+Inf\"} 3\n"
             "t_sum 2.001000\nt_count 3\n"
             "n_bucket{o=\"p\",le=\"500\"} 1\nn_bucket{o=\"p\",le=\"1000000\"} 2\n"
             "n_bucket{o=\"p\",le=\"+Inf\"} 3\nn_sum{o=\"p\"} 2001000\nn_count{o=\"p\"} 3\n");
}

static void too_little_room_shows(void **state)
{
    (void)state;
    struct jt_buf out;
    jt_buf_init(&out, 20);
    jt_prom_gauge(&out, "jeton_x", "What x is.", 7);
    assert_int_equal(jt_buf_status(&out), JT_ERR_LIMIT);
    jt_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_and_samples),
        cmocka_unit_test(buckets_count_what_is_below),
        cmocka_unit_test(too_little_room_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
