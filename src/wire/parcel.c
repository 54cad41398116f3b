/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/parcel.h"

#include "wire/frame.h"
#include "wire/generation.h"
#include "wire/ring.h"
#include "wire/text.h"

#define REQUEST_FORMAT 1
#define PARCEL_FORMAT  1

enum { HAS_ROW = 1 << 0 };

void jt_parcel_request_body_encode(const struct jt_parcel_request *request, struct jt_buf *out)
{
    jt_buf_u8(out, REQUEST_FORMAT);
    jt_buf_u8(out, request->environment);
    jt_wire_text_encode(request->node, JT_NODE_NAME_MAX, out);
    jt_buf_put(out, request->incarnation, sizeof request->incarnation);
    jt_buf_u64(out, request->generation);
    jt_buf_put(out, request->check_value, sizeof request->check_value);
    jt_buf_put(out, request->base_check_value, sizeof request->base_check_value);
    jt_buf_put(out, request->challenge, sizeof request->challenge);
    jt_buf_put(out, request->public_key, sizeof request->public_key);
}

void jt_parcel_request_encode(const struct jt_parcel_request *request, struct jt_buf *out)
{
    jt_parcel_request_body_encode(request, out);
    jt_buf_put(out, request->mac, sizeof request->mac);
}

enum jt_err jt_parcel_request_decode(struct jt_reader *in, struct jt_parcel_request *request)
{
    *request = (struct jt_parcel_request){ 0 };
    uint8_t format = jt_reader_u8(in);
    request->environment = jt_reader_u8(in);
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, request->node);
    jt_reader_copy(in, request->incarnation, sizeof request->incarnation);
    request->generation = jt_reader_u64(in);
    jt_reader_copy(in, request->check_value, sizeof request->check_value);
    jt_reader_copy(in, request->base_check_value, sizeof request->base_check_value);
    jt_reader_copy(in, request->challenge, sizeof request->challenge);
    jt_reader_copy(in, request->public_key, sizeof request->public_key);
    jt_reader_copy(in, request->mac, sizeof request->mac);
    in->bad = in->bad || format != REQUEST_FORMAT;
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_parcel_head_encode(const struct jt_parcel *parcel, struct jt_buf *out)
{
    jt_buf_u8(out, PARCEL_FORMAT);
    jt_buf_u8(out, parcel->environment);
    jt_buf_u64(out, parcel->generation);
    jt_buf_u8(out, parcel->key_id);
    jt_buf_put(out, parcel->check_value, sizeof parcel->check_value);
    jt_buf_u64(out, parcel->created_s);
}

void jt_parcel_encode(const struct jt_parcel *parcel, struct jt_buf *out)
{
    jt_parcel_head_encode(parcel, out);
    jt_buf_put(out, parcel->public_key, sizeof parcel->public_key);
    jt_buf_put(out, parcel->sealed, sizeof parcel->sealed);
}

enum jt_err jt_parcel_decode(struct jt_reader *in, struct jt_parcel *parcel)
{
    *parcel = (struct jt_parcel){ 0 };
    uint8_t format = jt_reader_u8(in);
    parcel->environment = jt_reader_u8(in);
    parcel->generation = jt_reader_u64(in);
    parcel->key_id = jt_reader_u8(in);
    jt_reader_copy(in, parcel->check_value, sizeof parcel->check_value);
    parcel->created_s = jt_reader_u64(in);
    jt_reader_copy(in, parcel->public_key, sizeof parcel->public_key);
    jt_reader_copy(in, parcel->sealed, sizeof parcel->sealed);
    in->bad = in->bad || format != PARCEL_FORMAT;
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

/* A generation's row follows unless it is the service root's; a row has a number. */
static void row_encode(const struct jt_generation_row *row, struct jt_buf *out)
{
    jt_buf_u8(out, row->number != 0 ? HAS_ROW : 0);
    if (row->number != 0) {
        jt_generation_row_encode(row, out);
    }
}

static enum jt_err row_decode(struct jt_reader *in, struct jt_generation_row *row)
{
    *row = (struct jt_generation_row){ 0 };
    if ((jt_wire_flags_decode(in, HAS_ROW) & HAS_ROW) != 0) {
        enum jt_err err = jt_generation_row_decode(in, row);
        if (err != JT_OK || row->number == 0) {
            in->bad = true;
        }
    }
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_parcel_ask_encode(const struct jt_parcel_ask *ask, struct jt_buf *out)
{
    jt_wire_text_encode(ask->node, JT_NODE_NAME_MAX, out);
    row_encode(&ask->generation, out);
}

enum jt_err jt_parcel_ask_decode(struct jt_reader *in, struct jt_parcel_ask *ask)
{
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, ask->node);
    enum jt_err err = row_decode(in, &ask->generation);
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_parcel_order_encode(const struct jt_parcel_order *order, struct jt_buf *out)
{
    jt_parcel_request_encode(&order->request, out);
    row_encode(&order->generation, out);
}

enum jt_err jt_parcel_order_decode(struct jt_reader *in, struct jt_parcel_order *order)
{
    enum jt_err err = jt_parcel_request_decode(in, &order->request);
    if (err == JT_OK) {
        err = row_decode(in, &order->generation);
    }
    if (err == JT_OK && order->request.generation != order->generation.number) {
        err = JT_ERR_PROTOCOL;
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_parcel_delivery_encode(const struct jt_parcel_delivery *delivery, struct jt_buf *out)
{
    row_encode(&delivery->generation, out);
    if (delivery->generation.number == 0) {
        jt_ring_row_encode(&delivery->ring, out);
    }
    jt_parcel_encode(&delivery->parcel, out);
}

enum jt_err jt_parcel_delivery_decode(struct jt_reader *in, struct jt_parcel_delivery *delivery)
{
    enum jt_err err = row_decode(in, &delivery->generation);
    delivery->ring = (struct jt_ring_row){ 0 };
    if (err == JT_OK && delivery->generation.number == 0) {
        err = jt_ring_row_decode(in, &delivery->ring);
    }
    if (err == JT_OK) {
        err = jt_parcel_decode(in, &delivery->parcel);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}
