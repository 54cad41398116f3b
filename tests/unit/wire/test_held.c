/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/held.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_held_item items[JT_WIRE_MAX_HELD + 1];
static struct jt_held_result results[3];

static enum jt_err decode_request(struct jt_reader *in)
{
    size_t n;
    return jt_held_request_decode(in, items, &n);
}

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_held_reply reply = { .results = results };
    return jt_held_reply_decode(in, 3, &reply);
}

static void request_round_trip(void **state)
{
    (void)state;
    uint8_t bytes[JT_HELD_ROW_ID_MAX];
    message_fill(bytes, sizeof bytes, 1);
    const struct jt_held_item asked[2] = {
        { .field = 7,
          .row_id = bytes,
          .row_id_len = 255,
          .value = { .kind = JT_FIELD_BYTES, .bytes = bytes, .len = 200 } },
        { .field = 8,
          .row_id = bytes + 3,
          .row_id_len = 1,
          .value = { .kind = 0, .bytes = bytes, .len = 25 } },
    };
    struct jt_buf b;
    jt_buf_init(&b, 10000);
    jt_held_request_encode(asked, 2, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    size_t n;
    assert_int_equal(jt_held_request_decode(&in, items, &n), JT_OK);
    assert_int_equal(n, 2);
    assert_int_equal(items[0].row_id_len, 255);
    assert_memory_equal(items[0].row_id, bytes, 255);
    assert_int_equal(items[1].value.len, 25);
    message_refuses_truncation(&b, decode_request);
    message_survives_mutation(&b, decode_request, 1);
    jt_buf_reset(&b);
    struct jt_held_item nameless = asked[1];
    nameless.row_id_len = 0;
    jt_held_request_encode(&nameless, 1, &b);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_request(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
    jt_buf_init(&b, 1000);
    jt_held_request_encode(items, JT_WIRE_MAX_HELD + 1, &b);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

static void encode_reply(struct jt_buf *b, const struct jt_held_result *first)
{
    struct jt_held_result answered[3] = { *first,
                                          { .err = JT_ERR_DECRYPT },
                                          { .err = JT_ERR_RING_MOVED } };
    const struct jt_held_reply sent = {
        .epoch = 5, .active = { 3, 9 }, .n = 3, .results = answered
    };
    jt_buf_reset(b);
    jt_held_reply_encode(&sent, b);
}

static void reply_round_trip(void **state)
{
    (void)state;
    uint8_t bytes[40];
    message_fill(bytes, sizeof bytes, 1);
    bytes[0] = 9; /* the active key id */
    const struct jt_held_result good = {
        .generation = 2,
        .stale = true,
        .tag = bytes,
        .value = { .kind = JT_FIELD_BYTES, .bytes = bytes, .len = 8 },
        .envelope = bytes,
        .envelope_len = 25,
    };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    encode_reply(&b, &good);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_reply(&in), JT_OK);
    assert_true(results[0].generation == 2 && results[0].stale);
    assert_memory_equal(results[0].tag, bytes, JT_HELD_TAG_LEN);
    assert_int_equal(results[0].value.len, 8);
    assert_memory_equal(results[0].envelope, bytes, 25);
    assert_int_equal(results[1].err, JT_ERR_DECRYPT);
    assert_int_equal(results[2].err, JT_ERR_RING_MOVED);
    message_refuses_truncation(&b, decode_reply);
    message_survives_mutation(&b, decode_reply, 1);

    struct jt_held_result bad = good;
    bad.envelope = bytes + 1; /* under another key id than the active one's */
    encode_reply(&b, &bad);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_reply(&in), JT_ERR_PROTOCOL);
    bad = good;
    bad.envelope_len = 17; /* of nothing */
    encode_reply(&b, &bad);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_reply(&in), JT_ERR_PROTOCOL);
    bad = good;
    bad.value.kind = 7;
    encode_reply(&b, &bad);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_reply(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_round_trip),
        cmocka_unit_test(reply_round_trip),
    };
    return cmocka_run_group_tests_name("wire/held", tests, NULL, NULL);
}
