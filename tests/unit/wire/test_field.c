/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/field.h"

#include "message.h"
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum jt_err decode_spec(struct jt_reader *in)
{
    struct jt_field_spec spec;
    enum jt_err err = jt_field_spec_decode(in, &spec);
    return err == JT_OK ? jt_wire_end(in) : err;
}

static enum jt_err decode_row(struct jt_reader *in)
{
    struct jt_field_row row;
    enum jt_err err = jt_field_row_decode(in, &row);
    return err == JT_OK ? jt_wire_end(in) : err;
}

static void round_trips(void **state)
{
    (void)state;
    struct jt_field_row row = {
        .spec = { .id = 9, .name = "cards.pan", .kind = JT_FIELD_PAN, .dedup = true },
        .state = JT_ROW_REVOKED,
        .revision = 4,
        .mac_epoch = 3
    };
    message_fill(row.mac, sizeof row.mac, 4);
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_field_row_encode(&row, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_field_row back;
    assert_int_equal(jt_field_row_decode(&in, &back), JT_OK);
    assert_int_equal(back.spec.id, 9);
    assert_string_equal(back.spec.name, "cards.pan");
    assert_true(back.spec.dedup);
    assert_false(back.spec.allow_bad_luhn);
    assert_int_equal(back.state, JT_ROW_REVOKED);
    assert_int_equal(back.revision, 4);
    assert_int_equal(back.mac_epoch, 3);
    assert_memory_equal(back.mac, row.mac, sizeof row.mac);
    message_refuses_truncation(&b, decode_row);
    message_survives_mutation(&b, decode_row, 1);

    jt_buf_reset(&b);
    jt_field_spec_encode(&row.spec, &b);
    message_refuses_truncation(&b, decode_spec);
    message_survives_mutation(&b, decode_spec, 2);
    jt_buf_clear(&b);
}

static void card_rules_come_with_a_row(void **state)
{
    (void)state;
    struct jt_field_row row = { .spec = { .id = 9, .name = "p", .kind = JT_FIELD_PAN },
                                .state = JT_ROW_ACTIVE,
                                .revision = 4 };
    struct jt_field_row back = { .spec = { .rules_len = 9 } };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    for (size_t len = 0; len <= JT_CARD_RULES_MAX; len += JT_CARD_RULES_MAX) {
        row.spec.rules_len = (uint8_t)len;
        message_fill(row.spec.rules, len, 8);
        jt_buf_reset(&b);
        jt_field_row_encode(&row, &b);
        struct jt_reader in = jt_reader_init(b.data, b.len);
        assert_int_equal(jt_field_row_decode(&in, &back), JT_OK);
        assert_int_equal(back.spec.rules_len, len);
        assert_memory_equal(back.spec.rules, row.spec.rules, len);
        assert_int_equal(back.revision, 4);
        message_refuses_truncation(&b, decode_row);
        message_survives_mutation(&b, decode_row, 4);
    }
    /* the flag without bytes, and more bytes than there may be, would be second forms */
    size_t at = 4 + 1 + 1 + 1 + 1; /* of the length: behind id, name, kind and flags */
    static const uint8_t bad[] = { 0, JT_CARD_RULES_MAX + 1 };
    for (size_t i = 0; i < sizeof bad; i++) {
        assert_int_equal(b.data[at], i == 0 ? JT_CARD_RULES_MAX : bad[i - 1]);
        b.data[at] = bad[i];
        struct jt_reader in = jt_reader_init(b.data, b.len);
        assert_int_equal(jt_field_row_decode(&in, &back), JT_ERR_PROTOCOL);
    }
    jt_buf_clear(&b);
}

static void a_column_comes_with_a_row(void **state)
{
    (void)state;
    struct jt_field_row row = { .spec = { .id = 9, .name = "p", .kind = JT_FIELD_PAN },
                                .state = JT_ROW_ACTIVE,
                                .revision = 4 };
    struct jt_field_row back = { .spec = { .column = "left over" } };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    static const size_t lengths[] = { 0, 1, JT_APP_COLUMN_MAX };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        memset(row.spec.column, 'c', lengths[i]);
        jt_buf_reset(&b);
        jt_field_row_encode(&row, &b);
        struct jt_reader in = jt_reader_init(b.data, b.len);
        assert_int_equal(jt_field_row_decode(&in, &back), JT_OK);
        assert_string_equal(back.spec.column, row.spec.column);
        assert_int_equal(back.revision, 4);
        message_refuses_truncation(&b, decode_row);
        message_survives_mutation(&b, decode_row, 5);
    }
    /* the flag without a text would be a second form */
    size_t at = 4 + 1 + 1 + 1 + 1;
    assert_int_equal(b.data[at], JT_APP_COLUMN_MAX);
    b.data[at] = 0;
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_field_row_decode(&in, &back), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

static enum jt_err decode_alter(struct jt_reader *in)
{
    struct jt_field_alter alter;
    return jt_field_alter_decode(in, &alter);
}

static void a_change_round_trips(void **state)
{
    (void)state;
    struct jt_field_alter alter = {
        .was = { .row = { .spec = { .id = 9, .name = "b", .kind = JT_FIELD_PAN }, .state = 1 },
                 .set = { .kind = JT_SET_FIELDS, .version = 4, .n = 2 } },
        .spec = { .id = 9, .name = "b", .kind = JT_FIELD_PAN, .mask_eight = true },
        .state = JT_ROW_REVOKED,
    };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_field_alter_encode(&alter, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_field_alter back;
    assert_int_equal(jt_field_alter_decode(&in, &back), JT_OK);
    assert_true(back.spec.mask_eight && !back.was.row.spec.mask_eight);
    assert_int_equal(back.state, JT_ROW_REVOKED);
    assert_int_equal(back.was.set.version, 4);
    message_refuses_truncation(&b, decode_alter);
    message_survives_mutation(&b, decode_alter, 3);
    jt_buf_clear(&b);
}

/* Rows from before a rule was added have a MAC over these very bytes. */
static void a_rule_that_is_not_in_use_leaves_no_trace(void **state)
{
    (void)state;
    struct jt_field_spec spec = { .id = 1, .name = "p", .kind = JT_FIELD_PAN, .dedup = true };
    static const uint8_t before[] = { 0, 0, 0, 1, 1, 'p', 1, 1 };
    struct jt_buf b;
    jt_buf_init(&b, 100);
    jt_field_spec_encode(&spec, &b);
    assert_int_equal(b.len, sizeof before);
    assert_memory_equal(b.data, before, sizeof before);
    spec.mask_eight = true;
    jt_buf_reset(&b);
    jt_field_spec_encode(&spec, &b);
    assert_int_equal(b.data[b.len - 1], 5);
    spec.rules_len = 2;
    spec.rules[0] = 7;
    spec.rules[1] = 9;
    jt_buf_reset(&b);
    jt_field_spec_encode(&spec, &b);
    static const uint8_t with[] = { 0, 0, 0, 1, 1, 'p', 1, 13, 2, 7, 9 };
    assert_int_equal(b.len, sizeof with);
    assert_memory_equal(b.data, with, sizeof with);
    spec.column[0] = 'c';
    jt_buf_reset(&b);
    jt_field_spec_encode(&spec, &b);
    static const uint8_t column[] = { 0, 0, 0, 1, 1, 'p', 1, 64 + 13, 2, 7, 9, 1, 'c' };
    assert_int_equal(b.len, sizeof column);
    assert_memory_equal(b.data, column, sizeof column);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),
        cmocka_unit_test(card_rules_come_with_a_row),
        cmocka_unit_test(a_column_comes_with_a_row),
        cmocka_unit_test(a_change_round_trips),
        cmocka_unit_test(a_rule_that_is_not_in_use_leaves_no_trace),
    };
    return cmocka_run_group_tests_name("wire/field", tests, NULL, NULL);
}
