/* SPDX-License-Identifier: Apache-2.0 */
#include "rest/task.h"

#include "base/log.h"
#include "base/secmem.h"
#include "vault/fault.h"

#include <stdlib.h>
#include <string.h>

static void run(struct jt_job *job, struct jt_work_ctx *ctx)
{
    struct jt_task *task = (struct jt_task *)job;
    task->err = task->run(task, ctx);
    switch (task->err) {
    case JT_OK:
    case JT_ERR_NOT_FOUND:
    case JT_ERR_CONFLICT:
    case JT_ERR_DENIED: break; /* answers, not failures */
    default: {
        char why[JT_WHY_LEN];
        task->in_doubt = task->err == JT_ERR_UNAVAILABLE && jt_db_in_doubt(ctx->db);
        jt_log(JT_LOG_WARNING, "%s %s: %s%s%s", task->http->route->method, task->http->route->path,
               jt_err_str(task->err), jt_why(jt_work_reason(ctx), why),
               task->in_doubt ? "; whether it was done is not known" : "");
    }
    }
}

static void done(struct jt_job *job)
{
    struct jt_task *task = (struct jt_task *)job;
    if (task->err == JT_OK) {
        task->answer(task);
    } else if (task->in_doubt) {
        jt_request_answer_problem(task->http, JT_PROBLEM_OUTCOME_UNKNOWN);
    } else if (task->failed != NULL) {
        task->failed(task);
    } else {
        jt_request_answer_err(task->http, task->err);
    }
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
