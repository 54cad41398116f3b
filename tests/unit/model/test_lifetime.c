/* SPDX-License-Identifier: Apache-2.0 */
/* When the lifetime of a card ends: which of two ends counts, and which ones are taken. */
#include "model/lifetime.h"
#include "model/sizes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000)
#define DAY_S  86400u
#define NOW    (UINT64_C(1800000000) * SECOND + 123456)

static void no_end_is_later_than_all(void **state)
{
    (void)state;
    const uint64_t none = JT_LIFETIME_ENDLESS;
    assert_true(jt_lifetime_is_later(2, 1) && !jt_lifetime_is_later(1, 2));
    assert_false(jt_lifetime_is_later(1, 1));
    assert_true(jt_lifetime_is_later(none, JT_LIFETIME_LAST_US));
    assert_false(jt_lifetime_is_later(JT_LIFETIME_LAST_US, none));
    assert_false(jt_lifetime_is_later(none, none));
    assert_true(jt_lifetime_later(1, 2) == 2 && jt_lifetime_later(2, 1) == 2);
    assert_true(jt_lifetime_later(1, none) == none && jt_lifetime_later(none, 1) == none);
}

/* Never beyond the maximum, hardly before it, and the same for who comes again soon. */
static void the_end_by_default_lies_on_a_grid(void **state)
{
    (void)state;
    assert_true(jt_lifetime_by_default(NOW, 0) == JT_LIFETIME_ENDLESS);
    static const uint32_t maxima[] = { 1,    2,         99,          100,
                                       3600, 5 * DAY_S, 400 * DAY_S, JT_LIFETIME_MAX_S };
    for (size_t i = 0; i < sizeof maxima / sizeof maxima[0]; i++) {
        uint64_t max_us = maxima[i] * SECOND;
        uint64_t step_us = maxima[i] / 100 > DAY_S ? DAY_S * SECOND : maxima[i] / 100 * SECOND;
        uint64_t end = jt_lifetime_by_default(NOW, maxima[i]);
        assert_true(end <= NOW + max_us && end + max_us / 100 >= NOW + max_us);
        assert_true(end + DAY_S * SECOND > NOW + max_us);
        assert_true(step_us == 0 || end % step_us == 0);
        /* in one step's time the end changes once */
        uint64_t next = jt_lifetime_by_default(NOW + step_us, maxima[i]);
        assert_true(step_us == 0 || next == end + step_us);
    }
    assert_true(jt_lifetime_by_default(NOW, 400 * DAY_S) ==
                jt_lifetime_by_default(NOW + SECOND, 400 * DAY_S));
}

static void an_end_must_come_and_not_beyond_the_maximum(void **state)
{
    (void)state;
    uint64_t end;
    assert_false(jt_lifetime_take(NOW, 0, NOW, &end));
    assert_false(jt_lifetime_take(NOW, 0, 1, &end));
    assert_true(jt_lifetime_take(NOW, 0, NOW + 1, &end) && end == NOW + 1);
    assert_true(jt_lifetime_take(NOW, 0, JT_LIFETIME_LAST_US, &end));
    assert_int_equal(end, JT_LIFETIME_LAST_US);
    const uint64_t most = NOW + 100 * SECOND;
    assert_true(jt_lifetime_take(NOW, 100, most, &end) && end == most);
    assert_true(jt_lifetime_take(NOW, 100, most + 60 * SECOND, &end) && end == most);
    assert_false(jt_lifetime_take(NOW, 100, most + 60 * SECOND + 1, &end));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_end_is_later_than_all),
        cmocka_unit_test(the_end_by_default_lies_on_a_grid),
        cmocka_unit_test(an_end_must_come_and_not_beyond_the_maximum),
    };
    return cmocka_run_group_tests_name("model/lifetime", tests, NULL, NULL);
}
