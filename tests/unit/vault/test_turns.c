/* SPDX-License-Identifier: Apache-2.0 */
/* Turns: who waits for whom, what a batch holds, and who is refused when the queue is full. */
#include "vault/turns.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 2048

struct world {
    struct jt_turns turns;
    struct jt_turn taken[64];
    size_t n, n_items;
};

static void gather(struct world *w, size_t room)
{
    w->n = w->n_items = 0;
    jt_turns_begin(&w->turns, room);
    while (jt_turns_next(&w->turns, &w->taken[w->n])) {
        w->n_items += w->taken[w->n].n;
        assert_true(++w->n < 64);
    }
}

static void end_all(const struct world *w)
{
    for (size_t i = 0; i < w->n; i++) {
        for (size_t k = 0; k < w->taken[i].n; k++) {
            jt_turns_end_item(w->taken[i].request);
        }
    }
}

/* Everything that waits, in batches; how many there were. */
static size_t run_dry(struct world *w)
{
    size_t n_batches = 0;
    while (jt_turns_any(&w->turns)) {
        gather(w, ROOM);
        assert_true(w->n > 0 && w->n_items <= ROOM);
        end_all(w);
        n_batches++;
    }
    assert_true(w->turns.waiting == 0 && w->turns.n_owners == 0 && w->turns.n_requests == 0);
    jt_turns_clear(&w->turns);
    return n_batches;
}

static void one_request_alone_fills_its_batches(void **state)
{
    (void)state;
    struct world w = { 0 };
    struct jt_lane_request big = { .client = "a", .n_items = 5000 };
    assert_true(jt_turns_put(&w.turns, &big));
    gather(&w, ROOM);
    assert_true(w.n == 1 && w.taken[0].first == 0 && w.taken[0].n == ROOM);
    end_all(&w);
    gather(&w, ROOM);
    assert_true(w.n == 1 && w.taken[0].first == ROOM && w.taken[0].n == ROOM);
    end_all(&w);
    assert_int_equal(run_dry(&w), 1);
}

static void a_single_comes_with_the_next_batch(void **state)
{
    (void)state;
    struct world w = { 0 };
    struct jt_lane_request big[5], one = { .client = "b", .n_items = 1 };
    for (size_t i = 0; i < 5; i++) {
        big[i] = (struct jt_lane_request){ .client = "a", .n_items = 10000 };
        assert_true(jt_turns_put(&w.turns, &big[i]));
    }
    gather(&w, ROOM);
    end_all(&w);
    assert_true(jt_turns_put(&w.turns, &one));
    gather(&w, ROOM);
    assert_int_equal(one.n_taken, 1);
    assert_true(w.n_items <= ROOM);
    end_all(&w);
    (void)run_dry(&w);
}

static void a_client_with_many_requests_crowds_nobody_out(void **state)
{
    (void)state;
    struct world w = { 0 };
    static struct jt_lane_request many[400];
    struct jt_lane_request few[3];
    for (size_t i = 0; i < 400; i++) {
        many[i] = (struct jt_lane_request){ .client = "a", .n_items = 100 };
        assert_true(jt_turns_put(&w.turns, &many[i]));
    }
    for (size_t i = 0; i < 3; i++) {
        few[i] = (struct jt_lane_request){ .client = "b", .n_items = 100 };
        assert_true(jt_turns_put(&w.turns, &few[i]));
    }
    gather(&w, 512);
    size_t of_b = 0;
    for (size_t i = 0; i < w.n; i++) {
        of_b += strcmp(w.taken[i].request->client, "b") == 0 ? w.taken[i].n : 0;
    }
    assert_true(w.n_items == 512 && of_b >= 200);
    end_all(&w);
    (void)run_dry(&w);
}

static void items_of_a_request_are_neighbours_in_a_batch(void **state)
{
    (void)state;
    struct world w = { 0 };
    struct jt_lane_request r[4];
    static const char *const names[] = { "a", "b", "a", "c" };
    for (size_t i = 0; i < 4; i++) {
        r[i] = (struct jt_lane_request){ .client = names[i], .n_items = 3000 + i };
        assert_true(jt_turns_put(&w.turns, &r[i]));
    }
    while (jt_turns_any(&w.turns)) {
        gather(&w, ROOM);
        for (size_t i = 0; i < w.n; i++) {
            for (size_t k = 0; k < i; k++) {
                assert_ptr_not_equal(w.taken[i].request, w.taken[k].request);
            }
        }
        end_all(&w);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(r[i].n_taken, r[i].n_items);
    }
    assert_int_equal(run_dry(&w), 0);
}

static void a_full_queue_refuses_who_has_its_share(void **state)
{
    (void)state;
    struct world w = { .turns = { .max = 1000 } };
    struct jt_lane_request a[11], b[6], c = { .client = "c", .n_items = 1 };
    for (size_t i = 0; i < 10; i++) {
        a[i] = (struct jt_lane_request){ .client = "a", .n_items = 100 };
        assert_true(jt_turns_put(&w.turns, &a[i]));
    }
    a[10] = (struct jt_lane_request){ .client = "a", .n_items = 1 };
    assert_false(jt_turns_put(&w.turns, &a[10]));
    for (size_t i = 0; i < 6; i++) { /* half of the queue is b's */
        b[i] = (struct jt_lane_request){ .client = "b", .n_items = 100 };
        assert_int_equal(jt_turns_put(&w.turns, &b[i]), i < 5);
    }
    assert_true(jt_turns_put(&w.turns, &c));
    assert_int_equal(w.turns.waiting, 1501);
    assert_int_equal(w.turns.n_owners, 3);
    (void)run_dry(&w);
}

static void items_count_until_they_end(void **state)
{
    (void)state;
    struct world w = { .turns = { .max = 10 } };
    struct jt_lane_request a = { .client = "a", .n_items = 10 },
                           b = { .client = "a", .n_items = 1 };
    assert_true(jt_turns_put(&w.turns, &a));
    gather(&w, 100);
    assert_false(jt_turns_any(&w.turns));
    assert_false(jt_turns_put(&w.turns, &b));
    jt_turns_end_item(&a);
    assert_true(jt_turns_put(&w.turns, &b));
    w.n_items = 0;
    for (int i = 0; i < 9; i++) {
        jt_turns_end_item(&a);
    }
    (void)run_dry(&w);
}

static bool nobody_waits(const struct jt_lane_request *request)
{
    (void)request;
    return false;
}

static void what_nobody_waits_for_takes_no_room(void **state)
{
    (void)state;
    struct world w = { 0 };
    struct jt_lane_request gone = { .client = "a", .n_items = 5000, .wanted = nobody_waits },
                           here = { .client = "b", .n_items = 10 };
    assert_true(jt_turns_put(&w.turns, &gone) && jt_turns_put(&w.turns, &here));
    gather(&w, 10);
    assert_int_equal(w.n, 2);
    assert_true(w.taken[0].unwanted && w.taken[0].n == 5000 && !w.taken[1].unwanted);
    end_all(&w);
    assert_int_equal(run_dry(&w), 0);
}

static void without_bound_and_without_client_everything_is_taken(void **state)
{
    (void)state;
    struct world w = { 0 };
    struct jt_lane_request r[3] = { { .n_items = 1000000 },
                                    { .n_items = 1 },
                                    { .client = "a name that is longer than any client's name is",
                                      .n_items = 1 } };
    for (size_t i = 0; i < 3; i++) {
        assert_true(jt_turns_put(&w.turns, &r[i]));
    }
    assert_int_equal(w.turns.n_owners, 1);
    gather(&w, SIZE_MAX);
    assert_int_equal(w.n_items, 1000002);
    end_all(&w);
    assert_int_equal(run_dry(&w), 0);
}

/* Thousands of owners that come and go: each has its turn, and nothing is left. */
static void many_owners_come_and_go(void **state)
{
    (void)state;
    struct world w = { 0 };
    static struct jt_lane_request r[1000];
    static char names[1000][16];
    for (size_t i = 0; i < 1000; i++) {
        (void)snprintf(names[i], sizeof names[i], "client-%zu", i / 2);
        r[i] = (struct jt_lane_request){ .client = names[i], .n_items = 1 + i % 7 };
    }
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 1000; i++) {
            assert_true(jt_turns_put(&w.turns, &r[i]));
        }
        assert_int_equal(w.turns.n_owners, 500);
        while (jt_turns_any(&w.turns)) {
            gather(&w, 100);
            end_all(&w);
        }
    }
    assert_int_equal(run_dry(&w), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_alone_fills_its_batches),
        cmocka_unit_test(a_single_comes_with_the_next_batch),
        cmocka_unit_test(a_client_with_many_requests_crowds_nobody_out),
        cmocka_unit_test(items_of_a_request_are_neighbours_in_a_batch),
        cmocka_unit_test(a_full_queue_refuses_who_has_its_share),
        cmocka_unit_test(items_count_until_they_end),
        cmocka_unit_test(what_nobody_waits_for_takes_no_room),
        cmocka_unit_test(without_bound_and_without_client_everything_is_taken),
        cmocka_unit_test(many_owners_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
