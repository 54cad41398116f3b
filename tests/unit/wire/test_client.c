/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/client.h"

#include "message.h"
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum jt_err decode_make(struct jt_reader *in)
{
    struct jt_client_spec spec;
    uint8_t secret[JT_CLIENT_SECRET_LEN];
    struct jt_set_row set;
    return jt_client_make_decode(in, &spec, secret, &set);
}

static enum jt_err decode_row(struct jt_reader *in)
{
    struct jt_client_row row;
    enum jt_err err = jt_client_row_decode(in, &row);
    return err == JT_OK ? jt_wire_end(in) : err;
}

static enum jt_err decode_check(struct jt_reader *in)
{
    struct jt_client_row row;
    uint8_t secret[JT_CLIENT_SECRET_LEN];
    return jt_client_check_decode(in, &row, secret);
}

static void make_round_trip(void **state)
{
    (void)state;
    struct jt_client_spec spec = { .id = "shop-1",
                                   .permissions = JT_MAY_TOKENIZE | JT_MAY_OPERATE };
    uint8_t secret[JT_CLIENT_SECRET_LEN];
    message_fill(secret, sizeof secret, 1);
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    const struct jt_set_row set = { .kind = JT_SET_CLIENTS, .version = 5, .n = 2, .mac = { 7 } };
    jt_client_make_encode(&spec, secret, &set, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_client_spec back;
    uint8_t secret_back[JT_CLIENT_SECRET_LEN];
    struct jt_set_row set_back;
    assert_int_equal(jt_client_make_decode(&in, &back, secret_back, &set_back), JT_OK);
    assert_true(jt_set_row_same(&set_back, &set));
    assert_int_equal(set_back.n, 2);
    assert_string_equal(back.id, "shop-1");
    assert_int_equal(back.permissions, spec.permissions);
    assert_memory_equal(secret_back, secret, sizeof secret);
    message_refuses_truncation(&b, decode_make);
    message_survives_mutation(&b, decode_make, 1);
    jt_buf_clear(&b);
}

static struct jt_client_row sample_row(void)
{
    struct jt_client_row row = { .spec = { .id = "shop-1", .permissions = JT_MAY_ALL },
                                 .state = JT_ROW_ACTIVE,
                                 .revision = 12,
                                 .mac_epoch = 77 };
    message_fill(row.secret_mac, sizeof row.secret_mac, 3);
    message_fill(row.mac, sizeof row.mac, 4);
    return row;
}

static void row_round_trip(void **state)
{
    (void)state;
    struct jt_client_row row = sample_row();
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_client_row_encode(&row, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_client_row back;
    assert_int_equal(jt_client_row_decode(&in, &back), JT_OK);
    assert_string_equal(back.spec.id, "shop-1");
    assert_int_equal(back.state, JT_ROW_ACTIVE);
    assert_int_equal(back.revision, 12);
    assert_int_equal(back.mac_epoch, 77);
    assert_memory_equal(back.secret_mac, row.secret_mac, sizeof row.secret_mac);
    assert_memory_equal(back.mac, row.mac, sizeof row.mac);
    message_refuses_truncation(&b, decode_row);
    message_survives_mutation(&b, decode_row, 2);
    jt_buf_clear(&b);
}

static void check_round_trip(void **state)
{
    (void)state;
    struct jt_client_row row = sample_row();
    uint8_t secret[JT_CLIENT_SECRET_LEN];
    message_fill(secret, sizeof secret, 1);
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_client_check_encode(&row, secret, &b);
    message_refuses_truncation(&b, decode_check);
    message_survives_mutation(&b, decode_check, 3);
    jt_buf_clear(&b);
}

static void an_id_with_nul_inside_is_refused(void **state)
{
    (void)state;
    struct jt_client_row row = sample_row();
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_client_row_encode(&row, &b);
    b.data[3] = 0;
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_row(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(make_round_trip),
        cmocka_unit_test(row_round_trip),
        cmocka_unit_test(check_round_trip),
        cmocka_unit_test(an_id_with_nul_inside_is_refused),
    };
    return cmocka_run_group_tests_name("wire/client", tests, NULL, NULL);
}
