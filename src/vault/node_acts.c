/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/node_acts.h"

#include "base/log.h"
#include "vault/ring_step.h"

enum jt_err jt_nodes_inspect(struct jt_work_ctx *ctx, jt_node_fn *each,
                             jt_ack_standing_fn *standing, void *arg)
{
    enum jt_err err = jt_nodes_list(ctx->db, each, arg);
    return err == JT_OK ? jt_acks_standing(ctx->db, standing, arg) : err;
}

enum jt_err jt_nodes_remove(struct jt_work_ctx *ctx, const char *name, const char *actor)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    bool busy = false;
    enum jt_err err = jt_node_remove(ctx->db, name, &act, &busy);
    if (busy) {
        jt_ring_wait(ctx);
    } else if (err == JT_OK) {
        jt_log(JT_LOG_WARNING, "node %s is removed, on the word of %s; its number rests for a day",
               name, actor);
    }
    return err;
}
