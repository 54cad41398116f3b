/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/custodian.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_custodians_make largest(void)
{
    struct jt_custodians_make make = { .set = { .n = JT_CUSTODIANS_MAX },
                                       .approvals = { .n = JT_CUSTODIANS_MAX } };
    for (uint8_t i = 0; i < JT_CUSTODIANS_MAX; i++) {
        struct jt_custodian *c = &make.set.all[i];
        struct jt_approval *a = &make.approvals.all[i];
        (void)snprintf(c->name, sizeof c->name, "custodian-with-a-long-name-----%c", 'a' + i);
        message_fill(c->key, sizeof c->key, i);
        memcpy(a->custodian, c->name, sizeof a->custodian);
        message_fill(a->signature, sizeof a->signature, (uint8_t)(100 + i));
    }
    return make;
}

static enum jt_err decode_make(struct jt_reader *in)
{
    struct jt_custodians_make make;
    return jt_custodians_make_decode(in, &make);
}

static enum jt_err decode_shown(struct jt_reader *in)
{
    struct jt_custodians_shown shown;
    return jt_custodians_shown_decode(in, &shown);
}

static void what_is_to_be_made_comes_back(void **state)
{
    (void)state;
    const struct jt_custodians_make make = largest();
    struct jt_custodians_make back;
    struct jt_buf b;
    jt_buf_init(&b, 4096);
    jt_custodians_make_encode(&make, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_custodians_make_decode(&in, &back), JT_OK);
    assert_memory_equal(&back, &make, sizeof back);
    message_refuses_truncation(&b, decode_make);
    message_survives_mutation(&b, decode_make, 11);
    jt_buf_clear(&b);
}

static void the_largest_row_has_room_and_is_canonical(void **state)
{
    (void)state;
    struct jt_custodians_make make = largest();
    struct jt_custodians_shown shown = { .verdict = JT_CUSTODIANS_NEWER }, back;
    struct jt_custodian_set set;
    struct jt_approvals approvals;
    struct jt_buf b;
    make.set.development = true;
    make.set.version = 9;
    jt_buf_init(&b, sizeof shown.own.body);
    jt_custodian_body_encode(&make.set, &make.approvals, &b);
    assert_int_equal(jt_buf_status(&b), JT_OK);
    memcpy(shown.own.body, b.data, b.len);
    shown.own.body_len = (uint16_t)b.len;
    message_fill(shown.own.mac, sizeof shown.own.mac, 5);
    assert_int_equal(jt_custodian_body_decode(&shown.own, &set, &approvals), JT_OK);
    assert_memory_equal(&set, &make.set, sizeof set);
    assert_memory_equal(&approvals, &make.approvals, sizeof approvals);
    jt_buf_clear(&b);
    jt_buf_init(&b, 4096);
    jt_custodians_shown_encode(&shown, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_custodians_shown_decode(&in, &back), JT_OK);
    assert_int_equal(back.verdict, shown.verdict);
    assert_memory_equal(&back.own, &shown.own, sizeof back.own);
    message_refuses_truncation(&b, decode_shown);
    message_survives_mutation(&b, decode_shown, 12);
    jt_buf_clear(&b);
    shown.own.body_len--;
    assert_int_equal(jt_custodian_body_decode(&shown.own, &set, &approvals), JT_ERR_INVALID);
    shown.own.body_len++;
    shown.own.body[0]++; /* the format */
    assert_int_equal(jt_custodian_body_decode(&shown.own, &set, &approvals), JT_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_to_be_made_comes_back),
        cmocka_unit_test(the_largest_row_has_room_and_is_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
