/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/held.h"

#include "wire/items.h"
#include "wire/text.h"

#include <string.h>

enum { STALE = 1 << 0 };

void jt_held_request_encode(const struct jt_held_item *items, size_t n, struct jt_buf *out)
{
    bool good = jt_wire_n_encode(n, JT_WIRE_MAX_HELD, out);
    for (size_t i = 0; i < n && good; i++) {
        const struct jt_held_item *item = &items[i];
        jt_buf_u32(out, item->field);
        jt_buf_u8(out, item->row_id_len);
        jt_buf_put(out, item->row_id, item->row_id_len);
        uint8_t *p = jt_buf_append(out, JT_VALUE_HEAD_LEN + (size_t)item->value.len);
        if (p != NULL) {
            (void)jt_value_encode(&item->value, p);
        }
    }
}

static void item_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    struct jt_held_item *item = decoded;
    item->field = jt_reader_u32(in);
    item->row_id_len = jt_reader_u8(in);
    item->row_id = jt_reader_bytes(in, item->row_id_len);
    jt_value_decode(in, &item->value);
    in->bad = in->bad || item->row_id_len == 0;
}

enum jt_err jt_held_request_decode(struct jt_reader *in, struct jt_held_item *items, size_t *n)
{
    const struct jt_wire_list list = { items, sizeof items[0], item_decode, NULL };
    return jt_wire_items_decode(in, &list, JT_WIRE_MAX_HELD, n);
}

static void result_encode(const struct jt_held_result *r, struct jt_buf *out)
{
    jt_buf_u8(out, (uint8_t)r->err);
    if (r->err != JT_OK) {
        return;
    }
    jt_buf_u64(out, r->generation);
    jt_buf_u8(out, r->stale ? STALE : 0);
    jt_buf_put(out, r->tag, JT_HELD_TAG_LEN);
    uint8_t *p = jt_buf_append(out, JT_VALUE_HEAD_LEN + (size_t)r->value.len);
    if (p != NULL) {
        (void)jt_value_encode(&r->value, p);
    }
    jt_buf_u16(out, r->envelope_len);
    if (r->envelope_len > 0) {
        jt_buf_put(out, r->envelope, r->envelope_len);
    }
}

void jt_held_reply_encode(const struct jt_held_reply *reply, struct jt_buf *out)
{
    jt_buf_u64(out, reply->epoch);
    jt_buf_u64(out, reply->active.generation);
    jt_buf_u8(out, reply->active.key_id);
    jt_buf_u16(out, (uint16_t)reply->n);
    for (size_t i = 0; i < reply->n; i++) {
        result_encode(&reply->results[i], out);
    }
}

/* what an item may be answered with */
static const enum jt_err reasons[] = { JT_ERR_INVALID,   JT_ERR_NO_FIELD,   JT_ERR_DECRYPT,
                                       JT_ERR_OPEN_RATE, JT_ERR_OPEN_QUOTA, JT_OK };

static void result_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    const struct jt_held_reply *reply = arg;
    struct jt_held_result *r = decoded;
    *r = (struct jt_held_result){ .err = jt_wire_item_reason(in, reasons) };
    if (in->bad || r->err != JT_OK) {
        return;
    }
    r->generation = jt_reader_u64(in);
    r->stale = (jt_wire_flags_decode(in, STALE) & STALE) != 0;
    r->tag = jt_reader_bytes(in, JT_HELD_TAG_LEN);
    jt_value_decode(in, &r->value);
    r->envelope_len = jt_reader_u16(in);
    r->envelope = jt_reader_bytes(in, r->envelope_len);
    bool value_good =
        r->value.kind == 0 ? r->value.len == 0 : jt_value_len_valid(r->value.kind, r->value.len);
    bool envelope_good =
        r->envelope_len == 0 || (r->envelope_len > JT_ENVELOPE_OVERHEAD &&
                                 r->envelope_len <= JT_ENVELOPE_OVERHEAD + JT_PLAINTEXT_MAX &&
                                 r->envelope != NULL && r->envelope[0] == reply->active.key_id);
    in->bad = in->bad || !value_good || !envelope_good;
}

enum jt_err jt_held_reply_decode(struct jt_reader *in, size_t n, struct jt_held_reply *reply)
{
    const struct jt_wire_list list = { reply->results, sizeof reply->results[0], result_decode,
                                       reply };
    *reply = (struct jt_held_reply){ .results = reply->results };
    reply->epoch = jt_reader_u64(in);
    reply->active.generation = jt_reader_u64(in);
    reply->active.key_id = jt_reader_u8(in);
    return jt_wire_results_decode(in, &list, n, &reply->n);
}
