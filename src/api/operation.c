/* SPDX-License-Identifier: Apache-2.0 */
#include "api/operation.h"

#include "api/api.h"
#include "api/json.h"
#include "base/container.h"
#include "base/log.h"
#include "base/secmem.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All that a worker gets to see. */
struct work {
    struct jt_job job;
    const struct jt_operation *operation;
    struct jt_call call;
    struct jt_claim claim; /* its texts are here and in the call */
    char key[JT_ONCE_KEY_MAX + 1];
    void *state;
    enum jt_err err; /* what the act returned */
    bool lacks;      /* what it made for the answer may not be whole: memory ran out */
    char subject[sizeof((struct jt_fault *)0)->subject]; /* what it failed about */
};

struct task {
    struct work work;
    struct jt_request *request; /* the loop's */
    max_align_t state[];
};

enum jt_body_rule jt_operation_body(const char *method, const struct jt_operation *operation)
{
    if (strcmp(method, "GET") == 0 || strcmp(method, "DELETE") == 0) {
        return JT_BODY_NONE;
    }
    bool needed = operation->one_of;
    for (size_t i = 0; i < operation->members.n; i++) {
        needed |= operation->members.all[i].required;
    }
    return needed ? JT_BODY_OBJECT : JT_BODY_OPTIONAL;
}

/* --- on a worker --- */

static void name_subject(const struct jt_route_params *params, struct jt_work_ctx *ctx)
{
    if (params->number != 0) {
        jt_work_about(ctx, "generation %" PRIu64, params->number);
    } else if (jt_client_id_valid(params->client) && !jt_name_is_cardlike(params->client)) {
        jt_work_about(ctx, "client %s", params->client);
    } else if (jt_node_name_valid(params->node) && !jt_name_is_cardlike(params->node)) {
        jt_work_about(ctx, "node %s", params->node);
    } else {
        jt_work_about(ctx, "%s", "");
    }
}

static void run(struct jt_job *job, struct jt_work_ctx *ctx)
{
    struct work *w = jt_container_of(job, struct work, job);
    name_subject(&w->call.params, ctx);
    ctx->origin = w->call.origin;
    jt_db_claim(ctx->db, w->claim.key == NULL ? NULL : &w->claim);
    jt_json_begin();
    w->err = w->call.done != 0 ? w->operation->again(&w->call, w->state, ctx)
                               : w->operation->act(&w->call, w->state, ctx);
    w->lacks |= jt_json_ran_out();
    jt_db_claim(ctx->db, NULL);
    if (jt_work_comes_again(ctx)) {
        return;
    }
    memcpy(w->subject, ctx->fault.subject, sizeof w->subject);
    /* What the caller got wrong is for the caller to know; all else is for the operator as well. */
    if (jt_problem_status(jt_problem_of_err(w->err)) >= 500) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "%s %s: request %s: %s", w->call.route->method, w->call.route->path,
               w->call.request_id, jt_fault_line(&ctx->fault, w->err, line));
    }
}

/* --- on the loop --- */

static void answer(struct jt_request *r)
{
    const struct work *w = &((const struct task *)r->state)->work;
    jt_json_begin();
    json_t *body = w->operation->answer(r->api, w->state);
    if (w->lacks || jt_json_ran_out()) {
        json_decref(body);
        body = NULL;
    }
    jt_request_answer_json(r, w->operation->status, body);
}

static void write_failure(const void *arg, struct jt_buf *out)
{
    const struct work *w = arg;
    w->operation->failure(w->err, w->state, out);
}

static void answer_failure(struct jt_request *r)
{
    const struct work *w = &((const struct task *)r->state)->work;
    jt_request_answer_fault_with(r, w->err, w->subject,
                                 w->operation->failure == NULL ? NULL : write_failure, w);
}

/*
 * What succeeded is remembered once more: there may have been nothing to do, and no transaction
 * that remembers it.
 */
static void done(struct jt_job *job)
{
    struct work *w = jt_container_of(job, struct work, job);
    struct jt_request *r = jt_container_of(w, struct task, work)->request;
    if (w->err != JT_OK) {
        jt_once_release(r, NULL, 0, answer_failure); /* first: whoever repeats it may be quick */
    } else if (jt_once_claimed(r) == NULL) {
        answer(r);
    } else {
        uint64_t (*mark)(const void *) = w->operation->mark;
        jt_once_release_done(r, mark == NULL ? 1 : mark(w->state), answer);
    }
}

static void free_task(void *state)
{
    struct task *task = state;
    if (task->work.operation->clear != NULL) {
        task->work.operation->clear(task->work.state);
    }
    jt_wipe_free(task);
}

static void take_claim(const struct jt_request *r, struct work *w)
{
    const struct jt_claim *claim = jt_once_claimed(r);
    if (claim != NULL) {
        w->claim = *claim;
        (void)snprintf(w->key, sizeof w->key, "%s", claim->key);
        w->claim.key = w->key;
        w->claim.client = w->call.actor;
        w->call.done = jt_once_done(r);
    }
}

static struct task *new_task(struct jt_request *r)
{
    const struct jt_operation *operation = r->route->operation;
    struct task *task = calloc(1, sizeof *task + operation->state_size);
    if (task == NULL) {
        return NULL;
    }
    bool reads = strcmp(r->route->method, "GET") == 0; /* all others may wait for a lock */
    task->request = r;
    task->work = (struct work){
        .job = { .kind = reads ? JT_WORK_LOOKUP : JT_WORK_ACT,
                 .run = run,
                 .done = done,
                 .inbox = &r->api->lanes->inbox },
        .operation = operation,
        .call = { .route = r->route,
                  .params = r->params,
                  .credential = r->credential,
                  .may = r->may,
                  .bounded = r->bounded },
        .state = task->state,
    };
    task->work.call.origin = r->origin;
    memcpy(task->work.call.actor, r->client, sizeof r->client);
    memcpy(task->work.call.request_id, r->http.answer.request_id, JT_REQUEST_ID_TEXT);
    take_claim(r, &task->work);
    r->state = task;
    r->state_free = free_task;
    return task;
}

static void serve(struct jt_request *r)
{
    const struct jt_operation *operation = r->route->operation;
    if (operation->handler != NULL) {
        operation->handler(r);
        return;
    }
    struct task *task = new_task(r);
    if (task == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    struct work *w = &task->work;
    if (!jt_members_read(r, &operation->members, w->state)) {
        return;
    }
    enum jt_err err = jt_workers_post(r->api->vault->workers, &w->job);
    if (err != JT_OK) { /* else the task is a worker's now, which may have ended it already */
        jt_request_answer_err(r, err);
    }
}

void jt_operation_serve(struct jt_request *r)
{
    jt_once_claim(r, serve);
}
