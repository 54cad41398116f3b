/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of clients and fields: what a database writer with every old row can show a keeper, and what
 * it takes. In a keeper inside the test, so that a set row can be as old as the test likes.
 */
#include "rowset.h"

#include "wire/field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_revoked_row_put_back_does_not_agree_with_its_set(void **state)
{
    struct inside *in = *state;
    struct rowset db = rowset_some_clients(in);
    const struct rowset before = db;
    rowset_drop_client(in, &db, 1);
    assert_int_equal(rowset_verify(in, &db), JT_OK);
    /* the revoked row is authentic, and refused */
    assert_int_equal(rowset_check(in, &db.rows[1]), JT_ERR_BAD_CREDENTIAL);

    struct rowset mixed = db;
    mixed.rows[1] = before.rows[1]; /* the old row under the new set row */
    assert_int_equal(rowset_verify(in, &mixed), JT_ERR_SET_WRONG);
    mixed.n--; /* a row less */
    assert_int_equal(rowset_verify(in, &mixed), JT_ERR_SET_WRONG);
    mixed = db;
    mixed.rows[0] = mixed.rows[1]; /* one row for another */
    assert_int_equal(rowset_verify(in, &mixed), JT_ERR_SET_WRONG);
    mixed = db;
    mixed.rows[mixed.n++] = before.rows[1]; /* beside the new one */
    assert_int_equal(rowset_verify(in, &mixed), JT_ERR_SET_WRONG);
    mixed = db;
    mixed.rows[2].spec.permissions = JT_MAY_ALL; /* wider */
    assert_int_equal(rowset_verify(in, &mixed), JT_ERR_FORGED);

    /* the whole old set with its old set row */
    assert_int_equal(rowset_verify(in, &before), JT_ERR_SET_OLD);
    inside_restart(in, false);
    assert_int_equal(rowset_verify(in, &before), JT_ERR_SET_OLD); /* nor after a restart */
    assert_int_equal(rowset_verify(in, &db), JT_OK);
}

static void no_bit_of_a_set_row_or_a_sum_can_be_changed(void **state)
{
    struct inside *in = *state;
    struct rowset db = rowset_some_clients(in);
    struct jt_set_sum s;
    assert_int_equal(rowset_sum_all(in, db.rows, db.n, &s), JT_OK);
    struct rowset forged = db;
    forged.set.version++;
    assert_int_equal(rowset_verify(in, &forged), JT_ERR_FORGED);
    forged = db;
    forged.set.n--;
    assert_int_equal(rowset_verify(in, &forged), JT_ERR_FORGED);
    forged = db;
    forged.set.operators = 9;
    assert_int_equal(rowset_verify(in, &forged), JT_ERR_FORGED);
    for (size_t i = 0; i < 16; i++) {
        forged = db;
        forged.set.digest[i] ^= 1;
        assert_int_equal(rowset_verify(in, &forged), JT_ERR_FORGED);
        forged = db;
        forged.set.nonce[i] ^= 1;
        assert_int_equal(rowset_verify(in, &forged), JT_ERR_FORGED);
        struct jt_set_sum t = s;
        t.digest[i] ^= 0x10;
        assert_int_equal(rowset_verify_sum(in, &t, &db.set), JT_ERR_FORGED);
        t = s;
        t.nonce[i] ^= 0x10;
        assert_int_equal(rowset_verify_sum(in, &t, &db.set), JT_ERR_FORGED);
    }
    struct jt_set_sum t = s;
    t.n++;
    assert_int_equal(rowset_verify_sum(in, &t, &db.set), JT_ERR_FORGED);
    t = s;
    t.kind = JT_SET_FIELDS;
    assert_int_equal(rowset_verify_sum(in, &t, &db.set), JT_ERR_INVALID);
}

static void what_is_stored_of_a_digest_tells_nothing_about_rows(void **state)
{
    struct inside *in = *state;
    struct rowset db = rowset_some_clients(in);
    struct jt_set_sum a;
    struct jt_set_sum b;
    assert_int_equal(rowset_sum_all(in, db.rows, db.n, &a), JT_OK);
    assert_int_equal(rowset_sum_all(in, db.rows, db.n, &b), JT_OK);
    /* the same rows, and never the same digest */
    assert_memory_not_equal(a.nonce, b.nonce, sizeof a.nonce);
    assert_memory_not_equal(a.digest, b.digest, sizeof a.digest);
    assert_int_equal(rowset_verify_sum(in, &a, &db.set), JT_OK);
    assert_int_equal(rowset_verify_sum(in, &b, &db.set), JT_OK);
}

static void a_front_that_has_verified_a_set_goes_on_from_it(void **state)
{
    struct inside *in = *state;
    struct rowset db = rowset_some_clients(in);
    struct jt_set_sum s;
    assert_int_equal(rowset_sum_all(in, db.rows, db.n, &s), JT_OK);
    const struct rowset before = db;
    rowset_drop_client(in, &db, 1);
    rowset_add(in, &db, "another", JT_MAY_DETOKENIZE);
    struct jt_set_change changes[2] = {
        { .replaces = true, .old.client = before.rows[1], .now.client = db.rows[1] },
        { .now.client = db.rows[3] }
    };
    struct jt_set_sum next;
    assert_int_equal(rowset_sum(in, &s, changes, 2, &next), JT_OK);
    assert_int_equal(next.n, 4);
    assert_int_equal(rowset_verify_sum(in, &next, &db.set), JT_OK);
    assert_int_equal(rowset_sum(in, &s, changes, 1, &next), JT_OK); /* one of the two held back */
    assert_int_equal(rowset_verify_sum(in, &next, &db.set), JT_ERR_SET_WRONG);
    changes[0].old.client = before.rows[0]; /* in place of another's row */
    assert_int_equal(rowset_sum(in, &s, changes, 2, &next), JT_ERR_INVALID);
}

static void a_change_starts_from_the_newest_set_only(void **state)
{
    struct inside *in = *state;
    struct rowset db = rowset_some_clients(in);
    const struct rowset before = db;
    struct jt_client_change c;
    struct jt_client_change rival;
    assert_int_equal(rowset_make(in, "rival", JT_MAY_ALL, &db.set, &rival),
                     JT_OK); /* never committed */
    rowset_drop_client(in, &db, 1);
    assert_int_equal(rowset_verify(in, &db), JT_OK);
    assert_int_equal(rowset_make(in, "late", JT_MAY_ALL, &before.set, &c), JT_ERR_SET_OLD);
    assert_int_equal(rowset_revoke(in, &db.rows[0], &before.set, &c), JT_ERR_SET_OLD);
    /* another of the same version */
    assert_int_equal(rowset_make(in, "late", JT_MAY_ALL, &rival.set, &c), JT_ERR_SET_OLD);
    const struct jt_set_row nothing = jt_set_row_empty(JT_SET_CLIENTS);
    assert_int_equal(rowset_make(in, "late", JT_MAY_ALL, &nothing, &c), JT_ERR_SET_OLD);
    struct rowset fork = before;
    fork.rows[fork.n++] = rival.row;
    fork.set = rival.set;
    /* a set that was made and lost the race */
    assert_int_equal(rowset_verify(in, &fork), JT_ERR_SET_OLD);
    assert_int_equal(rowset_revoke(in, &db.rows[1], &db.set, &c),
                     JT_ERR_CLIENT_REVOKED); /* revoked already */
    struct jt_client_row forged = db.rows[0];
    forged.spec.permissions = 0;
    assert_int_equal(rowset_revoke(in, &forged, &db.set, &c), JT_ERR_FORGED);
    struct jt_set_row other_kind = db.set;
    other_kind.kind = JT_SET_FIELDS;
    assert_int_equal(rowset_make(in, "late", JT_MAY_ALL, &other_kind, &c), JT_ERR_INVALID);
}

static void an_operators_word_accepts_an_older_set(void **state)
{
    struct inside *in = *state;
    struct rowset db = rowset_some_clients(in);
    const struct rowset before = db;
    /* there is nothing to accept */
    assert_int_equal(rowset_accept_by(in, &db, 0, rowset_secret), JT_ERR_NO_OLD_SET);
    rowset_add(in, &db, "newcomer", JT_MAY_TOKENIZE);
    assert_int_equal(rowset_verify(in, &db), JT_OK);
    assert_int_equal(rowset_verify(in, &before), JT_ERR_SET_OLD);
    const uint8_t wrong[JT_CLIENT_SECRET_LEN] = { 7 };
    assert_int_equal(rowset_accept_by(in, &before, 0, wrong), JT_ERR_NOT_OPERATOR);
    assert_int_equal(rowset_accept_by(in, &before, 1, rowset_secret),
                     JT_ERR_NOT_OPERATOR); /* no operator */
    struct rowset partial = before;
    partial.n--;
    assert_int_equal(rowset_accept_by(in, &partial, 0, rowset_secret), JT_ERR_SET_WRONG);
    assert_int_equal(rowset_accept_by(in, &before, 0, rowset_secret), JT_OK);
    assert_int_equal(rowset_verify(in, &before), JT_OK);
    inside_restart(in, false);
    assert_int_equal(rowset_verify(in, &before), JT_OK);
}

static void nobody_accepts_a_set_from_before_an_operator_was_revoked(void **state)
{
    struct inside *in = *state;
    struct rowset db = rowset_some_clients(in);
    const struct rowset before = db;
    rowset_drop_client(in, &db, 2); /* the key of second-operator was stolen */
    assert_int_equal(rowset_verify(in, &db), JT_OK);
    assert_int_equal(db.set.operators, db.set.version);
    assert_int_equal(rowset_accept_by(in, &before, 2, rowset_secret), JT_ERR_NO_OLD_SET);
    assert_int_equal(rowset_accept_by(in, &before, 0, rowset_secret), JT_ERR_NO_OLD_SET);
    const struct rowset kept = db;
    rowset_add(in, &db, "newcomer", JT_MAY_TOKENIZE);
    assert_int_equal(rowset_verify(in, &db), JT_OK);
    assert_int_equal(rowset_accept_by(in, &kept, 2, rowset_secret),
                     JT_ERR_NOT_OPERATOR); /* revoked in this one */
    assert_int_equal(rowset_accept_by(in, &kept, 0, rowset_secret), JT_OK);
    /* and not by two steps either */
    assert_int_equal(rowset_accept_by(in, &before, 0, rowset_secret), JT_ERR_NO_OLD_SET);
}

static void fields_that_no_row_has_named_cost_no_derivation(void **state)
{
    struct inside *in = *state;
    struct jt_identify_item items[3];
    struct jt_identify_result results[3];
    struct jt_identify_reply answered = { .results = results };
    struct jt_reader reply;
    const uint8_t token[16] = { 1 };
    for (size_t i = 0; i < 3; i++) {
        items[i] = (struct jt_identify_item){ .field = N_NAMED + 1 + (uint32_t)i, .token = token };
    }
    jt_identify_request_encode(items, 3, &in->payload);
    unsigned before = in->k->root->may_derive;
    assert_int_equal(inside_ask(in, JT_VERB_IDENTIFY, &reply), JT_OK);
    assert_int_equal(jt_identify_reply_decode(&reply, 3, &answered), JT_OK);
    assert_int_equal(results[0].err, JT_ERR_NO_TOKEN);
    assert_true(in->k->root->may_derive == 256 || in->k->root->may_derive == before);
    in->k->fields.complete = false; /* as after a start: whoever asks must name them first */
    jt_identify_request_encode(items, 3, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_IDENTIFY, &reply), JT_ERR_NO_FIELDS);
}

static void a_batch_of_too_many_fields_is_answered_piece_by_piece(void **state)
{
    struct inside *in = *state;
    static struct jt_identify_item items[N_NAMED];
    static struct jt_identify_result results[N_NAMED];
    struct jt_identify_reply answered = { .results = results };
    struct jt_reader reply;
    const uint8_t token[16] = { 1 };
    for (size_t i = 0; i < N_NAMED; i++) {
        items[i] = (struct jt_identify_item){ .field = 1 + (uint32_t)i, .token = token };
    }
    jt_identify_request_encode(items, N_NAMED, &in->payload);
    /* 256 keys at a time */
    assert_int_equal(inside_ask(in, JT_VERB_IDENTIFY, &reply), JT_ERR_DERIVATIONS);
    jt_identify_request_encode(items, N_NAMED, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_IDENTIFY, &reply), JT_OK);
    assert_int_equal(jt_identify_reply_decode(&reply, N_NAMED, &answered), JT_OK);
}

/* A field as it was, and as it became. */
static struct jt_field_change field_made(struct inside *in)
{
    const struct jt_field_spec spec = { .id = 7, .name = "pan", .kind = JT_FIELD_PAN };
    const struct jt_set_row none = jt_set_row_empty(JT_SET_FIELDS);
    struct jt_field_change change;
    struct jt_reader reply;
    jt_field_make_encode(&spec, &none, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_FIELD_MAKE, &reply), JT_OK);
    assert_int_equal(jt_field_change_decode(&reply, &change), JT_OK);
    return change;
}

static enum jt_err sum_fields(struct inside *in, const struct jt_set_sum *from,
                              struct jt_set_change *change, struct jt_set_sum *out)
{
    struct jt_set_sum_request request = { .kind = JT_SET_FIELDS, .n = 1, .changes = change };
    struct jt_reader reply;
    if (from != NULL) {
        request.goes_on = true;
        request.from = *from;
    }
    jt_set_sum_request_encode(&request, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_SET_SUM, &reply);
    return err == JT_OK ? jt_set_sum_decode(&reply, out) : err;
}

static enum jt_err verify_fields(struct inside *in, const struct jt_set_sum *sum,
                                 const struct jt_set_row *set)
{
    struct jt_reader reply;
    jt_set_verify_encode(sum, set, &in->payload);
    return inside_ask(in, JT_VERB_SET_VERIFY, &reply);
}

/* A front goes on from a set of fields by the rows that changed, each in its own one's place. */
static void a_row_of_a_field_takes_the_place_of_its_own_one_only(void **state)
{
    struct inside *in = *state;
    const struct jt_field_change was = field_made(in);
    struct jt_field_alter alter = { .was = was, .spec = was.row.spec, .state = JT_ROW_ACTIVE };
    struct jt_field_change now;
    struct jt_set_sum before, after;
    struct jt_reader reply;
    struct jt_set_change first = { .now.field = was.row };
    assert_int_equal(sum_fields(in, NULL, &first, &before), JT_OK);
    assert_int_equal(verify_fields(in, &before, &was.set), JT_OK);
    alter.spec.mask_eight = true;
    jt_field_alter_encode(&alter, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_FIELD_CHANGE, &reply), JT_OK);
    assert_int_equal(jt_field_change_decode(&reply, &now), JT_OK);
    struct jt_set_change next = { .replaces = true, .old.field = was.row, .now.field = now.row };
    assert_int_equal(sum_fields(in, &before, &next, &after), JT_OK);
    assert_int_equal(verify_fields(in, &after, &now.set), JT_OK);
    assert_int_equal(verify_fields(in, &before, &now.set), JT_ERR_SET_WRONG);
    struct jt_set_change wrong = next;
    wrong.old.field.mac[0] ^= 1;
    assert_int_equal(sum_fields(in, &before, &wrong, &after), JT_ERR_FORGED);
    wrong = next;
    wrong.now.field.mac[0] ^= 1;
    assert_int_equal(sum_fields(in, &before, &wrong, &after), JT_ERR_FORGED);
    wrong = next;
    wrong.old.field.spec.id++; /* another field's */
    assert_int_equal(sum_fields(in, &before, &wrong, &after), JT_ERR_INVALID);
    before.kind = JT_SET_CLIENTS; /* nor does a set of fields go on from one of clients */
    assert_int_equal(sum_fields(in, &before, &next, &after), JT_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_KEEPER(a_revoked_row_put_back_does_not_agree_with_its_set),
        IN_A_KEEPER(no_bit_of_a_set_row_or_a_sum_can_be_changed),
        IN_A_KEEPER(what_is_stored_of_a_digest_tells_nothing_about_rows),
        IN_A_KEEPER(a_front_that_has_verified_a_set_goes_on_from_it),
        IN_A_KEEPER(a_change_starts_from_the_newest_set_only),
        IN_A_KEEPER(an_operators_word_accepts_an_older_set),
        IN_A_KEEPER(nobody_accepts_a_set_from_before_an_operator_was_revoked),
        IN_A_KEEPER(fields_that_no_row_has_named_cost_no_derivation),
        IN_A_KEEPER(a_batch_of_too_many_fields_is_answered_piece_by_piece),
        IN_A_KEEPER(a_row_of_a_field_takes_the_place_of_its_own_one_only),
    };
    return cmocka_run_group_tests_name("keeper/op_set", tests, NULL, NULL);
}
