/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Honey marks: who may make and read them, which set a keeper takes, and what it says of a card
 * that it opens. In a keeper inside the test, so that sets can be as old as the test likes.
 */
#include "rowset.h"

#include "wire/honey.h"
#include "wire/open.h"
#include "wire/open_masked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CARDS 4

static struct row cards[CARDS];
static struct rowset db;
static struct jt_honey_accepted accepted;

static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(in, 0, true, cards, CARDS);
    db = rowset_some_clients(in);
    return 0;
}

static enum jt_err show(struct inside *in, const struct jt_honey_sealed *sealed)
{
    struct jt_reader reply;
    jt_honey_sealed_encode(sealed, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_HONEY_ACCEPT, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_honey_accepted_decode(&reply, &accepted), JT_OK);
    }
    return err;
}

static struct jt_honey_order order_of(size_t who, enum jt_honey_act act, const struct row *card)
{
    struct jt_honey_order order = { .who = db.rows[who],
                                    .act = (uint8_t)act,
                                    .field = card->field };
    memcpy(order.secret, rowset_secret, sizeof order.secret);
    memcpy(order.token, card->token, sizeof order.token);
    return order;
}

static enum jt_err change(struct inside *in, const struct jt_honey_order *order,
                          struct jt_honey_sealed *next)
{
    struct jt_reader reply;
    jt_honey_change_encode(order, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_HONEY_CHANGE, &reply);
    return err == JT_OK ? jt_honey_sealed_decode(&reply, next) : err;
}

/* As a front does it: the keeper makes the set, it is stored, the keeper is shown it. */
static struct jt_honey_sealed mark(struct inside *in, enum jt_honey_act act, size_t card)
{
    struct jt_honey_sealed next;
    const struct jt_honey_order order = order_of(0, act, &cards[card]);
    assert_int_equal(change(in, &order, &next), JT_OK);
    assert_int_equal(show(in, &next), JT_OK);
    assert_int_equal(accepted.verdict, JT_HONEY_NEWER);
    return next;
}

static enum jt_err list(struct inside *in, size_t who, struct jt_honey_tokens *tokens)
{
    struct jt_reader reply;
    const struct jt_honey_order order = order_of(who, JT_HONEY_LIST, &cards[0]);
    jt_honey_list_encode(&order, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_HONEY_LIST, &reply);
    return err == JT_OK ? jt_honey_tokens_decode(&reply, tokens) : err;
}

/* Which cards ring, one bit each: as OPEN says, and OPEN_MASKED the same. */
static unsigned ringing(struct inside *in)
{
    struct jt_open_item items[CARDS];
    struct jt_open_result results[CARDS];
    struct jt_open_masked_result masked[CARDS];
    struct jt_open_reply reply = { .results = results };
    struct jt_open_masked_reply masked_reply = { .results = masked };
    struct jt_reader payload;
    unsigned bits = 0, masked_bits = 0;
    for (size_t i = 0; i < CARDS; i++) {
        items[i] = (struct jt_open_item){ .field = cards[i].field,
                                          .id = cards[i].id,
                                          .fingerprint = cards[i].fingerprint,
                                          .envelope = cards[i].envelope,
                                          .envelope_len = sizeof cards[i].envelope };
    }
    jt_open_request_encode(items, CARDS, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_OPEN, &payload), JT_OK);
    assert_int_equal(jt_open_reply_decode(&payload, CARDS, &reply), JT_OK);
    for (size_t i = 0; i < CARDS; i++) {
        bits |= (unsigned)results[i].honey << i;
    }
    jt_open_request_encode(items, CARDS, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_OPEN_MASKED, &payload), JT_OK);
    assert_int_equal(jt_open_masked_reply_decode(&payload, CARDS, &masked_reply), JT_OK);
    for (size_t i = 0; i < CARDS; i++) {
        masked_bits |= (unsigned)masked[i].honey << i;
    }
    assert_int_equal(bits, masked_bits);
    return bits;
}

static void a_marked_card_rings_from_the_moment_that_its_set_is_shown(void **state)
{
    struct inside *in = *state;
    struct jt_honey_sealed next;
    assert_int_equal(ringing(in), 0);
    const struct jt_honey_order order = order_of(0, JT_HONEY_ADD, &cards[2]);
    assert_int_equal(change(in, &order, &next), JT_OK);
    assert_int_equal(ringing(in), 0); /* nobody knows yet whether it was stored */
    assert_int_equal(show(in, &next), JT_OK);
    assert_int_equal(accepted.verdict, JT_HONEY_NEWER);
    assert_int_equal(ringing(in), 1 << 2);
    (void)mark(in, JT_HONEY_ADD, 0);
    assert_int_equal(ringing(in), 1 << 2 | 1);
    assert_int_equal(in->k->honey.n_rung, 2 * (1 + 2));
    inside_restart(in, false);
    assert_int_equal(ringing(in), 1 << 2 | 1); /* without anybody having shown it */
}

static void an_older_set_or_none_is_not_taken(void **state)
{
    struct inside *in = *state;
    const struct jt_honey_sealed none = { .len = 0 };
    assert_int_equal(show(in, &none), JT_OK);
    assert_int_equal(accepted.verdict, JT_HONEY_SAME);
    const struct jt_honey_sealed first = mark(in, JT_HONEY_ADD, 0);
    const struct jt_honey_sealed second = mark(in, JT_HONEY_ADD, 1);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(show(in, &second), JT_OK);
        assert_int_equal(accepted.verdict, JT_HONEY_SAME);
        assert_int_equal(show(in, &first), JT_OK);
        assert_int_equal(accepted.verdict, JT_HONEY_OLDER);
        assert_memory_equal(&accepted.own, &second, sizeof second);
        assert_int_equal(show(in, &none), JT_OK);
        assert_int_equal(accepted.verdict, JT_HONEY_OLDER);
        assert_int_equal(ringing(in), 3);
        inside_restart(in, again == 0);
    }
    (void)mark(in, JT_HONEY_REMOVE, 0);
    assert_int_equal(ringing(in), 2);
}

/* Two changes of one set, on two nodes: whichever is greater stands on both. */
static void of_two_sets_of_one_version_the_same_stands_everywhere(void **state)
{
    struct inside *in = *state;
    struct jt_honey_sealed a, b;
    const struct jt_honey_order first = order_of(0, JT_HONEY_ADD, &cards[0]);
    const struct jt_honey_order second = order_of(0, JT_HONEY_ADD, &cards[1]);
    assert_int_equal(change(in, &first, &a), JT_OK);
    assert_int_equal(change(in, &second, &b), JT_OK);
    bool a_is_greater = memcmp(a.bytes + 12, b.bytes + 12, 8 + 16) > 0;
    const struct jt_honey_sealed *greater = a_is_greater ? &a : &b;
    const struct jt_honey_sealed *less = a_is_greater ? &b : &a;
    assert_int_equal(show(in, less), JT_OK);
    assert_int_equal(accepted.verdict, JT_HONEY_NEWER);
    assert_int_equal(show(in, greater), JT_OK);
    assert_int_equal(accepted.verdict, JT_HONEY_NEWER);
    assert_int_equal(show(in, less), JT_OK);
    assert_int_equal(accepted.verdict, JT_HONEY_OLDER);
    assert_int_equal(ringing(in), a_is_greater ? 1 : 2);
}

static void no_byte_of_a_set_can_be_changed(void **state)
{
    struct inside *in = *state;
    const struct jt_honey_sealed good = mark(in, JT_HONEY_ADD, 0);
    for (size_t at = 0; at < sizeof good.bytes; at += at < 60 ? 1 : 1021) {
        struct jt_honey_sealed forged = good;
        forged.bytes[at] ^= 1;
        assert_int_equal(show(in, &forged), JT_OK);
        assert_int_equal(accepted.verdict, JT_HONEY_FOREIGN);
        assert_memory_equal(&accepted.own, &good, sizeof good);
    }
    assert_int_equal(ringing(in), 1);
}

static void it_takes_an_operators_key(void **state)
{
    struct inside *in = *state;
    struct jt_honey_sealed next;
    struct jt_honey_tokens tokens;
    struct jt_honey_order order = order_of(1, JT_HONEY_ADD, &cards[0]); /* shop */
    assert_int_equal(change(in, &order, &next), JT_ERR_NOT_OPERATOR);
    assert_int_equal(list(in, 1, &tokens), JT_ERR_NOT_OPERATOR);
    order = order_of(0, JT_HONEY_ADD, &cards[0]);
    order.secret[5] ^= 1;
    assert_int_equal(change(in, &order, &next), JT_ERR_NOT_OPERATOR);
    order = order_of(1, JT_HONEY_ADD, &cards[0]);
    order.who.spec.permissions = JT_MAY_OPERATE;
    assert_int_equal(change(in, &order, &next), JT_ERR_FORGED);
    rowset_drop_client(in, &db, 2);
    order = order_of(2, JT_HONEY_ADD, &cards[0]); /* revoked */
    assert_int_equal(change(in, &order, &next), JT_ERR_NOT_OPERATOR);
    order = order_of(0, JT_HONEY_ADD, &cards[0]);
    assert_int_equal(change(in, &order, &next), JT_OK);
}

static void the_list_has_the_tokens_that_were_marked(void **state)
{
    struct inside *in = *state;
    static struct jt_honey_tokens tokens;
    (void)mark(in, JT_HONEY_ADD, 3);
    (void)mark(in, JT_HONEY_ADD, 1);
    assert_int_equal(list(in, 0, &tokens), JT_OK);
    assert_int_equal(tokens.n, 2);
    /* by id, which follows the order of fingerprints and not that of the batch */
    size_t first = cards[1].id < cards[3].id ? 1 : 3;
    assert_memory_equal(tokens.marks[0].token, cards[first].token, JT_TOKEN_LEN);
    assert_memory_equal(tokens.marks[1].token, cards[4 - first].token, JT_TOKEN_LEN);
    assert_int_equal(tokens.marks[1].field, cards[3].field);
}

static void what_cannot_be_is_refused(void **state)
{
    struct inside *in = *state;
    struct jt_honey_sealed next;
    (void)mark(in, JT_HONEY_ADD, 0);
    struct jt_honey_order order = order_of(0, JT_HONEY_ADD, &cards[0]);
    assert_int_equal(change(in, &order, &next), JT_ERR_HONEY_THERE);
    order = order_of(0, JT_HONEY_REMOVE, &cards[1]);
    assert_int_equal(change(in, &order, &next), JT_ERR_NO_HONEY);
    order = order_of(0, JT_HONEY_ADD, &cards[1]);
    order.token[0] ^= 1; /* made up */
    assert_int_equal(change(in, &order, &next), JT_ERR_NO_TOKEN);
    order = order_of(0, JT_HONEY_ADD, &cards[1]);
    order.field = cards[1].field + 1; /* another field's */
    assert_int_equal(change(in, &order, &next), JT_ERR_NO_TOKEN);
    order.field = 4000000; /* none */
    assert_int_equal(change(in, &order, &next), JT_ERR_NO_TOKEN);
}

/* As many as may be, in any order; no more. */
static void the_set_holds_so_many_marks(void **state)
{
    struct inside *in = *state;
    static struct jt_honey_set set, back;
    struct jt_honey_sealed sealed;
    for (uint64_t i = 0; i < JT_HONEY_MAX; i++) {
        assert_int_equal(jt_honey_add(&set, 1 + i % 3, (i * 7919) % 10007 + 1), JT_OK);
    }
    assert_int_equal(jt_honey_add(&set, 1, 20000), JT_ERR_HONEY_FULL);
    assert_int_equal(jt_honey_seal(in->k->root, true, &set, &sealed), JT_OK);
    assert_int_equal(jt_honey_open(in->k->root, true, &sealed, &back), JT_OK);
    assert_memory_equal(&back, &set, sizeof set);
    assert_int_equal(jt_honey_open(in->k->root, false, &sealed, &back), JT_ERR_FORGED);
    for (uint64_t i = 0; i < JT_HONEY_MAX; i++) {
        assert_true(jt_honey_has(&set, 1 + i % 3, (i * 7919) % 10007 + 1));
        assert_false(jt_honey_has(&set, 4, (i * 7919) % 10007 + 1));
        assert_int_equal(jt_honey_remove(&set, 1 + i % 3, (i * 7919) % 10007 + 1), JT_OK);
    }
    assert_int_equal(set.n, 0);
    assert_int_equal(set.version, 2 * JT_HONEY_MAX);
}

/* At once, and then not before its time: however often it rings. */
static void the_log_hears_of_it_once_in_a_while(void **state)
{
    struct inside *in = *state;
    struct jt_honey *honey = &in->k->honey;
    jt_honey_tell(honey);
    assert_true(honey->told_ms == 0);
    jt_honey_rang(honey, FIELD);
    jt_honey_tell(honey);
    const int64_t told = honey->told_ms;
    assert_true(told != 0 && honey->n_untold == 0);
    jt_honey_rang(honey, FIELD);
    jt_honey_rang(honey, FIELD);
    jt_honey_tell(honey);
    assert_true(honey->told_ms == told && honey->n_untold == 2);
    honey->told_ms -= 3600000;
    jt_honey_tell(honey);
    assert_true(honey->told_ms >= told && honey->n_untold == 0 && honey->n_rung == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, inside_teardown)
        TEST(a_marked_card_rings_from_the_moment_that_its_set_is_shown),
        TEST(an_older_set_or_none_is_not_taken),
        TEST(of_two_sets_of_one_version_the_same_stands_everywhere),
        TEST(no_byte_of_a_set_can_be_changed),
        TEST(it_takes_an_operators_key),
        TEST(the_list_has_the_tokens_that_were_marked),
        TEST(what_cannot_be_is_refused),
        TEST(the_set_holds_so_many_marks),
        TEST(the_log_hears_of_it_once_in_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
