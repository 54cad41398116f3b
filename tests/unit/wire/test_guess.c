/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/guess.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t card[8] = { 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };
static struct jt_guess_item items[JT_WIRE_MAX_ITEMS + 1];
static struct jt_guess_result results[2];

static enum jt_err decode_request(struct jt_reader *in)
{
    struct jt_guess_request request;
    return jt_guess_request_decode(in, items, &request);
}

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_guess_reply reply = { .results = results };
    return jt_guess_reply_decode(in, 2, &reply);
}

static void request_round_trip(void **state)
{
    (void)state;
    const struct jt_guess_item asked[2] = { { "app", card, 3, 8 }, { "shop", card + 1, 4, 7 } };
    const struct jt_guess_request sent = { JT_GUESS_TOKENIZE, 20000, asked, 2 };
    struct jt_guess_request got;
    struct jt_buf b;
    jt_buf_init(&b, 10000);
    jt_guess_request_encode(&sent, &b);
    assert_int_equal(b.len, 1 + 4 + 2 + (1 + 3 + 1 + 8) + (1 + 4 + 1 + 7));
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_guess_request_decode(&in, items, &got), JT_OK);
    assert_int_equal(got.n, 2);
    assert_int_equal(got.act, JT_GUESS_TOKENIZE);
    assert_int_equal(got.day, 20000);
    assert_int_equal(items[1].client_len, 4);
    assert_memory_equal(items[1].client, "shop", 4);
    assert_int_equal(items[1].packed_len, 7);
    assert_memory_equal(items[1].packed, card + 1, 7);
    message_refuses_truncation(&b, decode_request);
    jt_buf_clear(&b);
}

/* As a request with one item, whose bytes from `at` on are changed. */
static enum jt_err decode_changed(size_t at, uint8_t byte)
{
    const struct jt_guess_item asked[1] = { { "app", card, 3, 8 } };
    const struct jt_guess_request sent = { JT_GUESS_LOOKUP, 1, asked, 1 };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_guess_request_encode(&sent, &b);
    b.data[at] = byte;
    struct jt_reader in = jt_reader_init(b.data, b.len);
    enum jt_err err = decode_request(&in);
    jt_buf_clear(&b);
    return err;
}

static void other_acts_and_names_are_refused(void **state)
{
    (void)state;
    assert_int_equal(decode_changed(0, JT_GUESS_LOOKUP), JT_OK);
    assert_int_equal(decode_changed(0, 0), JT_ERR_PROTOCOL);
    assert_int_equal(decode_changed(0, JT_GUESS_TOKENIZE + 1), JT_ERR_PROTOCOL);
    assert_int_equal(decode_changed(9, '\0'), JT_ERR_PROTOCOL);
    assert_int_equal(decode_changed(7, JT_CLIENT_ID_MAX + 1), JT_ERR_PROTOCOL);
}

static void more_items_than_the_bound_are_refused(void **state)
{
    (void)state;
    struct jt_buf b;
    struct jt_guess_request request = { JT_GUESS_LOOKUP, 1, items, JT_WIRE_MAX_ITEMS + 1 };
    jt_buf_init(&b, 1000);
    jt_guess_request_encode(&request, &b);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_reset(&b);
    jt_buf_u8(&b, JT_GUESS_LOOKUP);
    jt_buf_u32(&b, 1);
    jt_buf_u16(&b, JT_WIRE_MAX_ITEMS + 1);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_guess_request_decode(&in, items, &request), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

static void reply_round_trip(void **state)
{
    (void)state;
    struct jt_guess_result macs[2] = { { { 1 }, { 2 } }, { { 3 }, { 4 } } };
    struct jt_guess_reply reply = { .n = 2, .results = macs };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_guess_reply_encode(&reply, &b);
    assert_int_equal(b.len, 2 + 2 * 32);
    reply = (struct jt_guess_reply){ .results = results };
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_guess_reply_decode(&in, 2, &reply), JT_OK);
    assert_memory_equal(results, macs, sizeof macs);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_guess_reply_decode(&in, 1, &reply), JT_ERR_PROTOCOL);
    message_refuses_truncation(&b, decode_reply);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_round_trip),
        cmocka_unit_test(other_acts_and_names_are_refused),
        cmocka_unit_test(more_items_than_the_bound_are_refused),
        cmocka_unit_test(reply_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
