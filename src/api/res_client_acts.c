/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/clients/{client}/rotate, disable, enable, remove and, as it was called before, revoke.
 * Each answers when the keeper has seen the set as it then is.
 */
#include "api/client_json.h"
#include "api/client_members.h"
#include "api/operation.h"
#include "base/secmem.h"

#include <string.h>

/* --- rotate --- */

#define OVERLAP_S 86400 /* unless another is given: a day */

struct rotation {
    struct jt_overlap overlap;
    bool again;
    uint64_t until_s;
    struct jt_credential credential;
};

static const struct jt_member rotate_members[] = {
    { "overlap", &jt_member_overlap, JT_MEMBER_AT(struct rotation, overlap),
      .must = JT_OVERLAP_MUST },
    { "again", &jt_member_flag, JT_MEMBER_AT(struct rotation, again), .must = "true or false" },
};

static enum jt_err rotate(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct rotation *r = state;
    uint32_t overlap_s = r->overlap.given ? r->overlap.s : OVERLAP_S;
    return jt_client_rotate(ctx, call->params.client, overlap_s, r->again, call->actor,
                            &r->credential, &r->until_s);
}

static enum jt_err rotate_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct rotation *r = state;
    return jt_client_rekey(ctx, call->params.client, call->done, call->actor, &r->credential,
                           &r->until_s);
}

static json_t *rotate_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct rotation *r = state;
    char key[JT_API_KEY_MAX + 1];
    jt_credential_format(&r->credential, key);
    json_t *body = json_pack("{ss,so,ss}", "id", r->credential.id, "old_secret_until",
                             jt_json_time_or_null(r->until_s), "api_key", key);
    jt_wipe(key, sizeof key);
    return body;
}

const struct jt_operation jt_operation_client_rotate = {
    .members = JT_MEMBERS(rotate_members),
    .state_size = sizeof(struct rotation),
    .act = rotate,
    .status = 200,
    .answer = rotate_answer,
    .once = JT_ONCE_TAKEN,
    .again = rotate_again,
};

/* --- disable, enable, remove --- */

struct standing {
    json_t *client;
};

static void keep(void *arg, const struct jt_client_seen *seen)
{
    ((struct standing *)arg)->client = jt_client_json(seen);
}

static enum jt_err show(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    return jt_inspect_client(ctx, call->params.client, keep, state);
}

static enum jt_err change(const struct jt_call *call, void *state, struct jt_work_ctx *ctx,
                          enum jt_standing standing)
{
    enum jt_err err = jt_client_set_state(ctx, call->params.client, standing, call->actor);
    return err == JT_OK ? show(call, state, ctx) : err;
}

/* It must stand as it was asked for: somebody may have changed it since. */
static enum jt_err change_again(const struct jt_call *call, void *state, struct jt_work_ctx *ctx,
                                const char *wanted)
{
    const struct standing *s = state;
    enum jt_err err = show(call, state, ctx);
    const char *is = json_string_value(json_object_get(s->client, "state"));
    return err == JT_OK && (is == NULL || strcmp(is, wanted) != 0) ? JT_ERR_CHANGED_SINCE : err;
}

#define STANDING_ACT(name, standing, wanted)                                                  \
    static enum jt_err name(const struct jt_call *call, void *state, struct jt_work_ctx *ctx) \
    {                                                                                         \
        return change(call, state, ctx, standing);                                            \
    }                                                                                         \
    static enum jt_err name##_again(const struct jt_call *call, void *state,                  \
                                    struct jt_work_ctx *ctx)                                  \
    {                                                                                         \
        return change_again(call, state, ctx, wanted);                                        \
    }

STANDING_ACT(disable, JT_ROW_DISABLED, "disabled")
STANDING_ACT(enable, JT_ROW_ACTIVE, "active")
STANDING_ACT(revoke, JT_ROW_REVOKED, "removed")

static json_t *answer(const struct jt_api *api, void *state)
{
    (void)api;
    return json_incref(((struct standing *)state)->client);
}

static void clear(void *state)
{
    json_decref(((struct standing *)state)->client);
}

#define STANDING(how)                                                                       \
    {                                                                                       \
        .state_size = sizeof(struct standing), .act = how, .status = 200, .answer = answer, \
        .clear = clear, .once = JT_ONCE_TAKEN, .again = how##_again,                        \
    }

const struct jt_operation jt_operation_client_disable = STANDING(disable);
const struct jt_operation jt_operation_client_enable = STANDING(enable);
const struct jt_operation jt_operation_client_remove = STANDING(revoke);
