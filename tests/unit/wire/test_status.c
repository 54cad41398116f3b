/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/status.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum jt_err decode(struct jt_reader *in)
{
    struct jt_keeper_status status;
    return jt_keeper_status_decode(in, &status);
}

static void round_trip(void **state)
{
    (void)state;
    struct jt_keeper_status status = { .development = true,
                                       .epoch = 2,
                                       .highest_generation = 3,
                                       .n_sealed = 4,
                                       .n_opened = 5,
                                       .n_resealed = 6,
                                       .n_refused = 7,
                                       .n_matched = 8,
                                       .n_mismatched = 9,
                                       .n_identified = 10,
                                       .opened_today = 11,
                                       .seals_generation = 12,
                                       .seals = 13,
                                       .node = 14,
                                       .has_root = true,
                                       .sealed = true };
    message_fill(status.incarnation, sizeof status.incarnation, 1);
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_keeper_status_encode(&status, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_keeper_status back;
    assert_int_equal(jt_keeper_status_decode(&in, &back), JT_OK);
    assert_true(back.development);
    assert_true(back.sealed);
    assert_false(back.locked);
    assert_int_equal(back.epoch, 2);
    assert_int_equal(back.highest_generation, 3);
    assert_int_equal(back.n_refused, 7);
    assert_int_equal(back.n_matched, 8);
    assert_int_equal(back.n_mismatched, 9);
    assert_int_equal(back.n_identified, 10);
    assert_int_equal(back.opened_today, 11);
    assert_int_equal(back.seals_generation, 12);
    assert_int_equal(back.seals, 13);
    assert_int_equal(back.node, 14);
    assert_true(back.has_root);
    assert_false(back.joined);
    message_refuses_truncation(&b, decode);
    message_survives_mutation(&b, decode, 1);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
    };
    return cmocka_run_group_tests_name("wire/status", tests, NULL, NULL);
}
