/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.h */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void clocks_never_go_back(void **state)
{
    (void)state;
    int64_t ms = jt_clock_ms(), us = jt_clock_us();
    assert_true(ms > 0 && us > 0);
    for (int i = 0; i < 10000; i++) {
        int64_t next_ms = jt_clock_ms(), next_us = jt_clock_us();
        assert_true(next_ms >= ms && next_us >= us);
        ms = next_ms;
        us = next_us;
    }
}

static void timestamp_is_rfc_3339_utc(void **state)
{
    (void)state;
    char text[JT_TIMESTAMP_LEN];
    time_t before = time(NULL);
    jt_clock_timestamp(text);
    time_t after = time(NULL);
    struct tm tm = { 0 };
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    assert_non_null(end);
    assert_int_equal(*end, '\0');
    assert_int_equal(strlen(text), JT_TIMESTAMP_LEN - 1);
    time_t told = timegm(&tm);
    assert_true(told >= before && told <= after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_never_go_back),
        cmocka_unit_test(timestamp_is_rfc_3339_utc),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
