/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/compromise.h"

#include "base/log.h"
#include "vault/activation.h"
#include "vault/refresh.h"
#include "vault/ring_step.h"
#include "vault/roll.h"
#include "wire/ring.h"

static enum jt_err find(struct jt_work_ctx *ctx, uint64_t number, struct jt_generation_info *out)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    if (err == JT_OK) {
        err = jt_generation_get(ctx->db, number, out);
    }
    uint8_t state = err == JT_OK ? out->row.state : 0;
    if (err == JT_OK && (state == JT_GENERATION_FUTURE || state == JT_GENERATION_DESTROYED)) {
        err = jt_fault_set(&ctx->fault, JT_ERR_WRONG_STATE, "generation %llu is %s%s",
                           (unsigned long long)number, jt_generation_state_name(state),
                           state == JT_GENERATION_FUTURE ? ": abandon it instead" : "");
    }
    return err;
}

/* By the ring, which a keeper has accepted; what the row says of it anybody may have written. */
static enum jt_err is_marked(struct jt_work_ctx *ctx, uint64_t number, bool *marked)
{
    struct jt_ring_row row;
    struct jt_ring ring;
    enum jt_err err = jt_ring_refresh(ctx, &row);
    if (err == JT_OK) {
        err = jt_ring_decode(row.body, row.body_len, &ring);
    }
    const struct jt_ring_entry *entry = err == JT_OK ? jt_ring_find(&ring, number) : NULL;
    *marked = entry != NULL && entry->compromised;
    return err;
}

/* The first in line: one with a lower number than the active one can never become active. */
struct line {
    uint64_t above, first;
};

static void look_for_first(void *arg, const struct jt_generation_info *info)
{
    struct line *line = arg;
    if (line->first == 0 && info->row.state == JT_GENERATION_FUTURE &&
        info->row.number > line->above) {
        line->first = info->row.number;
    }
}

static enum jt_err replace(struct jt_work_ctx *ctx, const struct jt_generation_info *info,
                           const char *why, const char *actor, const char *holder_override,
                           struct jt_missing_nodes *missing)
{
    struct line line = { .above = info->row.number };
    enum jt_err err = jt_generations_kept(ctx->db, look_for_first, &line);
    if (err == JT_OK && line.first == 0) {
        err = JT_ERR_NO_SUCCESSOR;
    }
    if (err != JT_OK) {
        return err;
    }
    const struct jt_activation activation = { .number = line.first,
                                              .actor = actor,
                                              .holder_override = holder_override,
                                              .compromised = info->row.number,
                                              .compromised_why = why };
    struct jt_generation_info successor;
    return jt_activation_run(ctx, &activation, &successor, missing);
}

static enum jt_err mark(struct jt_work_ctx *ctx, const struct jt_generation_info *info,
                        const char *why, const char *actor)
{
    const struct jt_ring_step step = { .generation = &info->row,
                                       .step = JT_RING_COMPROMISE,
                                       .actor = actor,
                                       .compromised = info->row.number,
                                       .compromised_why = why };
    return jt_ring_step_run(ctx, &step);
}

enum jt_err jt_compromise_run(struct jt_work_ctx *ctx, uint64_t number, const char *why,
                              const char *actor, const char *holder_override,
                              struct jt_generation_info *out, struct jt_missing_nodes *missing)
{
    bool marked = false;
    enum jt_err err = find(ctx, number, out);
    if (err == JT_OK) {
        err = is_marked(ctx, number, &marked);
    }
    if (err != JT_OK || marked) {
        return err;
    }
    err = out->row.state == JT_GENERATION_ACTIVE
              ? replace(ctx, out, why, actor, holder_override, missing)
              : mark(ctx, out, why, actor);
    if (err == JT_OK) {
        jt_log(JT_LOG_WARNING, "generation %llu is marked as compromised: drain and retire it",
               (unsigned long long)number);
        jt_roll_read_after(ctx, out, out->row.state);
    }
    return err;
}
