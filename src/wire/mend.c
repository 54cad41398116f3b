/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/mend.h"

#include "wire/items.h"

void jt_mend_reply_encode(const struct jt_mend_reply *reply, struct jt_buf *out)
{
    jt_buf_u64(out, reply->epoch);
    jt_buf_u16(out, (uint16_t)reply->n);
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_mend_result *r = &reply->results[i];
        jt_buf_u8(out, (uint8_t)r->err);
        if (r->err == JT_OK) {
            jt_buf_put(out, r->fingerprint, JT_FINGERPRINT_LEN);
        }
    }
}

/* what an item may be answered with */
static const enum jt_err reasons[] = { JT_ERR_DECRYPT, JT_ERR_NO_FIELD, JT_ERR_OPEN_RATE,
                                       JT_ERR_OPEN_QUOTA, JT_OK };

static void result_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    struct jt_mend_result *r = decoded;
    *r = (struct jt_mend_result){ .err = jt_wire_item_reason(in, reasons) };
    if (!in->bad && r->err == JT_OK) {
        r->fingerprint = jt_reader_bytes(in, JT_FINGERPRINT_LEN);
    }
}

enum jt_err jt_mend_reply_decode(struct jt_reader *in, size_t n, struct jt_mend_reply *reply)
{
    const struct jt_wire_list list = { reply->results, sizeof reply->results[0], result_decode,
                                       NULL };
    reply->epoch = jt_reader_u64(in);
    return jt_wire_results_decode(in, &list, n, &reply->n);
}
