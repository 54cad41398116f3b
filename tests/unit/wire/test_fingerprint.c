/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/fingerprint.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_fingerprint_result results[3];

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_fingerprint_reply reply = { .results = results };
    return jt_fingerprint_reply_decode(in, 3, &reply);
}

static struct jt_fingerprint_reply sample(uint8_t bytes[static 32])
{
    static struct jt_fingerprint_result answered[3];
    message_fill(bytes, 32, 1);
    answered[0] = (struct jt_fingerprint_result){ .fingerprints = bytes };
    answered[1] = (struct jt_fingerprint_result){ .err = JT_ERR_NOT_LINKED };
    answered[2] = (struct jt_fingerprint_result){ .err = JT_ERR_DERIVATIONS };
    return (struct jt_fingerprint_reply){
        .epoch = 9,
        .n_probed = 2,
        .probed = { { .key = { 4, 40 } }, { .key = { 2, 20 }, .retired = true } },
        .n = 3,
        .results = answered,
    };
}

static void reply_round_trip(void **state)
{
    (void)state;
    uint8_t bytes[32];
    const struct jt_fingerprint_reply sent = sample(bytes);
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_fingerprint_reply_encode(&sent, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_fingerprint_reply got = { .results = results };
    assert_int_equal(jt_fingerprint_reply_decode(&in, 3, &got), JT_OK);
    assert_true(got.epoch == 9);
    assert_int_equal(got.n_probed, 2);
    assert_true(got.probed[0].key.generation == 4 && !got.probed[0].retired);
    assert_int_equal(got.probed[1].key.key_id, 20);
    assert_true(got.probed[1].retired);
    assert_memory_equal(results[0].fingerprints, bytes, 32);
    assert_int_equal(results[1].err, JT_ERR_NOT_LINKED);
    assert_int_equal(results[2].err, JT_ERR_DERIVATIONS);
    message_refuses_truncation(&b, decode_reply);
    message_survives_mutation(&b, decode_reply, 1);
    jt_buf_clear(&b);
}

static void a_reply_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[32];
    struct jt_fingerprint_reply sent = sample(bytes);
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    sent.probed[0].retired = true; /* before one that is live */
    sent.probed[1].retired = false;
    jt_fingerprint_reply_encode(&sent, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_reply(&in), JT_ERR_PROTOCOL);
    sent = sample(bytes);
    sent.results[1].err = JT_ERR_DECRYPT; /* no reason of this verb's */
    jt_buf_reset(&b);
    jt_fingerprint_reply_encode(&sent, &b);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_reply(&in), JT_ERR_PROTOCOL);
    sent = sample(bytes);
    sent.n = 2; /* three were asked */
    jt_buf_reset(&b);
    jt_fingerprint_reply_encode(&sent, &b);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_reply(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reply_round_trip),
        cmocka_unit_test(a_reply_that_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests_name("wire/fingerprint", tests, NULL, NULL);
}
