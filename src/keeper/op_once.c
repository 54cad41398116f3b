/* SPDX-License-Identifier: Apache-2.0 */
/* ONCE: MACs by which a request that is repeated is known again. */
#include "keeper/op.h"

#include "keeper/rowmac.h"
#include "wire/once.h"

enum jt_err jt_op_once(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_batch *b = k->batch;
    struct jt_once_reply reply = { .results = b->results.once };
    enum jt_err err = jt_once_request_decode(in, b->items.once, &reply.n);
    for (size_t i = 0; i < reply.n && err == JT_OK; i++) {
        err = jt_rowmac_once(k->root, b->items.once[i].digest, b->results.once[i].mac);
    }
    if (err == JT_OK) {
        jt_once_reply_encode(&reply, out);
    }
    return err;
}
