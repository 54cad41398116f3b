/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEAL_HELD, OPEN_HELD, RESEAL_HELD: envelopes open in their own row and field only, under live and
 * retired generations; fresh ones come under the active one; vaulted rows and these do not mix.
 */
#include "inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES 2 /* the field that holds bytes */
#define N     JT_WIRE_MAX_HELD

static struct jt_held_item items[N];
static struct jt_held_result results[N];
static struct jt_held_reply reply;
static char row_ids[N][16];
static uint8_t values[N][300];
static uint8_t envelopes[N][400];
static uint16_t lens[N];

static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    const struct jt_field_spec bytes = { .id = BYTES, .name = "b", .kind = JT_FIELD_BYTES };
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    assert_int_equal(
        jt_fieldtable_add(&in->k->fields,
                          &(struct jt_field_row){ .spec = bytes, .state = JT_ROW_ACTIVE }),
        JT_OK);
    for (size_t i = 0; i < N; i++) {
        (void)snprintf(row_ids[i], sizeof row_ids[i], "row-%zu", i);
        memset(values[i], (int)i, sizeof values[i]);
        items[i] = (struct jt_held_item){
            .field = BYTES,
            .row_id = (const uint8_t *)row_ids[i],
            .row_id_len = (uint8_t)strlen(row_ids[i]),
            .value = { .kind = JT_FIELD_BYTES, .bytes = values[i], .len = (uint16_t)(1 + i % 300) },
        };
    }
    return 0;
}

static enum jt_err ask(struct inside *in, uint8_t verb, size_t n)
{
    struct jt_reader payload;
    reply = (struct jt_held_reply){ .results = results };
    jt_held_request_encode(items, n, &in->payload);
    enum jt_err err = inside_ask(in, verb, &payload);
    if (err == JT_OK) {
        assert_int_equal(jt_held_reply_decode(&payload, n, &reply), JT_OK);
    }
    return err;
}

/* Seals all values, and makes items of the envelopes. */
static void seal_all(struct inside *in)
{
    assert_int_equal(ask(in, JT_VERB_SEAL_HELD, N), JT_OK);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, JT_OK);
        assert_int_equal(results[i].envelope_len, 17 + items[i].value.len);
        memcpy(envelopes[i], results[i].envelope, results[i].envelope_len);
        lens[i] = items[i].value.len;
        items[i].value = (struct jt_value){ .bytes = envelopes[i], .len = results[i].envelope_len };
    }
}

static void envelopes_open_and_are_renewed_after_a_roll(void **state)
{
    struct inside *in = *state;
    seal_all(in);
    assert_int_equal(ask(in, JT_VERB_OPEN_HELD, N), JT_OK);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, JT_OK);
        assert_false(results[i].stale);
        assert_int_equal(results[i].value.len, lens[i]);
        assert_memory_equal(results[i].value.bytes, values[i], lens[i]);
        assert_int_equal(results[i].envelope_len, 0);
    }
    assert_memory_not_equal(results[0].tag, results[1].tag, JT_HELD_TAG_LEN);
    (void)inside_roll(in);
    inside_retire(in, 1); /* what lies elsewhere stays readable */
    assert_int_equal(ask(in, JT_VERB_OPEN_HELD, N), JT_OK);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, JT_OK);
        assert_true(results[i].stale && results[i].generation == 1);
        assert_memory_equal(results[i].value.bytes, values[i], lens[i]);
        assert_int_equal(results[i].envelope[0], reply.active.key_id);
        assert_int_equal(results[i].envelope_len, 17 + lens[i]);
    }
    assert_int_equal(ask(in, JT_VERB_RESEAL_HELD, N), JT_OK);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, JT_OK);
        assert_true(results[i].stale);
        assert_int_equal(results[i].value.len, 0); /* no value leaves */
        memcpy(envelopes[i], results[i].envelope, results[i].envelope_len);
    }
    assert_int_equal(ask(in, JT_VERB_RESEAL_HELD, N), JT_OK); /* it is fresh */
    assert_false(results[7].stale);
    assert_memory_equal(results[7].envelope, envelopes[7], 17 + lens[7]);
    assert_int_equal(ask(in, JT_VERB_OPEN_HELD, N), JT_OK);
    assert_true(results[7].generation == 2 && !results[7].stale);
    static const uint8_t nothing[sizeof in->k->batch->held_values[0]];
    for (size_t i = 0; i < N; i++) {
        assert_memory_equal(in->k->batch->held_values[i], nothing, sizeof nothing);
    }
}

static void every_failure_to_open_looks_the_same(void **state)
{
    struct inside *in = *state;
    seal_all(in);
    items[0].row_id = items[1].row_id;
    items[0].row_id_len = items[1].row_id_len;
    items[2].field = FIELD; /* another one */
    items[4].row_id_len--;
    items[6].value.len--;
    items[8].value.len = 17;
    items[10].value.bytes = envelopes[11];
    items[12].field = N_NAMED + 1;
    envelopes[14][5] ^= 1;
    items[16].value.kind = JT_FIELD_BYTES;
    assert_int_equal(ask(in, JT_VERB_OPEN_HELD, 20), JT_OK);
    for (size_t i = 0; i < 18; i++) {
        assert_int_equal(results[i].err, i % 2 == 0 ? JT_ERR_DECRYPT : JT_OK);
    }
    envelopes[3][0] = 77; /* a key id that this keeper has not heard of */
    assert_int_equal(ask(in, JT_VERB_OPEN_HELD, 4), JT_OK);
    assert_int_equal(results[3].err, JT_ERR_RING_MOVED);
}

/* The same key, field and row: but what an application keeps is no row of the vault's. */
static void vaulted_rows_and_held_envelopes_do_not_mix(void **state)
{
    struct inside *in = *state;
    struct row row;
    uint8_t id[JT_ROW_ID_LEN];
    inside_seal(in, 5, true, &row, 1);
    jt_put_u64(id, row.id);
    items[0] = (struct jt_held_item){ .field = FIELD,
                                      .row_id = id,
                                      .row_id_len = sizeof id,
                                      .value = { .bytes = row.envelope, .len = 25 } };
    assert_int_equal(ask(in, JT_VERB_OPEN_HELD, 1), JT_OK);
    assert_int_equal(results[0].err, JT_ERR_DECRYPT);

    items[0].value = (struct jt_value){ .kind = JT_FIELD_PAN, .bytes = row.pan, .len = 8 };
    assert_int_equal(ask(in, JT_VERB_SEAL_HELD, 1), JT_OK);
    assert_int_equal(results[0].err, JT_OK);
    uint8_t held[25];
    memcpy(held, results[0].envelope, sizeof held);
    const struct jt_open_item open = { .field = FIELD,
                                       .id = row.id,
                                       .fingerprint = row.fingerprint,
                                       .envelope = held,
                                       .envelope_len = sizeof held };
    struct jt_open_result opened[1];
    struct jt_open_reply open_reply = { .results = opened };
    struct jt_reader payload;
    jt_open_request_encode(&open, 1, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_OPEN, &payload), JT_OK);
    assert_int_equal(jt_open_reply_decode(&payload, 1, &open_reply), JT_OK);
    assert_int_equal(opened[0].err, JT_ERR_DECRYPT);
}

static void only_values_of_the_field_are_sealed(void **state)
{
    struct inside *in = *state;
    static const uint8_t not_a_pan[8] = { 0xff };
    items[1].value.kind = JT_FIELD_PAN;
    items[2].value.len = 0;
    items[3].field = FIELD; /* of cards */
    items[4] = items[3];
    items[4].value = (struct jt_value){ .kind = JT_FIELD_PAN, .bytes = not_a_pan, .len = 8 };
    items[5].field = N_NAMED + 1;
    assert_int_equal(ask(in, JT_VERB_SEAL_HELD, 7), JT_OK);
    static const enum jt_err expected[] = { JT_OK,          JT_ERR_INVALID, JT_ERR_INVALID,
                                            JT_ERR_INVALID, JT_ERR_INVALID, JT_ERR_NO_FIELD,
                                            JT_OK };
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(results[i].err, expected[i]);
    }
    /* The vault takes no bytes. */
    const struct jt_seal_item item = { .field = BYTES, .value = items[0].value };
    const struct jt_seal_request request = { .items = &item, .n = 1 };
    struct jt_seal_result sealed[1];
    struct jt_seal_reply seal_reply = { .results = sealed };
    struct jt_reader payload;
    jt_seal_request_encode(&request, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_SEAL, &payload), JT_OK);
    assert_int_equal(jt_seal_reply_decode(&payload, 1, &seal_reply), JT_OK);
    assert_int_equal(sealed[0].err, JT_ERR_INVALID);
}

/* Under a mark, the active generation opens and seals nothing. */
static void nothing_is_sealed_under_a_compromised_generation(void **state)
{
    struct inside *in = *state;
    seal_all(in);
    in->k->ring.entries[0].compromised = true;
    assert_int_equal(ask(in, JT_VERB_RESEAL_HELD, 2), JT_ERR_NO_ACTIVE);
    assert_int_equal(ask(in, JT_VERB_SEAL_HELD, 2), JT_ERR_NO_ACTIVE);
    assert_int_equal(ask(in, JT_VERB_OPEN_HELD, 2), JT_OK);
    assert_int_equal(results[0].err, JT_OK);
    assert_true(results[0].stale);
    assert_int_equal(results[0].envelope_len, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, inside_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(envelopes_open_and_are_renewed_after_a_roll),
        TEST(every_failure_to_open_looks_the_same),
        TEST(vaulted_rows_and_held_envelopes_do_not_mix),
        TEST(only_values_of_the_field_are_sealed),
        TEST(nothing_is_sealed_under_a_compromised_generation),
    };
    return cmocka_run_group_tests_name("keeper/op_held", tests, NULL, NULL);
}
