/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destructions at their bounds: facts that are no facts, several at one time, more than there can
 * be, keys that are not the ones meant, and certificates of several nodes.
 */
#include "destroying.h"
#include "rehearsal.h"
#include "signers.h"

#include "keeper/destructions.h"
#include "keeper/rowmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE_MS 60000

static struct jt_destruction_certify certify; /* large */

static enum jt_err leave(struct inside *in, uint64_t number)
{
    return destroying_leave(in, number, DESTROYING_SYSTEM, DESTROYING_TIMELINE);
}

/* --- requests --- */

static void each_fact_of_a_field_is_looked_at(void **state)
{
    struct inside *in = *state;
    (void)signers_enroll(in);
    const uint64_t number = destroying_retired(in);
    struct jt_destruction_open open = destroying_open_of(in, number);
    struct jt_destruction_held held = { .field = "secret" };
    open.n_held = 1;
    open.held = &held;
    assert_int_equal(destroying_open_with(in, &open), JT_OK);
    assert_non_null(
        strstr(destroying_shown.request.text, "\nheld: secret sealed never opened never\n"));
    (void)snprintf(held.opened_at, sizeof held.opened_at, "2026");
    assert_int_equal(destroying_open_with(in, &open), JT_OK);
    assert_non_null(
        strstr(destroying_shown.request.text, "\nheld: secret sealed never opened 2026\n"));
    (void)snprintf(held.sealed_at, sizeof held.sealed_at, "then\n");
    assert_int_equal(destroying_open_with(in, &open), JT_ERR_INVALID);
    held.sealed_at[0] = '\0';
    (void)snprintf(held.field, sizeof held.field, "sec\nret");
    assert_int_equal(destroying_open_with(in, &open), JT_ERR_INVALID);
}

static void more_than_custodians_can_be_shown_is_refused(void **state)
{
    struct inside *in = *state;
    static struct jt_destruction_held held[JT_DESTRUCTION_HELD_MAX];
    (void)signers_enroll(in);
    struct jt_destruction_open open = destroying_open_of(in, destroying_retired(in));
    for (size_t i = 0; i < JT_DESTRUCTION_HELD_MAX; i++) {
        memset(held[i].field, 'f', sizeof held[i].field - 1);
    }
    open.held = held;
    open.n_held = JT_DESTRUCTION_HELD_MAX;
    assert_int_equal(destroying_open_with(in, &open), JT_ERR_LIMIT);
    open.n_held = 100;
    assert_int_equal(destroying_open_with(in, &open), JT_OK);
}

/* An authentic row that is not the ring's: of another keeper that went on. */
static void a_row_that_is_not_the_rings_is_refused(void **state)
{
    struct inside *in = *state;
    (void)signers_enroll(in);
    const struct jt_destruction_open open = destroying_open_of(in, destroying_retired(in));
    struct jt_destruction_open other[3] = { open, open, open };
    other[0].generation.key_id ^= 1;
    other[1].generation.check_value[0] ^= 1;
    other[2].generation.number = 77;
    for (size_t i = 0; i < 3; i++) {
        struct jt_generation_row *row = &other[i].generation;
        assert_int_equal(jt_rowmac_generation(in->k->root, row, row->mac), JT_OK);
        assert_int_equal(destroying_open_with(in, &other[i]), JT_ERR_WRONG_STATE);
    }
}

/* Shown what the ring does not have so, nothing begins. */
static void a_request_is_for_the_generation_as_the_ring_has_it(void **state)
{
    struct inside *in = *state;
    const uint64_t number = destroying_approved(in);
    const struct jt_ring before = in->k->ring;
    struct jt_ring_entry *e = &in->k->ring.entries[0];
    assert_int_equal(e->number, number);
    e->state = JT_GENERATION_DRAINING;
    assert_int_equal(destroying_show(in), JT_ERR_WRONG_STATE);
    in->k->ring = before;
    e->key_id ^= 0x40;
    assert_int_equal(destroying_show(in), JT_ERR_WRONG_STATE);
    in->k->ring = before;
    e->check_value[0] ^= 1;
    assert_int_equal(destroying_show(in), JT_ERR_WRONG_STATE);
    /* nor of one that no ring has had */
    e->number = 77;
    in->k->ring.highest = 0;
    assert_int_equal(destroying_show(in), JT_ERR_WRONG_STATE);
    in->k->ring = before;
    assert_int_equal(in->k->destructions.n, 0);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_DUE);
}

/* --- several --- */

static void each_generation_has_its_own(void **state)
{
    struct inside *in = *state;
    in->k->destructions.grace_s = 100;
    const uint64_t first = destroying_approved(in);
    static struct jt_destruction_show of_first;
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    of_first = destroying_shown;
    const uint64_t second = destroying_retired(in);
    const struct jt_destruction_open open = destroying_open_of(in, second);
    assert_int_equal(destroying_open_with(in, &open), JT_OK);
    destroying_approve(0);
    destroying_approve(1);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    assert_int_equal(in->k->destructions.n, 2);
    /* what opens under the second one cancels that alone */
    assert_int_equal(jt_destructions_used(in->k, second, 1, 0), JT_OK);
    assert_int_equal(jt_destructions_used(in->k, second, 1, 0), JT_OK);
    assert_int_equal(jt_destructions_used(in->k, 77, 1, 0), JT_OK);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_CANCELLED);
    destroying_shown = of_first;
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    in->k->destructions.all[0].passed_ms = 100000;
    assert_int_equal(leave(in, second), JT_ERR_DESTRUCTION_CANCELLED);
    assert_int_equal(leave(in, first), JT_OK);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_ERASED);
    assert_int_equal(in->k->destructions.n, 1);
    assert_true(destroying_has_file(in, second));
}

/* An approval is for a key, and not for its number. */
static void an_approval_of_another_key_of_the_number_is_none(void **state)
{
    struct inside *in = *state;
    const uint64_t number = destroying_approved(in);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_DUE);
    in->k->destructions.all[0].check_value[0] ^= 1;
    assert_int_equal(leave(in, number), JT_ERR_NOT_APPROVED);
    in->k->destructions.all[0].check_value[0] ^= 1;
    assert_int_equal(leave(in, number), JT_OK);
}

static void a_generation_that_is_used_again_is_not_destroyed(void **state)
{
    struct inside *in = *state;
    in->k->destructions.grace_s = 100;
    const uint64_t number = destroying_approved(in);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    struct jt_ring next = in->k->ring;
    assert_int_equal(jt_destructions_follow(in->k, &next), JT_OK);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    next.entries[0].number = 77; /* a ring without it changes nothing */
    assert_int_equal(jt_destructions_follow(in->k, &next), JT_OK);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    next.entries[0].number = number;
    next.entries[0].state = JT_GENERATION_DRAINING;
    assert_int_equal(jt_destructions_follow(in->k, &next), JT_OK);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_CANCELLED);
    assert_int_equal(jt_destructions_follow(in->k, &next), JT_OK);
    /* another request of it takes the place of one that runs, and not of a cancelled one */
    for (size_t n = 2; n <= 3; n++) {
        struct jt_destruction_open open = destroying_open_of(in, number);
        assert_int_equal(destroying_open_with(in, &open), JT_OK);
        destroying_approve(0);
        destroying_approve(1);
        assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
        assert_int_equal(in->k->destructions.n, 2);
    }
}

static void there_are_no_more_than_there_can_be(void **state)
{
    struct inside *in = *state;
    (void)destroying_approved(in);
    for (size_t i = 0; i < JT_DESTRUCTIONS_MAX; i++) {
        in->k->destructions.all[i] = (struct jt_destruction){ .generation = 1000 + i };
    }
    in->k->destructions.n = JT_DESTRUCTIONS_MAX;
    assert_int_equal(destroying_show(in), JT_ERR_LIMIT);
    in->k->destructions.n = 0;
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_DUE);
}

/* A keeper that is killed has waited for all but the last minute. */
static void the_time_that_has_passed_is_kept_once_a_minute(void **state)
{
    struct inside *in = *state;
    in->k->destructions.grace_s = 1000;
    (void)destroying_approved(in);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    in->k->destructions.counted_ms -= MINUTE_MS / 2;
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    assert_in_range(destroying_seen.left_s, 960, 970);
    inside_restart(in, false);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    assert_in_range(destroying_seen.left_s, 990, 1000);
    in->k->destructions.counted_ms -= MINUTE_MS;
    in->k->destructions.saved_ms -= MINUTE_MS;
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    inside_restart(in, false);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    assert_in_range(destroying_seen.left_s, 930, 940);
    /* a clock that goes back takes nothing away */
    in->k->destructions.counted_ms += MINUTE_MS;
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    assert_in_range(destroying_seen.left_s, 930, 940);
}

/* --- once the ring is without it --- */

static void only_the_key_that_is_meant_is_erased(void **state)
{
    struct inside *in = *state;
    static const uint8_t key[JT_GENERATION_KEY_LEN] = { 1 };
    const uint64_t number = destroying_approved(in);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_DUE);
    assert_int_equal(leave(in, number), JT_OK);
    const struct jt_genfile held = *jt_keyring_find(in->k->keyring, number);
    for (size_t i = 0; i < 2; i++) {
        struct jt_genfile other = held;
        other.key_id ^= i == 0 ? 0x40 : 0;
        other.check_value[0] ^= i == 0 ? 0 : 1;
        jt_keyring_remove(in->k->keyring, number);
        assert_int_equal(jt_keyring_add(in->k->keyring, &other, key), JT_OK);
        assert_int_equal(destroying_show(in), JT_ERR_KEY_WRONG);
        assert_true(destroying_has_file(in, number));
    }
    /* who does not hold it needs no more than both approvals to say so */
    jt_keyring_remove(in->k->keyring, number);
    in->k->destructions.n = 0;
    in->k->destructions.grace_s = 100;
    destroying_shown.approvals.n = 1;
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_WAITING);
    destroying_shown.approvals.n = 2;
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_ERASED);
}

static enum jt_err ask_to_certify(struct inside *in)
{
    struct jt_reader reply;
    jt_destruction_certify_encode(&certify, &in->payload);
    return inside_ask(in, JT_VERB_DESTRUCTION_CERTIFY, &reply);
}

/* What a keeper of another node has said of the same request. */
static struct jt_erased said_by(struct inside *in, const char *node)
{
    struct jt_erased erased = destroying_seen.erased;
    uint8_t digest[JT_DESTRUCTION_DIGEST];
    (void)snprintf(erased.node, sizeof erased.node, "%s", node);
    assert_int_equal(jt_destruction_check(in->k->root, &destroying_shown.request, digest), JT_OK);
    assert_int_equal(
        jt_erased_mac(in->k->root, &destroying_shown.request, digest, &erased, erased.mac), JT_OK);
    return erased;
}

static void a_certificate_has_every_node_once_and_good_facts(void **state)
{
    struct inside *in = *state;
    const uint64_t number = destroying_approved(in);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_DUE);
    assert_int_equal(leave(in, number), JT_OK);
    memset(&certify, 0, sizeof certify);
    certify.request = destroying_shown.request;
    certify.approvals = destroying_shown.approvals;
    char *const facts[] = { certify.requested_at, certify.destroyed_at, certify.certified_at,
                            certify.actor };
    for (size_t i = 0; i < 4; i++) {
        memcpy(facts[i], "then", 5);
    }
    assert_int_equal(ask_to_certify(in), JT_ERR_NOT_ERASED); /* it is held here */
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_ERASED);
    assert_int_equal(ask_to_certify(in), JT_ERR_NOT_ERASED); /* and nobody has said so */
    certify.n = 2;
    certify.nodes[0] = destroying_seen.erased;
    certify.nodes[1] = said_by(in, "node2");
    assert_int_equal(ask_to_certify(in), JT_OK);
    certify.nodes[1] = said_by(in, "node1");
    assert_int_equal(ask_to_certify(in), JT_ERR_INVALID);
    certify.nodes[1] = said_by(in, "node\n2");
    assert_int_not_equal(ask_to_certify(in), JT_OK);
    certify.n = 1;
    for (size_t i = 0; i < 4; i++) {
        facts[i][1] = '\n';
        assert_int_equal(ask_to_certify(in), JT_ERR_INVALID);
        facts[i][1] = 'h';
    }
    assert_int_equal(ask_to_certify(in), JT_OK);
    in->k->ring.highest = 0; /* as one that has never heard of it */
    assert_int_equal(ask_to_certify(in), JT_ERR_WRONG_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_KEEPER(each_fact_of_a_field_is_looked_at),
        IN_A_KEEPER(more_than_custodians_can_be_shown_is_refused),
        IN_A_KEEPER(a_row_that_is_not_the_rings_is_refused),
        IN_A_KEEPER(a_request_is_for_the_generation_as_the_ring_has_it),
        IN_A_KEEPER(each_generation_has_its_own),
        IN_A_KEEPER(an_approval_of_another_key_of_the_number_is_none),
        IN_A_KEEPER(a_generation_that_is_used_again_is_not_destroyed),
        IN_A_KEEPER(there_are_no_more_than_there_can_be),
        IN_A_KEEPER(the_time_that_has_passed_is_kept_once_a_minute),
        IN_A_KEEPER(only_the_key_that_is_meant_is_erased),
        IN_A_KEEPER(a_certificate_has_every_node_once_and_good_facts),
    };
    return cmocka_run_group_tests_name("keeper/destructions_bounds", tests, NULL, NULL);
}
