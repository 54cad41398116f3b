/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/generations/{number}/retire, /pause and /resume: start the job, hold it, let it go on;
 * /retirement: its progress and certificate.
 */
#include "api/operation.h"
#include "base/base64.h"
#include "vault/retirement.h"

static json_t *certificate_json(const struct jt_certificate *c)
{
    char signature[JT_BASE64_LEN(JT_CERTIFICATE_SIGNATURE_LEN) + 1],
        key[JT_BASE64_LEN(JT_CERTIFICATE_PUBLIC_KEY_LEN) + 1];
    jt_base64_encode(c->signature, sizeof c->signature, signature);
    jt_base64_encode(c->public_key, sizeof c->public_key, key);
    return json_pack("{ss,ss,ss}", "text", c->text, "signature", signature, "public_key", key);
}

static json_t *eta_json(const struct jt_retirement_view *v, uint64_t left, double rate)
{
    if (v->job.state != JT_RETIREMENT_DRAINING || left == 0) {
        return json_integer(0);
    }
    return rate > 0 ? json_integer((json_int_t)((double)left / rate + 0.5)) : json_null();
}

/* {"corrupt": 2}: causes of which there are any. */
static json_t *causes_json(const struct jt_stuck_counts *counts)
{
    json_t *object = json_object();
    for (int i = 0; i < JT_N_STUCK_CAUSES && object != NULL; i++) {
        if (counts->by_cause[i] > 0) {
            (void)json_object_set_new(object, jt_stuck_cause_name((enum jt_stuck_cause)i),
                                      json_integer((json_int_t)counts->by_cause[i]));
        }
    }
    return object;
}

/* Which columns of applications keep it, as far as there is room to name them. */
static json_t *columns_json(const struct jt_columns_waiting *w)
{
    json_t *all = json_array();
    for (size_t i = 0; i < w->n; i++) {
        const struct jt_column_waiting *c = &w->columns[i];
        (void)json_array_append_new(
            all, json_pack("{ss,ss,so,so}", "field", c->field, "column", c->column, "envelopes",
                           c->counted ? json_integer((json_int_t)c->envelopes) : json_null(),
                           "counted_at", jt_json_text_or_null(c->counted_at)));
    }
    return all;
}

static json_t *throttle_json(enum jt_throttle_reason reason)
{
    const char *name = jt_throttle_reason_name(reason);
    return name == NULL ? json_null() : json_string(name);
}

static json_t *answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct jt_retirement_view *v = state;
    const struct jt_generation_info *g = &v->generation;
    uint64_t left = jt_generation_rows(g);
    double rate = (double)v->workers.moved_in_1000_s / 1000.0;
    json_t *body = json_pack(
        "{sI,ss,ss,so,so,so,sI,sI,sI,so,sI,so,sf,so,sI,so}", "generation",
        (json_int_t)v->job.generation, "state", jt_retirement_state_name(v->job.state), "actor",
        v->job.actor, "started_at", jt_json_text_or_null(v->job.facts.started_at), "paused_at",
        jt_json_text_or_null(v->job.paused_at), "paused_by", jt_json_text_or_null(v->job.paused_by),
        "rows_left", (json_int_t)left, "rows_moved", (json_int_t)g->rows_moved_out, "rows_stuck",
        (json_int_t)v->stuck.all, "stuck", causes_json(&v->stuck), "workers",
        (json_int_t)v->workers.n, "throttled_by", throttle_json(v->workers.throttled_by), "rate",
        rate, "eta_seconds", eta_json(v, left, rate), "columns_waiting",
        (json_int_t)v->columns.n_all, "columns", columns_json(&v->columns));
    if (body != NULL && v->job.state == JT_RETIREMENT_CERTIFIED) {
        (void)json_object_set_new(body, "certificate", certificate_json(&v->job.certificate));
    }
    return body;
}

static enum jt_err look(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    return jt_retirement_look(ctx, call->params.number, state);
}

static enum jt_err start(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    return jt_retirement_start(ctx, call->params.number, call->actor, state);
}

static enum jt_err start_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    enum jt_err err = look(call, state, ctx);
    return err == JT_ERR_NO_RETIREMENT ? start(call, state, ctx) : err;
}

const struct jt_operation jt_operation_retirement_start = {
    .state_size = sizeof(struct jt_retirement_view),
    .act = start,
    .status = 202,
    .answer = answer,
    .once = JT_ONCE_TAKEN,
    .again = start_again,
};

/* --- what it would be --- */

static enum jt_err project(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    return jt_retirement_project(ctx, call->params.number, state);
}

static json_t *projection_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct jt_projection *p = state;
    return json_pack(
        "{sI,sI,sI,so,so,so,so}", "rows_left", (json_int_t)p->rows_left, "observed_seconds",
        (json_int_t)p->observed_s, "gone_by_itself", (json_int_t)p->gone_by_itself, "end_by_itself",
        jt_json_text_or_null(p->end_by_itself), "job_rate",
        p->job_rate == 0 ? json_null() : json_integer((json_int_t)p->job_rate), "job_rate_of",
        p->job_rate == 0 ? json_null() : json_string(p->rate_is_option ? "option" : "last-job"),
        "end_by_job", jt_json_text_or_null(p->end_by_job));
}

const struct jt_operation jt_operation_retirement_project = {
    .state_size = sizeof(struct jt_projection),
    .act = project,
    .status = 200,
    .answer = projection_answer,
};

/* --- pause and resume --- */

/* To pause what is paused is success: there is nothing else to find for a repeated request. */
static enum jt_err pause_it(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    return jt_retirement_hold(ctx, call->params.number, true, call->actor, state);
}

static enum jt_err resume_it(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    return jt_retirement_hold(ctx, call->params.number, false, call->actor, state);
}

const struct jt_operation jt_operation_retirement_pause = {
    .state_size = sizeof(struct jt_retirement_view),
    .act = pause_it,
    .status = 200,
    .answer = answer,
    .once = JT_ONCE_TAKEN,
    .again = pause_it,
};

const struct jt_operation jt_operation_retirement_resume = {
    .state_size = sizeof(struct jt_retirement_view),
    .act = resume_it,
    .status = 200,
    .answer = answer,
    .once = JT_ONCE_TAKEN,
    .again = resume_it,
};

const struct jt_operation jt_operation_retirement_get = {
    .state_size = sizeof(struct jt_retirement_view),
    .act = look,
    .status = 200,
    .answer = answer,
};
