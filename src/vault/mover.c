/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/mover.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/replication.h"
#include "store/tally.h"
#include "vault/drain.h"
#include "vault/duty.h"
#include "vault/rate.h"
#include "vault/refresh.h"

#include <stdlib.h>

#define IDLE_MS       5000  /* how often an idle worker looks again without news */
#define STATEMENT_MS  30000 /* behind an old snapshot a range is slow to cut */
#define PASSING_MS    500   /* before a step that failed in passing is repeated */
#define STALE_MS      2000  /* while the node may not work */
#define SLICE_MS      500 /* so often a range is claimed anew, also while the worker is held back */
#define REST_MAX_US   10000000 /* after one batch */
#define RANGE_BATCHES 20       /* of a range */
#define TELL_PASSING  20       /* so many failures in passing are told of once */

_Static_assert(JT_TALLY_WORKERS + JT_RETIREMENT_WORKERS_MAX <= JT_TALLY_WRITERS,
               "each worker has a row of the tally");

struct mover {
    struct jt_movers *all;
    struct jt_work_ctx ctx;
    struct jt_duty *duty;
    uint16_t number; /* from 1 on */

    struct jt_drain drain;
    bool has_range;
    struct jt_retirement_range range;
    uint64_t after; /* the generation that it worked on last: others get their turn */
    struct jt_rate rate;
    int64_t renewed_ms;
    int64_t rest_until_us;                /* it gives way to others */
    enum jt_throttle_reason throttled_by; /* since it was renewed */
    int n_passing;
    enum jt_err told;
};

struct jt_movers {
    struct jt_throttle *throttle;
    void (*walked)(void *arg);
    void *arg;
    _Atomic bool all_started;
    _Atomic bool told_hidden; /* the log was told that standbys are hidden */
    int n;
    struct mover each[];
};

static struct jt_range_owner owner_of(const struct mover *m)
{
    return (struct jt_range_owner){ .node = &m->ctx.vault->node, .worker = m->number };
}

/* --- a range --- */

/* JT_ERR_NO_ROW: there is nothing to do. */
static enum jt_err claim(struct mover *m)
{
    const struct jt_range_owner owner = owner_of(m);
    uint64_t generation;
    jt_work_about(&m->ctx, "the next retirement");
    enum jt_err err = jt_range_next_job(m->ctx.db, m->after, &generation);
    if (err == JT_OK) {
        jt_work_about(&m->ctx, "generation %llu", (unsigned long long)generation);
        m->after = generation;
        err = jt_range_claim(m->ctx.db, generation, &owner, m->drain.batch * RANGE_BATCHES,
                             &m->range);
    }
    if (err == JT_OK) {
        m->has_range = true;
        m->renewed_ms = jt_clock_ms();
        err = jt_ring_refresh(&m->ctx, NULL);
        m->drain.fresh = err == JT_OK;
    }
    return err;
}

/* Others may go on with it. What fails here ends the claim a little later. */
static void give_back(struct mover *m)
{
    const struct jt_range_owner owner = owner_of(m);
    if (m->has_range && jt_range_give_back(m->ctx.db, &m->range, &owner) != JT_OK) {
        jt_fault_clear(&m->ctx.fault);
    }
    m->has_range = false;
}

/* Whether the request path or a standby suffers. What cannot be seen holds nobody back. */
static void look_around(struct mover *m)
{
    struct jt_throttle *throttle = m->all->throttle;
    jt_movers_look(throttle, m->ctx.vault);
    if (jt_throttle_lag_due(throttle, jt_clock_us())) {
        struct jt_replication seen;
        if (jt_replication_look(m->ctx.db, &seen) != JT_OK) {
            jt_fault_clear(&m->ctx.fault);
        }
        jt_throttle_lag(throttle, &seen, jt_clock_us());
        if (seen.n_hidden > 0 && !atomic_exchange(&m->all->told_hidden, true)) {
            jt_log(JT_LOG_WARNING,
                   "retirement: how far standbys are behind cannot be seen, and so does not hold "
                   "the job back: grant pg_read_all_stats to the role, or set max_lag_ms to 0");
        }
    }
}

/* Twice a second: where it stands, and whether it is to go on. */
static enum jt_err renew(struct mover *m)
{
    const struct jt_range_owner owner = owner_of(m);
    if (jt_clock_ms() - m->renewed_ms < SLICE_MS) {
        return JT_OK;
    }
    (void)jt_rate_note(&m->rate, 0);
    look_around(m);
    const struct jt_worker_note note = { .moved_in_1000_s = (uint64_t)(m->rate.now * 1000.0),
                                         .throttled_by = m->throttled_by };
    bool paused;
    enum jt_err err = jt_range_renew(m->ctx.db, &m->range, &owner, &note, &paused);
    if (err == JT_OK) {
        m->renewed_ms = jt_clock_ms();
        m->throttled_by = JT_THROTTLE_NONE;
    }
    if (err == JT_OK && paused) {
        give_back(m);
    }
    if (err == JT_ERR_RANGE_LOST) {
        m->has_range = false; /* and with it this worker's part in it */
        err = JT_OK;
    }
    return err;
}

static enum jt_err end_range(struct mover *m)
{
    const struct jt_range_owner owner = owner_of(m);
    enum jt_err err = jt_range_end(m->ctx.db, &m->range, &owner);
    m->has_range = false;
    if (err == JT_OK) {
        m->all->walked(m->all->arg);
    }
    return err == JT_ERR_RANGE_LOST ? JT_OK : err;
}

/* One batch, unless it has to wait. */
static enum jt_err go_on(struct mover *m, int *pause_ms)
{
    size_t n = jt_throttle_batch(m->all->throttle, m->drain.batch);
    enum jt_throttle_reason why = JT_THROTTLE_NONE;
    int64_t began_us = jt_clock_us();
    int64_t wait_us = m->rest_until_us - began_us;
    if (wait_us <= 0) {
        wait_us = jt_throttle_take(m->all->throttle, n, began_us, &why);
    }
    if (wait_us > 0) {
        m->throttled_by = why != JT_THROTTLE_NONE ? why : m->throttled_by;
        *pause_ms = wait_us > SLICE_MS * 1000 ? SLICE_MS : (int)(wait_us / 1000) + 1;
        return renew(m);
    }
    uint64_t moved_before = m->range.n_moved;
    bool end = false;
    enum jt_err err = jt_drain_batch(&m->drain, &m->ctx, &m->range, n, &end);
    if (err == JT_OK) {
        uint64_t n_moved = m->range.n_moved - moved_before;
        int64_t ended_us = jt_clock_us();
        int64_t rest_us = jt_throttle_rest(m->all->throttle, ended_us - began_us, &why);
        m->rest_until_us = ended_us + (rest_us > REST_MAX_US ? REST_MAX_US : rest_us);
        m->throttled_by = why != JT_THROTTLE_NONE ? why : m->throttled_by;
        (void)jt_rate_note(&m->rate, n_moved);
        err = end ? end_range(m) : renew(m);
    }
    return err;
}

/* --- the duty --- */

static bool may_work(const struct mover *m)
{
    return atomic_load(&m->ctx.vault->registered) && atomic_load(&m->ctx.vault->in_shape);
}

/* A passing failure is no news; one that lasts is, once in a while; one that will not pass is. */
static void tell(struct mover *m, enum jt_err err)
{
    char line[JT_FAULT_LINE_LEN];
    (void)jt_fault_line(&m->ctx.fault, err, line);
    if (jt_err_class(err) != JT_CLASS_GIVE_UP) {
        if (m->n_passing++ % TELL_PASSING == TELL_PASSING / 2) {
            jt_log(JT_LOG_WARNING, "retirement: %s", line);
        }
    } else if (err != m->told) {
        m->told = err;
        jt_log(JT_LOG_ERROR, "cannot move cards: %s", line);
    }
}

static struct jt_again step(void *arg)
{
    struct mover *m = arg;
    int pause_ms = 0;
    if (!may_work(m)) {
        give_back(m); /* vault/membership.h tells why */
        return (struct jt_again){ .ms = STALE_MS };
    }
    enum jt_err err = m->has_range ? JT_OK : claim(m);
    if (err == JT_ERR_NO_ROW) {
        m->n_passing = 0;
        jt_rate_start(&m->rate);
        return (struct jt_again){ .ms = IDLE_MS, .on_news = true };
    }
    if (err == JT_OK) {
        err = go_on(m, &pause_ms);
    }
    if (err == JT_OK) {
        m->n_passing = 0;
        m->told = JT_OK;
        return (struct jt_again){ .ms = pause_ms };
    }
    tell(m, err);
    if (jt_err_class(err) == JT_CLASS_REFRESH && m->has_range) {
        m->drain.fresh = jt_ring_refresh(&m->ctx, NULL) == JT_OK;
    } else if (jt_err_class(err) == JT_CLASS_GIVE_UP) {
        give_back(m);
    }
    return (struct jt_again){ .ms = jt_err_class(err) == JT_CLASS_GIVE_UP ? STALE_MS : PASSING_MS };
}

static enum jt_err mover_start(struct mover *m, struct jt_vault *vault)
{
    uint32_t nth_writer = (uint32_t)(JT_TALLY_WORKERS + m->number - 1);
    enum jt_err err = jt_drain_init(&m->drain, nth_writer, (size_t)vault->conf->retirement_batch);
    jt_rate_start(&m->rate);
    if (err == JT_OK) {
        err = jt_work_ctx_init(&m->ctx, vault, "jetond retirement", STATEMENT_MS);
    }
    return err == JT_OK ? jt_duty_start(step, m, &m->duty) : err;
}

enum jt_err jt_movers_new(int n, void (*walked)(void *arg), void *arg, struct jt_movers **out)
{
    struct jt_movers *m = calloc(1, sizeof *m + (size_t)n * sizeof m->each[0]);
    *out = m;
    if (m == NULL) {
        return JT_ERR_NOMEM;
    }
    m->walked = walked;
    m->arg = arg;
    m->n = n;
    for (int i = 0; i < n; i++) {
        m->each[i].all = m;
        m->each[i].number = (uint16_t)(i + 1);
    }
    return JT_OK;
}

enum jt_err jt_movers_start(struct jt_movers *m, struct jt_vault *vault,
                            struct jt_throttle *throttle)
{
    enum jt_err err = JT_OK;
    m->throttle = throttle;
    for (int i = 0; i < m->n && err == JT_OK; i++) {
        err = mover_start(&m->each[i], vault);
    }
    atomic_store(&m->all_started, err == JT_OK);
    return err;
}

void jt_movers_look(struct jt_throttle *throttle, const struct jt_vault *vault)
{
    uint64_t counts[JT_LATENCY_STEPS] = { 0 }, n = 0;
    for (int i = 0; i < vault->n_loops; i++) {
        jt_latency_add(counts, &vault->foreground[i]);
        n += jt_figure_get(&vault->n_foreground[i]);
    }
    jt_throttle_look(throttle, counts, n, jt_clock_us());
}

void jt_movers_stop(struct jt_movers *m)
{
    for (int i = 0; m != NULL && i < m->n; i++) {
        struct mover *each = &m->each[i];
        jt_duty_stop(each->duty);
        give_back(each);
        jt_work_ctx_clear(&each->ctx);
        jt_drain_clear(&each->drain);
    }
    free(m);
}

void jt_movers_nudge(struct jt_movers *m)
{
    for (int i = 0; i < m->n && atomic_load(&m->all_started); i++) {
        jt_duty_nudge(m->each[i].duty);
    }
}
