/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/identify.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_identify_item items[JT_WIRE_MAX_ITEMS + 1];
static struct jt_identify_result results[2];

static enum jt_err decode_request(struct jt_reader *in)
{
    size_t n;
    return jt_identify_request_decode(in, items, &n);
}

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_identify_reply reply = { .results = results };
    return jt_identify_reply_decode(in, 2, &reply);
}

static void request_round_trip(void **state)
{
    (void)state;
    uint8_t token[16];
    message_fill(token, sizeof token, 1);
    const struct jt_identify_item asked[2] = { { .field = 7, .token = token },
                                               { .field = UINT32_MAX, .token = token } };
    struct jt_buf b;
    jt_buf_init(&b, 10000);
    jt_identify_request_encode(asked, 2, &b);
    assert_int_equal(b.len, 2 + 2 * 20);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    size_t n;
    assert_int_equal(jt_identify_request_decode(&in, items, &n), JT_OK);
    assert_int_equal(n, 2);
    assert_int_equal(items[0].field, 7);
    assert_true(items[1].field == UINT32_MAX);
    assert_memory_equal(items[1].token, token, 16);
    message_refuses_truncation(&b, decode_request);
    message_survives_mutation(&b, decode_request, 1);
    jt_buf_clear(&b);
}

static void more_items_than_the_bound_are_refused(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_identify_request_encode(items, JT_WIRE_MAX_ITEMS + 1, &b);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_reset(&b);
    jt_buf_u16(&b, JT_WIRE_MAX_ITEMS + 1);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_request(&in), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

/* Encodes a reply of two results, the first of which has this id. */
static void encode_reply(struct jt_buf *b, uint64_t id, enum jt_err second, uint8_t n_live)
{
    static uint8_t tok[JT_TOK_LEN];
    message_fill(tok, sizeof tok, 3);
    struct jt_identify_result made[2] = { { .err = JT_OK, .id = id, .tok = tok },
                                          { .err = second } };
    struct jt_identify_reply sent = {
        .epoch = 9, .n_live = n_live, .live = { 3, 200 }, .n = 2, .results = made
    };
    jt_buf_init(b, 1000);
    jt_identify_reply_encode(&sent, b);
}

static void reply_round_trip(void **state)
{
    (void)state;
    struct jt_buf b;
    encode_reply(&b, INT64_MAX, JT_ERR_NO_TOKEN, 2);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_identify_reply reply = { .results = results };
    assert_int_equal(jt_identify_reply_decode(&in, 2, &reply), JT_OK);
    assert_int_equal(reply.epoch, 9);
    assert_int_equal(reply.n_live, 2);
    assert_int_equal(reply.live[0], 3);
    assert_int_equal(reply.live[1], 200);
    assert_true(results[0].id == INT64_MAX);
    assert_int_equal(results[1].err, JT_ERR_NO_TOKEN);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_identify_reply_decode(&in, 1, &reply), JT_ERR_PROTOCOL);
    message_refuses_truncation(&b, decode_reply);
    message_survives_mutation(&b, decode_reply, 2);
    jt_buf_clear(&b);
}

static void a_numeric_token_has_a_tok_and_no_id(void **state)
{
    (void)state;
    struct jt_buf b;
    uint8_t tok[JT_TOK_LEN];
    message_fill(tok, sizeof tok, 3);
    encode_reply(&b, 0, JT_ERR_NO_TOKEN, 2);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_identify_reply reply = { .results = results };
    assert_int_equal(jt_identify_reply_decode(&in, 2, &reply), JT_OK);
    assert_true(results[0].err == JT_OK && results[0].id == 0);
    assert_memory_equal(results[0].tok, tok, sizeof tok);
    message_refuses_truncation(&b, decode_reply);
    message_survives_mutation(&b, decode_reply, 2);
    jt_buf_clear(&b);
}

static void bad_values_in_a_reply_are_refused(void **state)
{
    (void)state;
    const struct {
        uint64_t id;
        enum jt_err second;
        uint8_t n_live;
        enum jt_err expected;
    } cases[] = {
        { 1, JT_ERR_NO_TOKEN, JT_RING_MAX_LIVE, JT_OK },
        { 0, JT_ERR_NO_TOKEN, 1, JT_OK }, /* numeric: with a tok */
        { UINT64_C(1) << 63, JT_ERR_NO_TOKEN, 1, JT_ERR_PROTOCOL },
        { 1, JT_ERR_DECRYPT, 1, JT_ERR_PROTOCOL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct jt_buf b;
        encode_reply(&b, cases[i].id, cases[i].second, cases[i].n_live);
        struct jt_reader in = jt_reader_init(b.data, b.len);
        assert_int_equal(decode_reply(&in), cases[i].expected);
        jt_buf_clear(&b);
    }
    struct jt_buf b;
    encode_reply(&b, 1, JT_ERR_NO_TOKEN, 2);
    b.data[8] = JT_RING_MAX_LIVE + 1;
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_reply(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_round_trip),
        cmocka_unit_test(more_items_than_the_bound_are_refused),
        cmocka_unit_test(reply_round_trip),
        cmocka_unit_test(a_numeric_token_has_a_tok_and_no_id),
        cmocka_unit_test(bad_values_in_a_reply_are_refused),
    };
    return cmocka_run_group_tests_name("wire/identify", tests, NULL, NULL);
}
