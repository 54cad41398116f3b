/* SPDX-License-Identifier: Apache-2.0 */
/* OPEN_MASKED: rows give a masked number and their generation; the whole number stays inside. */
#include "inside.h"

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 3000 /* more than two chunks */

static struct row rows[N];
static struct jt_open_item items[N];
static struct jt_open_masked_result results[N];

static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(in, 0, true, rows, N);
    for (size_t i = 0; i < N; i++) {
        items[i] = (struct jt_open_item){ .field = rows[i].field,
                                          .id = rows[i].id,
                                          .fingerprint = rows[i].fingerprint,
                                          .envelope = rows[i].envelope,
                                          .envelope_len = 25 };
    }
    return 0;
}

static void ask(struct inside *in)
{
    struct jt_reader payload;
    struct jt_open_masked_reply reply = { .results = results };
    jt_open_request_encode(items, N, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_OPEN_MASKED, &payload), JT_OK);
    assert_int_equal(jt_open_masked_reply_decode(&payload, N, &reply), JT_OK);
    assert_int_equal(reply.epoch, in->ring.epoch);
}

static void check(size_t i, size_t leading)
{
    char digits[17];
    jt_hex_encode(rows[i].pan, 8, digits);
    memset(digits + leading, '*', 12 - leading);
    assert_int_equal(results[i].err, JT_OK);
    assert_int_equal(results[i].len, 16);
    assert_memory_equal(results[i].masked, digits, 16);
}

static void rows_give_masked_numbers_and_their_generation(void **state)
{
    struct inside *in = *state;
    ask(in);
    for (size_t i = 0; i < N; i++) {
        check(i, 6);
        assert_true(results[i].generation == 1 && !results[i].draining);
    }
    assert_int_equal(in->k->n_opened, N); /* it counts as an opened card */
    (void)inside_roll(in);
    ask(in);
    assert_true(results[0].generation == 1 && results[0].draining);
    inside_retire(in, 1);
    ask(in);
    assert_int_equal(results[0].err, JT_ERR_RING_MOVED);
}

/* Not the caller's word: the field's. */
static void how_much_is_shown_is_the_fields_word(void **state)
{
    struct inside *in = *state;
    const struct jt_field_spec eight = {
        .id = FIELD, .name = "pan", .kind = JT_FIELD_PAN, .dedup = true, .mask_eight = true
    };
    assert_int_equal(
        jt_fieldtable_add(&in->k->fields,
                          &(struct jt_field_row){ .spec = eight, .state = JT_ROW_ACTIVE }),
        JT_OK);
    ask(in);
    check(0, 8);
}

static void altered_rows_look_all_the_same(void **state)
{
    struct inside *in = *state;
    items[0].fingerprint = rows[1].fingerprint;
    items[2].id++;
    items[4].field = FIELD + 1;
    items[6].envelope = rows[7].envelope;
    items[8].envelope_len = 24;
    items[10].field = N_NAMED + 1;
    ask(in);
    for (size_t i = 0; i < 12; i++) {
        assert_int_equal(results[i].err, i % 2 == 0 ? JT_ERR_DECRYPT : JT_OK);
    }
    static const uint8_t nothing[sizeof in->k->batch->pans[0]];
    for (size_t i = 0; i < N; i++) {
        assert_memory_equal(in->k->batch->pans[i], nothing, sizeof nothing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_give_masked_numbers_and_their_generation, setup,
                                        inside_teardown),
        cmocka_unit_test_setup_teardown(how_much_is_shown_is_the_fields_word, setup,
                                        inside_teardown),
        cmocka_unit_test_setup_teardown(altered_rows_look_all_the_same, setup, inside_teardown),
    };
    return cmocka_run_group_tests_name("keeper/op_open_masked", tests, NULL, NULL);
}
