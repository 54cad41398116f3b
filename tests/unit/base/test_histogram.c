/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static uint64_t count_at(const struct jt_histogram *h, size_t i)
{
    return jt_figure_get(&h->counts[i]);
}

static void a_value_is_in_the_first_bucket_that_holds_it(void **state)
{
    (void)state;
    struct jt_histogram h = { 0 };
    const uint64_t values[] = { 0, 1, 2, 3, 4, 2047, 2048, 2049, UINT64_MAX / 2 };
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        jt_histogram_note(&h, &jt_bounds_items, values[i]);
        sum += values[i];
    }
    assert_int_equal(count_at(&h, 0), 2); /* to 1 */
    assert_int_equal(count_at(&h, 1), 1); /* 2 */
    assert_int_equal(count_at(&h, 2), 2); /* to 4 */
    assert_int_equal(count_at(&h, 11), 2);
    assert_int_equal(count_at(&h, jt_bounds_items.n), 2); /* beyond all bounds */
    assert_true(jt_figure_get(&h.sum) == sum);
}

static void bounds_ascend_and_fit(void **state)
{
    (void)state;
    const struct jt_bounds *const all[] = { &jt_bounds_us, &jt_bounds_items };
    for (size_t k = 0; k < 2; k++) {
        assert_true(all[k]->n <= JT_HISTOGRAM_BOUNDS_MAX);
        for (size_t i = 1; i < all[k]->n; i++) {
            assert_true(all[k]->at[i] > all[k]->at[i - 1]);
        }
    }
}

static void sums_are_of_all(void **state)
{
    (void)state;
    struct jt_histogram a = { 0 }, b = { 0 }, sum = { 0 };
    jt_histogram_note(&a, &jt_bounds_us, 100);
    jt_histogram_note(&b, &jt_bounds_us, 200);
    jt_histogram_note(&b, &jt_bounds_us, 20000000);
    jt_histogram_add(&sum, &a);
    jt_histogram_add(&sum, &b);
    assert_int_equal(count_at(&sum, 0), 2);
    assert_int_equal(count_at(&sum, jt_bounds_us.n), 1);
    assert_int_equal(jt_figure_get(&sum.sum), 20000300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_in_the_first_bucket_that_holds_it),
        cmocka_unit_test(bounds_ascend_and_fit),
        cmocka_unit_test(sums_are_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
