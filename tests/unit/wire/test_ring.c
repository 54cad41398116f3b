/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ring.h"

#include "message.h"
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum jt_err decode_row(struct jt_reader *in)
{
    struct jt_ring_row row;
    enum jt_err err = jt_ring_row_decode(in, &row);
    return err == JT_OK ? jt_wire_end(in) : err;
}

static enum jt_err decode_propose(struct jt_reader *in)
{
    struct jt_ring_propose propose;
    return jt_ring_propose_decode(in, &propose);
}

static enum jt_err decode_proposal(struct jt_reader *in)
{
    struct jt_ring_proposal proposal;
    return jt_ring_proposal_decode(in, &proposal);
}

/* The body has no status to return but this one. */
static enum jt_err decode_body(struct jt_reader *in)
{
    struct jt_ring ring;
    return jt_ring_decode(in->p, in->left, &ring) == JT_OK ? JT_OK : JT_ERR_PROTOCOL;
}

static struct jt_ring sample(void)
{
    struct jt_ring ring = { .development = true, .epoch = 9, .highest = 5, .n = 3 };
    ring.entries[0] = (struct jt_ring_entry){
        .number = 2, .key_id = 7, .state = JT_GENERATION_RETIRED, .compromised = true
    };
    ring.entries[1] =
        (struct jt_ring_entry){ .number = 3, .key_id = 1, .state = JT_GENERATION_DRAINING };
    ring.entries[2] =
        (struct jt_ring_entry){ .number = 5, .key_id = 2, .state = JT_GENERATION_ACTIVE };
    message_fill(ring.root_check_value, JT_CHECK_VALUE_LEN, 77);
    for (size_t i = 0; i < 3; i++) {
        message_fill(ring.entries[i].check_value, JT_CHECK_VALUE_LEN, (uint8_t)i);
    }
    return ring;
}

static enum jt_err encode_then_decode(const struct jt_ring *ring)
{
    struct jt_buf b;
    jt_buf_init(&b, 5000);
    jt_ring_encode(ring, &b);
    struct jt_ring back;
    enum jt_err err = jt_ring_decode(b.data, b.len, &back);
    jt_buf_clear(&b);
    return err;
}

static void body_round_trip(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    struct jt_buf b;
    jt_buf_init(&b, 5000);
    jt_ring_encode(&ring, &b);
    assert_int_equal(b.len, JT_RING_HEAD_LEN + 3 * JT_RING_ENTRY_LEN);
    assert_int_equal(b.data[0], 2);
    struct jt_ring back;
    assert_int_equal(jt_ring_decode(b.data, b.len, &back), JT_OK);
    assert_true(back.development);
    assert_int_equal(back.epoch, 9);
    assert_int_equal(back.highest, 5);
    assert_int_equal(back.n, 3);
    assert_memory_equal(back.root_check_value, ring.root_check_value, JT_CHECK_VALUE_LEN);
    assert_true(back.entries[0].compromised);
    assert_int_equal(jt_ring_find(&back, 3)->key_id, 1);
    assert_null(jt_ring_find(&back, 4));
    assert_int_equal(jt_ring_active(&back)->number, 5);
    message_refuses_truncation(&b, decode_body);
    message_survives_mutation(&b, decode_body, 1);
    b.data[0] = 1; /* the format before */
    assert_int_equal(jt_ring_decode(b.data, b.len, &back), JT_ERR_INVALID);
    jt_buf_clear(&b);
}

static enum jt_err decode_accepted(struct jt_reader *in)
{
    bool joined;
    return jt_ring_accepted_decode(in, &joined);
}

static void accepting_tells_whether_the_node_has_joined(void **state)
{
    (void)state;
    for (int sent = 0; sent < 2; sent++) {
        struct jt_buf b;
        jt_buf_init(&b, 10);
        jt_ring_accepted_encode(sent != 0, &b);
        struct jt_reader in = jt_reader_init(b.data, b.len);
        bool joined;
        assert_int_equal(jt_ring_accepted_decode(&in, &joined), JT_OK);
        assert_int_equal(joined, sent != 0);
        message_refuses_truncation(&b, decode_accepted);
        b.data[0] |= 2; /* an unknown flag */
        in = jt_reader_init(b.data, b.len);
        assert_int_equal(jt_ring_accepted_decode(&in, &joined), JT_ERR_PROTOCOL);
        jt_buf_clear(&b);
    }
}

static void only_a_valid_ring_is_decoded(void **state)
{
    (void)state;
    struct jt_ring ring = sample();
    assert_int_equal(encode_then_decode(&ring), JT_OK);
    ring.highest = 4; /* the rest: tests/unit/model/test_ring.c */
    assert_int_equal(encode_then_decode(&ring), JT_ERR_INVALID);
}

static struct jt_ring_row sample_row(void)
{
    struct jt_ring_row row = { .epoch = 9, .body_len = 39 };
    message_fill(row.body, row.body_len, 1);
    message_fill(row.mac, sizeof row.mac, 2);
    return row;
}

static void rows_and_proposals_round_trip(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 5000);
    struct jt_ring_row row = sample_row();
    jt_ring_row_encode(&row, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_ring_row back;
    assert_int_equal(jt_ring_row_decode(&in, &back), JT_OK);
    assert_int_equal(back.epoch, 9);
    assert_int_equal(back.body_len, 39);
    assert_memory_equal(back.body, row.body, 39);
    assert_memory_equal(back.mac, row.mac, sizeof row.mac);
    message_refuses_truncation(&b, decode_row);
    message_survives_mutation(&b, decode_row, 2);

    struct jt_ring_propose propose = { .current = row,
                                       .generation = { .number = 4 },
                                       .step = JT_RING_ACTIVATE };
    jt_buf_reset(&b);
    jt_ring_propose_encode(&propose, &b);
    message_refuses_truncation(&b, decode_propose);
    message_survives_mutation(&b, decode_propose, 3);

    struct jt_ring_proposal proposal = { .next = row,
                                         .n_rows = 2,
                                         .rows = { { .number = 4 }, { .number = 3 } } };
    jt_buf_reset(&b);
    jt_ring_proposal_encode(&proposal, &b);
    struct jt_ring_proposal proposal_back;
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_ring_proposal_decode(&in, &proposal_back), JT_OK);
    assert_int_equal(proposal_back.n_rows, 2);
    assert_int_equal(proposal_back.rows[1].number, 3);
    message_refuses_truncation(&b, decode_proposal);
    message_survives_mutation(&b, decode_proposal, 4);
    jt_buf_clear(&b);
}

static void a_body_longer_than_any_ring_is_refused(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 10000);
    jt_buf_u64(&b, 1);
    jt_buf_u16(&b, JT_RING_BODY_MAX + 1);
    assert_non_null(jt_buf_append(&b, JT_RING_BODY_MAX + 1 + 16));
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_row(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_round_trip),
        cmocka_unit_test(only_a_valid_ring_is_decoded),
        cmocka_unit_test(rows_and_proposals_round_trip),
        cmocka_unit_test(accepting_tells_whether_the_node_has_joined),
        cmocka_unit_test(a_body_longer_than_any_ring_is_refused),
    };
    return cmocka_run_group_tests_name("wire/ring", tests, NULL, NULL);
}
