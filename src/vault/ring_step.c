/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/ring_step.h"

#include "base/log.h"
#include "base/notice.h"
#include "keyclient/ends.h"
#include "store/ring.h"
#include "vault/refresh.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * No transaction of ours lasts this long unless its process was stopped in the middle
 * (JT_TXN_TIMEOUT_MS ends a front's own).
 */
#define STUCK_AFTER_MS 5000
#define STUCK_TRIES    6 /* so many attempts in vain, and stuck writers are looked for */

/* What is not ours is not ended: its owner is named, for the operator. */
static void name_holder(const struct jt_ring_holder *holder)
{
    static struct jt_notice held_up = { .what = "a change of the ring or of the nodes waits" };
    char detail[240];
    if (holder->process == 0) {
        (void)snprintf(detail, sizeof detail, "a prepared transaction holds the ring lock");
    } else {
        (void)snprintf(detail, sizeof detail,
                       "the ring lock is held by a session that is no node's: process %" PRIu32
                       " of the database server, user '%s'",
                       holder->process, holder->user);
    }
    jt_notice(&held_up, detail);
}

void jt_ring_step_end_stuck(struct jt_work_ctx *ctx)
{
    int n_ended = 0;
    struct jt_ring_holder holder;
    enum jt_err err = jt_ring_end_stuck(ctx->db, STUCK_AFTER_MS, &n_ended);
    if (err == JT_OK && n_ended > 0) {
        jt_log(JT_LOG_WARNING, "ended %d stuck database sessions that held the ring lock", n_ended);
    } else if (err == JT_OK && jt_ring_foreign_holder(ctx->db, &holder) == JT_OK) {
        name_holder(&holder);
    }
}

void jt_ring_wait(struct jt_work_ctx *ctx)
{
    if (jt_work_again(ctx, JT_RING_STEP_PATIENCE_MS) && jt_work_tries(ctx) >= STUCK_TRIES) {
        jt_ring_step_end_stuck(ctx);
    }
}

static enum jt_err propose(struct jt_work_ctx *ctx, const struct jt_ring_row *current,
                           const struct jt_ring_step *step, struct jt_ring_proposal *out)
{
    if (step->step != JT_RING_DESTROY) {
        return jt_keyclient_wait_ring_propose(ctx->keeper, current, step->generation,
                                              (uint8_t)step->step, &out->next, out->rows,
                                              &out->n_rows);
    }
    const struct jt_ring_propose request = { .current = *current,
                                             .generation = *step->generation,
                                             .step = JT_RING_DESTROY,
                                             .system_identifier = step->system_identifier,
                                             .timeline = step->timeline };
    return jt_keyclient_wait_ring_destroy(ctx->keeper, &request, out);
}

enum jt_err jt_ring_step_try(struct jt_work_ctx *ctx, const struct jt_ring_step *step, bool *again)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = step->actor };
    struct jt_ring_row current;
    struct jt_ring_proposal proposal = { .n_rows = 0 };
    bool busy = false;
    enum jt_err err = jt_ring_refresh(ctx, &current);
    if (err == JT_OK) {
        err = propose(ctx, &current, step, &proposal);
    }
    if (err == JT_OK) {
        const struct jt_ring_change change = { .from_epoch = current.epoch,
                                               .next = &proposal.next,
                                               .rows = proposal.rows,
                                               .n_rows = proposal.n_rows,
                                               .act = &act,
                                               .holder_override = step->holder_override,
                                               .second_holder = step->second_holder,
                                               .compromised = step->compromised,
                                               .compromised_why = step->compromised_why,
                                               .adopters = step->adopters,
                                               .n_adopters = step->n_adopters,
                                               .proof_of_zero = step->step == JT_RING_RETIRE ||
                                                                step->step == JT_RING_DESTROY,
                                               .facts = step->facts };
        err = jt_ring_change(ctx->db, &change, &busy);
    }
    *again = busy || err == JT_ERR_RING_MOVED || err == JT_ERR_NODES_MISSING;
    if (err != JT_OK) {
        return err;
    }
    /*
     * The step is taken: should the keeper be away now, it hears of it from the next request or
     * heartbeat.
     */
    err = jt_ring_adopt(ctx, &proposal.next);
    if (err != JT_OK) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "the keeper has not accepted the new ring yet: %s",
               jt_fault_line(&ctx->fault, err, line));
        jt_fault_clear(&ctx->fault);
    }
    return JT_OK;
}

enum jt_err jt_ring_step_run(struct jt_work_ctx *ctx, const struct jt_ring_step *step)
{
    bool again;
    enum jt_err err = jt_ring_step_try(ctx, step, &again);
    if (err != JT_OK && again) {
        jt_ring_wait(ctx);
    }
    return err;
}
