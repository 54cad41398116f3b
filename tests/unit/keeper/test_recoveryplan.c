/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would become of each generation, where keeper and database differ in every way: states,
 * keys under one number, key ids, and what only one of the two knows.
 */
#include "keeper/keeper.h"
#include "keeper/recoveryplan.h"
#include "keeper/rowmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ACTIVE    JT_GENERATION_ACTIVE
#define DRAINING  JT_GENERATION_DRAINING
#define RETIRED   JT_GENERATION_RETIRED
#define FUTURE    JT_GENERATION_FUTURE
#define DESTROYED JT_GENERATION_DESTROYED

static struct jt_keeper k; /* as much of one as a plan is made from */
static struct jt_recovery_database db;
static struct jt_ring there, next;
static struct jt_recovery_plan plan;

static int setup(void **state)
{
    (void)state;
    memset(&k, 0, sizeof k);
    memset(&db, 0, sizeof db);
    memset(&there, 0, sizeof there);
    assert_int_equal(jt_root_generate(&k.root), JT_OK);
    assert_int_equal(jt_keyring_new(&k.keyring), JT_OK);
    k.ring.epoch = 50;
    there.epoch = 20;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    jt_root_free(k.root);
    jt_keyring_free(k.keyring);
    return 0;
}

/* One number has one key, unless a test makes another one: its check value is the number. */
static struct jt_ring_entry entry(uint64_t number, uint8_t state)
{
    struct jt_ring_entry e = { .number = number, .key_id = (uint8_t)number, .state = state };
    memset(e.check_value, (int)number, sizeof e.check_value);
    return e;
}

static void add(struct jt_ring *ring, uint64_t number, uint8_t state)
{
    ring->entries[ring->n++] = entry(number, state);
    ring->highest = number > ring->highest ? number : ring->highest;
}

static void hold_as(uint64_t number, uint8_t key_id, bool used)
{
    static const uint8_t key[JT_GENERATION_KEY_LEN] = { 1 };
    struct jt_genfile meta = { .number = number, .key_id = key_id, .used = used };
    memset(meta.check_value, (int)number, sizeof meta.check_value);
    assert_int_equal(jt_keyring_add(k.keyring, &meta, key), JT_OK);
}

static void hold(uint64_t number)
{
    hold_as(number, (uint8_t)number, true);
}

static struct jt_recovery_found *find_in_database(uint64_t number, uint8_t state, uint64_t n_cards)
{
    struct jt_recovery_found *f = &db.found[db.n_found++];
    const struct jt_ring_entry e = entry(number, state);
    f->n_cards = n_cards;
    f->row = (struct jt_generation_row){ .number = number, .key_id = e.key_id, .state = state };
    memcpy(f->row.check_value, e.check_value, sizeof f->row.check_value);
    return f;
}

static enum jt_err make(void)
{
    struct jt_ring *rings[] = { &k.ring, &there };
    for (size_t i = 0; i < 2; i++) {
        memcpy(rings[i]->root_check_value, k.root->check_value, JT_CHECK_VALUE_LEN);
    }
    assert_int_equal(jt_keeper_ring_row(&k, &there, &db.ring), JT_OK);
    for (size_t i = 0; i < db.n_found; i++) {
        struct jt_generation_row *row = &db.found[i].row;
        assert_int_equal(jt_rowmac_generation(k.root, row, row->mac), JT_OK);
    }
    return jt_recoveryplan_make(&k, &db, &next, &plan);
}

static const struct jt_recovery_change *change(uint64_t number)
{
    for (size_t i = 0; i < plan.n; i++) {
        if (plan.all[i].number == number) {
            return &plan.all[i];
        }
    }
    fail_msg("no change of %d", (int)number);
    return NULL;
}

static void what_is_as_it_shall_be_is_not_written(void **state)
{
    (void)state;
    add(&k.ring, 1, ACTIVE);
    add(&there, 1, ACTIVE);
    hold(1);
    struct jt_recovery_found *f = find_in_database(1, ACTIVE, 5);
    assert_int_equal(make(), JT_OK);
    assert_false(change(1)->posts || change(1)->lost);
    assert_true(change(1)->held && change(1)->after == ACTIVE && change(1)->n_cards == 5);
    f->row.state = DRAINING;
    assert_int_equal(make(), JT_OK);
    assert_true(change(1)->posts);
    db.n_found = 0;
    assert_int_equal(make(), JT_OK);
    assert_true(change(1)->posts && change(1)->database_state == 0);
}

/* Cards under another key of the same number: nobody has that one. */
static void another_key_of_a_number_loses_its_cards(void **state)
{
    (void)state;
    add(&k.ring, 1, RETIRED);
    hold(1);
    struct jt_recovery_found *f = find_in_database(1, ACTIVE, 5);
    f->row.check_value[0] ^= 1;
    assert_int_equal(make(), JT_OK);
    assert_true(change(1)->lost && change(1)->posts);
    f->row.check_value[0] ^= 1;
    f->row.key_id ^= 1;
    assert_int_equal(make(), JT_OK);
    assert_true(change(1)->lost);
    f->n_cards = 0;
    assert_int_equal(make(), JT_OK);
    assert_false(change(1)->lost);
}

static void retired_ones_drain_again_for_cards_or_for_the_database(void **state)
{
    (void)state;
    add(&k.ring, 1, RETIRED);
    add(&k.ring, 2, RETIRED);
    add(&k.ring, 3, RETIRED);
    add(&k.ring, 4, RETIRED);
    add(&there, 1, RETIRED);
    add(&there, 2, RETIRED);
    add(&there, 3, DRAINING);
    find_in_database(1, RETIRED, 0);
    find_in_database(2, RETIRED, 7);
    find_in_database(3, DRAINING, 0);
    find_in_database(4, RETIRED, 0);
    for (uint64_t n = 1; n <= 4; n++) {
        hold(n);
    }
    assert_int_equal(make(), JT_OK);
    assert_int_equal(change(1)->after, RETIRED);
    assert_int_equal(change(2)->after, DRAINING);
    assert_int_equal(change(3)->after, DRAINING);
    assert_int_equal(change(4)->after, DRAINING); /* its certificate is gone */
}

static void a_key_that_is_needed_and_not_held_is_missing(void **state)
{
    (void)state;
    add(&k.ring, 1, RETIRED);
    assert_int_equal(make(), JT_OK); /* of what stays retired none is needed */
    assert_int_equal(change(1)->after, RETIRED);
    k.ring.entries[0].state = DRAINING;
    assert_int_equal(make(), JT_ERR_KEY_MISSING);
    hold_as(1, 9, true); /* another one under its number */
    assert_int_equal(make(), JT_ERR_KEY_MISSING);
    jt_keyring_remove(k.keyring, 1);
    hold(1);
    assert_int_equal(make(), JT_OK);
    k.ring.entries[0].check_value[0] ^= 1;
    assert_int_equal(make(), JT_ERR_KEY_MISSING);
}

static void more_than_may_drain_are_too_many(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= JT_RING_MAX_LIVE; n++) {
        add(&k.ring, n, RETIRED);
        hold(n);
        find_in_database(n, RETIRED, n < JT_RING_MAX_LIVE);
    }
    /* so many must, and of the rest none that only could */
    assert_int_equal(make(), JT_OK);
    assert_int_equal(change(JT_RING_MAX_LIVE - 1)->after, DRAINING);
    assert_int_equal(change(JT_RING_MAX_LIVE)->after, RETIRED);
    db.found[JT_RING_MAX_LIVE - 1].n_cards = 1;
    assert_int_equal(make(), JT_ERR_TOO_MANY_LIVE);
}

/* An earlier recovery was made by a keeper that had missed the end of generation 1. */
static void newer_than_this_keeper(void)
{
    add(&k.ring, 2, RETIRED);
    add(&k.ring, 3, ACTIVE);
    there.epoch = 99;
    add(&there, 1, DRAINING);
    add(&there, 2, RETIRED);
    add(&there, 3, DRAINING);
    add(&there, 4, DRAINING);
    add(&there, 5, ACTIVE);
    for (uint64_t n = 1; n <= 5; n++) {
        hold(n);
    }
}

static void what_came_since_is_added_and_what_is_destroyed_stays_so(void **state)
{
    (void)state;
    newer_than_this_keeper();
    find_in_database(1, DRAINING, 3);
    assert_int_equal(make(), JT_OK);
    assert_int_equal(change(1)->after, DESTROYED);
    assert_true(change(1)->lost);
    assert_int_equal(change(3)->after, DRAINING);
    assert_int_equal(change(4)->after, DRAINING);
    assert_int_equal(change(5)->after, ACTIVE);
    assert_int_equal(next.highest, 5);
    k.ring.entries[0].key_id = there.entries[3].key_id = 9; /* of one that is known here */
    assert_int_equal(make(), JT_ERR_KEEPER_BEHIND);
}

static void a_ring_that_is_full_takes_nothing_more(void **state)
{
    (void)state;
    newer_than_this_keeper();
    k.ring.n = JT_RING_MAX;
    for (size_t i = 2; i < k.ring.n; i++) {
        k.ring.entries[i] = entry(3, RETIRED);
    }
    assert_int_equal(make(), JT_ERR_KEEPER_BEHIND);
}

/* The database's ring is newer and simply goes on from this keeper's. */
static void a_newer_ring_that_follows_is_the_base(void **state)
{
    (void)state;
    add(&k.ring, 1, ACTIVE);
    there.epoch = 99;
    add(&there, 1, DRAINING);
    add(&there, 2, ACTIVE);
    hold(1);
    hold(2);
    assert_int_equal(make(), JT_OK);
    assert_int_equal(change(1)->after, DRAINING);
    assert_int_equal(change(2)->after, ACTIVE);
    assert_int_equal(change(2)->keeper_state, 0);
}

static void what_no_keeper_made_is_refused(void **state)
{
    (void)state;
    add(&k.ring, 1, ACTIVE);
    hold(1);
    find_in_database(1, ACTIVE, 0);
    find_in_database(2, FUTURE, 0);
    assert_int_equal(make(), JT_OK);
    db.found[0].row.mac[0] ^= 1;
    assert_int_equal(jt_recoveryplan_make(&k, &db, &next, &plan), JT_ERR_FORGED);
    db.found[0].row.mac[0] ^= 1;
    db.ring.mac[0] ^= 1;
    assert_int_equal(jt_recoveryplan_make(&k, &db, &next, &plan), JT_ERR_FORGED);
}

/* As after a restore of the keys: a keeper without a ring counts what was in one. */
static void keys_of_a_keeper_without_a_ring_are_taken_in(void **state)
{
    (void)state;
    k.ring.epoch = 0;
    add(&there, 1, ACTIVE);
    hold(1);
    hold(2);
    hold_as(3, 3, false); /* never in a ring */
    hold(4);
    assert_int_equal(make(), JT_OK);
    assert_int_equal(next.n, 3);
    assert_int_equal(next.highest, 4);
    assert_int_equal(change(1)->after, ACTIVE);
    assert_int_equal(change(2)->after, DRAINING);
    assert_int_equal(change(4)->after, DRAINING);
    /* unless another has its key id */
    there.entries[0].key_id = 2;
    there.entries[0].state = RETIRED;
    assert_int_equal(make(), JT_OK);
    assert_int_equal(next.n, 2);
}

static void a_future_one_stays_if_its_number_and_key_id_are_free(void **state)
{
    (void)state;
    add(&k.ring, 3, ACTIVE);
    hold(3);
    find_in_database(2, FUTURE, 0); /* a number that the rings have passed */
    find_in_database(4, FUTURE, 0);
    find_in_database(5, FUTURE, 0)->row.key_id = 3;
    find_in_database(6, RETIRED, 4);
    find_in_database(7, RETIRED, 0);
    assert_int_equal(make(), JT_OK);
    assert_int_equal(change(2)->after, DESTROYED);
    assert_int_equal(change(4)->after, FUTURE);
    assert_true(!change(4)->posts && change(4)->keeper_state == 0);
    assert_int_equal(change(5)->after, DESTROYED);
    assert_true(change(6)->after == DESTROYED && change(6)->lost && change(6)->posts);
    assert_true(change(7)->after == DESTROYED && !change(7)->lost);
    for (size_t i = 1; i < plan.n; i++) {
        assert_true(plan.all[i - 1].number < plan.all[i].number);
    }
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(what_is_as_it_shall_be_is_not_written),
        HERE(another_key_of_a_number_loses_its_cards),
        HERE(retired_ones_drain_again_for_cards_or_for_the_database),
        HERE(a_key_that_is_needed_and_not_held_is_missing),
        HERE(more_than_may_drain_are_too_many),
        HERE(what_came_since_is_added_and_what_is_destroyed_stays_so),
        HERE(a_ring_that_is_full_takes_nothing_more),
        HERE(a_newer_ring_that_follows_is_the_base),
        HERE(what_no_keeper_made_is_refused),
        HERE(keys_of_a_keeper_without_a_ring_are_taken_in),
        HERE(a_future_one_stays_if_its_number_and_key_id_are_free),
    };
    return cmocka_run_group_tests_name("keeper/recoveryplan", tests, NULL, NULL);
}
