/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the database carries until a key is gone: custodians, requests and their approvals; that no
 * generation leaves the ring while a card stands under its key id, and that its key id is taken
 * until every node has erased the key.
 */
#include "tests/db/fixture.h"

#include "store/custodians.h"
#include "store/destructions.h"
#include "store/retirements.h"
#include "store/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct jt_destruction_row row, found; /* large */

/* Generation 1 is retired, 2 active. */
static void retire_one(struct fx *fx)
{
    struct jt_retirement_facts facts = { .node = "node-1" };
    bool busy;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 2);
    assert_int_equal(jt_retirement_open(fx->db, 1, &fx_act), JT_OK);
    assert_int_equal(fx_try_retire(fx, 1, &facts, &busy), JT_OK);
}

static enum jt_err destroy(struct fx *fx, uint64_t number, struct jt_retirement_facts *facts)
{
    bool busy;
    const struct jt_ring_row next = { .epoch = fx->epoch + 1, .body_len = 58 };
    struct jt_generation_row g = { .number = number,
                                   .key_id = (uint8_t)number,
                                   .state = JT_GENERATION_DESTROYED,
                                   .mac_epoch = fx->epoch + 1 };
    struct jt_generation_info info;
    assert_int_equal(jt_generation_get(fx->db, number, &info), JT_OK);
    memcpy(g.check_value, info.row.check_value, sizeof g.check_value);
    const struct jt_ring_change change = { .from_epoch = fx->epoch,
                                           .next = &next,
                                           .rows = &g,
                                           .n_rows = 1,
                                           .act = &fx_act,
                                           .proof_of_zero = true,
                                           .facts = facts };
    enum jt_err err = jt_ring_change(fx->db, &change, &busy);
    fx->epoch += err == JT_OK;
    return err;
}

static void a_generation_leaves_the_ring_only_if_it_is_retired_and_shows_no_card(void **state)
{
    struct fx *fx = *state;
    struct jt_retirement_facts facts = { .node = "node-1" };
    retire_one(fx);
    assert_int_equal(destroy(fx, 2, NULL), JT_ERR_WRONG_STATE); /* the active one */
    assert_int_equal(destroy(fx, 1, &facts), JT_ERR_INVALID);   /* no retirement */
    /* somebody put a row back */
    fx_exec(fx->plain, "INSERT INTO jeton.card (id, field, bucket, fp, envelope) VALUES (5, 1, 0, "
                       "'00000000-0000-0000-0000-000000000005', '\\x01' || "
                       "decode(repeat('ee', 24), 'hex'))");
    assert_int_equal(destroy(fx, 1, NULL), JT_ERR_NOT_EMPTY);
    fx_exec(fx->plain, "DELETE FROM jeton.card");
    assert_int_equal(destroy(fx, 1, NULL), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM jeton.generation WHERE number = 1 "
                                          "AND state = 5 AND destroyed_by = 'tester'"),
                     1);
    assert_int_equal(destroy(fx, 1, NULL), JT_ERR_WRONG_STATE);
}

static void fill(uint8_t salt)
{
    memset(&row, 0, sizeof row);
    row.generation = 1;
    row.body_len = 100;
    memset(row.body, salt, row.body_len);
    memset(row.mac, salt, sizeof row.mac);
}

static size_t n_approvals(struct fx *fx)
{
    static const struct jt_custodian_set set = {
        .n = 2, .all = { { .name = "alice" }, { .name = "bob" } }
    };
    struct jt_approval_row approvals[JT_CUSTODIANS_MAX];
    size_t n;
    const struct jt_approvals_wanted wanted = { .of = JT_APPROVALS_OF_DESTRUCTION, .id = 1 };
    assert_int_equal(jt_approvals_read(fx->db, &wanted, &set, approvals, &n), JT_OK);
    return n;
}

static void a_request_takes_the_place_of_another_with_its_approvals(void **state)
{
    struct fx *fx = *state;
    struct jt_approval alice = { .custodian = "alice" }, eve = { .custodian = "eve" };
    retire_one(fx);
    assert_int_equal(jt_destruction_get(fx->db, 1, &found), JT_ERR_NO_DESTRUCTION);
    fill(1);
    assert_int_equal(jt_destruction_put(fx->db, &row, &fx_act), JT_OK);
    assert_int_equal(jt_destruction_approve(fx->db, &row, &alice, &fx_act), JT_OK);
    assert_int_equal(jt_destruction_approve(fx->db, &row, &alice, &fx_act), JT_OK);
    assert_int_equal(jt_destruction_approve(fx->db, &row, &eve, &fx_act), JT_OK);
    assert_int_equal(n_approvals(fx), 1); /* whoever is no custodian is not read */
    const struct jt_destruction_row first = row;
    fill(2);
    assert_int_equal(jt_destruction_put(fx->db, &row, &fx_act), JT_OK);
    assert_int_equal(n_approvals(fx), 0);
    /* an approval of the one before comes too late */
    assert_int_equal(jt_destruction_approve(fx->db, &first, &alice, &fx_act),
                     JT_ERR_NO_DESTRUCTION);
    assert_int_equal(jt_destruction_get(fx->db, 1, &found), JT_OK);
    assert_int_equal(found.body_len, 100);
    assert_memory_equal(found.mac, row.mac, sizeof row.mac);
    assert_string_equal(found.requested_by, "tester");
}

static bool is_taken(struct fx *fx, uint8_t key_id)
{
    struct jt_generations_taken taken;
    bool busy;
    assert_int_equal(jt_generation_begin(fx->db, &taken, &busy), JT_OK);
    assert_int_equal(jt_generation_end(fx->db, JT_ERR_ROLLED_BACK, NULL, NULL, &fx_act,
                                       (char[JT_TIME_LEN]){ 0 }),
                     JT_ERR_ROLLED_BACK);
    return jt_key_id_set_has(taken.key_ids, key_id);
}

static void a_key_id_is_taken_until_the_certificate_stands(void **state)
{
    struct fx *fx = *state;
    struct jt_certificate certificate = { .text_len = 5, .text = "gone\n" };
    retire_one(fx);
    fill(1);
    assert_int_equal(jt_destruction_put(fx->db, &row, &fx_act), JT_OK);
    assert_int_equal(destroy(fx, 1, NULL), JT_OK);
    assert_true(is_taken(fx, 1));
    assert_int_equal(jt_destruction_next(fx->db, 0, false, &found), JT_OK);
    assert_int_equal(jt_destruction_certify(fx->db, &row, &certificate, &fx_act), JT_OK);
    assert_false(is_taken(fx, 1));
    assert_int_equal(jt_destruction_certify(fx->db, &row, &certificate, &fx_act),
                     JT_ERR_NO_DESTRUCTION);
    assert_int_equal(jt_destruction_put(fx->db, &row, &fx_act), JT_ERR_WRONG_STATE);
    assert_int_equal(jt_destruction_next(fx->db, 0, false, &found), JT_ERR_NO_DESTRUCTION);
    assert_int_equal(jt_destruction_next(fx->db, 0, true, &found), JT_OK);
    assert_string_equal(found.certificate.text, "gone\n");
    assert_int_equal(jt_destruction_next(fx->db, 1, true, &found), JT_ERR_NO_DESTRUCTION);
}

static void what_nodes_say_is_of_those_that_are_registered(void **state)
{
    struct fx *fx = *state;
    static struct jt_destruction_node_row nodes[JT_DESTRUCTION_NODE_ROWS];
    struct jt_destruction_node_row said = { .node = "node-1", .view = 2, .left_s = 100 };
    size_t n;
    retire_one(fx);
    fill(1);
    assert_int_equal(jt_destruction_put(fx->db, &row, &fx_act), JT_OK);
    assert_int_equal(jt_destruction_nodes(fx->db, 1, nodes, &n), JT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(nodes[0].view, 0); /* it has not said yet */
    assert_int_equal(jt_destruction_note(fx->db, 1, &said), JT_OK);
    (void)snprintf(said.node, sizeof said.node, "gone");
    assert_int_equal(jt_destruction_note(fx->db, 1, &said), JT_OK);
    assert_int_equal(jt_destruction_nodes(fx->db, 1, nodes, &n), JT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(nodes[0].left_s, 100);
}

static void custodians_have_one_row_for_each_version(void **state)
{
    struct fx *fx = *state;
    struct jt_custodian_stored stored = { .version = 1, .body_len = 3, .body = { 1, 2, 3 } }, got;
    assert_int_equal(jt_custodians_newest(fx->db, &got), JT_OK);
    assert_int_equal(got.body_len, 0);
    assert_int_equal(jt_custodians_add(fx->db, &stored, &fx_act), JT_OK);
    assert_int_equal(jt_custodians_add(fx->db, &stored, &fx_act), JT_ERR_CUSTODIANS_MOVED);
    stored.version = 2;
    assert_int_equal(jt_custodians_add(fx->db, &stored, &fx_act), JT_OK);
    assert_int_equal(jt_custodians_after(fx->db, 0, &got), JT_OK);
    assert_int_equal(got.version, 1);
    assert_int_equal(jt_custodians_after(fx->db, 2, &got), JT_OK);
    assert_int_equal(got.body_len, 0);
    fx_exec(fx->plain, "UPDATE jeton.custodian_set SET body = '\\x00'");
    assert_int_equal(jt_custodians_put_back(fx->db, &stored, "node-1"), JT_OK);
    assert_int_equal(jt_custodians_newest(fx->db, &got), JT_OK);
    assert_memory_equal(got.body, stored.body, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fx_vault_test(a_generation_leaves_the_ring_only_if_it_is_retired_and_shows_no_card),
        fx_vault_test(a_request_takes_the_place_of_another_with_its_approvals),
        fx_vault_test(a_key_id_is_taken_until_the_certificate_stands),
        fx_vault_test(what_nodes_say_is_of_those_that_are_registered),
        fx_vault_test(custodians_have_one_row_for_each_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
