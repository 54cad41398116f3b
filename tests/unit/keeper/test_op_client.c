/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of clients: what old rows and terms can bring back (nothing), and which secret is good
 * when. In a keeper inside the test, so that rows can be as old as the test likes.
 */
#include "rowset.h"

#include "keeper/rowmac.h"
#include "keeper/setdigest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* Changes row i, in the database too. */
static void apply(struct inside *in, struct rowset *db, size_t i, const struct jt_client_edit *edit)
{
    struct jt_client_change c;
    assert_int_equal(rowset_change(in, edit, &c), JT_OK);
    db->rows[i] = c.row;
    db->set = c.set;
    assert_int_equal(rowset_verify(in, db), JT_OK);
}

static enum jt_err check_with(struct inside *in, const struct jt_client_row *row, uint8_t first,
                              uint64_t *good_ms)
{
    struct jt_client_checked checked = { 0 };
    uint8_t s[JT_CLIENT_SECRET_LEN] = { first, 2, 3 };
    struct jt_reader reply;
    jt_client_check_encode(row, s, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_CLIENT_CHECK, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_client_checked_decode(&reply, &checked), JT_OK);
    }
    *good_ms = checked.good_ms;
    return err;
}

/* What stands at `then` of row i is put back under the set row of now, and with its own. */
static void assert_not_taken_back(struct inside *in, const struct rowset *db,
                                  const struct rowset *then, size_t i)
{
    struct rowset mixed = *db;
    mixed.rows[i] = then->rows[i];
    assert_int_equal(rowset_verify(in, &mixed), JT_ERR_SET_WRONG);
    mixed.set = then->set;
    assert_int_equal(rowset_verify(in, &mixed), JT_ERR_SET_OLD);
}

static void rows_from_before_disabling_and_enabling_are_not_taken(void **state)
{
    struct inside *in = *state;
    struct rowset db = rowset_some_clients(in);
    const struct rowset active = db;
    struct jt_client_edit edit = rowset_edit_of(&db.rows[1], &db.set);
    edit.state = JT_ROW_DISABLED;
    apply(in, &db, 1, &edit);
    assert_int_equal(rowset_check(in, &db.rows[1]), JT_ERR_BAD_CREDENTIAL);
    assert_not_taken_back(in, &db, &active, 1);
    const struct rowset disabled = db;
    edit = rowset_edit_of(&db.rows[1], &db.set);
    edit.state = JT_ROW_ACTIVE;
    apply(in, &db, 1, &edit);
    assert_int_equal(rowset_check(in, &db.rows[1]), JT_OK);
    assert_not_taken_back(in, &db, &active, 1);
    assert_not_taken_back(in, &db, &disabled, 1);
    edit = rowset_edit_of(&db.rows[1], &db.set);
    edit.state = 4;
    struct jt_client_change c;
    assert_int_equal(rowset_change(in, &edit, &c), JT_ERR_INVALID);
}

static void old_grants_are_not_taken_and_wider_ones_are_forged(void **state)
{
    struct inside *in = *state;
    struct rowset db = rowset_some_clients(in);
    struct jt_client_edit edit = rowset_edit_of(&db.rows[1], &db.set);
    edit.order.permissions = 0;
    edit.order.terms.n_grants = 2;
    edit.order.terms.grants[0] = (struct jt_grant){ 7, JT_MAY_DETOKENIZE };
    edit.order.terms.grants[1] = (struct jt_grant){ 9, JT_MAY_TOKENIZE };
    apply(in, &db, 1, &edit);
    const struct rowset wide = db;
    edit = rowset_edit_of(&db.rows[1], &db.set);
    edit.order.terms.n_grants = 1;
    apply(in, &db, 1, &edit);
    assert_not_taken_back(in, &db, &wide, 1);
    for (size_t i = 0; i < db.rows[1].terms_len; i++) {
        struct rowset forged = db;
        forged.rows[1].terms[i] ^= 1;
        assert_int_equal(rowset_verify(in, &forged), JT_ERR_FORGED);
    }
    struct rowset forged = db; /* the wide terms in the narrow row */
    memcpy(forged.rows[1].terms, wide.rows[1].terms, sizeof forged.rows[1].terms);
    forged.rows[1].terms_len = wide.rows[1].terms_len;
    assert_int_equal(rowset_verify(in, &forged), JT_ERR_FORGED);
    forged = db; /* no terms: would be the permissions of every field */
    forged.rows[1].terms_len = 0;
    assert_int_equal(rowset_verify(in, &forged), JT_ERR_FORGED);
}

static void administration_is_granted_in_no_field_and_nothing_unknown_is(void **state)
{
    struct inside *in = *state;
    struct rowset db = rowset_some_clients(in);
    struct jt_client_edit edit = rowset_edit_of(&db.rows[1], &db.set);
    struct jt_client_change c;
    edit.order.permissions = JT_MAY_ALL + 1;
    assert_int_equal(rowset_change(in, &edit, &c), JT_ERR_INVALID);
    edit = rowset_edit_of(&db.rows[1], &db.set);
    edit.order.overlap_s = 1; /* of no fresh rowset_secret */
    assert_int_equal(rowset_change(in, &edit, &c), JT_ERR_INVALID);
    edit.order.fresh = true;
    edit.order.overlap_s = JT_CLIENT_OVERLAP_MAX_S + 1;
    assert_int_equal(rowset_change(in, &edit, &c), JT_ERR_INVALID);
    edit = rowset_edit_of(&db.rows[1], &db.set);
    edit.order.terms.old_until_s = UINT64_MAX; /* nobody but the keeper says what was before */
    assert_int_equal(rowset_change(in, &edit, &c), JT_ERR_INVALID);
    const uint32_t bad[] = { JT_MAY_OPERATE, JT_MAY_CLIENTS, JT_MAY_CUSTODIAN, 1u << 20 };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        edit = rowset_edit_of(&db.rows[1], &db.set);
        edit.order.terms.n_grants = 1;
        edit.order.terms.grants[0] = (struct jt_grant){ 7, bad[i] };
        jt_client_edit_encode(&edit, &in->payload);
        assert_int_equal(rowset_changed(in, JT_VERB_CLIENT_CHANGE, &c), JT_ERR_INVALID);
    }
}

static void two_secrets_are_good_until_the_older_one_ends(void **state)
{
    struct inside *in = *state;
    struct rowset db = rowset_some_clients(in);
    uint64_t good_ms;
    struct jt_client_edit edit = rowset_edit_of(&db.rows[1], &db.set);
    edit.order.fresh = true;
    edit.order.secret[0] = 20;
    edit.order.secret[1] = 2;
    edit.order.secret[2] = 3;
    edit.order.overlap_s = 3600;
    apply(in, &db, 1, &edit);
    const struct rowset both = db;
    assert_int_equal(check_with(in, &db.rows[1], 20, &good_ms), JT_OK);
    assert_int_equal(good_ms, 0);
    assert_int_equal(check_with(in, &db.rows[1], 1, &good_ms), JT_OK);
    assert_in_range(good_ms, 3590 * 1000, 3600 * 1000);

    /* the newest was lost: another takes its place, and the one before stays */
    edit = rowset_edit_of(&db.rows[1], &db.set);
    edit.order.fresh = true;
    edit.order.replaces = true;
    memcpy(edit.order.secret, (uint8_t[]){ 30, 2, 3 }, 3);
    apply(in, &db, 1, &edit);
    assert_int_equal(check_with(in, &db.rows[1], 30, &good_ms), JT_OK);
    assert_int_equal(check_with(in, &db.rows[1], 1, &good_ms), JT_OK);
    assert_int_equal(check_with(in, &db.rows[1], 20, &good_ms), JT_ERR_BAD_CREDENTIAL);

    /* any other change leaves both; a rotation without overlap ends both */
    edit = rowset_edit_of(&db.rows[1], &db.set);
    edit.order.permissions = JT_MAY_DETOKENIZE;
    apply(in, &db, 1, &edit);
    assert_int_equal(check_with(in, &db.rows[1], 1, &good_ms), JT_OK);
    edit = rowset_edit_of(&db.rows[1], &db.set);
    edit.order.fresh = true;
    memcpy(edit.order.secret, (uint8_t[]){ 40, 2, 3 }, 3);
    apply(in, &db, 1, &edit);
    assert_int_equal(check_with(in, &db.rows[1], 40, &good_ms), JT_OK);
    assert_int_equal(check_with(in, &db.rows[1], 30, &good_ms), JT_ERR_BAD_CREDENTIAL);
    assert_int_equal(check_with(in, &db.rows[1], 1, &good_ms), JT_ERR_BAD_CREDENTIAL);
    assert_not_taken_back(in, &db, &both, 1);
}

static void an_expired_client_is_refused_and_accepts_nothing(void **state)
{
    struct inside *in = *state;
    struct rowset db = rowset_some_clients(in);
    uint64_t good_ms;
    uint64_t now_s = (uint64_t)time(NULL);
    struct jt_client_edit edit = rowset_edit_of(&db.rows[2], &db.set);
    edit.order.terms.expires_s = now_s + 100;
    apply(in, &db, 2, &edit);
    assert_int_equal(check_with(in, &db.rows[2], 1, &good_ms), JT_OK);
    assert_in_range(good_ms, 90 * 1000, 100 * 1000);
    edit = rowset_edit_of(&db.rows[2], &db.set);
    edit.order.terms.expires_s = now_s - 1;
    apply(in, &db, 2, &edit);
    assert_int_equal(check_with(in, &db.rows[2], 1, &good_ms), JT_ERR_BAD_CREDENTIAL);
    const struct rowset before = db;
    rowset_add(in, &db, "newcomer", JT_MAY_TOKENIZE);
    assert_int_equal(rowset_verify(in, &db), JT_OK);
    assert_int_equal(rowset_accept_by(in, &before, 2, rowset_secret), JT_ERR_NOT_OPERATOR);
    assert_int_equal(rowset_accept_by(in, &before, 0, rowset_secret), JT_OK);
}

/* What is taken from an operator by a change of one member. */
static void assert_ends_an_operator(struct inside *in, const struct jt_client_edit *edit,
                                    const struct rowset *db, bool ends)
{
    struct jt_client_change c;
    assert_int_equal(rowset_change(in, edit, &c), JT_OK);
    assert_int_equal(c.set.operators, ends ? c.set.version : db->set.operators);
}

static void what_weakens_an_operator_is_never_gone_back_behind(void **state)
{
    struct inside *in = *state;
    struct rowset db = rowset_some_clients(in);
    const struct jt_client_edit same = rowset_edit_of(&db.rows[2], &db.set);
    struct jt_client_edit edit = same;
    edit.order.permissions |= JT_MAY_AUDIT;
    assert_ends_an_operator(in, &edit, &db, false);
    edit = same;
    edit.state = JT_ROW_DISABLED;
    assert_ends_an_operator(in, &edit, &db, true);
    edit = same;
    edit.order.permissions = JT_MAY_AUDIT;
    assert_ends_an_operator(in, &edit, &db, true);
    edit = same;
    edit.order.terms.expires_s = 1;
    assert_ends_an_operator(in, &edit, &db, true);
    edit = same;
    edit.order.terms.n_networks = 1;
    edit.order.terms.networks[0] = (struct jt_network){ .family = JT_IPV4, .bits = 0 };
    assert_ends_an_operator(in, &edit, &db, true);
    edit = same;
    edit.order.terms.n_certs = 1;
    edit.order.terms.certs[0][0] = 1;
    assert_ends_an_operator(in, &edit, &db, true);
    edit = same;
    edit.order.fresh = true; /* the key was stolen */
    assert_ends_an_operator(in, &edit, &db, true);
    edit.order.overlap_s = 60; /* a rotation like any other */
    assert_ends_an_operator(in, &edit, &db, false);
    edit = rowset_edit_of(&db.rows[1], &db.set);
    edit.state = JT_ROW_DISABLED; /* no operator */
    assert_ends_an_operator(in, &edit, &db, false);
}

/* A row as an earlier version made it, with its set row. */
static struct rowset old_clients(struct inside *in)
{
    struct rowset db = { .n = 1, .set = { .kind = JT_SET_CLIENTS, .version = 1 } };
    struct jt_setdigest d = { 0 };
    struct jt_client_row *row = &db.rows[0];
    *row = (struct jt_client_row){ .spec = { "operator", JT_MAY_OPERATE },
                                   .state = JT_ROW_ACTIVE,
                                   .revision = 1 };
    assert_int_equal(
        jt_rowmac_client_secret(in->k->root, "operator", rowset_secret, row->secret_mac), JT_OK);
    assert_int_equal(jt_rowmac_client(in->k->root, row, row->mac), JT_OK);
    assert_int_equal(jt_setdigest_add_client(in->k->root, &d, row), JT_OK);
    assert_int_equal(jt_setdigest_close_row(in->k->root, &d, &db.set), JT_OK);
    return db;
}

static void rows_of_before_there_were_terms_stand_until_they_change(void **state)
{
    struct inside *in = *state;
    struct rowset db = old_clients(in);
    assert_int_equal(rowset_verify(in, &db), JT_OK);
    assert_int_equal(rowset_check(in, &db.rows[0]), JT_OK);
    assert_int_equal(jt_client_permissions(&db.rows[0]),
                     JT_MAY_OPERATE | JT_MAY_AUDIT | JT_MAY_CLIENTS);
    struct rowset forged = db; /* terms for a row that has none */
    const struct jt_client_terms terms = { 0 };
    forged.rows[0].terms_len = (uint16_t)jt_client_terms_encode(&terms, forged.rows[0].terms);
    assert_int_equal(rowset_verify(in, &forged), JT_ERR_FORGED);
    const struct rowset before = db;
    struct jt_client_edit edit = rowset_edit_of(&db.rows[0], &db.set);
    edit.order.permissions = JT_MAY_OPERATE;
    apply(in, &db, 0, &edit);
    assert_int_equal(jt_client_permissions(&db.rows[0]), JT_MAY_OPERATE);
    assert_not_taken_back(in, &db, &before, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_KEEPER(rows_from_before_disabling_and_enabling_are_not_taken),
        IN_A_KEEPER(old_grants_are_not_taken_and_wider_ones_are_forged),
        IN_A_KEEPER(administration_is_granted_in_no_field_and_nothing_unknown_is),
        IN_A_KEEPER(two_secrets_are_good_until_the_older_one_ends),
        IN_A_KEEPER(an_expired_client_is_refused_and_accepts_nothing),
        IN_A_KEEPER(what_weakens_an_operator_is_never_gone_back_behind),
        IN_A_KEEPER(rows_of_before_there_were_terms_stand_until_they_change),
    };
    return cmocka_run_group_tests_name("keeper/op_client", tests, NULL, NULL);
}
