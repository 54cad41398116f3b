/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/workers.h"

#include "base/clock.h"
#include "base/cond.h"

#include <stdlib.h>

#define MAX_WAITING 1024
#define MAX_THREADS 8
/* Before a job is run again: from the one to the other. */
#define AGAIN_MIN_MS 50
#define AGAIN_MAX_MS 800

/* The jobs of one kind that wait for a thread. */
struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t posted;
    struct jt_job *first, *last;
    struct jt_job *parked; /* to be run again when they are due */
    size_t n_waiting;      /* of both kinds */
    bool stopping;
};

struct jt_workers {
    struct queue queues[JT_N_WORK];
    int n_threads; /* of all kinds */
    struct worker {
        pthread_t thread;
        struct queue *queue;
        struct jt_work_ctx ctx;
    } threads[JT_N_WORK * MAX_THREADS];
};

/* --- the chain of a connection --- */

static enum jt_err chain_ready(void *arg, struct jt_chain *chain)
{
    const struct jt_work_ctx *ctx = arg;
    bool begun;
    return jt_trail_ready(&ctx->vault->trail, chain, ctx->connection, &begun);
}

static enum jt_err chain_sign(void *arg, const struct jt_audit_link *link,
                              uint8_t head[static JT_ROW_MAC_LEN])
{
    const struct jt_work_ctx *ctx = arg;
    return jt_keyclient_wait_audit_link(ctx->keeper, link, head);
}

static void chain_stands(void *arg, const struct jt_chain *chain)
{
    const struct jt_work_ctx *ctx = arg;
    jt_trail_stands(&ctx->vault->trail, chain);
}

enum jt_err jt_work_ctx_init(struct jt_work_ctx *ctx, struct jt_vault *vault,
                             const char *application, int statement_ms)
{
    *ctx = (struct jt_work_ctx){ .vault = vault };
    enum jt_err err =
        jt_db_new(vault->conf->database_conninfo, application, statement_ms, &ctx->db);
    if (err == JT_OK) {
        err = jt_keyclient_open(vault->conf->keeper_socket, -1, JT_KEEPER_TIMEOUT_MS, &ctx->keeper);
    }
    if (err == JT_OK) {
        err = jt_trail_connect(&vault->trail, &ctx->connection);
    }
    if (err == JT_OK) {
        const struct jt_chain_owner owner = { chain_ready, chain_sign, chain_stands, ctx };
        jt_db_chain(ctx->db, &owner);
        jt_db_origin(ctx->db, &ctx->origin);
        jt_db_note_into(ctx->db, &ctx->fault);
        jt_keyclient_note_into(ctx->keeper, &ctx->fault);
    }
    if (err != JT_OK) {
        jt_work_ctx_clear(ctx);
    }
    return err;
}

void jt_work_ctx_clear(struct jt_work_ctx *ctx)
{
    jt_db_free(ctx->db);
    jt_keyclient_free(ctx->keeper);
    *ctx = (struct jt_work_ctx){ 0 };
}

void jt_inbox_init(struct jt_inbox *inbox, struct jt_loop *loop)
{
    *inbox = (struct jt_inbox){ .loop = loop };
    pthread_mutex_init(&inbox->mutex, NULL);
}

void jt_inbox_clear(struct jt_inbox *inbox)
{
    pthread_mutex_destroy(&inbox->mutex);
}

static void inbox_put(struct jt_inbox *inbox, struct jt_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&inbox->mutex);
    if (inbox->last == NULL) {
        inbox->first = job;
    } else {
        inbox->last->next = job;
    }
    inbox->last = job;
    pthread_mutex_unlock(&inbox->mutex);
    jt_loop_wake(inbox->loop);
}

void jt_inbox_drain(void *arg, uint32_t events)
{
    (void)events;
    struct jt_inbox *inbox = arg;
    pthread_mutex_lock(&inbox->mutex);
    struct jt_job *job = inbox->first;
    inbox->first = inbox->last = NULL;
    pthread_mutex_unlock(&inbox->mutex);
    while (job != NULL) {
        struct jt_job *next = job->next; /* done() may free the job */
        job->done(job);
        job = next;
    }
}

/* --- jobs that come again --- */

bool jt_work_again(struct jt_work_ctx *ctx, int patience_ms)
{
    const struct jt_job *job = ctx->job;
    if (job == NULL || ctx->last_call || jt_clock_ms() - job->first_ms >= patience_ms) {
        return false;
    }
    ctx->again_ms = AGAIN_MIN_MS;
    for (int i = 1; i < job->n_tries && ctx->again_ms < AGAIN_MAX_MS; i++) {
        ctx->again_ms *= 2;
    }
    return true;
}

int jt_work_tries(const struct jt_work_ctx *ctx)
{
    return ctx->job == NULL ? 0 : ctx->job->n_tries;
}

bool jt_work_comes_again(const struct jt_work_ctx *ctx)
{
    return ctx->again_ms > 0;
}

static void park(struct queue *q, struct jt_job *job, int ms)
{
    pthread_mutex_lock(&q->mutex);
    job->due_ms = jt_clock_ms() + ms;
    job->next = q->parked;
    q->parked = job;
    q->n_waiting++;
    pthread_cond_signal(&q->posted); /* whoever waits may have to wait less */
    pthread_mutex_unlock(&q->mutex);
}

/* The one that is due first, of those that are due by `now_ms`, taken out; NULL: none is. */
static struct jt_job *take_due(struct queue *q, int64_t now_ms)
{
    struct jt_job **first = NULL;
    for (struct jt_job **at = &q->parked; *at != NULL; at = &(*at)->next) {
        if ((*at)->due_ms <= now_ms && (first == NULL || (*at)->due_ms < (*first)->due_ms)) {
            first = at;
        }
    }
    struct jt_job *job = first == NULL ? NULL : *first;
    if (job != NULL) {
        *first = job->next;
    }
    return job;
}

/* With the mutex held: until something is posted or due. */
static void wait_for_work(struct queue *q)
{
    if (q->parked == NULL) {
        pthread_cond_wait(&q->posted, &q->mutex);
        return;
    }
    int64_t due_ms = q->parked->due_ms;
    for (const struct jt_job *job = q->parked; job != NULL; job = job->next) {
        due_ms = job->due_ms < due_ms ? job->due_ms : due_ms;
    }
    int64_t left_ms = due_ms - jt_clock_ms();
    if (left_ms > 0) {
        (void)jt_cond_wait_ms(&q->posted, &q->mutex, (int)left_ms);
    }
}

/* --- threads --- */

static struct jt_job *take(struct queue *q, bool *last_call)
{
    struct jt_job *job;
    pthread_mutex_lock(&q->mutex);
    for (;;) {
        job = take_due(q, q->stopping ? INT64_MAX : jt_clock_ms());
        if (job == NULL && q->first != NULL) {
            job = q->first;
            q->first = job->next;
            q->last = q->first == NULL ? NULL : q->last;
        }
        if (job != NULL || q->stopping) {
            break;
        }
        wait_for_work(q);
    }
    q->n_waiting -= job != NULL;
    *last_call = q->stopping;
    pthread_mutex_unlock(&q->mutex);
    return job;
}

static void *work(void *arg)
{
    struct worker *self = arg;
    struct jt_work_ctx *ctx = &self->ctx;
    while ((ctx->job = take(self->queue, &ctx->last_call)) != NULL) {
        ctx->again_ms = 0;
        ctx->job->first_ms = ctx->job->n_tries++ == 0 ? jt_clock_ms() : ctx->job->first_ms;
        ctx->job->run(ctx->job, ctx);
        if (ctx->again_ms > 0) {
            park(self->queue, ctx->job, ctx->again_ms);
        } else {
            inbox_put(ctx->job->inbox, ctx->job);
        }
    }
    return NULL;
}

static enum jt_err start_thread(struct jt_workers *w, struct jt_vault *vault, struct queue *queue)
{
    struct worker *t = &w->threads[w->n_threads];
    t->queue = queue;
    enum jt_err err = jt_work_ctx_init(&t->ctx, vault, "jetond worker", JT_STATEMENT_TIMEOUT_MS);
    if (err == JT_OK && pthread_create(&t->thread, NULL, work, t) != 0) {
        jt_work_ctx_clear(&t->ctx);
        err = JT_ERR_NOMEM;
    }
    w->n_threads += err == JT_OK;
    return err;
}

enum jt_err jt_workers_start(struct jt_vault *vault, int n_threads, struct jt_workers **out)
{
    *out = NULL;
    struct jt_workers *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = n_threads <= MAX_THREADS ? JT_OK : JT_ERR_LIMIT;
    for (int kind = 0; kind < JT_N_WORK; kind++) {
        pthread_mutex_init(&w->queues[kind].mutex, NULL);
        jt_cond_init(&w->queues[kind].posted);
    }
    for (int i = 0; i < JT_N_WORK * n_threads && err == JT_OK; i++) {
        err = start_thread(w, vault, &w->queues[i % JT_N_WORK]);
    }
    if (err != JT_OK) {
        jt_workers_stop(w);
        jt_workers_free(w);
        return err;
    }
    *out = w;
    return JT_OK;
}

void jt_workers_stop(struct jt_workers *w)
{
    if (w == NULL) {
        return;
    }
    for (int kind = 0; kind < JT_N_WORK; kind++) {
        struct queue *q = &w->queues[kind];
        pthread_mutex_lock(&q->mutex);
        q->stopping = true;
        pthread_cond_broadcast(&q->posted);
        pthread_mutex_unlock(&q->mutex);
    }
    for (int i = 0; i < w->n_threads; i++) {
        pthread_join(w->threads[i].thread, NULL);
        jt_work_ctx_clear(&w->threads[i].ctx);
    }
    w->n_threads = 0;
}

void jt_workers_free(struct jt_workers *w)
{
    if (w == NULL) {
        return;
    }
    for (int kind = 0; kind < JT_N_WORK; kind++) {
        pthread_cond_destroy(&w->queues[kind].posted);
        pthread_mutex_destroy(&w->queues[kind].mutex);
    }
    free(w);
}

enum jt_err jt_workers_post(struct jt_workers *w, struct jt_job *job)
{
    struct queue *q = &w->queues[job->kind];
    enum jt_err err = JT_OK;
    pthread_mutex_lock(&q->mutex);
    if (q->stopping || q->n_waiting >= MAX_WAITING) {
        err = q->stopping ? JT_ERR_STOPPING : JT_ERR_BUSY;
    } else {
        job->next = NULL;
        job->n_tries = 0;
        if (q->last == NULL) {
            q->first = job;
        } else {
            q->last->next = job;
        }
        q->last = job;
        q->n_waiting++;
        pthread_cond_signal(&q->posted);
    }
    pthread_mutex_unlock(&q->mutex);
    return err;
}
