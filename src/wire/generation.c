/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/generation.h"

#include "wire/frame.h"
#include "wire/node.h"
#include "wire/text.h"

void jt_generation_row_encode(const struct jt_generation_row *row, struct jt_buf *out)
{
    jt_buf_u64(out, row->number);
    jt_buf_u8(out, row->key_id);
    jt_buf_u8(out, row->state);
    jt_buf_put(out, row->check_value, sizeof row->check_value);
    jt_buf_u64(out, row->mac_epoch);
    jt_buf_put(out, row->mac, sizeof row->mac);
}

enum jt_err jt_generation_row_decode(struct jt_reader *in, struct jt_generation_row *row)
{
    row->number = jt_reader_u64(in);
    row->key_id = jt_reader_u8(in);
    row->state = jt_reader_u8(in);
    jt_reader_copy(in, row->check_value, sizeof row->check_value);
    row->mac_epoch = jt_reader_u64(in);
    jt_reader_copy(in, row->mac, sizeof row->mac);
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_generation_create_encode(const struct jt_generation_create *create, struct jt_buf *out)
{
    jt_buf_u64(out, create->db_highest);
    jt_buf_put(out, create->used_key_ids, sizeof create->used_key_ids);
}

enum jt_err jt_generation_create_decode(struct jt_reader *in, struct jt_generation_create *create)
{
    create->db_highest = jt_reader_u64(in);
    jt_reader_copy(in, create->used_key_ids, sizeof create->used_key_ids);
    return jt_wire_end(in);
}

void jt_generation_abandon_encode(const struct jt_generation_row *row, struct jt_buf *out)
{
    jt_generation_row_encode(row, out);
}

enum jt_err jt_generation_abandon_decode(struct jt_reader *in, struct jt_generation_row *row)
{
    enum jt_err err = jt_generation_row_decode(in, row);
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_ack_encode(const struct jt_ack *ack, struct jt_buf *out)
{
    jt_wire_text_encode(ack->node, JT_NODE_NAME_MAX, out);
    jt_buf_put(out, ack->incarnation, sizeof ack->incarnation);
    jt_buf_put(out, ack->challenge, sizeof ack->challenge);
    jt_buf_put(out, ack->mac, sizeof ack->mac);
}

enum jt_err jt_ack_decode(struct jt_reader *in, struct jt_ack *ack)
{
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, ack->node);
    jt_reader_copy(in, ack->incarnation, sizeof ack->incarnation);
    jt_reader_copy(in, ack->challenge, sizeof ack->challenge);
    jt_reader_copy(in, ack->mac, sizeof ack->mac);
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_ack_request_encode(const struct jt_ack_request *request, struct jt_buf *out)
{
    jt_generation_row_encode(&request->generation, out);
    jt_wire_text_encode(request->node, JT_NODE_NAME_MAX, out);
    jt_buf_put(out, request->challenge, sizeof request->challenge);
}

enum jt_err jt_ack_request_decode(struct jt_reader *in, struct jt_ack_request *request)
{
    enum jt_err err = jt_generation_row_decode(in, &request->generation);
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, request->node);
    jt_reader_copy(in, request->challenge, sizeof request->challenge);
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_ack_challenge_request_encode(const struct jt_generation_row *row, struct jt_buf *out)
{
    jt_generation_row_encode(row, out);
}

enum jt_err jt_ack_challenge_request_decode(struct jt_reader *in, struct jt_generation_row *row)
{
    enum jt_err err = jt_generation_row_decode(in, row);
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_ack_challenge_encode(const struct jt_ack_challenge *challenge, struct jt_buf *out)
{
    jt_buf_put(out, challenge->bytes, sizeof challenge->bytes);
}

enum jt_err jt_ack_challenge_decode(struct jt_reader *in, struct jt_ack_challenge *challenge)
{
    jt_reader_copy(in, challenge->bytes, sizeof challenge->bytes);
    return jt_wire_end(in);
}

void jt_ack_claim_encode(const struct jt_ack_claim *claim, struct jt_buf *out)
{
    jt_generation_row_encode(&claim->generation, out);
    jt_ack_encode(&claim->ack, out);
    jt_node_row_encode(&claim->node, out);
}

enum jt_err jt_ack_claim_decode(struct jt_reader *in, struct jt_ack_claim *claim)
{
    *claim = (struct jt_ack_claim){ 0 };
    enum jt_err err = jt_generation_row_decode(in, &claim->generation);
    if (err == JT_OK) {
        err = jt_ack_decode(in, &claim->ack);
    }
    if (err == JT_OK) {
        err = jt_node_row_decode(in, &claim->node);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}
