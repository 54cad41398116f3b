/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/roll.h"

#include "base/log.h"
#include "keyclient/nodes.h"
#include "vault/delivery.h"
#include "vault/plan.h"
#include "vault/refresh.h"
#include "vault/strays.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CREATE_PATIENCE_MS 20000
/*
 * The key of an abandoned generation goes, if the keeper has it: the row says already that it is
 * destroyed, so that whatever breaks here, no card can come under it any more. The keeper wants to
 * see the row that it MACed, the future one, and refuses where the generation ever was in a ring.
 */
static enum jt_err erase(struct jt_work_ctx *ctx, const struct jt_generation_row *row)
{
    struct jt_generation_row future = *row;
    future.state = JT_GENERATION_FUTURE;
    enum jt_err err = jt_keyclient_wait_generation_abandon(ctx->keeper, &future);
    return err == JT_ERR_KEY_MISSING ? JT_OK : err;
}

static void tell_kept(uint64_t number)
{
    jt_log(JT_LOG_ERROR,
           "alarm: generation %llu is marked as destroyed, and the keeper knows better; its key "
           "stays",
           (unsigned long long)number);
}

static enum jt_err erase_page(struct jt_work_ctx *ctx, const struct jt_generation_row *rows,
                              const enum jt_err *held, size_t n)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        enum jt_err erased = held[i] == JT_OK           ? erase(ctx, &rows[i])
                             : held[i] == JT_ERR_FORGED ? JT_ERR_FORGED
                                                        : JT_OK;
        if (erased == JT_ERR_USED_BEFORE || erased == JT_ERR_FORGED) {
            tell_kept(rows[i].number);
        } else {
            err = erased;
        }
    }
    return err;
}

enum jt_err jt_roll_erase(struct jt_work_ctx *ctx, uint64_t *below)
{
    struct jt_generation_row *rows = calloc(JT_GENERATIONS_MAX, sizeof *rows);
    enum jt_err held[JT_GENERATIONS_MAX];
    size_t n = 0;
    enum jt_err err = rows == NULL ? JT_ERR_NOMEM : jt_ring_refresh(ctx, NULL);
    if (err == JT_OK) {
        err = jt_generations_abandoned(ctx->db, *below, rows, &n);
    }
    if (err == JT_OK && n > 0) {
        err = jt_keyclient_wait_generation_held(ctx->keeper, rows, n, held);
    }
    if (err == JT_OK) {
        err = erase_page(ctx, rows, held, n);
    }
    if (err == JT_OK) {
        *below = n == JT_GENERATIONS_MAX ? rows[n - 1].number : 0;
    }
    free(rows);
    return err;
}

/* All of them: the key id of each is free, and may be that of the next one. */
static enum jt_err erase_abandoned(struct jt_work_ctx *ctx)
{
    uint64_t below = JT_ROLL_NEWEST;
    enum jt_err err = JT_OK;
    while (err == JT_OK && below > 0) {
        err = jt_roll_erase(ctx, &below);
    }
    return err;
}

/*
 * The database has one creator at a time, on whichever node (jt_generation_begin): two would be
 * given the same number. Its lock is held across one call of the keeper, and by nobody for longer
 * than that and a transaction take.
 */
static enum jt_err make_and_store(struct jt_work_ctx *ctx, const uint8_t *used,
                                  const struct jt_generation_plan *plan, const char *actor,
                                  struct jt_generation_info *out, bool *busy)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    struct jt_generations_taken taken;
    enum jt_err err = jt_generation_begin(ctx->db, &taken, busy);
    if (err != JT_OK) {
        return err;
    }
    for (size_t i = 0; i < JT_KEY_ID_SET_LEN; i++) {
        taken.key_ids[i] |= used[i];
    }
    err = taken.n_future >= JT_ROLL_MAX_FUTURE
              ? JT_ERR_TOO_MANY_FUTURE
              : jt_keyclient_wait_generation_create(ctx->keeper, taken.highest, taken.key_ids,
                                                    &out->row);
    struct jt_generation_plan with_mac;
    if (err == JT_OK && plan != NULL) {
        err = jt_plan_seal(ctx, &out->row, plan, &with_mac);
    }
    /*
     * Should storing fail, the keeper gives the same key out again; if it was done after all, the
     * next one.
     */
    return jt_generation_end(ctx->db, err, &out->row, plan == NULL ? NULL : &with_mac, &act,
                             out->created_at);
}

static enum jt_err create(struct jt_work_ctx *ctx, const struct jt_generation_plan *plan,
                          const char *actor, struct jt_generation_info *out)
{
    uint8_t used[JT_KEY_ID_SET_LEN];
    bool busy = false;
    /* The keeper numbers above everything it has accepted: this brings it up to date first. */
    enum jt_err err = erase_abandoned(ctx);
    if (err == JT_OK) {
        /* a key id that any row has is not given out, whatever the generations say */
        err = jt_strays_look(ctx, used);
    }
    if (err == JT_OK) {
        err = make_and_store(ctx, used, plan, actor, out, &busy);
    }
    if (busy) {
        (void)jt_work_again(ctx, CREATE_PATIENCE_MS);
    }
    (void)snprintf(out->created_by, sizeof out->created_by, "%s", actor);
    return err;
}

enum jt_err jt_roll_create(struct jt_work_ctx *ctx, const struct jt_generation_plan *plan,
                           const char *actor, struct jt_generation_info *out)
{
    memset(out, 0, sizeof *out);
    enum jt_err err = create(ctx, plan, actor, out);
    if (err == JT_OK) {
        jt_delivery_nudge(ctx->vault);
    }
    if (err == JT_OK && plan != NULL) {
        jt_roll_read_after(ctx, out, JT_GENERATION_FUTURE);
    }
    return err;
}

void jt_roll_read_after(struct jt_work_ctx *ctx, struct jt_generation_info *out,
                        enum jt_generation_state state)
{
    struct jt_generation_info now;
    enum jt_err err = jt_db_ensure(ctx->db);
    if (err == JT_OK) {
        err = jt_generation_get(ctx->db, out->row.number, &now);
    }
    if (err == JT_OK) {
        *out = now;
    } else {
        out->row.state = (uint8_t)state;
    }
}

enum jt_err jt_roll_abandon(struct jt_work_ctx *ctx, uint64_t number, const char *actor,
                            struct jt_generation_info *out)
{
    struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_ring_refresh(ctx, NULL);
    if (err == JT_OK) {
        err = jt_generation_get(ctx->db, number, out);
    }
    if (err != JT_OK) {
        return err;
    }
    /* a repeated request */
    bool abandoned = out->row.state == JT_GENERATION_DESTROYED && out->activated_at[0] == '\0';
    if (!abandoned) {
        err = jt_generation_abandon(ctx->db, &out->row, &act, out->destroyed_at);
    }
    if (err == JT_OK) {
        err = erase(ctx, &out->row);
    }
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO, "generation %llu is abandoned and its key erased",
               (unsigned long long)number);
        jt_roll_read_after(ctx, out, JT_GENERATION_DESTROYED);
    }
    return err;
}
