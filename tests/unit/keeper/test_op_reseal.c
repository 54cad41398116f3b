/* SPDX-License-Identifier: Apache-2.0 */
/* RESEAL: what an item is answered, and that the field's own row decides about dedup. */
#include "inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define N 4 /* two cards of FIELD, two of FIELD_LINKED */

static struct row rows[N];
static struct jt_open_item items[N];
static struct jt_reseal_result results[N];
static struct jt_reseal_reply reply;

static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(in, 0, true, rows, 2);
    inside_seal(in, 0, false, rows + 2, 2);
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
    jt_open_request_encode(items, N, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_RESEAL, &payload), JT_OK);
    reply = (struct jt_reseal_reply){ .results = results };
    assert_int_equal(jt_reseal_reply_decode(&payload, N, &reply), JT_OK);
}

static void the_fields_row_decides_how_a_card_is_found_again(void **state)
{
    struct inside *in = *state;
    struct row again[N];
    uint8_t moved[N][16]; /* the reply's memory is used again */
    (void)inside_roll(in);
    ask(in);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, JT_OK);
        memcpy(moved[i], results[i].fingerprint, 16);
    }
    inside_seal(in, 0, true, again, 2);
    inside_seal(in, 0, false, again + 2, 2);
    for (size_t i = 0; i < N; i++) {
        bool same = memcmp(moved[i], again[i].fingerprint, 16) == 0;
        assert_int_equal(same, i < 2); /* without dedup it goes by the id, too */
    }
    assert_int_equal(in->k->n_resealed, N);
}

static void an_item_of_no_field_is_told_apart(void **state)
{
    struct inside *in = *state;
    (void)inside_roll(in);
    items[1].field = N_NAMED + 1;
    ask(in);
    assert_int_equal(results[0].err, JT_OK);
    assert_int_equal(results[1].err, JT_ERR_NO_FIELD);
    in->k->fields.complete = false; /* it may yet be named */
    ask(in);
    assert_int_equal(results[0].err, JT_OK);
    assert_int_equal(results[1].err, JT_ERR_NO_FIELDS);
}

static void only_what_drains_is_moved(void **state)
{
    struct inside *in = *state;
    ask(in);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, JT_ERR_ACTIVE_ALREADY);
    }
    (void)inside_roll(in);
    items[0].id++; /* another row's */
    items[1].fingerprint = rows[0].fingerprint;
    rows[2].envelope[0] = 77;
    ask(in);
    assert_int_equal(results[0].err, JT_ERR_DECRYPT);
    assert_int_equal(results[1].err, JT_ERR_DECRYPT);
    assert_int_equal(results[2].err, JT_ERR_RING_MOVED);
    assert_int_equal(results[3].err, JT_OK);
}

#define READY(test) cmocka_unit_test_setup_teardown(test, setup, inside_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        READY(the_fields_row_decides_how_a_card_is_found_again),
        READY(an_item_of_no_field_is_told_apart),
        READY(only_what_drains_is_moved),
    };
    return cmocka_run_group_tests_name("keeper/op_reseal", tests, NULL, NULL);
}
