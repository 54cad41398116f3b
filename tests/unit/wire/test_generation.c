/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/generation.h"

#include "message.h"
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum jt_err decode_row(struct jt_reader *in)
{
    struct jt_generation_row row;
    enum jt_err err = jt_generation_row_decode(in, &row);
    return err == JT_OK ? jt_wire_end(in) : err;
}

static enum jt_err decode_create(struct jt_reader *in)
{
    struct jt_generation_create create;
    return jt_generation_create_decode(in, &create);
}

static enum jt_err decode_abandon(struct jt_reader *in)
{
    struct jt_generation_row row;
    return jt_generation_abandon_decode(in, &row);
}

static enum jt_err decode_ack_request(struct jt_reader *in)
{
    struct jt_ack_request request;
    return jt_ack_request_decode(in, &request);
}

static enum jt_err decode_ack_claim(struct jt_reader *in)
{
    struct jt_ack_claim claim;
    return jt_ack_claim_decode(in, &claim);
}

static enum jt_err decode_challenge_request(struct jt_reader *in)
{
    struct jt_generation_row row;
    return jt_ack_challenge_request_decode(in, &row);
}

static enum jt_err decode_challenge(struct jt_reader *in)
{
    struct jt_ack_challenge challenge;
    return jt_ack_challenge_decode(in, &challenge);
}

static struct jt_generation_row sample(void)
{
    struct jt_generation_row row = {
        .number = 0x1122334455667788, .key_id = 9, .state = 2, .mac_epoch = 12
    };
    message_fill(row.check_value, sizeof row.check_value, 1);
    message_fill(row.mac, sizeof row.mac, 2);
    return row;
}

static void row_round_trip(void **state)
{
    (void)state;
    struct jt_generation_row row = sample();
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_generation_row_encode(&row, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_generation_row back;
    assert_int_equal(jt_generation_row_decode(&in, &back), JT_OK);
    assert_true(back.number == row.number);
    assert_int_equal(back.key_id, 9);
    assert_int_equal(back.state, 2);
    assert_int_equal(back.mac_epoch, 12);
    assert_memory_equal(back.check_value, row.check_value, sizeof row.check_value);
    assert_memory_equal(back.mac, row.mac, sizeof row.mac);
    message_refuses_truncation(&b, decode_row);
    message_survives_mutation(&b, decode_row, 1);
    jt_buf_clear(&b);
}

static void create_and_abandon_round_trip(void **state)
{
    (void)state;
    struct jt_generation_create create = { .db_highest = 41 };
    message_fill(create.used_key_ids, sizeof create.used_key_ids, 1);
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_generation_create_encode(&create, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_generation_create back;
    assert_int_equal(jt_generation_create_decode(&in, &back), JT_OK);
    assert_int_equal(back.db_highest, 41);
    assert_memory_equal(back.used_key_ids, create.used_key_ids, 32);
    message_refuses_truncation(&b, decode_create);

    jt_buf_reset(&b);
    const struct jt_generation_row row = { .number = 77, .key_id = 7, .state = 1, .mac_epoch = 5 };
    jt_generation_abandon_encode(&row, &b);
    message_refuses_truncation(&b, decode_abandon);
    struct jt_generation_row row_back;
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_generation_abandon_decode(&in, &row_back), JT_OK);
    assert_int_equal(row_back.number, 77);
    assert_int_equal(row_back.key_id, 7);
    jt_buf_clear(&b);
}

static void acknowledgements_round_trip(void **state)
{
    (void)state;
    struct jt_ack_request request = { .generation = sample(), .node = "node1" };
    message_fill(request.challenge, sizeof request.challenge, 5);
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_ack_request_encode(&request, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_ack_request back;
    assert_int_equal(jt_ack_request_decode(&in, &back), JT_OK);
    assert_string_equal(back.node, "node1");
    assert_memory_equal(back.challenge, request.challenge, sizeof request.challenge);
    message_refuses_truncation(&b, decode_ack_request);
    message_survives_mutation(&b, decode_ack_request, 2);

    struct jt_ack ack = { .node = "node1" };
    message_fill(ack.incarnation, sizeof ack.incarnation, 6);
    message_fill(ack.challenge, sizeof ack.challenge, 7);
    message_fill(ack.mac, sizeof ack.mac, 8);
    const struct jt_ack_claim claim = {
        request.generation, ack, { .spec = { .name = "node1", .number = 4 }, .id_mark = 8 }
    };
    struct jt_ack_claim claim_back;
    jt_buf_reset(&b);
    jt_ack_claim_encode(&claim, &b);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_ack_claim_decode(&in, &claim_back), JT_OK);
    assert_int_equal(claim_back.generation.key_id, 9);
    assert_string_equal(claim_back.ack.node, "node1");
    assert_memory_equal(claim_back.ack.mac, ack.mac, sizeof ack.mac);
    assert_int_equal(claim_back.node.spec.number, 4);
    assert_int_equal(claim_back.node.id_mark, 8);
    message_refuses_truncation(&b, decode_ack_claim);
    message_survives_mutation(&b, decode_ack_claim, 3);
    jt_buf_clear(&b);
}

static void challenges_round_trip(void **state)
{
    (void)state;
    const struct jt_generation_row row = sample();
    struct jt_generation_row row_back;
    struct jt_ack_challenge challenge, back;
    message_fill(challenge.bytes, sizeof challenge.bytes, 5);
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_ack_challenge_request_encode(&row, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_ack_challenge_request_decode(&in, &row_back), JT_OK);
    assert_true(row_back.number == row.number);
    message_refuses_truncation(&b, decode_challenge_request);
    jt_buf_reset(&b);
    jt_ack_challenge_encode(&challenge, &b);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_ack_challenge_decode(&in, &back), JT_OK);
    assert_memory_equal(back.bytes, challenge.bytes, sizeof back.bytes);
    message_refuses_truncation(&b, decode_challenge);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_round_trip),
        cmocka_unit_test(create_and_abandon_round_trip),
        cmocka_unit_test(acknowledgements_round_trip),
        cmocka_unit_test(challenges_round_trip),
    };
    return cmocka_run_group_tests_name("wire/generation", tests, NULL, NULL);
}
