/* SPDX-License-Identifier: Apache-2.0 */
/* HELLO and STATUS. */
#include "keeper/op.h"

#include "keeper/dirwatch.h"

#include "wire/frame.h"
#include "wire/hello.h"
#include "wire/status.h"

#include <string.h>
#include <time.h>

enum jt_err jt_op_hello(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    uint16_t version;
    enum jt_err err = jt_hello_decode(in, &version);
    if (err != JT_OK || version != JT_WIRE_VERSION) {
        return JT_ERR_PROTOCOL;
    }
    struct jt_hello_reply reply = { .version = JT_WIRE_VERSION, .max_frame = JT_WIRE_MAX_FRAME };
    memcpy(reply.incarnation, k->incarnation, sizeof reply.incarnation);
    jt_hello_reply_encode(&reply, out);
    return JT_OK;
}

enum jt_err jt_op_status(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    if (jt_wire_end(in) != JT_OK) {
        return JT_ERR_PROTOCOL;
    }
    struct jt_keeper_status status = {
        .development = k->development,
        .locked = k->locked,
        .sealed = k->sealed,
        .has_root = k->root != NULL,
        .node = k->state.node,
        .joined = k->joined,
        .directory_good = !k->sealed && jt_dirwatch_good(k),
        .epoch = k->ring.epoch,
        .highest_generation = k->state.highest_generation,
        .n_sealed = k->n_sealed,
        .n_opened = k->n_opened,
        .n_resealed = k->n_resealed,
        .n_refused = k->n_refused,
        .n_matched = k->n_matched,
        .n_mismatched = k->n_mismatched,
        .n_identified = k->n_identified,
        .n_held_back = k->n_held_back,
        .seals_generation = k->sealcount.sealed.generation,
        .seals = k->sealcount.sealed.n,
        .opened_ever = k->ceiling.opened.ever,
        .opened_today = jt_ceiling_today(&k->ceiling, time(NULL)),
    };
    memcpy(status.incarnation, k->incarnation, sizeof status.incarnation);
    jt_keeper_status_encode(&status, out);
    return JT_OK;
}
