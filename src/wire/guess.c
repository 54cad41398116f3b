/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/guess.h"

#include "wire/items.h"
#include "wire/text.h"

#include <string.h>

void jt_guess_request_encode(const struct jt_guess_request *request, struct jt_buf *out)
{
    jt_buf_u8(out, (uint8_t)request->act);
    jt_buf_u32(out, request->day);
    bool good = jt_wire_n_encode(request->n, JT_WIRE_MAX_ITEMS, out);
    for (size_t i = 0; i < request->n && good; i++) {
        const struct jt_guess_item *item = &request->items[i];
        uint8_t *p = jt_buf_append(out, 2u + item->client_len + item->packed_len);
        if (p == NULL) {
            return;
        }
        *p++ = item->client_len;
        memcpy(p, item->client, item->client_len);
        p += item->client_len;
        *p++ = item->packed_len;
        memcpy(p, item->packed, item->packed_len);
    }
}

static void item_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    struct jt_guess_item *item = decoded;
    item->client_len = jt_reader_u8(in);
    item->client = (const char *)jt_reader_bytes(in, item->client_len);
    item->packed_len = jt_reader_u8(in);
    item->packed = jt_reader_bytes(in, item->packed_len);
    in->bad = in->bad || item->client_len > JT_CLIENT_ID_MAX ||
              memchr(item->client, '\0', item->client_len) != NULL;
}

enum jt_err jt_guess_request_decode(struct jt_reader *in, struct jt_guess_item *items,
                                    struct jt_guess_request *request)
{
    const struct jt_wire_list list = { items, sizeof items[0], item_decode, NULL };
    *request = (struct jt_guess_request){ .items = items };
    uint8_t act = jt_reader_u8(in);
    request->act = act;
    request->day = jt_reader_u32(in);
    if (act != JT_GUESS_LOOKUP && act != JT_GUESS_TOKENIZE) {
        return JT_ERR_PROTOCOL;
    }
    return jt_wire_items_decode(in, &list, JT_WIRE_MAX_ITEMS, &request->n);
}

/* Results are MACs and nothing else: they cross as they lie in memory. */
_Static_assert(sizeof(struct jt_guess_result) == 2 * JT_ROW_MAC_LEN, "no padding");

void jt_guess_reply_encode(const struct jt_guess_reply *reply, struct jt_buf *out)
{
    jt_buf_u16(out, (uint16_t)reply->n);
    jt_buf_put(out, reply->results, reply->n * sizeof reply->results[0]);
}

enum jt_err jt_guess_reply_decode(struct jt_reader *in, size_t n, struct jt_guess_reply *reply)
{
    reply->n = 0;
    size_t count = jt_reader_u16(in);
    if (in->bad || count != n) {
        return JT_ERR_PROTOCOL;
    }
    jt_reader_copy(in, reply->results, n * sizeof reply->results[0]);
    enum jt_err err = jt_wire_end(in);
    reply->n = err == JT_OK ? n : 0;
    return err;
}
