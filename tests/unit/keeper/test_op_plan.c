/* SPDX-License-Identifier: Apache-2.0 */
/* PLAN: a MAC for the date of a future generation, and for nothing else. */
#include "inside.h"

#include "wire/generation.h"
#include "wire/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_generation_row create(struct inside *in)
{
    const struct jt_generation_create order = { .db_highest = 1 };
    struct jt_generation_row row;
    struct jt_reader payload;
    jt_generation_create_encode(&order, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_GENERATION_CREATE, &payload), JT_OK);
    assert_int_equal(jt_generation_row_decode(&payload, &row), JT_OK);
    return row;
}

static enum jt_err plan(struct inside *in, const struct jt_generation_row *row, uint64_t adopt_at,
                        const char *why, struct jt_plan_reply *reply)
{
    struct jt_plan_request request = { .generation = *row, .plan = { .adopt_at_us = adopt_at } };
    struct jt_reader payload;
    (void)snprintf(request.plan.holder_override, sizeof request.plan.holder_override, "%s", why);
    jt_plan_request_encode(&request, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_PLAN, &payload);
    return err == JT_OK ? jt_plan_reply_decode(&payload, reply) : err;
}

static void each_date_reason_and_key_has_a_mac_of_its_own(void **state)
{
    struct inside *in = *state;
    const struct jt_generation_row row = create(in);
    struct jt_plan_reply one, same, other;
    assert_int_equal(plan(in, &row, 1000, "", &one), JT_OK);
    assert_int_equal(plan(in, &row, 1001, "", &other), JT_OK);
    assert_memory_not_equal(one.mac, other.mac, sizeof one.mac);
    assert_int_equal(plan(in, &row, 1000, "why", &other), JT_OK);
    assert_memory_not_equal(one.mac, other.mac, sizeof one.mac);
    inside_restart(in, true);
    assert_int_equal(plan(in, &row, 1000, "", &same), JT_OK);
    assert_memory_equal(one.mac, same.mac, sizeof one.mac);
}

static void only_an_authentic_future_row_gets_one(void **state)
{
    struct inside *in = *state;
    struct jt_generation_row row = create(in);
    struct jt_plan_reply reply;
    row.check_value[0] ^= 1;
    assert_int_equal(plan(in, &row, 1000, "", &reply), JT_ERR_FORGED);
    row.check_value[0] ^= 1;
    row.state = JT_GENERATION_ACTIVE;
    assert_int_equal(jt_rowmac_generation(in->k->root, &row, row.mac), JT_OK);
    assert_int_equal(plan(in, &row, 1000, "", &reply), JT_ERR_WRONG_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_date_reason_and_key_has_a_mac_of_its_own, inside_setup,
                                        inside_teardown),
        cmocka_unit_test_setup_teardown(only_an_authentic_future_row_gets_one, inside_setup,
                                        inside_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
