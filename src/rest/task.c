/* SPDX-License-Identifier: Apache-2.0 */
#include "rest/task.h"

#include "base/log.h"
#include "base/secmem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void run(struct jt_job *job, struct jt_work_ctx *ctx)
{
    struct jt_task *task = (struct jt_task *)job;
    const struct jt_route *route = task->http->route;
    const struct jt_route_params *params = &task->http->params;
    if (params->number != 0) {
        jt_work_about(ctx, "generation %" PRIu64, params->number);
    } else if (params->client[0] != '\0') {
        jt_work_about(ctx, "client %s", params->client);
    } else {
        jt_work_about(ctx, "%s", "");
    }
    task->err = task->run(task, ctx);
    if (jt_work_comes_again(ctx)) {
        return;
    }
    memcpy(task->subject, ctx->fault.subject, sizeof task->subject);
    /* What the caller got wrong is for the caller to know; all else is for the operator as well. */
    if (jt_problem_status(jt_problem_of_err(task->err)) >= 500) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "%s %s: %s", route->method, route->path,
               jt_fault_line(&ctx->fault, task->err, line));
    }
}

static void done(struct jt_job *job)
{
    struct jt_task *task = (struct jt_task *)job;
    if (task->err == JT_OK) {
        task->answer(task);
    } else if (task->failed != NULL) {
        task->failed(task);
    } else {
        jt_task_refuse(task);
    }
}

void jt_task_refuse(struct jt_task *task)
{
    jt_request_answer_fault(task->http, task->err, task->subject);
}

void *jt_task_new(struct jt_request *r, size_t size)
{
    struct jt_task *task = calloc(1, size);
    if (task == NULL) {
        jt_request_answer_problem(r, JT_PROBLEM_UNAVAILABLE);
        return NULL;
    }
    r->state = task;
    r->state_free = jt_wipe_free;
    task->http = r;
    bool reads = strcmp(r->route->method, "GET") == 0; /* whatever else may have to wait */
    task->job = (struct jt_job){ .kind = reads ? JT_WORK_LOOKUP : JT_WORK_ACT,
                                 .run = run,
                                 .done = done,
                                 .inbox = &r->server->lanes.inbox };
    return task;
}

void jt_task_post(struct jt_task *task)
{
    enum jt_err err = jt_workers_post(task->http->server->vault->workers, &task->job);
    if (err != JT_OK) { /* else the task is a worker's now, which may have ended it already */
        task->err = err;
        done(&task->job);
    }
}
