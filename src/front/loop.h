/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event loop of jetond and all that is run in its one thread: the HTTP server, the API behind
 * it, and the vault's lanes. Loops share nothing but struct jt_vault and the door's counters.
 */
#ifndef JETON_FRONT_LOOP_H
#define JETON_FRONT_LOOP_H

#include "api/api.h"

#include <stdatomic.h>

enum jt_front_stop {
    JT_FRONT_GO_ON,
    JT_FRONT_DRAIN, /* serve, and let each client know that it should go elsewhere */
    JT_FRONT_STOP,
};

struct jt_front_loop {
    struct jt_loop *loop;
    struct jt_server server;
    struct jt_lanes lanes;
    struct jt_api api;
    _Atomic int stop;        /* enum jt_front_stop: asked from another thread */
    _Atomic int64_t beat_ms; /* by jt_clock_ms: when it went round last, or half a second before */
};

/* Takes over the `n` listening sockets, also on failure. `index` counts the loops from 0. */
enum jt_err jt_front_loop_init(struct jt_front_loop *front, struct jt_vault *vault,
                               const struct jt_door_socket *sockets, size_t n, int index,
                               const struct jt_door_conf *conf,
                               struct jt_door_shared *doors) JT_CHECKED;

/*
 * Runs until JT_FRONT_STOP was asked and the requests under way have been answered, or five seconds
 * have passed.
 */
enum jt_err jt_front_loop_run(struct jt_front_loop *front) JT_CHECKED;

/*
 * For the thread of a loop, of any, that cannot go on. One loop less would be a quiet loss: the log
 * has it, and the process is told to end, which is a failure then, so that it is started again.
 */
void jt_front_loop_broke(const char *which, enum jt_err err);
bool jt_front_any_loop_broke(void);

/* Any thread. */
void jt_front_loop_ask(struct jt_front_loop *front, enum jt_front_stop stop);

/*
 * After the loop has ended and the workers have been stopped: answers what is left with 503 and
 * frees everything.
 */
void jt_front_loop_clear(struct jt_front_loop *front);

#endif
