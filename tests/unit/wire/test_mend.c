/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/mend.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 5

static struct jt_mend_result results[N];

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_mend_reply reply = { .results = results };
    return jt_mend_reply_decode(in, N, &reply);
}

/* The request is that of OPEN. */
static void reply_round_trip(void **state)
{
    (void)state;
    uint8_t fingerprint[JT_FINGERPRINT_LEN];
    message_fill(fingerprint, sizeof fingerprint, 3);
    struct jt_mend_result made[N] = { { JT_OK, fingerprint },
                                      { .err = JT_ERR_DECRYPT },
                                      { .err = JT_ERR_NO_FIELD },
                                      { .err = JT_ERR_OPEN_RATE },
                                      { .err = JT_ERR_RING_MOVED } };
    const struct jt_mend_reply sent = { 9, N, made };
    struct jt_mend_reply reply = { .results = results };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_mend_reply_encode(&sent, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_mend_reply_decode(&in, N, &reply), JT_OK);
    assert_true(reply.epoch == 9 && reply.n == N);
    assert_memory_equal(results[0].fingerprint, fingerprint, sizeof fingerprint);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, made[i].err);
    }
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_mend_reply_decode(&in, N - 1, &reply), JT_ERR_PROTOCOL);
    message_refuses_truncation(&b, decode_reply);
    message_survives_mutation(&b, decode_reply, 2);
    b.data[b.len - 1] = JT_ERR_NO_TOKEN; /* no answer of this verb */
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_reply(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(reply_round_trip) };
    return cmocka_run_group_tests_name("wire/mend", tests, NULL, NULL);
}
