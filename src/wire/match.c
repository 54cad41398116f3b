/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/match.h"

#include "wire/frame.h"

#include <string.h>

static void item_encode(const struct jt_match_item *item, struct jt_buf *out)
{
    uint8_t *p = jt_buf_append(out, 4 + JT_ROW_ID_LEN + JT_FINGERPRINT_LEN + JT_VALUE_HEAD_LEN +
                                        item->value.len + 2 + (size_t)item->envelope_len);
    if (p == NULL) {
        return;
    }
    jt_put_u32(p, item->field);
    jt_put_u64(p + 4, item->id);
    memcpy(p + 12, item->fingerprint, JT_FINGERPRINT_LEN);
    p += 12 + JT_FINGERPRINT_LEN;
    p = jt_value_encode(&item->value, p);
    jt_put_u16(p, item->envelope_len);
    memcpy(p + 2, item->envelope, item->envelope_len);
}

void jt_match_request_encode(const struct jt_match_item *items, size_t n, struct jt_buf *out)
{
    if (n > JT_WIRE_MAX_ITEMS) {
        out->err = JT_ERR_LIMIT;
        return;
    }
    jt_buf_u16(out, (uint16_t)n);
    for (size_t i = 0; i < n; i++) {
        item_encode(&items[i], out);
    }
}

enum jt_err jt_match_request_decode(struct jt_reader *in, struct jt_match_item *items, size_t *n)
{
    *n = 0;
    size_t count = jt_reader_u16(in);
    if (count > JT_WIRE_MAX_ITEMS) {
        return JT_ERR_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        struct jt_match_item *item = &items[i];
        item->field = jt_reader_u32(in);
        item->id = jt_reader_u64(in);
        item->fingerprint = jt_reader_bytes(in, JT_FINGERPRINT_LEN);
        jt_value_decode(in, &item->value);
        item->envelope_len = jt_reader_u16(in);
        item->envelope = jt_reader_bytes(in, item->envelope_len);
        if (in->bad) {
            return JT_ERR_PROTOCOL;
        }
    }
    enum jt_err err = jt_wire_end(in);
    *n = err == JT_OK ? count : 0;
    return err;
}

void jt_match_reply_encode(const struct jt_match_reply *reply, struct jt_buf *out)
{
    jt_buf_u64(out, reply->epoch);
    jt_buf_u16(out, (uint16_t)reply->n);
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_match_result *r = &reply->results[i];
        jt_buf_u8(out, (uint8_t)r->err);
        if (r->err == JT_OK) {
            jt_buf_put(out, r->token, JT_TOKEN_LEN);
        }
    }
}

/* what an item may be answered with */
static const enum jt_err reasons[] = { JT_ERR_DECRYPT, JT_OK };

static void result_decode(struct jt_reader *in, struct jt_match_result *r)
{
    *r = (struct jt_match_result){ 0 };
    jt_wire_item_decode(in, reasons, &r->err);
    if (!in->bad && r->err == JT_OK) {
        r->token = jt_reader_bytes(in, JT_TOKEN_LEN);
    }
}

enum jt_err jt_match_reply_decode(struct jt_reader *in, size_t n, struct jt_match_reply *reply)
{
    reply->epoch = jt_reader_u64(in);
    reply->n = jt_reader_u16(in);
    if (in->bad || reply->n != n) {
        reply->n = 0;
        return JT_ERR_PROTOCOL;
    }
    for (size_t i = 0; i < n; i++) {
        result_decode(in, &reply->results[i]);
        if (in->bad) {
            return JT_ERR_PROTOCOL;
        }
    }
    return jt_wire_end(in);
}
