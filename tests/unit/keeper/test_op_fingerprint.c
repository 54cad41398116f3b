/* SPDX-License-Identifier: Apache-2.0 */
/* FINGERPRINT: where the rows of cards would stand, under every live generation, and no more. */
#include "inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 3000 /* more than two chunks */

static struct row rows[N];
static struct jt_seal_item items[N];
static struct jt_fingerprint_result results[N];
static struct jt_fingerprint_reply reply;

static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(in, 0, true, rows, N);
    for (size_t i = 0; i < N; i++) {
        items[i] = (struct jt_seal_item){
            .field = FIELD, .value = { .kind = JT_FIELD_PAN, .bytes = rows[i].pan, .len = 8 }
        };
    }
    return 0;
}

static void ask(struct inside *in, size_t n, uint8_t retired)
{
    const struct jt_seal_request request = {
        .n_retired = retired != 0, .retired = { retired }, .items = items, .n = n
    };
    struct jt_reader payload;
    reply = (struct jt_fingerprint_reply){ .results = results };
    jt_seal_request_encode(&request, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_FINGERPRINT, &payload), JT_OK);
    assert_int_equal(jt_fingerprint_reply_decode(&payload, n, &reply), JT_OK);
    assert_int_equal(reply.epoch, in->ring.epoch);
}

static void known_cards_have_the_fingerprints_of_their_rows(void **state)
{
    struct inside *in = *state;
    uint64_t sealed = in->k->n_sealed;
    ask(in, N, 0);
    assert_int_equal(reply.n_probed, 1);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, JT_OK);
        assert_memory_equal(results[i].fingerprints, rows[i].fingerprint, 16);
    }
    uint8_t before[16];
    memcpy(before, results[0].fingerprints, sizeof before);
    uint64_t second = inside_roll(in);
    ask(in, N, 0);
    assert_int_equal(reply.n_probed, 2);
    for (size_t p = 0; p < 2; p++) {
        bool is_new = reply.probed[p].key.generation == second;
        assert_int_equal(memcmp(results[0].fingerprints + p * 16, before, 16) != 0, is_new);
        assert_false(reply.probed[p].retired);
    }
    assert_true(in->k->n_sealed == sealed); /* nothing was sealed, no id minted */
}

static void retired_generations_are_looked_under_only_when_asked_for(void **state)
{
    struct inside *in = *state;
    uint8_t first = rows[0].envelope[0];
    (void)inside_roll(in);
    inside_retire(in, 1);
    ask(in, 2, 0);
    assert_int_equal(reply.n_probed, 1);
    assert_int_equal(reply.probed[0].key.generation, 2);
    ask(in, 2, first);
    assert_int_equal(reply.n_probed, 2);
    assert_true(reply.probed[1].retired);
    assert_memory_equal(results[1].fingerprints + 16, rows[1].fingerprint, 16);
    ask(in, 2, 200); /* no such key id */
    assert_int_equal(reply.n_probed, 1);
    ask(in, 2, reply.probed[0].key.key_id); /* live: not a second time */
    assert_int_equal(reply.n_probed, 1);
}

static void what_is_no_card_of_a_linking_field_has_none(void **state)
{
    struct inside *in = *state;
    static const uint8_t not_a_pan[8] = { 0xff };
    items[1].field = FIELD_LINKED; /* without dedup */
    items[2].field = N_NAMED + 1;
    items[3].value.bytes = not_a_pan;
    items[4].value.len = 5;
    items[5].value.kind = JT_FIELD_PAN + 1;
    ask(in, 7, 0);
    assert_int_equal(results[0].err, JT_OK);
    assert_int_equal(results[1].err, JT_ERR_NOT_LINKED);
    assert_int_equal(results[2].err, JT_ERR_NO_FIELD);
    assert_int_equal(results[3].err, JT_ERR_INVALID);
    assert_int_equal(results[4].err, JT_ERR_INVALID);
    assert_int_equal(results[5].err, JT_ERR_INVALID);
    assert_int_equal(results[6].err, JT_OK);
    assert_int_equal(in->k->n_refused, 5);
}

/* So many fields that their keys are not derived for one request: the others are not held up. */
static void too_many_fields_at_once_come_again(void **state)
{
    struct inside *in = *state;
    size_t n_later = 0;
    for (size_t i = 0; i < N_NAMED; i++) {
        items[i].field = (uint32_t)i + 1;
    }
    items[0].field = FIELD;
    ask(in, N_NAMED, 0);
    for (size_t i = 0; i < N_NAMED; i++) {
        n_later += results[i].err == JT_ERR_DERIVATIONS;
        assert_true(results[i].err == JT_OK || results[i].err == JT_ERR_DERIVATIONS);
    }
    assert_true(n_later > 0 && n_later < N_NAMED);
    assert_int_equal(results[0].err, JT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(known_cards_have_the_fingerprints_of_their_rows, setup,
                                        inside_teardown),
        cmocka_unit_test_setup_teardown(retired_generations_are_looked_under_only_when_asked_for,
                                        setup, inside_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_card_of_a_linking_field_has_none, setup,
                                        inside_teardown),
        cmocka_unit_test_setup_teardown(too_many_fields_at_once_come_again, setup, inside_teardown),
    };
    return cmocka_run_group_tests_name("keeper/op_fingerprint", tests, NULL, NULL);
}
