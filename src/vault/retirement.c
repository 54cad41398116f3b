/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/retirement.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/tally.h"
#include "vault/drain.h"
#include "vault/duty.h"
#include "vault/rate.h"
#include "vault/refresh.h"
#include "vault/ring_step.h"
#include "vault/strays.h"

#include <stdio.h>
#include <stdlib.h>

#define IDLE_MS      5000  /* how often an idle duty looks again without news */
#define STATEMENT_MS 30000 /* the unlocked proof may take its time */
#define PASSING_MS   500   /* before a step that failed in passing is repeated */
#define STALE_MS     2000  /* before a job that could not go on is taken up again */
#define NEXT_PASS_MS 200   /* rows that others had locked come with it */
#define PROOF_MAX_US 100000
#define TELL_PASSING 20 /* so many failures in passing are told of once */
#define LOCK_MIN_MS  50 /* between attempts at the ring lock: from the one to the other */
#define LOCK_MAX_MS  800

/* What the log has been told, so that it hears of changes only. */
struct told {
    uint64_t n_stuck, of; /* rows that cannot be opened, of this generation */
    uint64_t job;         /* whose failure */
    enum jt_err err;
    int n_passing; /* failures in passing, in a row */
};

struct jt_retirer {
    struct jt_work_ctx ctx;
    struct jt_duty *duty;

    /* the duty's own */
    bool in_hand; /* `job` is being worked on */
    struct jt_retirement job;
    uint64_t after; /* the job before the next one to look at */
    struct jt_drain drain;
    struct jt_rate rate;
    int lock_pause_ms; /* after the next attempt in vain */
    struct told told;
};

/* --- 1. open --- */

enum jt_err jt_retirement_look(struct jt_work_ctx *ctx, uint64_t generation,
                               struct jt_retirement_view *out)
{
    enum jt_err err = jt_retirement_get(ctx->db, generation, &out->job);
    return err == JT_OK ? jt_generation_get(ctx->db, generation, &out->generation) : err;
}

/*
 * The job stands: if it cannot be read any more, what is known of it is told, and not that nothing
 * was done.
 */
static void look_after(struct jt_work_ctx *ctx, uint64_t generation, const char *actor,
                       struct jt_retirement_view *out)
{
    enum jt_err err = jt_retirement_look(ctx, generation, out);
    if (jt_err_class(err) == JT_CLASS_REPEAT) {
        err = jt_retirement_look(ctx, generation, out); /* on a new connection */
    }
    if (err != JT_OK) {
        *out = (struct jt_retirement_view){ .job = { .generation = generation,
                                                     .state = JT_RETIREMENT_DRAINING } };
        snprintf(out->job.actor, sizeof out->job.actor, "%s", actor);
    }
}

enum jt_err jt_retirement_start(struct jt_work_ctx *ctx, uint64_t generation, const char *actor,
                                struct jt_retirement_view *out)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    enum jt_err err = jt_retirement_open(ctx->db, generation, &act);
    if (err == JT_OK) {
        jt_duty_nudge(ctx->vault->retirer->duty);
        look_after(ctx, generation, actor, out);
    }
    return err;
}

/* Takes up the next open job, where it was left. JT_ERR_NO_RETIREMENT: there is none. */
static enum jt_err take_up(struct jt_retirer *r)
{
    jt_work_about(&r->ctx, "the next retirement");
    enum jt_err err = jt_retirement_next(r->ctx.db, r->after, &r->job);
    if (err != JT_OK) {
        return err;
    }
    jt_work_about(&r->ctx, "generation %llu", (unsigned long long)r->job.generation);
    if (r->drain.generation != r->job.generation) {
        jt_drain_start_pass(&r->drain, r->job.generation);
        r->drain.at = r->job.walked;
        jt_rate_start(&r->rate);
        r->lock_pause_ms = LOCK_MIN_MS;
    }
    r->in_hand = true;
    return jt_ring_refresh(&r->ctx, NULL);
}

/* --- 2. drain --- */

/* For whoever asks, and for the next start. */
static enum jt_err note_progress(struct jt_retirer *r)
{
    r->job.walked = r->drain.at;
    r->job.moved_in_1000_s = (uint64_t)(r->rate.now * 1000.0);
    return jt_retirement_note(r->ctx.db, &r->job);
}

/*
 * What a whole pass could not open keeps the generation from retiring; the log hears of it when the
 * number changes.
 */
static void end_pass(struct jt_retirer *r)
{
    r->job.rows_stuck = r->drain.n_stuck;
    bool same = r->told.of == r->job.generation ? r->told.n_stuck == r->job.rows_stuck
                                                : r->job.rows_stuck == 0;
    if (!same && r->job.rows_stuck == 0) {
        jt_log(JT_LOG_INFO, "retirement of generation %llu: no row keeps it from retiring any more",
               (unsigned long long)r->job.generation);
    } else if (!same) {
        jt_log(JT_LOG_ERROR,
               "retirement of generation %llu: %llu rows cannot be opened and keep it from "
               "retiring",
               (unsigned long long)r->job.generation, (unsigned long long)r->job.rows_stuck);
    }
    r->told.of = r->job.generation;
    r->told.n_stuck = r->job.rows_stuck;
}

/* One batch. *empty: a pass is over and the index shows no card. */
static enum jt_err drain(struct jt_retirer *r, bool *empty, int *pause_ms)
{
    uint64_t n_moved;
    bool end;
    int64_t started_us = jt_clock_us();
    *empty = false;
    enum jt_err err = jt_drain_batch(&r->drain, &r->ctx, &r->job, &n_moved, &end);
    if (err != JT_OK) {
        return err;
    }
    jt_count(&r->ctx.vault->counters.retirement_reencrypted, n_moved);
    bool news = jt_rate_note(&r->rate, n_moved);
    if (!end) {
        *pause_ms =
            jt_rate_pause_ms(r->ctx.vault->conf->retirement_rate, r->drain.batch, started_us);
        return news ? note_progress(r) : JT_OK;
    }
    end_pass(r);
    err = jt_generation_is_unused(r->ctx.db, r->job.key_id, empty);
    if (err == JT_OK && !*empty) {
        jt_drain_start_pass(&r->drain, r->job.generation);
        err = note_progress(r);
        *pause_ms = NEXT_PASS_MS;
    }
    return err == JT_OK && !*empty && r->job.rows_stuck > 0 ? JT_ERR_CARDS_STUCK : err;
}

/* --- 3. prove --- */

/*
 * The proof of zero again, timed. It is slow only while an old snapshot (a running backup) keeps
 * the dead index entries of the moved rows alive.
 */
static enum jt_err prove_quickly(struct jt_retirer *r)
{
    bool unused = false;
    int64_t started_us = jt_clock_us();
    enum jt_err err = jt_generation_is_unused(r->ctx.db, r->job.key_id, &unused);
    if (err == JT_OK && !unused) {
        err = JT_ERR_NOT_EMPTY;
    }
    if (err == JT_OK && jt_clock_us() - started_us > PROOF_MAX_US) {
        jt_log(JT_LOG_WARNING,
               "retirement of generation %llu: its cards are gone, but an old snapshot makes the "
               "proof slow; waiting for it to end",
               (unsigned long long)r->job.generation);
        err = JT_ERR_PROOF_SLOW;
    }
    return err;
}

/* --- 4. retire --- */

/* A generation has just left the ring: what stands under its key id from now on is a stray. */
static void look_for_strays(struct jt_retirer *r)
{
    enum jt_err err = jt_strays_look(&r->ctx, NULL);
    if (err != JT_OK) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "cannot look for cards under key ids of no live generation: %s",
               jt_fault_line(&r->ctx.fault, err, line));
    }
}

/* The ring lock was held by writers: later, and later still. */
static int pause_for_lock(struct jt_retirer *r)
{
    int pause_ms = r->lock_pause_ms;
    if (pause_ms >= LOCK_MAX_MS) {
        jt_ring_step_end_stuck(&r->ctx);
    }
    r->lock_pause_ms = pause_ms * 2 > LOCK_MAX_MS ? LOCK_MAX_MS : pause_ms * 2;
    return pause_ms;
}

static enum jt_err retire(struct jt_retirer *r, int *pause_ms)
{
    struct jt_generation_info info;
    struct jt_retirement_facts facts = r->job.facts;
    bool again = false;
    enum jt_err err = jt_generation_get(r->ctx.db, r->job.generation, &info);
    if (err == JT_OK) {
        snprintf(facts.node, sizeof facts.node, "%s", r->ctx.vault->node.name);
        const struct jt_ring_step step = {
            .generation = &info.row, .step = JT_RING_RETIRE, .actor = r->job.actor, .facts = &facts
        };
        err = jt_ring_step_try(&r->ctx, &step, &again);
    }
    if (again) {
        jt_fault_clear(&r->ctx.fault);
        *pause_ms = pause_for_lock(r);
        return JT_OK;
    }
    if (err == JT_OK) {
        r->in_hand = false; /* to be read again, for the certificate */
        jt_log(JT_LOG_INFO, "generation %llu is retired: no card carries its key",
               (unsigned long long)r->job.generation);
        look_for_strays(r);
    }
    return err;
}

/* --- 5. certify --- */

static enum jt_err certify(struct jt_retirer *r)
{
    struct jt_certificate certificate;
    enum jt_err err = jt_keyclient_wait_certify(r->ctx.keeper, &r->job.facts, &certificate);
    if (err == JT_OK) {
        err = jt_retirement_certify(r->ctx.db, r->job.generation, &certificate);
    }
    r->in_hand = err != JT_OK;
    return err;
}

/* --- the duty --- */

/* What a table under a stranger's hand shows is no proof: nothing moves and nothing is retired. */
static bool may_work(const struct jt_retirer *r)
{
    return atomic_load(&r->ctx.vault->registered) && atomic_load(&r->ctx.vault->in_shape);
}

static enum jt_err go_on(struct jt_retirer *r, int *pause_ms)
{
    if (r->job.state != JT_RETIREMENT_DRAINING) {
        return certify(r);
    }
    bool empty;
    enum jt_err err = drain(r, &empty, pause_ms);
    if (err == JT_OK && empty) {
        err = prove_quickly(r);
    }
    return err == JT_OK && empty ? retire(r, pause_ms) : err;
}

/* A passing failure is no news; one that lasts is, once in a while; one that will not pass is. */
static void tell(struct jt_retirer *r, enum jt_err err)
{
    char line[JT_FAULT_LINE_LEN];
    (void)jt_fault_line(&r->ctx.fault, err, line);
    if (jt_err_class(err) != JT_CLASS_GIVE_UP) {
        if (r->told.n_passing++ % TELL_PASSING == TELL_PASSING / 2) {
            jt_log(JT_LOG_WARNING, "retirement: %s", line);
        }
    } else if (err != r->told.err || r->job.generation != r->told.job) {
        r->told.err = err;
        r->told.job = r->job.generation;
        jt_log(JT_LOG_ERROR, "cannot %s: %s",
               r->job.state == JT_RETIREMENT_DRAINING ? "retire" : "certify", line);
    }
}

static struct jt_again step(void *arg)
{
    struct jt_retirer *r = arg;
    int pause_ms = 0;
    if (!may_work(r)) {
        r->in_hand = false; /* vault/membership.h tells why */
        return (struct jt_again){ .ms = STALE_MS };
    }
    enum jt_err err = r->in_hand ? JT_OK : take_up(r);
    if (err == JT_OK) {
        err = go_on(r, &pause_ms);
    }
    if (err == JT_OK) {
        r->told.n_passing = 0;
        return (struct jt_again){ .ms = pause_ms };
    }
    if (err == JT_ERR_NO_RETIREMENT) {
        r->told.n_passing = 0;
        return (struct jt_again){ .ms = IDLE_MS, .on_news = true };
    }
    tell(r, err);
    bool passing = jt_err_class(err) == JT_CLASS_REPEAT;
    if (r->in_hand && !passing) {
        r->after = r->job.generation; /* a job that cannot go on lets the others pass */
    }
    r->in_hand = false;
    return (struct jt_again){ .ms = passing ? PASSING_MS : STALE_MS };
}

enum jt_err jt_retirer_start(struct jt_vault *vault, struct jt_retirer **out)
{
    *out = NULL;
    struct jt_retirer *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = jt_drain_init(&r->drain, jt_vault_writer(vault, JT_TALLY_RETIREMENT),
                                    (size_t)vault->conf->retirement_batch);
    if (err == JT_OK) {
        err = jt_work_ctx_init(&r->ctx, vault, "jetond retirement", STATEMENT_MS);
    }
    if (err == JT_OK) {
        err = jt_duty_start(step, r, &r->duty);
    }
    if (err != JT_OK) {
        jt_retirer_stop(r);
        return err;
    }
    *out = r;
    return JT_OK;
}

void jt_retirer_stop(struct jt_retirer *r)
{
    if (r == NULL) {
        return;
    }
    jt_duty_stop(r->duty);
    jt_work_ctx_clear(&r->ctx);
    jt_drain_clear(&r->drain);
    free(r);
}
