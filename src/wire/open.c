/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/open.h"

#include "wire/digits.h"
#include "wire/items.h"
#include "wire/text.h"

#include <string.h>

enum { DRAINING = 1 << 0, HONEY = 1 << 7 };

#define ITEM_FIXED_LEN (4 + JT_ROW_ID_LEN + JT_FINGERPRINT_LEN + 2)

void jt_open_item_encode(const struct jt_open_item *item, struct jt_buf *out)
{
    uint8_t *p =
        jt_buf_append(out, ITEM_FIXED_LEN + item->envelope_len + JT_DIGITS_WIRE_LEN(&item->digits));
    if (p == NULL) {
        return;
    }
    jt_put_u32(p, item->field);
    jt_put_u64(p + 4, item->id);
    memcpy(p + 12, item->fingerprint, JT_FINGERPRINT_LEN);
    p += 12 + JT_FINGERPRINT_LEN;
    jt_put_u16(p, item->envelope_len);
    memcpy(p + 2, item->envelope, item->envelope_len);
    (void)jt_digits_encode(&item->digits, p + 2 + item->envelope_len);
}

void jt_open_item_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    struct jt_open_item *item = decoded;
    item->field = jt_reader_u32(in);
    item->id = jt_reader_u64(in);
    item->fingerprint = jt_reader_bytes(in, JT_FINGERPRINT_LEN);
    item->envelope_len = jt_reader_u16(in);
    item->envelope = jt_reader_bytes(in, item->envelope_len);
    jt_digits_decode(in, &item->digits);
}

void jt_open_request_encode(const struct jt_open_item *items, size_t n, struct jt_buf *out)
{
    bool good = jt_wire_n_encode(n, JT_WIRE_MAX_ITEMS, out);
    for (size_t i = 0; i < n && good; i++) {
        jt_open_item_encode(&items[i], out);
    }
}

enum jt_err jt_open_request_decode(struct jt_reader *in, struct jt_open_item *items, size_t *n)
{
    const struct jt_wire_list list = { items, sizeof items[0], jt_open_item_decode, NULL };
    return jt_wire_items_decode(in, &list, JT_WIRE_MAX_ITEMS, n);
}

void jt_open_reply_encode(const struct jt_open_reply *reply, struct jt_buf *out)
{
    jt_buf_u64(out, reply->epoch);
    jt_buf_u16(out, (uint16_t)reply->n);
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_open_result *r = &reply->results[i];
        if (r->err != JT_OK) {
            jt_buf_u8(out, (uint8_t)r->err);
            continue;
        }
        uint8_t *p = jt_buf_append(out, 2u + JT_VALUE_HEAD_LEN + r->value.len);
        if (p == NULL) {
            return;
        }
        p[0] = JT_OK;
        p[1] = (uint8_t)((r->draining ? DRAINING : 0) | (r->honey ? HONEY : 0));
        (void)jt_value_encode(&r->value, p + 2);
    }
}

/* what an item may be answered with */
static const enum jt_err reasons[] = { JT_ERR_DECRYPT, JT_ERR_OPEN_RATE, JT_ERR_OPEN_QUOTA, JT_OK };

static void result_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    struct jt_open_result *r = decoded;
    *r = (struct jt_open_result){ .err = jt_wire_item_reason(in, reasons) };
    if (in->bad || r->err != JT_OK) {
        return;
    }
    uint8_t flags = jt_wire_flags_decode(in, DRAINING | HONEY);
    r->draining = (flags & DRAINING) != 0;
    r->honey = (flags & HONEY) != 0;
    jt_value_decode(in, &r->value);
    if (!jt_value_len_valid(r->value.kind, r->value.len)) {
        in->bad = true;
    }
}

enum jt_err jt_open_reply_decode(struct jt_reader *in, size_t n, struct jt_open_reply *reply)
{
    const struct jt_wire_list list = { reply->results, sizeof reply->results[0], result_decode,
                                       NULL };
    reply->epoch = jt_reader_u64(in);
    return jt_wire_results_decode(in, &list, n, &reply->n);
}
