/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/retirement.h"

#include <stdio.h>

static enum jt_err load(struct jt_work_ctx *ctx, uint64_t number, struct jt_retirement_view *out)
{
    enum jt_err err = jt_retirement_get(ctx->db, number, &out->job);
    if (err == JT_OK) {
        err = jt_generation_get(ctx->db, number, &out->generation);
    }
    jt_retirer_progress(ctx->vault->retirer, &out->progress);
    return err;
}

/*
 * The job stands: if it cannot be read any more, what is known of it is told, and not that nothing
 * was done.
 */
static void load_after(struct jt_work_ctx *ctx, uint64_t number, const char *actor,
                       struct jt_retirement_view *out)
{
    enum jt_err err = load(ctx, number, out);
    if (jt_err_class(err) == JT_CLASS_REPEAT) {
        err = load(ctx, number, out); /* on a new connection */
    }
    if (err != JT_OK) {
        out->job = (struct jt_retirement){ .generation = number, .state = JT_RETIREMENT_DRAINING };
        snprintf(out->job.actor, sizeof out->job.actor, "%s", actor);
        out->generation = (struct jt_generation_info){ .rows_written = 0 };
    }
}

enum jt_err jt_retirement_start(struct jt_work_ctx *ctx, uint64_t number, const char *actor,
                                struct jt_retirement_view *out)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    if (err == JT_OK) {
        const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
        err = jt_retirement_open(ctx->db, number, &act);
    }
    if (err == JT_OK) {
        jt_retirer_nudge(ctx->vault->retirer);
        load_after(ctx, number, actor, out);
    }
    return err;
}

enum jt_err jt_retirement_look(struct jt_work_ctx *ctx, uint64_t number,
                               struct jt_retirement_view *out)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    return err == JT_OK ? load(ctx, number, out) : err;
}
