/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/once.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_once_item items[JT_WIRE_MAX_ITEMS + 1];
static struct jt_once_result results[2];

static enum jt_err decode_request(struct jt_reader *in)
{
    size_t n;
    return jt_once_request_decode(in, items, &n);
}

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_once_reply reply = { .results = results };
    return jt_once_reply_decode(in, 2, &reply);
}

static void request_round_trip(void **state)
{
    (void)state;
    uint8_t digests[2][JT_ONCE_DIGEST_LEN];
    message_fill(digests[0], sizeof digests[0], 1);
    message_fill(digests[1], sizeof digests[1], 2);
    const struct jt_once_item asked[2] = { { digests[0] }, { digests[1] } };
    struct jt_buf b;
    size_t n;
    jt_buf_init(&b, 10000);
    jt_once_request_encode(asked, 2, &b);
    assert_int_equal(b.len, 2 + 2 * 32);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_once_request_decode(&in, items, &n), JT_OK);
    assert_int_equal(n, 2);
    assert_memory_equal(items[0].digest, digests[0], 32);
    assert_memory_equal(items[1].digest, digests[1], 32);
    message_refuses_truncation(&b, decode_request);
    jt_buf_clear(&b);
}

static void more_items_than_the_bound_are_refused(void **state)
{
    (void)state;
    struct jt_buf b;
    size_t n;
    jt_buf_init(&b, 1000);
    jt_once_request_encode(items, JT_WIRE_MAX_ITEMS + 1, &b);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_reset(&b);
    jt_buf_u16(&b, JT_WIRE_MAX_ITEMS + 1);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_once_request_decode(&in, items, &n), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

static void reply_round_trip(void **state)
{
    (void)state;
    struct jt_once_result macs[2] = { { { 1, 2 } }, { { 3, 4 } } };
    struct jt_once_reply reply = { .n = 2, .results = macs };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_once_reply_encode(&reply, &b);
    assert_int_equal(b.len, 2 + 2 * 16);
    reply = (struct jt_once_reply){ .results = results };
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_once_reply_decode(&in, 2, &reply), JT_OK);
    assert_memory_equal(results, macs, sizeof macs);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_once_reply_decode(&in, 1, &reply), JT_ERR_PROTOCOL);
    message_refuses_truncation(&b, decode_reply);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_round_trip),
        cmocka_unit_test(more_items_than_the_bound_are_refused),
        cmocka_unit_test(reply_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
