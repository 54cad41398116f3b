/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/db/lane.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_S 30

struct timespec fx_soon(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    return until;
}

void fx_lane_signal(struct fx_lane *lane)
{
    pthread_cond_broadcast(&lane->changed);
    pthread_mutex_unlock(&lane->mutex);
}

/* With the mutex held. */
void fx_lane_await(struct fx_lane *lane, const struct timespec *until)
{
    if (pthread_cond_timedwait(&lane->changed, &lane->mutex, until) == ETIMEDOUT) {
        (void)fprintf(stderr, "the pipe did not answer in %d s: %s\n", PATIENCE_S,
                      jt_pipe_fault(lane->pipe)->cause);
        abort();
    }
}

static void on_wake(void *arg, uint32_t events)
{
    (void)events;
    struct fx_lane *lane = arg;
    pthread_mutex_lock(&lane->mutex);
    void (*job)(struct fx_lane *, void *) = lane->job;
    bool stopping = lane->stopping;
    pthread_mutex_unlock(&lane->mutex);
    if (job != NULL) {
        job(lane, lane->job_arg);
        pthread_mutex_lock(&lane->mutex);
        lane->job = NULL;
        fx_lane_signal(lane);
    }
    if (stopping) {
        jt_loop_stop(lane->loop);
    }
}

static void on_up(void *arg, uint32_t events)
{
    (void)events;
    struct fx_lane *lane = arg;
    pthread_mutex_lock(&lane->mutex);
    lane->n_up++;
    fx_lane_signal(lane);
}

static bool guard(void *arg, const struct jt_course *now)
{
    struct fx_lane *lane = arg;
    pthread_mutex_lock(&lane->mutex);
    bool refuses = lane->guard_refuses;
    lane->n_asked++;
    lane->told = *now;
    fx_lane_signal(lane);
    return !refuses;
}

void fx_lane_guard(struct fx_lane *lane, bool refuses)
{
    pthread_mutex_lock(&lane->mutex);
    lane->guard_refuses = refuses;
    pthread_mutex_unlock(&lane->mutex);
}

void fx_lane_wait_asked(struct fx_lane *lane, int n, struct jt_course *told)
{
    struct timespec until = fx_soon();
    pthread_mutex_lock(&lane->mutex);
    int enough = lane->n_asked + n;
    while (lane->n_asked < enough) {
        fx_lane_await(lane, &until);
    }
    *told = lane->told;
    pthread_mutex_unlock(&lane->mutex);
}

static void *run(void *arg)
{
    struct fx_lane *lane = arg;
    if (jt_loop_run(lane->loop) != JT_OK) {
        abort();
    }
    return NULL;
}

/* Runs `job` in the lane's thread and waits for its end. */
void fx_lane_call(struct fx_lane *lane, void (*job)(struct fx_lane *, void *), void *arg)
{
    struct timespec until = fx_soon();
    pthread_mutex_lock(&lane->mutex);
    lane->job = job;
    lane->job_arg = arg;
    jt_loop_wake(lane->loop);
    while (lane->job != NULL) {
        fx_lane_await(lane, &until);
    }
    pthread_mutex_unlock(&lane->mutex);
}

struct fx_lane *fx_lane_new(const char *conninfo, const struct jt_node_spec *node, int timeout_ms)
{
    static uint16_t n_lanes;
    struct fx_lane *lane = calloc(1, sizeof *lane);
    assert_non_null(lane);
    lane->writer = ++n_lanes;
    jt_chain_begin(&lane->chain, FX_START, lane->writer, (const uint8_t[16]){ 0 });
    lane->result = calloc(1, sizeof *lane->result);
    assert_non_null(lane->result);
    pthread_mutex_init(&lane->mutex, NULL);
    pthread_cond_init(&lane->changed, NULL);
    assert_int_equal(jt_loop_new(&lane->loop), JT_OK);
    jt_loop_on_wake(lane->loop, on_wake, lane);
    assert_int_equal(jt_pipe_new(lane->loop, conninfo, "test_pipe", node, timeout_ms, &lane->pipe),
                     JT_OK);
    assert_false(jt_pipe_up(lane->pipe));
    jt_pipe_on_up(lane->pipe, on_up, lane);
    jt_pipe_guard(lane->pipe, guard, lane);
    assert_int_equal(pthread_create(&lane->thread, NULL, run, lane), 0);
    return lane;
}

void fx_lane_wait_up(struct fx_lane *lane)
{
    struct timespec until = fx_soon();
    pthread_mutex_lock(&lane->mutex);
    while (lane->n_up == lane->n_up_seen) {
        fx_lane_await(lane, &until);
    }
    lane->n_up_seen = lane->n_up;
    pthread_mutex_unlock(&lane->mutex);
}

/* After this nobody calls back any more but jt_pipe_free. */
static void stop(struct fx_lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    lane->stopping = true;
    jt_loop_wake(lane->loop);
    pthread_mutex_unlock(&lane->mutex);
    pthread_join(lane->thread, NULL);
}

static void release(struct fx_lane *lane)
{
    jt_loop_free(lane->loop);
    pthread_cond_destroy(&lane->changed);
    pthread_mutex_destroy(&lane->mutex);
    free(lane->result);
    free(lane);
}

void fx_lane_free(struct fx_lane *lane)
{
    stop(lane);
    jt_pipe_free(lane->pipe);
    release(lane);
}

enum jt_err fx_lane_free_busy(struct fx_lane *lane)
{
    stop(lane);
    assert_false(lane->answered);
    jt_pipe_free(lane->pipe);
    assert_true(lane->answered);
    enum jt_err err = lane->result->err;
    release(lane);
    return err;
}
