#include "vault/retire.h"

#include "base/clock.h"
#include "base/log.h"
#include "pan/token.h"
#include "store/cards.h"
#include "store/fields.h"
#include "vault/refresh.h"
#include "vault/roll.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IDLE_MS 5000 /* how often an idle or failing job looks again without a nudge */
#define FIELDS_MAX 4096

struct jt_retirer {
    struct jt_work_ctx ctx;
    uint16_t writer;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping, nudged;
    struct jt_retirement_progress progress;

    /* the thread's own */
    struct jt_card_cursor cursor;
    uint64_t pass_stuck;
    int64_t rate_since_ms;
    uint64_t rate_moved;
    size_t batch;
    uint32_t no_dedup[FIELDS_MAX]; /* ids of fields without dedup: their fingerprints cover the token */
    size_t n_no_dedup;
    struct jt_card_row *rows;
    struct jt_reseal_item *reseal;
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
    if (!row->spec.dedup && r->n_no_dedup < FIELDS_MAX && jt_keyclient_wait_field_check(r->ctx.keeper, row) == JT_OK) {
        r->no_dedup[r->n_no_dedup++] = row->spec.id;
    }
}

static bool field_dedups(const struct jt_retirer *r, uint32_t field)
{
    for (size_t i = 0; i < r->n_no_dedup; i++) {
        if (r->no_dedup[i] == field) {
            return false;
        }
    }
    return true;
}

static enum jt_err reseal_rows(struct jt_retirer *r, size_t n, struct jt_reseal_reply *reply)
{
    for (size_t i = 0; i < n; i++) {
        const struct jt_card_row *row = &r->rows[i];
        r->reseal[i] = (struct jt_reseal_item){ .field = row->field,
                                                .dedup = field_dedups(r, row->field),
                                                .row_id = row->token,
                                                .row_id_len = JT_TOKEN_LEN,
                                                .envelope = row->envelope,
                                                .envelope_len = row->envelope_len };
    }
    return jt_keyclient_wait_reseal(r->ctx.keeper, r->reseal, n, reply);
}

/* Moves up to one batch of cards. *end: the walk came to the end of the index range. */
static enum jt_err move_batch(struct jt_retirer *r, const struct jt_retirement *job, bool *end)
{
    size_t n;
    enum jt_err err = jt_cards_stragglers(r->ctx.db, job->key_id, &r->cursor, r->rows, r->batch, &n);
    if (err != JT_OK) {
        return err;
    }
    *end = n == 0;
    if (n == 0) {
        return JT_OK;
    }
    struct jt_reseal_reply reply;
    err = reseal_rows(r, n, &reply);
    if (err != JT_OK) {
        return err;
    }
    if (reply.active.key_id == 0) {
        return JT_ERR_STALE;
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
        r->moves[txn.n++] = (struct jt_card_move){ .field = row->field,
                                                   .token = row->token,
                                                   .old_envelope = row->envelope,
                                                   .old_len = row->envelope_len,
                                                   .envelope = s->envelope,
                                                   .envelope_len = s->envelope_len,
                                                   .fingerprint = s->fingerprint };
    }
    struct jt_move_result result;
    err = txn.n == 0 ? JT_OK : jt_cards_move_wait(r->ctx.db, &r->ctx.vault->node, &txn, &result);
    if (err == JT_OK && txn.n > 0) {
        if (result.check.epoch != txn.epoch || !result.check.node_stands) {
            return JT_ERR_STALE;
        }
        note_moved(r, result.n_moved);
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
    return took_us >= due_us ? wait_for(r, 0) : pause_for(r, (int)((due_us - took_us + 999) / 1000));
}

static void begin_pass(struct jt_retirer *r)
{
    r->cursor = (struct jt_card_cursor){ 0 };
    pthread_mutex_lock(&r->mutex);
    r->progress.stuck = r->pass_stuck;
    pthread_mutex_unlock(&r->mutex);
    r->pass_stuck = 0;
}

/* Moves what is left, then retires. JT_OK: retired. Any other result: look again later. */
static enum jt_err drain(struct jt_retirer *r, const struct jt_retirement *job)
{
    r->n_no_dedup = 0;
    enum jt_err err = jt_ring_refresh(&r->ctx, NULL);
    if (err == JT_OK) {
        err = jt_fields_list(r->ctx.db, note_field, r);
    }
    r->pass_stuck = 0;
    begin_pass(r);
    while (err == JT_OK) {
        bool end = false;
        int64_t started_us = jt_clock_us();
        err = move_batch(r, job, &end);
        if (err == JT_OK && !throttle(r, started_us)) {
            return JT_ERR_UNAVAILABLE; /* stopping */
        }
        if (err != JT_OK || !end) {
            continue;
        }
        bool unused = false;
        err = jt_generation_is_unused(r->ctx.db, job->key_id, &unused);
        if (err == JT_OK && unused) {
            break;
        }
        if (r->pass_stuck > 0) {
            jt_log(JT_LOG_ERROR, "retirement of generation %llu: %llu rows cannot be opened and keep it from retiring",
                   (unsigned long long)job->generation, (unsigned long long)r->pass_stuck);
        }
        begin_pass(r);
        if (err == JT_OK && !pause_for(r, 200)) { /* rows that others had locked come with the next pass */
            return JT_ERR_UNAVAILABLE;
        }
    }
    if (err != JT_OK) {
        return err;
    }
    struct jt_generation_info info;
    struct jt_retirement_facts facts = job->facts;
    err = jt_generation_get(r->ctx.db, job->generation, &info);
    if (err == JT_OK) {
        snprintf(facts.node, sizeof facts.node, "%s", r->ctx.vault->node.name);
        snprintf(facts.actor, sizeof facts.actor, "%s", job->actor);
        err = jt_ring_step(&r->ctx, &info.row, JT_GENERATION_RETIRED, job->actor, NULL, &facts, 2000);
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
    if (err == JT_OK) {
        err = jt_retirement_certify(r->ctx.db, job->generation, &certificate);
    }
    if (err == JT_OK) {
        char object[24];
        snprintf(object, sizeof object, "%llu", (unsigned long long)job->generation);
        struct jt_audit_row row = { .action = JT_AUDIT_GENERATION_RETIRE,
                                    .client = job->actor,
                                    .n_items = 1,
                                    .n_done = 1,
                                    .object = object };
        err = jt_audit_write(r->ctx.db, r->ctx.vault->node.name, &row);
        jt_log(JT_LOG_INFO, "generation %s is retired: no card carries its key", object);
    }
    return err;
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

/* One step of the oldest open job. JT_ERR_NOT_FOUND: nothing to do. */
static enum jt_err next_step(struct jt_retirer *r)
{
    static _Thread_local struct jt_retirement job; /* a few KiB: off the stack */
    if (!atomic_load(&r->ctx.vault->registered)) {
        return JT_ERR_UNAVAILABLE;
    }
    enum jt_err err = jt_db_ensure(r->ctx.db);
    if (err == JT_OK) {
        err = jt_retirement_next(r->ctx.db, &job);
    }
    set_job(r, err == JT_OK ? job.generation : 0);
    if (err != JT_OK) {
        return err;
    }
    return job.state == JT_RETIREMENT_DRAINING ? drain(r, &job) : certify(r, &job);
}

static void *work(void *arg)
{
    struct jt_retirer *r = arg;
    bool go_on = true;
    while (go_on) {
        enum jt_err err = next_step(r);
        if (err == JT_OK) {
            go_on = wait_for(r, 0);
        } else if (err == JT_ERR_NOT_FOUND) {
            go_on = wait_for(r, IDLE_MS);
        } else {
            if (err != JT_ERR_UNAVAILABLE && err != JT_ERR_STALE) {
                jt_log(err == JT_ERR_CONFLICT ? JT_LOG_ERROR : JT_LOG_WARNING, "retirement: %s: %s", jt_err_str(err),
                       jt_db_message(r->ctx.db));
            }
            go_on = pause_for(r, 500);
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
    enum jt_err err = r->rows == NULL || r->reseal == NULL || r->moves == NULL ? JT_ERR_NOMEM : JT_OK;
    if (err == JT_OK) {
        err = jt_work_ctx_init(&r->ctx, vault, "jetond retirement");
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
