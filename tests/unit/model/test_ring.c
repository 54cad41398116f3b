/* SPDX-License-Identifier: Apache-2.0 */
#include "model/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct jt_ring sample(void)
{
    struct jt_ring ring = { .development = true, .epoch = 9, .highest = 5, .n = 3 };
    ring.entries[0] =
        (struct jt_ring_entry){ .number = 2, .key_id = 7, .state = JT_GENERATION_RETIRED };
    ring.entries[1] =
        (struct jt_ring_entry){ .number = 3, .key_id = 1, .state = JT_GENERATION_DRAINING };
    ring.entries[2] =
        (struct jt_ring_entry){ .number = 5, .key_id = 2, .state = JT_GENERATION_ACTIVE };
    return ring;
}

static void entries_are_found(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    assert_int_equal(jt_ring_find(&ring, 3)->key_id, 1);
    assert_null(jt_ring_find(&ring, 4));
    assert_int_equal(jt_ring_active(&ring)->number, 5);
    ring.n = 2;
    assert_null(jt_ring_active(&ring));
}

static void only_the_canonical_form_is_a_ring(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    assert_true(jt_ring_valid(&ring));
    ring.epoch = 0;
    assert_false(jt_ring_valid(&ring));
    ring = sample();
    ring.highest = 4;
    assert_false(jt_ring_valid(&ring));
    ring = sample();
    ring.entries[1].number = 2;
    assert_false(jt_ring_valid(&ring));
    ring = sample();
    ring.entries[0].number = 0;
    assert_false(jt_ring_valid(&ring));
    ring = sample();
    ring.entries[1].key_id = 7;
    assert_false(jt_ring_valid(&ring));
    ring = sample();
    ring.entries[1].key_id = 0;
    assert_false(jt_ring_valid(&ring));
    ring = sample();
    ring.entries[1].state = JT_GENERATION_ACTIVE;
    assert_false(jt_ring_valid(&ring));
    ring = sample();
    ring.entries[1].state = JT_GENERATION_FUTURE;
    assert_false(jt_ring_valid(&ring));
    ring = sample();
    ring.entries[1].state = JT_GENERATION_DESTROYED;
    assert_false(jt_ring_valid(&ring));
}

static void too_many_draining_generations_are_no_ring(void **state)
{
    (void)state;
    const uint16_t n = JT_RING_MAX_LIVE;
    struct jt_ring ring = { .development = true, .epoch = 1, .highest = n, .n = n };
    for (uint8_t i = 0; i < n; i++) {
        ring.entries[i] = (struct jt_ring_entry){ .number = i + 1u,
                                                  .key_id = (uint8_t)(i + 1),
                                                  .state = JT_GENERATION_DRAINING };
    }
    assert_false(jt_ring_valid(&ring));
    ring.entries[n - 1].state = JT_GENERATION_ACTIVE;
    assert_true(jt_ring_valid(&ring));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found),
        cmocka_unit_test(only_the_canonical_form_is_a_ring),
        cmocka_unit_test(too_many_draining_generations_are_no_ring),
    };
    return cmocka_run_group_tests_name("model/ring", tests, NULL, NULL);
}
