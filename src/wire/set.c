/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/set.h"

#include "base/secmem.h"
#include "wire/frame.h"
#include "wire/text.h"

enum { GOES_ON = 1 << 0, REPLACES = 1 << 0 };

void jt_set_sum_encode(const struct jt_set_sum *sum, struct jt_buf *out)
{
    jt_buf_u8(out, sum->kind);
    jt_buf_u32(out, sum->n);
    jt_buf_put(out, sum->nonce, sizeof sum->nonce);
    jt_buf_put(out, sum->digest, sizeof sum->digest);
    jt_buf_put(out, sum->mac, sizeof sum->mac);
}

enum jt_err jt_set_sum_decode(struct jt_reader *in, struct jt_set_sum *sum)
{
    sum->kind = jt_reader_u8(in);
    sum->n = jt_reader_u32(in);
    jt_reader_copy(in, sum->nonce, sizeof sum->nonce);
    jt_reader_copy(in, sum->digest, sizeof sum->digest);
    jt_reader_copy(in, sum->mac, sizeof sum->mac);
    return in->bad || !jt_set_kind_valid(sum->kind) ? JT_ERR_PROTOCOL : JT_OK;
}

static void change_encode(uint8_t kind, const struct jt_set_change *c, struct jt_buf *out)
{
    jt_buf_u8(out, c->replaces ? REPLACES : 0);
    if (kind == JT_SET_CLIENTS) {
        if (c->replaces) {
            jt_client_row_encode(&c->old.client, out);
        }
        jt_client_row_encode(&c->now.client, out);
    } else {
        if (c->replaces) {
            jt_field_row_encode(&c->old.field, out);
        }
        jt_field_row_encode(&c->now.field, out);
    }
}

static enum jt_err change_decode(struct jt_reader *in, uint8_t kind, struct jt_set_change *c)
{
    enum jt_err err = JT_OK;
    *c = (struct jt_set_change){ 0 };
    c->replaces = (jt_wire_flags_decode(in, REPLACES) & REPLACES) != 0;
    if (kind == JT_SET_CLIENTS) {
        err = c->replaces ? jt_client_row_decode(in, &c->old.client) : JT_OK;
        return err == JT_OK ? jt_client_row_decode(in, &c->now.client) : err;
    }
    err = c->replaces ? jt_field_row_decode(in, &c->old.field) : JT_OK;
    return err == JT_OK ? jt_field_row_decode(in, &c->now.field) : err;
}

void jt_set_sum_request_encode(const struct jt_set_sum_request *request, struct jt_buf *out)
{
    if (request->n > JT_WIRE_MAX_SET_ROWS) {
        out->err = JT_ERR_LIMIT;
        return;
    }
    jt_buf_u8(out, request->kind);
    jt_buf_u8(out, request->goes_on ? GOES_ON : 0);
    if (request->goes_on) {
        jt_set_sum_encode(&request->from, out);
    }
    jt_buf_u16(out, (uint16_t)request->n);
    for (size_t i = 0; i < request->n; i++) {
        change_encode(request->kind, &request->changes[i], out);
    }
}

enum jt_err jt_set_sum_request_decode(struct jt_reader *in, struct jt_set_change *changes,
                                      struct jt_set_sum_request *request)
{
    *request = (struct jt_set_sum_request){ .changes = changes };
    request->kind = jt_reader_u8(in);
    request->goes_on = (jt_wire_flags_decode(in, GOES_ON) & GOES_ON) != 0;
    if (!jt_set_kind_valid(request->kind)) {
        return JT_ERR_PROTOCOL;
    }
    enum jt_err err = request->goes_on ? jt_set_sum_decode(in, &request->from) : JT_OK;
    size_t n = jt_reader_u16(in);
    if (err == JT_OK && n > JT_WIRE_MAX_SET_ROWS) {
        return JT_ERR_LIMIT;
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        err = change_decode(in, request->kind, &changes[i]);
    }
    if (err == JT_OK) {
        err = jt_wire_end(in);
    }
    request->n = err == JT_OK ? n : 0;
    return err;
}

void jt_set_verify_encode(const struct jt_set_sum *sum, const struct jt_set_row *row,
                          struct jt_buf *out)
{
    jt_set_sum_encode(sum, out);
    jt_set_row_encode(row, out);
}

enum jt_err jt_set_verify_decode(struct jt_reader *in, struct jt_set_sum *sum,
                                 struct jt_set_row *row)
{
    enum jt_err err = jt_set_sum_decode(in, sum);
    if (err == JT_OK) {
        err = jt_set_row_decode(in, row);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_set_accept_encode(const struct jt_set_accept *accept, struct jt_buf *out)
{
    jt_set_sum_encode(&accept->others, out);
    jt_client_row_encode(&accept->who, out);
    jt_buf_put(out, accept->secret, sizeof accept->secret);
    jt_set_row_encode(&accept->clients, out);
    jt_set_sum_encode(&accept->field_rows, out);
    jt_set_row_encode(&accept->fields, out);
}

enum jt_err jt_set_accept_decode(struct jt_reader *in, struct jt_set_accept *accept)
{
    enum jt_err err = jt_set_sum_decode(in, &accept->others);
    if (err == JT_OK) {
        err = jt_client_row_decode(in, &accept->who);
    }
    jt_reader_copy(in, accept->secret, sizeof accept->secret);
    if (err == JT_OK) {
        err = jt_set_row_decode(in, &accept->clients);
    }
    if (err == JT_OK) {
        err = jt_set_sum_decode(in, &accept->field_rows);
    }
    if (err == JT_OK) {
        err = jt_set_row_decode(in, &accept->fields);
    }
    err = err == JT_OK ? jt_wire_end(in) : err;
    if (err != JT_OK) {
        jt_wipe(accept->secret, sizeof accept->secret);
    }
    return err;
}
