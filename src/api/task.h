/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blocking task of a request: run() on a worker, answer() back on the event loop. For
 * administration: handlers fill what run() needs, post, and answer with what it left. A GET is a
 * look-up; any other is an act, which may wait without holding up look-ups.
 *
 * A failure is answered with the problem of its reason, which names what it is about; where it is
 * not the caller's, the operator's log has a line with the cause.
 */
#ifndef JETON_API_TASK_H
#define JETON_API_TASK_H

#include "api/request.h"
#include "vault/workers.h"

struct jt_task {
    struct jt_job job; /* first: it is cast back */
    struct jt_request *http;
    enum jt_err err;  /* what run() returned */
    char subject[80]; /* what it failed about; as in struct jt_fault */
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

/* Answers with the problem of task->err: what `failed` does in the end. */
void jt_task_refuse(struct jt_task *task);

/* Hands it to a worker; answers 503 when none can take it. */
void jt_task_post(struct jt_task *task);

#endif
