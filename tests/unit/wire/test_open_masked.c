/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/open_masked.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_open_masked_result results[2];

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_open_masked_reply reply = { .results = results };
    return jt_open_masked_reply_decode(in, 2, &reply);
}

static void encode(struct jt_buf *b, const char *masked)
{
    struct jt_open_masked_result answered[2] = {
        { .draining = true, .generation = 7, .masked = masked, .len = (uint8_t)strlen(masked) },
        { .err = JT_ERR_DECRYPT },
    };
    const struct jt_open_masked_reply sent = { .epoch = 3, .n = 2, .results = answered };
    jt_buf_reset(b);
    jt_open_masked_reply_encode(&sent, b);
}

static void reply_round_trip(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    encode(&b, "411111******1111");
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_reply(&in), JT_OK);
    assert_true(results[0].draining);
    assert_true(results[0].generation == 7);
    assert_int_equal(results[0].len, 16);
    assert_memory_equal(results[0].masked, "411111******1111", 16);
    assert_int_equal(results[1].err, JT_ERR_DECRYPT);
    message_refuses_truncation(&b, decode_reply);
    message_survives_mutation(&b, decode_reply, 1);
    jt_buf_clear(&b);
}

static void what_is_no_masked_number_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "6304***0000", "41111111************",
                                       "411111\"*****1111", "411111 *****1111" };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        encode(&b, bad[i]);
        struct jt_reader in = jt_reader_init(b.data, b.len);
        assert_int_equal(decode_reply(&in), JT_ERR_PROTOCOL);
    }
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reply_round_trip),
        cmocka_unit_test(what_is_no_masked_number_is_refused),
    };
    return cmocka_run_group_tests_name("wire/open_masked", tests, NULL, NULL);
}
