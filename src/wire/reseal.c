/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/reseal.h"

#include "wire/items.h"

#include <string.h>

static void result_encode(const struct jt_reseal_result *r, struct jt_buf *out)
{
    if (r->err != JT_OK) {
        jt_buf_u8(out, (uint8_t)r->err);
        return;
    }
    uint8_t *p = jt_buf_append(out, 1 + 8 + JT_FINGERPRINT_LEN + 2 + (size_t)r->envelope_len);
    if (p == NULL) {
        return;
    }
    p[0] = JT_OK;
    jt_put_u64(p + 1, r->from);
    memcpy(p + 9, r->fingerprint, JT_FINGERPRINT_LEN);
    p += 9 + JT_FINGERPRINT_LEN;
    jt_put_u16(p, r->envelope_len);
    memcpy(p + 2, r->envelope, r->envelope_len);
}

void jt_reseal_reply_encode(const struct jt_reseal_reply *reply, struct jt_buf *out)
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
static const enum jt_err reasons[] = { JT_ERR_DECRYPT, JT_ERR_ACTIVE_ALREADY, JT_ERR_NO_FIELD,
                                       JT_OK };

static void result_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    const struct jt_reseal_reply *reply = arg;
    struct jt_reseal_result *r = decoded;
    *r = (struct jt_reseal_result){ .err = jt_wire_item_reason(in, reasons) };
    if (in->bad || r->err != JT_OK) {
        return;
    }
    r->from = jt_reader_u64(in);
    r->fingerprint = jt_reader_bytes(in, JT_FINGERPRINT_LEN);
    r->envelope_len = jt_reader_u16(in);
    r->envelope = jt_reader_bytes(in, r->envelope_len);
    if (r->envelope == NULL || r->envelope_len < JT_PAN_ENVELOPE_MIN ||
        r->envelope_len > JT_PAN_ENVELOPE_MAX || r->envelope[0] != reply->active.key_id) {
        in->bad = true;
    }
}

enum jt_err jt_reseal_reply_decode(struct jt_reader *in, size_t n, struct jt_reseal_reply *reply)
{
    const struct jt_wire_list list = { reply->results, sizeof reply->results[0], result_decode,
                                       reply };
    reply->epoch = jt_reader_u64(in);
    reply->active.generation = jt_reader_u64(in);
    reply->active.key_id = jt_reader_u8(in);
    return jt_wire_results_decode(in, &list, reply->active.key_id == 0 ? 0 : n, &reply->n);
}
