/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, the system and libcrypto failing at every call in turn, in each act of a keeper. The
 * answer says what failed, and never that a row or a file is false: what fails today opens
 * tomorrow. Nothing is half done: the same act succeeds afterwards, and so it does after a restart
 * from what is on the disk.
 */
#include "failing.h"
#include "signers.h"

#include "keeper/honey.h"
#include "keeper/keydir.h"
#include "wire/client.h"
#include "wire/escrow.h"
#include "wire/field.h"
#include "wire/honey.h"
#include "wire/open.h"
#include "wire/set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 3 /* cards of a batch */

/* --- acts --- */

static struct row rows[N];
static struct jt_generation_row future;
static struct jt_ring_proposal proposal;
static struct jt_escrow_file escrow;

static void seal(struct inside *in)
{
    struct jt_seal_item items[N];
    for (size_t i = 0; i < N; i++) {
        items[i] = (struct jt_seal_item){
            .field = FIELD, .value = { .kind = JT_FIELD_PAN, .bytes = rows[i].pan, .len = 8 }
        };
    }
    const struct jt_seal_request request = { .items = items, .n = N };
    jt_seal_request_encode(&request, &in->payload);
}

static void open_cards(struct inside *in)
{
    struct jt_open_item items[N];
    for (size_t i = 0; i < N; i++) {
        items[i] = (struct jt_open_item){ .field = FIELD,
                                          .id = rows[i].id,
                                          .fingerprint = rows[i].fingerprint,
                                          .envelope = rows[i].envelope,
                                          .envelope_len = sizeof rows[i].envelope };
    }
    jt_open_request_encode(items, N, &in->payload);
}

static void create(struct inside *in)
{
    const struct jt_generation_create g = { .db_highest = 0 };
    jt_generation_create_encode(&g, &in->payload);
}

static void propose(struct inside *in)
{
    const struct jt_ring_propose p = { .current = in->ring,
                                       .generation = future,
                                       .step = JT_GENERATION_ACTIVE };
    jt_ring_propose_encode(&p, &in->payload);
}

static void accept(struct inside *in)
{
    jt_ring_row_encode(&proposal.next, &in->payload);
}

static void nothing(struct inside *in)
{
    (void)in;
}

static void check_escrow(struct inside *in)
{
    jt_escrow_file_encode(&escrow, &in->payload);
}

/* --- acts on rows of the database --- */

static struct jt_field_change field;
static struct jt_client_change client;
static struct jt_set_sum sum;
static struct jt_custodian_row custodians;
static struct jt_honey_sealed honey;

static void make_field(struct inside *in)
{
    const struct jt_field_spec spec = { .id = FIELD, .name = "pan", .kind = JT_FIELD_PAN };
    const struct jt_set_row none = jt_set_row_empty(JT_SET_FIELDS);
    jt_field_make_encode(&spec, &none, &in->payload);
}

static void alter_field(struct inside *in)
{
    const struct jt_field_alter alter = { .was = field,
                                          .spec = field.row.spec,
                                          .state = JT_ROW_ACTIVE };
    jt_field_alter_encode(&alter, &in->payload);
}

static void sum_fields(struct inside *in)
{
    struct jt_set_change change = { .now.field = field.row };
    const struct jt_set_sum_request request = { .kind = JT_SET_FIELDS, .n = 1, .changes = &change };
    jt_set_sum_request_encode(&request, &in->payload);
}

static void verify_fields(struct inside *in)
{
    jt_set_verify_encode(&sum, &field.set, &in->payload);
}

static void make_client(struct inside *in)
{
    const struct jt_client_order order = { .permissions = JT_MAY_OPERATE, .fresh = true };
    const struct jt_set_row none = jt_set_row_empty(JT_SET_CLIENTS);
    jt_client_make_encode("operator", &order, &none, &in->payload);
}

static void check_client(struct inside *in)
{
    static const uint8_t secret[JT_CLIENT_SECRET_LEN];
    jt_client_check_encode(&client.row, secret, &in->payload);
}

static void make_custodians(struct inside *in)
{
    const struct jt_custodians_make make = signers_two(0);
    jt_custodians_make_encode(&make, &in->payload);
}

static void show_custodians(struct inside *in)
{
    jt_custodian_row_encode(&custodians, &in->payload);
}

static void show_honey(struct inside *in)
{
    jt_honey_sealed_encode(&honey, &in->payload);
}

static void join(struct inside *in)
{
    const struct jt_node_join order = { .spec = { .name = "node1", .number = NODE } };
    jt_node_join_encode(&order, &in->payload);
}

/* Items have results of their own: none of them may say that a row is false. */
static enum jt_err of_items(struct jt_reader *reply, uint8_t verb)
{
    enum jt_err worst = JT_OK;
    if (verb == JT_VERB_OPEN) {
        static struct jt_open_result results[N];
        struct jt_open_reply opened = { .results = results };
        assert_int_equal(jt_open_reply_decode(reply, N, &opened), JT_OK);
        for (size_t i = 0; i < N; i++) {
            worst = results[i].err != JT_OK ? results[i].err : worst;
        }
    } else if (verb == JT_VERB_SEAL) {
        static struct jt_seal_result results[N];
        struct jt_seal_reply sealed = { .results = results };
        assert_int_equal(jt_seal_reply_decode(reply, N, &sealed), JT_OK);
        for (size_t i = 0; i < N; i++) {
            worst = results[i].err != JT_OK ? results[i].err : worst;
        }
    }
    return worst;
}

/*
 * The act with each of its calls failing in turn, until none was left to fail; how often one
 * failed. The reply of the last is in in->reply.
 */
static int every_call(struct inside *in, const char *what, uint8_t verb,
                      void (*ask)(struct inside *in), struct jt_reader *reply)
{
    int n = 0;
    for (; n < FAILING_MANY; n++) {
        ask(in);
        failing_from(n);
        enum jt_err err = inside_ask(in, verb, reply);
        const char *failed = failing_end();
        if (failed == NULL) {
            assert_int_equal(err, JT_OK);
            print_message("%s: %d calls\n", what, n);
            return n;
        }
        struct jt_reader copy = *reply;
        err = err == JT_OK ? of_items(&copy, verb) : err;
        if (err != JT_OK && !failing_says_so(err, failed)) {
            fail_msg("%s: call %d, %s, failed, and is told as: %s", what, n, failed,
                     jt_err_str(err));
        }
    }
    fail_msg("%s: no end", what);
    return n;
}

static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(in, 0, true, rows, N);
    return 0;
}

static void cards_open_as_before(struct inside *in)
{
    struct jt_reader reply;
    open_cards(in);
    assert_int_equal(inside_ask(in, JT_VERB_OPEN, &reply), JT_OK);
    assert_int_equal(of_items(&reply, JT_VERB_OPEN), JT_OK);
}

static void cards(void **state)
{
    struct inside *in = *state;
    struct jt_reader reply;
    assert_true(every_call(in, "SEAL", JT_VERB_SEAL, seal, &reply) > 3);
    assert_true(every_call(in, "OPEN", JT_VERB_OPEN, open_cards, &reply) > 3);
    inside_restart(in, false);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    cards_open_as_before(in);
}

/* The first use of a key after a start makes what later uses have. */
static void cards_after_a_start(void **state)
{
    struct inside *in = *state;
    for (int n = 0; n < FAILING_MANY; n++) {
        struct jt_reader reply;
        inside_restart(in, true);
        assert_int_equal(inside_accept(in, &in->ring), JT_OK);
        open_cards(in);
        failing_from(n);
        enum jt_err err = inside_ask(in, JT_VERB_OPEN, &reply);
        const char *failed = failing_end();
        err = err == JT_OK ? of_items(&reply, JT_VERB_OPEN) : err;
        if (failed == NULL) {
            assert_int_equal(err, JT_OK);
            assert_true(n > 10);
            return;
        }
        if (err != JT_OK && !failing_says_so(err, failed)) {
            fail_msg("call %d, %s, failed, and is told as: %s", n, failed, jt_err_str(err));
        }
        cards_open_as_before(in);
    }
    fail_msg("no end");
}

/* No key is left behind that the keeper does not know, and none is known that is not there. */
static void files_are_what_is_held(struct inside *in)
{
    struct jt_keydir listing;
    struct jt_fault fault = { 0 };
    assert_int_equal(jt_keydir_list(in->k->dir_fd, &listing, &fault), JT_OK);
    assert_int_equal(listing.n_generations, jt_keyring_count(in->k->keyring));
}

static void a_roll(void **state)
{
    struct inside *in = *state;
    struct jt_reader reply;
    assert_true(every_call(in, "GENERATION_CREATE", JT_VERB_GENERATION_CREATE, create, &reply) > 3);
    assert_int_equal(jt_generation_row_decode(&reply, &future), JT_OK);
    files_are_what_is_held(in);
    assert_true(every_call(in, "RING_PROPOSE", JT_VERB_RING_PROPOSE, propose, &reply) > 3);
    assert_int_equal(jt_ring_proposal_decode(&reply, &proposal), JT_OK);
    assert_true(every_call(in, "RING_ACCEPT", JT_VERB_RING_ACCEPT, accept, &reply) > 3);
    in->ring = proposal.next;
    assert_int_equal(jt_ring_find(&in->k->ring, future.number)->state, JT_GENERATION_ACTIVE);
    cards_open_as_before(in);
    /* what is on the disk is the same */
    inside_restart(in, false);
    files_are_what_is_held(in);
    assert_int_equal(jt_ring_find(&in->k->ring, future.number)->state, JT_GENERATION_ACTIVE);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    cards_open_as_before(in);
}

static void a_backup(void **state)
{
    struct inside *in = *state;
    struct jt_reader reply;
    assert_true(every_call(in, "ESCROW_MAKE", JT_VERB_ESCROW_MAKE, nothing, &reply) > 3);
    assert_int_equal(jt_escrow_file_decode(&reply, &escrow), JT_OK);
    assert_true(every_call(in, "ESCROW_CHECK", JT_VERB_ESCROW_CHECK, check_escrow, &reply) > 3);
    cards_open_as_before(in);
}

/* Rows that a keeper makes, and those that it is shown. */
static void rows_of_the_database(void **state)
{
    struct inside *in = *state;
    struct jt_reader reply;
    struct jt_honey_set marks = { .version = 0 };
    assert_true(every_call(in, "FIELD_MAKE", JT_VERB_FIELD_MAKE, make_field, &reply) > 1);
    assert_int_equal(jt_field_change_decode(&reply, &field), JT_OK);
    assert_true(every_call(in, "SET_SUM", JT_VERB_SET_SUM, sum_fields, &reply) > 1);
    assert_int_equal(jt_set_sum_decode(&reply, &sum), JT_OK);
    assert_true(every_call(in, "SET_VERIFY", JT_VERB_SET_VERIFY, verify_fields, &reply) > 3);
    (void)every_call(in, "FIELD_CHANGE", JT_VERB_FIELD_CHANGE, alter_field, &reply);
    assert_true(every_call(in, "CLIENT_MAKE", JT_VERB_CLIENT_MAKE, make_client, &reply) > 1);
    assert_int_equal(jt_client_change_decode(&reply, &client), JT_OK);
    assert_true(every_call(in, "CLIENT_CHECK", JT_VERB_CLIENT_CHECK, check_client, &reply) > 1);

    in->k->local = true;
    assert_true(
        every_call(in, "CUSTODIANS_MAKE", JT_VERB_CUSTODIANS_MAKE, make_custodians, &reply) > 1);
    assert_int_equal(jt_custodian_row_decode(&reply, &custodians), JT_OK);
    assert_true(
        every_call(in, "CUSTODIANS_SHOW", JT_VERB_CUSTODIANS_SHOW, show_custodians, &reply) > 3);
    assert_int_equal(jt_honey_add(&marks, FIELD, rows[0].id), JT_OK);
    assert_int_equal(jt_honey_seal(in->k->root, true, &marks, &honey), JT_OK);
    assert_true(every_call(in, "HONEY_ACCEPT", JT_VERB_HONEY_ACCEPT, show_honey, &reply) > 3);
    (void)every_call(in, "NODE_JOIN", JT_VERB_NODE_JOIN, join, &reply);
    assert_int_equal(in->k->custodians.set.version, 1);
    assert_int_equal(in->k->honey.set.n, 1);
    cards_open_as_before(in);
    inside_restart(in, false); /* what was acknowledged is on the disk */
    assert_int_equal(in->k->custodians.set.version, 1);
    assert_int_equal(in->k->honey.set.n, 1);
}

/* A start that fails says why, touches nothing, and the next one serves. */
static void a_start(void **state)
{
    struct inside *in = *state;
    const struct jt_keeper_source source = { .directory = in->files.keys, .development = true };
    assert_int_equal(jt_keeper_settle(in->k), JT_OK);
    jt_keeper_free(in->k);
    for (int n = 0; n < FAILING_MANY; n++) {
        struct jt_fault fault = { 0 };
        failing_from(n);
        enum jt_err err = jt_keeper_load(&source, &in->k, &fault);
        const char *failed = failing_end();
        if (failed == NULL) {
            assert_int_equal(err, JT_OK);
            assert_true(n > 20);
            print_message("start: %d calls\n", n);
            assert_int_equal(jt_ring_find(&in->k->ring, 1)->state, JT_GENERATION_ACTIVE);
            return;
        }
        if (err == JT_OK) {
            jt_keeper_free(in->k);
        } else if (!failing_says_so(err, failed)) {
            fail_msg("start: call %d, %s, failed, and is told as: %s", n, failed, jt_err_str(err));
        }
        in->k = NULL;
    }
    fail_msg("no end");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, inside_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cards),    TEST(cards_after_a_start),  TEST(a_roll),
        TEST(a_backup), TEST(rows_of_the_database), TEST(a_start),
    };
    return cmocka_run_group_tests_name("keeper/faults", tests, NULL, NULL);
}
