/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event loop on epoll(7): descriptors with callbacks, and a tick.
 *
 * A loop belongs to the one thread that runs it. The only call that other threads may make is
 * jt_loop_wake, which makes the loop run its wake callback. A callback may watch, change and
 * unwatch any descriptor, its own included; a watch that is removed gets no further callback, not
 * even for an event already fetched.
 */
#ifndef JETON_BASE_LOOP_H
#define JETON_BASE_LOOP_H

#include "base/err.h"

#include <stdint.h>

struct jt_loop;

/* `events` is the EPOLL* set that is ready. */
typedef void jt_loop_fn(void *arg, uint32_t events);

/* One watched descriptor; embedded in its owner, who keeps it alive until jt_loop_unwatch. */
struct jt_watch {
    jt_loop_fn *fn;
    void *arg;
    int fd; /* -1 when not watched */
    uint32_t events;
};

/* JT_ERR_NOMEM or JT_ERR_IO. Free with jt_loop_free. */
enum jt_err jt_loop_new(struct jt_loop **out) JT_CHECKED;
void jt_loop_free(struct jt_loop *loop);

/* Starts watching w->fd for w->events (EPOLLIN, EPOLLOUT; level-triggered). */
enum jt_err jt_loop_watch(struct jt_loop *loop, struct jt_watch *w) JT_CHECKED;

/* Changes the set of events; 0 keeps errors and hang-ups only. */
void jt_loop_set_events(struct jt_loop *loop, struct jt_watch *w, uint32_t events);

/*
 * Stops watching; does not close the descriptor: close it afterwards, never before. Harmless when
 * not watched.
 */
void jt_loop_unwatch(struct jt_loop *loop, struct jt_watch *w);

/* `fn` runs every `every_ms`, with events 0. Register before jt_loop_run; at most 16. */
enum jt_err jt_loop_every(struct jt_loop *loop, int every_ms, jt_loop_fn *fn, void *arg) JT_CHECKED;

/*
 * `fn` runs after each round of events: where gathered work is sent. Register before jt_loop_run;
 * at most 8.
 */
enum jt_err jt_loop_after_round(struct jt_loop *loop, jt_loop_fn *fn, void *arg) JT_CHECKED;

/* From a callback of this loop: the next round follows at once, with what is ready by then. */
void jt_loop_again(struct jt_loop *loop);

/*
 * The number of the round under way, from the first event to the last hook after it; 0 outside, in
 * a timer for example. Whoever has a hook knows by it whether that is still to come.
 */
uint64_t jt_loop_round(const struct jt_loop *loop);

/*
 * Any thread or signal handler: makes the loop run `fn` of jt_loop_on_wake soon, once for any
 * number of wakes.
 */
void jt_loop_wake(struct jt_loop *loop);
void jt_loop_on_wake(struct jt_loop *loop, jt_loop_fn *fn, void *arg);

/*
 * Runs until jt_loop_stop, which must be called from a callback of this loop. A stopped loop does
 * not run again.
 */
enum jt_err jt_loop_run(struct jt_loop *loop) JT_CHECKED;
void jt_loop_stop(struct jt_loop *loop);

#endif
