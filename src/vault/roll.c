/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/roll.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "store/ring.h"
#include "vault/refresh.h"
#include "vault/strays.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define ACTIVATE_PATIENCE_MS 20000
/*
 * So many abandoned generations, the newest, are looked at when one is made; the keys of older ones
 * went long ago.
 */
#define MAX_ABANDONED 64

struct abandoned {
    size_t n;
    struct jt_generation_row rows[MAX_ABANDONED];
};
/*
 * No transaction of ours lasts this long unless its process was stopped in the middle
 * (JT_TXN_TIMEOUT_MS ends a front's own).
 */
#define STUCK_AFTER_MS 5000

/*
 * After repeated failure to get the lock: our own stuck writers are ended, so that one stopped
 * process cannot hold up a roll for ever.
 */
static void end_stuck_writers(struct jt_work_ctx *ctx)
{
    int n_ended = 0;
    enum jt_err err = jt_ring_end_stuck(ctx->db, STUCK_AFTER_MS, &n_ended);
    if (err == JT_OK && n_ended > 0) {
        jt_log(JT_LOG_WARNING, "ended %d stuck database sessions that held the ring lock", n_ended);
    }
}

/*
 * Administrative acts are rare and may wait; a pause here is back-off between attempts at a lock,
 * not a wait for an event.
 */
static void back_off(int ms)
{
    (void)poll(NULL, 0, ms);
}

/*
 * DESIGN section 6.2: possession is proved to a fresh challenge and checked by a keeper, not
 * believed. What is stored is evidence; nothing relies on it.
 */
static enum jt_err acknowledge(struct jt_work_ctx *ctx, const struct jt_generation_row *generation)
{
    uint8_t challenge[JT_CHALLENGE_LEN];
    jt_random_fill(challenge, sizeof challenge);
    struct jt_ack ack;
    enum jt_err err =
        jt_keyclient_wait_ack(ctx->keeper, generation, ctx->vault->node.name, challenge, &ack);
    if (err == JT_OK) {
        err = jt_keyclient_wait_ack_check(ctx->keeper, generation, &ack);
    }
    return err == JT_OK ? jt_ack_insert(ctx->db, generation->number, &ack) : err;
}

/*
 * A key id that any row has is not given out, whatever the generations say: such a row may be a
 * stray.
 */
static enum jt_err add_used(struct jt_work_ctx *ctx, uint8_t used[static JT_KEY_ID_SET_LEN])
{
    uint8_t in_cards[JT_KEY_ID_SET_LEN];
    enum jt_err err = jt_strays_look(ctx, in_cards);
    for (size_t i = 0; i < sizeof in_cards && err == JT_OK; i++) {
        used[i] |= in_cards[i];
    }
    return err;
}

/*
 * Abandoned generations whose keys the keeper may still have: something broke between row and key.
 *
 */
static void note_abandoned(void *arg, const struct jt_generation_info *info)
{
    struct abandoned *a = arg;
    if (info->row.state == JT_GENERATION_DESTROYED && info->activated_at[0] == '\0') {
        a->rows[a->n++ % MAX_ABANDONED] = info->row;
    }
}

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

static enum jt_err erase_abandoned(struct jt_work_ctx *ctx)
{
    struct abandoned abandoned = { .n = 0 };
    enum jt_err err = jt_generations_list(ctx->db, note_abandoned, &abandoned);
    for (size_t i = 0; i < abandoned.n && i < MAX_ABANDONED && err == JT_OK; i++) {
        enum jt_err erased = erase(ctx, &abandoned.rows[i]);
        if (erased == JT_ERR_USED_BEFORE || erased == JT_ERR_FORGED) {
            jt_log(JT_LOG_ERROR,
                   "alarm: generation %llu is marked as destroyed, and the keeper knows better; "
                   "its key stays",
                   (unsigned long long)abandoned.rows[i].number);
        } else {
            err = erased;
        }
    }
    return err;
}

static enum jt_err create(struct jt_work_ctx *ctx, const char *actor,
                          struct jt_generation_info *out)
{
    struct jt_generations_taken taken;
    /* The keeper numbers above everything it has accepted; bring it up to date first. */
    enum jt_err err = jt_ring_refresh(ctx, NULL);
    if (err == JT_OK) {
        err = jt_generations_taken(ctx->db, &taken);
    }
    if (err == JT_OK && taken.n_future >= JT_ROLL_MAX_FUTURE) {
        err = JT_ERR_TOO_MANY_FUTURE;
    }
    if (err == JT_OK) {
        err = erase_abandoned(ctx);
    }
    if (err == JT_OK) {
        err = add_used(ctx, taken.key_ids);
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_generation_create(ctx->keeper, taken.highest, taken.key_ids,
                                                  &out->row);
    }
    if (err == JT_OK) {
        /*
         * Should this fail, the keeper gives the same key out again; if it was done after all, the
         * next one.
         */
        struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
        err = jt_generation_insert(ctx->db, &out->row, &act, out->created_at);
        (void)snprintf(out->created_by, sizeof out->created_by, "%s", actor);
    }
    return err;
}

/*
 * One at a time in this front: two creators would be given the same key, and one of them would have
 * made nothing.
 */
static pthread_mutex_t one_creator = PTHREAD_MUTEX_INITIALIZER;

enum jt_err jt_roll_create(struct jt_work_ctx *ctx, const char *actor,
                           struct jt_generation_info *out)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&one_creator);
    enum jt_err err = create(ctx, actor, out);
    pthread_mutex_unlock(&one_creator);
    if (err != JT_OK) {
        return err;
    }
    /* It stands, whatever comes now; the proof that counts is given when it is activated. */
    enum jt_err proved = jt_db_ensure(ctx->db);
    if (proved == JT_OK) {
        proved = acknowledge(ctx, &out->row);
    }
    if (proved != JT_OK) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "generation %llu is made and not acknowledged yet: %s",
               (unsigned long long)out->row.number, jt_fault_line(&ctx->fault, proved, line));
    }
    return JT_OK;
}

/*
 * What there is to tell of a generation after a step that was taken: from the database, or else
 * from what is known.
 */
static void read_after(struct jt_work_ctx *ctx, struct jt_generation_info *out,
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
    pthread_mutex_lock(&one_creator);
    if (!abandoned) {
        err = jt_generation_abandon(ctx->db, &out->row, &act, out->destroyed_at);
    }
    if (err == JT_OK) {
        err = erase(ctx, &out->row);
    }
    pthread_mutex_unlock(&one_creator);
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO, "generation %llu is abandoned and its key erased",
               (unsigned long long)number);
        read_after(ctx, out, JT_GENERATION_DESTROYED);
    }
    return err;
}

enum jt_err jt_ring_step(struct jt_work_ctx *ctx, const struct jt_generation_row *generation,
                         enum jt_generation_state target, const char *actor,
                         const char *holder_override, struct jt_retirement_facts *facts,
                         int patience_ms)
{
    struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    int64_t give_up = jt_clock_ms() + patience_ms;
    int pause = 50;
    for (;;) {
        struct jt_ring_row current, next;
        struct jt_generation_row rows[2];
        size_t n_rows = 0;
        bool busy = false;
        enum jt_err err = jt_ring_refresh(ctx, &current);
        if (err == JT_OK) {
            err = jt_keyclient_wait_ring_propose(ctx->keeper, &current, generation, target, &next,
                                                 rows, &n_rows);
        }
        if (err == JT_OK) {
            struct jt_ring_change change = { .from_epoch = current.epoch,
                                             .next = &next,
                                             .rows = rows,
                                             .n_rows = n_rows,
                                             .act = &act,
                                             .holder_override = holder_override,
                                             .proof_of_zero = target == JT_GENERATION_RETIRED,
                                             .facts = facts };
            err = jt_ring_change(ctx->db, &change, &busy);
        }
        if (err == JT_OK) {
            /*
             * The step is taken: should the keeper be away now, it hears of it from the next
             * request or heartbeat.
             */
            err = jt_ring_adopt(ctx, &next);
            if (err != JT_OK) {
                jt_log(JT_LOG_WARNING, "the keeper has not accepted the new ring yet: %s",
                       jt_err_str(err));
            }
            return JT_OK;
        }
        bool again = busy || err == JT_ERR_RING_MOVED;
        if (!again || jt_clock_ms() >= give_up) {
            return err;
        }
        if (busy && pause >= 800) {
            end_stuck_writers(ctx);
        }
        /*
         * Traffic goes first: an exclusive waiter would stall every writer behind it, so each
         * attempt is short and they are spread.
         */
        back_off(pause);
        pause = pause < 800 ? pause * 2 : pause;
    }
}

enum jt_err jt_roll_activate(struct jt_work_ctx *ctx, uint64_t number, const char *actor,
                             const char *holder_override, struct jt_generation_info *out)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    if (err == JT_OK) {
        err = jt_generation_get(ctx->db, number, out);
    }
    if (err != JT_OK) {
        return err;
    }
    if (out->row.state == JT_GENERATION_ACTIVE) {
        return JT_OK; /* a repeated request, perhaps because the first one's answer was lost */
    }
    if (out->row.state != JT_GENERATION_FUTURE) {
        return JT_ERR_WRONG_STATE;
    }
    if (holder_override == NULL) {
        /*
         * Second nodes and escrow files come later; until then a key always has one durable holder:
         * this keeper.
         */
        return JT_ERR_ONE_HOLDER;
    }
    err = acknowledge(ctx, &out->row); /* I3; by every leased node, once there are several */
    if (err == JT_OK) {
        err = jt_ring_step(ctx, &out->row, JT_GENERATION_ACTIVE, actor, holder_override, NULL,
                           ACTIVATE_PATIENCE_MS);
    }
    if (err == JT_OK) {
        read_after(ctx, out, JT_GENERATION_ACTIVE);
    }
    return err;
}
