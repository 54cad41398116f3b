/* SPDX-License-Identifier: Apache-2.0 */
/* PLAN: the MAC of a future generation's date. */
#include "keeper/op.h"

#include "keeper/rowmac.h"
#include "wire/plan.h"

enum jt_err jt_op_plan(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_plan_request request;
    struct jt_plan_reply reply;
    enum jt_err err = jt_plan_request_decode(in, &request);
    if (err == JT_OK) {
        err = jt_rowmac_generation_check(k->root, &request.generation);
    }
    if (err == JT_OK && request.generation.state != JT_GENERATION_FUTURE) {
        err = JT_ERR_WRONG_STATE;
    }
    if (err == JT_OK) {
        err = jt_rowmac_plan(k->root, &request.generation, &request.plan, reply.mac);
    }
    if (err == JT_OK) {
        jt_plan_reply_encode(&reply, out);
    }
    return err;
}
