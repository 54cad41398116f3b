/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/parcel.h"

#include "message.h"
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_parcel_delivery delivered; /* it holds a ring */

static enum jt_err decode_request(struct jt_reader *in)
{
    struct jt_parcel_request request;
    enum jt_err err = jt_parcel_request_decode(in, &request);
    return err == JT_OK ? jt_wire_end(in) : err;
}

static enum jt_err decode_parcel(struct jt_reader *in)
{
    struct jt_parcel parcel;
    enum jt_err err = jt_parcel_decode(in, &parcel);
    return err == JT_OK ? jt_wire_end(in) : err;
}

static enum jt_err decode_ask(struct jt_reader *in)
{
    struct jt_parcel_ask ask;
    return jt_parcel_ask_decode(in, &ask);
}

static enum jt_err decode_order(struct jt_reader *in)
{
    struct jt_parcel_order order;
    return jt_parcel_order_decode(in, &order);
}

static enum jt_err decode_delivery(struct jt_reader *in)
{
    return jt_parcel_delivery_decode(in, &delivered);
}

static struct jt_generation_row sample_row(void)
{
    struct jt_generation_row row = { .number = 5, .key_id = 9, .state = 1, .mac_epoch = 12 };
    message_fill(row.check_value, sizeof row.check_value, 1);
    message_fill(row.mac, sizeof row.mac, 2);
    return row;
}

static struct jt_parcel_request sample_request(void)
{
    struct jt_parcel_request r = { .environment = 1, .node = "node-2", .generation = 5 };
    message_fill(r.incarnation, sizeof r.incarnation, 3);
    message_fill(r.check_value, sizeof r.check_value, 4);
    message_fill(r.base_check_value, sizeof r.base_check_value, 5);
    message_fill(r.challenge, sizeof r.challenge, 6);
    message_fill(r.public_key, sizeof r.public_key, 7);
    message_fill(r.mac, sizeof r.mac, 8);
    return r;
}

static struct jt_parcel sample_parcel(void)
{
    struct jt_parcel p = { .environment = 2, .generation = 5, .key_id = 9, .created_s = 77 };
    message_fill(p.check_value, sizeof p.check_value, 9);
    message_fill(p.public_key, sizeof p.public_key, 10);
    message_fill(p.sealed, sizeof p.sealed, 11);
    return p;
}

static void requests_and_parcels_round_trip(void **state)
{
    (void)state;
    struct jt_parcel_request request = sample_request();
    struct jt_parcel parcel = sample_parcel();
    struct jt_parcel_request request_back;
    struct jt_parcel parcel_back;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_parcel_request_encode(&request, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_parcel_request_decode(&in, &request_back), JT_OK);
    assert_memory_equal(&request_back, &request, sizeof request);
    message_refuses_truncation(&b, decode_request);
    message_survives_mutation(&b, decode_request, 1);

    memset(request.node, 'n', JT_NODE_NAME_MAX);
    jt_buf_reset(&b);
    jt_parcel_request_encode(&request, &b);
    assert_int_equal(b.len, JT_PARCEL_REQUEST_MAX);

    jt_buf_reset(&b);
    jt_parcel_encode(&parcel, &b);
    assert_int_equal(b.len, JT_PARCEL_LEN);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_parcel_decode(&in, &parcel_back), JT_OK);
    assert_memory_equal(&parcel_back, &parcel, sizeof parcel);
    message_refuses_truncation(&b, decode_parcel);
    message_survives_mutation(&b, decode_parcel, 2);
    jt_buf_clear(&b);
}

/* With a generation, and for the service root without. */
static void messages_of_the_verbs_round_trip(void **state)
{
    (void)state;
    for (int root = 0; root < 2; root++) {
        struct jt_parcel_ask ask = { .node = "node-2" };
        struct jt_parcel_order order = { .request = sample_request() };
        struct jt_parcel_delivery delivery = { .parcel = sample_parcel() };
        struct jt_buf b;
        jt_buf_init(&b, 10000);
        order.request.generation = 0;
        if (root == 0) {
            ask.generation = order.generation = delivery.generation = sample_row();
            order.request.generation = ask.generation.number;
        } else {
            delivery.ring.epoch = 3;
            delivery.ring.body_len = 40;
            message_fill(delivery.ring.body, 40, 12);
        }
        jt_parcel_ask_encode(&ask, &b);
        struct jt_reader in = jt_reader_init(b.data, b.len);
        struct jt_parcel_ask ask_back;
        assert_int_equal(jt_parcel_ask_decode(&in, &ask_back), JT_OK);
        assert_string_equal(ask_back.node, "node-2");
        assert_int_equal(ask_back.generation.number, root == 0 ? 5 : 0);
        message_refuses_truncation(&b, decode_ask);
        message_survives_mutation(&b, decode_ask, 3);

        jt_buf_reset(&b);
        jt_parcel_order_encode(&order, &b);
        in = jt_reader_init(b.data, b.len);
        struct jt_parcel_order order_back;
        assert_int_equal(jt_parcel_order_decode(&in, &order_back), JT_OK);
        assert_memory_equal(&order_back.request, &order.request, sizeof order.request);
        assert_int_equal(order_back.generation.key_id, root == 0 ? 9 : 0);
        message_refuses_truncation(&b, decode_order);
        message_survives_mutation(&b, decode_order, 4);

        jt_buf_reset(&b);
        jt_parcel_delivery_encode(&delivery, &b);
        in = jt_reader_init(b.data, b.len);
        assert_int_equal(jt_parcel_delivery_decode(&in, &delivered), JT_OK);
        assert_memory_equal(&delivered.parcel, &delivery.parcel, sizeof delivery.parcel);
        assert_int_equal(delivered.generation.number, root == 0 ? 5 : 0);
        assert_int_equal(delivered.ring.body_len, root == 0 ? 0 : 40);
        message_refuses_truncation(&b, decode_delivery);
        message_survives_mutation(&b, decode_delivery, 5);
        jt_buf_clear(&b);
    }
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    struct jt_parcel_order order = { .request = sample_request(), .generation = sample_row() };
    struct jt_parcel parcel = sample_parcel();
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    order.generation.number = 6; /* not the one that the request names */
    jt_parcel_order_encode(&order, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_order(&in), JT_ERR_PROTOCOL);

    jt_buf_reset(&b);
    jt_parcel_encode(&parcel, &b);
    b.data[0] = 2; /* a format to come */
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_parcel(&in), JT_ERR_PROTOCOL);

    jt_buf_reset(&b);
    jt_parcel_request_encode(&order.request, &b);
    b.data[0] = 2;
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_request(&in), JT_ERR_PROTOCOL);

    /* A row without a number is none. */
    const struct jt_parcel_ask ask = { .node = "n", .generation = sample_row() };
    jt_buf_reset(&b);
    jt_parcel_ask_encode(&ask, &b);
    memset(b.data + 3, 0, 8);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_ask(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_and_parcels_round_trip),
        cmocka_unit_test(messages_of_the_verbs_round_trip),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests_name("wire/parcel", tests, NULL, NULL);
}
