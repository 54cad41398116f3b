/* SPDX-License-Identifier: Apache-2.0 */
/* MEND: the fingerprint that a row must have, and nothing about rows where more is damaged. */
#include "inside.h"

#include "wire/mend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define N 6 /* three cards of FIELD, three of FIELD_LINKED */

static const uint8_t damaged[16];
static struct row rows[N];
static struct jt_open_item items[N];
static struct jt_mend_result results[N];

static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(in, 0, true, rows, N / 2);
    inside_seal(in, 0, false, rows + N / 2, N / 2);
    for (size_t i = 0; i < N; i++) {
        items[i] = (struct jt_open_item){ .field = rows[i].field,
                                          .id = rows[i].id,
                                          .fingerprint = damaged,
                                          .envelope = rows[i].envelope,
                                          .envelope_len = 25 };
    }
    return 0;
}

static void ask(struct inside *in)
{
    struct jt_reader payload;
    struct jt_mend_reply reply = { .results = results };
    jt_open_request_encode(items, N, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_MEND, &payload), JT_OK);
    assert_int_equal(jt_mend_reply_decode(&payload, N, &reply), JT_OK);
    assert_true(reply.epoch == in->ring.epoch);
}

static void a_damaged_fingerprint_is_found_from_the_envelope(void **state)
{
    struct inside *in = *state;
    for (int round = 0; round < 2; round++) {
        ask(in);
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(results[i].err, JT_OK);
            assert_memory_equal(results[i].fingerprint, rows[i].fingerprint, 16);
        }
        (void)inside_roll(in); /* the same of what drains */
    }
}

static void nothing_is_told_where_anything_else_is_damaged(void **state)
{
    struct inside *in = *state;
    const uint64_t opened = in->k->n_opened;
    /* every bit of tag and ciphertext, one after the other */
    for (size_t bit = 8; bit < 25 * 8; bit++) {
        rows[0].envelope[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ask(in);
        assert_int_equal(results[0].err, JT_ERR_DECRYPT);
        assert_int_equal(results[1].err, JT_OK);
        rows[0].envelope[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(in->k->n_opened - opened == (25 - 1) * 8 * (N - 1));
    items[0].id++;      /* another row's */
    items[1].field = 5; /* another field's */
    items[2].field = N_NAMED + 1;
    items[3].digits = (struct jt_digits){ 8, { 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 } };
    rows[4].envelope[0] = 77; /* no generation's */
    ask(in);
    assert_int_equal(results[0].err, JT_ERR_DECRYPT);
    assert_int_equal(results[1].err, JT_ERR_DECRYPT);
    assert_int_equal(results[2].err, JT_ERR_NO_FIELD);
    assert_int_equal(results[3].err, JT_ERR_DECRYPT);
    assert_int_equal(results[4].err, JT_ERR_RING_MOVED);
    assert_int_equal(results[5].err, JT_OK);
}

static void each_answer_counts_as_an_opened_card(void **state)
{
    struct inside *in = *state;
    in->k->ceiling.per_day = in->k->ceiling.opened.today + 2;
    ask(in);
    assert_int_equal(results[0].err, JT_OK);
    assert_int_equal(results[1].err, JT_OK);
    for (size_t i = 2; i < N; i++) {
        assert_int_equal(results[i].err, JT_ERR_OPEN_QUOTA);
    }
}

static void a_row_of_a_retired_generation_is_left_alone(void **state)
{
    struct inside *in = *state;
    (void)inside_roll(in);
    inside_retire(in, 1);
    ask(in);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, JT_ERR_RING_MOVED);
    }
}

#define READY(test) cmocka_unit_test_setup_teardown(test, setup, inside_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        READY(a_damaged_fingerprint_is_found_from_the_envelope),
        READY(nothing_is_told_where_anything_else_is_damaged),
        READY(each_answer_counts_as_an_opened_card),
        READY(a_row_of_a_retired_generation_is_left_alone),
    };
    return cmocka_run_group_tests_name("keeper/op_mend", tests, NULL, NULL);
}
