/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/fields/{field}: show, and change what may change. */
#include "api/field_json.h"
#include "api/operation.h"
#include "api/rules_members.h"
#include "vault/registry.h"

/* --- show --- */

/* A name of no field is only what somebody sent: it is not repeated. */
static void name_subject(struct jt_work_ctx *ctx, const struct jt_field_row *row)
{
    if (row->spec.id != 0) {
        jt_work_about(ctx, "field %s", row->spec.name);
    }
}

static json_t *answer(const struct jt_api *api, void *state)
{
    (void)api;
    return jt_field_json(state);
}

struct shown {
    struct jt_field_row row; /* first: what the answer is made of */
    bool tell_new;
    uint64_t generation; /* under which its cards are stored now; 0: none is active */
};

/*
 * Whoever stores many cards wants to know before the first one whether it may ask which are new,
 * and as often as it likes: a budget for looking up would be used up by that.
 */
static bool may_tell_new(const struct jt_call *call)
{
    uint32_t both = JT_MAY_TOKENIZE | JT_MAY_LOOKUP;
    return (call->may & both) == both && (call->bounded & JT_MAY_LOOKUP) == 0;
}

static enum jt_err show(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct shown *s = state;
    s->generation = atomic_load(&ctx->vault->active_generation);
    enum jt_err err = jt_registry_get_field_row(ctx, call->params.field, &s->row);
    s->tell_new = err == JT_OK && s->row.spec.kind == JT_FIELD_PAN && may_tell_new(call);
    return err;
}

static json_t *show_answer(const struct jt_api *api, void *state)
{
    const struct shown *s = state;
    json_t *body = answer(api, state);
    json_t *more =
        json_pack("{sb,so}", "tell_new", (int)s->tell_new, "active_generation",
                  s->generation == 0 ? json_null() : json_integer((json_int_t)s->generation));
    if (body == NULL || more == NULL || json_object_update(body, more) != 0) {
        json_decref(body);
        body = NULL;
    }
    json_decref(more);
    return body;
}

const struct jt_operation jt_operation_field_get = {
    .state_size = sizeof(struct shown),
    .act = show,
    .status = 200,
    .answer = show_answer,
};

/* --- change --- */

struct change {
    struct jt_field_row row; /* first: what the answer is made of */
    struct jt_field_patch patch;
};

/* Each leaves what it stands for as it is where it is absent. */
static bool take_luhn(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    *(enum jt_patch_flag *)at = json_is_true(value) ? JT_PATCH_SET : JT_PATCH_CLEAR;
    return json_is_boolean(value);
}

static bool take_mask(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    json_int_t digits = json_integer_value(value);
    *(enum jt_patch_flag *)at = digits == 8 ? JT_PATCH_SET : JT_PATCH_CLEAR;
    return digits == 6 || digits == 8;
}

static bool take_state(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    enum jt_patch_flag *disabled = at;
    return jt_field_state_parse(jt_json_text(value), disabled);
}

static const struct jt_member_kind luhn = { "boolean", take_luhn }, mask = { "integer", take_mask },
                                   standing = { "string", take_state };

static const struct jt_member members[] = {
    { "allow_bad_luhn", &luhn, JT_MEMBER_AT(struct change, patch.allow_bad_luhn),
      .must = "true or false" },
    { "mask_digits", &mask, JT_MEMBER_AT(struct change, patch.mask_eight), .must = "6 or 8" },
    { "state", &standing, JT_MEMBER_AT(struct change, patch.disabled),
      .must = "active or disabled" },
    { "rules", &jt_member_object, JT_MEMBER_AT(struct change, patch.rules), .must = JT_RULES_MUST,
      .within = &jt_rules_members },
};

static enum jt_err change(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct change *c = state;
    enum jt_err err =
        jt_registry_change_field(ctx, call->params.field, &c->patch, call->actor, &c->row);
    name_subject(ctx, &c->row);
    return err;
}

const struct jt_operation jt_operation_field_change = {
    .members = JT_MEMBERS(members),
    .state_size = sizeof(struct change),
    .act = change,
    .status = 200,
    .answer = answer,
};
