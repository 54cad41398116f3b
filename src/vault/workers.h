/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worker threads for what may block: look-ups that miss a cache, refreshing the ring,
 * administration. Each worker owns one database connection and one keeper connection. The request
 * path proper never comes here.
 *
 * There are two queues, each with threads of its own: look-ups, which take a query or two, and
 * acts, which may wait for one another or for a long answer. However many acts wait, look-ups go
 * on: clients are recognised, the ring is refreshed, operators see the state of things.
 *
 * Nobody waits on a worker for a lock. An act that finds taken what it needs, the ring lock for
 * one, gives its worker back and comes again a moment later (jt_work_again), until its patience is
 * over. One wait is left: where the connection broke at COMMIT, the worker asks the server until it
 * knows what became of the transaction, for JT_DOUBT_PATIENCE_MS at most (store/db.c).
 *
 * A job is posted from an event loop with that loop's inbox; its run() is called on a worker, then
 * its done() on the loop. The job belongs to the workers from the post until done() is called.
 */
#ifndef JETON_VAULT_WORKERS_H
#define JETON_VAULT_WORKERS_H

#include "base/loop.h"
#include "keyclient/keyclient.h"
#include "store/db.h"
#include "vault/vault.h"

#include <pthread.h>

/* What a blocking task works with. */
struct jt_work_ctx {
    struct jt_vault *vault;
    struct jt_db *db;
    struct jt_keyclient *keeper;
    struct jt_fault fault;   /* what fails here, or in one of the two, is noted in it */
    struct jt_origin origin; /* of the request that is worked on, for the audit trail */
    uint16_t connection;     /* the number of its chain there */

    /* the workers' own */
    struct jt_job *job; /* that runs; NULL: none, this is no worker's */
    int again_ms;       /* it comes again after so long; 0: it has ended */
    bool last_call;     /* there is no later any more */
};

/*
 * `statement_ms` bounds each statement of its database connection. It does not move from then on:
 * its connections refer to it.
 */
enum jt_err jt_work_ctx_init(struct jt_work_ctx *ctx, struct jt_vault *vault,
                             const char *application, int statement_ms) JT_CHECKED;
void jt_work_ctx_clear(struct jt_work_ctx *ctx);

/* Begins a task: nothing has failed yet, and this is what it is about, as in "generation 7". */
#define jt_work_about(ctx, ...) \
    (jt_fault_clear(&(ctx)->fault), jt_fault_about(&(ctx)->fault, __VA_ARGS__))

/*
 * In a job's run(): what it needs is taken, and it is run again from the beginning, after a pause
 * that grows from one time to the next. False when its patience, counted from its first run, is
 * over, or when there is no later: then it ends with what it has.
 */
bool jt_work_again(struct jt_work_ctx *ctx, int patience_ms);

/* How often it was run; whether it is to be run again, so that its result does not count. */
int jt_work_tries(const struct jt_work_ctx *ctx);
bool jt_work_comes_again(const struct jt_work_ctx *ctx);

enum jt_work { JT_WORK_LOOKUP, JT_WORK_ACT, JT_N_WORK };

struct jt_job {
    enum jt_work kind;
    void (*run)(struct jt_job *job, struct jt_work_ctx *ctx);
    void (*done)(struct jt_job *job);
    struct jt_inbox *inbox;

    /* the workers' own */
    struct jt_job *next;
    int64_t first_ms, due_ms;
    int n_tries;
};

/* Where finished jobs wait for their event loop. */
struct jt_inbox {
    pthread_mutex_t mutex;
    struct jt_job *first, *last;
    struct jt_loop *loop;
};

void jt_inbox_init(struct jt_inbox *inbox, struct jt_loop *loop);
void jt_inbox_clear(struct jt_inbox *inbox);
/* Runs done() of every job that waits; a jt_loop_fn for jt_loop_on_wake, `arg` is the inbox. */
void jt_inbox_drain(void *arg, uint32_t events);

struct jt_workers;

/* `n_threads` for each kind of work. */
enum jt_err jt_workers_start(struct jt_vault *vault, int n_threads,
                             struct jt_workers **out) JT_CHECKED;

/*
 * Finishes the jobs that were posted, then ends the threads; those that wait to be run again are
 * run once more, at once. Their inboxes must still be drained afterwards; whoever posts a job from
 * there is refused. NULL is accepted, as by jt_workers_free, which comes last.
 */
void jt_workers_stop(struct jt_workers *w);
void jt_workers_free(struct jt_workers *w);

/*
 * JT_ERR_BUSY when too many jobs of its kind wait already, JT_ERR_STOPPING: the caller still owns
 * the job and answers 503.
 */
enum jt_err jt_workers_post(struct jt_workers *w, struct jt_job *job) JT_CHECKED;

#endif
