/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WRITEOFF_OPEN and WRITEOFF_SHOW: that no card which opens or can be mended is ever listed, that
 * two custodians' signatures over that very list make a warrant and nothing else does, and what a
 * retirement's certificate says of it.
 */
#include "inside.h"

#include "crypto/sign.h"
#include "wire/certificate.h"
#include "wire/writeoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N       6 /* three cards of FIELD, three of FIELD_LINKED */
#define UNKNOWN (N_NAMED + 1)

static const char *const names[] = { "alice", "bob", "carol" };
static const uint8_t damaged[16];
static const uint8_t foreign[33] = { 1 };
static struct row rows[N];
static struct jt_writeoff_item items[N];
static struct jt_writeoff_opened opened; /* large */
static struct jt_writeoff_show shown;
static struct jt_writeoff_shown seen;
static struct jt_certify certify;
static struct jt_certificate certificate;
static struct jt_buf list;

static void seed_of(size_t who, uint8_t seed[static JT_SIGN_SEED_LEN])
{
    memset(seed, (int)who + 1, JT_SIGN_SEED_LEN);
}

static void set_custodians(struct inside *in, size_t first)
{
    struct jt_custodian_set *set = &in->k->custodians.set;
    uint8_t seed[JT_SIGN_SEED_LEN];
    set->version++;
    set->n = 2;
    for (size_t i = 0; i < 2; i++) {
        seed_of(first + i, seed);
        (void)snprintf(set->all[i].name, sizeof set->all[i].name, "%s", names[first + i]);
        assert_int_equal(jt_sign_public(seed, set->all[i].key), JT_OK);
    }
}

static struct jt_approval sign(size_t who, const char *text, size_t len)
{
    uint8_t seed[JT_SIGN_SEED_LEN];
    struct jt_approval a = { .custodian = "" };
    seed_of(who, seed);
    (void)snprintf(a.custodian, sizeof a.custodian, "%s", names[who]);
    assert_int_equal(jt_sign(seed, text, len, a.signature), JT_OK);
    return a;
}

static void take_rows(void)
{
    for (size_t i = 0; i < N; i++) {
        items[i] = (struct jt_writeoff_item){ .card = { .field = rows[i].field,
                                                        .id = rows[i].id,
                                                        .fingerprint = rows[i].fingerprint,
                                                        .envelope = rows[i].envelope,
                                                        .envelope_len = 25 } };
    }
}

/* The rows stand under generation 1, which drains. */
static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(in, 0, true, rows, N / 2);
    inside_seal(in, 0, false, rows + N / 2, N / 2);
    (void)inside_roll(in);
    set_custodians(in, 0);
    take_rows();
    jt_buf_init(&list, JT_WRITEOFF_LIST_MAX);
    return 0;
}

static int teardown(void **state)
{
    jt_buf_clear(&list);
    return inside_teardown(state);
}

static enum jt_err ask_for(struct inside *in, const struct jt_generation_row *generation)
{
    const struct jt_writeoff_open open = {
        .generation = *generation, .number = 7, .n = N, .items = items
    };
    struct jt_reader reply;
    jt_writeoff_open_encode(&open, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_WRITEOFF_OPEN, &reply);
    return err == JT_OK ? jt_writeoff_opened_decode(&reply, &opened) : err;
}

static void ask(struct inside *in)
{
    const struct jt_generation_row row = inside_row(in, 1);
    assert_int_equal(ask_for(in, &row), JT_OK);
    assert_int_equal(opened.n, N);
}

static void expect(const uint8_t causes[static N])
{
    uint32_t n = 0;
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(opened.causes[i], causes[i]);
        n += causes[i] != 0;
    }
    assert_int_equal(opened.any, n > 0);
    assert_int_equal(opened.request.n_cards, n);
}

/* --- what is listed --- */

static void a_card_that_opens_or_can_be_mended_is_never_listed(void **state)
{
    struct inside *in = *state;
    const uint64_t counted = in->k->n_opened;
    ask(in);
    expect((const uint8_t[N]){ 0 });
    items[0].card.fingerprint = damaged;
    items[3].card.fingerprint = damaged;
    items[4].bucket = 9;
    ask(in);
    expect((const uint8_t[N]){ 0 });
    /* every bit of a tag and a ciphertext, one after the other, beside good neighbours */
    for (size_t bit = 8; bit < 25 * 8; bit++) {
        rows[1].envelope[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ask(in);
        expect((const uint8_t[N]){ [1] = JT_STUCK_CORRUPT });
        rows[1].envelope[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(in->k->n_opened == counted); /* nothing of them is told to anybody */
}

static void what_cannot_be_opened_is_listed_by_cause(void **state)
{
    struct inside *in = *state;
    rows[0].envelope[20] ^= 1;
    items[1].card.envelope = foreign;
    items[1].card.envelope_len = sizeof foreign;
    items[2].card.field = UNKNOWN;
    items[4].card.id++; /* another row's */
    items[5].card.digits =
        (struct jt_digits){ 8, { 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 } };
    ask(in);
    expect((const uint8_t[N]){ JT_STUCK_CORRUPT, JT_STUCK_FOREIGN, JT_STUCK_FIELD, 0,
                               JT_STUCK_CORRUPT, JT_STUCK_CORRUPT });
    const char *const lines[] = { "jeton custodian approval v1\nact: write-off-cards\n",
                                  "\ngeneration: 1\n", "\nwrite-off: 7\ncards: 5\nlist-sha256: ",
                                  "\ncause: corrupt 3\ncause: foreign-bytes 1\n"
                                  "cause: field-unknown 1\nmeaning: ",
                                  "\nchallenge: " };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_non_null(strstr(opened.request.text, lines[i]));
    }
}

/* A front that hides a field from the keeper gets no good card of it onto a list. */
static void a_card_of_a_field_that_is_not_known_is_tried_as_well(void **state)
{
    struct inside *in = *state;
    in->k->fields.n = 0;
    items[1].card.fingerprint = damaged;
    items[4].card.fingerprint = damaged;
    rows[2].envelope[20] ^= 1;
    ask(in);
    expect((const uint8_t[N]){ [2] = JT_STUCK_FIELD });
}

static void rows_of_another_generation_are_refused(void **state)
{
    struct inside *in = *state;
    struct jt_generation_row row = inside_row(in, 2);
    assert_int_equal(ask_for(in, &row), JT_ERR_WRONG_STATE); /* active */
    row = inside_row(in, 1);
    rows[0].envelope[0] = 2;
    assert_int_equal(ask_for(in, &row), JT_ERR_INVALID);
    rows[0].envelope[0] = 1;
    row.key_id ^= 1;
    assert_int_equal(ask_for(in, &row), JT_ERR_FORGED);
    row = inside_row(in, 1);
    in->k->custodians.set.version = 0;
    assert_int_equal(ask_for(in, &row), JT_ERR_NO_CUSTODIANS);
    in->k->custodians.set.version = 1;
    inside_retire(in, 1);
    row = inside_row(in, 1);
    assert_int_equal(ask_for(in, &row), JT_ERR_WRONG_STATE);
}

/* --- the warrant --- */

/* A request about rows 0 and 2, and its list as the front makes it. */
static void make_request(struct inside *in)
{
    rows[0].envelope[20] ^= 1;
    rows[2].envelope[20] ^= 1;
    ask(in);
    struct jt_writeoff_item listed[2] = { items[0], items[2] };
    listed[0].cause = listed[1].cause = JT_STUCK_CORRUPT;
    jt_buf_reset(&list);
    jt_writeoff_list_encode(listed, 2, &list);
    assert_int_equal(jt_buf_status(&list), JT_OK);
    memset(&shown, 0, sizeof shown);
    shown.request = opened.request;
    shown.list = list.data;
    shown.list_len = list.len;
}

static void approve(size_t who)
{
    shown.approvals.all[shown.approvals.n++] =
        sign(who, shown.request.text, shown.request.text_len);
}

static enum jt_err show(struct inside *in)
{
    struct jt_reader reply;
    jt_writeoff_show_encode(&shown, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_WRITEOFF_SHOW, &reply);
    return err == JT_OK ? jt_writeoff_shown_decode(&reply, &seen) : err;
}

static void two_custodians_make_a_warrant_for_that_very_list(void **state)
{
    struct inside *in = *state;
    make_request(in);
    assert_int_equal(show(in), JT_OK);
    assert_true(seen.n_approved == 0 && !seen.warranted && seen.epoch == in->ring.epoch);
    approve(0);
    approve(0); /* twice the same */
    approve(2); /* none of them */
    shown.approvals.all[shown.approvals.n++] = sign(1, "another text", 12);
    assert_int_equal(show(in), JT_OK);
    assert_true(seen.n_approved == 1 && !seen.warranted);
    shown.approvals.n = 1;
    approve(1);
    shown.list_len = 0;
    assert_int_equal(show(in), JT_OK);
    assert_true(seen.n_approved == 2 && !seen.warranted);
    shown.list_len = list.len;
    for (size_t at = 0; at < list.len; at++) {
        list.data[at] ^= 1;
        assert_int_equal(show(in), JT_ERR_LIST_ALTERED);
        list.data[at] ^= 1;
    }
    shown.request.n_cards++;
    assert_int_equal(show(in), JT_ERR_FORGED);
    shown.request.n_cards--;
    assert_int_equal(show(in), JT_OK);
    assert_true(seen.n_approved == 2 && seen.warranted && seen.warrant.n_by == 2);
    assert_memory_equal(seen.warrant.digest, shown.request.digest, JT_WRITEOFF_DIGEST_LEN);
    inside_retire(in, 1);
    assert_int_equal(show(in), JT_ERR_WRONG_STATE);
}

static void what_was_signed_for_one_list_is_nothing_for_another(void **state)
{
    struct inside *in = *state;
    make_request(in);
    approve(0);
    approve(1);
    const struct jt_approvals approvals = shown.approvals;
    rows[0].envelope[20] ^= 1;
    rows[2].envelope[20] ^= 1;
    make_request(in); /* the same rows: another challenge */
    shown.approvals = approvals;
    assert_int_equal(show(in), JT_OK);
    assert_true(seen.n_approved == 0 && !seen.warranted);
}

/* --- the certificate --- */

static enum jt_err certify_it(struct inside *in)
{
    struct jt_reader reply;
    jt_certify_encode(&certify, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_CERTIFY, &reply);
    return err == JT_OK ? jt_certificate_decode(&reply, &certificate) : err;
}

static void the_certificate_names_what_was_written_off_and_by_whom(void **state)
{
    struct inside *in = *state;
    make_request(in);
    approve(0);
    approve(1);
    assert_int_equal(show(in), JT_OK);
    inside_retire(in, 1);
    set_custodians(in, 1); /* others, by then */
    certify = (struct jt_certify){ .facts = { .generation = 1,
                                              .rows_written = 6,
                                              .rows_moved_out = 4,
                                              .rows_written_off = 2,
                                              .epoch = in->k->ring.epoch,
                                              .started_at = "then",
                                              .retired_at = "now",
                                              .node = "node1",
                                              .actor = "operator" },
                                   .n_done = 1,
                                   .done = { { .warrant = seen.warrant, .n_moved = 2 } } };
    assert_int_equal(certify_it(in), JT_OK);
    assert_non_null(strstr(certificate.text, "\nrows-written-off: 2\nwrite-off: 7 cards 2 listed 2 "
                                             "list-sha256 "));
    assert_non_null(strstr(certificate.text, "\nwrite-off-approved-by: 7 jcp_alice_"));
    assert_non_null(strstr(certificate.text, "\nwrite-off-approved-by: 7 jcp_bob_"));
    certify.facts.rows_written_off = 3; /* more than the warrants say */
    assert_int_equal(certify_it(in), JT_ERR_INVALID);
    certify.facts.rows_written_off = 3;
    certify.done[0].n_moved = 3; /* more than were listed */
    assert_int_equal(certify_it(in), JT_ERR_INVALID);
    certify.facts.rows_written_off = 4;
    certify.done[0].n_moved = 2;
    certify.done[1] = certify.done[0]; /* the same twice */
    certify.n_done = 2;
    assert_int_equal(certify_it(in), JT_ERR_INVALID);
    certify.facts.rows_written_off = 2;
    certify.n_done = 1;
    certify.done[0].warrant.by[0].name[0] = 'b'; /* somebody else */
    assert_int_equal(certify_it(in), JT_ERR_FORGED);
    certify.n_done = 0; /* what is gone, and nobody approved of */
    assert_int_equal(certify_it(in), JT_ERR_INVALID);
}

#define READY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        READY(a_card_that_opens_or_can_be_mended_is_never_listed),
        READY(what_cannot_be_opened_is_listed_by_cause),
        READY(a_card_of_a_field_that_is_not_known_is_tried_as_well),
        READY(rows_of_another_generation_are_refused),
        READY(two_custodians_make_a_warrant_for_that_very_list),
        READY(what_was_signed_for_one_list_is_nothing_for_another),
        READY(the_certificate_names_what_was_written_off_and_by_whom),
    };
    return cmocka_run_group_tests_name("keeper/op_writeoff", tests, NULL, NULL);
}
