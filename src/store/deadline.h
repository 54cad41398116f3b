/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deadline that an event loop keeps: one at a time, set often and met seldom. The timer
 * descriptor behind it is left armed when it fires earlier anyhow, so that moving the deadline into
 * the future makes no system call.
 */
#ifndef JETON_STORE_DEADLINE_H
#define JETON_STORE_DEADLINE_H

#include "base/loop.h"

/* Embedded in its owner. */
struct jt_deadline {
    struct jt_loop *loop;
    struct jt_watch timer;
    int64_t due_ms;   /* 0: none */
    int64_t armed_ms; /* when the descriptor fires; 0: it does not */
    jt_loop_fn *fn;
    void *arg;
};

/* `fn` runs from the loop, with events 0, once for each deadline that is met. JT_ERR_IO. */
enum jt_err jt_deadline_init(struct jt_deadline *d, struct jt_loop *loop, jt_loop_fn *fn,
                             void *arg) JT_CHECKED;
void jt_deadline_clear(struct jt_deadline *d);

/* Replaces the deadline. */
void jt_deadline_set(struct jt_deadline *d, int in_ms);
void jt_deadline_cancel(struct jt_deadline *d);

#endif
