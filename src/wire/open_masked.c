/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/open_masked.h"

#include "wire/items.h"
#include "wire/text.h"

enum { DRAINING = 1 << 0, HONEY = 1 << 7 };

/* A packed number of so many bytes has at most twice as many digits; one half byte is left over. */
#define DIGITS_MIN (2 * JT_PAN_MIN_PACKED)
#define DIGITS_MAX (2 * JT_PAN_MAX_PACKED - 1)

void jt_open_masked_reply_encode(const struct jt_open_masked_reply *reply, struct jt_buf *out)
{
    jt_buf_u64(out, reply->epoch);
    jt_buf_u16(out, (uint16_t)reply->n);
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_open_masked_result *r = &reply->results[i];
        jt_buf_u8(out, (uint8_t)r->err);
        if (r->err == JT_OK) {
            jt_buf_u8(out, (uint8_t)((r->draining ? DRAINING : 0) | (r->honey ? HONEY : 0)));
            jt_buf_u64(out, r->generation);
            jt_buf_u8(out, r->len);
            jt_buf_put(out, r->masked, r->len);
        }
    }
}

/* what an item may be answered with */
static const enum jt_err reasons[] = { JT_ERR_DECRYPT, JT_ERR_OPEN_RATE, JT_ERR_OPEN_QUOTA, JT_OK };

static bool is_masked(const struct jt_open_masked_result *r)
{
    for (size_t i = 0; i < r->len; i++) {
        char c = r->masked[i];
        if (c != '*' && (c < '0' || c > '9')) {
            return false;
        }
    }
    return r->len >= DIGITS_MIN && r->len <= DIGITS_MAX;
}

static void result_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    struct jt_open_masked_result *r = decoded;
    *r = (struct jt_open_masked_result){ .err = jt_wire_item_reason(in, reasons) };
    if (in->bad || r->err != JT_OK) {
        return;
    }
    uint8_t flags = jt_wire_flags_decode(in, DRAINING | HONEY);
    r->draining = (flags & DRAINING) != 0;
    r->honey = (flags & HONEY) != 0;
    r->generation = jt_reader_u64(in);
    r->len = jt_reader_u8(in);
    r->masked = (const char *)jt_reader_bytes(in, r->len);
    in->bad = in->bad || !is_masked(r);
}

enum jt_err jt_open_masked_reply_decode(struct jt_reader *in, size_t n,
                                        struct jt_open_masked_reply *reply)
{
    const struct jt_wire_list list = { reply->results, sizeof reply->results[0], result_decode,
                                       NULL };
    reply->epoch = jt_reader_u64(in);
    return jt_wire_results_decode(in, &list, n, &reply->n);
}
