/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/set.h"

#include "message.h"
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_set_change changes[JT_WIRE_MAX_SET_ROWS];

static enum jt_err decode_request(struct jt_reader *in)
{
    struct jt_set_sum_request request;
    return jt_set_sum_request_decode(in, changes, &request);
}

static enum jt_err decode_verify(struct jt_reader *in)
{
    struct jt_set_sum sum;
    struct jt_set_row row;
    return jt_set_verify_decode(in, &sum, &row);
}

static enum jt_err decode_accept(struct jt_reader *in)
{
    struct jt_set_accept accept;
    return jt_set_accept_decode(in, &accept);
}

static struct jt_set_row sample_row(enum jt_set_kind kind)
{
    struct jt_set_row row = {
        .kind = (uint8_t)kind, .version = 9, .n = 4, .operators = 3, .mac_epoch = 2
    };
    message_fill(row.nonce, sizeof row.nonce, 1);
    message_fill(row.digest, sizeof row.digest, 2);
    message_fill(row.mac, sizeof row.mac, 3);
    return row;
}

static void a_request_of_clients_round_trips(void **state)
{
    (void)state;
    struct jt_set_change sent[2] = {
        { .replaces = true,
          .old.client = { .spec = { .id = "a" }, .revision = 1 },
          .now.client = { .spec = { .id = "a" }, .revision = 5 } },
        { .now.client = { .spec = { .id = "b" }, .revision = 6 } },
    };
    const struct jt_set_sum_request request = { .kind = JT_SET_CLIENTS,
                                                .goes_on = true,
                                                .from = { .kind = JT_SET_CLIENTS, .n = 7 },
                                                .n = 2,
                                                .changes = sent };
    struct jt_buf b;
    jt_buf_init(&b, 4000);
    jt_set_sum_request_encode(&request, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_set_sum_request back;
    assert_int_equal(jt_set_sum_request_decode(&in, changes, &back), JT_OK);
    assert_true(back.goes_on);
    assert_int_equal(back.from.n, 7);
    assert_int_equal(back.n, 2);
    assert_int_equal(changes[0].old.client.revision, 1);
    assert_int_equal(changes[0].now.client.revision, 5);
    assert_false(changes[1].replaces);
    assert_string_equal(changes[1].now.client.spec.id, "b");
    message_refuses_truncation(&b, decode_request);
    message_survives_mutation(&b, decode_request, 1);
    jt_buf_clear(&b);
}

static void a_request_of_fields_round_trips(void **state)
{
    (void)state;
    struct jt_set_change sent = {
        .now.field = { .spec = { .id = 3, .name = "pan", .kind = JT_FIELD_PAN }, .revision = 6 }
    };
    const struct jt_set_sum_request request = { .kind = JT_SET_FIELDS, .n = 1, .changes = &sent };
    struct jt_buf b;
    jt_buf_init(&b, 4000);
    jt_set_sum_request_encode(&request, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_set_sum_request back;
    assert_int_equal(jt_set_sum_request_decode(&in, changes, &back), JT_OK);
    assert_int_equal(changes[0].now.field.spec.id, 3);
    message_refuses_truncation(&b, decode_request);
    message_survives_mutation(&b, decode_request, 2);
    jt_buf_clear(&b);
}

static void more_rows_than_the_bound_are_refused_on_both_sides(void **state)
{
    (void)state;
    const struct jt_set_sum_request request = { .kind = JT_SET_FIELDS,
                                                .n = JT_WIRE_MAX_SET_ROWS + 1,
                                                .changes = changes };
    struct jt_buf b;
    jt_buf_init(&b, 4000);
    jt_set_sum_request_encode(&request, &b);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    const uint8_t raw[] = { JT_SET_FIELDS, 0, (JT_WIRE_MAX_SET_ROWS + 1) >> 8,
                            (JT_WIRE_MAX_SET_ROWS + 1) & 0xff };
    struct jt_reader in = jt_reader_init(raw, sizeof raw);
    assert_int_equal(decode_request(&in), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

static void verify_and_accept_round_trip(void **state)
{
    (void)state;
    const struct jt_set_row clients = sample_row(JT_SET_CLIENTS);
    const struct jt_set_row fields = sample_row(JT_SET_FIELDS);
    const struct jt_set_sum sum = { .kind = JT_SET_CLIENTS, .n = 4 };
    struct jt_buf b;
    jt_buf_init(&b, 4000);
    jt_set_verify_encode(&sum, &clients, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_set_sum sum_back;
    struct jt_set_row row_back;
    assert_int_equal(jt_set_verify_decode(&in, &sum_back, &row_back), JT_OK);
    assert_true(jt_set_row_same(&row_back, &clients));
    assert_int_equal(row_back.operators, 3);
    assert_memory_equal(row_back.digest, clients.digest, sizeof clients.digest);
    message_refuses_truncation(&b, decode_verify);
    message_survives_mutation(&b, decode_verify, 1);

    struct jt_set_accept accept = { .others = sum,
                                    .who = { .spec = { .id = "op" } },
                                    .clients = clients,
                                    .field_rows = { .kind = JT_SET_FIELDS },
                                    .fields = fields };
    message_fill(accept.secret, sizeof accept.secret, 5);
    jt_buf_reset(&b);
    jt_set_accept_encode(&accept, &b);
    struct jt_set_accept back;
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_set_accept_decode(&in, &back), JT_OK);
    assert_memory_equal(back.secret, accept.secret, sizeof back.secret);
    assert_true(jt_set_row_same(&back.fields, &fields));
    message_refuses_truncation(&b, decode_accept);
    message_survives_mutation(&b, decode_accept, 2);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_of_clients_round_trips),
        cmocka_unit_test(a_request_of_fields_round_trips),
        cmocka_unit_test(more_rows_than_the_bound_are_refused_on_both_sides),
        cmocka_unit_test(verify_and_accept_round_trip),
    };
    return cmocka_run_group_tests_name("wire/set", tests, NULL, NULL);
}
