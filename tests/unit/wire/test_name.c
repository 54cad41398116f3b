/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/name.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_name_item items[JT_WIRE_MAX_ITEMS + 1];
static struct jt_name_result results[2];

static enum jt_err decode_request(struct jt_reader *in)
{
    size_t n;
    return jt_name_request_decode(in, items, &n);
}

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_name_reply reply = { .results = results };
    return jt_name_reply_decode(in, 2, &reply);
}

static void request_round_trip(void **state)
{
    (void)state;
    const struct jt_name_item asked[2] = { { 7, 1 }, { UINT32_MAX, INT64_MAX } };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_name_request_encode(asked, 2, &b);
    assert_int_equal(b.len, 2 + 2 * 12);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    size_t n;
    assert_int_equal(jt_name_request_decode(&in, items, &n), JT_OK);
    assert_int_equal(n, 2);
    assert_true(items[0].field == 7 && items[0].id == 1);
    assert_true(items[1].field == UINT32_MAX && items[1].id == INT64_MAX);
    message_refuses_truncation(&b, decode_request);
    message_survives_mutation(&b, decode_request, 1);
    jt_buf_clear(&b);
}

static void more_items_than_the_bound_are_refused(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_name_request_encode(items, JT_WIRE_MAX_ITEMS + 1, &b);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

static void reply_round_trip(void **state)
{
    (void)state;
    uint8_t token[JT_TOKEN_LEN];
    message_fill(token, sizeof token, 3);
    struct jt_name_result made[2] = { { JT_OK, token }, { .err = JT_ERR_NO_TOKEN } };
    const struct jt_name_reply sent = { 2, made };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_name_reply_encode(&sent, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_reply(&in), JT_OK);
    assert_memory_equal(results[0].token, token, sizeof token);
    assert_int_equal(results[1].err, JT_ERR_NO_TOKEN);
    struct jt_name_reply reply = { .results = results };
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_name_reply_decode(&in, 1, &reply), JT_ERR_PROTOCOL);
    message_refuses_truncation(&b, decode_reply);
    message_survives_mutation(&b, decode_reply, 2);
    b.data[b.len - 1] = JT_ERR_DECRYPT; /* no answer of this verb */
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_reply(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_round_trip),
        cmocka_unit_test(more_items_than_the_bound_are_refused),
        cmocka_unit_test(reply_round_trip),
    };
    return cmocka_run_group_tests_name("wire/name", tests, NULL, NULL);
}
