/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/accept.h"

#include "store/audit.h"
#include "vault/enrolment.h"

enum jt_err jt_accept_ids(struct jt_work_ctx *ctx, const char *actor, const char *reason,
                          uint64_t *newest_ms)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    struct jt_node_joined joined;
    enum jt_err err = jt_audit_record(ctx->db, &act, JT_AUDIT_IDS_ACCEPT, reason);
    if (err == JT_OK) {
        err = jt_enrolment_accept_ahead(ctx, &joined);
    }
    if (err == JT_OK) {
        *newest_ms = joined.newest_ms;
    }
    return err;
}

enum jt_err jt_accept_sets(struct jt_work_ctx *ctx, const struct jt_credential *credential,
                           const char *reason)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = credential->id };
    enum jt_err err = jt_audit_record(ctx->db, &act, JT_AUDIT_SETS_ACCEPT, reason);
    if (err == JT_OK) {
        err = jt_sets_accept(ctx, credential->id, credential->secret);
    }
    return err;
}
