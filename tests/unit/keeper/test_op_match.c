/* SPDX-License-Identifier: Apache-2.0 */
/* MATCH: a token is given for the very card of a row, and for no other. */
#include "inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 3000 /* more than two chunks */

static struct row rows[N];
static struct jt_match_item items[N];
static struct jt_match_result results[N];

static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(in, 0, true, rows, N / 2);
    inside_seal(in, N / 2, false, rows + N / 2, N / 2);
    for (size_t i = 0; i < N; i++) {
        items[i] = (struct jt_match_item){
            .field = rows[i].field,
            .id = rows[i].id,
            .fingerprint = rows[i].fingerprint,
            .value = { .kind = JT_FIELD_PAN, .bytes = rows[i].pan, .len = 8 },
            .envelope = rows[i].envelope,
            .envelope_len = 25
        };
    }
    return 0;
}

static void ask(struct inside *in)
{
    struct jt_reader payload;
    struct jt_match_reply reply = { .results = results };
    jt_match_request_encode(items, N, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_MATCH, &payload), JT_OK);
    assert_int_equal(jt_match_reply_decode(&payload, N, &reply), JT_OK);
    assert_int_equal(reply.epoch, in->ring.epoch);
}

static void rows_of_the_card_give_their_tokens(void **state)
{
    struct inside *in = *state;
    ask(in);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, JT_OK);
        assert_memory_equal(results[i].token, rows[i].token, 16);
    }
    assert_int_equal(in->k->n_matched, N);
    assert_int_equal(in->k->n_mismatched, 0);
    (void)inside_roll(in); /* a draining generation's rows match as well */
    ask(in);
    assert_int_equal(results[N - 1].err, JT_OK);
    inside_retire(in, 1);
    ask(in);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, JT_ERR_RING_MOVED);
    }
}

/* What somebody who writes to the database would try: let a row answer for another card. */
static void rows_of_other_cards_give_nothing_away(void **state)
{
    struct inside *in = *state;
    const uint8_t shorter[7] = { 0x41 };
    static const uint8_t not_a_pan[8] = { 0xff };
    items[0].value.bytes = rows[1].pan; /* another card was asked about */
    items[2].fingerprint = rows[3].fingerprint;
    items[4].id = rows[5].id;
    items[6].envelope = rows[7].envelope;
    items[8].field = FIELD + 1;
    items[10].value.bytes = shorter;
    items[10].value.len = sizeof shorter;
    items[12].value.len = 0;
    items[14].value.bytes = not_a_pan;
    items[16].envelope_len = 24;
    items[18].envelope_len = 0;
    items[22].value.kind = JT_FIELD_PAN + 1;
    uint8_t unknown[25];
    memcpy(unknown, rows[20].envelope, sizeof unknown);
    unknown[0] = 88;
    items[20].envelope = unknown;
    ask(in);
    for (size_t i = 0; i < N; i++) {
        enum jt_err expected = i == 20                 ? JT_ERR_RING_MOVED
                               : i <= 22 && i % 2 == 0 ? JT_ERR_DECRYPT
                                                       : JT_OK;
        assert_int_equal(results[i].err, expected);
    }
    assert_int_equal(in->k->n_mismatched, 11);
    assert_int_equal(in->k->n_refused, 12);
}

static void opened_pans_are_wiped(void **state)
{
    struct inside *in = *state;
    items[0].value.bytes = rows[1].pan;
    ask(in);
    static const uint8_t nothing[sizeof in->k->batch->pans[0]];
    for (size_t i = 0; i < N; i++) {
        assert_memory_equal(in->k->batch->pans[i], nothing, sizeof nothing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_of_the_card_give_their_tokens, setup, inside_teardown),
        cmocka_unit_test_setup_teardown(rows_of_other_cards_give_nothing_away, setup,
                                        inside_teardown),
        cmocka_unit_test_setup_teardown(opened_pans_are_wiped, setup, inside_teardown),
    };
    return cmocka_run_group_tests_name("keeper/op_match", tests, NULL, NULL);
}
