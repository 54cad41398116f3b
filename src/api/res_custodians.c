/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/custodians: who they are. POST /v1/custodians: others in their place, approved by two of
 * them. The first ones are enrolled on a keeper's machine and never from here.
 */
#include "api/json.h"
#include "api/operation.h"
#include "base/hex.h"
#include "vault/custody.h"

#include <string.h>

struct state {
    struct jt_custodian_set present, next;
    struct jt_approvals approvals;
};

static bool take_custodians(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_custodian_set *set = at;
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n > JT_CUSTODIANS_MAX) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const char *text = jt_json_text(json_array_get(value, i));
        if (text == NULL || jt_custodian_parse(text, &set->all[i]) != JT_OK) {
            return false;
        }
    }
    set->n = (uint8_t)n;
    return jt_custodian_set_valid(set);
}

static bool take_approvals(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_approvals *approvals = at;
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n > JT_CUSTODIANS_MAX) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const char *text = jt_json_text(json_array_get(value, i));
        if (text == NULL || jt_approval_parse(text, &approvals->all[i]) != JT_OK) {
            return false;
        }
    }
    approvals->n = (uint8_t)n;
    return n > 0;
}

static const struct jt_member_kind custodians = { "array", take_custodians },
                                   approvals = { "array", take_approvals };

static const struct jt_member members[] = {
    { "custodians", &custodians, JT_MEMBER_AT(struct state, next), .required = true,
      .must = "2 to 16 texts of custodians, jcp_..., with different names and keys" },
    { "approvals", &approvals, JT_MEMBER_AT(struct state, approvals), .required = true,
      .must = "texts of approvals, jca_..." },
};

static json_t *answer(const struct jt_api *api, void *arg)
{
    (void)api;
    const struct jt_custodian_set *set = &((const struct state *)arg)->present;
    char text[JT_CUSTODIAN_TEXT_MAX + 1], check_value[2 * JT_CHECK_VALUE_LEN + 1];
    json_t *all = json_array();
    for (size_t i = 0; i < set->n && all != NULL; i++) {
        jt_custodian_format(&set->all[i], text);
        if (json_array_append_new(
                all, json_pack("{ss,ss}", "name", set->all[i].name, "text", text)) != 0) {
            json_decref(all);
            all = NULL;
        }
    }
    jt_hex_encode(set->root_check_value, sizeof set->root_check_value, check_value);
    return all == NULL
               ? NULL
               : json_pack("{sI,so,so,so}", "version", (json_int_t)set->version, "environment",
                           set->version == 0
                               ? json_null()
                               : json_string(set->development ? "development" : "production"),
                           "service_root",
                           jt_json_text_or_null(set->version == 0 ? "" : check_value), "custodians",
                           all);
}

static enum jt_err get(const struct jt_call *call, void *arg, struct jt_work_ctx *ctx)
{
    (void)call;
    return jt_custody_keep_up(ctx, &((struct state *)arg)->present);
}

const struct jt_operation jt_operation_custodians_get = {
    .state_size = sizeof(struct state),
    .act = get,
    .status = 200,
    .answer = answer,
};

static enum jt_err replace(const struct jt_call *call, void *arg, struct jt_work_ctx *ctx)
{
    struct state *s = arg;
    return jt_custody_change(ctx, &s->next, &s->approvals, call->actor, &s->present);
}

/* Done before if they are the present ones by now. */
static enum jt_err replace_again(const struct jt_call *call, void *arg, struct jt_work_ctx *ctx)
{
    struct state *s = arg;
    enum jt_err err = get(call, arg, ctx);
    bool same = err == JT_OK && s->present.n == s->next.n &&
                memcmp(s->present.all, s->next.all, s->next.n * sizeof s->next.all[0]) == 0;
    return err != JT_OK || same ? err : replace(call, arg, ctx);
}

const struct jt_operation jt_operation_custodians_replace = {
    .members = JT_MEMBERS(members),
    .state_size = sizeof(struct state),
    .act = replace,
    .status = 200,
    .answer = answer,
    .once = JT_ONCE_TAKEN,
    .again = replace_again,
};
