/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/custody.h"

#include "wire/frame.h"
#include "wire/text.h"

enum { SEALED = 1 << 0 };

void jt_unseal_encode(const struct jt_unseal *unseal, struct jt_buf *out)
{
    jt_buf_u8(out, unseal->kind);
    jt_wire_text_encode(unseal->text, JT_CUSTODY_TEXT_MAX, out);
}

enum jt_err jt_unseal_decode(struct jt_reader *in, struct jt_unseal *unseal)
{
    unseal->kind = jt_reader_u8(in);
    jt_wire_text_decode(in, JT_CUSTODY_TEXT_MAX, unseal->text);
    return unseal->kind <= JT_UNSEAL_PKCS11 ? jt_wire_end(in) : JT_ERR_PROTOCOL;
}

void jt_unsealed_encode(const struct jt_unsealed *unsealed, struct jt_buf *out)
{
    jt_buf_u8(out, unsealed->method);
    jt_buf_u8(out, unsealed->sealed ? SEALED : 0);
    jt_buf_u8(out, unsealed->needed);
    jt_buf_u8(out, unsealed->given);
}

enum jt_err jt_unsealed_decode(struct jt_reader *in, struct jt_unsealed *unsealed)
{
    unsealed->method = jt_reader_u8(in);
    unsealed->sealed = (jt_wire_flags_decode(in, SEALED) & SEALED) != 0;
    unsealed->needed = jt_reader_u8(in);
    unsealed->given = jt_reader_u8(in);
    return unsealed->method <= JT_CUSTODY_NONE ? jt_wire_end(in) : JT_ERR_PROTOCOL;
}

void jt_ceremony_order_encode(const struct jt_ceremony_order *order, struct jt_buf *out)
{
    jt_buf_u8(out, order->method);
    jt_buf_u8(out, order->k);
    jt_buf_u8(out, order->n);
    jt_wire_text_encode(order->phrase, JT_CUSTODY_TEXT_MAX, out);
    if (order->method == JT_CUSTODY_PKCS11) {
        jt_pkcs11box_encode(&order->box, out);
    }
}

enum jt_err jt_ceremony_order_decode(struct jt_reader *in, struct jt_ceremony_order *order)
{
    order->method = jt_reader_u8(in);
    order->k = jt_reader_u8(in);
    order->n = jt_reader_u8(in);
    jt_wire_text_decode(in, JT_CUSTODY_TEXT_MAX, order->phrase);
    bool by_token = order->method == JT_CUSTODY_PKCS11;
    bool known =
        order->method == JT_CUSTODY_PHRASE || order->method == JT_CUSTODY_SHARES || by_token;
    if (by_token) {
        jt_pkcs11box_decode(in, &order->box);
    }
    return known ? jt_wire_end(in) : JT_ERR_PROTOCOL;
}

void jt_ceremony_made_encode(const struct jt_ceremony_made *made, struct jt_buf *out)
{
    jt_buf_put(out, made->check_value, sizeof made->check_value);
    jt_buf_put(out, made->set, sizeof made->set);
    jt_buf_u8(out, made->n);
    jt_buf_put(out, made->digests, (size_t)made->n * JT_CUSTODY_DIGEST_LEN);
}

enum jt_err jt_ceremony_made_decode(struct jt_reader *in, struct jt_ceremony_made *made)
{
    jt_reader_copy(in, made->check_value, sizeof made->check_value);
    jt_reader_copy(in, made->set, sizeof made->set);
    made->n = jt_reader_u8(in);
    if (made->n > JT_CUSTODY_SHARES_MAX) {
        return JT_ERR_PROTOCOL;
    }
    jt_reader_copy(in, made->digests[0], (size_t)made->n * JT_CUSTODY_DIGEST_LEN);
    return jt_wire_end(in);
}

void jt_ceremony_place_encode(const uint8_t *place, struct jt_buf *out)
{
    jt_buf_u8(out, *place);
}

enum jt_err jt_ceremony_place_decode(struct jt_reader *in, uint8_t *place)
{
    *place = jt_reader_u8(in);
    return jt_wire_end(in);
}

void jt_ceremony_text_encode(const char *text, struct jt_buf *out)
{
    jt_wire_text_encode(text, JT_CUSTODY_TEXT_MAX, out);
}

enum jt_err jt_ceremony_text_decode(struct jt_reader *in, struct jt_ceremony_share *share)
{
    jt_wire_text_decode(in, JT_CUSTODY_TEXT_MAX, share->text);
    return jt_wire_end(in);
}

void jt_ceremony_share_encode(const struct jt_ceremony_share *share, struct jt_buf *out)
{
    jt_buf_u8(out, share->place);
    jt_wire_text_encode(share->text, JT_CUSTODY_TEXT_MAX, out);
}

enum jt_err jt_ceremony_share_decode(struct jt_reader *in, struct jt_ceremony_share *share)
{
    share->place = jt_reader_u8(in);
    jt_wire_text_decode(in, JT_CUSTODY_TEXT_MAX, share->text);
    return jt_wire_end(in);
}

void jt_unseal_box_encode(const struct jt_pkcs11box *box, struct jt_buf *out)
{
    jt_pkcs11box_encode(box, out);
}

enum jt_err jt_unseal_box_decode(struct jt_reader *in, struct jt_pkcs11box *box)
{
    jt_pkcs11box_decode(in, box);
    return jt_wire_end(in);
}
