/* SPDX-License-Identifier: Apache-2.0 */
#include "base/latency.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static void steps_follow_one_another_and_are_an_eighth_apart(void **state)
{
    (void)state;
    size_t before = jt_latency_step(0);
    assert_int_equal(before, 0);
    for (uint64_t us = 1; us < 20000000; us += 1 + us / 1000) {
        size_t step = jt_latency_step(us);
        assert_true(step == before || step == before + 1);
        assert_true(us <= jt_latency_bound(step));
        assert_true(step == 0 || us > jt_latency_bound(step - 1));
        assert_true((double)jt_latency_bound(step) <= (double)us * 1.13 + 1);
        before = step;
    }
    assert_int_equal(jt_latency_step(UINT64_MAX), JT_LATENCY_STEPS - 1);
}

static void quantiles_are_of_what_came_and_fade(void **state)
{
    (void)state;
    struct jt_latency l = { 0 };
    struct jt_latency_view v = { 0 };
    uint64_t before[JT_LATENCY_STEPS] = { 0 }, now[JT_LATENCY_STEPS] = { 0 };
    assert_int_equal(jt_latency_view_quantile(&v, 0.99), 0);
    for (int i = 0; i < 1000; i++) {
        jt_latency_note(&l, i < 980 ? 1000 : 9000);
    }
    jt_latency_add(now, &l);
    jt_latency_view_add(&v, 0.5, before, now);
    assert_int_equal(jt_latency_view_quantile(&v, 0.5), jt_latency_bound(jt_latency_step(1000)));
    assert_int_equal(jt_latency_view_quantile(&v, 0.99), jt_latency_bound(jt_latency_step(9000)));
    jt_latency_view_add(&v, 0.5, now, now); /* nothing came */
    assert_true(v.n == 500);
    jt_latency_view_add(&v, 0.5, now, before); /* a reader who is late has counts from before */
    assert_true(v.n == 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_one_another_and_are_an_eighth_apart),
        cmocka_unit_test(quantiles_are_of_what_came_and_fade),
    };
    return cmocka_run_group_tests_name("base/latency", tests, NULL, NULL);
}
