/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/activation.h"

#include "vault/ring_step.h"
#include "vault/roll.h"

#include <stdlib.h>

#define PATIENCE_MS 20000
#define STUCK_TRIES 6 /* so many attempts in vain, and stuck writers are looked for */

static enum jt_err find(struct jt_work_ctx *ctx, uint64_t number, struct jt_generation_info *out)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    if (err == JT_OK) {
        err = jt_generation_get(ctx->db, number, out);
    }
    if (err == JT_OK && out->row.state != JT_GENERATION_ACTIVE &&
        out->row.state != JT_GENERATION_FUTURE) {
        err = JT_ERR_WRONG_STATE;
    }
    return err;
}

/* The keys of all of them are durable before they acknowledge. */
static enum jt_err check_holders(const struct jt_adopters *adopters, const char *holder_override)
{
    return adopters->n_holders < 2 && holder_override == NULL ? JT_ERR_ONE_HOLDER : JT_OK;
}

/* Once all is known: the step itself. */
static enum jt_err change_ring(struct jt_work_ctx *ctx, const struct jt_ring_step *step)
{
    bool again;
    enum jt_err err = jt_ring_step_try(ctx, step, &again);
    if (err != JT_OK && again && jt_work_again(ctx, PATIENCE_MS) &&
        jt_work_tries(ctx) >= STUCK_TRIES) {
        jt_ring_step_end_stuck(ctx);
    }
    return err;
}

/*
 * A single node without the operator's word is told at once: nobody else will come. Where others
 * are missing they are waited for.
 */
static enum jt_err gather(struct jt_work_ctx *ctx, const struct jt_generation_info *info,
                          const char *holder_override, struct jt_adopters *adopters,
                          struct jt_missing_nodes *missing)
{
    enum jt_err err = jt_adoption_look(ctx, &info->row, adopters, missing);
    if (err == JT_OK) {
        err = check_holders(adopters, holder_override);
    } else if (err == JT_ERR_NODES_MISSING) {
        (void)jt_work_again(ctx, PATIENCE_MS);
    }
    return err;
}

enum jt_err jt_activation_run(struct jt_work_ctx *ctx, uint64_t number, const char *actor,
                              const char *holder_override, struct jt_generation_info *out,
                              struct jt_missing_nodes *missing)
{
    enum jt_err err = find(ctx, number, out);
    if (err != JT_OK || out->row.state == JT_GENERATION_ACTIVE) {
        return err;
    }
    struct jt_adopters *adopters = calloc(1, sizeof *adopters);
    err = adopters == NULL ? JT_ERR_NOMEM : gather(ctx, out, holder_override, adopters, missing);
    if (err == JT_OK) {
        const struct jt_ring_step step = { .generation = &out->row,
                                           .target = JT_GENERATION_ACTIVE,
                                           .actor = actor,
                                           .holder_override = holder_override,
                                           .adopters = adopters->all,
                                           .n_adopters = adopters->n };
        err = change_ring(ctx, &step);
    }
    free(adopters);
    if (err == JT_OK) {
        jt_roll_read_after(ctx, out, JT_GENERATION_ACTIVE);
    }
    return err;
}
