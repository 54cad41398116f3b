/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards through the life of generations: sealed, opened, rolled, resealed, over restarts and
 * damaged key files.
 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_card_goes_from_generation_to_generation_and_the_first_one_retires(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = world_create(w);
    assert_int_equal(a.number, 1);
    assert_int_equal(a.key_id, 1);
    assert_int_equal(world_seal(w).active.key_id, 0); /* future: nothing is written under it */
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);

    struct jt_seal_reply sealed = world_seal(w);
    assert_int_equal(sealed.epoch, 2);
    assert_int_equal(sealed.active.generation, 1);
    assert_int_equal(sealed.n_probed, 0);
    world_keep_sealed(w, &sealed);
    world_all_open(w, false);

    struct jt_generation_row b = world_create(w);
    assert_int_equal(b.number, 2);
    world_step(w, &b, JT_GENERATION_ACTIVE, &a);
    world_all_open(w, true);
    sealed = world_seal(w);
    assert_int_equal(sealed.active.generation, 2);
    assert_int_equal(sealed.n_probed, 1);
    assert_int_equal(sealed.probed[0].key.generation, 1);
    assert_false(sealed.probed[0].retired);
    /* a card sealed before the roll is found by its fingerprint */
    for (size_t i = 0; i < N_CARDS; i++) {
        bool found = memcmp(w->sealed[i].probes, w->cards[i].fingerprint, 16) == 0;
        assert_int_equal(found, i % 3 != 0);
        assert_memory_not_equal(w->sealed[i].fingerprint, w->cards[i].fingerprint, 16);
        assert_memory_not_equal(w->sealed[i].envelope, w->cards[i].envelope, 25);
    }

    struct jt_reseal_reply moved = world_reseal(w, N_CARDS);
    assert_int_equal(moved.active.generation, 2);
    assert_int_equal(moved.n, N_CARDS);
    for (size_t i = 0; i < N_CARDS; i++) {
        const struct jt_reseal_result *r = &moved.results[i];
        assert_int_equal(r->err, JT_OK);
        assert_int_equal(r->from, 1);
        bool as_new = memcmp(r->fingerprint, w->sealed[i].fingerprint, 16) == 0;
        assert_int_equal(as_new, i % 3 != 0); /* without dedup it goes by the id */
        assert_memory_not_equal(r->envelope, w->sealed[i].envelope,
                                25); /* bound to the id that the card has had */
        memcpy(w->cards[i].envelope, r->envelope, 25);
        memcpy(w->cards[i].fingerprint, r->fingerprint, 16);
    }
    world_all_open(w, false);
    moved = world_reseal(w, 10);
    assert_int_equal(moved.results[9].err, JT_ERR_ACTIVE_ALREADY); /* active already */

    world_step(w, &a, JT_GENERATION_RETIRED, NULL);
    world_all_open(w, false);
    assert_int_equal(world_seal(w).n_probed, 0);
    struct jt_keeper_status status;
    assert_int_equal(jt_keyclient_wait_status(w->kc, &status), JT_OK);
    assert_int_equal(status.epoch, 4);
    assert_int_equal(status.highest_generation, 2);
    assert_int_equal(status.n_sealed, 3 * N_CARDS);
    assert_int_equal(status.n_resealed, N_CARDS);
}

static void a_retired_generation_opens_and_reseals_nothing(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = world_create(w);
    struct jt_generation_row b = world_create(w);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    struct jt_seal_reply sealed = world_seal(w);
    world_keep_sealed(w, &sealed);
    world_step(w, &b, JT_GENERATION_ACTIVE, &a);
    world_step(w, &a, JT_GENERATION_RETIRED, NULL);
    world_none_opens(w, JT_ERR_RING_MOVED);
    assert_int_equal(world_seal(w).n_probed, 0);
    assert_int_equal(world_seal_probing(w, b.key_id).n_probed, 0); /* the active one is none */
    sealed = world_seal_probing(
        w, a.key_id); /* rows that should not be there any more can be looked for */
    assert_int_equal(sealed.n_probed, 1);
    assert_int_equal(sealed.probed[0].key.generation, 1);
    assert_true(sealed.probed[0].retired);
    assert_memory_equal(w->sealed[1].probes, w->cards[1].fingerprint, 16);
    struct jt_reseal_reply moved = world_reseal(w, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(moved.results[i].err, JT_ERR_RING_MOVED);
    }
}

static void an_envelope_opens_only_in_its_own_row_and_field(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = world_create(w);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    struct jt_seal_reply sealed = world_seal(w);
    world_keep_sealed(w, &sealed);
    uint8_t first[25];
    memcpy(first, w->cards[0].envelope, 25);
    /* every envelope one row on, many of them into the other field */
    for (size_t i = 0; i + 1 < N_CARDS; i++) {
        memcpy(w->cards[i].envelope, w->cards[i + 1].envelope, 25);
    }
    memcpy(w->cards[N_CARDS - 1].envelope, first, 25);
    world_none_opens(w, JT_ERR_DECRYPT);
}

/* Ids, fingerprints or key ids exchanged between rows. */
static void no_part_of_a_row_can_be_exchanged(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = world_create(w);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    struct jt_seal_reply sealed = world_seal(w);
    world_keep_sealed(w, &sealed);
    for (size_t i = 0; i < N_CARDS; i += i % 3 == 2 ? 4 : 1) { /* i and i + 3 lie in one field */
        uint64_t id = w->cards[i].id;
        w->cards[i].id = w->cards[i + 3].id;
        w->cards[i + 3].id = id;
    }
    world_none_opens(w, JT_ERR_DECRYPT);
    sealed = world_seal(w);
    world_keep_sealed(w, &sealed);
    for (size_t i = 0; i < N_CARDS; i += i % 3 == 2 ? 4 : 1) {
        uint8_t fingerprint[16];
        memcpy(fingerprint, w->cards[i].fingerprint, 16);
        memcpy(w->cards[i].fingerprint, w->cards[i + 3].fingerprint, 16);
        memcpy(w->cards[i + 3].fingerprint, fingerprint, 16);
    }
    world_none_opens(w, JT_ERR_DECRYPT);
    /* Nor can a row be passed off as one of another live generation. */
    struct jt_generation_row b = world_create(w);
    sealed = world_seal(w);
    world_keep_sealed(w, &sealed);
    world_step(w, &b, JT_GENERATION_ACTIVE, &a);
    world_all_open(w, true);
    for (size_t i = 0; i < N_CARDS; i++) {
        w->cards[i].envelope[0] = b.key_id;
    }
    world_none_opens(w, JT_ERR_DECRYPT);
}

static void bad_items_fail_alone(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = world_create(w);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    w->cards[7].pan[3] = 0xab;
    struct jt_seal_reply sealed = world_seal(w);
    assert_int_equal(sealed.n, N_CARDS);
    for (size_t i = 0; i < N_CARDS; i++) {
        assert_int_equal(w->sealed[i].err, i == 7 ? JT_ERR_INVALID : JT_OK);
    }
    w->cards[7].pan[3] = 0x11;
    sealed = world_seal(w);
    world_keep_sealed(w, &sealed);
    /* All failures to decrypt are one; only a key id that is not live says so. */
    w->cards[1].envelope[24] ^= 1; /* ciphertext */
    w->cards[2].envelope[1] ^= 1;  /* tag */
    w->cards[3].envelope_len = 24;
    w->cards[4].envelope_len = 26;
    w->cards[5].envelope_len = 1;
    w->cards[6].envelope_len = 0;
    w->cards[8].envelope[0] = 77;
    world_open(w);
    for (size_t i = 0; i < N_CARDS; i++) {
        enum jt_err expected = i == 8             ? JT_ERR_RING_MOVED
                               : i >= 1 && i <= 6 ? JT_ERR_DECRYPT
                                                  : JT_OK;
        assert_int_equal(w->opened[i].err, expected);
    }
}

static void dedup_links_equal_cards_and_its_absence_does_not(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = world_create(w);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    for (size_t i = 0; i < 6; i++) {
        memcpy(w->cards[i].pan, w->cards[0].pan, 8);
    }
    struct jt_seal_reply sealed = world_seal(w);
    world_keep_sealed(w, &sealed);
    assert_memory_equal(w->cards[1].fingerprint, w->cards[2].fingerprint, 16);     /* field A */
    assert_memory_not_equal(w->cards[0].fingerprint, w->cards[3].fingerprint, 16); /* field B */
    /* between fields */
    assert_memory_not_equal(w->cards[0].fingerprint, w->cards[1].fingerprint, 16);
    assert_memory_not_equal(w->cards[1].envelope, w->cards[2].envelope, 25);
}

static void a_killed_keeper_comes_back_with_its_ring_and_keys(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = world_create(w);
    struct jt_generation_row b = world_create(w);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    struct jt_seal_reply sealed = world_seal(w);
    world_keep_sealed(w, &sealed);
    uint8_t before[JT_INCARNATION_LEN];
    memcpy(before, jt_keyclient_incarnation(w->kc), sizeof before);
    world_restart(w, SIGKILL);
    assert_memory_not_equal(before, jt_keyclient_incarnation(w->kc), sizeof before);
    world_all_open(w, false);
    world_step(w, &b, JT_GENERATION_ACTIVE, &a);
    world_restart(w, SIGTERM);
    world_all_open(w, true);
}

/* The times of the lowest and the highest id of the cards. */
static void id_times(const struct world *w, uint64_t *first_ms, uint64_t *last_ms)
{
    *first_ms = UINT64_MAX;
    *last_ms = 0;
    for (size_t i = 0; i < N_CARDS; i++) {
        uint64_t ms = w->cards[i].id >> 22;
        *first_ms = ms < *first_ms ? ms : *first_ms;
        *last_ms = ms > *last_ms ? ms : *last_ms;
        assert_int_equal(w->cards[i].id >> 14 & 0xff, WORLD_NODE);
    }
}

/*
 * Whatever ends a keeper, no id comes twice, and none goes back. A kill costs the time that was
 * written ahead, a clean end does not.
 */
static void ids_ascend_over_kills_and_clean_ends(void **state)
{
    struct world *w = *state;
    static const int signals[] = { SIGKILL, SIGKILL, SIGTERM, SIGINT, SIGKILL };
    struct jt_generation_row a = world_create(w);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    struct jt_seal_reply sealed = world_seal(w);
    world_keep_sealed(w, &sealed);
    for (size_t s = 0; s < sizeof signals / sizeof signals[0]; s++) {
        uint64_t before_ms;
        uint64_t first_ms;
        uint64_t last_ms;
        id_times(w, &first_ms, &before_ms);
        world_restart(w, signals[s]);
        world_join(w);
        sealed = world_seal(w);
        world_keep_sealed(w, &sealed);
        id_times(w, &first_ms, &last_ms);
        assert_true(first_ms > before_ms);
        assert_int_equal(first_ms - before_ms > 30000, signals[s] == SIGKILL);
    }
}

/*
 * An old state file put back is what a restored disk looks like: the keeper starts, and the ring of
 * the database is newer.
 */
static void an_older_state_file_is_caught_up_by_the_database(void **state)
{
    struct world *w = *state;
    struct jt_generation_row a = world_create(w);
    char command[400];
    snprintf(command, sizeof command, "cp -p %s/state %s/state.old", w->k.keys, w->k.dir);
    assert_int_equal(system(command), 0);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    world_disconnect(w);
    (void)keeper_stop(&w->k, SIGTERM);
    snprintf(command, sizeof command, "mv %s/state.old %s/state", w->k.dir, w->k.keys);
    assert_int_equal(system(command), 0);
    assert_true(keeper_start(&w->k));
    world_connect(w);
    world_name_fields(w);
    world_join(w);
    assert_int_equal(world_seal(w).active.key_id, 0);
    assert_int_equal(world_accept(w, &w->ring), JT_OK);
    assert_int_equal(world_seal(w).active.key_id, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(a_card_goes_from_generation_to_generation_and_the_first_one_retires),
        IN_A_WORLD(a_retired_generation_opens_and_reseals_nothing),
        IN_A_WORLD(an_envelope_opens_only_in_its_own_row_and_field),
        IN_A_WORLD(no_part_of_a_row_can_be_exchanged),
        IN_A_WORLD(bad_items_fail_alone),
        IN_A_WORLD(dedup_links_equal_cards_and_its_absence_does_not),
        IN_A_WORLD(a_killed_keeper_comes_back_with_its_ring_and_keys),
        IN_A_WORLD(ids_ascend_over_kills_and_clean_ends),
        IN_A_WORLD(an_older_state_file_is_caught_up_by_the_database),
    };
    return cmocka_run_group_tests_name("keeper/life", tests, NULL, NULL);
}
