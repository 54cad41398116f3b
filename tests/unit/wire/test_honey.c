/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/honey.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_honey_sealed sealed;
static struct jt_honey_accepted accepted;
static struct jt_honey_order order;
static struct jt_honey_tokens tokens;

/* Those that leave what follows unread are whole messages for whoever ends behind them. */
static enum jt_err decode_sealed(struct jt_reader *in)
{
    enum jt_err err = jt_honey_sealed_decode(in, &sealed);
    return err == JT_OK && !jt_reader_done(in) ? JT_ERR_PROTOCOL : err;
}

static enum jt_err decode_accepted(struct jt_reader *in)
{
    enum jt_err err = jt_honey_accepted_decode(in, &accepted);
    return err == JT_OK && !jt_reader_done(in) ? JT_ERR_PROTOCOL : err;
}

static enum jt_err decode_tokens(struct jt_reader *in)
{
    enum jt_err err = jt_honey_tokens_decode(in, &tokens);
    return err == JT_OK && !jt_reader_done(in) ? JT_ERR_PROTOCOL : err;
}

static enum jt_err decode_change(struct jt_reader *in)
{
    return jt_honey_change_decode(in, &order);
}

static enum jt_err decode_list(struct jt_reader *in)
{
    return jt_honey_list_decode(in, &order);
}

static void a_set_is_whole_or_none(void **state)
{
    (void)state;
    static struct jt_honey_sealed sent = { .len = JT_HONEY_SEALED_LEN };
    struct jt_buf b;
    message_fill(sent.bytes, sizeof sent.bytes, 3);
    jt_buf_init(&b, 2 * JT_HONEY_SEALED_LEN);
    jt_honey_sealed_encode(&sent, &b);
    assert_int_equal(b.len, 2 + 12326);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_sealed(&in), JT_OK);
    assert_memory_equal(&sealed, &sent, sizeof sent);
    in = jt_reader_init(b.data, b.len - 1);
    assert_int_equal(decode_sealed(&in), JT_ERR_PROTOCOL);
    b.data[1]--; /* another length */
    in = jt_reader_init(b.data, b.len - 1);
    assert_int_equal(decode_sealed(&in), JT_ERR_PROTOCOL);
    jt_buf_reset(&b);
    sent.len = 0;
    jt_honey_sealed_encode(&sent, &b);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_sealed(&in), JT_OK);
    assert_int_equal(sealed.len, 0);
    jt_buf_clear(&b);
}

static void a_verdict_is_one_of_four(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 100);
    const struct jt_honey_accepted sent = { .verdict = JT_HONEY_OLDER };
    jt_honey_accepted_encode(&sent, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_accepted(&in), JT_OK);
    assert_int_equal(accepted.verdict, JT_HONEY_OLDER);
    message_refuses_truncation(&b, decode_accepted);
    for (int verdict = 0; verdict < 256; verdict++) {
        b.data[0] = (uint8_t)verdict;
        in = jt_reader_init(b.data, b.len);
        assert_int_equal(decode_accepted(&in),
                         verdict >= 1 && verdict <= 4 ? JT_OK : JT_ERR_PROTOCOL);
    }
    jt_buf_clear(&b);
}

static void orders_round_trip_and_their_secret_goes_when_they_are_malformed(void **state)
{
    (void)state;
    static const uint8_t nothing[JT_CLIENT_SECRET_LEN];
    struct jt_honey_order sent = {
        .act = JT_HONEY_REMOVE, .field = 7, .who.spec.id = "operator", .who.state = JT_ROW_ACTIVE
    };
    struct jt_buf b;
    message_fill(sent.secret, sizeof sent.secret, 5);
    message_fill(sent.token, sizeof sent.token, 6);
    jt_buf_init(&b, 4096);
    jt_honey_change_encode(&sent, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_change(&in), JT_OK);
    assert_int_equal(order.act, JT_HONEY_REMOVE);
    assert_int_equal(order.field, 7);
    assert_memory_equal(order.secret, sent.secret, sizeof sent.secret);
    assert_memory_equal(order.token, sent.token, sizeof sent.token);
    assert_string_equal(order.who.spec.id, "operator");
    message_refuses_truncation(&b, decode_change);
    assert_memory_equal(order.secret, nothing, sizeof nothing);
    b.data[b.len - JT_TOKEN_LEN - 4 - 1] = JT_HONEY_LIST; /* the act */
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_change(&in), JT_ERR_PROTOCOL);
    assert_memory_equal(order.secret, nothing, sizeof nothing);
    jt_buf_reset(&b);
    jt_honey_list_encode(&sent, &b);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_list(&in), JT_OK);
    assert_memory_equal(order.secret, sent.secret, sizeof sent.secret);
    message_refuses_truncation(&b, decode_list);
    jt_buf_clear(&b);
}

static void a_list_has_so_many_tokens_at_most(void **state)
{
    (void)state;
    static struct jt_honey_tokens sent = { .n = 2, .marks = { { 1, { 2 } }, { 3, { 4 } } } };
    struct jt_buf b;
    jt_buf_init(&b, 100000);
    jt_honey_tokens_encode(&sent, &b);
    assert_int_equal(b.len, 2 + 2 * 20);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_tokens(&in), JT_OK);
    assert_int_equal(tokens.n, 2);
    assert_int_equal(tokens.marks[1].field, 3);
    assert_int_equal(tokens.marks[1].token[0], 4);
    message_refuses_truncation(&b, decode_tokens);
    b.data[0] = 0xFF;
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_tokens(&in), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_whole_or_none),
        cmocka_unit_test(a_verdict_is_one_of_four),
        cmocka_unit_test(orders_round_trip_and_their_secret_goes_when_they_are_malformed),
        cmocka_unit_test(a_list_has_so_many_tokens_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
