/* SPDX-License-Identifier: Apache-2.0 */
/* Ids: the test is the clock and the disk. */
#include "keeper/idmint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODE 5
#define NOW  UINT64_C(200000000000) /* some day in 2026 */

struct disk {
    uint64_t mark_ms;
    size_t n_saved;
    bool full;
};

static enum jt_err save(void *arg, uint64_t mark_ms)
{
    struct disk *d = arg;
    if (d->full) {
        return JT_ERR_IO;
    }
    d->mark_ms = mark_ms;
    d->n_saved++;
    return JT_OK;
}

static uint64_t ids[3 * JT_IDMINT_COUNTS];

static uint64_t one(struct jt_idmint *m, uint64_t now_ms)
{
    uint64_t id = 0;
    assert_int_equal(jt_idmint_take(m, NODE, now_ms, &id, 1), JT_OK);
    return id;
}

static uint32_t count_of(uint64_t id)
{
    return id & 0x3fff;
}

static void an_id_is_time_node_and_count(void **state)
{
    (void)state;
    struct disk d = { 0 };
    struct jt_idmint m;
    jt_idmint_init(&m, 0, save, &d);
    assert_int_equal(jt_idmint_take(&m, 255, NOW, ids, 3), JT_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_true(ids[i] == (NOW << 22 | UINT64_C(255) << 14 | i));
        assert_true(jt_idmint_ms_of(ids[i]) == NOW);
    }
    uint64_t next = one(&m, NOW);
    assert_int_equal(count_of(next), 3); /* the same millisecond goes on counting */
    next = one(&m, NOW + 1);
    assert_int_equal(count_of(next), 0); /* a new one begins anew */
    assert_int_equal(jt_idmint_take(&m, NODE, NOW, ids, 0), JT_OK);
}

static void a_clock_that_is_set_back_does_not_take_the_ids_with_it(void **state)
{
    (void)state;
    struct disk d = { 0 };
    struct jt_idmint m;
    jt_idmint_init(&m, 0, save, &d);
    uint64_t before = one(&m, NOW);
    static const uint64_t clocks[] = { NOW - 1, NOW - 100000, 0, NOW - 1, NOW, NOW + 1 };
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        uint64_t id = one(&m, clocks[i]);
        assert_true(id > before);
        assert_true(jt_idmint_ms_of(id) == (clocks[i] > NOW ? NOW + 1 : NOW));
        before = id;
    }
}

static void a_millisecond_has_16384_ids_and_then_the_next_begins(void **state)
{
    (void)state;
    struct disk d = { 0 };
    struct jt_idmint m;
    jt_idmint_init(&m, 0, save, &d);
    assert_int_equal(jt_idmint_take(&m, NODE, NOW, ids, JT_IDMINT_COUNTS), JT_OK);
    assert_int_equal(count_of(ids[JT_IDMINT_COUNTS - 1]), JT_IDMINT_COUNTS - 1);
    assert_true(jt_idmint_ms_of(ids[JT_IDMINT_COUNTS - 1]) == NOW);
    uint64_t next = one(&m, NOW);
    assert_true(jt_idmint_ms_of(next) == NOW + 1);
    assert_int_equal(count_of(next), 0);
    next = one(&m, NOW + 1); /* the clock has caught up: nothing begins anew */
    assert_int_equal(count_of(next), 1);
    assert_int_equal(jt_idmint_take(&m, NODE, NOW + 2, ids, 3 * JT_IDMINT_COUNTS), JT_OK);
    assert_true(ids[0] > next);
    for (size_t i = 1; i < 3 * JT_IDMINT_COUNTS; i++) {
        assert_true(ids[i] > ids[i - 1]);
    }
    assert_true(jt_idmint_ms_of(ids[3 * JT_IDMINT_COUNTS - 1]) == NOW + 4);
}

static void the_mark_is_written_before_the_ids_and_renewed_in_time(void **state)
{
    (void)state;
    struct disk d = { 0 };
    struct jt_idmint m;
    jt_idmint_init(&m, 0, save, &d);
    (void)one(&m, NOW);
    assert_true(d.mark_ms == NOW + JT_IDMINT_AHEAD_MS);
    assert_int_equal(d.n_saved, 1);
    (void)one(&m, NOW + JT_IDMINT_AHEAD_MS - JT_IDMINT_RENEW_MS); /* exactly enough is left */
    assert_int_equal(d.n_saved, 1);
    (void)one(&m, NOW + JT_IDMINT_AHEAD_MS - JT_IDMINT_RENEW_MS + 1);
    assert_int_equal(d.n_saved, 2);
    assert_true(d.mark_ms == NOW + 2 * JT_IDMINT_AHEAD_MS - JT_IDMINT_RENEW_MS + 1);
    for (uint64_t ms = 0; ms < 1000000; ms += 13) {
        uint64_t id = one(&m, NOW + ms);
        assert_true(jt_idmint_ms_of(id) <= d.mark_ms);
    }
    /* A batch that spans milliseconds is covered to its end. */
    uint64_t far = d.mark_ms - 1;
    assert_int_equal(jt_idmint_take(&m, NODE, far, ids, 3 * JT_IDMINT_COUNTS), JT_OK);
    assert_true(d.mark_ms >= far + 2);
}

static void without_a_disk_ids_end_where_the_mark_does(void **state)
{
    (void)state;
    struct disk d = { 0 };
    struct jt_idmint m;
    jt_idmint_init(&m, 0, save, &d);
    d.full = true;
    uint64_t id;
    assert_int_equal(jt_idmint_take(&m, NODE, NOW, &id, 1), JT_ERR_IO); /* nothing without a mark */
    d.full = false;
    uint64_t last = one(&m, NOW);
    d.full = true;
    for (uint64_t ms = 0; ms <= JT_IDMINT_AHEAD_MS;
         ms += 1000) { /* renewing fails, which is no error yet */
        id = one(&m, NOW + ms);
        assert_true(id > last);
        last = id;
    }
    assert_int_equal(jt_idmint_take(&m, NODE, NOW + JT_IDMINT_AHEAD_MS + 1, &id, 1), JT_ERR_IO);
    id = one(&m, NOW); /* a clock that goes back helps; nothing was lost by the failure */
    assert_true(id == last + 1);
    d.full = false;
    assert_true(one(&m, NOW + JT_IDMINT_AHEAD_MS + 1) > id);
}

static void after_a_crash_ids_go_on_behind_the_mark(void **state)
{
    (void)state;
    struct disk d = { 0 };
    struct jt_idmint m;
    jt_idmint_init(&m, 0, save, &d);
    uint64_t before = one(&m, NOW);
    for (uint64_t crash = 0; crash < 20; crash++) {
        uint64_t mark = d.mark_ms;
        jt_idmint_init(&m, d.mark_ms, save, &d);
        uint64_t id = one(&m, NOW + crash); /* hardly any time has gone by */
        assert_true(id > before);
        assert_true(jt_idmint_ms_of(id) == mark + 1);
        assert_true(d.mark_ms > mark);
        before = id;
    }
    /* A clean end has brought the mark back to what was used. */
    assert_true(m.used_ms == jt_idmint_ms_of(before));
    jt_idmint_init(&m, m.used_ms, save, &d);
    assert_true(jt_idmint_ms_of(one(&m, NOW)) == jt_idmint_ms_of(before) + 1);
}

static void what_others_have_minted_is_passed(void **state)
{
    (void)state;
    struct disk d = { 0 };
    struct jt_idmint m;
    jt_idmint_init(&m, 0, save, &d);
    jt_idmint_pass(&m, 0); /* no rows */
    jt_idmint_pass(&m, NOW + 5000);
    assert_true(jt_idmint_ms_of(one(&m, NOW)) == NOW + 5001);
    assert_true(d.mark_ms > NOW + 5001);
    jt_idmint_pass(&m, NOW); /* older than what was given out here: nothing to do */
    assert_int_equal(count_of(one(&m, NOW)), 1);
    jt_idmint_pass(&m, NOW + 5001); /* its own newest ids */
    assert_true(jt_idmint_ms_of(one(&m, NOW)) == NOW + 5002);
    assert_true(m.used_ms == NOW + 5002);
}

static void the_41_bits_end(void **state)
{
    (void)state;
    struct disk d = { 0 };
    struct jt_idmint m;
    uint64_t id;
    jt_idmint_init(&m, 0, save, &d);
    assert_int_equal(jt_idmint_take(&m, NODE, JT_IDMINT_END_MS, &id, 1), JT_ERR_IDS_SPENT);
    assert_int_equal(jt_idmint_take(&m, NODE, JT_IDMINT_END_MS - 1, ids, JT_IDMINT_COUNTS + 1),
                     JT_ERR_IDS_SPENT);
    assert_int_equal(jt_idmint_take(&m, 255, JT_IDMINT_END_MS - 1, ids, JT_IDMINT_COUNTS), JT_OK);
    assert_true(ids[JT_IDMINT_COUNTS - 1] == (UINT64_C(1) << 63) - 1);
    assert_int_equal(jt_idmint_take(&m, NODE, NOW, &id, 1), JT_ERR_IDS_SPENT);
    jt_idmint_init(&m, JT_IDMINT_END_MS - 1, save, &d);
    assert_int_equal(jt_idmint_take(&m, NODE, NOW, &id, 1), JT_ERR_IDS_SPENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_time_node_and_count),
        cmocka_unit_test(a_clock_that_is_set_back_does_not_take_the_ids_with_it),
        cmocka_unit_test(a_millisecond_has_16384_ids_and_then_the_next_begins),
        cmocka_unit_test(the_mark_is_written_before_the_ids_and_renewed_in_time),
        cmocka_unit_test(without_a_disk_ids_end_where_the_mark_does),
        cmocka_unit_test(after_a_crash_ids_go_on_behind_the_mark),
        cmocka_unit_test(what_others_have_minted_is_passed),
        cmocka_unit_test(the_41_bits_end),
    };
    return cmocka_run_group_tests_name("keeper/idmint", tests, NULL, NULL);
}
