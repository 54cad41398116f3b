#include "vault/workers.h"

#include <stdlib.h>

#define MAX_WAITING 1024
#define MAX_THREADS 8

struct jt_workers {
    pthread_mutex_t mutex;
    pthread_cond_t posted;
    struct jt_job *first, *last;
    size_t n_waiting;
    bool stopping;
    int n_threads;
    struct worker {
        pthread_t thread;
        struct jt_workers *workers;
        struct jt_work_ctx ctx;
    } threads[MAX_THREADS];
};

enum jt_err jt_work_ctx_init(struct jt_work_ctx *ctx, struct jt_vault *vault, const char *application, int statement_ms)
{
    *ctx = (struct jt_work_ctx){ .vault = vault };
    enum jt_err err = jt_db_new(vault->conf->database_conninfo, application, statement_ms, &ctx->db);
    if (err == JT_OK) {
        err = jt_keyclient_open(vault->conf->keeper_socket, -1, JT_KEEPER_TIMEOUT_MS, &ctx->keeper);
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

static struct jt_job *take(struct jt_workers *w)
{
    pthread_mutex_lock(&w->mutex);
    while (w->first == NULL && !w->stopping) {
        pthread_cond_wait(&w->posted, &w->mutex);
    }
    struct jt_job *job = w->first;
    if (job != NULL) {
        w->first = job->next;
        w->last = w->first == NULL ? NULL : w->last;
        w->n_waiting--;
    }
    pthread_mutex_unlock(&w->mutex);
    return job;
}

static void *work(void *arg)
{
    struct worker *self = arg;
    struct jt_job *job;
    while ((job = take(self->workers)) != NULL) {
        job->run(job, &self->ctx);
        inbox_put(job->inbox, job);
    }
    return NULL;
}

enum jt_err jt_workers_start(struct jt_vault *vault, int n_threads, struct jt_workers **out)
{
    *out = NULL;
    struct jt_workers *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return JT_ERR_NOMEM;
    }
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->posted, NULL);
    enum jt_err err = n_threads <= MAX_THREADS ? JT_OK : JT_ERR_LIMIT;
    for (int i = 0; i < n_threads && err == JT_OK; i++) {
        struct worker *t = &w->threads[i];
        t->workers = w;
        err = jt_work_ctx_init(&t->ctx, vault, "jetond worker", JT_STATEMENT_TIMEOUT_MS);
        if (err == JT_OK && pthread_create(&t->thread, NULL, work, t) != 0) {
            jt_work_ctx_clear(&t->ctx);
            err = JT_ERR_NOMEM;
        }
        w->n_threads += err == JT_OK;
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
    pthread_mutex_lock(&w->mutex);
    w->stopping = true;
    pthread_cond_broadcast(&w->posted);
    pthread_mutex_unlock(&w->mutex);
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
    pthread_cond_destroy(&w->posted);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}

enum jt_err jt_workers_post(struct jt_workers *w, struct jt_job *job)
{
    enum jt_err err = JT_OK;
    pthread_mutex_lock(&w->mutex);
    if (w->stopping || w->n_waiting == MAX_WAITING) {
        err = JT_ERR_UNAVAILABLE;
    } else {
        job->next = NULL;
        if (w->last == NULL) {
            w->first = job;
        } else {
            w->last->next = job;
        }
        w->last = job;
        w->n_waiting++;
        pthread_cond_signal(&w->posted);
    }
    pthread_mutex_unlock(&w->mutex);
    return err;
}
