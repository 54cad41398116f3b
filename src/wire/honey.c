/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/honey.h"

#include "base/secmem.h"
#include "wire/frame.h"

void jt_honey_sealed_encode(const struct jt_honey_sealed *sealed, struct jt_buf *out)
{
    jt_buf_u16(out, sealed->len);
    jt_buf_put(out, sealed->bytes, sealed->len);
}

enum jt_err jt_honey_sealed_decode(struct jt_reader *in, struct jt_honey_sealed *sealed)
{
    sealed->len = jt_reader_u16(in);
    if (sealed->len != 0 && sealed->len != JT_HONEY_SEALED_LEN) {
        return JT_ERR_PROTOCOL;
    }
    jt_reader_copy(in, sealed->bytes, sealed->len);
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_honey_accepted_encode(const struct jt_honey_accepted *accepted, struct jt_buf *out)
{
    jt_buf_u8(out, accepted->verdict);
    jt_honey_sealed_encode(&accepted->own, out);
}

enum jt_err jt_honey_accepted_decode(struct jt_reader *in, struct jt_honey_accepted *accepted)
{
    accepted->verdict = jt_reader_u8(in);
    if (accepted->verdict < JT_HONEY_SAME || accepted->verdict > JT_HONEY_FOREIGN) {
        return JT_ERR_PROTOCOL;
    }
    return jt_honey_sealed_decode(in, &accepted->own);
}

void jt_honey_list_encode(const struct jt_honey_order *order, struct jt_buf *out)
{
    jt_client_row_encode(&order->who, out);
    jt_buf_put(out, order->secret, sizeof order->secret);
}

void jt_honey_change_encode(const struct jt_honey_order *order, struct jt_buf *out)
{
    jt_honey_list_encode(order, out);
    jt_buf_u8(out, order->act);
    jt_buf_u32(out, order->field);
    jt_buf_put(out, order->token, sizeof order->token);
}

static enum jt_err who_decode(struct jt_reader *in, struct jt_honey_order *order)
{
    *order = (struct jt_honey_order){ .act = JT_HONEY_LIST };
    enum jt_err err = jt_client_row_decode(in, &order->who);
    jt_reader_copy(in, order->secret, sizeof order->secret);
    return err;
}

static enum jt_err ended(struct jt_reader *in, enum jt_err err, struct jt_honey_order *order)
{
    err = err == JT_OK ? jt_wire_end(in) : err;
    if (err != JT_OK) {
        jt_wipe(order->secret, sizeof order->secret);
    }
    return err;
}

enum jt_err jt_honey_list_decode(struct jt_reader *in, struct jt_honey_order *order)
{
    enum jt_err err = who_decode(in, order);
    return ended(in, err, order);
}

enum jt_err jt_honey_change_decode(struct jt_reader *in, struct jt_honey_order *order)
{
    enum jt_err err = who_decode(in, order);
    order->act = jt_reader_u8(in);
    order->field = jt_reader_u32(in);
    jt_reader_copy(in, order->token, sizeof order->token);
    if (order->act != JT_HONEY_ADD && order->act != JT_HONEY_REMOVE) {
        err = JT_ERR_PROTOCOL;
    }
    return ended(in, err, order);
}

void jt_honey_tokens_encode(const struct jt_honey_tokens *tokens, struct jt_buf *out)
{
    jt_buf_u16(out, tokens->n);
    for (size_t i = 0; i < tokens->n; i++) {
        jt_buf_u32(out, tokens->marks[i].field);
        jt_buf_put(out, tokens->marks[i].token, JT_TOKEN_LEN);
    }
}

enum jt_err jt_honey_tokens_decode(struct jt_reader *in, struct jt_honey_tokens *tokens)
{
    tokens->n = jt_reader_u16(in);
    if (tokens->n > JT_HONEY_MAX) {
        tokens->n = 0;
        return JT_ERR_LIMIT;
    }
    for (size_t i = 0; i < tokens->n; i++) {
        tokens->marks[i].field = jt_reader_u32(in);
        jt_reader_copy(in, tokens->marks[i].token, JT_TOKEN_LEN);
    }
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}
