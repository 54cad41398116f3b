/* SPDX-License-Identifier: Apache-2.0 */
/* cli/backoff.h, on a clock of the test's own. */
#include "cli/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void pauses_double_up_to_a_bound(void **state)
{
    (void)state;
    static const int64_t pauses[] = { 200, 400, 800, 1600, 3200, 5000, 5000 };
    struct jt_backoff b;
    int64_t now = 1000, at;
    jt_backoff_init(&b, 3600);
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        assert_true(jt_backoff_next(&b, -1, now, &at));
        assert_int_equal(at - now, pauses[i]);
        now = at;
    }
    jt_backoff_reset(&b);
    assert_true(jt_backoff_next(&b, -1, now, &at));
    assert_int_equal(at - now, 200);
}

static void the_servers_wish_comes_first(void **state)
{
    (void)state;
    struct jt_backoff b;
    int64_t at;
    jt_backoff_init(&b, 30);
    assert_true(jt_backoff_next(&b, 2, 0, &at));
    assert_int_equal(at, 2000);
    assert_true(jt_backoff_next(&b, 0, 2000, &at));
    assert_int_equal(at, 2000);
    assert_false(jt_backoff_next(&b, 31, 2000, &at));
}

static void it_ends_when_the_time_is_over_and_not_before(void **state)
{
    (void)state;
    struct jt_backoff b;
    int64_t at;
    jt_backoff_init(&b, 1);
    assert_true(jt_backoff_next(&b, -1, 0, &at));   /* 200 */
    assert_true(jt_backoff_next(&b, -1, 200, &at)); /* 600 */
    assert_true(jt_backoff_next(&b, -1, 600, &at)); /* a last one at the end */
    assert_int_equal(at, 1000);
    assert_false(jt_backoff_next(&b, -1, 1000, &at));
}

static void no_time_means_no_second_try(void **state)
{
    (void)state;
    struct jt_backoff b;
    int64_t at;
    jt_backoff_init(&b, 0);
    assert_false(jt_backoff_next(&b, -1, 5, &at));
    assert_false(jt_backoff_next(&b, 1, 5, &at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_up_to_a_bound),
        cmocka_unit_test(the_servers_wish_comes_first),
        cmocka_unit_test(it_ends_when_the_time_is_over_and_not_before),
        cmocka_unit_test(no_time_means_no_second_try),
    };
    return cmocka_run_group_tests_name("cli/backoff", tests, NULL, NULL);
}
