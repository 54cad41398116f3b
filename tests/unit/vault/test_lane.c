/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane without keeper and database: whoever asks is told at once, and nobody is forgotten. What a
 * lane does when it is up is tested end to end.
 */
#include "base/loop.h"
#include "vault/lane.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/mman.h>

struct item {
    enum jt_err err;
    int n_ends;
};

static int n_done, n_rounds;

static void round_of(struct jt_lane *lane)
{
    (void)lane;
    n_rounds++;
}

static void end_item(void *item, enum jt_err err)
{
    ((struct item *)item)->err = err;
    ((struct item *)item)->n_ends++;
}

static void done(struct jt_lane_request *request)
{
    const struct item *items = request->items;
    for (size_t i = 0; i < request->n_items; i++) {
        assert_int_equal(items[i].n_ends, 1);
    }
    n_done++;
}

static const struct jt_lane_verb verb = { .name = "nothing",
                                          .application = "test",
                                          .size = sizeof(struct jt_lane),
                                          .item_size = sizeof(struct item),
                                          .batch_max = 4,
                                          .waiting_max = 12,
                                          .round = round_of,
                                          .give_up = jt_lane_end,
                                          .end_item = end_item,
                                          .done = done };

static struct jt_conf conf = { .keeper_socket = (char *)"/nonexistent/keeper.sock",
                               .database_conninfo = (char *)"host=/nonexistent" };
static struct jt_vault vault = { .conf = &conf };

static struct jt_lane *lane_new(struct jt_lane_place *place)
{
    struct jt_lane *lane;
    n_done = n_rounds = 0;
    *place = (struct jt_lane_place){ .vault = &vault };
    assert_int_equal(jt_loop_new(&place->loop), JT_OK);
    assert_int_equal(jt_keyclient_new(place->loop, conf.keeper_socket, 1000, &place->keeper),
                     JT_OK);
    assert_int_equal(jt_lane_new(&verb, place, 1, &lane), JT_OK);
    return lane;
}

static void place_clear(struct jt_lane_place *place)
{
    jt_keyclient_free(place->keeper);
    jt_loop_free(place->loop);
}

static void a_lane_that_is_down_answers_every_item_once(void **state)
{
    (void)state;
    struct jt_lane_place place;
    struct jt_lane *lane = lane_new(&place);
    struct item one[1] = { { 0 } }, many[9] = { { 0 } };
    struct jt_lane_request a = { .items = one, .n_items = 1 }, b = { .items = many, .n_items = 9 };
    assert_true(jt_lane_submit(lane, &a));
    assert_true(jt_lane_submit(lane, &b));
    assert_int_equal(lane->turns.waiting, 10);
    assert_false(jt_lane_up(lane));
    jt_lane_pump(lane);
    assert_int_equal(n_done, 2);
    assert_int_equal(n_rounds, 0);
    assert_int_equal(lane->turns.waiting, 0);
    assert_int_equal(jt_err_class(one[0].err), JT_CLASS_REPEAT);
    assert_int_equal(jt_err_class(many[8].err), JT_CLASS_REPEAT);
    jt_lane_free(lane);
    place_clear(&place);
}

static void stopping_answers_what_waits(void **state)
{
    (void)state;
    struct jt_lane_place place;
    struct jt_lane *lane = lane_new(&place);
    struct item items[3] = { { 0 } };
    struct jt_lane_request request = { .items = items, .n_items = 3 };
    assert_true(jt_lane_submit(lane, &request));
    jt_lane_free(lane);
    assert_int_equal(n_done, 1);
    assert_int_equal(items[2].err, JT_ERR_STOPPING);
    place_clear(&place);
}

static void a_full_lane_refuses_and_keeps_nothing(void **state)
{
    (void)state;
    struct jt_lane_place place;
    struct jt_lane *lane = lane_new(&place);
    struct item items[12] = { { 0 } }, more[1] = { { 0 } };
    struct jt_lane_request full = { .items = items, .n_items = 12 },
                           another = { .items = more, .n_items = 1 };
    assert_true(jt_lane_submit(lane, &full));
    assert_false(jt_lane_submit(lane, &another));
    jt_lane_free(lane);
    assert_int_equal(n_done, 1);
    assert_int_equal(more[0].n_ends, 0);
    place_clear(&place);
}

/* Of one that has ended, nothing may be read: it is gone. */
static void who_has_ended_has_no_row_of_the_trail(void **state)
{
    (void)state;
    struct jt_lane *lane = calloc(1, sizeof *lane);
    struct jt_lane_request a = { .client = "a", .field = 1 }, b = { .client = "b", .field = 2 };
    struct jt_lane_request *gone = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct jt_lane_request *const of[] = { gone, gone, &a, &a, gone + 1, &b };
    assert_non_null(lane);
    assert_true(gone != MAP_FAILED);
    lane->n = sizeof of / sizeof of[0];
    for (size_t i = 0; i < lane->n; i++) {
        bool ended = of[i] == gone || of[i] == gone + 1 || i == 2; /* and one of a's items */
        lane->entries[i] = (struct jt_lane_entry){ .request = of[i], .ended = ended };
    }
    assert_int_equal(jt_lane_audit(lane, JT_AUDIT_TOKENIZE), 2);
    assert_string_equal(lane->audit[0].client, "a");
    assert_int_equal(lane->audit[0].n_items, 2);
    assert_string_equal(lane->audit[1].client, "b");
    assert_int_equal(lane->audit[1].n_items, 1);
    assert_int_equal(lane->entries[3].audit, 0);
    assert_int_equal(lane->entries[5].audit, 1);
    lane->entries[3].ended = lane->entries[5].ended = true;
    assert_int_equal(jt_lane_audit(lane, JT_AUDIT_TOKENIZE), 0);
    munmap(gone, 4096);
    free(lane);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_that_is_down_answers_every_item_once),
        cmocka_unit_test(stopping_answers_what_waits),
        cmocka_unit_test(a_full_lane_refuses_and_keeps_nothing),
        cmocka_unit_test(who_has_ended_has_no_row_of_the_trail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
