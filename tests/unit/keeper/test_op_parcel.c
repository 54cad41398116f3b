/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys on their way from keeper to keeper: everything between the two that can be kept, altered,
 * repeated or made up.
 */
#include "pair.h"

#include "base/secmem.h"
#include "keeper/keydir.h"
#include "keeper/parcel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void opens(struct inside *in, const struct row *row)
{
    const struct jt_open_item item = { .field = row->field,
                                       .id = row->id,
                                       .fingerprint = row->fingerprint,
                                       .envelope = row->envelope,
                                       .envelope_len = sizeof row->envelope };
    struct jt_open_result result;
    struct jt_open_reply reply = { .results = &result };
    struct jt_reader payload;
    jt_open_request_encode(&item, 1, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_OPEN, &payload), JT_OK);
    assert_int_equal(jt_open_reply_decode(&payload, 1, &reply), JT_OK);
    assert_int_equal(result.err, JT_OK);
    assert_memory_equal(result.value.bytes, row->pan, sizeof row->pan);
}

static void a_new_keeper_gets_the_root_and_every_key_and_works(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_node_joined joined;
    struct row row;
    assert_int_equal(inside_join(p->a, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(p->a, 1, true, &row, 1);
    pair_carry_root(p->a, p->b);
    assert_int_equal(inside_accept(p->b, &p->a->ring), JT_ERR_KEY_MISSING);
    struct jt_generation_row active = inside_row(p->a, 1);
    assert_int_equal(pair_carry(p->a, p->b, &active), JT_OK);
    assert_int_equal(inside_accept(p->b, &p->a->ring), JT_OK);
    opens(p->b, &row);
    inside_restart(p->b, false); /* all of it is durable */
    opens(p->b, &row);
    assert_true(p->b->k->root->created_s == p->a->k->root->created_s);
    const struct jt_genfile *made = jt_keyring_find(p->a->k->keyring, 1);
    const struct jt_genfile *came = jt_keyring_find(p->b->k->keyring, 1);
    assert_true(came->created_s == made->created_s);
    assert_true(came->foreign && !made->foreign);
    assert_int_equal(p->b->k->state.highest_generation, 1);
}

static void a_keeper_with_another_master_key_gets_no_root(void **state)
{
    struct keeper_pair *p = *state;
    void *stranger;
    struct jt_parcel_request request;
    struct jt_parcel parcel;
    (void)inside_setup_bare(&stranger);
    assert_int_equal(pair_ask(stranger, NULL, &request), JT_OK);
    assert_int_equal(pair_answer(p->a, &request, NULL, &parcel), JT_ERR_MASTER_OTHER);
    /* Saying that it has the right one does not help. */
    memcpy(request.base_check_value, p->a->k->master->check_value, JT_CHECK_VALUE_LEN);
    assert_int_equal(pair_answer(p->a, &request, NULL, &parcel), JT_ERR_FORGED);
    (void)inside_teardown(&stranger);
}

static void a_keeper_with_another_root_gets_no_key(void **state)
{
    struct keeper_pair *p = *state;
    struct inside *other = inside_beside(p->a);
    struct jt_reader reply;
    struct jt_parcel_request request;
    struct jt_parcel parcel;
    assert_int_equal(inside_ask(other, JT_VERB_RING_FIRST, &reply), JT_OK);
    struct jt_generation_row row = inside_row(p->a, 1), own = row;
    assert_int_equal(pair_ask(other, &row, &request),
                     JT_ERR_FORGED); /* the row is not its root's */
    assert_int_equal(jt_rowmac_generation(other->k->root, &own, own.mac), JT_OK);
    assert_int_equal(pair_ask(other, &own, &request), JT_OK);
    assert_int_equal(pair_answer(p->a, &request, &row, &parcel), JT_ERR_ROOT_OTHER);
    memcpy(request.base_check_value, p->a->k->root->check_value, JT_CHECK_VALUE_LEN);
    assert_int_equal(pair_answer(p->a, &request, &row, &parcel), JT_ERR_FORGED);
    void *state_of_other = other;
    (void)inside_teardown(&state_of_other);
}

/* Each bit of a request, for the root and for a generation. */
static void an_altered_request_is_not_answered(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_generation_row row = inside_row(p->a, 1);
    struct jt_parcel_request request;
    struct jt_parcel parcel;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    for (int root = 1; root >= 0; root--) {
        const struct jt_generation_row *g = root ? NULL : &row;
        assert_int_equal(pair_ask(p->b, g, &request), JT_OK);
        jt_buf_reset(&b);
        jt_parcel_request_encode(&request, &b);
        for (size_t bit = 0; bit < 8 * b.len; bit++) {
            struct jt_parcel_request altered;
            b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            struct jt_reader in = jt_reader_init(b.data, b.len);
            if (jt_parcel_request_decode(&in, &altered) == JT_OK &&
                altered.generation == request.generation) {
                assert_int_not_equal(pair_answer(p->a, &altered, g, &parcel), JT_OK);
            }
            b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_int_equal(pair_answer(p->a, &request, g, &parcel), JT_OK);
        if (root) {
            assert_int_equal(pair_take(p->b, NULL, &p->a->ring, &parcel), JT_OK);
        }
    }
    jt_buf_clear(&b);
}

/* Each bit of a parcel; and the request stays good for the true one. */
static void an_altered_parcel_is_refused_and_voids_nothing(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_generation_row row = inside_row(p->a, 1);
    struct jt_parcel_request request;
    struct jt_parcel parcel;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    for (int root = 1; root >= 0; root--) {
        const struct jt_generation_row *g = root ? NULL : &row;
        assert_int_equal(pair_ask(p->b, g, &request), JT_OK);
        assert_int_equal(pair_answer(p->a, &request, g, &parcel), JT_OK);
        jt_buf_reset(&b);
        jt_parcel_encode(&parcel, &b);
        for (size_t bit = 0; bit < 8 * b.len; bit++) {
            struct jt_parcel altered;
            b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            struct jt_reader in = jt_reader_init(b.data, b.len);
            /* The top bit of a public key of X25519 does not count there, but it counts here. */
            if (jt_parcel_decode(&in, &altered) == JT_OK) {
                assert_int_equal(pair_take(p->b, g, &p->a->ring, &altered), JT_ERR_FORGED);
            }
            b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_int_equal(pair_take(p->b, g, &p->a->ring, &parcel), JT_OK);
        assert_int_equal(pair_take(p->b, g, &p->a->ring, &parcel), JT_ERR_KEY_THERE);
    }
    jt_buf_clear(&b);
}

static void a_kept_parcel_is_worth_nothing(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_generation_row row = inside_row(p->a, 1);
    struct jt_parcel_request first, second;
    struct jt_parcel parcel;
    pair_carry_root(p->a, p->b);
    assert_int_equal(pair_ask(p->b, &row, &first), JT_OK);
    assert_int_equal(pair_answer(p->a, &first, &row, &parcel), JT_OK);
    p->b->k->pending->of[0].until_ms = 1; /* a minute later */
    assert_int_equal(pair_take(p->b, &row, NULL, &parcel), JT_ERR_PARCEL_UNASKED);
    assert_int_equal(p->b->k->pending->n, 0);
    static const struct jt_pending_one nothing;
    assert_memory_equal(&p->b->k->pending->of[0], &nothing, sizeof nothing); /* wiped */

    assert_int_equal(pair_ask(p->b, &row, &second), JT_OK);
    assert_memory_not_equal(first.challenge, second.challenge, JT_CHALLENGE_LEN);
    assert_memory_not_equal(first.public_key, second.public_key, JT_PARCEL_PUBLIC_LEN);
    assert_int_equal(pair_take(p->b, &row, NULL, &parcel), JT_ERR_FORGED);
    assert_int_equal(pair_answer(p->a, &second, &row, &parcel), JT_OK);
    inside_restart(p->b, false);
    assert_int_equal(pair_take(p->b, &row, NULL, &parcel), JT_ERR_PARCEL_UNASKED);
    assert_int_equal(pair_carry(p->a, p->b, &row), JT_OK);
}

/* Any request is swept away in its time, whatever verb comes. */
static void what_waited_too_long_is_wiped_by_the_next_request(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_parcel_request request;
    struct jt_reader reply;
    static const struct jt_pending_one nothing;
    assert_int_equal(pair_ask(p->b, NULL, &request), JT_OK);
    p->b->k->pending->of[0].until_ms = 1;
    assert_int_equal(inside_ask(p->b, JT_VERB_STATUS, &reply), JT_OK);
    assert_memory_equal(&p->b->k->pending->of[0], &nothing, sizeof nothing);
}

static void asked_again_it_is_the_same_request(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_parcel_request first, second;
    struct jt_parcel parcel;
    assert_int_equal(pair_ask(p->b, NULL, &first), JT_OK);
    assert_int_equal(pair_ask(p->b, NULL, &second), JT_OK);
    assert_memory_equal(&first, &second, sizeof first);
    assert_string_equal(first.node, "node2");
    assert_int_equal(pair_ask_as(p->b, "renamed", NULL, &second), JT_OK);
    assert_memory_not_equal(first.challenge, second.challenge, JT_CHALLENGE_LEN);
    assert_int_equal(p->b->k->pending->n, 1);
    assert_int_equal(pair_ask_as(p->b, "", NULL, &second), JT_ERR_INVALID);
    assert_int_equal(pair_ask_as(p->b, "a b", NULL, &second), JT_ERR_INVALID);
    assert_int_equal(pair_answer(p->a, &first, NULL, &parcel), JT_OK);
    assert_int_equal(pair_take(p->b, NULL, &p->a->ring, &parcel),
                     JT_ERR_FORGED); /* not the last one */
}

static void only_so_many_keys_are_asked_for_at_one_time(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_generation_row rows[JT_PARCEL_PENDING_MAX + 1];
    struct jt_parcel_request request;
    pair_carry_root(p->a, p->b);
    for (size_t i = 0; i <= JT_PARCEL_PENDING_MAX; i++) {
        rows[i] = inside_create(p->a, i + 1);
        assert_int_equal(pair_ask(p->b, &rows[i], &request),
                         i < JT_PARCEL_PENDING_MAX ? JT_OK : JT_ERR_BUSY);
    }
    assert_int_equal(pair_carry(p->a, p->b, &rows[3]), JT_OK);
    assert_int_equal(pair_ask(p->b, &rows[JT_PARCEL_PENDING_MAX], &request), JT_OK);
}

static void a_keeper_does_not_answer_itself(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_parcel_request request;
    struct jt_parcel parcel;
    pair_carry_all(p);
    struct jt_generation_row row = inside_create(p->a, 1);
    assert_int_equal(pair_ask(p->b, &row, &request), JT_OK);
    assert_int_equal(pair_answer(p->b, &request, &row, &parcel), JT_ERR_KEY_MISSING);
    /* And one that holds everything has nothing to ask. */
    assert_int_equal(pair_ask(p->a, NULL, &request), JT_ERR_KEY_THERE);
    assert_int_equal(pair_ask(p->a, &row, &request), JT_ERR_KEY_THERE);
}

static void rows_that_are_not_authentic_or_destroyed_move_no_key(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_generation_row row = inside_row(p->a, 1), bad = row;
    struct jt_parcel_request request;
    struct jt_parcel parcel;
    assert_int_equal(pair_ask(p->b, &row, &request), JT_ERR_NO_ROOT);
    pair_carry_root(p->a, p->b);
    bad.state = JT_GENERATION_RETIRED;
    assert_int_equal(pair_ask(p->b, &bad, &request), JT_ERR_FORGED);
    assert_int_equal(pair_ask(p->b, &row, &request), JT_OK);
    assert_int_equal(pair_answer(p->a, &request, &bad, &parcel), JT_ERR_FORGED);
    bad = row;
    bad.state = JT_GENERATION_DESTROYED;
    assert_int_equal(jt_rowmac_generation(p->a->k->root, &bad, bad.mac), JT_OK);
    assert_int_equal(pair_answer(p->a, &request, &bad, &parcel), JT_ERR_WRONG_STATE);
    assert_int_equal(pair_answer(p->a, &request, &row, &parcel), JT_OK);
    assert_int_equal(pair_take(p->b, &bad, NULL, &parcel), JT_ERR_WRONG_STATE);
    assert_int_equal(pair_take(p->b, &row, NULL, &parcel), JT_OK);
    inside_restart(p->b, false);
    assert_int_equal(pair_ask(p->b, &bad, &request), JT_ERR_WRONG_STATE);
}

/* Made by whoever has the keys, but with a public key that gives any exchange the same secret. */
static void a_point_of_low_order_is_refused_on_both_sides(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_parcel_request request, low;
    struct jt_parcel parcel;
    assert_int_equal(pair_ask(p->b, NULL, &request), JT_OK);
    low = request;
    memset(low.public_key, 0, sizeof low.public_key);
    assert_int_equal(jt_parcel_request_mac(p->b->k->master->join, &low, low.mac), JT_OK);
    assert_int_equal(pair_answer(p->a, &low, NULL, &parcel), JT_ERR_FORGED);
    assert_int_equal(pair_answer(p->a, &request, NULL, &parcel), JT_OK);
    struct jt_parcel altered = parcel;
    memset(altered.public_key, 0, sizeof altered.public_key);
    assert_int_equal(pair_take(p->b, NULL, &p->a->ring, &altered), JT_ERR_FORGED);
    assert_int_equal(pair_take(p->b, NULL, &p->a->ring, &parcel), JT_OK);
}

static void the_root_must_be_the_one_that_the_ring_names(void **state)
{
    struct keeper_pair *p = *state;
    void *other_state;
    struct jt_parcel_request request;
    struct jt_parcel parcel;
    (void)inside_setup(&other_state);
    struct inside *other = other_state;
    assert_int_equal(pair_ask(p->b, NULL, &request), JT_OK);
    assert_int_equal(pair_answer(p->a, &request, NULL, &parcel), JT_OK);
    assert_int_equal(pair_take(p->b, NULL, &other->ring, &parcel), JT_ERR_KEY_WRONG);
    struct jt_ring_row altered = p->a->ring;
    altered.mac[3] ^= 1;
    assert_int_equal(pair_take(p->b, NULL, &altered, &parcel), JT_ERR_FORGED);
    assert_null(p->b->k->root);
    assert_false(pair_has_file(p->b, JT_KEYDIR_ROOT));
    assert_int_equal(pair_take(p->b, NULL, &p->a->ring, &parcel), JT_OK);
    (void)inside_teardown(&other_state);
}

/* What came with the root is the least that the keeper takes; and it makes no ring of its own. */
static void after_the_root_came_no_earlier_ring_is_taken(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_ring_row earlier = p->a->ring;
    struct jt_reader reply;
    (void)inside_roll(p->a);
    pair_carry_root(p->a, p->b);
    assert_int_equal(inside_ask(p->b, JT_VERB_RING_FIRST, &reply), JT_ERR_RING_THERE);
    struct jt_generation_row rows[2] = { inside_row(p->a, 1), inside_row(p->a, 2) };
    assert_int_equal(pair_carry(p->a, p->b, &rows[0]), JT_OK);
    inside_restart(p->b, false);
    assert_int_equal(inside_accept(p->b, &earlier), JT_ERR_WENT_BACK);
    assert_int_equal(pair_carry(p->a, p->b, &rows[1]), JT_OK);
    assert_int_equal(inside_accept(p->b, &p->a->ring), JT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PAIR(a_new_keeper_gets_the_root_and_every_key_and_works),
        IN_A_PAIR(a_keeper_with_another_master_key_gets_no_root),
        IN_A_PAIR(a_keeper_with_another_root_gets_no_key),
        IN_A_PAIR(an_altered_request_is_not_answered),
        IN_A_PAIR(an_altered_parcel_is_refused_and_voids_nothing),
        IN_A_PAIR(a_kept_parcel_is_worth_nothing),
        IN_A_PAIR(what_waited_too_long_is_wiped_by_the_next_request),
        IN_A_PAIR(asked_again_it_is_the_same_request),
        IN_A_PAIR(only_so_many_keys_are_asked_for_at_one_time),
        IN_A_PAIR(a_keeper_does_not_answer_itself),
        IN_A_PAIR(rows_that_are_not_authentic_or_destroyed_move_no_key),
        IN_A_PAIR(a_point_of_low_order_is_refused_on_both_sides),
        IN_A_PAIR(the_root_must_be_the_one_that_the_ring_names),
        IN_A_PAIR(after_the_root_came_no_earlier_ring_is_taken),
    };
    return cmocka_run_group_tests_name("keeper/op_parcel", tests, NULL, NULL);
}
