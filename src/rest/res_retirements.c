/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/generations/{number}/retire and /retirement: start the job; its progress and certificate. */
#include "base/base64.h"
#include "rest/handlers.h"
#include "rest/members.h"
#include "rest/task.h"
#include "store/retirements.h"
#include "vault/retirement.h"

#include <stdio.h>

struct retirement {
    struct jt_task task;
    struct jt_retirement job;
    struct jt_generation_info info;
};

static const char *state_name(enum jt_retirement_state state)
{
    switch (state) {
    case JT_RETIREMENT_DRAINING: return "draining";
    case JT_RETIREMENT_RETIRED: return "retired";
    case JT_RETIREMENT_CERTIFIED: return "certified";
    }
    return "unknown";
}

static enum jt_err load(struct retirement *t, struct jt_work_ctx *ctx, uint64_t number)
{
    enum jt_err err = jt_retirement_get(ctx->db, number, &t->job);
    return err == JT_OK ? jt_generation_get(ctx->db, number, &t->info) : err;
}

/*
 * The job stands: if it cannot be read any more, what is known of it is told, and not that nothing
 * was done.
 */
static void load_after(struct retirement *t, struct jt_work_ctx *ctx)
{
    uint64_t number = t->task.http->params.number;
    enum jt_err err = load(t, ctx, number);
    if (jt_err_class(err) == JT_CLASS_REPEAT) {
        err = load(t, ctx, number); /* on a new connection */
    }
    if (err != JT_OK) {
        t->job = (struct jt_retirement){ .generation = number, .state = JT_RETIREMENT_DRAINING };
        snprintf(t->job.actor, sizeof t->job.actor, "%s", t->task.http->client);
    }
}

static enum jt_err run_start(struct jt_task *task, struct jt_work_ctx *ctx)
{
    struct retirement *t = (struct retirement *)task;
    uint64_t number = task->http->params.number;
    enum jt_err err = jt_retirement_ask(ctx, number, task->http->client);
    if (err == JT_OK) {
        load_after(t, ctx);
    }
    return err;
}

static enum jt_err run_get(struct jt_task *task, struct jt_work_ctx *ctx)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    return err == JT_OK ? load((struct retirement *)task, ctx, task->http->params.number) : err;
}

static json_t *certificate_json(const struct jt_certificate *c)
{
    char signature[JT_BASE64_LEN(JT_CERTIFICATE_SIGNATURE_LEN) + 1],
        key[JT_BASE64_LEN(JT_CERTIFICATE_PUBLIC_KEY_LEN) + 1];
    jt_base64_encode(c->signature, sizeof c->signature, signature);
    jt_base64_encode(c->public_key, sizeof c->public_key, key);
    return json_pack("{ss,ss,ss}", "text", c->text, "signature", signature, "public_key", key);
}

static json_t *retirement_json(const struct retirement *t)
{
    uint64_t left = t->info.rows_written + t->info.rows_moved_in - t->info.rows_moved_out;
    double rate = (double)t->job.moved_in_1000_s / 1000.0;
    json_t *eta = json_null();
    if (t->job.state != JT_RETIREMENT_DRAINING || left == 0) {
        eta = json_integer(0);
    } else if (rate > 0) {
        eta = json_integer((json_int_t)((double)left / rate + 0.5));
    }
    json_t *body = json_pack(
        "{sI,ss,ss,so,sI,sI,sI,sf,so}", "generation", (json_int_t)t->job.generation, "state",
        state_name(t->job.state), "actor", t->job.actor, "started_at",
        t->job.facts.started_at[0] == '\0' ? json_null() : json_string(t->job.facts.started_at),
        "rows_left", (json_int_t)left, "rows_moved", (json_int_t)t->info.rows_moved_out,
        "rows_stuck", (json_int_t)t->job.rows_stuck, "rate", rate, "eta_seconds", eta);
    if (body != NULL && t->job.state == JT_RETIREMENT_CERTIFIED) {
        (void)json_object_set_new(body, "certificate", certificate_json(&t->job.certificate));
    }
    return body;
}

static void answer(struct jt_task *task, int status)
{
    jt_request_answer_json(task->http, status, retirement_json((struct retirement *)task));
}

static void answer_started(struct jt_task *task)
{
    answer(task, 202);
}

static void answer_get(struct jt_task *task)
{
    answer(task, 200);
}

static void post(struct jt_request *r, enum jt_err (*run)(struct jt_task *, struct jt_work_ctx *),
                 void (*done)(struct jt_task *))
{
    struct retirement *t = jt_task_new(r, sizeof *t);
    if (t != NULL) {
        t->task.run = run;
        t->task.answer = done;
        jt_task_post(&t->task);
    }
}

void jt_handle_retirement_start(struct jt_request *r)
{
    static const char *const no_members[] = { NULL };
    if (!jt_members_only(r, no_members)) {
        return;
    }
    post(r, run_start, answer_started);
}

void jt_handle_retirement_get(struct jt_request *r)
{
    post(r, run_get, answer_get);
}
