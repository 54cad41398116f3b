/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/match.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_match_item items[JT_WIRE_MAX_ITEMS + 1];
static struct jt_match_result results[3];

static enum jt_err decode_request(struct jt_reader *in)
{
    size_t n;
    return jt_match_request_decode(in, items, &n);
}

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_match_reply reply = { .results = results };
    return jt_match_reply_decode(in, 3, &reply);
}

static void request_round_trip(void **state)
{
    (void)state;
    uint8_t fingerprint[16];
    uint8_t pan[10];
    uint8_t envelope[300];
    message_fill(fingerprint, sizeof fingerprint, 1);
    message_fill(pan, sizeof pan, 3);
    message_fill(envelope, sizeof envelope, 2);
    const struct jt_match_item asked[2] = {
        { .field = 7,
          .id = 1,
          .fingerprint = fingerprint,
          .value = { .kind = JT_FIELD_PAN, .bytes = pan, .len = 8 },
          .envelope = envelope,
          .envelope_len = 25 },
        { .field = 8,
          .id = INT64_MAX,
          .fingerprint = fingerprint,
          .value = { .kind = JT_FIELD_PAN, .bytes = pan, .len = 0 },
          .envelope = envelope,
          .envelope_len = 300 },
    };
    struct jt_buf b;
    jt_buf_init(&b, 10000);
    jt_match_request_encode(asked, 2, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    size_t n;
    assert_int_equal(jt_match_request_decode(&in, items, &n), JT_OK);
    assert_int_equal(n, 2);
    assert_int_equal(items[0].field, 7);
    assert_int_equal(items[0].value.len, 8);
    assert_memory_equal(items[0].value.bytes, pan, 8);
    assert_true(items[1].id == INT64_MAX);
    assert_memory_equal(items[1].fingerprint, fingerprint, 16);
    assert_int_equal(items[1].value.len, 0);
    assert_int_equal(items[1].envelope_len, 300);
    assert_memory_equal(items[1].envelope, envelope, 300);
    message_refuses_truncation(&b, decode_request);
    message_survives_mutation(&b, decode_request, 1);
    jt_buf_clear(&b);
}

static void more_items_than_the_bound_are_refused(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_match_request_encode(items, JT_WIRE_MAX_ITEMS + 1, &b);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_reset(&b);
    jt_buf_u16(&b, JT_WIRE_MAX_ITEMS + 1);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_request(&in), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

static void reply_round_trip(void **state)
{
    (void)state;
    uint8_t token[16];
    message_fill(token, sizeof token, 2);
    struct jt_match_result made[3] = {
        { .err = JT_OK, .token = token },
        { .err = JT_ERR_DECRYPT },
        { .err = JT_ERR_RING_MOVED },
    };
    struct jt_match_reply sent = { .epoch = 9, .n = 3, .results = made };
    struct jt_buf b;
    jt_buf_init(&b, 10000);
    jt_match_reply_encode(&sent, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_match_reply reply = { .results = results };
    assert_int_equal(jt_match_reply_decode(&in, 3, &reply), JT_OK);
    assert_int_equal(reply.epoch, 9);
    assert_memory_equal(results[0].token, token, 16);
    assert_int_equal(results[1].err, JT_ERR_DECRYPT);
    assert_null(results[1].token);
    assert_int_equal(results[2].err, JT_ERR_RING_MOVED);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_match_reply_decode(&in, 2, &reply), JT_ERR_PROTOCOL);
    message_refuses_truncation(&b, decode_reply);
    message_survives_mutation(&b, decode_reply, 2);
    jt_buf_clear(&b);
}

static void a_status_that_the_verb_does_not_have_is_refused(void **state)
{
    (void)state;
    struct jt_match_result made[3] = { { .err = JT_ERR_DECRYPT },
                                       { .err = JT_ERR_INVALID },
                                       { .err = JT_ERR_RING_MOVED } };
    struct jt_match_reply sent = { .epoch = 9, .n = 3, .results = made };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_match_reply_encode(&sent, &b);
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
        cmocka_unit_test(a_status_that_the_verb_does_not_have_is_refused),
    };
    return cmocka_run_group_tests_name("wire/match", tests, NULL, NULL);
}
