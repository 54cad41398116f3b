/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/reseal.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_reseal_result results[2];

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_reseal_reply reply = { .results = results };
    return jt_reseal_reply_decode(in, 2, &reply);
}

static void reply_round_trip(void **state)
{
    (void)state;
    uint8_t fp[16];
    uint8_t envelope[25];
    message_fill(fp, sizeof fp, 2);
    message_fill(envelope, sizeof envelope, 4);
    struct jt_reseal_result made[2] = {
        { .err = JT_OK, .from = 3, .fingerprint = fp, .envelope = envelope, .envelope_len = 25 },
        { .err = JT_ERR_ACTIVE_ALREADY },
    };
    struct jt_reseal_reply sent = { .epoch = 9, .active = { 5, 4 }, .n = 2, .results = made };
    struct jt_buf b;
    jt_buf_init(&b, 10000);
    jt_reseal_reply_encode(&sent, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_reseal_reply reply = { .results = results };
    assert_int_equal(jt_reseal_reply_decode(&in, 2, &reply), JT_OK);
    assert_int_equal(reply.active.generation, 5);
    assert_int_equal(results[0].from, 3);
    assert_memory_equal(results[0].fingerprint, fp, 16);
    assert_memory_equal(results[0].envelope, envelope, 25);
    assert_int_equal(results[1].err, JT_ERR_ACTIVE_ALREADY);
    message_refuses_truncation(&b, decode_reply);
    message_survives_mutation(&b, decode_reply, 2);
    jt_buf_clear(&b);
}

static void an_envelope_that_is_not_the_active_generations_is_refused(void **state)
{
    (void)state;
    uint8_t fp[16] = { 0 };
    uint8_t envelope[25] = { 6 };
    struct jt_reseal_result made[1] = {
        { .err = JT_OK, .from = 3, .fingerprint = fp, .envelope = envelope, .envelope_len = 25 }
    };
    struct jt_reseal_reply sent = { .epoch = 9, .active = { 5, 4 }, .n = 1, .results = made };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_reseal_reply_encode(&sent, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_reseal_reply reply = { .results = results };
    assert_int_equal(jt_reseal_reply_decode(&in, 1, &reply), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reply_round_trip),
        cmocka_unit_test(an_envelope_that_is_not_the_active_generations_is_refused),
    };
    return cmocka_run_group_tests_name("wire/reseal", tests, NULL, NULL);
}
