/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/retire.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/cards.h"
#include "store/fields.h"
#include "vault/refresh.h"
#include "vault/roll.h"
#include "vault/strays.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IDLE_MS        5000  /* how often an idle or failing job looks again without a nudge */
#define STATEMENT_MS   30000 /* the unlocked proof may take its time */
#define STALE_PAUSE_MS 2000  /* before a job that could not go on is taken up again */
#define FIELDS_MAX     4096
#define PROOF_MAX_US   100000

struct jt_retirer {
    struct jt_work_ctx ctx;
    uint16_t writer;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping, nudged;
    struct jt_retirement_progress progress;

    /* the thread's own */
    /* kept over failures: what lies before it is dead or stuck, and dear to walk */
    struct jt_card_cursor cursor;
    uint64_t walked; /* the generation that the cursor is of */
    uint64_t pass_stuck;
    int64_t rate_since_ms;
    uint64_t rate_moved;
    size_t batch;
    uint32_t fields[FIELDS_MAX]; /* those that the keeper vouches for */
    size_t n_fields;
    enum jt_err fields_err; /* the first failure to learn a field */
    uint64_t told_stuck;    /* what the log said last */
    uint64_t told_job;
    enum jt_err told_err;
    uint64_t after; /* the job before the next one to look at */
    struct jt_card_row *rows;
    struct jt_open_item *reseal;
    struct jt_card_move *moves;
};

/* Waits until nudged, stopped or `ms` have passed; false when it is time to stop. */
static bool wait_for(struct jt_retirer *r, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&r->mutex);
    while (!r->stopping && !r->nudged) {
        if (pthread_cond_timedwait(&r->changed, &r->mutex, &until) == ETIMEDOUT) {
            break;
        }
    }
    r->nudged = false;
    bool go_on = !r->stopping;
    pthread_mutex_unlock(&r->mutex);
    return go_on;
}

/* A pause that a nudge does not shorten. */
static bool pause_for(struct jt_retirer *r, int ms)
{
    int64_t until = jt_clock_ms() + ms;
    bool go_on = true;
    for (int64_t left = ms; go_on && left > 0; left = until - jt_clock_ms()) {
        go_on = wait_for(r, (int)left);
    }
    return go_on;
}

static void note_moved(struct jt_retirer *r, uint64_t n)
{
    int64_t now = jt_clock_ms();
    pthread_mutex_lock(&r->mutex);
    r->progress.moved += n;
    r->rate_moved += n;
    int64_t span = now - r->rate_since_ms;
    if (span >= 500) {
        double recent = (double)r->rate_moved * 1000.0 / (double)span;
        r->progress.rate = r->progress.rate == 0 ? recent : 0.6 * r->progress.rate + 0.4 * recent;
        r->rate_since_ms = now;
        r->rate_moved = 0;
    }
    pthread_mutex_unlock(&r->mutex);
    jt_count(&r->ctx.vault->counters.retirement_reencrypted, n);
}

static void note_field(void *arg, const struct jt_field_row *row)
{
    struct jt_retirer *r = arg;
    enum jt_err err = r->n_fields == FIELDS_MAX ? JT_ERR_LIMIT
                                                : jt_keyclient_wait_field_check(r->ctx.keeper, row);
    if (err == JT_OK) {
        r->fields[r->n_fields++] = row->spec.id;
    } else if (err == JT_ERR_FORGED) {
        jt_log(JT_LOG_ERROR, "retirement: the row of field %u is not authentic: its cards stay",
               (unsigned)row->spec.id);
    } else if (r->fields_err == JT_OK) {
        r->fields_err = err;
    }
}

/* All fields, or an error: a card of a field that is not known for certain is never moved. */
static enum jt_err learn_fields(struct jt_retirer *r)
{
    r->n_fields = 0;
    r->fields_err = JT_OK;
    enum jt_err err = jt_fields_list(r->ctx.db, note_field, r);
    return err == JT_OK ? r->fields_err : err;
}

static bool find_field(const struct jt_retirer *r, uint32_t field)
{
    for (size_t i = 0; i < r->n_fields; i++) {
        if (r->fields[i] == field) {
            return true;
        }
    }
    return false;
}

/*
 * Asks the keeper about the rows of known fields, which move to the front; the others count as
 * stuck.
 */
static enum jt_err reseal_rows(struct jt_retirer *r, size_t *n, struct jt_reseal_reply *reply)
{
    size_t known = 0;
    for (size_t i = 0; i < *n; i++) {
        if (!find_field(r, r->rows[i].field)) {
            r->pass_stuck++;
            continue;
        }
        r->rows[known] = r->rows[i];
        const struct jt_card_row *row = &r->rows[known];
        r->reseal[known++] = (struct jt_open_item){ .field = row->field,
                                                    .id = row->id,
                                                    .fingerprint = row->fingerprint,
                                                    .envelope = row->envelope,
                                                    .envelope_len = row->envelope_len };
    }
    *n = known;
    *reply = (struct jt_reseal_reply){ .n = 0 };
    return known == 0 ? JT_OK : jt_keyclient_wait_reseal(r->ctx.keeper, r->reseal, known, reply);
}

/* Moves the first `n` of r->rows. */
static enum jt_err move_rows(struct jt_retirer *r, const struct jt_retirement *job, size_t n)
{
    struct jt_reseal_reply reply;
    enum jt_err err = reseal_rows(r, &n, &reply);
    if (err != JT_OK || n == 0) {
        return err;
    }
    if (reply.active.key_id == 0) {
        return JT_ERR_RING_MOVED;
    }
    struct jt_move_txn txn = { .epoch = reply.epoch,
                               .from = { .generation = job->generation, .key_id = job->key_id },
                               .to = reply.active,
                               .writer = r->writer,
                               .moves = r->moves };
    for (size_t i = 0; i < reply.n; i++) {
        const struct jt_reseal_result *s = &reply.results[i];
        if (s->err != JT_OK || s->from != job->generation) {
            r->pass_stuck++;
            continue;
        }
        const struct jt_card_row *row = &r->rows[i];
        r->moves[txn.n++] = (struct jt_card_move){ .old = row,
                                                   .envelope = s->envelope,
                                                   .envelope_len = s->envelope_len,
                                                   .fingerprint = s->fingerprint };
    }
    struct jt_move_result result;
    err = txn.n == 0 ? JT_OK : jt_cards_move_wait(r->ctx.db, &r->ctx.vault->node, &txn, &result);
    if (err == JT_OK && txn.n > 0) {
        if (result.check.epoch != txn.epoch || !result.check.node_stands) {
            return JT_ERR_RING_MOVED;
        }
        note_moved(r, result.n_moved);
    }
    return err;
}

/* Moves up to one batch of cards. *end: the walk came to the end of the index range. */
static enum jt_err move_batch(struct jt_retirer *r, const struct jt_retirement *job, bool *end)
{
    size_t n;
    struct jt_card_cursor from = r->cursor;
    enum jt_err err =
        jt_cards_stragglers(r->ctx.db, job->key_id, &r->cursor, r->rows, r->batch, &n);
    *end = err == JT_OK && n == 0;
    if (err == JT_OK && n > 0) {
        err = move_rows(r, job, n);
    }
    if (err != JT_OK) {
        r->cursor = from; /* they come again */
    }
    return err;
}

/* Sleeps off what the batch took less than the configured rate allows. */
static bool throttle(struct jt_retirer *r, int64_t started_us)
{
    long rate = r->ctx.vault->conf->retirement_rate;
    if (rate <= 0) {
        return wait_for(r, 0);
    }
    int64_t due_us = (int64_t)r->batch * 1000000 / rate;
    int64_t took_us = jt_clock_us() - started_us;
    return took_us >= due_us ? wait_for(r, 0)
                             : pause_for(r, (int)((due_us - took_us + 999) / 1000));
}

/*
 * What a whole pass could not open keeps the generation from retiring; the log hears of it when the
 * number changes.
 */
static void end_pass(struct jt_retirer *r, const struct jt_retirement *job)
{
    pthread_mutex_lock(&r->mutex);
    r->progress.stuck = r->pass_stuck;
    pthread_mutex_unlock(&r->mutex);
    if (r->pass_stuck != r->told_stuck) {
        r->told_stuck = r->pass_stuck;
        jt_log(
            r->pass_stuck > 0 ? JT_LOG_ERROR : JT_LOG_INFO,
            "retirement of generation %llu: %llu rows cannot be opened and keep it from retiring",
            (unsigned long long)job->generation, (unsigned long long)r->pass_stuck);
    }
}

static void start_pass(struct jt_retirer *r, const struct jt_retirement *job)
{
    r->walked = job->generation;
    r->cursor = (struct jt_card_cursor){ 0 };
    r->pass_stuck = 0;
}

/*
 * Moves what is left until the index shows nothing. JT_OK: nothing is left. of the class REFRESH:
 * what is left cannot be moved now; other jobs have their turn first.
 */
static enum jt_err drain(struct jt_retirer *r, const struct jt_retirement *job)
{
    enum jt_err err = jt_ring_refresh(&r->ctx, NULL);
    if (err == JT_OK) {
        err = learn_fields(r);
    }
    if (r->walked != job->generation) {
        start_pass(r, job);
    }
    while (err == JT_OK) {
        bool end = false, unused = false;
        int64_t started_us = jt_clock_us();
        err = move_batch(r, job, &end);
        if (err == JT_OK && !throttle(r, started_us)) {
            return JT_ERR_STOPPING; /* stopping */
        }
        if (err != JT_OK || !end) {
            continue;
        }
        end_pass(r, job);
        err = jt_generation_is_unused(r->ctx.db, job->key_id, &unused);
        if (err != JT_OK || unused) {
            return err;
        }
        bool stuck = r->pass_stuck > 0;
        start_pass(r, job);
        if (stuck) {
            return JT_ERR_CARDS_STUCK;
        }
        if (!pause_for(r, 200)) { /* rows that others had locked come with the next pass */
            return JT_ERR_STOPPING;
        }
    }
    return err;
}

/*
 * The proof of zero again, timed: under the exclusive lock every writer waits for it. It is slow
 * only while an old snapshot (a running backup) keeps the dead index entries of the moved rows
 * alive.
 */
static enum jt_err prove_quickly(struct jt_retirer *r, const struct jt_retirement *job)
{
    bool unused = false;
    int64_t started_us = jt_clock_us();
    enum jt_err err = jt_generation_is_unused(r->ctx.db, job->key_id, &unused);
    if (err == JT_OK && !unused) {
        err = JT_ERR_NOT_EMPTY;
    }
    if (err == JT_OK && jt_clock_us() - started_us > PROOF_MAX_US) {
        jt_log(JT_LOG_WARNING,
               "retirement of generation %llu: its cards are gone, but an old snapshot makes the "
               "proof slow; waiting for it to end",
               (unsigned long long)job->generation);
        err = JT_ERR_PROOF_SLOW;
    }
    return err;
}

static enum jt_err drain_and_retire(struct jt_retirer *r, const struct jt_retirement *job)
{
    struct jt_generation_info info;
    struct jt_retirement_facts facts = job->facts;
    enum jt_err err = drain(r, job);
    if (err == JT_OK) {
        err = prove_quickly(r, job);
    }
    if (err == JT_OK) {
        err = jt_generation_get(r->ctx.db, job->generation, &info);
    }
    if (err == JT_OK) {
        snprintf(facts.node, sizeof facts.node, "%s", r->ctx.vault->node.name);
        snprintf(facts.actor, sizeof facts.actor, "%s", job->actor);
        err =
            jt_ring_step(&r->ctx, &info.row, JT_GENERATION_RETIRED, job->actor, NULL, &facts, 2000);
    }
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO, "generation %llu is retired: no card carries its key",
               (unsigned long long)job->generation);
        enum jt_err looked = jt_strays_look(&r->ctx, NULL);
        if (looked != JT_OK) {
            char line[JT_FAULT_LINE_LEN];
            jt_log(JT_LOG_WARNING, "could not look for cards under key ids that are not live: %s",
                   jt_fault_line(&r->ctx.fault, looked, line));
        }
    }
    return err;
}

static enum jt_err certify(struct jt_retirer *r, const struct jt_retirement *job)
{
    struct jt_certificate certificate;
    enum jt_err err = jt_ring_refresh(&r->ctx, NULL);
    if (err == JT_OK) {
        err = jt_keyclient_wait_certify(r->ctx.keeper, &job->facts, &certificate);
    }
    return err == JT_OK ? jt_retirement_certify(r->ctx.db, job->generation, &certificate) : err;
}

static void set_job(struct jt_retirer *r, uint64_t generation)
{
    pthread_mutex_lock(&r->mutex);
    if (r->progress.generation != generation) {
        r->progress = (struct jt_retirement_progress){ .generation = generation };
        r->rate_since_ms = jt_clock_ms();
        r->rate_moved = 0;
    }
    pthread_mutex_unlock(&r->mutex);
}

/* One step of the next open job, in turn. JT_ERR_NO_RETIREMENT: nothing to do. */
static enum jt_err next_step(struct jt_retirer *r)
{
    static _Thread_local struct jt_retirement job; /* a few KiB: off the stack */
    /*
     * What a table under a stranger's hand shows is no proof: nothing moves and nothing is retired
     * meanwhile.
     */
    if (!atomic_load(&r->ctx.vault->registered) || !atomic_load(&r->ctx.vault->in_shape)) {
        return JT_ERR_NODE_GONE;
    }
    jt_work_about(&r->ctx, "the next retirement");
    enum jt_err err = jt_db_ensure(r->ctx.db);
    if (err == JT_OK) {
        err = jt_retirement_next(r->ctx.db, r->after, &job);
    }
    if (err == JT_OK || err == JT_ERR_NO_RETIREMENT) {
        set_job(r, err == JT_OK ? job.generation : 0);
    }
    if (err != JT_OK) {
        return err;
    }
    bool draining = job.state == JT_RETIREMENT_DRAINING;
    jt_work_about(&r->ctx, "generation %llu", (unsigned long long)job.generation);
    err = draining ? drain_and_retire(r, &job) : certify(r, &job);
    if (err != JT_OK && jt_err_class(err) != JT_CLASS_REPEAT) {
        r->after = job.generation; /* a job that cannot go on lets the others pass */
    }
    if (jt_err_class(err) == JT_CLASS_GIVE_UP &&
        (err != r->told_err || job.generation != r->told_job)) {
        r->told_err = err;
        r->told_job = job.generation;
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_ERROR, "retirement: it cannot be %s: %s", draining ? "retired" : "certified",
               jt_fault_line(&r->ctx.fault, err, line));
    }
    return err;
}

static void *work(void *arg)
{
    struct jt_retirer *r = arg;
    bool go_on = true;
    int n_failed = 0;
    while (go_on) {
        enum jt_err err = next_step(r);
        n_failed = err == JT_OK || err == JT_ERR_NO_RETIREMENT ? 0 : n_failed + 1;
        if (err == JT_OK) {
            go_on = wait_for(r, 0);
        } else if (err == JT_ERR_NO_RETIREMENT) {
            go_on = wait_for(r, IDLE_MS);
        } else {
            /*
             * A passing failure is no news; one that lasts is, once in a while. Others have been
             * told of by next_step.
             */
            bool passing = jt_err_class(err) != JT_CLASS_GIVE_UP;
            if (passing && n_failed % 20 == 10) {
                char line[JT_FAULT_LINE_LEN];
                jt_log(JT_LOG_WARNING, "retirement: %s", jt_fault_line(&r->ctx.fault, err, line));
            }
            go_on = pause_for(r, jt_err_class(err) == JT_CLASS_REPEAT ? 500 : STALE_PAUSE_MS);
        }
    }
    return NULL;
}

static void retirer_free(struct jt_retirer *r)
{
    jt_work_ctx_clear(&r->ctx);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->mutex);
    free(r->rows);
    free(r->reseal);
    free(r->moves);
    free(r);
}

enum jt_err jt_retirer_start(struct jt_vault *vault, uint16_t writer, struct jt_retirer **out)
{
    *out = NULL;
    struct jt_retirer *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return JT_ERR_NOMEM;
    }
    r->writer = writer;
    r->batch = (size_t)vault->conf->retirement_batch;
    r->batch = r->batch > JT_WIRE_MAX_ITEMS ? JT_WIRE_MAX_ITEMS : r->batch;
    pthread_mutex_init(&r->mutex, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->changed, &attr);
    pthread_condattr_destroy(&attr);
    r->rows = calloc(r->batch, sizeof *r->rows);
    r->reseal = calloc(r->batch, sizeof *r->reseal);
    r->moves = calloc(r->batch, sizeof *r->moves);
    enum jt_err err =
        r->rows == NULL || r->reseal == NULL || r->moves == NULL ? JT_ERR_NOMEM : JT_OK;
    if (err == JT_OK) {
        err = jt_work_ctx_init(&r->ctx, vault, "jetond retirement", STATEMENT_MS);
    }
    if (err == JT_OK && pthread_create(&r->thread, NULL, work, r) != 0) {
        err = JT_ERR_NOMEM;
    }
    if (err != JT_OK) {
        retirer_free(r);
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
    pthread_mutex_lock(&r->mutex);
    r->stopping = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->mutex);
    pthread_join(r->thread, NULL);
    retirer_free(r);
}

void jt_retirer_nudge(struct jt_retirer *r)
{
    pthread_mutex_lock(&r->mutex);
    r->nudged = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->mutex);
}

void jt_retirer_progress(struct jt_retirer *r, struct jt_retirement_progress *out)
{
    pthread_mutex_lock(&r->mutex);
    *out = r->progress;
    pthread_mutex_unlock(&r->mutex);
}
