/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/node/accept-ids: an operator's word that ids may lie far ahead of the keeper's clock.
 * POST /v1/node/accept-numeric: the same that numeric tokens may be issued on this database.
 * POST /v1/node/accept-sets: the same that older sets of clients and fields shall be current.
 */
#include "api/operation.h"
#include "vault/accept.h"
#include "vault/numeric.h"

struct word {
    char reason[128];
    uint64_t newest_ms;
};

static const struct jt_member members[] = {
    { "reason", &jt_member_text, JT_MEMBER_AT(struct word, reason), .required = true,
      .valid = jt_text_is_reason, .must = JT_REASON_MUST },
};

static enum jt_err accept_ids(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct word *w = state;
    return jt_accept_ids(ctx, call->actor, w->reason, &w->newest_ms);
}

/* Nothing of it is in a transaction: what was answered is remembered afterwards. */
static uint64_t ids_mark(const void *state)
{
    return ((const struct word *)state)->newest_ms + 1;
}

static enum jt_err ids_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    ((struct word *)state)->newest_ms = call->done - 1;
    return atomic_load(&ctx->vault->mint) == JT_MINT_READY ? JT_OK : JT_ERR_CHANGED_SINCE;
}

static json_t *ids_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct word *w = state;
    return json_pack("{sI}", "newest_ms_since_2020", (json_int_t)w->newest_ms);
}

const struct jt_operation jt_operation_accept_ids = {
    .members = JT_MEMBERS(members),
    .state_size = sizeof(struct word),
    .act = accept_ids,
    .status = 200,
    .answer = ids_answer,
    .once = JT_ONCE_TAKEN,
    .again = ids_again,
    .mark = ids_mark,
};

static enum jt_err accept_sets(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    return jt_accept_sets(ctx, &call->credential, ((const struct word *)state)->reason);
}

/* Nothing must wait for a word any more: what went back since is another matter. */
static enum jt_err sets_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    (void)call;
    (void)state;
    return atomic_load(&ctx->vault->sets.all_good) ? JT_OK : JT_ERR_CHANGED_SINCE;
}

static enum jt_err numeric_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    (void)call;
    (void)state;
    return atomic_load(&ctx->vault->numeric.closed) ? JT_ERR_CHANGED_SINCE : JT_OK;
}

static json_t *accepted_answer(const struct jt_api *api, void *state)
{
    (void)api;
    (void)state;
    return json_pack("{sb}", "accepted", 1);
}

static enum jt_err accept_numeric(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    return jt_numeric_accept(ctx, call->actor, ((const struct word *)state)->reason);
}

const struct jt_operation jt_operation_accept_numeric = {
    .members = JT_MEMBERS(members),
    .state_size = sizeof(struct word),
    .act = accept_numeric,
    .status = 200,
    .answer = accepted_answer,
    .once = JT_ONCE_TAKEN,
    .again = numeric_again,
};

const struct jt_operation jt_operation_accept_sets = {
    .members = JT_MEMBERS(members),
    .state_size = sizeof(struct word),
    .act = accept_sets,
    .status = 200,
    .answer = accepted_answer,
    .once = JT_ONCE_TAKEN,
    .again = sets_again,
};
