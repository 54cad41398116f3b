/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/generations/{number}/retire and /retirement: start the job; its progress and certificate. */
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

static json_t *answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct jt_retirement_view *v = state;
    const struct jt_generation_info *g = &v->generation;
    uint64_t left = jt_generation_rows(g);
    double rate = (double)v->job.moved_in_1000_s / 1000.0;
    json_t *body = json_pack(
        "{sI,ss,ss,so,sI,sI,sI,sf,so}", "generation", (json_int_t)v->job.generation, "state",
        jt_retirement_state_name(v->job.state), "actor", v->job.actor, "started_at",
        jt_json_text_or_null(v->job.facts.started_at), "rows_left", (json_int_t)left, "rows_moved",
        (json_int_t)g->rows_moved_out, "rows_stuck", (json_int_t)v->job.rows_stuck, "rate", rate,
        "eta_seconds", eta_json(v, left, rate));
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

const struct jt_operation jt_operation_retirement_get = {
    .state_size = sizeof(struct jt_retirement_view),
    .act = look,
    .status = 200,
    .answer = answer,
};
