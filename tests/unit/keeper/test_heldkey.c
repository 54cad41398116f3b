/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which key of another keeper is taken in, and which key of this one's gives way to it.
 */
#include "pair.h"

#include "keeper/genmark.h"
#include "wire/verdicts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

/* GENERATION_HELD: each row has a verdict of its own. */
static void what_is_held_is_told_row_by_row(void **state)
{
    struct keeper_pair *p = *state;
    enum jt_err verdicts[5];
    struct jt_reader reply;
    struct jt_generation_row future = inside_create(p->a, 1);
    struct jt_generation_row rows[5] = { inside_row(p->a, 1), future, future, future, future };
    rows[1].number = 9; /* nobody has that */
    rows[2].check_value[0] ^= 1;
    rows[3].state = JT_GENERATION_DESTROYED;
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(jt_rowmac_generation(p->a->k->root, &rows[i], rows[i].mac), JT_OK);
    }
    rows[4].mac[0] ^= 1;
    jt_generation_held_encode(rows, 5, &p->a->payload);
    assert_int_equal(inside_ask(p->a, JT_VERB_GENERATION_HELD, &reply), JT_OK);
    assert_int_equal(jt_verdicts_decode(&reply, 5, verdicts), JT_OK);
    assert_int_equal(verdicts[0], JT_OK);
    assert_int_equal(verdicts[1], JT_ERR_KEY_MISSING);
    assert_int_equal(verdicts[2], JT_ERR_KEY_WRONG);
    assert_int_equal(verdicts[3], JT_ERR_WRONG_STATE);
    assert_int_equal(verdicts[4], JT_ERR_FORGED);
}

/* It is another keeper's: this one never gives it out as its own left-over. */
static void a_key_that_came_is_not_given_out_as_a_left_over(void **state)
{
    struct keeper_pair *p = *state;
    pair_carry_all(p);
    struct jt_generation_row two = inside_create(p->a, 1);
    assert_int_equal(pair_carry(p->a, p->b, &two), JT_OK);
    inside_restart(p->b, false);
    assert_int_equal(inside_accept(p->b, &p->a->ring), JT_OK);
    struct jt_generation_row next = inside_create(p->b, 1); /* an older view of the database */
    assert_int_equal(next.number, 3);
    assert_int_equal(inside_create(p->b, 1).number, 3); /* its own is */
    assert_int_equal(inside_create(p->a, 1).number, 2); /* and so is that of A */
}

static void the_loser_of_two_creators_gets_the_winners_key(void **state)
{
    struct keeper_pair *p = *state;
    pair_carry_all(p);
    struct jt_generation_row winner = inside_create(p->a, 1);
    struct jt_generation_row loser = inside_create(p->b, 1);
    assert_int_equal(winner.number, loser.number);
    assert_memory_not_equal(winner.check_value, loser.check_value, JT_CHECK_VALUE_LEN);
    inside_restart(p->b, false); /* cut off before it could give its own up */
    assert_int_equal(pair_carry(p->a, p->b, &winner), JT_OK);
    const struct jt_genfile *held = jt_keyring_find(p->b->k->keyring, winner.number);
    assert_memory_equal(held->check_value, winner.check_value, JT_CHECK_VALUE_LEN);
    inside_restart(p->b, false);
    held = jt_keyring_find(p->b->k->keyring, winner.number);
    assert_memory_equal(held->check_value, winner.check_value, JT_CHECK_VALUE_LEN);
}

/* The number differs, but the key id is the same: a left-over of an earlier number. */
static void a_left_over_gives_its_key_id_up(void **state)
{
    struct keeper_pair *p = *state;
    pair_carry_all(p);
    struct jt_generation_row left_over = inside_create(p->b, 1);
    struct jt_generation_row gone = inside_create(p->a, 1);
    struct jt_reader reply;
    jt_generation_abandon_encode(&gone, &p->a->payload);
    assert_int_equal(inside_ask(p->a, JT_VERB_GENERATION_ABANDON, &reply), JT_OK);
    struct jt_generation_row next = inside_create(p->a, 2);
    assert_true(next.number > left_over.number);
    assert_int_equal(next.key_id, left_over.key_id);
    assert_int_equal(pair_carry(p->a, p->b, &next), JT_OK);
    assert_null(jt_keyring_find(p->b->k->keyring, left_over.number));
    assert_false(pair_has_file(p->b, "generation-2.key"));
    assert_int_equal(p->b->k->state.highest_generation, next.number);
}

static enum jt_err acknowledge(struct inside *in, const struct jt_generation_row *row)
{
    const struct jt_ack_request request = { *row, "node2", { 7 } };
    struct jt_reader reply;
    jt_ack_request_encode(&request, &in->payload);
    return inside_ask(in, JT_VERB_ACK, &reply);
}

/*
 * Not for a row that a keeper has made, either: a database writer may have kept one of a creator
 * who was not the first.
 */
static void a_key_that_is_used_or_counted_on_gives_way_to_none(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_parcel_request request;
    pair_carry_all(p);
    struct jt_generation_row other = inside_create(p->a, 1);
    struct jt_generation_row own = inside_create(p->b, 1);
    assert_int_equal(acknowledge(p->b, &own), JT_OK);
    assert_int_equal(pair_ask(p->b, &other, &request), JT_ERR_KEY_WRONG);
    inside_restart(p->b, false); /* nobody counts on what it has proved before */
    assert_int_equal(inside_accept(p->b, &p->a->ring), JT_OK);
    assert_int_equal(pair_ask(p->b, &other, &request), JT_OK);
    jt_keyring_set_used(p->b->k->keyring, own.number); /* it has a mark */
    assert_int_equal(pair_ask(p->b, &other, &request), JT_ERR_KEY_WRONG);

    /* The active generation's number and key id, under another check value. */
    struct jt_generation_row planted = inside_row(p->a, 1);
    planted.check_value[0] ^= 1;
    assert_int_equal(jt_rowmac_generation(p->a->k->root, &planted, planted.mac), JT_OK);
    assert_int_equal(pair_ask(p->b, &planted, &request), JT_ERR_KEY_WRONG);
    planted.number = 9;
    assert_int_equal(jt_rowmac_generation(p->a->k->root, &planted, planted.mac), JT_OK);
    assert_int_equal(pair_ask(p->b, &planted, &request), JT_ERR_KEY_ID_TAKEN);
}

static void what_the_ring_has_left_behind_is_not_taken(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_parcel_request request;
    struct jt_generation_row skipped = inside_create(p->a, 1);
    struct jt_reader reply;
    jt_generation_abandon_encode(&skipped, &p->a->payload);
    assert_int_equal(inside_ask(p->a, JT_VERB_GENERATION_ABANDON, &reply), JT_OK);
    (void)inside_roll(p->a);
    struct jt_generation_row active = inside_row(p->a, 3);
    pair_carry_root(p->a, p->b);
    struct jt_generation_row first = inside_row(p->a, 1);
    assert_int_equal(pair_carry(p->a, p->b, &first), JT_OK);
    assert_int_equal(pair_carry(p->a, p->b, &active), JT_OK);
    assert_int_equal(inside_accept(p->b, &p->a->ring), JT_OK);
    assert_int_equal(pair_ask(p->b, &skipped, &request), JT_ERR_WRONG_STATE);
}

static void an_abandoned_generations_copies_are_erased_everywhere(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_reader reply;
    pair_carry_all(p);
    struct jt_generation_row two = inside_create(p->a, 1);
    assert_int_equal(pair_carry(p->a, p->b, &two), JT_OK);
    assert_true(pair_has_file(p->b, "generation-2.key"));
    jt_generation_abandon_encode(&two, &p->b->payload);
    assert_int_equal(inside_ask(p->b, JT_VERB_GENERATION_ABANDON, &reply), JT_OK);
    assert_false(pair_has_file(p->b, "generation-2.key"));
    assert_int_equal(inside_create(p->b, 1).number, 3);
}

/* The key file knew the number, and the state file did not: an older one was put back. */
static void an_erased_keys_number_stays_used_whatever_the_state_file_knew(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_keeper_state older = p->a->k->state;
    struct jt_reader reply;
    struct jt_generation_row two = inside_create(p->a, 1);
    assert_int_equal(jt_state_save(p->a->k->dir_fd, p->a->k->root, &older), JT_OK);
    inside_restart(p->a, false);
    assert_int_equal(inside_accept(p->a, &p->a->ring), JT_OK);
    jt_generation_abandon_encode(&two, &p->a->payload);
    assert_int_equal(inside_ask(p->a, JT_VERB_GENERATION_ABANDON, &reply), JT_OK);
    inside_restart(p->a, false);
    assert_int_equal(inside_create(p->a, 1).number, 3);
}

/* A file was lost, its mark was not. */
static void a_lost_key_comes_back_with_its_mark(void **state)
{
    struct keeper_pair *p = *state;
    pair_carry_all(p);
    (void)inside_roll(p->a);
    struct jt_generation_row two = inside_row(p->a, 2);
    assert_int_equal(pair_carry(p->a, p->b, &two), JT_OK);
    inside_retire(p->a, 1);
    assert_int_equal(inside_accept(p->b, &p->a->ring), JT_OK);
    assert_int_equal(unlinkat(p->b->k->dir_fd, "generation-1.key", 0), 0);
    inside_restart(p->b, false);
    struct jt_generation_row one = inside_row(p->a, 1);
    assert_int_equal(one.state, JT_GENERATION_RETIRED);
    assert_int_equal(pair_carry(p->a, p->b, &one), JT_OK);
    assert_true(jt_keyring_find(p->b->k->keyring, 1)->used);
}

static void a_mark_of_another_key_keeps_one_out(void **state)
{
    struct keeper_pair *p = *state;
    pair_carry_root(p->a, p->b);
    struct jt_generation_row row = inside_row(p->a, 1);
    const struct jt_genfile other = { .number = 1, .key_id = 1, .development = true };
    assert_int_equal(jt_genmark_write(p->b->k->dir_fd, p->b->k->root, &other), JT_OK);
    assert_int_equal(pair_carry(p->a, p->b, &row), JT_ERR_KEY_WRONG);
    assert_false(pair_has_file(p->b, "generation-1.key"));
}

/*
 * A directory that was put back from a copy: without the newest key, and behind with its ring. It
 * gets what it lacks and goes on.
 */
static void an_older_directory_gets_what_it_lacks(void **state)
{
    struct keeper_pair *p = *state;
    pair_carry_all(p);
    (void)inside_roll(p->a);
    (void)inside_roll(p->a);
    assert_int_equal(inside_accept(p->b, &p->a->ring), JT_ERR_KEY_MISSING);
    for (uint64_t number = 2; number <= 3; number++) {
        struct jt_generation_row row = inside_row(p->a, number);
        assert_int_equal(pair_carry(p->a, p->b, &row), JT_OK);
    }
    assert_int_equal(inside_accept(p->b, &p->a->ring), JT_OK);
}

static void in_a_directory_that_is_gone_nothing_is_taken(void **state)
{
    struct keeper_pair *p = *state;
    char aside[120];
    struct jt_generation_row row = inside_row(p->a, 1);
    pair_carry_root(p->a, p->b);
    (void)snprintf(aside, sizeof aside, "%s.aside", p->b->files.keys);
    assert_int_equal(rename(p->b->files.keys, aside), 0);
    assert_int_equal(pair_carry(p->a, p->b, &row), JT_ERR_DIRECTORY_BAD);
    assert_int_equal(rename(aside, p->b->files.keys), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PAIR(what_is_held_is_told_row_by_row),
        IN_A_PAIR(a_key_that_came_is_not_given_out_as_a_left_over),
        IN_A_PAIR(the_loser_of_two_creators_gets_the_winners_key),
        IN_A_PAIR(a_left_over_gives_its_key_id_up),
        IN_A_PAIR(a_key_that_is_used_or_counted_on_gives_way_to_none),
        IN_A_PAIR(what_the_ring_has_left_behind_is_not_taken),
        IN_A_PAIR(an_abandoned_generations_copies_are_erased_everywhere),
        IN_A_PAIR(an_erased_keys_number_stays_used_whatever_the_state_file_knew),
        IN_A_PAIR(a_lost_key_comes_back_with_its_mark),
        IN_A_PAIR(a_mark_of_another_key_keeps_one_out),
        IN_A_PAIR(an_older_directory_gets_what_it_lacks),
        IN_A_PAIR(in_a_directory_that_is_gone_nothing_is_taken),
    };
    return cmocka_run_group_tests_name("keeper/heldkey", tests, NULL, NULL);
}
