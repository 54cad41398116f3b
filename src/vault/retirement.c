/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/retirement.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/tally.h"
#include "vault/drain.h"
#include "vault/duty.h"
#include "vault/leftover.h"
#include "vault/mover.h"
#include "vault/refresh.h"
#include "vault/ring_step.h"
#include "vault/strays.h"
#include "vault/writeoff.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_MS      5000  /* how often an idle duty looks again without news */
#define LOOK_MS      1000  /* the same while a retirement is open */
#define STATEMENT_MS 30000 /* the unlocked proof may take its time */
#define PASSING_MS   500   /* before a step that failed in passing is repeated */
#define STALE_MS     2000  /* before a job that could not go on is taken up again */
#define PROBE_FACTOR 20    /* a look at the index may take a twentieth of the time */
#define PROOF_MAX_US 100000
#define TELL_PASSING 20 /* so many failures in passing are told of once */
#define LOCK_MIN_MS  50 /* between attempts at the ring lock: from the one to the other */
#define LOCK_MAX_MS  800
#define SAMPLE_MS    20000 /* a sample a minute is taken, by whoever comes first */
#define OPEN_MAX     32    /* retirements: there are never as many draining generations */

/* What this duty remembers of a retirement that is open; all of it may be forgotten. */
struct open_job {
    uint64_t generation; /* 0: a free place */
    bool seen;           /* in this round */
    struct jt_leftover left;
    int64_t next_probe_ms; /* of whether the index shows a card: dead entries make that dear */
    int lock_pause_ms;     /* after the next attempt in vain */
    enum jt_err told;      /* why it could not go on */
    enum jt_err told_write_off;
};

struct jt_retirer {
    struct jt_work_ctx ctx;
    pthread_mutex_t mutex; /* of `duty`, which movers and workers nudge */
    struct jt_duty *duty;
    struct jt_movers *movers;
    struct jt_throttle throttle;

    _Atomic bool retry; /* what is stuck, now */

    /* the duty's own */
    int64_t next_sample_ms;
    struct jt_drain drain; /* for single cards */
    struct open_job open[OPEN_MAX];
    int n_passing;      /* failures in passing, in a row */
    uint32_t n_columns; /* of applications, that keep a generation, in this round */
};

/* --- 1. open --- */

enum jt_err jt_retirement_look(struct jt_work_ctx *ctx, uint64_t generation,
                               struct jt_retirement_view *out)
{
    enum jt_err err = jt_retirement_get(ctx->db, generation, &out->job);
    if (err == JT_OK) {
        err = jt_generation_get(ctx->db, generation, &out->generation);
    }
    if (err == JT_OK && out->job.state == JT_RETIREMENT_DRAINING) {
        err = jt_stuck_count(ctx->db, generation, &out->stuck);
    }
    if (err == JT_OK && out->job.state == JT_RETIREMENT_DRAINING && out->job.paused_at[0] == '\0') {
        err = jt_range_workers(ctx->db, generation, &out->workers);
    }
    if (err == JT_OK && out->job.state == JT_RETIREMENT_DRAINING) {
        err = jt_appcolumns_waiting(ctx, &out->generation.row, &out->columns);
    }
    return err;
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
        jt_retirer_nudge(ctx->vault->retirer);
        look_after(ctx, generation, actor, out);
    }
    return err;
}

enum jt_err jt_retirement_hold(struct jt_work_ctx *ctx, uint64_t generation, bool pause,
                               const char *actor, struct jt_retirement_view *out)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    enum jt_err err = jt_retirement_pause(ctx->db, generation, pause, &act);
    if (err == JT_OK) {
        jt_retirer_nudge(ctx->vault->retirer);
        look_after(ctx, generation, actor, out);
    }
    return err;
}

enum jt_err jt_retirement_project(struct jt_work_ctx *ctx, uint64_t generation,
                                  struct jt_projection *out)
{
    return jt_samples_project(ctx->db, generation, (uint64_t)ctx->vault->conf->retirement_rate,
                              out);
}

/* --- 2. drain --- */

/* What two custodians have approved; that it does not go on holds nothing else up. */
static void write_off(struct jt_retirer *r, struct open_job *o, const struct jt_retirement *job)
{
    enum jt_err err = jt_writeoff_go_on(&r->ctx, job->generation);
    if (err != JT_OK && err != o->told_write_off && jt_err_class(err) == JT_CLASS_GIVE_UP) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_ERROR, "%scards of generation %" PRIu64 " are not written off: %s",
               err == JT_ERR_FORGED || err == JT_ERR_LIST_ALTERED ? "alarm: " : "", job->generation,
               jt_fault_line(&r->ctx.fault, err, line));
    }
    if (err != JT_OK) {
        jt_fault_clear(&r->ctx.fault);
    }
    o->told_write_off = err;
}

/* *over: the pass is, and the index shows no card. */
static enum jt_err drain(struct jt_retirer *r, struct open_job *o, const struct jt_retirement *job,
                         bool *empty, int *pause_ms)
{
    struct jt_pass pass;
    *empty = false;
    *pause_ms = LOOK_MS;
    if (job->paused_at[0] != '\0') {
        return JT_OK;
    }
    enum jt_err err = jt_pass_look(r->ctx.db, job->generation, &pass);
    if (err == JT_OK && pass.to_have) {
        jt_movers_nudge(r->movers);
    }
    if (err != JT_OK || !pass.is_over) {
        return err;
    }
    int64_t began_ms = jt_clock_ms();
    if (began_ms >= o->next_probe_ms) {
        err = jt_generation_is_unused(r->ctx.db, job->key_id, empty);
        o->next_probe_ms = began_ms + (jt_clock_ms() - began_ms) * PROBE_FACTOR;
    }
    bool begun = false;
    if (err == JT_OK && !*empty) {
        write_off(r, o, job);
        err = jt_leftover_handle(&r->ctx, &r->drain, &o->left, job, &begun, pause_ms);
    }
    if (begun) {
        jt_movers_nudge(r->movers);
    }
    return err;
}

/* --- 3. prove --- */

/*
 * The proof of zero again, timed. It is slow only while an old snapshot (a running backup) keeps
 * the dead index entries of the moved rows alive.
 */
static enum jt_err prove_quickly(struct jt_retirer *r, struct open_job *o,
                                 const struct jt_retirement *job)
{
    const struct jt_range_owner owner = { .node = &r->ctx.vault->node };
    const struct jt_worker_note note = { .throttled_by = JT_THROTTLE_SNAPSHOT };
    bool unused = false;
    int64_t started_us = jt_clock_us();
    enum jt_err err = jt_generation_is_unused(r->ctx.db, job->key_id, &unused);
    if (err == JT_OK && !unused) {
        err = JT_ERR_NOT_EMPTY;
    }
    if (err != JT_OK || jt_clock_us() - started_us <= PROOF_MAX_US) {
        return err;
    }
    if (o->told != JT_ERR_PROOF_SLOW) {
        jt_log(JT_LOG_WARNING,
               "retirement of generation %" PRIu64 ": its cards are gone, but an old snapshot "
               "makes the proof slow; waiting for it to end",
               job->generation);
    }
    err = jt_worker_note(r->ctx.db, job->generation, &owner, &note);
    return err == JT_OK ? JT_ERR_PROOF_SLOW : err;
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
static int pause_for_lock(struct jt_retirer *r, struct open_job *o)
{
    int pause_ms = o->lock_pause_ms < LOCK_MIN_MS ? LOCK_MIN_MS : o->lock_pause_ms;
    if (pause_ms >= LOCK_MAX_MS) {
        jt_ring_step_end_stuck(&r->ctx);
    }
    o->lock_pause_ms = pause_ms * 2 > LOCK_MAX_MS ? LOCK_MAX_MS : pause_ms * 2;
    return pause_ms;
}

static enum jt_err retire(struct jt_retirer *r, struct open_job *o, const struct jt_retirement *job,
                          int *pause_ms)
{
    struct jt_generation_info info;
    struct jt_retirement_facts facts = job->facts;
    bool again = false;
    enum jt_err err = jt_generation_get(r->ctx.db, job->generation, &info);
    if (err == JT_OK) {
        size_t n_waiting; /* the keeper looks at the row's MAC below */
        err = jt_appcolumns_check(&r->ctx, &info.row, &n_waiting);
        r->n_columns += (uint32_t)n_waiting;
    }
    if (err == JT_OK) {
        snprintf(facts.node, sizeof facts.node, "%s", r->ctx.vault->node.name);
        const struct jt_ring_step step = {
            .generation = &info.row, .step = JT_RING_RETIRE, .actor = job->actor, .facts = &facts
        };
        err = jt_ring_step_try(&r->ctx, &step, &again);
    }
    if (again) {
        jt_fault_clear(&r->ctx.fault);
        *pause_ms = pause_for_lock(r, o);
        return JT_OK;
    }
    if (err == JT_OK) {
        *pause_ms = 0; /* to be read again, for the certificate */
        jt_log(JT_LOG_INFO, "generation %" PRIu64 " is retired: no card carries its key",
               job->generation);
        look_for_strays(r);
    }
    return err;
}

/* --- 5. certify --- */

static enum jt_err certify(struct jt_retirer *r, const struct jt_retirement *job)
{
    struct jt_certify *certify = calloc(1, sizeof *certify);
    struct jt_certificate *certificate = calloc(1, sizeof *certificate);
    enum jt_err err = certify == NULL || certificate == NULL
                          ? JT_ERR_NOMEM
                          : jt_retirement_forget(r->ctx.db, job->generation);
    if (err == JT_OK) {
        certify->facts = job->facts;
        err = jt_writeoff_collect(&r->ctx, certify);
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_certify(r->ctx.keeper, certify, certificate);
    }
    if (err == JT_OK) {
        err = jt_retirement_certify(r->ctx.db, job->generation, certificate);
    }
    free(certify);
    free(certificate);
    return err;
}

/* --- the duty --- */

/* What a table under a stranger's hand shows is no proof: nothing moves and nothing is retired. */
static bool may_work(const struct jt_retirer *r)
{
    return atomic_load(&r->ctx.vault->registered) && atomic_load(&r->ctx.vault->in_shape);
}

static enum jt_err go_on(struct jt_retirer *r, struct open_job *o, const struct jt_retirement *job,
                         int *pause_ms)
{
    if (job->state != JT_RETIREMENT_DRAINING) {
        *pause_ms = 0;
        return certify(r, job);
    }
    bool empty;
    enum jt_err err = drain(r, o, job, &empty, pause_ms);
    if (err == JT_OK && empty) {
        err = prove_quickly(r, o, job);
    }
    return err == JT_OK && empty ? retire(r, o, job, pause_ms) : err;
}

/* A passing failure is no news; one that lasts is, once in a while; one that will not pass is. */
static void tell(struct jt_retirer *r, struct open_job *o, const struct jt_retirement *job,
                 enum jt_err err)
{
    char line[JT_FAULT_LINE_LEN];
    (void)jt_fault_line(&r->ctx.fault, err, line);
    if (jt_err_class(err) != JT_CLASS_GIVE_UP) {
        if (r->n_passing++ % TELL_PASSING == TELL_PASSING / 2) {
            jt_log(JT_LOG_WARNING, "retirement: %s", line);
        }
    } else if (o == NULL || err != o->told) {
        jt_log(JT_LOG_ERROR, "cannot %s: %s",
               job->state == JT_RETIREMENT_RETIRED ? "certify" : "retire", line);
    }
    if (o != NULL) {
        o->told = err;
    }
}

/* The place of a job; NULL: there are too many, which this one outlasts. */
static struct open_job *place_of(struct jt_retirer *r, uint64_t generation)
{
    struct open_job *free_place = NULL;
    for (size_t i = 0; i < OPEN_MAX; i++) {
        if (r->open[i].generation == generation) {
            return &r->open[i];
        }
        if (r->open[i].generation == 0 && free_place == NULL) {
            free_place = &r->open[i];
        }
    }
    if (free_place != NULL) {
        *free_place = (struct open_job){ .generation = generation, .left.generation = generation };
    }
    return free_place;
}

/* One step for one job. How long until the next. */
static int work_on(struct jt_retirer *r, const struct jt_retirement *job)
{
    int pause_ms = LOOK_MS;
    struct open_job *o = place_of(r, job->generation);
    jt_work_about(&r->ctx, "generation %" PRIu64, job->generation);
    if (o == NULL) {
        return LOOK_MS;
    }
    o->seen = true;
    enum jt_err err = jt_ring_refresh(&r->ctx, NULL);
    if (err == JT_OK) {
        err = go_on(r, o, job, &pause_ms);
    }
    if (err == JT_OK) {
        o->told = JT_OK;
        r->n_passing = 0;
        return pause_ms;
    }
    tell(r, o, job, err);
    return jt_err_class(err) == JT_CLASS_REPEAT ? PASSING_MS : STALE_MS;
}

static void forget_closed(struct jt_retirer *r)
{
    for (size_t i = 0; i < OPEN_MAX; i++) {
        if (!r->open[i].seen) {
            r->open[i].generation = 0;
        }
        r->open[i].seen = false;
    }
}

/* What the end is projected from; one that is missed is no loss. */
static void take_sample(struct jt_retirer *r)
{
    if (jt_clock_ms() >= r->next_sample_ms) {
        r->next_sample_ms = jt_clock_ms() + SAMPLE_MS;
        if (jt_samples_take(r->ctx.db) != JT_OK) {
            jt_fault_clear(&r->ctx.fault);
        }
    }
}

/* Each open job has its turn: one that cannot go on holds up no other. */
static struct jt_again step(void *arg)
{
    struct jt_retirer *r = arg;
    struct jt_retirement job = { 0 };
    int pause_ms = IDLE_MS;
    bool first = true;
    enum jt_err err = JT_OK;
    if (!may_work(r)) {
        return (struct jt_again){ .ms = STALE_MS }; /* vault/membership.h tells why */
    }
    take_sample(r);
    r->n_columns = 0;
    jt_movers_look(&r->throttle, r->ctx.vault);
    if (atomic_exchange(&r->retry, false)) {
        for (size_t i = 0; i < OPEN_MAX; i++) {
            jt_leftover_retry(&r->open[i].left);
        }
    }
    for (uint64_t after = 0; err == JT_OK; after = job.generation) {
        jt_work_about(&r->ctx, "the next retirement");
        err = jt_retirement_next(r->ctx.db, after, &job);
        if (err != JT_OK || (!first && job.generation <= after)) {
            break; /* all had their turn */
        }
        first = false;
        int wanted_ms = work_on(r, &job);
        pause_ms = wanted_ms < pause_ms ? wanted_ms : pause_ms;
    }
    atomic_store(&r->ctx.vault->columns_waiting, r->n_columns);
    if (err != JT_OK && err != JT_ERR_NO_RETIREMENT) {
        tell(r, NULL, &job, err);
        return (struct jt_again){ .ms = PASSING_MS };
    }
    forget_closed(r);
    return (struct jt_again){ .ms = pause_ms, .on_news = pause_ms >= LOOK_MS };
}

static void nudge(void *arg)
{
    struct jt_retirer *r = arg;
    pthread_mutex_lock(&r->mutex);
    if (r->duty != NULL) {
        jt_duty_nudge(r->duty);
    }
    pthread_mutex_unlock(&r->mutex);
}

void jt_retirer_nudge(struct jt_retirer *r)
{
    nudge(r);
    jt_movers_nudge(r->movers);
}

void jt_retirer_retry(struct jt_retirer *r)
{
    atomic_store(&r->retry, true);
    nudge(r);
}

static void set_duty(struct jt_retirer *r, struct jt_duty *duty)
{
    pthread_mutex_lock(&r->mutex);
    struct jt_duty *before = r->duty;
    r->duty = duty;
    pthread_mutex_unlock(&r->mutex);
    jt_duty_stop(before);
}

enum jt_err jt_retirer_start(struct jt_vault *vault, struct jt_retirer **out)
{
    const struct jt_conf *conf = vault->conf;
    struct jt_duty *duty;
    struct jt_retirer *r = calloc(1, sizeof *r);
    *out = r;
    if (r == NULL) {
        return JT_ERR_NOMEM;
    }
    pthread_mutex_init(&r->mutex, NULL);
    jt_throttle_init(&r->throttle, conf->retirement_rate, conf->retirement_max_lag_ms);
    enum jt_err err = jt_drain_init(&r->drain, JT_TALLY_RETIREMENT, (size_t)conf->retirement_batch);
    if (err == JT_OK) {
        err = jt_work_ctx_init(&r->ctx, vault, "jetond retirement", STATEMENT_MS);
    }
    if (err == JT_OK) {
        err = jt_movers_new((int)conf->retirement_workers, nudge, r, &r->movers);
    }
    if (err == JT_OK) {
        err = jt_duty_start(step, r, &duty);
    }
    if (err == JT_OK) {
        set_duty(r, duty);
        err = jt_movers_start(r->movers, vault, &r->throttle);
    }
    return err;
}

void jt_retirer_stop(struct jt_retirer *r)
{
    if (r == NULL) {
        return;
    }
    set_duty(r, NULL);
    jt_movers_stop(r->movers);
    jt_work_ctx_clear(&r->ctx);
    jt_drain_clear(&r->drain);
    jt_throttle_clear(&r->throttle);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}
