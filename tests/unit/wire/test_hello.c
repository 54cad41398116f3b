/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/hello.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum jt_err decode_request(struct jt_reader *in)
{
    uint16_t version;
    return jt_hello_decode(in, &version);
}

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_hello_reply reply;
    return jt_hello_reply_decode(in, &reply);
}

static void request_round_trip(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_hello_encode(0x1234, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    uint16_t version;
    assert_int_equal(jt_hello_decode(&in, &version), JT_OK);
    assert_int_equal(version, 0x1234);
    message_refuses_truncation(&b, decode_request);
    message_survives_mutation(&b, decode_request, 1);
    b.data[0] ^= 1;
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_hello_decode(&in, &version), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

static void reply_round_trip(void **state)
{
    (void)state;
    struct jt_hello_reply reply = { .version = 1, .max_frame = 12345 };
    message_fill(reply.incarnation, sizeof reply.incarnation, 3);
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_hello_reply_encode(&reply, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_hello_reply back;
    assert_int_equal(jt_hello_reply_decode(&in, &back), JT_OK);
    assert_int_equal(back.version, 1);
    assert_int_equal(back.max_frame, 12345);
    assert_memory_equal(back.incarnation, reply.incarnation, sizeof reply.incarnation);
    message_refuses_truncation(&b, decode_reply);
    message_survives_mutation(&b, decode_reply, 2);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_round_trip),
        cmocka_unit_test(reply_round_trip),
    };
    return cmocka_run_group_tests_name("wire/hello", tests, NULL, NULL);
}
