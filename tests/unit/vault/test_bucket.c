/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)

static bool takes(struct jt_bucket *b, uint32_t rate, uint32_t n, int64_t now_us)
{
    jt_bucket_settle(b, rate, now_us);
    bool good = jt_bucket_wait_us(b, n) == 0;
    if (good) {
        jt_bucket_take(b, n);
    }
    return good;
}

static void a_new_bucket_is_full_and_fills_at_its_rate(void **state)
{
    (void)state;
    struct jt_bucket b = { 0 };
    int64_t now = 5;
    for (int i = 0; i < 10; i++) {
        assert_true(takes(&b, 10, 1, now));
    }
    assert_false(takes(&b, 10, 1, now));
    assert_int_equal(jt_bucket_wait_us(&b, 1), SECOND / 10);
    assert_false(takes(&b, 10, 1, now + SECOND / 10 - 1));
    assert_true(takes(&b, 10, 1, now + SECOND / 10));
    assert_int_equal(jt_bucket_left(&b), 0);
    jt_bucket_settle(&b, 10, now + 100 * SECOND);
    assert_int_equal(jt_bucket_left(&b), 10); /* a second's worth at most */
}

static void in_the_long_run_the_rate_holds_whatever_the_batches(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 1000; n *= 10) {
        struct jt_bucket b = { 0 };
        uint64_t served = 0;
        for (int64_t us = 0; us < 100 * SECOND; us += 777) {
            served += takes(&b, 30, n, us) ? n : 0;
        }
        assert_in_range(served, 30 * 100 - n, 30 * 101 + n);
    }
}

static void a_batch_larger_than_a_second_is_taken_when_the_bucket_is_full(void **state)
{
    (void)state;
    struct jt_bucket b = { 0 };
    assert_true(takes(&b, 10, 1, 0));
    assert_false(takes(&b, 10, 50, 0));
    assert_int_equal(jt_bucket_wait_us(&b, 50), SECOND / 10);
    assert_true(takes(&b, 10, 50, SECOND / 10));
    assert_int_equal(jt_bucket_left(&b), 0);
    assert_int_equal(jt_bucket_wait_us(&b, 1), 41 * SECOND / 10); /* 40 owed, and one */
    assert_false(takes(&b, 10, 1, SECOND / 10 + 41 * SECOND / 10 - 1));
    assert_true(takes(&b, 10, 1, SECOND / 10 + 41 * SECOND / 10));
}

static void what_was_not_served_is_put_back(void **state)
{
    (void)state;
    struct jt_bucket b = { 0 };
    assert_true(takes(&b, 10, 10, 0));
    jt_bucket_put_back(&b, 4);
    assert_int_equal(jt_bucket_left(&b), 4);
    jt_bucket_settle(&b, 10, SECOND);
    jt_bucket_put_back(&b, 4);
    assert_int_equal(jt_bucket_left(&b), 10);
}

static void another_rate_counts_from_now_on(void **state)
{
    (void)state;
    struct jt_bucket b = { 0 };
    jt_bucket_settle(&b, 1000, 0);
    jt_bucket_settle(&b, 10, 0);
    assert_int_equal(jt_bucket_left(&b), 10);
    jt_bucket_settle(&b, 1000, SECOND / 100);
    assert_int_equal(jt_bucket_left(&b), 10); /* what it had, and not more at once */
    jt_bucket_settle(&b, 1000, SECOND);
    assert_int_equal(jt_bucket_left(&b), 1000);
}

static void large_numbers_and_clocks_that_stand_have_room(void **state)
{
    (void)state;
    struct jt_bucket b = { 0 };
    jt_bucket_settle(&b, UINT32_MAX, INT64_C(1) << 60);
    assert_true(takes(&b, UINT32_MAX, UINT32_MAX, INT64_C(1) << 60));
    jt_bucket_settle(&b, UINT32_MAX, 0); /* set back: it stands */
    assert_int_equal(jt_bucket_left(&b), 0);
    jt_bucket_settle(&b, UINT32_MAX, INT64_MAX);
    assert_int_equal(jt_bucket_left(&b), UINT32_MAX);
    struct jt_bucket slow = { 0 };
    assert_true(takes(&slow, 1, 10000, 0));
    jt_bucket_settle(&slow, 1, INT64_MAX);
    assert_int_equal(jt_bucket_left(&slow), 1);
}

static void nodes_share_a_rate(void **state)
{
    (void)state;
    assert_int_equal(jt_bucket_share(200, 0), 200);
    assert_int_equal(jt_bucket_share(200, 1), 200);
    assert_int_equal(jt_bucket_share(200, 2), 100);
    assert_int_equal(jt_bucket_share(201, 2), 100);
    assert_int_equal(jt_bucket_share(1, 2), 1); /* the stated slack */
    struct jt_bucket nodes[2] = { { 0 }, { 0 } };
    uint32_t served = 0;
    for (int64_t us = 0; us < 10 * SECOND; us += 1000) {
        for (size_t i = 0; i < 2; i++) {
            served += takes(&nodes[i], jt_bucket_share(200, 2), 1, us);
        }
    }
    assert_in_range(served, 2000, 2200); /* ten seconds and a full bucket */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_bucket_is_full_and_fills_at_its_rate),
        cmocka_unit_test(in_the_long_run_the_rate_holds_whatever_the_batches),
        cmocka_unit_test(a_batch_larger_than_a_second_is_taken_when_the_bucket_is_full),
        cmocka_unit_test(what_was_not_served_is_put_back),
        cmocka_unit_test(another_rate_counts_from_now_on),
        cmocka_unit_test(large_numbers_and_clocks_that_stand_have_room),
        cmocka_unit_test(nodes_share_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
