/* SPDX-License-Identifier: Apache-2.0 */
/* A lane of the fixture (tests/db/fixture.h) from within: a pipe in a loop and thread of its own.
 */
#ifndef JETON_TESTS_DB_LANE_H
#define JETON_TESTS_DB_LANE_H

#include "tests/db/fixture.h"
#include "model/course.h"

#include <pthread.h>
#include <time.h>

struct fx_lane {
    uint16_t writer;
    pthread_t thread;
    struct jt_loop *loop;
    struct jt_pipe *pipe;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* under the mutex */
    void (*job)(struct fx_lane *lane, void *arg); /* to run in the thread; NULL: none */
    void *job_arg;
    bool stopping;
    unsigned n_up, n_up_seen;
    bool guard_refuses;
    bool may_refuse; /* what is refused at once is answered so, and fails no test */
    int n_asked;
    struct jt_course told;
    bool answered;
    struct fx_result *result;
    uint64_t ids[JT_STORE_MAX_CARDS]; /* of the cards under way */
    uint64_t numeric_mark;
    struct jt_chain chain;
    struct jt_link link;
};

/* So long a test waits for anything. */
struct timespec fx_soon(void);

/* Both with the mutex: the one lets go of it, the other is given it back. */
void fx_lane_signal(struct fx_lane *lane);
void fx_lane_await(struct fx_lane *lane, const struct timespec *until);

/* Runs `job` in the thread, and returns when it has run. */
void fx_lane_call(struct fx_lane *lane, void (*job)(struct fx_lane *, void *), void *arg);

#endif
