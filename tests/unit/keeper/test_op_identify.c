/* SPDX-License-Identifier: Apache-2.0 */
/* IDENTIFY: only what a keeper made for the field is a token of it. */
#include "inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 3000 /* more than two chunks */

static struct row rows[N];
static struct jt_identify_item items[N];
static struct jt_identify_result results[N];
static struct jt_identify_reply reply;

static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(in, 0, true, rows, N);
    for (size_t i = 0; i < N; i++) {
        items[i] = (struct jt_identify_item){ .field = FIELD, .token = rows[i].token };
    }
    return 0;
}

static void ask(struct inside *in, size_t n)
{
    struct jt_reader payload;
    reply = (struct jt_identify_reply){ .results = results };
    jt_identify_request_encode(items, n, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_IDENTIFY, &payload), JT_OK);
    assert_int_equal(jt_identify_reply_decode(&payload, n, &reply), JT_OK);
    assert_int_equal(reply.epoch, in->ring.epoch);
}

static void tokens_give_their_ids_and_the_live_key_ids(void **state)
{
    struct inside *in = *state;
    ask(in, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, JT_OK);
        assert_true(results[i].id == rows[i].id);
    }
    assert_int_equal(in->k->n_identified, N);
    assert_int_equal(reply.n_live, 1);
    assert_int_equal(reply.live[0], 1);
    (void)inside_roll(in);
    (void)inside_roll(in);
    inside_retire(in, 1);
    ask(in, 1);
    assert_int_equal(results[0].err,
                     JT_OK); /* whatever has become of the generation: tokens stay */
    assert_int_equal(reply.n_live, 2);
    assert_int_equal(reply.live[0], 2);
    assert_int_equal(reply.live[1], 3);
    inside_restart(in, false);
    ask(in, N);
    assert_true(results[N - 1].id == rows[N - 1].id);
}

static void every_flipped_bit_is_refused(void **state)
{
    struct inside *in = *state;
    static uint8_t changed[128][16];
    for (size_t bit = 0; bit < 128; bit++) {
        memcpy(changed[bit], rows[0].token, 16);
        changed[bit][bit / 8] ^= (uint8_t)(1 << bit % 8);
        items[bit].token = changed[bit];
    }
    ask(in, 129);
    for (size_t i = 0; i < 128; i++) {
        assert_int_equal(results[i].err, JT_ERR_NO_TOKEN);
        assert_true(results[i].id == 0);
    }
    assert_int_equal(results[128].err, JT_OK);
    assert_int_equal(in->k->n_refused, 128);
}

static void tokens_of_another_field_are_refused(void **state)
{
    struct inside *in = *state;
    for (size_t i = 0; i < N; i++) {
        items[i].field =
            FIELD + 1 + (uint32_t)(i % 200); /* more than the cache of token keys has */
    }
    items[7].field = FIELD;
    ask(in, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, i == 7 ? JT_OK : JT_ERR_NO_TOKEN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tokens_give_their_ids_and_the_live_key_ids, setup,
                                        inside_teardown),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_refused, setup, inside_teardown),
        cmocka_unit_test_setup_teardown(tokens_of_another_field_are_refused, setup,
                                        inside_teardown),
    };
    return cmocka_run_group_tests_name("keeper/op_identify", tests, NULL, NULL);
}
