/* SPDX-License-Identifier: Apache-2.0 */
/* Guesses by group and day: what is counted, what is held, what the database gets and gives. */
#include "vault/guesstable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY 20000

static struct jt_guess_table *t;
static const struct jt_guess_limit hundred = { .n = 100 };

static int setup(void **state)
{
    (void)state;
    return jt_guess_table_new(1024, 65536, &t) == JT_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    jt_guess_table_free(t);
    return 0;
}

/* MACs are as good as random: so are these, and the same for the same numbers. */
static void fill(uint8_t mac[static JT_ROW_MAC_LEN], uint64_t seed)
{
    for (size_t i = 0; i < JT_ROW_MAC_LEN; i += 8) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        jt_put_u64(mac + i, z ^ z >> 31);
    }
}

static struct jt_guess_result macs_of(uint64_t group, uint64_t card)
{
    struct jt_guess_result r;
    fill(r.class_mac, group << 1);
    fill(r.card_mac, (group << 32 | card << 1) + 1);
    return r;
}

/* Cards first .. first + n - 1 of a group come in one call; how many of them are held. */
static size_t try_some(uint64_t group, uint64_t first, size_t n, bool counts, uint32_t day)
{
    size_t n_held = 0;
    struct jt_guess_result *macs = calloc(n, sizeof *macs);
    struct jt_guess_try *tries = calloc(n, sizeof *tries);
    for (size_t i = 0; i < n; i++) {
        macs[i] = macs_of(group, first + i);
        tries[i] = (struct jt_guess_try){ .macs = &macs[i], .counts = counts };
    }
    jt_guess_table_count(t, &hundred, day, tries, n);
    for (size_t i = 0; i < n; i++) {
        n_held += tries[i].held;
    }
    free(macs);
    free(tries);
    return n_held;
}

/* Cards first .. first + n - 1 of a group, each `times`, come in one call; how many are held. */
static size_t hold_cards(const struct jt_guess_limit *limit, uint64_t group, uint64_t first,
                         size_t n, size_t times, bool closing)
{
    size_t n_held = 0;
    struct jt_guess_result *macs = calloc(n, sizeof *macs);
    struct jt_guess_try *tries = calloc(n * times, sizeof *tries);
    for (size_t i = 0; i < n; i++) {
        macs[i] = macs_of(group, first + i);
    }
    for (size_t i = 0; i < n * times; i++) {
        tries[i].macs = &macs[i % n];
    }
    jt_guess_table_hold(t, limit, DAY, tries, n * times, closing);
    for (size_t i = 0; i < n * times; i++) {
        n_held += tries[i].held;
    }
    free(macs);
    free(tries);
    return n_held;
}

static size_t hold_some(const struct jt_guess_limit *limit, uint64_t group, size_t n, bool closing)
{
    return hold_cards(limit, group, 100000, n, 1, closing);
}

static void exactly_the_limit_counts_and_then_all_is_held(void **state)
{
    (void)state;
    assert_int_equal(try_some(1, 0, 60, true, DAY), 0);
    assert_int_equal(try_some(1, 0, 60, true, DAY), 0);      /* the same cards again */
    assert_int_equal(try_some(1, 1000, 500, false, DAY), 0); /* found, or known */
    assert_int_equal(hold_some(&hundred, 1, 5, false), 0);
    assert_int_equal(try_some(1, 60, 60, true, DAY), 20);
    assert_int_equal(hold_some(&hundred, 1, 5, false), 5);
    assert_int_equal(try_some(1, 0, 1, true, DAY), 1);
    assert_int_equal(try_some(1, 5000, 1, false, DAY), 1); /* one that would be found */
    assert_int_equal(try_some(2, 0, 100, true, DAY), 0);   /* another group */
    assert_int_equal(jt_guess_table_figures(t).n_counted, 200);
}

static void a_hit_behind_the_limit_of_its_own_call_is_held(void **state)
{
    (void)state;
    struct jt_guess_result macs[102];
    struct jt_guess_try tries[102];
    for (size_t i = 0; i < 102; i++) {
        macs[i] = macs_of(3, i);
        tries[i] = (struct jt_guess_try){ .macs = &macs[i], .counts = i != 50 && i != 101 };
    }
    jt_guess_table_count(t, &hundred, DAY, tries, 102);
    assert_false(tries[50].held); /* a hit among the first hundred misses */
    assert_false(tries[100].held);
    assert_true(tries[101].held);
}

static void another_day_begins_at_nothing(void **state)
{
    (void)state;
    assert_int_equal(try_some(1, 0, 120, true, DAY), 20);
    /* the keeper gives other MACs; even the same ones would be of another day */
    assert_int_equal(try_some(1, 200, 100, true, DAY + 1), 0);
    assert_int_equal(try_some(1, 300, 1, true, DAY + 1), 1);
}

static void a_call_beyond_the_limit_closes_the_class_for_the_day(void **state)
{
    (void)state;
    struct jt_guess_count count;
    assert_int_equal(try_some(4, 0, 90, true, DAY), 0);
    assert_int_equal(hold_some(&hundred, 4, 10, true), 0); /* as many as there is room for */
    assert_int_equal(hold_some(&hundred, 4, 10, true), 0); /* each call by itself */
    assert_int_equal(jt_guess_table_gather(t, &count, 1), 1);
    assert_int_equal(hold_some(&hundred, 4, 30, true), 20);
    /* whoever learnt from this how much room there was learns nothing more today */
    assert_int_equal(hold_some(&hundred, 4, 1, true), 1);
    assert_int_equal(hold_some(&hundred, 4, 1, false), 1);
    assert_int_equal(try_some(4, 0, 1, false, DAY), 1);
    assert_int_equal(hold_some(&hundred, 5, 100, true), 0); /* another group */
    /* neither at other nodes nor after a restart */
    assert_int_equal(jt_guess_table_gather(t, &count, 1), 1);
    assert_int_equal(count.n, 10);
}

static void a_probe_that_costs_nothing_tells_nothing(void **state)
{
    (void)state;
    /* a card that comes again shows the limit only once it is reached: by a card that was new */
    assert_int_equal(try_some(4, 0, 99, true, DAY), 0);
    assert_int_equal(hold_cards(&hundred, 4, 1000, 1, 100, true), 0);
    assert_int_equal(try_some(4, 99, 1, true, DAY), 0);
    assert_int_equal(hold_cards(&hundred, 4, 1000, 1, 100, true), 100);
    /* different cards show how many are left, and nothing after that */
    assert_int_equal(try_some(5, 0, 60, true, DAY), 0);
    assert_int_equal(hold_cards(&hundred, 5, 1000, 100, 1, true), 60);
    for (uint64_t card = 60; card < 70; card++) {
        assert_int_equal(try_some(5, card, 1, true, DAY), 1);
        assert_int_equal(hold_cards(&hundred, 5, 1000, 100, 1, true), 100);
    }
}

static void a_card_that_comes_again_takes_up_no_room(void **state)
{
    (void)state;
    assert_int_equal(hold_cards(&hundred, 7, 0, 1, 1500, true), 0);
    assert_int_equal(hold_cards(&hundred, 7, 0, 90, 20, true), 0);
    /* those that were counted today are none of those that are still possible */
    assert_int_equal(try_some(7, 0, 90, true, DAY), 0);
    assert_int_equal(hold_cards(&hundred, 7, 0, 100, 15, true), 0);
    assert_int_equal(hold_cards(&hundred, 7, 0, 101, 2, true), 1 + 101);
}

static void a_lookup_closes_nothing(void **state)
{
    (void)state;
    assert_int_equal(try_some(4, 0, 90, true, DAY), 0);
    assert_int_equal(hold_some(&hundred, 4, 30, false), 0);
    assert_int_equal(try_some(4, 90, 10, true, DAY), 0);
}

static void a_blurred_limit_is_up_to_a_quarter_less_by_the_class(void **state)
{
    (void)state;
    const struct jt_guess_limit blurred = { .n = 100, .blurred = true };
    size_t least = 100, most = 0, sum = 0;
    for (uint64_t group = 10; group < 410; group++) {
        struct jt_guess_count count;
        size_t free = 200 - hold_some(&blurred, group, 200, true);
        assert_int_equal(hold_some(&blurred, group, 200, true), 200);
        assert_int_equal(jt_guess_table_gather(t, &count, 1), 1);
        assert_int_equal(count.n, 100); /* at the limit of any node */
        least = free < least ? free : least;
        most = free > most ? free : most;
        sum += free;
    }
    assert_int_equal(least, 75);
    assert_int_equal(most, 100);
    assert_in_range(sum / 400, 85, 90);
    const struct jt_guess_limit one = { .n = 1, .blurred = true };
    assert_int_equal(hold_some(&one, 5, 2, true), 1); /* never 0 */
}

static void where_a_limit_lies_is_each_fronts_own(void **state)
{
    (void)state;
    const struct jt_guess_limit blurred = { .n = 1000, .blurred = true };
    struct jt_guess_table *here = t, *there;
    size_t n_same = 0;
    assert_int_equal(jt_guess_table_new(1024, 65536, &there), JT_OK);
    for (uint64_t group = 1; group <= 50; group++) {
        t = here;
        size_t n_held = hold_some(&blurred, group, 1100, true);
        t = there;
        n_same += hold_some(&blurred, group, 1100, true) == n_held;
    }
    t = here;
    jt_guess_table_free(there);
    assert_in_range(n_same, 0, 10); /* 0.2 on average */
}

static void the_database_gets_a_sixteenth_at_a_time(void **state)
{
    (void)state;
    struct jt_guess_count counts[8];
    assert_int_equal(try_some(1, 0, 5, true, DAY), 0);
    assert_int_equal(jt_guess_table_gather(t, counts, 8), 0);
    assert_int_equal(try_some(1, 5, 3, true, DAY), 0);
    assert_int_equal(jt_guess_table_gather(t, counts, 8), 1);
    const struct jt_guess_result macs = macs_of(1, 0);
    assert_memory_equal(counts[0].class_mac, macs.class_mac, sizeof macs.class_mac);
    assert_int_equal(counts[0].day, DAY);
    assert_int_equal(counts[0].n, 8);
    assert_int_equal(jt_guess_table_gather(t, counts, 8), 0);
    /* it could not be added: it comes again, with what came since */
    assert_int_equal(try_some(1, 8, 1, true, DAY), 0);
    jt_guess_table_put_back(t, counts, 1);
    assert_int_equal(jt_guess_table_gather(t, counts, 8), 1);
    assert_int_equal(counts[0].n, 9);
    /* what reaches the limit goes at once */
    counts[0].n = 99;
    jt_guess_table_learn(t, counts);
    assert_int_equal(try_some(1, 9, 1, true, DAY), 0);
    assert_int_equal(jt_guess_table_gather(t, counts, 8), 1);
    assert_int_equal(counts[0].n, 1);
}

static void what_others_counted_is_learnt_and_never_unlearnt(void **state)
{
    (void)state;
    const struct jt_guess_result macs = macs_of(6, 0);
    struct jt_guess_count count = { .day = DAY, .n = 95 };
    memcpy(count.class_mac, macs.class_mac, sizeof count.class_mac);
    jt_guess_table_learn(t, &count);
    assert_int_equal(try_some(6, 0, 10, true, DAY), 5);
    count.n = 3; /* somebody lowered it in the database */
    jt_guess_table_learn(t, &count);
    assert_int_equal(try_some(6, 20, 10, true, DAY), 10);
}

static void memory_is_bounded_and_the_highest_counts_stay(void **state)
{
    (void)state;
    for (uint64_t guessed = 1; guessed <= 20; guessed++) {
        assert_int_equal(try_some(guessed, 0, 100, true, DAY), 0);
    }
    /* twenty times as many classes as there is room for; each has a few cards */
    for (uint64_t group = 1000; group < 21000; group++) {
        assert_int_equal(try_some(group, 0, 3, true, DAY), 0);
    }
    for (uint64_t guessed = 1; guessed <= 20; guessed++) {
        assert_int_equal(try_some(guessed, 500, 1, true, DAY), 1);
    }
    const struct jt_guess_figures f = jt_guess_table_figures(t);
    assert_true(f.n_pushed > 0 && f.n_pushed <= 3 * 20000);
}

/* Two that are taken for one are rare; one that is counted twice only makes the limit come early.
 */
static void few_cards_are_taken_for_one_another(void **state)
{
    (void)state;
    for (uint64_t group = 1; group <= 500; group++) {
        assert_int_equal(try_some(group, 0, 90, true, DAY), 0);
        assert_int_equal(try_some(group, 0, 90, true, DAY), 0);
    }
    /* the array is filled by two thirds */
    assert_in_range(jt_guess_table_figures(t).n_counted, 500 * 90 - 1, 500 * 90 + 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(exactly_the_limit_counts_and_then_all_is_held, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_hit_behind_the_limit_of_its_own_call_is_held, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_day_begins_at_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_call_beyond_the_limit_closes_the_class_for_the_day, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_probe_that_costs_nothing_tells_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_card_that_comes_again_takes_up_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lookup_closes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blurred_limit_is_up_to_a_quarter_less_by_the_class, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(where_a_limit_lies_is_each_fronts_own, setup, teardown),
        cmocka_unit_test_setup_teardown(the_database_gets_a_sixteenth_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(what_others_counted_is_learnt_and_never_unlearnt, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(memory_is_bounded_and_the_highest_counts_stay, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(few_cards_are_taken_for_one_another, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
