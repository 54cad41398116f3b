/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/identify.h"

#include "wire/items.h"

#include <string.h>

void jt_identify_request_encode(const struct jt_identify_item *items, size_t n, struct jt_buf *out)
{
    bool good = jt_wire_n_encode(n, JT_WIRE_MAX_ITEMS, out);
    for (size_t i = 0; i < n && good; i++) {
        uint8_t *p = jt_buf_append(out, 4 + JT_TOKEN_LEN);
        if (p == NULL) {
            return;
        }
        jt_put_u32(p, items[i].field);
        memcpy(p + 4, items[i].token, JT_TOKEN_LEN);
    }
}

static void item_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    struct jt_identify_item *item = decoded;
    item->field = jt_reader_u32(in);
    item->token = jt_reader_bytes(in, JT_TOKEN_LEN);
}

enum jt_err jt_identify_request_decode(struct jt_reader *in, struct jt_identify_item *items,
                                       size_t *n)
{
    const struct jt_wire_list list = { items, sizeof items[0], item_decode, NULL };
    return jt_wire_items_decode(in, &list, JT_WIRE_MAX_ITEMS, n);
}

void jt_identify_reply_encode(const struct jt_identify_reply *reply, struct jt_buf *out)
{
    jt_buf_u64(out, reply->epoch);
    jt_buf_u8(out, reply->n_live);
    jt_buf_put(out, reply->live, reply->n_live);
    jt_buf_u16(out, (uint16_t)reply->n);
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_identify_result *r = &reply->results[i];
        jt_buf_u8(out, (uint8_t)r->err);
        if (r->err == JT_OK) {
            jt_buf_u64(out, r->id);
        }
        if (r->err == JT_OK && r->id == 0) {
            jt_buf_put(out, r->tok, JT_TOK_LEN);
        }
    }
}

/* what an item may be answered with */
static const enum jt_err reasons[] = { JT_ERR_NO_TOKEN, JT_OK };

static void result_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    struct jt_identify_result *r = decoded;
    *r = (struct jt_identify_result){ .err = jt_wire_item_reason(in, reasons) };
    if (in->bad || r->err != JT_OK) {
        return;
    }
    r->id = jt_reader_u64(in);
    r->tok = r->id == 0 ? jt_reader_bytes(in, JT_TOK_LEN) : NULL;
    in->bad = in->bad || r->id > INT64_MAX;
}

enum jt_err jt_identify_reply_decode(struct jt_reader *in, size_t n,
                                     struct jt_identify_reply *reply)
{
    const struct jt_wire_list list = { reply->results, sizeof reply->results[0], result_decode,
                                       NULL };
    *reply = (struct jt_identify_reply){ .results = reply->results };
    reply->epoch = jt_reader_u64(in);
    size_t n_live = jt_reader_u8(in);
    if (n_live > JT_RING_MAX_LIVE) {
        return JT_ERR_PROTOCOL;
    }
    jt_reader_copy(in, reply->live, n_live);
    reply->n_live = (uint8_t)n_live;
    return jt_wire_results_decode(in, &list, n, &reply->n);
}
