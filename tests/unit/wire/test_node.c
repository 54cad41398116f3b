/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/node.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_open_item items[JT_WIRE_MAX_JOIN_ROWS];

static enum jt_err decode_join(struct jt_reader *in)
{
    struct jt_node_join join;
    return jt_node_join_decode(in, items, &join);
}

static enum jt_err decode_joined(struct jt_reader *in)
{
    struct jt_node_joined joined;
    return jt_node_joined_decode(in, &joined);
}

static struct jt_node_spec sample(void)
{
    struct jt_node_spec spec = { .name = "node-1.example", .number = 255 };
    message_fill(spec.incarnation, sizeof spec.incarnation, 3);
    return spec;
}

static void request_round_trip(void **state)
{
    (void)state;
    uint8_t fingerprint[16];
    uint8_t envelope[25];
    message_fill(fingerprint, sizeof fingerprint, 1);
    message_fill(envelope, sizeof envelope, 2);
    const struct jt_open_item newest[2] = {
        { .field = 7,
          .id = INT64_MAX,
          .fingerprint = fingerprint,
          .envelope = envelope,
          .envelope_len = 25 },
        { .field = 8,
          .id = 1,
          .fingerprint = fingerprint,
          .envelope = envelope,
          .envelope_len = 0 },
    };
    const struct jt_node_join sent = {
        .spec = sample(), .accept_ahead = true, .renumbered = true, .newest = newest, .n = 2
    };
    struct jt_buf b;
    jt_buf_init(&b, 10000);
    jt_node_join_encode(&sent, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_node_join join;
    assert_int_equal(jt_node_join_decode(&in, items, &join), JT_OK);
    assert_string_equal(join.spec.name, "node-1.example");
    assert_int_equal(join.spec.number, 255);
    assert_memory_equal(join.spec.incarnation, sent.spec.incarnation, JT_INCARNATION_LEN);
    assert_true(join.accept_ahead);
    assert_true(join.renumbered);
    assert_int_equal(join.n, 2);
    assert_ptr_equal(join.newest, items);
    assert_true(items[0].id == INT64_MAX);
    assert_memory_equal(items[0].envelope, envelope, 25);
    assert_int_equal(items[1].envelope_len, 0);
    message_refuses_truncation(&b, decode_join);
    message_survives_mutation(&b, decode_join, 1);
    jt_buf_clear(&b);
}

static void bad_values_in_a_request_are_refused(void **state)
{
    (void)state;
    struct jt_node_join sent = { .spec = sample(), .n = JT_WIRE_MAX_JOIN_ROWS + 1 };
    struct jt_buf b;
    jt_buf_init(&b, 10000);
    jt_node_join_encode(&sent, &b);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_reset(&b);
    sent.n = 0;
    jt_node_join_encode(&sent, &b);
    size_t flags_at = 1 + strlen(sent.spec.name) + 1 + JT_INCARNATION_LEN;
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_join(&in), JT_OK);
    b.data[flags_at] = 4;
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_join(&in), JT_ERR_PROTOCOL);
    b.data[flags_at] = 0;
    jt_put_u16(b.data + flags_at + 1, JT_WIRE_MAX_JOIN_ROWS + 1);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_join(&in), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

static void reply_round_trip(void **state)
{
    (void)state;
    struct jt_node_joined sent = { .row = { .spec = sample(), .id_mark = 9, .mac_epoch = 5 },
                                   .newest_ms = UINT64_C(1) << 40 };
    message_fill(sent.row.keeper, sizeof sent.row.keeper, 5);
    message_fill(sent.row.mac, sizeof sent.row.mac, 6);
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_node_joined_encode(&sent, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_node_joined back;
    assert_int_equal(jt_node_joined_decode(&in, &back), JT_OK);
    assert_string_equal(back.row.spec.name, "node-1.example");
    assert_int_equal(back.row.spec.number, 255);
    assert_memory_equal(back.row.keeper, sent.row.keeper, JT_INCARNATION_LEN);
    assert_int_equal(back.row.id_mark, 9);
    assert_int_equal(back.row.mac_epoch, 5);
    assert_memory_equal(back.row.mac, sent.row.mac, JT_ROW_MAC_LEN);
    assert_true(back.newest_ms == UINT64_C(1) << 40);
    message_refuses_truncation(&b, decode_joined);
    message_survives_mutation(&b, decode_joined, 2);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_round_trip),
        cmocka_unit_test(bad_values_in_a_request_are_refused),
        cmocka_unit_test(reply_round_trip),
    };
    return cmocka_run_group_tests_name("wire/node", tests, NULL, NULL);
}
