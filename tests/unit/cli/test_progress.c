/* SPDX-License-Identifier: Apache-2.0 */
/* cli/progress.h: what a line says. */
#include "cli/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void a_bar_with_rate_and_time_to_go(void **state)
{
    (void)state;
    char line[JT_PROGRESS_LINE];
    struct jt_progress_state s = { .fraction = 0.5, .rows = 50000, .rate = 12345.6, .eta_s = 65 };
    jt_progress_format("tokenize", &s, true, line);
    assert_string_equal(
        line, "tokenize [############------------]  50%  50000 rows  12346 rows/s  ETA 1:05");
    jt_progress_format("tokenize", &s, false, line);
    assert_string_equal(line, "tokenize  50%  50000 rows  12346 rows/s  ETA 1:05");
}

static void ends_and_unknowns(void **state)
{
    (void)state;
    char line[JT_PROGRESS_LINE];
    struct jt_progress_state s = { .fraction = 1, .rows = 7, .rate = 0, .eta_s = 0 };
    jt_progress_format("x", &s, true, line);
    assert_string_equal(line, "x [########################] 100%  7 rows  0 rows/s  ETA 0:00");
    s.fraction = 1.5;
    jt_progress_format("x", &s, true, line);
    assert_non_null(strstr(line, "] 100%"));
    s = (struct jt_progress_state){ .fraction = -1, .eta_s = -1 };
    jt_progress_format("x", &s, true, line);
    assert_string_equal(line, "x [------------------------]  --%  0 rows  0 rows/s  ETA --:--");
    s.eta_s = 7384;
    jt_progress_format("x", &s, false, line);
    assert_non_null(strstr(line, "ETA 2:03:04"));
}

static void a_note_comes_last(void **state)
{
    (void)state;
    char line[JT_PROGRESS_LINE];
    struct jt_progress_state s = {
        .fraction = 0.5, .rows = 5, .rate = 1, .eta_s = 5, .note = "until 18:03, held back: rate"
    };
    jt_progress_format("x", &s, false, line);
    assert_string_equal(line, "x  50%  5 rows  1 rows/s  ETA 0:05  until 18:03, held back: rate");
}

static void a_line_never_overflows(void **state)
{
    (void)state;
    char line[JT_PROGRESS_LINE];
    struct jt_progress_state s = {
        .fraction = 1, .rows = UINT64_MAX, .rate = 1e300, .eta_s = INT64_MAX, .note = "and more"
    };
    jt_progress_format("a label that is much longer than any command", &s, true, line);
    assert_true(strlen(line) < sizeof line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bar_with_rate_and_time_to_go),
        cmocka_unit_test(ends_and_unknowns),
        cmocka_unit_test(a_note_comes_last),
        cmocka_unit_test(a_line_never_overflows),
    };
    return cmocka_run_group_tests_name("cli/progress", tests, NULL, NULL);
}
