/* SPDX-License-Identifier: Apache-2.0 */
/* The count of messages sealed: never too low after a crash, and durable before it is used. */
#include "keeper/sealcount.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

struct disk {
    struct jt_sealed_under saved;
    size_t n_saved;
    bool broken;
};

static enum jt_err save(void *arg, const struct jt_sealed_under *sealed)
{
    struct disk *disk = arg;
    if (disk->broken) {
        return JT_ERR_IO;
    }
    disk->saved = *sealed;
    disk->n_saved++;
    return JT_OK;
}

static void it_is_written_ahead_and_seldom(void **state)
{
    (void)state;
    struct disk disk = { .n_saved = 0 };
    struct jt_sealcount c;
    jt_sealcount_init(&c, &disk.saved, save, &disk);
    for (uint64_t i = 1; i <= 3000; i++) {
        assert_int_equal(jt_sealcount_take(&c, 7, 1000), JT_OK);
        assert_int_equal(c.sealed.n, 1000 * i);
        assert_true(disk.saved.generation == 7 && disk.saved.n >= c.sealed.n);
        assert_true(disk.saved.n <= c.sealed.n + JT_SEALCOUNT_STEP);
    }
    assert_in_range(disk.n_saved, 2, 4);
    /* as after a crash: what was written ahead counts as sealed */
    uint64_t before = c.sealed.n;
    jt_sealcount_init(&c, &disk.saved, save, &disk);
    assert_int_equal(jt_sealcount_take(&c, 7, 1), JT_OK);
    assert_in_range(c.sealed.n, before + 1, before + 1 + JT_SEALCOUNT_STEP);
}

static void another_generation_begins_at_nothing(void **state)
{
    (void)state;
    struct disk disk = { .saved = { 7, UINT64_C(1) << 41 } };
    struct jt_sealcount c;
    jt_sealcount_init(&c, &disk.saved, save, &disk);
    assert_int_equal(jt_sealcount_take(&c, 7, 5), JT_OK);
    assert_true(c.sealed.n == (UINT64_C(1) << 41) + 5);
    assert_true(c.told == JT_SEALCOUNT_MAX);
    assert_int_equal(jt_sealcount_take(&c, 8, 5), JT_OK);
    assert_true(c.sealed.generation == 8 && c.sealed.n == 5 && c.told == 0);
    assert_true(disk.saved.generation == 8 && disk.saved.n >= 5);
}

static void nothing_is_counted_that_is_not_durable(void **state)
{
    (void)state;
    struct disk disk = { .broken = true };
    struct jt_sealcount c;
    jt_sealcount_init(&c, &disk.saved, save, &disk);
    assert_int_equal(jt_sealcount_take(&c, 7, 5), JT_ERR_IO);
    assert_true(c.sealed.generation == 0 && c.sealed.n == 0);
    disk.broken = false;
    assert_int_equal(jt_sealcount_take(&c, 7, 5), JT_OK);
    disk.broken = true; /* what is written ahead does */
    assert_int_equal(jt_sealcount_take(&c, 7, JT_SEALCOUNT_STEP), JT_OK);
    assert_int_equal(jt_sealcount_take(&c, 7, 1), JT_ERR_IO);
}

static void each_bound_is_told_once_and_sealing_goes_on(void **state)
{
    (void)state;
    struct disk disk = { .saved = { 7, JT_SEALCOUNT_WARN - 1 } };
    struct jt_sealcount c;
    jt_sealcount_init(&c, &disk.saved, save, &disk);
    assert_true(c.told == 0);
    assert_int_equal(jt_sealcount_take(&c, 7, 1), JT_OK);
    assert_true(c.told == JT_SEALCOUNT_WARN);
    assert_int_equal(jt_sealcount_take(&c, 7, JT_SEALCOUNT_WARN - 1), JT_OK);
    assert_true(c.told == JT_SEALCOUNT_WARN);
    assert_int_equal(jt_sealcount_take(&c, 7, 1), JT_OK);
    assert_true(c.told == JT_SEALCOUNT_MAX);
    assert_int_equal(jt_sealcount_take(&c, 7, 1000), JT_OK);
    assert_true(c.sealed.n == JT_SEALCOUNT_MAX + 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_written_ahead_and_seldom),
        cmocka_unit_test(another_generation_begins_at_nothing),
        cmocka_unit_test(nothing_is_counted_that_is_not_durable),
        cmocka_unit_test(each_bound_is_told_once_and_sealing_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
