/* SPDX-License-Identifier: Apache-2.0 */
/* The count of opened cards and its ceilings: the test is the clocks and the disk. */
#include "keeper/ceiling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY 20000 /* some day in 2024 */
#define AT  (INT64_C(86400) * DAY + 3600)

struct disk {
    struct jt_opened opened;
    size_t n_saved;
    bool full;
};

static struct disk disk;
static struct jt_ceiling c;

static enum jt_err save(void *arg, const struct jt_opened *opened)
{
    struct disk *d = arg;
    if (d->full) {
        return JT_ERR_IO;
    }
    d->opened = *opened;
    d->n_saved++;
    return JT_OK;
}

static void begin(uint64_t per_second, uint64_t per_day)
{
    jt_ceiling_init(&c, &disk.opened, save, &disk);
    jt_ceiling_set(&c, per_second, per_day);
}

static void begin_anew(uint64_t per_second, uint64_t per_day)
{
    disk = (struct disk){ .full = false };
    begin(per_second, per_day);
}

/* Opens as many of `n` as it may; how many. */
static size_t open_some(size_t n, int64_t now_s, int64_t now_ms, enum jt_err *rest)
{
    struct jt_allowance a;
    assert_int_equal(jt_ceiling_ask(&c, n, now_s, now_ms, &a), JT_OK);
    assert_true(a.n <= n);
    assert_true((a.n < n) == (a.rest != JT_OK));
    jt_ceiling_spend(&c, a.n);
    *rest = a.rest;
    return a.n;
}

static void without_ceilings_all_is_opened_and_counted(void **state)
{
    (void)state;
    enum jt_err rest;
    begin_anew(0, 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(open_some(2000, AT, i, &rest), 2000);
    }
    assert_true(c.opened.ever == 2000000 && jt_ceiling_today(&c, AT) == 2000000);
    assert_in_range(disk.n_saved, 2, 10); /* the disk is asked once for many batches */
}

static void a_day_has_its_ceiling_and_the_next_one_its_own(void **state)
{
    (void)state;
    enum jt_err rest;
    begin_anew(0, 1000);
    assert_int_equal(open_some(600, AT, 0, &rest), 600);
    assert_int_equal(open_some(600, AT, 1, &rest), 400);
    assert_int_equal(rest, JT_ERR_OPEN_QUOTA);
    assert_int_equal(open_some(1, AT + 80000, 2, &rest), 0);
    assert_int_equal(open_some(600, AT + 86400, 3, &rest), 600);
    assert_true(c.opened.ever == 1600 && jt_ceiling_today(&c, AT + 86400) == 600);
    assert_true(jt_ceiling_today(&c, AT + 2 * 86400) == 0);
}

static void a_clock_that_is_set_back_gives_no_second_day(void **state)
{
    (void)state;
    enum jt_err rest;
    begin_anew(0, 100);
    assert_int_equal(open_some(100, AT, 0, &rest), 100);
    assert_int_equal(open_some(1, AT - 86400, 1, &rest), 0);
    assert_int_equal(open_some(1, 0, 2, &rest), 0);
    assert_int_equal(open_some(1, -5, 3, &rest), 0);
}

static void a_second_has_its_ceiling_and_fills_evenly(void **state)
{
    (void)state;
    enum jt_err rest;
    begin_anew(1000, 0);
    assert_int_equal(open_some(1500, AT, 5000, &rest), 1000);
    assert_int_equal(rest, JT_ERR_OPEN_RATE);
    assert_int_equal(open_some(1, AT, 5000, &rest), 0);
    assert_int_equal(open_some(100, AT, 5010, &rest), 10);
    assert_int_equal(open_some(2000, AT, 5510, &rest), 500);
    assert_int_equal(open_some(2000, AT, 100000, &rest), 1000); /* never more than a second's */
    assert_int_equal(open_some(5, AT, 50, &rest), 0);           /* nor for a clock gone back */
    begin_anew(3, 0);
    assert_int_equal(open_some(9, AT, 0, &rest), 3);
    assert_int_equal(open_some(9, AT, 333, &rest), 0);
    assert_int_equal(open_some(9, AT, 334, &rest), 1);
}

static void of_both_the_lower_one_is_named(void **state)
{
    (void)state;
    enum jt_err rest;
    begin_anew(100, 150);
    assert_int_equal(open_some(120, AT, 0, &rest), 100);
    assert_int_equal(rest, JT_ERR_OPEN_RATE);
    assert_int_equal(open_some(120, AT, 1000, &rest), 50);
    assert_int_equal(rest, JT_ERR_OPEN_QUOTA);
    assert_int_equal(open_some(120, AT, 2000, &rest), 0);
    assert_int_equal(rest, JT_ERR_OPEN_QUOTA);
}

static void what_was_opened_before_a_crash_is_counted_after_it(void **state)
{
    (void)state;
    enum jt_err rest;
    begin_anew(0, 100000);
    uint64_t opened = 0;
    for (int i = 0; i < 50; i++) {
        opened += open_some(137, AT, 0, &rest);
        begin(0, 100000); /* killed, and started from what is on disk */
        assert_true(c.opened.today >= opened && c.opened.ever >= opened);
        opened = c.opened.today;
        assert_true(opened <= (uint64_t)(i + 1) * (137 + 100000 / 256 + 1));
    }
    uint64_t before = c.opened.today;
    (void)open_some(100, AT, 0, &rest);
    disk.opened = c.opened; /* a clean end */
    begin(0, 100000);
    assert_true(c.opened.today == before + 100);
}

static void nothing_is_opened_that_the_disk_does_not_have(void **state)
{
    (void)state;
    struct jt_allowance a;
    begin_anew(0, 0);
    disk.full = true;
    assert_int_equal(jt_ceiling_ask(&c, 1, AT, 0, &a), JT_ERR_IO);
    assert_int_equal(a.n, 0);
    disk.full = false;
    assert_int_equal(jt_ceiling_ask(&c, 1, AT, 0, &a), JT_OK);
    assert_int_equal(a.n, 1);
    jt_ceiling_spend(&c, 1);
    disk.full = true;
    assert_int_equal(jt_ceiling_ask(&c, 1, AT, 0, &a), JT_OK); /* written ahead */
    assert_int_equal(jt_ceiling_ask(&c, 1, AT + 86400, 0, &a), JT_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_ceilings_all_is_opened_and_counted),
        cmocka_unit_test(a_day_has_its_ceiling_and_the_next_one_its_own),
        cmocka_unit_test(a_clock_that_is_set_back_gives_no_second_day),
        cmocka_unit_test(a_second_has_its_ceiling_and_fills_evenly),
        cmocka_unit_test(of_both_the_lower_one_is_named),
        cmocka_unit_test(what_was_opened_before_a_crash_is_counted_after_it),
        cmocka_unit_test(nothing_is_opened_that_the_disk_does_not_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
