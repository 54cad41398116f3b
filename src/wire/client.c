/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/client.h"

#include "base/secmem.h"
#include "wire/frame.h"
#include "wire/text.h"

enum { FRESH = 1 << 0, REPLACES = 1 << 1 };

static void spec_encode(const struct jt_client_spec *spec, struct jt_buf *out)
{
    jt_wire_text_encode(spec->id, JT_CLIENT_ID_MAX, out);
    jt_buf_u32(out, spec->permissions);
}

static void spec_decode(struct jt_reader *in, struct jt_client_spec *spec)
{
    jt_wire_text_decode(in, JT_CLIENT_ID_MAX, spec->id);
    spec->permissions = jt_reader_u32(in);
}

/* Whether the bytes are terms is for the keeper to say. */
static void terms_encode(const uint8_t *bytes, size_t len, struct jt_buf *out)
{
    jt_buf_u16(out, (uint16_t)len);
    jt_buf_put(out, bytes, len);
}

static uint16_t terms_decode(struct jt_reader *in, uint8_t out[static JT_CLIENT_TERMS_MAX])
{
    size_t len = jt_reader_u16(in);
    in->bad = in->bad || len > JT_CLIENT_TERMS_MAX;
    if (!in->bad) {
        jt_reader_copy(in, out, len);
    }
    return in->bad ? 0 : (uint16_t)len;
}

void jt_client_order_encode(const struct jt_client_order *order, struct jt_buf *out)
{
    uint8_t terms[JT_CLIENT_TERMS_MAX];
    size_t len = jt_client_terms_encode(&order->terms, terms);
    jt_buf_u32(out, order->permissions);
    terms_encode(terms, len, out);
    jt_buf_u8(out, (uint8_t)((order->fresh ? FRESH : 0) | (order->replaces ? REPLACES : 0)));
    jt_buf_put(out, order->secret, sizeof order->secret);
    jt_buf_u32(out, order->overlap_s);
}

static enum jt_err order_decode(struct jt_reader *in, struct jt_client_order *order)
{
    uint8_t terms[JT_CLIENT_TERMS_MAX];
    *order = (struct jt_client_order){ .permissions = jt_reader_u32(in) };
    size_t len = terms_decode(in, terms);
    uint8_t flags = jt_wire_flags_decode(in, FRESH | REPLACES);
    order->fresh = (flags & FRESH) != 0;
    order->replaces = (flags & REPLACES) != 0;
    jt_reader_copy(in, order->secret, sizeof order->secret);
    order->overlap_s = jt_reader_u32(in);
    if (in->bad || len == 0) {
        return JT_ERR_PROTOCOL;
    }
    return jt_client_terms_decode(terms, len, &order->terms);
}

void jt_client_make_encode(const char *id, const struct jt_client_order *order,
                           const struct jt_set_row *set, struct jt_buf *out)
{
    jt_wire_text_encode(id, JT_CLIENT_ID_MAX, out);
    jt_client_order_encode(order, out);
    jt_set_row_encode(set, out);
}

enum jt_err jt_client_make_decode(struct jt_reader *in, char id[static JT_CLIENT_ID_MAX + 1],
                                  struct jt_client_order *order, struct jt_set_row *set)
{
    jt_wire_text_decode(in, JT_CLIENT_ID_MAX, id);
    enum jt_err err = order_decode(in, order);
    if (err == JT_OK) {
        err = jt_set_row_decode(in, set);
    }
    if (err == JT_OK) {
        err = jt_wire_end(in);
    }
    if (err != JT_OK) {
        jt_wipe(order, sizeof *order);
    }
    return err;
}

static void row_body_encode(const struct jt_client_row *row, struct jt_buf *out)
{
    spec_encode(&row->spec, out);
    jt_buf_put(out, row->secret_mac, sizeof row->secret_mac);
    jt_buf_u8(out, row->state);
    jt_buf_u64(out, row->revision);
    jt_buf_u64(out, row->mac_epoch);
    jt_buf_put(out, row->mac, sizeof row->mac);
}

void jt_client_row_encode(const struct jt_client_row *row, struct jt_buf *out)
{
    row_body_encode(row, out);
    terms_encode(row->terms, row->terms_len, out);
}

void jt_client_member_encode(const struct jt_client_row *row, struct jt_buf *out)
{
    row_body_encode(row, out);
    if (row->terms_len > 0) {
        terms_encode(row->terms, row->terms_len, out);
    }
}

enum jt_err jt_client_row_decode(struct jt_reader *in, struct jt_client_row *row)
{
    spec_decode(in, &row->spec);
    jt_reader_copy(in, row->secret_mac, sizeof row->secret_mac);
    row->state = jt_reader_u8(in);
    row->revision = jt_reader_u64(in);
    row->mac_epoch = jt_reader_u64(in);
    jt_reader_copy(in, row->mac, sizeof row->mac);
    row->terms_len = terms_decode(in, row->terms);
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_client_change_encode(const struct jt_client_change *change, struct jt_buf *out)
{
    jt_client_row_encode(&change->row, out);
    jt_set_row_encode(&change->set, out);
}

enum jt_err jt_client_change_decode(struct jt_reader *in, struct jt_client_change *change)
{
    enum jt_err err = jt_client_row_decode(in, &change->row);
    if (err == JT_OK) {
        err = jt_set_row_decode(in, &change->set);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_client_edit_encode(const struct jt_client_edit *edit, struct jt_buf *out)
{
    jt_client_row_encode(&edit->was, out);
    jt_set_row_encode(&edit->set, out);
    jt_buf_u8(out, edit->state);
    jt_client_order_encode(&edit->order, out);
}

enum jt_err jt_client_edit_decode(struct jt_reader *in, struct jt_client_edit *edit)
{
    enum jt_err err = jt_client_row_decode(in, &edit->was);
    if (err == JT_OK) {
        err = jt_set_row_decode(in, &edit->set);
    }
    if (err == JT_OK) {
        edit->state = jt_reader_u8(in);
        err = order_decode(in, &edit->order);
    }
    if (err == JT_OK) {
        err = jt_wire_end(in);
    }
    if (err != JT_OK) {
        jt_wipe(edit, sizeof *edit);
    }
    return err;
}

void jt_client_check_encode(const struct jt_client_row *row,
                            const uint8_t secret[static JT_CLIENT_SECRET_LEN], struct jt_buf *out)
{
    jt_client_row_encode(row, out);
    jt_buf_put(out, secret, JT_CLIENT_SECRET_LEN);
}

enum jt_err jt_client_check_decode(struct jt_reader *in, struct jt_client_row *row,
                                   uint8_t secret[static JT_CLIENT_SECRET_LEN])
{
    enum jt_err err = jt_client_row_decode(in, row);
    jt_reader_copy(in, secret, JT_CLIENT_SECRET_LEN);
    if (err == JT_OK) {
        err = jt_wire_end(in);
    }
    if (err != JT_OK) {
        jt_wipe(secret, JT_CLIENT_SECRET_LEN);
    }
    return err;
}

void jt_client_checked_encode(const struct jt_client_checked *checked, struct jt_buf *out)
{
    jt_buf_u64(out, checked->good_ms);
}

enum jt_err jt_client_checked_decode(struct jt_reader *in, struct jt_client_checked *checked)
{
    checked->good_ms = jt_reader_u64(in);
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}
