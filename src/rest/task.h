/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blocking task of a request: run() on a worker, answer() back on the event loop. For
 * administration: handlers fill what run() needs, post, and answer with what it left. A GET is a
 * look-up; any other is an act, which may wait without holding up look-ups.
 *
 * Where the connection to the database broke at COMMIT and nobody can say what became of it, the
 * answer is the problem outcome-unknown, whatever the handler.
 */
#ifndef JETON_REST_TASK_H
#define JETON_REST_TASK_H

#include "rest/request.h"

struct jt_task {
    struct jt_job job; /* first: it is cast back */
    struct jt_request *http;
    enum jt_err err; /* what run() returned */
    bool in_doubt;   /* what was to be changed may have been */
    enum jt_err (*run)(struct jt_task *task, struct jt_work_ctx *ctx);
    /* after success; failures are answered by their problem unless `failed` is set */
    void (*answer)(struct jt_task *task);
    void (*failed)(struct jt_task *task);
};

/*
 * Allocates a task of `size` bytes (a structure that begins with struct jt_task, zeroed), owned and
 * wiped by the request. NULL: out of memory, answered already.
 */
void *jt_task_new(struct jt_request *r, size_t size);

/* Hands it to a worker; answers 503 when none can take it. */
void jt_task_post(struct jt_task *task);

#endif
