/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/name.h"

#include "wire/items.h"

void jt_name_request_encode(const struct jt_name_item *items, size_t n, struct jt_buf *out)
{
    bool good = jt_wire_n_encode(n, JT_WIRE_MAX_ITEMS, out);
    for (size_t i = 0; i < n && good; i++) {
        jt_buf_u32(out, items[i].field);
        jt_buf_u64(out, items[i].id);
    }
}

static void item_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    struct jt_name_item *item = decoded;
    item->field = jt_reader_u32(in);
    item->id = jt_reader_u64(in);
}

enum jt_err jt_name_request_decode(struct jt_reader *in, struct jt_name_item *items, size_t *n)
{
    const struct jt_wire_list list = { items, sizeof items[0], item_decode, NULL };
    return jt_wire_items_decode(in, &list, JT_WIRE_MAX_ITEMS, n);
}

void jt_name_reply_encode(const struct jt_name_reply *reply, struct jt_buf *out)
{
    jt_buf_u16(out, (uint16_t)reply->n);
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_name_result *r = &reply->results[i];
        jt_buf_u8(out, (uint8_t)r->err);
        if (r->err == JT_OK) {
            jt_buf_put(out, r->token, JT_TOKEN_LEN);
        }
    }
}

/* what an item may be answered with */
static const enum jt_err reasons[] = { JT_ERR_NO_TOKEN, JT_OK };

static void result_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    struct jt_name_result *r = decoded;
    *r = (struct jt_name_result){ .err = jt_wire_item_reason(in, reasons) };
    if (!in->bad && r->err == JT_OK) {
        r->token = jt_reader_bytes(in, JT_TOKEN_LEN);
    }
}

enum jt_err jt_name_reply_decode(struct jt_reader *in, size_t n, struct jt_name_reply *reply)
{
    const struct jt_wire_list list = { reply->results, sizeof reply->results[0], result_decode,
                                       NULL };
    return jt_wire_results_decode(in, &list, n, &reply->n);
}
