/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/once.h"

#include "wire/items.h"

void jt_once_request_encode(const struct jt_once_item *items, size_t n, struct jt_buf *out)
{
    bool good = jt_wire_n_encode(n, JT_WIRE_MAX_ITEMS, out);
    for (size_t i = 0; i < n && good; i++) {
        jt_buf_put(out, items[i].digest, JT_ONCE_DIGEST_LEN);
    }
}

static void item_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    struct jt_once_item *item = decoded;
    item->digest = jt_reader_bytes(in, JT_ONCE_DIGEST_LEN);
}

enum jt_err jt_once_request_decode(struct jt_reader *in, struct jt_once_item *items, size_t *n)
{
    const struct jt_wire_list list = { items, sizeof items[0], item_decode, NULL };
    return jt_wire_items_decode(in, &list, JT_WIRE_MAX_ITEMS, n);
}

void jt_once_reply_encode(const struct jt_once_reply *reply, struct jt_buf *out)
{
    jt_buf_u16(out, (uint16_t)reply->n);
    for (size_t i = 0; i < reply->n; i++) {
        jt_buf_put(out, reply->results[i].mac, JT_ROW_MAC_LEN);
    }
}

static void result_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    struct jt_once_result *r = decoded;
    jt_reader_copy(in, r->mac, sizeof r->mac);
}

enum jt_err jt_once_reply_decode(struct jt_reader *in, size_t n, struct jt_once_reply *reply)
{
    const struct jt_wire_list list = { reply->results, sizeof reply->results[0], result_decode,
                                       NULL };
    return jt_wire_results_decode(in, &list, n, &reply->n);
}
