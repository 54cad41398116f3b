/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/plan.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum jt_err decode_request(struct jt_reader *in)
{
    struct jt_plan_request request;
    return jt_plan_request_decode(in, &request);
}

static enum jt_err decode_reply(struct jt_reader *in)
{
    struct jt_plan_reply reply;
    return jt_plan_reply_decode(in, &reply);
}

static void messages_round_trip(void **state)
{
    (void)state;
    const struct jt_plan_request request = {
        .generation = { .number = 7, .key_id = 3, .state = JT_GENERATION_FUTURE },
        .plan = { .adopt_at_us = 1900000000000000, .holder_override = "one site only" },
    };
    struct jt_plan_request back;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_plan_request_encode(&request, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_plan_request_decode(&in, &back), JT_OK);
    assert_memory_equal(&back, &request, sizeof back);
    message_refuses_truncation(&b, decode_request);
    message_survives_mutation(&b, decode_request, 5);

    struct jt_plan_reply reply = { .mac = { 1, 2, 3 } }, answer;
    jt_buf_reset(&b);
    jt_plan_reply_encode(&reply, &b);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_plan_reply_decode(&in, &answer), JT_OK);
    assert_memory_equal(&answer, &reply, sizeof answer);
    message_refuses_truncation(&b, decode_reply);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(messages_round_trip) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
