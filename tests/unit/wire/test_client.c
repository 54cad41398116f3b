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
    char id[JT_CLIENT_ID_MAX + 1];
    struct jt_client_order order;
    struct jt_set_row set;
    enum jt_err err = jt_client_make_decode(in, id, &order, &set);
    /* what the terms must be is said by their own decoder */
    return err == JT_ERR_INVALID ? JT_ERR_PROTOCOL : err;
}

static enum jt_err decode_edit(struct jt_reader *in)
{
    static struct jt_client_edit edit;
    enum jt_err err = jt_client_edit_decode(in, &edit);
    return err == JT_ERR_INVALID ? JT_ERR_PROTOCOL : err;
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

static struct jt_client_order sample_order(void)
{
    struct jt_client_order order = {
        .permissions = JT_MAY_TOKENIZE | JT_MAY_OPERATE,
        .terms = { .expires_s = 99,
                   .n_networks = 1,
                   .networks = { { .family = JT_IPV6, .bits = 16, .address = { 0x20, 1 } } },
                   .n_grants = 1,
                   .grants = { { 5, JT_MAY_LOOKUP } } },
        .fresh = true,
        .overlap_s = 60,
    };
    message_fill(order.secret, sizeof order.secret, 1);
    return order;
}

static void assert_same_order(const struct jt_client_order *a, const struct jt_client_order *b)
{
    assert_int_equal(a->permissions, b->permissions);
    assert_int_equal(a->terms.expires_s, b->terms.expires_s);
    assert_int_equal(a->terms.networks[0].bits, b->terms.networks[0].bits);
    assert_int_equal(a->terms.grants[0].field, b->terms.grants[0].field);
    assert_int_equal(a->fresh, b->fresh);
    assert_int_equal(a->replaces, b->replaces);
    assert_memory_equal(a->secret, b->secret, sizeof a->secret);
    assert_int_equal(a->overlap_s, b->overlap_s);
}

static void make_round_trip(void **state)
{
    (void)state;
    const struct jt_client_order order = sample_order();
    const struct jt_set_row set = { .kind = JT_SET_CLIENTS, .version = 5, .n = 2, .mac = { 7 } };
    struct jt_client_order back;
    struct jt_set_row set_back;
    char id[JT_CLIENT_ID_MAX + 1];
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_client_make_encode("shop-1", &order, &set, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_client_make_decode(&in, id, &back, &set_back), JT_OK);
    assert_true(jt_set_row_same(&set_back, &set));
    assert_int_equal(set_back.n, 2);
    assert_string_equal(id, "shop-1");
    assert_same_order(&back, &order);
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

static void a_row_without_terms_has_the_digest_of_before_there_were_terms(void **state)
{
    (void)state;
    struct jt_client_row row = sample_row();
    struct jt_buf message;
    struct jt_buf member;
    jt_buf_init(&message, 1000);
    jt_buf_init(&member, 1000);
    jt_client_row_encode(&row, &message);
    jt_client_member_encode(&row, &member);
    assert_int_equal(member.len, 1 + 6 + 4 + 16 + 1 + 8 + 8 + 16);
    assert_int_equal(message.len, member.len + 2); /* "no terms" */
    assert_memory_equal(message.data, member.data, member.len);
    const struct jt_client_terms terms = { .expires_s = 1 };
    row.terms_len = (uint16_t)jt_client_terms_encode(&terms, row.terms);
    jt_buf_reset(&message);
    jt_buf_reset(&member);
    jt_client_row_encode(&row, &message);
    jt_client_member_encode(&row, &member);
    assert_int_equal(member.len, message.len);
    assert_memory_equal(message.data, member.data, member.len);
    jt_buf_clear(&message);
    jt_buf_clear(&member);
}

static void edit_round_trip(void **state)
{
    (void)state;
    struct jt_client_edit edit = { .was = sample_row(),
                                   .set = { .kind = JT_SET_CLIENTS, .version = 5 },
                                   .state = JT_ROW_DISABLED,
                                   .order = sample_order() };
    static struct jt_client_edit back;
    struct jt_buf b;
    edit.order.replaces = true;
    jt_buf_init(&b, 2000);
    jt_client_edit_encode(&edit, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_client_edit_decode(&in, &back), JT_OK);
    assert_string_equal(back.was.spec.id, "shop-1");
    assert_int_equal(back.set.version, 5);
    assert_int_equal(back.state, JT_ROW_DISABLED);
    assert_same_order(&back.order, &edit.order);
    message_refuses_truncation(&b, decode_edit);
    message_survives_mutation(&b, decode_edit, 4);
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
        cmocka_unit_test(a_row_without_terms_has_the_digest_of_before_there_were_terms),
        cmocka_unit_test(edit_round_trip),
        cmocka_unit_test(check_round_trip),
        cmocka_unit_test(an_id_with_nul_inside_is_refused),
    };
    return cmocka_run_group_tests_name("wire/client", tests, NULL, NULL);
}
