/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/appcolumn.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COLUMN "shop public.customer id pan pan_envelope"

static enum jt_err decode_counted(struct jt_reader *in)
{
    struct jt_column_counted counted;
    return jt_column_counted_decode(in, &counted);
}

static enum jt_err decode_count(struct jt_reader *in)
{
    struct jt_column_count count;
    return jt_column_count_decode(in, &count);
}

static void what_was_counted_round_trips(void **state)
{
    (void)state;
    const struct jt_column_counted counted = {
        .field = { .spec = { .id = 3, .name = "pan", .kind = JT_FIELD_PAN, .column = COLUMN } },
        .generation = { .number = 7, .key_id = 9, .state = JT_GENERATION_DRAINING },
        .epoch = 12,
        .envelopes = 34,
    };
    struct jt_column_counted back;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_column_counted_encode(&counted, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_column_counted_decode(&in, &back), JT_OK);
    assert_string_equal(back.field.spec.column, COLUMN);
    assert_int_equal(back.generation.number, 7);
    assert_int_equal(back.epoch, 12);
    assert_int_equal(back.envelopes, 34);
    message_refuses_truncation(&b, decode_counted);
    message_survives_mutation(&b, decode_counted, 1);
    jt_buf_clear(&b);
}

static void a_count_round_trips_and_its_mac_is_over_all_the_rest(void **state)
{
    (void)state;
    struct jt_column_count count = {
        .field = 3, .column = COLUMN, .generation = 7, .envelopes = 34, .epoch = 12
    };
    struct jt_column_count back;
    struct jt_buf b, body;
    message_fill(count.mac, sizeof count.mac, 5);
    jt_buf_init(&b, 1000);
    jt_buf_init(&body, 1000);
    jt_column_count_encode(&count, &b);
    jt_column_count_body(&count, &body);
    assert_int_equal(b.len, body.len + sizeof count.mac);
    assert_memory_equal(b.data, body.data, body.len);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_column_count_decode(&in, &back), JT_OK);
    assert_int_equal(back.field, 3);
    assert_string_equal(back.column, COLUMN);
    assert_int_equal(back.generation, 7);
    assert_int_equal(back.envelopes, 34);
    assert_int_equal(back.epoch, 12);
    assert_memory_equal(back.mac, count.mac, sizeof count.mac);
    message_refuses_truncation(&b, decode_count);
    message_survives_mutation(&b, decode_count, 2);
    jt_buf_clear(&b);
    jt_buf_clear(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_counted_round_trips),
        cmocka_unit_test(a_count_round_trips_and_its_mac_is_over_all_the_rest),
    };
    return cmocka_run_group_tests_name("wire/appcolumn", tests, NULL, NULL);
}
