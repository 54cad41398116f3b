/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/acknowledge.h"

#include "keyclient/nodes.h"
#include "store/acks.h"

enum jt_err jt_acknowledge(struct jt_work_ctx *ctx, const struct jt_generation_row *generation)
{
    uint8_t challenge[JT_CHALLENGE_LEN];
    struct jt_ack ack;
    struct jt_node_row node;
    enum jt_err err = jt_keyclient_wait_ack_challenge(ctx->keeper, generation, challenge);
    if (err == JT_OK) {
        err =
            jt_keyclient_wait_ack(ctx->keeper, generation, ctx->vault->node.name, challenge, &ack);
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_node_row(ctx->keeper, &ctx->vault->node, &node);
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_ack_check(ctx->keeper, generation, &ack, &node);
    }
    return err == JT_OK ? jt_ack_insert(ctx->db, generation->number, &ack) : err;
}
