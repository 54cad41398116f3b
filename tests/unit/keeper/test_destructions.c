/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custodians and the destruction of keys, in a keeper inside the test: what a front that was taken
 * over, or whoever writes to the database, could ask for; and 600 generations after one another.
 */
#include "destroying.h"
#include "signers.h"

#include "base/file.h"
#include "crypto/sign.h"
#include "keeper/certtext.h"
#include "keeper/destructions.h"
#include "keeper/keydir.h"
#include "wire/certificate.h"
#include "wire/custodian.h"
#include "wire/destruction.h"
#include "wire/ring.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CYCLES 600

/* --- custodians --- */

static void the_first_custodians_are_enrolled_on_the_keepers_machine_only(void **state)
{
    struct inside *in = *state;
    struct jt_custodian_row row;
    struct jt_custodians_make make = signers_next(in, 0, 0, 0);
    assert_int_equal(signers_make(in, &make, &row), JT_ERR_NOT_LOCAL);
    in->k->local = true;
    make.set.n = 1;
    assert_int_equal(signers_make(in, &make, &row), JT_ERR_INVALID);
    make.set.n = 2;
    make.set.all[1] = make.set.all[0];
    assert_int_equal(signers_make(in, &make, &row), JT_ERR_INVALID);
    row = signers_enroll(in);
    assert_int_equal(signers_show(in, &row), JT_CUSTODIANS_SAME);
    in->k->local = true;
    make = signers_next(in, 2, 0, 1);
    make.approvals.n = 0;
    assert_int_equal(signers_make(in, &make, &row), JT_ERR_CUSTODIANS_THERE);
    inside_restart(in, false);
    assert_int_equal(in->k->custodians.set.version, 1);
}

static void custodians_give_way_to_others_that_two_of_them_approve(void **state)
{
    struct inside *in = *state;
    struct jt_custodian_row next, again, altered;
    const struct jt_custodian_row first = signers_enroll(in);
    struct jt_custodians_make make = signers_next(in, 2, 0, 0);
    assert_int_equal(signers_make(in, &make, &next), JT_ERR_NOT_APPROVED); /* one of them, twice */
    make = signers_next(in, 2, 0, 2);
    assert_int_equal(signers_make(in, &make, &next), JT_ERR_NOT_APPROVED); /* a future one */
    make = signers_next(in, 2, 0, 1);
    assert_int_equal(signers_make(in, &make, &next), JT_OK);
    altered = next;
    altered.body[30] ^= 1;
    assert_int_equal(signers_show(in, &altered), JT_CUSTODIANS_FOREIGN);
    assert_int_equal(signers_show(in, &next), JT_CUSTODIANS_NEWER);
    assert_int_equal(signers_show(in, &first), JT_CUSTODIANS_OLDER);
    altered.body_len = 0;
    assert_int_equal(signers_show(in, &altered), JT_CUSTODIANS_OLDER);
    assert_int_equal(signers_make(in, &make, &again),
                     JT_ERR_NOT_APPROVED); /* for one version only */
    inside_restart(in, true);
    assert_string_equal(in->k->custodians.set.all[0].name, "carol");
}

/* A set that another keeper made by itself is no successor. */
static void no_keeper_takes_custodians_that_its_own_have_not_approved(void **state)
{
    struct inside *in = *state;
    struct jt_custodian_row row = { .body_len = 0 };
    struct jt_custodian_set set = { .development = true, .version = 2, .n = 2 };
    const struct jt_approvals none = { .n = 0 };
    struct jt_buf body;
    (void)signers_enroll(in);
    set.all[0] = signers_one(2);
    set.all[1] = signers_one(3);
    memcpy(set.root_check_value, in->k->root->check_value, sizeof set.root_check_value);
    for (set.version = 1; set.version < 4; set.version++) {
        jt_buf_init(&body, sizeof row.body);
        jt_custodian_body_encode(&set, &none, &body);
        memcpy(row.body, body.data, body.len);
        row.body_len = (uint16_t)body.len;
        assert_int_equal(jt_rowmac_custodians(in->k->root, row.body, row.body_len, row.mac), JT_OK);
        jt_buf_clear(&body);
        assert_int_equal(signers_show(in, &row), JT_CUSTODIANS_FOREIGN);
    }
    assert_string_equal(in->k->custodians.set.all[0].name, "alice");
}

/* --- requests --- */

static void a_request_is_for_a_retired_generation_with_its_certificate(void **state)
{
    struct inside *in = *state;
    uint64_t number = destroying_retired(in);
    struct jt_destruction_open open = destroying_open_of(in, number);
    assert_int_equal(destroying_open_with(in, &open), JT_ERR_NO_CUSTODIANS);
    (void)signers_enroll(in);
    assert_int_equal(destroying_open_with(in, &open), JT_OK);
    open.certificate.text[open.certificate.text_len - 2] ^= 1;
    assert_int_equal(destroying_open_with(in, &open), JT_ERR_NOT_CERTIFIED);
    uint64_t other = destroying_retired(in);
    destroying_certify(in, other, &open.certificate); /* a good one, of another generation */
    assert_int_equal(destroying_open_with(in, &open), JT_ERR_NOT_CERTIFIED);
    open.generation = inside_row(in, jt_ring_active(&in->k->ring)->number);
    assert_int_equal(destroying_open_with(in, &open), JT_ERR_WRONG_STATE);
    open.generation.state = JT_GENERATION_RETIRED;
    assert_int_equal(destroying_open_with(in, &open), JT_ERR_FORGED);
}

static void no_fact_forges_a_line_of_the_request(void **state)
{
    struct inside *in = *state;
    (void)signers_enroll(in);
    uint64_t number = destroying_retired(in);
    struct jt_destruction_held held = { .field = "secret", .sealed_at = "2026", .opened_at = "" };
    struct jt_destruction_open open = destroying_open_of(in, number);
    open.n_held = 1;
    open.held = &held;
    assert_int_equal(destroying_open_with(in, &open), JT_OK);
    assert_non_null(
        strstr(destroying_shown.request.text, "\nheld: secret sealed 2026 opened never\n"));
    held.opened_at[0] = '\n';
    assert_int_equal(destroying_open_with(in, &open), JT_ERR_INVALID);
}

static void two_custodians_are_needed_and_one_twice_is_one(void **state)
{
    struct inside *in = *state;
    uint64_t number = destroying_approved(in);
    destroying_shown.approvals.n = 0;
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_WAITING);
    destroying_approve(0);
    destroying_approve(0);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_WAITING);
    assert_int_equal(destroying_seen.n_approved, 1);
    destroying_approve(2); /* no custodian */
    destroying_shown.approvals.all[destroying_shown.approvals.n++] =
        signers_sign(1, "another text", 12);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_WAITING);
    assert_int_equal(destroying_leave(in, number, DESTROYING_SYSTEM, DESTROYING_TIMELINE),
                     JT_ERR_NOT_APPROVED);
    destroying_approve(1);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_DUE); /* no grace here */
    destroying_shown.request.text[60] ^= 1;
    assert_int_equal(destroying_show(in), JT_ERR_FORGED);
}

static void a_grace_runs_by_the_keepers_own_clock(void **state)
{
    struct inside *in = *state;
    in->k->destructions.grace_s = 100;
    uint64_t number = destroying_approved(in);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    assert_in_range(destroying_seen.left_s, 99, 100);
    assert_int_equal(destroying_leave(in, number, DESTROYING_SYSTEM, DESTROYING_TIMELINE),
                     JT_ERR_GRACE_RUNS);
    in->k->destructions.all[0].passed_ms = 60000;
    inside_restart(in, true); /* grace_s is 0 from here on: for others */
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    destroying_shown.approvals.n = 0; /* what was seen was seen */
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    assert_in_range(destroying_seen.left_s, 39, 40);
    in->k->destructions.all[0].passed_ms = 100000;
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_DUE);
    assert_int_equal(destroying_leave(in, number, DESTROYING_SYSTEM + 1, DESTROYING_TIMELINE),
                     JT_ERR_OTHER_DATABASE);
    assert_int_equal(destroying_leave(in, number, DESTROYING_SYSTEM, DESTROYING_TIMELINE - 1),
                     JT_ERR_OTHER_DATABASE);
    assert_true(destroying_has_file(in, number));
    assert_int_equal(destroying_leave(in, number, DESTROYING_SYSTEM, DESTROYING_TIMELINE + 1),
                     JT_OK);
    assert_true(destroying_has_file(in, number));
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_ERASED);
    assert_false(destroying_has_file(in, number));
    assert_int_equal(in->k->destructions.n, 0);
}

static void a_use_cancels_a_request_for_good(void **state)
{
    struct inside *in = *state;
    in->k->destructions.grace_s = 100;
    uint64_t number = destroying_approved(in);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    assert_int_equal(jt_destructions_used(in->k, number, 0, 5), JT_OK);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    assert_int_equal(destroying_seen.n_tried, 5);
    assert_int_equal(jt_destructions_used(in->k, number, 1, 0), JT_OK);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_CANCELLED);
    inside_restart(in, false);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_CANCELLED);
    assert_int_equal(destroying_leave(in, number, DESTROYING_SYSTEM, DESTROYING_TIMELINE),
                     JT_ERR_DESTRUCTION_CANCELLED);
    /* another request starts over */
    const struct jt_destruction_open open = destroying_open_of(in, number);
    assert_int_equal(destroying_open_with(in, &open), JT_OK);
    destroying_approve(0);
    destroying_approve(1);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_DUE);
}

static void approvals_of_custodians_who_left_count_for_nothing(void **state)
{
    struct inside *in = *state;
    struct jt_custodian_row next;
    uint64_t number = destroying_approved(in);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_DUE);
    const struct jt_custodians_make make = signers_next(in, 2, 0, 1);
    assert_int_equal(signers_make(in, &make, &next), JT_OK);
    assert_int_equal(signers_show(in, &next), JT_CUSTODIANS_NEWER);
    assert_int_equal(destroying_leave(in, number, DESTROYING_SYSTEM, DESTROYING_TIMELINE),
                     JT_ERR_NOT_APPROVED);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_WAITING);
    destroying_approve(2);
    destroying_approve(3);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_DUE);
    assert_int_equal(destroying_leave(in, number, DESTROYING_SYSTEM, DESTROYING_TIMELINE), JT_OK);
}

/* --- afterwards --- */

static void certify_end(struct inside *in, enum jt_err expected)
{
    static struct jt_destruction_certify c;
    struct jt_reader reply;
    memset(&c, 0, sizeof c);
    c.request = destroying_shown.request;
    c.approvals = destroying_shown.approvals;
    c.n = 1;
    c.nodes[0] = destroying_seen.erased;
    c.n_backups = 1;
    memset(c.backups[0], 0xab, sizeof c.backups[0]);
    c.n_more_backups = 2;
    (void)snprintf(c.requested_at, sizeof c.requested_at, "then");
    (void)snprintf(c.destroyed_at, sizeof c.destroyed_at, "later");
    (void)snprintf(c.certified_at, sizeof c.certified_at, "now");
    (void)snprintf(c.actor, sizeof c.actor, "operator");
    jt_destruction_certify_encode(&c, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_DESTRUCTION_CERTIFY, &reply), expected);
    if (expected == JT_OK) {
        assert_int_equal(jt_certificate_decode(&reply, &destroying_shown.certificate), JT_OK);
    }
}

static void a_certificate_needs_keepers_words(void **state)
{
    struct inside *in = *state;
    uint64_t number = destroying_approved(in);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_DUE);
    certify_end(in, JT_ERR_WRONG_STATE); /* it is in the ring */
    assert_int_equal(destroying_leave(in, number, DESTROYING_SYSTEM, DESTROYING_TIMELINE), JT_OK);
    certify_end(in, JT_ERR_NOT_ERASED);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_ERASED);
    destroying_seen.erased.mac[0] ^= 1;
    certify_end(in, JT_ERR_FORGED);
    destroying_seen.erased.mac[0] ^= 1;
    destroying_seen.erased.node[0] ^= 1; /* said of another node */
    certify_end(in, JT_ERR_FORGED);
    destroying_seen.erased.node[0] ^= 1;
    destroying_shown.approvals.n = 1;
    certify_end(in, JT_ERR_NOT_APPROVED);
    destroying_shown.approvals.n = 2;
    certify_end(in, JT_OK);
    assert_non_null(strstr(destroying_shown.certificate.text, "\napproved-by: jcp_alice_"));
    assert_non_null(strstr(destroying_shown.certificate.text, "\nerased-by: node1 "));
    assert_non_null(strstr(destroying_shown.certificate.text, "\nbackup: abababab"));
    assert_non_null(
        strstr(destroying_shown.certificate.text, "ab\nbackups-besides: 2\nrequested-at: "));
}

/* The key comes back with an old copy of the directory; the certificate is enough to erase it. */
static void an_old_key_file_goes_when_the_keeper_is_shown_the_certificate(void **state)
{
    struct inside *in = *state;
    char name[JT_KEYDIR_NAME_LEN];
    struct jt_buf file;
    uint64_t number = destroying_approved(in);
    const struct jt_ring_row before = in->ring;
    jt_keydir_generation_name(number, name);
    jt_buf_init(&file, 1000);
    assert_int_equal(jt_file_read(in->k->dir_fd, name, true, &file), JT_OK);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_DUE);
    assert_int_equal(destroying_leave(in, number, DESTROYING_SYSTEM, DESTROYING_TIMELINE), JT_OK);
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_ERASED);
    certify_end(in, JT_OK);
    assert_int_equal(jt_file_write_new(in->k->dir_fd, name, file.data, file.len), JT_OK);
    jt_buf_clear(&file);
    const struct jt_ring_row now = in->ring;
    inside_restart(in, false);
    in->k->destructions.grace_s = 100;
    assert_int_equal(inside_accept(in, &before), JT_ERR_WENT_BACK);
    assert_int_equal(inside_accept(in, &now), JT_OK);
    assert_non_null(jt_keyring_find(in->k->keyring, number));
    assert_int_equal(destroying_view(in),
                     JT_DESTRUCTION_GRACE); /* by the request alone: its own grace */
    destroying_shown.certified = true;
    destroying_shown.certificate.signature[0] ^= 1;
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_GRACE);
    destroying_shown.certificate.signature[0] ^= 1;
    assert_int_equal(destroying_view(in), JT_DESTRUCTION_ERASED);
    assert_null(jt_keyring_find(in->k->keyring, number));
    destroying_shown.certified = false;
}

/* As long as there are key ids: what is destroyed leaves nothing behind. */
static void keys_roll_for_ever(void **state)
{
    struct inside *in = *state;
    (void)signers_enroll(in);
    uint64_t number = 0;
    uint8_t highest_key_id = 0;
    for (int i = 0; i < CYCLES; i++) {
        number = destroying_retired(in);
        const struct jt_destruction_open open = destroying_open_of(in, number);
        assert_int_equal(destroying_open_with(in, &open), JT_OK);
        destroying_approve(0);
        destroying_approve(1);
        assert_int_equal(destroying_view(in), JT_DESTRUCTION_DUE);
        assert_int_equal(destroying_leave(in, number, DESTROYING_SYSTEM, DESTROYING_TIMELINE),
                         JT_OK);
        assert_int_equal(destroying_view(in), JT_DESTRUCTION_ERASED);
        uint8_t key_id = jt_ring_active(&in->k->ring)->key_id;
        highest_key_id = key_id > highest_key_id ? key_id : highest_key_id;
    }
    assert_int_equal(number, CYCLES);
    assert_int_equal(in->k->ring.n, 1);
    assert_int_equal(highest_key_id, 2);
    assert_int_equal(jt_keyring_count(in->k->keyring), 1);
    assert_int_equal(in->k->destructions.n, 0);
    inside_restart(in, true);
    assert_int_equal(jt_keyring_count(in->k->keyring), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_KEEPER(the_first_custodians_are_enrolled_on_the_keepers_machine_only),
        IN_A_KEEPER(custodians_give_way_to_others_that_two_of_them_approve),
        IN_A_KEEPER(no_keeper_takes_custodians_that_its_own_have_not_approved),
        IN_A_KEEPER(a_request_is_for_a_retired_generation_with_its_certificate),
        IN_A_KEEPER(no_fact_forges_a_line_of_the_request),
        IN_A_KEEPER(two_custodians_are_needed_and_one_twice_is_one),
        IN_A_KEEPER(a_grace_runs_by_the_keepers_own_clock),
        IN_A_KEEPER(a_use_cancels_a_request_for_good),
        IN_A_KEEPER(approvals_of_custodians_who_left_count_for_nothing),
        IN_A_KEEPER(a_certificate_needs_keepers_words),
        IN_A_KEEPER(an_old_key_file_goes_when_the_keeper_is_shown_the_certificate),
        IN_A_KEEPER(keys_roll_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
