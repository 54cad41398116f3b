/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Generation 1 retired, 2 draining, 3 active; the check value repeats the number. */
static struct jt_ring sample(void)
{
    struct jt_ring ring = { .development = true, .epoch = 6, .highest = 3, .n = 3 };
    const uint8_t states[3] = { JT_GENERATION_RETIRED, JT_GENERATION_DRAINING,
                                JT_GENERATION_ACTIVE };
    for (uint8_t i = 0; i < 3; i++) {
        ring.entries[i] = (struct jt_ring_entry){ .number = i + 1u,
                                                  .key_id = (uint8_t)(i + 1),
                                                  .state = states[i] };
        memset(ring.entries[i].check_value, i + 1, JT_CHECK_VALUE_LEN);
    }
    return ring;
}

static struct jt_generation_row row(uint64_t number, uint8_t state)
{
    struct jt_generation_row g = { .number = number, .key_id = (uint8_t)number, .state = state };
    memset(g.check_value, (int)number, sizeof g.check_value);
    return g;
}

static void only_an_active_generation_that_is_not_compromised_is_writable(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    assert_int_equal(jt_policy_writable(&ring)->number, 3);
    ring.entries[2].compromised = true;
    assert_null(jt_policy_writable(&ring));
    ring.entries[2].state = JT_GENERATION_DRAINING;
    assert_null(jt_policy_writable(&ring));
}

static void only_live_generations_are_openable(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    assert_false(jt_policy_openable(&ring.entries[0]));
    assert_true(jt_policy_openable(&ring.entries[1]));
    assert_true(jt_policy_openable(&ring.entries[2]));
}

static void activation_makes_the_old_active_generation_draining(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    struct jt_ring next;
    struct jt_generation_row g = row(4, JT_GENERATION_FUTURE);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_ACTIVE, &next), JT_OK);
    assert_int_equal(next.epoch, 7);
    assert_int_equal(next.highest, 4);
    assert_int_equal(next.n, 4);
    assert_int_equal(jt_ring_find(&next, 3)->state, JT_GENERATION_DRAINING);
    assert_int_equal(jt_ring_active(&next)->number, 4);
    assert_memory_equal(jt_ring_active(&next)->check_value, g.check_value, JT_CHECK_VALUE_LEN);
    assert_int_equal(jt_policy_accept(&ring, &next), JT_OK);
}

static void activation_is_refused_unless_future_new_and_free(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    struct jt_ring next;
    struct jt_generation_row g = row(4, JT_GENERATION_ACTIVE);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_ACTIVE, &next), JT_ERR_WRONG_STATE);
    assert_int_equal(next.n, 0);
    g = row(3, JT_GENERATION_FUTURE);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_ACTIVE, &next), JT_ERR_WRONG_STATE);
    g = row(4, JT_GENERATION_FUTURE);
    g.key_id = 1;
    assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_ACTIVE, &next),
                     JT_ERR_KEY_ID_TAKEN);
    g.key_id = 0;
    assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_ACTIVE, &next),
                     JT_ERR_KEY_ID_TAKEN);
}

static void no_more_generations_drain_than_the_bound(void **state)
{
    (void)state;
    struct jt_ring ring = { .development = true, .epoch = 1 };
    for (uint64_t number = 1; number <= JT_RING_MAX_DRAINING + 1; number++) {
        struct jt_ring next;
        struct jt_generation_row g = row(number, JT_GENERATION_FUTURE);
        assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_ACTIVE, &next), JT_OK);
        ring = next;
    }
    struct jt_ring next;
    struct jt_generation_row g = row(JT_RING_MAX_DRAINING + 2, JT_GENERATION_FUTURE);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_ACTIVE, &next),
                     JT_ERR_TOO_MANY_LIVE);
    assert_int_equal(next.n, 0);
}

static void a_ring_has_room_for_every_key_id_and_then_is_full(void **state)
{
    (void)state;
    struct jt_ring ring = { .development = true, .epoch = 1 };
    struct jt_ring next;
    for (uint64_t number = 1; number <= 255; number++) {
        struct jt_generation_row g = row(number, JT_GENERATION_FUTURE);
        assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_ACTIVE, &next), JT_OK);
        assert_int_equal(jt_policy_accept(&ring, &next), JT_OK);
        ring = next;
        if (number > 1) {
            g = row(number - 1, JT_GENERATION_DRAINING);
            assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_RETIRED, &next), JT_OK);
            ring = next;
        }
    }
    assert_int_equal(ring.n, JT_RING_MAX);
    struct jt_generation_row g = row(256, JT_GENERATION_FUTURE);
    g.key_id = 1;
    assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_ACTIVE, &next), JT_ERR_NO_KEY_ID);
    assert_int_equal(next.n, 0);
}

static void retirement_goes_from_draining_only(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    struct jt_ring next;
    struct jt_generation_row g = row(2, JT_GENERATION_DRAINING);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_RETIRED, &next), JT_OK);
    assert_int_equal(jt_ring_find(&next, 2)->state, JT_GENERATION_RETIRED);
    assert_int_equal(next.highest, 3);
    assert_int_equal(jt_policy_accept(&ring, &next), JT_OK);

    g = row(3, JT_GENERATION_ACTIVE);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_RETIRED, &next),
                     JT_ERR_WRONG_STATE);
    g = row(3, JT_GENERATION_DRAINING);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_RETIRED, &next),
                     JT_ERR_WRONG_STATE);
    g = row(1, JT_GENERATION_DRAINING);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_RETIRED, &next),
                     JT_ERR_WRONG_STATE);
    g = row(9, JT_GENERATION_DRAINING);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_RETIRED, &next),
                     JT_ERR_NO_GENERATION);
    g = row(2, JT_GENERATION_DRAINING);
    g.check_value[0] ^= 1;
    assert_int_equal(jt_policy_propose(&ring, &g, JT_GENERATION_RETIRED, &next),
                     JT_ERR_WRONG_STATE);
}

static void a_compromised_active_generation_is_replaced_in_the_same_step(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    struct jt_ring next;
    struct jt_generation_row g = row(4, JT_GENERATION_FUTURE);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_RING_REPLACE, &next), JT_OK);
    assert_int_equal(next.epoch, 7);
    assert_int_equal(jt_ring_active(&next)->number, 4);
    assert_false(jt_ring_active(&next)->compromised);
    assert_int_equal(jt_ring_find(&next, 3)->state, JT_GENERATION_DRAINING);
    assert_true(jt_ring_find(&next, 3)->compromised);
    assert_false(jt_ring_find(&next, 2)->compromised); /* it drained before */
    assert_int_equal(jt_policy_writable(&next)->number, 4);
    assert_int_equal(jt_policy_accept(&ring, &next), JT_OK);

    struct jt_ring without = { .development = true, .epoch = 1 };
    assert_int_equal(jt_policy_propose(&without, &g, JT_RING_REPLACE, &next), JT_ERR_NO_ACTIVE);
}

static void a_mark_alone_is_for_what_drains_or_is_retired(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    struct jt_ring next, again;
    struct jt_generation_row g = row(2, JT_GENERATION_DRAINING);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_RING_COMPROMISE, &next), JT_OK);
    assert_true(jt_ring_find(&next, 2)->compromised);
    assert_int_equal(jt_ring_find(&next, 2)->state, JT_GENERATION_DRAINING);
    assert_int_equal(jt_policy_accept(&ring, &next), JT_OK);
    assert_int_equal(jt_policy_propose(&next, &g, JT_RING_COMPROMISE, &again), JT_ERR_WRONG_STATE);

    g = row(1, JT_GENERATION_RETIRED);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_RING_COMPROMISE, &next), JT_OK);
    assert_true(jt_ring_find(&next, 1)->compromised);
    g = row(3, JT_GENERATION_ACTIVE);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_RING_COMPROMISE, &next), JT_ERR_WRONG_STATE);
    g = row(2, JT_GENERATION_ACTIVE); /* an older row of it */
    assert_int_equal(jt_policy_propose(&ring, &g, JT_RING_COMPROMISE, &next), JT_ERR_WRONG_STATE);
    g = row(9, JT_GENERATION_DRAINING);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_RING_COMPROMISE, &next), JT_ERR_NO_GENERATION);
}

static void no_other_step_can_be_proposed(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    struct jt_ring next;
    for (unsigned step = 0; step < 256; step++) {
        struct jt_generation_row g = row(2, JT_GENERATION_DRAINING);
        if (step != JT_RING_RETIRE && step != JT_RING_COMPROMISE) {
            assert_int_equal(jt_policy_propose(&ring, &g, (uint8_t)step, &next),
                             JT_ERR_WRONG_STATE);
        }
    }
}

static void a_ring_that_goes_back_is_never_accepted(void **state)
{
    (void)state;
    const struct jt_ring ring = sample();
    struct jt_ring next = ring;
    assert_int_equal(jt_policy_accept(&ring, &next), JT_ERR_WENT_BACK); /* the epoch must rise */
    next.epoch = 5;
    assert_int_equal(jt_policy_accept(&ring, &next), JT_ERR_WENT_BACK);
    next.epoch = 7;
    assert_int_equal(jt_policy_accept(&ring, &next), JT_OK);

    /* retired becomes draining again: for `jeton recover` only */
    next.entries[0].state = JT_GENERATION_DRAINING;
    assert_int_equal(jt_policy_accept(&ring, &next), JT_ERR_WENT_BACK);
    next = ring;
    next.epoch = 7;
    next.entries[1].check_value[0] ^= 1; /* another key under the same number */
    assert_int_equal(jt_policy_accept(&ring, &next), JT_ERR_WENT_BACK);
    next = ring;
    next.epoch = 7;
    next.entries[1].key_id = 99;
    assert_int_equal(jt_policy_accept(&ring, &next), JT_ERR_WENT_BACK);
    next = ring;
    next.epoch = 7;
    next.highest = 2;
    assert_int_equal(jt_policy_accept(&ring, &next), JT_ERR_WENT_BACK);
}

/* The ring without one of its generations, so many epochs on. */
static struct jt_ring without(const struct jt_ring *ring, size_t i, uint64_t n_epochs)
{
    struct jt_ring next = *ring;
    next.epoch += n_epochs;
    next.n--;
    memmove(next.entries + i, ring->entries + i + 1, (next.n - i) * sizeof next.entries[0]);
    return next;
}

static void only_a_retired_generation_leaves_the_ring_and_for_good(void **state)
{
    (void)state;
    const struct jt_ring ring = sample();
    struct jt_ring next;
    /* retired, draining and active: each step that it takes to retire it was an epoch */
    for (size_t i = 0; i < 3; i++) {
        next = without(&ring, i, i);
        assert_int_equal(jt_policy_accept(&ring, &next), JT_ERR_WENT_BACK);
        next = without(&ring, i, i + 1);
        assert_int_equal(jt_policy_accept(&ring, &next), JT_OK);
    }
    struct jt_generation_row g = row(1, JT_GENERATION_RETIRED);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_RING_DESTROY, &next), JT_OK);
    assert_int_equal(next.n, 2);
    assert_null(jt_ring_find(&next, 1));
    struct jt_ring back = ring;
    back.epoch = 9;
    assert_int_equal(jt_policy_accept(&next, &back), JT_ERR_WENT_BACK);
    assert_int_equal(jt_policy_take(&next, &g), JT_ERR_WRONG_STATE);
    g = row(2, JT_GENERATION_DRAINING);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_RING_DESTROY, &next), JT_ERR_WRONG_STATE);
    g = row(3, JT_GENERATION_ACTIVE);
    assert_int_equal(jt_policy_propose(&ring, &g, JT_RING_DESTROY, &next), JT_ERR_WRONG_STATE);
}

static void a_compromised_mark_stays(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    struct jt_ring next = ring;
    next.epoch = 7;
    ring.entries[1].compromised = true;
    assert_int_equal(jt_policy_accept(&ring, &next), JT_ERR_WENT_BACK);
    next.entries[1].compromised = true;
    assert_int_equal(jt_policy_accept(&ring, &next), JT_OK);
    ring.entries[1].compromised = false;
    assert_int_equal(jt_policy_accept(&ring, &next), JT_OK);
}

static void a_number_that_was_passed_over_cannot_come_later(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    ring.entries[2].number = ring.highest = 5;
    struct jt_ring next = ring;
    next.epoch = 7;
    next.n = 4;
    next.entries[3] = next.entries[2];
    next.entries[2] =
        (struct jt_ring_entry){ .number = 4, .key_id = 44, .state = JT_GENERATION_DRAINING };
    assert_int_equal(jt_policy_accept(&ring, &next), JT_ERR_WENT_BACK);
}

static struct jt_keyring *keyring_of(const struct jt_ring *ring)
{
    struct jt_keyring *kr;
    assert_int_equal(jt_keyring_new(&kr), JT_OK);
    for (size_t i = 0; i < ring->n; i++) {
        struct jt_genfile meta = { .number = ring->entries[i].number,
                                   .key_id = ring->entries[i].key_id };
        memcpy(meta.check_value, ring->entries[i].check_value, sizeof meta.check_value);
        const uint8_t key[JT_GENERATION_KEY_LEN] = { 1 };
        assert_int_equal(jt_keyring_add(kr, &meta, key), JT_OK);
    }
    return kr;
}

static void every_live_generation_must_be_held(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    struct jt_keyring *kr = keyring_of(&ring);
    uint64_t number;
    assert_int_equal(jt_policy_held(kr, &ring, &number), JT_OK);
    jt_keyring_remove(kr, 1); /* retired: not needed */
    assert_int_equal(jt_policy_held(kr, &ring, &number), JT_OK);
    ring.entries[1].check_value[7] ^= 1;
    assert_int_equal(jt_policy_held(kr, &ring, &number), JT_ERR_KEY_WRONG);
    assert_int_equal(number, 2);
    jt_keyring_remove(kr, 2);
    assert_int_equal(jt_policy_held(kr, &ring, &number), JT_ERR_KEY_MISSING);
    jt_keyring_free(kr);
}

static void the_next_generation_is_above_all_and_its_key_id_free(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    struct jt_keyring *kr = keyring_of(&ring);
    struct jt_generation_create create = { .used_key_ids = { 1 << 4 } };
    uint64_t number;
    uint8_t key_id;
    assert_int_equal(jt_policy_next_generation(kr, &ring, 0, &create, &number, &key_id), JT_OK);
    assert_int_equal(number, 4);
    assert_int_equal(key_id, 5); /* 1 to 3 are in the ring, 4 is used in the database */
    assert_int_equal(jt_policy_next_generation(kr, &ring, 9, &create, &number, &key_id), JT_OK);
    assert_int_equal(number, 10);
    create.db_highest = 20;
    assert_int_equal(jt_policy_next_generation(kr, &ring, 9, &create, &number, &key_id), JT_OK);
    assert_int_equal(number, 21);
    memset(create.used_key_ids, 0xff, sizeof create.used_key_ids);
    assert_int_equal(jt_policy_next_generation(kr, &ring, 9, &create, &number, &key_id),
                     JT_ERR_NO_KEY_ID);
    memset(create.used_key_ids, 0xff, sizeof create.used_key_ids - 1);
    create.used_key_ids[31] = 0x7f;
    assert_int_equal(jt_policy_next_generation(kr, &ring, 9, &create, &number, &key_id), JT_OK);
    assert_int_equal(key_id, 255);
    jt_keyring_free(kr);
}

static void a_database_cannot_use_the_numbers_up(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    struct jt_keyring *kr = keyring_of(&ring);
    struct jt_generation_create create = { .db_highest = UINT64_MAX };
    uint64_t number;
    uint8_t key_id;
    assert_int_equal(jt_policy_next_generation(kr, &ring, 0, &create, &number, &key_id),
                     JT_ERR_LIMIT);
    create.db_highest = INT64_MAX;
    assert_int_equal(jt_policy_next_generation(kr, &ring, INT64_MAX, &create, &number, &key_id),
                     JT_ERR_LIMIT);
    jt_keyring_free(kr);
}

/* A key that comes is one that is, or may yet be, of use. */
static void a_key_is_taken_for_what_can_still_be_active_or_is_there(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    const struct jt_ring_entry *first = &ring.entries[0];
    struct jt_generation_row row = { .number = first->number,
                                     .key_id = first->key_id,
                                     .state = JT_GENERATION_RETIRED };
    memcpy(row.check_value, first->check_value, sizeof row.check_value);
    assert_int_equal(jt_policy_take(&ring, &row), JT_OK);
    row.state = 0;
    assert_int_equal(jt_policy_take(&ring, &row), JT_ERR_WRONG_STATE);
    row.state = JT_GENERATION_DESTROYED;
    assert_int_equal(jt_policy_take(&ring, &row), JT_ERR_WRONG_STATE);
    row.state = JT_GENERATION_FUTURE;
    row.key_id ^= 0x40;
    assert_int_equal(jt_policy_take(&ring, &row), JT_ERR_KEY_WRONG);
    row.key_id ^= 0x40;
    row.check_value[0] ^= 1;
    assert_int_equal(jt_policy_take(&ring, &row), JT_ERR_KEY_WRONG);
    row.number = ring.highest + 1;
    assert_int_equal(jt_policy_take(&ring, &row), JT_ERR_KEY_ID_TAKEN);
    row.key_id = 0;
    assert_int_equal(jt_policy_take(&ring, &row), JT_ERR_KEY_ID_TAKEN);
    row.key_id = 77;
    assert_int_equal(jt_policy_take(&ring, &row), JT_OK);
    row.number = ring.highest;
    ring.n = 0; /* it has left the ring */
    assert_int_equal(jt_policy_take(&ring, &row), JT_ERR_WRONG_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_an_active_generation_that_is_not_compromised_is_writable),
        cmocka_unit_test(only_live_generations_are_openable),
        cmocka_unit_test(activation_makes_the_old_active_generation_draining),
        cmocka_unit_test(activation_is_refused_unless_future_new_and_free),
        cmocka_unit_test(no_more_generations_drain_than_the_bound),
        cmocka_unit_test(a_ring_has_room_for_every_key_id_and_then_is_full),
        cmocka_unit_test(retirement_goes_from_draining_only),
        cmocka_unit_test(a_compromised_active_generation_is_replaced_in_the_same_step),
        cmocka_unit_test(a_mark_alone_is_for_what_drains_or_is_retired),
        cmocka_unit_test(no_other_step_can_be_proposed),
        cmocka_unit_test(a_ring_that_goes_back_is_never_accepted),
        cmocka_unit_test(only_a_retired_generation_leaves_the_ring_and_for_good),
        cmocka_unit_test(a_compromised_mark_stays),
        cmocka_unit_test(a_number_that_was_passed_over_cannot_come_later),
        cmocka_unit_test(every_live_generation_must_be_held),
        cmocka_unit_test(the_next_generation_is_above_all_and_its_key_id_free),
        cmocka_unit_test(a_database_cannot_use_the_numbers_up),
        cmocka_unit_test(a_key_is_taken_for_what_can_still_be_active_or_is_there),
    };
    return cmocka_run_group_tests_name("keeper/policy", tests, NULL, NULL);
}
