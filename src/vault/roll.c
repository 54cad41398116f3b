#include "vault/roll.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "store/audit.h"
#include "store/ring.h"
#include "vault/refresh.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define ACTIVATE_PATIENCE_MS 20000
/* No transaction of ours lasts this long unless its process was stopped in the middle (JT_TXN_TIMEOUT_MS ends a front's own). */
#define STUCK_AFTER_MS 5000

/* After repeated failure to get the lock: our own stuck writers are ended, so that one stopped process cannot hold up a roll for ever. */
static void end_stuck_writers(struct jt_work_ctx *ctx)
{
    int n_ended = 0;
    enum jt_err err = jt_ring_end_stuck(ctx->db, STUCK_AFTER_MS, &n_ended);
    if (err == JT_OK && n_ended > 0) {
        jt_log(JT_LOG_WARNING, "ended %d stuck database sessions that held the ring lock", n_ended);
    }
}

/* Administrative acts are rare and may wait; a pause here is back-off between attempts at a lock, not a wait for an event. */
static void back_off(int ms)
{
    (void)poll(NULL, 0, ms);
}

static enum jt_err audit(struct jt_work_ctx *ctx, enum jt_audit_action action, const char *actor, uint64_t number)
{
    char object[24];
    snprintf(object, sizeof object, "%llu", (unsigned long long)number);
    struct jt_audit_row row = { .action = action, .client = actor, .n_items = 1, .n_done = 1, .object = object };
    return jt_audit_write(ctx->db, ctx->vault->node.name, &row);
}

static enum jt_err acknowledge(struct jt_work_ctx *ctx, const struct jt_generation_row *generation)
{
    uint8_t challenge[JT_CHALLENGE_LEN];
    jt_random_fill(challenge, sizeof challenge);
    struct jt_ack ack;
    enum jt_err err = jt_keyclient_wait_ack(ctx->keeper, generation, ctx->vault->node.name, challenge, &ack);
    return err == JT_OK ? jt_ack_insert(ctx->db, generation->number, &ack) : err;
}

enum jt_err jt_roll_create(struct jt_work_ctx *ctx, const char *actor, struct jt_generation_info *out)
{
    uint64_t highest;
    uint8_t used[32];
    /* The keeper numbers above everything it has accepted; bring it up to date first. */
    enum jt_err err = jt_ring_refresh(ctx, NULL);
    if (err == JT_OK) {
        err = jt_generations_taken(ctx->db, &highest, used);
    }
    struct jt_generation_row row;
    if (err == JT_OK) {
        err = jt_keyclient_wait_generation_create(ctx->keeper, highest, used, &row);
    }
    if (err != JT_OK) {
        return err;
    }
    err = jt_generation_insert(ctx->db, &row, actor);
    if (err == JT_ERR_CONFLICT) {
        /* Another creator was first: this key was never used and must not stay behind. */
        enum jt_err erased = jt_keyclient_wait_generation_abandon(ctx->keeper, row.number);
        if (erased != JT_OK) {
            jt_log(JT_LOG_WARNING, "the unused key of generation %llu could not be erased: %s", (unsigned long long)row.number,
                   jt_err_str(erased));
        }
    }
    if (err == JT_OK) {
        err = acknowledge(ctx, &row);
    }
    if (err == JT_OK) {
        err = audit(ctx, JT_AUDIT_GENERATION_CREATE, actor, row.number);
    }
    return err == JT_OK ? jt_generation_get(ctx->db, row.number, out) : err;
}

enum jt_err jt_ring_step(struct jt_work_ctx *ctx, const struct jt_generation_row *generation, enum jt_generation_state target,
                         const char *actor, const char *holder_override, struct jt_retirement_facts *facts, int patience_ms)
{
    int64_t give_up = jt_clock_ms() + patience_ms;
    int pause = 50;
    for (;;) {
        struct jt_ring_row current, next;
        struct jt_generation_row rows[2];
        size_t n_rows = 0;
        bool busy = false;
        enum jt_err err = jt_ring_refresh(ctx, &current);
        if (err == JT_OK) {
            err = jt_keyclient_wait_ring_propose(ctx->keeper, &current, generation, target, &next, rows, &n_rows);
        }
        if (err == JT_OK) {
            struct jt_ring_change change = { .from_epoch = current.epoch,
                                             .next = &next,
                                             .rows = rows,
                                             .n_rows = n_rows,
                                             .actor = actor,
                                             .holder_override = holder_override,
                                             .proof_of_zero = target == JT_GENERATION_RETIRED,
                                             .facts = facts };
            err = jt_ring_change(ctx->db, &change, &busy);
        }
        if (err == JT_OK) {
            return jt_ring_adopt(ctx, &next);
        }
        bool again = busy || err == JT_ERR_STALE;
        if (!again || jt_clock_ms() >= give_up) {
            return err;
        }
        if (busy && pause >= 800) {
            end_stuck_writers(ctx);
        }
        /* Traffic goes first: an exclusive waiter would stall every writer behind it, so each attempt is short and they are spread. */
        back_off(pause);
        pause = pause < 800 ? pause * 2 : pause;
    }
}

/* I3: the proof of possession that the node gave is checked by a keeper, not believed; a missing or old one is made anew. */
static enum jt_err check_acknowledged(struct jt_work_ctx *ctx, const struct jt_generation_row *generation)
{
    struct jt_ack ack;
    enum jt_err err = jt_ack_get(ctx->db, generation->number, ctx->vault->node.name, &ack);
    if (err == JT_OK) {
        err = jt_keyclient_wait_ack_check(ctx->keeper, generation, &ack);
    }
    if (err == JT_ERR_NOT_FOUND || err == JT_ERR_DENIED) {
        /* The keeper was started anew since (another incarnation): possession is proved again. */
        err = acknowledge(ctx, generation);
        if (err == JT_OK) {
            err = jt_ack_get(ctx->db, generation->number, ctx->vault->node.name, &ack);
        }
        if (err == JT_OK) {
            err = jt_keyclient_wait_ack_check(ctx->keeper, generation, &ack);
        }
        if (err == JT_ERR_NOT_FOUND || err == JT_ERR_DENIED) {
            err = JT_ERR_CONFLICT;
        }
    }
    return err;
}

enum jt_err jt_roll_activate(struct jt_work_ctx *ctx, uint64_t number, const char *actor, const char *holder_override,
                             struct jt_generation_info *out)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    if (err == JT_OK) {
        err = jt_generation_get(ctx->db, number, out);
    }
    if (err != JT_OK) {
        return err;
    }
    if (out->row.state != JT_GENERATION_FUTURE) {
        return JT_ERR_CONFLICT;
    }
    if (holder_override == NULL) {
        /* Second nodes and escrow files come later; until then a key always has one durable holder: this keeper. */
        return JT_ERR_DENIED;
    }
    err = check_acknowledged(ctx, &out->row);
    if (err == JT_OK) {
        err = jt_ring_step(ctx, &out->row, JT_GENERATION_ACTIVE, actor, holder_override, NULL, ACTIVATE_PATIENCE_MS);
    }
    if (err == JT_OK) {
        err = audit(ctx, JT_AUDIT_GENERATION_ACTIVATE, actor, number);
    }
    return err == JT_OK ? jt_generation_get(ctx->db, number, out) : err;
}
