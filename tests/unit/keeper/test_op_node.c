/* SPDX-License-Identifier: Apache-2.0 */
/* NODE_JOIN: which ids a keeper believes, and what it pins. */
#include "inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_MS (UINT64_C(3600) * 1000)

static struct jt_node_joined joined;

static uint64_t id_at(uint64_t ms, uint8_t node)
{
    return ms << 22 | (uint64_t)node << 14 | 5;
}

/* The time of the next id. */
static uint64_t next_ms(struct inside *in)
{
    struct row row;
    inside_seal(in, 1, true, &row, 1);
    return jt_idmint_ms_of(row.id);
}

static void before_a_join_nothing_is_minted(void **state)
{
    struct inside *in = *state;
    const struct jt_seal_request nothing = { .n = 0 };
    struct jt_reader reply;
    jt_seal_request_encode(&nothing, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_SEAL, &reply), JT_ERR_NOT_JOINED);
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    assert_string_equal(joined.row.spec.name, "node1");
    assert_int_equal(joined.row.spec.number, NODE);
    assert_int_equal(joined.row.mac_epoch, in->ring.epoch);
    assert_int_equal(joined.newest_ms, 0);
    jt_seal_request_encode(&nothing, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_SEAL, &reply), JT_OK);
    inside_restart(in, true);
    jt_seal_request_encode(&nothing, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_SEAL, &reply),
                     JT_ERR_NOT_JOINED); /* each start joins anew */
}

static void accepting_a_ring_tells_whether_the_node_has_joined(void **state)
{
    struct inside *in = *state;
    for (int round = 0; round < 2; round++) {
        struct jt_reader reply;
        bool told;
        jt_ring_row_encode(&in->ring, &in->payload);
        assert_int_equal(inside_ask(in, JT_VERB_RING_ACCEPT, &reply), JT_OK);
        assert_int_equal(jt_ring_accepted_decode(&reply, &told), JT_OK);
        assert_int_equal(told, round == 1);
        assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    }
}

static void the_node_row_is_maced_in_all_its_parts(void **state)
{
    struct inside *in = *state;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    struct jt_node_row changed[6] = { joined.row, joined.row, joined.row,
                                      joined.row, joined.row, joined.row };
    changed[0].spec.name[0] = 'm';
    changed[1].spec.number++;
    changed[2].spec.incarnation[15] ^= 1;
    changed[3].mac_epoch++;
    changed[4].keeper[0] ^= 1;
    changed[5].id_mark--;
    uint8_t mac[JT_ROW_MAC_LEN];
    assert_int_equal(jt_rowmac_node(in->k->root, &joined.row, mac), JT_OK);
    assert_memory_equal(mac, joined.row.mac, sizeof mac);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(jt_rowmac_node(in->k->root, &changed[i], mac), JT_OK);
        assert_memory_not_equal(mac, joined.row.mac, sizeof mac);
    }
}

static void the_number_is_pinned_over_restarts(void **state)
{
    struct inside *in = *state;
    assert_int_equal(inside_join(in, 0, NULL, 0, false, &joined), JT_ERR_INVALID);
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    assert_int_equal(inside_join(in, NODE + 1, NULL, 0, false, &joined), JT_ERR_NODE_CHANGED);
    inside_restart(in, false);
    assert_int_equal(inside_join(in, NODE + 1, NULL, 0, false, &joined), JT_ERR_NODE_CHANGED);
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
}

static void ids_go_on_beyond_the_newest_row(void **state)
{
    struct inside *in = *state;
    uint64_t ms = jt_keeper_now_ms() + HOUR_MS / 2; /* another node, whose clock is ahead */
    const struct row rows[2] = { inside_forge(in, 1, id_at(ms, NODE + 1)),
                                 inside_forge(in, 1, id_at(ms - 5, NODE)) };
    assert_int_equal(inside_join(in, NODE, rows, 2, false, &joined), JT_OK);
    assert_true(joined.newest_ms == ms);
    assert_true(in->k->state.id_mark >= ms);
    assert_true(next_ms(in) == ms + 1);
    inside_restart(in, false); /* durable, whatever comes */
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    assert_true(next_ms(in) > ms + 1);
}

/* A keeper whose directory was restored is behind the database: the rows tell it. */
static void a_mark_older_than_the_newest_row_is_moved(void **state)
{
    struct inside *in = *state;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    struct row row;
    inside_seal(in, 1, true, &row, 1);
    struct jt_keeper_state old = in->k->state;
    old.id_mark = 1000;
    assert_int_equal(jt_state_save(in->k->dir_fd, in->k->root, &old), JT_OK);
    inside_restart(in, false);
    assert_int_equal(in->k->state.id_mark, 1000);
    assert_int_equal(inside_join(in, NODE, &row, 1, false, &joined), JT_OK);
    struct row next;
    inside_seal(in, 2, true, &next, 1);
    assert_true(next.id > row.id);
}

static void a_planted_row_that_does_not_open_moves_nothing(void **state)
{
    struct inside *in = *state;
    uint64_t now = jt_keeper_now_ms();
    struct row rows[3] = { inside_forge(in, 1, id_at(now - 10, 1)),
                           inside_forge(in, 1, id_at(now - 20, 1)),
                           inside_forge(in, 1, id_at(now - 30, 1)) };
    rows[0].id = INT64_MAX; /* somebody wrote another id to it */
    assert_int_equal(inside_join(in, NODE, rows, 3, false, &joined), JT_OK);
    assert_true(joined.newest_ms == now - 20);
    assert_true(next_ms(in) < now + HOUR_MS);
}

static void where_no_row_of_a_key_id_opens_the_join_is_refused(void **state)
{
    struct inside *in = *state;
    uint64_t now = jt_keeper_now_ms();
    struct row rows[4] = { inside_forge(in, 1, id_at(now - 10, 1)),
                           inside_forge(in, 1, id_at(now - 20, 1)) };
    (void)inside_roll(in);
    rows[2] = inside_forge(in, 2, id_at(now - 30, 1));
    rows[3] = inside_forge(in, 2, id_at(now - 40, 1));
    assert_int_equal(inside_join(in, NODE, rows, 4, false, &joined), JT_OK);
    inside_restart(in, false);
    rows[2].envelope[24] ^= 1;
    assert_int_equal(inside_join(in, NODE, rows, 4, false, &joined),
                     JT_OK); /* one of two is left */
    rows[3].fingerprint[0] ^= 1;
    inside_restart(in, false);
    assert_int_equal(inside_join(in, NODE, rows, 4, false, &joined), JT_ERR_ROWS_PLANTED);
    assert_int_equal(inside_join(in, NODE, rows, 4, true, &joined),
                     JT_ERR_ROWS_PLANTED); /* no flag helps here */
    assert_false(in->k->joined);
    rows[3].envelope[0] = 77;
    assert_int_equal(inside_join(in, NODE, rows, 4, false, &joined),
                     JT_ERR_RING_MOVED); /* no live generation's */
}

/* What nobody can open is what is left of it in the end, and nodes start again beside that. */
static void of_a_generation_that_drains_no_row_need_open(void **state)
{
    struct inside *in = *state;
    uint64_t now = jt_keeper_now_ms();
    struct row rows[2] = { inside_forge(in, 1, id_at(now - 10, 1)) };
    rows[0].envelope[24] ^= 1;
    assert_int_equal(inside_join(in, NODE, rows, 1, false, &joined), JT_ERR_ROWS_PLANTED);
    (void)inside_roll(in);
    assert_int_equal(inside_join(in, NODE, rows, 1, false, &joined), JT_OK);
    inside_restart(in, false);
    rows[1] = inside_forge(in, 2, id_at(now - 30, 1));
    assert_int_equal(inside_join(in, NODE, rows, 2, false, &joined), JT_OK);
    assert_true(joined.newest_ms == now - 30); /* its id is not believed */
}

static void a_retired_generations_rows_are_stale(void **state)
{
    struct inside *in = *state;
    struct row row = inside_forge(in, 1, id_at(jt_keeper_now_ms(), 1));
    (void)inside_roll(in);
    inside_retire(in, 1);
    assert_int_equal(inside_join(in, NODE, &row, 1, false, &joined), JT_ERR_RING_MOVED);
}

static void a_row_without_an_envelope_is_refused(void **state)
{
    struct inside *in = *state;
    struct row row = inside_forge(in, 1, id_at(jt_keeper_now_ms(), 1));
    const struct jt_open_item newest[2] = {
        { .field = FIELD,
          .id = row.id,
          .fingerprint = row.fingerprint,
          .envelope = row.envelope,
          .envelope_len = 25 },
        { .field = FIELD, .id = row.id, .fingerprint = row.fingerprint, .envelope = row.envelope },
    };
    const struct jt_node_join join = { .spec = { .name = "node1", .number = NODE },
                                       .newest = newest,
                                       .n = 2 };
    struct jt_reader reply;
    jt_node_join_encode(&join, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_NODE_JOIN, &reply), JT_ERR_ROWS_PLANTED);
    assert_false(in->k->joined);
}

/* The working space held the opened rows for a moment. */
static void opened_rows_are_wiped(void **state)
{
    struct inside *in = *state;
    struct row row = inside_forge(in, 1, id_at(jt_keeper_now_ms(), 1));
    static const uint8_t nothing[sizeof in->k->batch->pans[0]];
    assert_int_equal(inside_join(in, NODE, &row, 1, false, &joined), JT_OK);
    assert_memory_equal(in->k->batch->pans[0], nothing, sizeof nothing);
}

static void a_row_more_than_an_hour_ahead_needs_the_operators_word(void **state)
{
    struct inside *in = *state;
    uint64_t ms = jt_keeper_now_ms() + 2 * HOUR_MS;
    struct row row = inside_forge(in, 1, id_at(ms, NODE));
    assert_int_equal(inside_join(in, NODE, &row, 1, false, &joined), JT_ERR_IDS_AHEAD);
    assert_int_equal(in->k->state.id_mark, 0);
    assert_int_equal(in->k->state.node, 0); /* nothing was taken over */
    assert_int_equal(inside_join(in, NODE, &row, 1, true, &joined), JT_OK);
    assert_true(joined.newest_ms == ms);
    assert_true(next_ms(in) == ms + 1);
    inside_restart(in, true);
    assert_int_equal(inside_join(in, NODE, &row, 1, false, &joined),
                     JT_OK); /* not above its own mark any more */
    assert_true(next_ms(in) > ms + 1);
}

/* A node whose clock is wrong neither drags the others along nor keeps them from joining. */
static void rows_of_other_nodes_far_ahead_are_not_followed(void **state)
{
    struct inside *in = *state;
    uint64_t now = jt_keeper_now_ms();
    const struct row rows[2] = { inside_forge(in, 1, id_at(now + 2 * HOUR_MS, NODE + 1)),
                                 inside_forge(in, 1, id_at(now + HOUR_MS / 2, NODE + 1)) };
    assert_int_equal(inside_join(in, NODE, rows, 2, false, &joined), JT_OK);
    assert_true(joined.newest_ms == now + HOUR_MS / 2);
    assert_true(next_ms(in) == now + HOUR_MS / 2 + 1);
    inside_restart(in, false);
    assert_int_equal(inside_join(in, NODE, rows, 1, true, &joined), JT_OK); /* nor on any word */
    assert_true(next_ms(in) < now + HOUR_MS);
}

/* Its keeper's word, in a node row, is worth more than a clock. */
static void a_row_far_ahead_that_is_below_the_numbers_mark_needs_no_word(void **state)
{
    struct inside *in = *state;
    uint64_t ms = jt_keeper_now_ms() + 2 * HOUR_MS;
    struct row row = inside_forge(in, 1, id_at(ms, NODE));
    in->k->state.node_marks[NODE] = ms - 1;
    assert_int_equal(inside_join(in, NODE, &row, 1, false, &joined), JT_ERR_IDS_AHEAD);
    in->k->state.node_marks[NODE] = ms + 1000;
    assert_int_equal(inside_join(in, NODE, &row, 1, false, &joined), JT_OK);
    assert_true(next_ms(in) > ms + 1000);
}

static void at_the_end_of_time_sealing_is_refused(void **state)
{
    struct inside *in = *state;
    struct row row = inside_forge(in, 1, id_at(JT_IDMINT_END_MS - 1, NODE));
    assert_int_equal(inside_join(in, NODE, &row, 1, true, &joined), JT_OK);
    const struct jt_seal_item item = {
        .field = FIELD, .value = { .kind = JT_FIELD_PAN, .bytes = row.pan, .len = 8 }
    };
    const struct jt_seal_request request = { .items = &item, .n = 1 };
    struct jt_reader reply;
    jt_seal_request_encode(&request, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_SEAL, &reply), JT_ERR_IDS_SPENT);
}

static void a_clean_end_leaves_the_mark_that_was_used(void **state)
{
    struct inside *in = *state;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    uint64_t used = next_ms(in);
    assert_true(in->k->state.id_mark > used); /* it runs ahead */
    assert_true(in->k->state.id_mark <= used + JT_IDMINT_AHEAD_MS);
    inside_restart(in, true);
    assert_true(in->k->state.id_mark == used);
    inside_restart(in, true); /* and one that minted nothing leaves it as it is */
    assert_true(in->k->state.id_mark == used);
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    assert_true(next_ms(in) > used);
}

/* A front that comes back to a keeper that went on running. */
static void joining_again_changes_nothing(void **state)
{
    struct inside *in = *state;
    struct row rows[2];
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(in, 1, true, &rows[0], 1);
    assert_int_equal(inside_join(in, NODE, rows, 1, false, &joined), JT_OK);
    inside_seal(in, 2, true, &rows[1], 1);
    assert_true(rows[1].id > rows[0].id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_KEEPER(before_a_join_nothing_is_minted),
        IN_A_KEEPER(accepting_a_ring_tells_whether_the_node_has_joined),
        IN_A_KEEPER(the_node_row_is_maced_in_all_its_parts),
        IN_A_KEEPER(the_number_is_pinned_over_restarts),
        IN_A_KEEPER(ids_go_on_beyond_the_newest_row),
        IN_A_KEEPER(a_mark_older_than_the_newest_row_is_moved),
        IN_A_KEEPER(a_planted_row_that_does_not_open_moves_nothing),
        IN_A_KEEPER(where_no_row_of_a_key_id_opens_the_join_is_refused),
        IN_A_KEEPER(of_a_generation_that_drains_no_row_need_open),
        IN_A_KEEPER(a_retired_generations_rows_are_stale),
        IN_A_KEEPER(a_row_without_an_envelope_is_refused),
        IN_A_KEEPER(opened_rows_are_wiped),
        IN_A_KEEPER(a_row_more_than_an_hour_ahead_needs_the_operators_word),
        IN_A_KEEPER(rows_of_other_nodes_far_ahead_are_not_followed),
        IN_A_KEEPER(a_row_far_ahead_that_is_below_the_numbers_mark_needs_no_word),
        IN_A_KEEPER(at_the_end_of_time_sealing_is_refused),
        IN_A_KEEPER(a_clean_end_leaves_the_mark_that_was_used),
        IN_A_KEEPER(joining_again_changes_nothing),
    };
    return cmocka_run_group_tests_name("keeper/op_node", tests, NULL, NULL);
}
