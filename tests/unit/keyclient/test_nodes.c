/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two real keepers, and what a front of each would ask of them until both work under one ring.
 * (What is refused is tested in tests/unit/keeper.)
 */
#include "keyclient/nodes.h"

#include "../keeper/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>

#define NODE_B 9

static const struct jt_node_spec spec_a = { .name = "node1", .number = WORLD_NODE };
static const struct jt_node_spec spec_b = { .name = "node2", .number = NODE_B };

/* A keeper with the master key of another, started. */
static void make_beside(struct keeper *k, const struct keeper *first)
{
    char command[400];
    keeper_make(k, "development", "");
    keeper_init(k);
    (void)snprintf(command, sizeof command, "cp -p %s/master.key %s/master.key", first->keys,
                   k->keys);
    assert_int_equal(system(command), 0);
    assert_true(keeper_start(k));
}

static struct jt_keyclient *connect_to(const struct keeper *k)
{
    struct jt_keyclient *kc;
    assert_int_equal(jt_keyclient_open(k->socket, -1, 20000, &kc), JT_OK);
    return kc;
}

/* What the front of `to` and any other front do for one key; generation NULL: the service root. */
static void carry(const struct world *from, struct jt_keyclient *to,
                  const struct jt_generation_row *generation)
{
    struct jt_parcel_request request;
    struct jt_parcel parcel;
    assert_int_equal(jt_keyclient_wait_parcel_ask(to, "node2", generation, &request), JT_OK);
    assert_int_equal(jt_keyclient_wait_parcel_answer(from->kc, &request, generation, &parcel),
                     JT_OK);
    if (generation != NULL) {
        assert_int_equal(jt_keyclient_wait_parcel_accept(to, generation, &parcel), JT_OK);
    } else {
        assert_int_equal(jt_keyclient_wait_root_accept(to, &from->ring, &parcel), JT_OK);
    }
}

static void name_fields(const struct world *w, struct jt_keyclient *kc)
{
    struct jt_set_change changes[2] = { { .now.field = w->fields[0] },
                                        { .now.field = w->fields[1] } };
    const struct jt_set_sum_request request = { .kind = JT_SET_FIELDS, .n = 2, .changes = changes };
    struct jt_set_sum sum;
    assert_int_equal(jt_keyclient_wait_set_sum(kc, &request, &sum), JT_OK);
    assert_int_equal(jt_keyclient_wait_set_verify(kc, &sum, &w->field_set), JT_OK);
}

static void join(struct jt_keyclient *kc, const struct jt_node_spec *spec, struct jt_node_row *row)
{
    const struct jt_node_join request = { .spec = *spec };
    struct jt_node_joined joined;
    assert_int_equal(jt_keyclient_wait_node_join(kc, &request, &joined), JT_OK);
    *row = joined.row;
}

static void a_second_node_comes_and_adopts_a_generation(void **state)
{
    struct world *w = *state;
    struct keeper b;
    struct jt_generation_row rows[2] = { world_create(w) };
    struct jt_node_row nodes[2];
    enum jt_err verdicts[2];
    struct jt_keeper_status status;
    bool joined;
    world_step(w, &rows[0], JT_GENERATION_ACTIVE, NULL);
    rows[1] = world_create(w);
    make_beside(&b, &w->k);
    struct jt_keyclient *kc = connect_to(&b);
    carry(w, kc, NULL);
    assert_int_equal(jt_keyclient_wait_ring_accept(kc, &w->ring, &joined), JT_ERR_KEY_MISSING);
    assert_int_equal(jt_keyclient_wait_generation_held(kc, rows, 2, verdicts), JT_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(verdicts[i], JT_ERR_KEY_MISSING);
        carry(w, kc, &rows[i]);
    }
    assert_int_equal(jt_keyclient_wait_generation_held(kc, rows, 2, verdicts), JT_OK);
    assert_true(verdicts[0] == JT_OK && verdicts[1] == JT_OK);
    assert_int_equal(jt_keyclient_wait_ring_accept(kc, &w->ring, &joined), JT_OK);
    name_fields(w, kc);
    assert_int_equal(jt_keyclient_wait_node_row(w->kc, &spec_a, &nodes[0]), JT_OK);
    assert_int_equal(jt_keyclient_wait_node_marks(kc, nodes, 1, verdicts), JT_OK);
    assert_int_equal(verdicts[0], JT_OK);
    assert_int_equal(jt_keyclient_wait_status(kc, &status), JT_OK);
    assert_int_equal(status.node, 0);
    join(kc, &spec_b, &nodes[1]);
    assert_int_equal(jt_keyclient_wait_status(kc, &status), JT_OK);
    assert_int_equal(status.node, NODE_B);
    assert_int_equal(jt_keyclient_wait_node_marks(w->kc, nodes, 2, verdicts), JT_OK);
    assert_true(verdicts[0] == JT_OK && verdicts[1] == JT_OK);
    jt_keyclient_free(kc);
    keeper_remove(&b);
}

/* A checks what B has acknowledged; nothing of before a restart counts, of either keeper. */
static void an_acknowledgement_binds_challenge_and_run(void **state)
{
    struct world *w = *state;
    struct keeper b;
    uint8_t challenge[JT_CHALLENGE_LEN], second[JT_CHALLENGE_LEN];
    struct jt_generation_row g = world_create(w);
    struct jt_node_row row, later, row_a;
    struct jt_ack ack;
    bool joined;
    make_beside(&b, &w->k);
    struct jt_keyclient *kc = connect_to(&b);
    carry(w, kc, NULL);
    carry(w, kc, &g);
    assert_int_equal(jt_keyclient_wait_ring_accept(kc, &w->ring, &joined), JT_OK);
    name_fields(w, kc);
    join(kc, &spec_b, &row);
    assert_int_equal(jt_keyclient_wait_ack_challenge(w->kc, &g, challenge), JT_OK);
    assert_int_equal(jt_keyclient_wait_ack(kc, &g, "node2", challenge, &ack), JT_OK);
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &g, &ack, &row), JT_OK);
    /* Another node's row, a keeper that never gave the challenge, a forged row. */
    assert_int_equal(jt_keyclient_wait_node_row(w->kc, &spec_a, &row_a), JT_OK);
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &g, &ack, &row_a), JT_ERR_ACK_STALE);
    assert_int_equal(jt_keyclient_wait_ack_check(kc, &g, &ack, &row), JT_ERR_ACK_STALE);
    later = row;
    later.keeper[0] ^= 1;
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &g, &ack, &later), JT_ERR_FORGED);
    /* The challenge is renewed: what was kept is void. */
    assert_int_equal(jt_keyclient_wait_ack_challenge(w->kc, &g, second), JT_OK);
    assert_memory_not_equal(challenge, second, sizeof second);
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &g, &ack, &row), JT_ERR_ACK_STALE);
    assert_int_equal(jt_keyclient_wait_ack(kc, &g, "node2", second, &ack), JT_OK);
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &g, &ack, &row), JT_OK);
    /* B starts anew: its row names the new run, in which it has proved nothing yet. */
    (void)keeper_stop(&b, SIGKILL);
    assert_true(keeper_start(&b));
    assert_int_equal(jt_keyclient_wait_ring_accept(kc, &w->ring, &joined), JT_OK);
    name_fields(w, kc);
    join(kc, &spec_b, &later);
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &g, &ack, &later), JT_ERR_ACK_STALE);
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &g, &ack, &row), JT_OK);
    world_restart(w, SIGKILL); /* and A knows no challenge any more */
    assert_int_equal(jt_keyclient_wait_ack_check(w->kc, &g, &ack, &row), JT_ERR_ACK_STALE);
    jt_keyclient_free(kc);
    keeper_remove(&b);
}

/* Made by one keeper, restored into an empty directory, and checked by both. */
static void an_escrow_file_fills_an_empty_keeper(void **state)
{
    struct world *w = *state;
    struct keeper b;
    static struct jt_escrow_file file;
    struct jt_escrow_report report;
    struct jt_generation_row g = world_create(w);
    bool joined;
    world_step(w, &g, JT_GENERATION_ACTIVE, NULL);
    struct jt_seal_reply sealed = world_seal(w);
    world_keep_sealed(w, &sealed);
    assert_int_equal(jt_keyclient_wait_escrow_make(w->kc, &file), JT_OK);
    assert_int_equal(jt_keyclient_wait_escrow_check(w->kc, &file, &report), JT_OK);
    assert_int_equal(report.n, 1);
    assert_int_equal(jt_keyclient_wait_escrow_restore(w->kc, &file), JT_ERR_KEY_THERE);
    make_beside(&b, &w->k);
    struct jt_keyclient *kc = connect_to(&b);
    assert_int_equal(jt_keyclient_wait_escrow_restore(kc, &file), JT_OK);
    assert_int_equal(jt_keyclient_wait_escrow_check(kc, &file, &report), JT_OK);
    assert_int_equal(report.keys[0].verdict, JT_OK);
    assert_int_equal(jt_keyclient_wait_ring_accept(kc, &w->ring, &joined), JT_OK);
    jt_keyclient_free(kc);
    keeper_remove(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(a_second_node_comes_and_adopts_a_generation),
        IN_A_WORLD(an_acknowledgement_binds_challenge_and_run),
        IN_A_WORLD(an_escrow_file_fills_an_empty_keeper),
    };
    return cmocka_run_group_tests_name("keyclient/nodes", tests, NULL, NULL);
}
