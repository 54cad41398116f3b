/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/fingerprint.h"

#include "wire/items.h"

void jt_fingerprint_reply_encode(const struct jt_fingerprint_reply *reply, struct jt_buf *out)
{
    size_t len = (size_t)reply->n_probed * JT_FINGERPRINT_LEN;
    jt_buf_u64(out, reply->epoch);
    jt_seal_probed_encode(reply->probed, reply->n_probed, out);
    jt_buf_u16(out, (uint16_t)reply->n);
    for (size_t i = 0; i < reply->n; i++) {
        const struct jt_fingerprint_result *r = &reply->results[i];
        jt_buf_u8(out, (uint8_t)r->err);
        if (r->err == JT_OK && len > 0) {
            jt_buf_put(out, r->fingerprints, len);
        }
    }
}

/* what an item may be answered with */
static const enum jt_err reasons[] = { JT_ERR_INVALID, JT_ERR_NO_FIELD, JT_ERR_NOT_LINKED, JT_OK };

static void result_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    const struct jt_fingerprint_reply *reply = arg;
    struct jt_fingerprint_result *r = decoded;
    *r = (struct jt_fingerprint_result){ .err = jt_wire_item_reason(in, reasons) };
    if (!in->bad && r->err == JT_OK) {
        r->fingerprints = jt_reader_bytes(in, (size_t)reply->n_probed * JT_FINGERPRINT_LEN);
    }
}

enum jt_err jt_fingerprint_reply_decode(struct jt_reader *in, size_t n,
                                        struct jt_fingerprint_reply *reply)
{
    const struct jt_wire_list list = { reply->results, sizeof reply->results[0], result_decode,
                                       reply };
    *reply = (struct jt_fingerprint_reply){ .results = reply->results };
    reply->epoch = jt_reader_u64(in);
    reply->n_probed = jt_seal_probed_decode(in, reply->probed);
    return jt_wire_results_decode(in, &list, n, &reply->n);
}
