/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers: every posted job runs once on a worker and ends once on its loop; a full queue says so.
 */
#include "base/clock.h"
#include "base/loop.h"
#include "vault/workers.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define N_JOBS 500

static struct jt_conf conf = { .keeper_socket = (char *)"/nonexistent/keeper.sock",
                               .database_conninfo = (char *)"host=/nonexistent" };
static struct jt_vault vault = { .conf = &conf };
static pthread_t loop_thread;
static struct jt_loop *loop;
static int n_done;

struct counted {
    struct jt_job job;
    int ran, ended;
};

static void run(struct jt_job *job, struct jt_work_ctx *ctx)
{
    assert_ptr_equal(ctx->vault, &vault);
    assert_false(pthread_equal(pthread_self(), loop_thread));
    ((struct counted *)job)->ran++;
}

static void done(struct jt_job *job)
{
    assert_true(pthread_equal(pthread_self(), loop_thread));
    ((struct counted *)job)->ended++;
    if (++n_done == N_JOBS) {
        jt_loop_stop(loop);
    }
}

static void every_job_runs_once_and_ends_on_its_loop(void **state)
{
    (void)state;
    static struct counted jobs[N_JOBS];
    struct jt_inbox inbox;
    loop_thread = pthread_self();
    assert_int_equal(jt_loop_new(&loop), JT_OK);
    jt_inbox_init(&inbox, loop);
    jt_loop_on_wake(loop, jt_inbox_drain, &inbox);
    assert_int_equal(jt_workers_start(&vault, 2, &vault.workers), JT_OK);
    for (int i = 0; i < N_JOBS; i++) {
        jobs[i].job = (struct jt_job){ .run = run, .done = done, .inbox = &inbox };
        assert_int_equal(jt_workers_post(vault.workers, &jobs[i].job), JT_OK);
    }
    assert_int_equal(jt_loop_run(loop), JT_OK);
    for (int i = 0; i < N_JOBS; i++) {
        assert_int_equal(jobs[i].ran, 1);
        assert_int_equal(jobs[i].ended, 1);
    }
    jt_workers_stop(vault.workers);
    jt_workers_free(vault.workers);
    jt_inbox_clear(&inbox);
    jt_loop_free(loop);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void run_behind_gate(struct jt_job *job, struct jt_work_ctx *ctx)
{
    (void)job;
    (void)ctx;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

static void count_done(struct jt_job *job)
{
    (void)job;
    n_done++;
}

static void a_full_queue_refuses_and_stopping_finishes_what_was_taken(void **state)
{
    (void)state;
    static struct jt_job jobs[5000];
    struct jt_inbox inbox;
    n_done = 0;
    assert_int_equal(jt_loop_new(&loop), JT_OK);
    jt_inbox_init(&inbox, loop);
    assert_int_equal(jt_workers_start(&vault, 1, &vault.workers), JT_OK);
    pthread_mutex_lock(&gate);
    int taken = 0;
    while (taken < 5000) {
        jobs[taken] =
            (struct jt_job){ .run = run_behind_gate, .done = count_done, .inbox = &inbox };
        if (jt_workers_post(vault.workers, &jobs[taken]) != JT_OK) {
            break;
        }
        taken++;
    }
    assert_in_range(taken, 1000, 1100);
    pthread_mutex_unlock(&gate);
    jt_workers_stop(vault.workers);
    jt_inbox_drain(&inbox, 0);
    assert_int_equal(n_done, taken);
    assert_int_equal(jt_workers_post(vault.workers, &jobs[0]), JT_ERR_STOPPING);
    jt_workers_free(vault.workers);
    jt_inbox_clear(&inbox);
    jt_loop_free(loop);
}

static int n_waiting_acts, n_lookups;

static void act_behind_gate(struct jt_job *job, struct jt_work_ctx *ctx)
{
    (void)job;
    (void)ctx;
    pthread_mutex_lock(&gate);
    n_waiting_acts++;
    pthread_mutex_unlock(&gate);
}

static void nothing(struct jt_job *job, struct jt_work_ctx *ctx)
{
    (void)job;
    (void)ctx;
}

static void count_lookup(struct jt_job *job)
{
    (void)job;
    if (++n_lookups == 10) {
        jt_loop_stop(loop);
    }
}

/*
 * Two activations that wait for the ring lock used to take both workers, and no client was
 * recognised meanwhile.
 */
static void lookups_go_on_while_acts_wait(void **state)
{
    (void)state;
    static struct jt_job acts[20], lookups[10];
    struct jt_inbox inbox;
    n_done = 0;
    assert_int_equal(jt_loop_new(&loop), JT_OK);
    jt_inbox_init(&inbox, loop);
    jt_loop_on_wake(loop, jt_inbox_drain, &inbox);
    assert_int_equal(jt_workers_start(&vault, 2, &vault.workers), JT_OK);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 20; i++) {
        acts[i] = (struct jt_job){
            .kind = JT_WORK_ACT, .run = act_behind_gate, .done = count_done, .inbox = &inbox
        };
        assert_int_equal(jt_workers_post(vault.workers, &acts[i]), JT_OK);
    }
    for (int i = 0; i < 10; i++) {
        lookups[i] = (struct jt_job){ .run = nothing, .done = count_lookup, .inbox = &inbox };
        assert_int_equal(jt_workers_post(vault.workers, &lookups[i]), JT_OK);
    }
    assert_int_equal(jt_loop_run(loop), JT_OK);
    assert_int_equal(n_waiting_acts, 0);
    pthread_mutex_unlock(&gate);
    jt_workers_stop(vault.workers);
    jt_inbox_drain(&inbox, 0);
    assert_int_equal(n_waiting_acts, 20);
    assert_int_equal(n_done, 20);
    jt_workers_free(vault.workers);
    jt_inbox_clear(&inbox);
    jt_loop_free(loop);
}

#define PATIENCE_MS 300

struct patient {
    struct jt_job job;
    int tries;
    bool over;
};

/* Finds taken what it needs, each time. */
static void wait_in_vain(struct jt_job *job, struct jt_work_ctx *ctx)
{
    struct patient *p = (struct patient *)job;
    p->tries = jt_work_tries(ctx);
    p->over = !jt_work_again(ctx, PATIENCE_MS);
    assert_true(jt_work_comes_again(ctx) == !p->over);
}

static void end_patient(struct jt_job *job)
{
    (void)job;
    if (++n_done == 10) {
        jt_loop_stop(loop);
    }
}

/*
 * Acts that wait used to hold their worker all the while: two of them, and no other act went on.
 * One worker, ten acts that wait, and all of them end at about the same time.
 */
static void an_act_that_waits_gives_its_worker_back(void **state)
{
    (void)state;
    static struct patient acts[10];
    struct jt_inbox inbox;
    n_done = 0;
    assert_int_equal(jt_loop_new(&loop), JT_OK);
    jt_inbox_init(&inbox, loop);
    jt_loop_on_wake(loop, jt_inbox_drain, &inbox);
    assert_int_equal(jt_workers_start(&vault, 1, &vault.workers), JT_OK);
    int64_t started_ms = jt_clock_ms();
    for (int i = 0; i < 10; i++) {
        acts[i].job = (struct jt_job){
            .kind = JT_WORK_ACT, .run = wait_in_vain, .done = end_patient, .inbox = &inbox
        };
        assert_int_equal(jt_workers_post(vault.workers, &acts[i].job), JT_OK);
    }
    assert_int_equal(jt_loop_run(loop), JT_OK);
    int64_t took_ms = jt_clock_ms() - started_ms;
    assert_in_range(took_ms, PATIENCE_MS, 5 * PATIENCE_MS);
    for (int i = 0; i < 10; i++) {
        assert_true(acts[i].over);
        assert_in_range(acts[i].tries, 2, 5); /* at 0, 50, 150 and 350 ms */
    }
    jt_workers_stop(vault.workers);
    jt_workers_free(vault.workers);
    jt_inbox_clear(&inbox);
    jt_loop_free(loop);
}

static pthread_mutex_t parked_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t parked = PTHREAD_COND_INITIALIZER;
static int n_parked;

static void wait_for_ever(struct jt_job *job, struct jt_work_ctx *ctx)
{
    struct patient *p = (struct patient *)job;
    p->over = !jt_work_again(ctx, 3600 * 1000);
    pthread_mutex_lock(&parked_mutex);
    n_parked++;
    pthread_cond_signal(&parked);
    pthread_mutex_unlock(&parked_mutex);
}

static void stopping_ends_acts_that_wait(void **state)
{
    (void)state;
    static struct patient act;
    struct jt_inbox inbox;
    n_done = 0;
    assert_int_equal(jt_loop_new(&loop), JT_OK);
    jt_inbox_init(&inbox, loop);
    assert_int_equal(jt_workers_start(&vault, 1, &vault.workers), JT_OK);
    act.job = (struct jt_job){
        .kind = JT_WORK_ACT, .run = wait_for_ever, .done = count_done, .inbox = &inbox
    };
    assert_int_equal(jt_workers_post(vault.workers, &act.job), JT_OK);
    pthread_mutex_lock(&parked_mutex);
    while (n_parked < 3) {
        pthread_cond_wait(&parked, &parked_mutex);
    }
    pthread_mutex_unlock(&parked_mutex);
    jt_workers_stop(vault.workers);
    jt_inbox_drain(&inbox, 0);
    assert_true(act.over);
    assert_int_equal(n_done, 1);
    jt_workers_free(vault.workers);
    jt_inbox_clear(&inbox);
    jt_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_once_and_ends_on_its_loop),
        cmocka_unit_test(lookups_go_on_while_acts_wait),
        cmocka_unit_test(an_act_that_waits_gives_its_worker_back),
        cmocka_unit_test(stopping_ends_acts_that_wait),
        cmocka_unit_test(a_full_queue_refuses_and_stopping_finishes_what_was_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
